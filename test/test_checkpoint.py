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

"""Checkpoints: what is saved comes back, and a bad file is refused with its reason."""

import copy
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from ros2_refseg.bundled import BUNDLED, DEFAULT, bundled_checkpoints
from ros2_refseg.cefnet import CEFNet, CEFNetConfig
from ros2_refseg.checkpoint import (
    Checkpoint,
    CheckpointError,
    choose_device,
    resolve_checkpoint,
    write_atomically,
)
from ros2_refseg.confidence import Calibration
from ros2_refseg.data.vocabulary import Vocabulary


@pytest.fixture(scope='module')
def checkpoint() -> Checkpoint:
    torch.manual_seed(0)
    vocabulary = Vocabulary(('cup', 'red', 'r\N{LATIN SMALL LETTER O WITH DIAERESIS}t'))
    config = CEFNetConfig.from_preset(
        'edge', vocabulary_size=len(vocabulary), coattention='vcm', image_size=64
    )
    return Checkpoint(
        CEFNet(config).eval(), vocabulary, {'iterations': 3}, {'val': {'overall_iou': 0.5}}
    )


@pytest.fixture(scope='module')
def saved(checkpoint, tmp_path_factory):
    path = tmp_path_factory.mktemp('checkpoint') / 'new/net.safetensors'
    checkpoint.save(path)
    return path


def test_round_trip(checkpoint, saved):
    loaded = Checkpoint.load(saved)
    assert loaded.network.config == checkpoint.network.config
    assert loaded.vocabulary == checkpoint.vocabulary
    assert (loaded.training, loaded.scores) == (checkpoint.training, checkpoint.scores)
    assert loaded.calibration is None
    assert not loaded.network.training
    for name, weight in checkpoint.network.state_dict().items():
        expected = weight.half().to(weight.dtype) if weight.is_floating_point() else weight
        assert torch.equal(loaded.network.state_dict()[name], expected), name


def test_a_calibration_comes_back(checkpoint, tmp_path):
    calibration = Calibration(
        {'expected_iou': 1.25, 'one_piece': -0.5}, 0.75, 0.4, {'auc_right': 0.9, 'data': 'x'}
    )
    path = tmp_path / 'calibrated.safetensors'
    replace(checkpoint, calibration=calibration).save(path)
    assert Checkpoint.load(path).calibration == calibration


WEIGHTS = '"weights": {"expected_iou": 1, "one_piece": 1}'


@pytest.mark.parametrize('damage', [
    'none', 'null', '[1, 2]', '{}', '"text"', f'{{{WEIGHTS}, "intercept": 0}}',
    '{"weights": {"peak": 1}, "intercept": 0, "found_threshold": 0.5}',
    f'{{{WEIGHTS}, "intercept": NaN, "found_threshold": 0.5}}',
    f'{{{WEIGHTS}, "intercept": [], "found_threshold": 0.5}}',
    f'{{{WEIGHTS}, "intercept": 0, "found_threshold": 7}}',
    f'{{{WEIGHTS}, "intercept": 0, "found_threshold": 0, "x": 1}}',
    '{"weights": {"expected_iou": 1, "one_piece": 1, "presence": 1}, "intercept": 0, '
    '"found_threshold": 0}',  # of a network with a classifier of that, which this one has not
    pytest.param(f'{{{WEIGHTS}, "intercept": 1{"0" * 400}, "found_threshold": 0}}', id='huge'),
    pytest.param('[' * 100_000, id='deep'),
])
def test_a_damaged_calibration_is_refused(saved, tmp_path, damage):
    path = with_metadata(saved, tmp_path, calibration=damage)
    with pytest.raises(CheckpointError, match=r"foreign.safetensors' has a damaged calibration"):
        Checkpoint.load(path)


def with_metadata(saved, folder, **changes) -> Path:
    """Write a checkpoint again with other metadata."""
    from safetensors import safe_open

    with safe_open(saved, 'pt') as file:
        metadata = file.metadata()
    path = folder / 'foreign.safetensors'
    save_file(load_file(saved), path, {**metadata, **changes})
    return path


@pytest.mark.parametrize('words, problem', [
    ('["cup", "red", 7]', 'has 7, which is no word'),
    ('["cup", "red", ["red"]]', r"has \['red'\], which is no word"),
    ('["cup", "red", null]', 'has None, which is no word'),
    ('["cup", "red", "red"]', "has 'red' 2 times; each word is there once"),
])
def test_a_vocabulary_that_is_none_is_refused(saved, tmp_path, words, problem):
    path = with_metadata(saved, tmp_path, vocabulary=words)
    with pytest.raises(CheckpointError, match=f"foreign.safetensors' .* {problem}"):
        Checkpoint.load(path)


