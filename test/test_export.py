# Copyright 2026 ros2_refseg contributors
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.

"""The exported network: what another runtime computes is what PyTorch computes."""

import json

import numpy as np
import pytest
import torch
from small_networks import make_network

from ros2_refseg.cefnet import stretch
from ros2_refseg.checkpoint import Checkpoint
from ros2_refseg.cli import main
from ros2_refseg.data.vocabulary import Vocabulary
from ros2_refseg.export import export_checkpoint, stretch_matrix

onnxruntime = pytest.importorskip('onnxruntime')
pytest.importorskip('onnx')
VOCABULARY = Vocabulary(('left', 'mug', 'red', 'the'))


def tiny(**changes) -> Checkpoint:
    """Make a small network whose answers have edges, as a trained one's."""
    return Checkpoint(make_network(**changes), VOCABULARY)


@pytest.mark.parametrize('changes', [
    {'coattention': 'acm', 'presence': True},
    {'coattention': 'vcm', 'presence': True, 'image_size': 72},  # whose last cells are cut
    {'coattention': 'vcm', 'boundary': False, 'fusion': 'decoder'},
])
def test_a_runtime_computes_what_pytorch_computes(tmp_path, changes):
    checkpoint = tiny(**changes)
    frames, sentences, _ = (
        onnxruntime.InferenceSession(path) if path.suffix == '.onnx' else path
        for path in export_checkpoint(checkpoint, tmp_path / 'net.onnx')
    )
    rng = np.random.default_rng(0)
    for shape, words in (((45, 70), [[4, 3]]), ((120, 90), [[5, 4, 3], [2, 3, 0], [1, 5, 3]])):
        image = rng.integers(0, 256, (*shape, 3), np.uint8)
        encoded = sentences.run(None, {'word_ids': np.array(words)})
        language = dict(zip(('words', 'present', 'sentence'), encoded, strict=True))
        answer, *presence = frames.run(None, {'image': image, **language})
        with torch.no_grad():
            expected = checkpoint.network.segment(
                torch.from_numpy(image).permute(2, 0, 1)[None].float(),
                checkpoint.network.language(torch.tensor(words)),
            )
        assert answer.shape == (len(words), 1 + checkpoint.network.config.boundary, *shape)
        assert np.ptp(expected[0].numpy()) > 0.1, 'an answer with edges'
        for channel, probability in zip(range(answer.shape[1]), expected, strict=False):
            assert np.abs(answer[:, channel] - probability.numpy()).max() < 1e-3
        assert len(presence) == checkpoint.network.config.presence
        for each in presence:
            assert np.abs(each - expected[2].sigmoid().numpy()).max() < 1e-3


@pytest.mark.parametrize('size', [(48, 64), (64, 64), (100, 333), (7, 5)])
def test_the_stretch_by_matrices_is_pytorchs(size):
    image = torch.rand(1, 3, *size) * 255
    expected = stretch(image, 64)
    height, width = (stretch_matrix(length, 64) for length in size)
    assert torch.allclose(height @ image @ width.T, expected, atol=1e-3)


def test_the_command_writes_what_a_caller_needs(tmp_path, capsys):
    tiny().save(tmp_path / 'net.safetensors')
    out = tmp_path / 'out/net.onnx'
    checkpoint = str(tmp_path / 'net.safetensors')
    assert main(['export', '--checkpoint', checkpoint, '--out', str(out)]) == 0
    facts = json.loads(out.with_suffix('.json').read_text())
    assert facts['vocabulary'] == list(VOCABULARY.words)
    assert facts['config']['image_size'] == 64
    assert 'net.text.onnx' in capsys.readouterr().out
    assert main(['export', '--checkpoint', 'acm', '--out', str(tmp_path / 'net.pt')]) == 2
    assert "net.pt' does not end in .onnx" in capsys.readouterr().err
