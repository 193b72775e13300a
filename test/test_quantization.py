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

"""``refseg quantize``: the ranges it writes, and what engines make of them."""

import io
import json
import platform
import shutil
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.torch import save_file
from small_networks import make_network

from ros2_refseg.bundled import bundled_checkpoints
from ros2_refseg.checkpoint import Checkpoint, CheckpointError
from ros2_refseg.cli import main
from ros2_refseg.data.vocabulary import Vocabulary
from ros2_refseg.engines import OpenVINOEngine, int8
from ros2_refseg.engines.openvino_engine import set_sentences
from ros2_refseg.export import export_logits
from ros2_refseg.quantization import _Seen
from ros2_refseg.segmenter import Segmenter

openvino = pytest.importorskip('openvino')
pytest.importorskip('onnx')

COORDINATES = '/multimodal/Conv_1'
"""The convolution of Eq. 1's s_p, which are the same for every picture."""

SENTENCES = ['the red square', 'the blue square']


@pytest.fixture(scope='module', autouse=True)
def cache(tmp_path_factory) -> Iterator[None]:
    """Keep the developer's own conversions out of it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv('XDG_CACHE_HOME', str(tmp_path_factory.mktemp('cache')))
        yield


@pytest.fixture(scope='module', params=['acm', 'vcm'])
def floats(request, tmp_path_factory) -> Path:
    """Give a checkpoint as training writes it."""
    path = tmp_path_factory.mktemp('trained') / 'network.safetensors'
    network = make_network(coattention=request.param)
    Checkpoint(network, Vocabulary(('red', 'blue', 'square', 'the'))).save(path)
    return path


@pytest.fixture(scope='module')
def checkpoint(floats, tmp_path_factory, squares) -> Path:
    """Give that checkpoint with ranges."""
    path = Path(shutil.copy(floats, tmp_path_factory.mktemp('quantized')))
    command = ['quantize', '--checkpoint', str(path), '--data', str(squares), '--samples', '4']
    assert main(command) == 0
    return path


@pytest.fixture
def image() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (45, 70, 3), np.uint8)


def test_ranges_are_of_the_convolutions_that_take_the_time(checkpoint, floats):
    before, after = Checkpoint.load(floats), Checkpoint.load(checkpoint)
    assert before.int8_ranges is None
    for name, weights in before.network.state_dict().items():
        assert after.network.state_dict()[name].equal(weights)
    names = after.int8_ranges.keys()
    for part in ('conv1', 'res2', 'res3', 'res4', 'res5', 'fuse', 'lateral', 'steps'):
        assert any(f'/{part}' in name for name in names), part
    assert not any('coattention' in name or 'stn' in name for name in names)
    assert any('/multimodal/Conv' in name for name in names)
    assert not any(COORDINATES in name for name in names)
    low, high = after.int8_ranges['/network/conv1/conv1.0/Conv']
    assert low < -1 and high > 1, 'pixels lie around zero'
    low, high = after.int8_ranges['/network/res2/res2.0/conv2/Conv']
    assert low == 0 < high, 'ReLU leaves nothing below zero'


def test_a_range_clips_what_is_rare_and_large():
    seen = _Seen()
    features = np.random.default_rng(0).normal(size=100_000).astype(np.float32)
    features[0] = 40
    seen.add(features)
    low, high = seen.range()
    assert 2.5 < high < 5 and low == pytest.approx(-high * 128 / 127)
    above = _Seen()
    above.add(np.abs(features))
    above.add(np.array([-0.01], np.float32))
    assert above.range()[0] == 0, 'less than half a step below'
    nothing = _Seen()
    nothing.add(np.zeros(9, np.float32))
    low, high = nothing.range()
    assert low == 0 < high, 'a map of zeros has a range as well'
    with pytest.raises(ValueError, match='NaN'):
        nothing.add(np.array([1, np.nan], np.float32))


def test_int8_gives_nearly_what_floats_give(checkpoint, image):
    floats = Segmenter.load(checkpoint, 'cpu', 'fp32', 'openvino')
    integers = Segmenter.load(checkpoint, 'cpu', 'int8')
    assert (integers.engine.name, integers.precision) == ('openvino', 'int8')
    for sentences in (SENTENCES[:1], SENTENCES):
        exact = floats.segment(image, sentences)
        rounded = integers.segment(image, sentences)
        for one, other in zip(exact, rounded, strict=True):
            difference = np.abs(one.probability - other.probability)
            assert 1e-3 < difference.max(), 'it is not computed in floats'
            assert difference.mean() < 0.02 < np.ptp(one.probability)


@pytest.mark.skipif(platform.machine().lower() not in ('x86_64', 'amd64'), reason='kernels of x86')
def test_openvino_computes_the_convolutions_in_integers(checkpoint):
    engine = Segmenter.load(checkpoint, 'cpu', 'int8').engine
    executed = engine._request(1).get_compiled_model().get_runtime_model()
    arithmetic = {
        node.get_friendly_name(): node.get_rt_info()['runtimePrecision'].astype(str)
        for node in executed.get_ordered_ops()
        if 'Convolution' in node.get_rt_info()['layerType'].astype(str)
    }
    in_floats = {name for name, precision in arithmetic.items() if precision not in ('i8', 'u8')}
    assert len(arithmetic) > 30
    left = ('/coattention/', '/stn/', COORDINATES)
    assert [name for name in in_floats if not any(part in name for part in left)] == []


@pytest.mark.parametrize('name', ['acm', 'vcm'])
def test_the_bundled_networks_have_ranges(name, monkeypatch):
    loaded = Checkpoint.load(bundled_checkpoints()[name])
    engine = choose(loaded.network, loaded.int8_ranges, ['VNNI'], monkeypatch)
    assert engine.precision == 'int8' and not engine.reason


def test_without_the_instructions_weights_take_half_of_the_steps(floats, monkeypatch):
    """Or sums of products in 16 bits would overflow."""
    largest = {}
    for made_for_it in (True, False):
        monkeypatch.setattr(int8, 'cpu_is_made_for_int8', lambda made=made_for_it: made)
        network = Checkpoint.load(floats).network
        model = openvino.Core().read_model(io.BytesIO(export_logits(network)))
        set_sentences(model, 1, network.config)
        convolutions = int8.rounded_convolutions(model)
        int8.round_to_int8(model, dict.fromkeys(convolutions, (0.0, 1.0)))
        node = convolutions['/network/conv1/conv1.0/Conv'].input_value(1).get_node()
        largest[made_for_it] = node.input_value(2).get_node().data
    assert np.array_equal(largest[False], 2 * largest[True])


def choose(network, ranges, capabilities, monkeypatch) -> OpenVINOEngine:
    """Make an engine of precision auto on a CPU that can do what is said."""
    real = openvino.Core

    class Core:
        def __init__(self) -> None:
            self.core = real()

        def get_property(self, device, name):
            return capabilities if name == 'OPTIMIZATION_CAPABILITIES' else None

        def __getattr__(self, name):
            return getattr(self.core, name)

    monkeypatch.setattr(openvino, 'Core', Core)
    monkeypatch.setattr('ros2_refseg.engines.openvino_engine.cpu_is_made_for_int8',
                        lambda: 'VNNI' in capabilities)
    return OpenVINOEngine(network, 'auto', ranges)


@pytest.mark.parametrize('capabilities, precision', [
    (['FP32', 'INT8', 'BF16', 'VNNI'], 'bf16'), (['FP32', 'INT8', 'VNNI'], 'int8'),
    (['FP32', 'INT8'], 'fp32'),
])
def test_auto_takes_int8_where_the_cpu_is_made_for_it(
    checkpoint, capabilities, precision, monkeypatch
):
    loaded = Checkpoint.load(checkpoint)
    engine = choose(loaded.network, loaded.int8_ranges, capabilities, monkeypatch)
    assert engine.precision == precision and not engine.reason


def test_auto_takes_floats_without_ranges(floats, monkeypatch):
    engine = choose(Checkpoint.load(floats).network, None, ['VNNI'], monkeypatch)
    assert engine.precision == 'fp32' and not engine.reason


@pytest.mark.parametrize('flags, made_for_it', [
    ('fpu avx2 avx512f avx512_vnni', True), ('fpu avx2 avx_vnni', True), ('fpu avx2', False),
    (None, False),
])
def test_which_cpus_are_made_for_int8(flags, made_for_it, tmp_path):
    information = tmp_path / 'cpuinfo'
    if flags is not None:
        information.write_text(f'processor\t: 0\nflags\t\t: {flags}\nbugs\t: none\n')
    assert int8.cpu_is_made_for_int8(information) is made_for_it


def test_auto_takes_floats_of_openvino_where_int8_fails(checkpoint, monkeypatch):
    def fail(*_):
        raise RuntimeError('a fault')

    monkeypatch.setattr('ros2_refseg.engines.openvino_engine.round_to_int8', fail)
    loaded = Checkpoint.load(checkpoint)
    engine = choose(loaded.network, loaded.int8_ranges, ['VNNI'], monkeypatch)
    assert engine.precision == 'fp32' and engine.reason == 'int8 cannot be had: a fault'


def test_ranges_of_another_network_are_not_used(checkpoint, tmp_path, monkeypatch):
    loaded = Checkpoint.load(checkpoint)
    ranges = dict(loaded.int8_ranges)
    ranges['/network/elsewhere/Conv'] = ranges.pop('/network/res2/res2.0/conv2/Conv')
    foreign = tmp_path / 'foreign.safetensors'
    replace(loaded, int8_ranges=ranges).save(foreign)
    with pytest.raises(ValueError, match=r"'/network/elsewhere/Conv'\); 'refseg quantize' makes"):
        Segmenter.load(foreign, 'cpu', 'int8')
    engine = choose(loaded.network, ranges, ['VNNI'], monkeypatch)
    assert engine.precision == 'fp32' and 'refseg quantize' in engine.reason


@pytest.mark.parametrize('damaged', ['[]', '{"a": 1}', '{"a": [0, "x"]}', '{"a": [1, 2]}', '{',
                                     '{"a": [0, NaN]}', '{"a": [0, 1, 2]}'])
def test_damaged_ranges_are_refused_and_made_anew(checkpoint, damaged, squares, tmp_path):
    with safe_open(checkpoint, framework='pt') as file:
        metadata = {**file.metadata(), 'int8_ranges': damaged}
        weights = {name: file.get_tensor(name) for name in file.keys()}
    path = tmp_path / 'damaged.safetensors'
    save_file(weights, path, metadata)
    with pytest.raises(CheckpointError, match=r"damaged int8 ranges, .* 'refseg quantize'"):
        Checkpoint.load(path)
    # As it says:
    assert main(['quantize', '--checkpoint', str(path), '--data', str(squares)]) == 0
    assert Checkpoint.load(path).int8_ranges


def test_int8_before_there_are_ranges_names_the_command(floats):
    with pytest.raises(ValueError, match=r"'int8' wants the ranges .* 'refseg quantize'"):
        Segmenter.load(floats, 'cpu', 'int8')


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
    assert Checkpoint.load(copied).int8_ranges


def test_a_bench_of_the_checkpoint_has_int8_beside_the_others(checkpoint, tmp_path, capsys):
    command = ['bench', 'model', '--checkpoint', str(checkpoint), '--device', 'cpu']
    report = tmp_path / 'report.json'
    assert main([*command, '--image', '64x48', '--repeats', '1', '--json', str(report)]) == 0
    (result,) = json.loads(report.read_text())['model']
    assert 'openvino int8' in result['times_ms'] and not result['missing']