def test_half_precision_on_disk(checkpoint, saved):
    weights = sum(weight.numel() for weight in checkpoint.network.state_dict().values())
    assert saved.stat().st_size < 2.01 * weights
    assert list(saved.parent.iterdir()) == [saved]


def test_a_missing_file_names_the_bundled_ones(tmp_path):
    with pytest.raises(CheckpointError, match=r"no file 'x\.safetensors'; bundled ones: acm, vcm"):
        resolve_checkpoint('x.safetensors')
    with pytest.raises(CheckpointError, match='no file'):
        Checkpoint.load(tmp_path / 'x.safetensors')


@pytest.mark.parametrize('damage', [b'', b'not safetensors at all', 'half'])
def test_a_damaged_file_is_refused(saved, tmp_path, damage):
    content = saved.read_bytes()
    path = tmp_path / 'damaged.safetensors'
    path.write_bytes(content[:len(content) // 2] if damage == 'half' else damage)
    with pytest.raises(CheckpointError, match='not a readable safetensors file'):
        Checkpoint.load(path)


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(CheckpointError, match='no file'):
        resolve_checkpoint(tmp_path)


@pytest.mark.parametrize('metadata_format, message', [
    ('pt', 'is not a CEFNet checkpoint'),
    ('ros2_refseg-1', 'is a checkpoint of another version of ros2_refseg'),
])
def test_a_foreign_file_is_refused(tmp_path, metadata_format, message):
    path = tmp_path / 'foreign.safetensors'
    save_file({'weight': torch.zeros(3)}, path, {'format': metadata_format})
    with pytest.raises(CheckpointError, match=message):
        Checkpoint.load(path)


def test_infinite_weights_are_neither_written_nor_read(checkpoint, saved, tmp_path):
    from safetensors import safe_open

    path = tmp_path / 'infinite.safetensors'
    network = copy.deepcopy(checkpoint.network)
    weight = network.decoder.mask_logits[0].weight
    with torch.no_grad():
        weight[0, 0] = 1e5  # more than half precision holds
    with pytest.raises(CheckpointError, match=r"not written: .* 'decoder.mask_logits.0.weight'"):
        replace(checkpoint, network=network).save(path)
    assert not path.exists()
    with safe_open(saved, 'pt') as file:
        metadata = file.metadata()
    weights = load_file(saved)
    weights['decoder.mask_logits.0.weight'][0, 0] = torch.nan
    save_file(weights, path, metadata)
    with pytest.raises(CheckpointError, match=r"infinite.safetensors' has weights that are no fin"):
        Checkpoint.load(path)


def test_weights_that_do_not_fit_the_configuration_are_refused(saved, tmp_path):
    from safetensors import safe_open

    with safe_open(saved, 'pt') as file:
        metadata = file.metadata()
    path = tmp_path / 'mixed.safetensors'
    weights = load_file(saved)
    save_file(weights, path, {**metadata, 'vocabulary': '["one"]'})
    with pytest.raises(CheckpointError, match='holds 3 words and padding, but embeddings for 5'):
        Checkpoint.load(path)
    weights.pop('language.embedding.weight')
    save_file(weights, path, metadata)
    with pytest.raises(CheckpointError, match='does not fit its own metadata'):
        Checkpoint.load(path)


def test_an_interrupted_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / 'state'
    write_atomically(path, b'old')

    def killed(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, 'replace', killed)
    with pytest.raises(KeyboardInterrupt):
        write_atomically(path, b'new')
    assert path.read_bytes() == b'old'
    assert list(tmp_path.iterdir()) == [path]


def test_bundled_checkpoints_are_there_and_fit_their_names():
    found = bundled_checkpoints()
    assert tuple(found) == BUNDLED and DEFAULT in BUNDLED
    for name, path in found.items():
        assert path.stat().st_size <= 24_000_000
        assert Checkpoint.load(path).network.config.coattention == name
        assert path.with_suffix('.md').is_file(), 'a checkpoint comes with its model card'


@pytest.mark.parametrize('device', ['gpu', 'cuda:', 'cuda:x', 'cpu:0', ''])
def test_an_unknown_device_is_refused(device):
    with pytest.raises(ValueError, match='none of auto, cpu, cuda, cuda:N'):
        choose_device(device)


@pytest.mark.skipif(torch.cuda.is_available(), reason='this machine has a CUDA device')
@pytest.mark.parametrize('device', ['cuda', 'cuda:1'])
def test_cuda_where_there_is_none_is_refused(device):
    with pytest.raises(ValueError, match=f"'{device}' asked for, but this machine has no CUDA"):
        choose_device(device)
    assert choose_device('auto') == torch.device('cpu')
