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

"""``refseg quantize``: what it writes, that engines use it, and that they refuse a foreign one."""

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from small_networks import make_network

from ros2_refseg.checkpoint import Checkpoint
from ros2_refseg.cli import main
from ros2_refseg.engines import OpenVINOEngine, quantized_path
from ros2_refseg.segmenter import Segmenter

pytest.importorskip('openvino')
pytest.importorskip('onnx')
pytest.importorskip('nncf')

SENTENCES = ['the red square', 'the blue square']


@pytest.fixture(scope='module', autouse=True)
def cache(tmp_path_factory) -> Iterator[None]:
    """Keep the developer's own conversions out of it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv('XDG_CACHE_HOME', str(tmp_path_factory.mktemp('cache')))
        yield


@pytest.fixture(scope='module', params=['acm', 'vcm'])
def checkpoint(request, tmp_path_factory, squares) -> Path:
    """Give a checkpoint with its network in int8 beside it."""
    from ros2_refseg.data.vocabulary import Vocabulary

    path = tmp_path_factory.mktemp('quantized') / 'network.safetensors'
    network = make_network(coattention=request.param)
    Checkpoint(network, Vocabulary(('red', 'blue', 'square', 'the'))).save(path)
    command = ['quantize', '--checkpoint', str(path), '--data', str(squares), '--samples', '4']
    assert main(command) == 0
    return path


@pytest.fixture
def image() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (45, 70, 3), np.uint8)


def test_two_files_lie_beside_the_checkpoint(checkpoint):
    assert sorted(path.name for path in checkpoint.parent.iterdir()) == [
        'network.int8.bin', 'network.int8.xml', 'network.safetensors'
    ]
    weights = quantized_path(checkpoint).with_suffix('.bin')
    assert weights.stat().st_size < 0.6 * checkpoint.stat().st_size, 'a byte a weight, not two'


def test_int8_gives_nearly_what_floats_give(checkpoint, image):
    floats = Segmenter.load(checkpoint, 'cpu', 'fp32', 'openvino')
    integers = Segmenter.load(checkpoint, 'cpu', 'int8')
    assert (integers.engine.name, integers.precision) == ('openvino', 'int8')
    for sentences in (SENTENCES[:1], SENTENCES):
        exact = floats.segment(image, sentences)
        rounded = integers.segment(image, sentences)
        for one, other in zip(exact, rounded, strict=True):
            difference = np.abs(one.probability - other.probability)
            assert 1e-2 < difference.max(), 'it is not computed in floats'
            assert difference.mean() < 0.05 < np.ptp(one.probability)


def choose(network, quantized, capabilities, monkeypatch) -> OpenVINOEngine:
    """Make an engine of precision auto on a CPU that can do what is said."""
    import openvino

    real = openvino.Core

    class Core:
        def __init__(self) -> None:
            self.core = real()

        def get_property(self, device, name):
            return capabilities if name == 'OPTIMIZATION_CAPABILITIES' else None

        def __getattr__(self, name):
            return getattr(self.core, name)

    monkeypatch.setattr(openvino, 'Core', Core)
    return OpenVINOEngine(network, 'auto', quantized)


@pytest.mark.parametrize('capabilities, precision', [
    (['FP32', 'INT8', 'BF16'], 'bf16'), (['FP32', 'INT8'], 'int8'),
])
def test_auto_takes_int8_where_the_cpu_has_no_bf16(
    checkpoint, capabilities, precision, monkeypatch
):
    network = Checkpoint.load(checkpoint).network
    engine = choose(network, quantized_path(checkpoint), capabilities, monkeypatch)
    assert engine.precision == precision and not engine.reason


def test_int8_of_other_weights_is_not_used(checkpoint, tmp_path, monkeypatch):
    trained_on = tmp_path / 'network.safetensors'
    for suffix in ('.int8.xml', '.int8.bin'):
        shutil.copy(checkpoint.with_suffix(suffix), trained_on.with_suffix(suffix))
    loaded = Checkpoint.load(checkpoint)
    with torch.no_grad():
        loaded.network.decoder.mask_logits[-1].weight.add_(0.1)
    loaded.save(trained_on)
    with pytest.raises(ValueError, match='other weights than those of the checkpoint beside it'):
        Segmenter.load(trained_on, 'cpu', 'int8')
    engine = choose(loaded.network, quantized_path(trained_on), ['FP32'], monkeypatch)
    assert engine.precision == 'fp32' and 'refseg quantize' in engine.reason


@pytest.mark.parametrize('suffix', ['.int8.xml', '.int8.bin'])
def test_a_damaged_file_is_not_used(checkpoint, tmp_path, suffix, monkeypatch):
    for each in checkpoint.parent.iterdir():
        shutil.copy(each, tmp_path)
    path = tmp_path / checkpoint.name
    damaged = path.with_suffix(suffix)
    damaged.write_bytes(damaged.read_bytes()[:1000])
    with pytest.raises(ValueError, match="cannot be read, 'refseg quantize' makes it anew"):
        Segmenter.load(path, 'cpu', 'int8')
    engine = choose(Checkpoint.load(path).network, quantized_path(path), ['FP32'], monkeypatch)
    assert engine.precision == 'fp32' and 'cannot be read' in engine.reason


def test_int8_before_it_was_made_names_the_command(checkpoint, tmp_path):
    copied = shutil.copy(checkpoint, tmp_path)
    with pytest.raises(ValueError, match=r"'int8' wants the file 'network.int8.xml'.*quantize"):
        Segmenter.load(copied, 'cpu', 'int8')


def test_int8_is_for_openvino_alone(checkpoint, monkeypatch):
    with pytest.raises(ValueError, match="for the backend 'openvino' on the device 'cpu'"):
        Segmenter.load(checkpoint, 'cpu', 'int8', 'torch')
    monkeypatch.setitem(sys.modules, 'openvino', None)
    with pytest.raises(ValueError, match=r"'int8' is for the backend 'openvino': .*pip install"):
        Segmenter.load(checkpoint, 'cpu', 'int8')


@pytest.mark.parametrize('changed, problem', [
    (['--samples', '0'], '--samples 0 is no number of sentences'),
    (['--split', 'testC'], "no split 'testC'"),
    (['--checkpoint', 'x'], "no file 'x'"),
])
def test_what_cannot_be_quantised_is_refused(checkpoint, squares, changed, problem, capsys):
    command = ['quantize', '--checkpoint', str(checkpoint), '--data', str(squares)]
    assert main([*command, *changed]) == 2
    assert problem in capsys.readouterr().err


def test_sentences_about_what_is_not_in_view_serve_as_well(checkpoint, typos_and_absent, tmp_path):
    copied = Path(shutil.copy(checkpoint, tmp_path))
    assert main(['quantize', '--checkpoint', str(copied), '--data', str(typos_and_absent)]) == 0
    assert quantized_path(copied).is_file()


def test_a_bench_of_the_checkpoint_has_int8_beside_the_others(checkpoint, tmp_path, capsys):
    command = ['bench', 'model', '--checkpoint', str(checkpoint), '--device', 'cpu']
    report = tmp_path / 'report.json'
    assert main([*command, '--image', '64x48', '--repeats', '1', '--json', str(report)]) == 0
    (result,) = json.loads(report.read_text())['model']
    assert 'openvino int8' in result['times_ms'] and not result['missing']
    assert 'int8' not in result['best'], 'looked at closely is the fastest in floats'
