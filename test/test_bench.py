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

"""Benchmarks: what they report is what was measured, in a form that can be kept."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from small_networks import make_network

from ros2_refseg.bench.accuracy import bench_accuracy, samples_of
from ros2_refseg.bench.attention import bench_attention, measure
from ros2_refseg.bench.report import tables
from ros2_refseg.bench.timing import machine, matrix_product_rate, take_turns
from ros2_refseg.cefnet import CEFNet, CEFNetConfig
from ros2_refseg.cli import main
from ros2_refseg.data.refer import ReferDataset
from ros2_refseg.data.vocabulary import Vocabulary
from ros2_refseg.engines import CudaEngine, TorchEngine, cuda_engine


def test_candidates_take_turns():
    calls = []
    times = take_turns({'a': lambda: calls.append('a'), 'b': lambda: calls.append('b')}, 3, 1)
    assert calls == ['a', 'b'] * 4
    for values in times.values():
        assert 0 <= values['p25'] <= values['p50'] <= values['p75'] <= values['p95']


def test_the_peak_in_int8_is_of_products_of_int8(monkeypatch):
    types = set()
    monkeypatch.setattr(torch, '_int_mm', lambda a, b: types.update((a.dtype, b.dtype)))
    assert matrix_product_rate(torch.int8, torch.device('cpu')) > 0 and types == {torch.int8}


@pytest.mark.parametrize('allowed', [False, True])
def test_the_peak_in_fp32_uses_tf32_where_convolutions_do(allowed, monkeypatch):
    """With a stand-in for the product, and a CPU, which has no TF32 to tell of."""
    used = []
    monkeypatch.setattr(torch, 'matmul', lambda a, b: used.append(
        torch.backends.cuda.matmul.allow_tf32))
    monkeypatch.setattr(torch.backends.cudnn, 'allow_tf32', allowed)
    before = torch.backends.cuda.matmul.allow_tf32
    assert matrix_product_rate(torch.float32, torch.device('cpu')) > 0
    assert set(used) == {allowed} and torch.backends.cuda.matmul.allow_tf32 == before
    assert machine(torch.device('cpu'))['tf32'] is None


@pytest.mark.parametrize('backward', [False, True])
def test_the_attentions_memory_does_not_grow_with_its_matrix(backward):
    """VCM at 512x96x96: a tenth of the equation's memory, the same output."""
    size = 96 if not backward else 64
    names = 'vcm, equations', 'vcm'
    methods = bench_attention('cpu', (size,), backward, names)[f'512x{size}x{size}']
    naive, ours = (methods[name] for name in names)
    assert naive['peak_mb'] > 4e-6 * size ** 4, 'the equation stores at least its affinities'
    assert ours['peak_mb'] <= naive['peak_mb'] / (2 if backward else 10)
    for output, expected in zip(ours['output'], naive['output'], strict=True):
        assert torch.allclose(torch.tensor(output), torch.tensor(expected), atol=1e-4)


def test_a_report_is_kept_and_printed_again(tmp_path, capsys):
    pytest.importorskip('matplotlib')
    report, picture = tmp_path / 'attention.json', tmp_path / 'attention.png'
    assert main(['bench', 'attention', '--size', '4', '--device', 'cpu',
                 '--json', str(report), '--plot', str(picture)]) == 0
    assert '| 512x4x4 | vcm |' in capsys.readouterr().out
    assert picture.read_bytes().startswith(b'\x89PNG')
    assert main(['bench', 'table', str(report)]) == 0
    assert tables(json.loads(report.read_text())) in capsys.readouterr().out


def test_the_acm_has_a_memory_too():
    assert set(measure('acm', 8, 'cpu', backward=True)) == {'peak_mb', 'ms', 'output'}


def test_an_engine_is_scored_against_exact_arithmetic(squares):
    vocabulary = Vocabulary(('red', 'blue', 'square', 'the', 'one'))
    network = CEFNet(CEFNetConfig.from_preset(
        'edge', vocabulary_size=len(vocabulary), image_size=32
    )).eval()
    engines = {
        precision: TorchEngine(network, torch.device('cpu'), precision)
        for precision in ('fp32', 'bf16')
    }
    samples = samples_of(ReferDataset(squares, 'val'), vocabulary, 5)
    scores = bench_accuracy(network, engines, samples)
    assert scores['fp32'] == scores['exact'] and scores['exact']['furthest_probability'] == 0
    assert 0 < scores['bf16']['furthest_probability'] < 0.5


@pytest.mark.parametrize('reason', ['', 'no CUDA graph could be recorded'])
def test_no_engine_bears_the_name_of_a_graph_that_it_has_not(reason, monkeypatch):
    """With a stand-in for what runs on CUDA, so that it needs none."""
    answers = np.zeros((1, 2, 4, 4), np.uint8)
    plan = SimpleNamespace(record=lambda pool: reason, run=lambda image, languages: answers)
    monkeypatch.setattr(cuda_engine, '_Plan', lambda *arguments: plan)
    engine = CudaEngine(make_network(), torch.device('cpu'), 'fp32')
    engine._stream = object()
    engine.segment(np.zeros((4, 4, 3), np.uint8), [engine.encode([2])])
    assert engine.name == ('torch, no CUDA graph' if reason else 'torch, CUDA graph')
    assert engine.reason == reason and CudaEngine.name == 'torch, CUDA graph'


@pytest.mark.parametrize('arguments, problem', [
    (['bench', 'model', '--data', 'x'], '--data needs --checkpoint'),
    (['bench', 'model', '--image', '640'], "'640' is not WIDTHxHEIGHT"),
    (['bench', 'table', 'EMPTY'], "empty.json' is no report that refseg bench --json wrote: "),
    (['bench', 'table', 'OTHER'], "other.json' is no report that refseg bench --json wrote: "),
    (['bench', 'table', 'missing.json'], "'missing.json'"),
])
def test_a_bench_that_cannot_be_is_refused(arguments, problem, capsys, tmp_path):
    files = {'EMPTY': tmp_path / 'empty.json', 'OTHER': tmp_path / 'other.json'}
    files['EMPTY'].write_text('')
    files['OTHER'].write_text('{"model": [1]}')
    assert main([str(files.get(word, word)) for word in arguments]) == 2
    error = capsys.readouterr().err
    assert problem in error and error.count('\n') == 1


@pytest.mark.parametrize('arguments', [
    ['model', '--repeats', '0'], ['model', '--size', '-1'], ['model', '--samples', '1.5'],
    ['attention', '--size', '0'], ['node', '--rate', '0'], ['node', '--rate', 'inf'],
    ['node', '--rate', 'nan'], ['node', '--seconds', '-1'], ['node', '--seconds', 'x'],
])
def test_a_number_that_cannot_be_is_named_with_its_option(arguments, capsys):
    with pytest.raises(SystemExit) as stop:
        main(['bench', *arguments])
    assert stop.value.code == 2
    assert f'argument {arguments[1]}: {arguments[2]!r} is no ' in capsys.readouterr().err
