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

"""Engines: all give what the network gives; a slower one says why it was taken."""

import copy
import io
import sys
import weakref
from concurrent.futures import ThreadPoolExecutor
from typing import ClassVar

import numpy as np
import pytest
import torch
from small_networks import make_network

from ros2_refseg.cefnet import CEFNet
from ros2_refseg.engines import (
    CudaEngine,
    OpenVINOEngine,
    TorchEngine,
    convolutions,
    cuda_engine,
    make_engine,
    openvino_engine,
)
from ros2_refseg.engines.answer import PackedAnswer, pack
from ros2_refseg.engines.folding import fold_batch_norms
from ros2_refseg.engines.torch_engine import stack
from ros2_refseg.export import export_logits

CPU = torch.device('cpu')
SENTENCES = ([4, 3], [2, 3, 5, 4])


@pytest.fixture(scope='module', params=['acm', 'vcm'])
def network(request) -> CEFNet:
    return make_network(coattention=request.param, presence=True)


@pytest.fixture(scope='module')
def image() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (45, 70, 3), np.uint8)


@pytest.fixture(scope='module')
def expected(network, image) -> list[tuple[np.ndarray, np.ndarray, float]]:
    """Give what CEFNet.segment says of the sentences, one at a time."""
    pixels = torch.from_numpy(image).permute(2, 0, 1)[None]
    with torch.inference_mode():
        answers = [
            network.segment(pixels, network.language(torch.tensor([sentence])))
            for sentence in SENTENCES
        ]
    assert all(np.ptp(mask.numpy()) > 0.1 for mask, *_ in answers), 'answers with edges'
    assert abs(answers[0][2] - answers[1][2]) > 0.05, 'sentences of which one is likelier in view'
    return [(mask[0].numpy(), boundary[0].numpy(), presence.item())
            for mask, boundary, presence in answers]


@pytest.fixture(scope='module')
def openvino(network, tmp_path_factory) -> OpenVINOEngine:
    pytest.importorskip('openvino')
    pytest.importorskip('onnx')
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv('XDG_CACHE_HOME', str(tmp_path_factory.mktemp('cache')))
        engine = OpenVINOEngine(network, 'fp32')
        # The second engine finds what the first one left: it converts nothing.
        patch.setattr(openvino_engine, 'export_logits', None)
        return OpenVINOEngine(copy.deepcopy(network), 'fp32') and engine


def test_a_damaged_conversion_is_made_anew(network, image, expected, monkeypatch, tmp_path):
    pytest.importorskip('openvino')
    pytest.importorskip('onnx')
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
    for _ in range(2):
        assert_answers(OpenVINOEngine(network, 'fp32'), image, expected, 1e-3)
        (converted,) = tmp_path.rglob('*.onnx')
        whole = converted.read_bytes()
        converted.write_bytes(whole[:1000])
    OpenVINOEngine(network, 'fp32')
    assert converted.read_bytes() == whole


@pytest.mark.parametrize('problem', ['no home', 'a file in its place'])
def test_without_a_cache_openvino_converts_at_each_start(
    problem, network, image, expected, monkeypatch, tmp_path
):
    pytest.importorskip('openvino')
    pytest.importorskip('onnx')

    def fail():
        raise RuntimeError('Could not determine home directory.')

    if problem == 'no home':
        monkeypatch.delenv('XDG_CACHE_HOME', raising=False)
        monkeypatch.setattr(openvino_engine.Path, 'home', fail)
    else:
        (tmp_path / 'file').touch()
        monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'file'))
    assert_answers(OpenVINOEngine(network, 'fp32'), image, expected, 1e-3)


def assert_answers(engine, image, expected, tolerance):
    """Compare an engine's answers, to one sentence and to several on one frame."""
    languages = [engine.encode(sentence) for sentence in SENTENCES]
    alone = engine.segment(image, languages[:1])
    together = engine.segment(image, languages)
    for answers in (alone, together):
        for answer, (mask, boundary, presence) in zip(answers, expected, strict=False):
            assert abs(answer.presence - presence) < 10 * tolerance, 'a logit, no probability'
            assert answer.probability.dtype == np.float32
            assert np.abs(answer.probability - mask).max() < tolerance
            assert np.abs(answer.boundary_probability - boundary).max() < tolerance
    assert len(together) == len(SENTENCES)


def test_torch_gives_what_the_network_gives(network, image, expected):
    assert_answers(TorchEngine(network, CPU), image, expected, 1e-4)


def test_openvino_gives_what_the_network_gives(network, openvino, image, expected):
    import openvino as runtime

    model = runtime.Core().read_model(io.BytesIO(export_logits(network)))
    openvino_engine.set_sentences(model, 1, network.config)
    assert all(convolutions.rewrite_convolutions(model).values()), 'each is among what is tested'
    assert_answers(openvino, image, expected, 1e-3)


def test_openvino_runs_a_network_that_reads_no_words(image, monkeypatch, tmp_path):
    """One without co-attention, a baseline of Table 3."""
    pytest.importorskip('openvino')
    pytest.importorskip('onnx')
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
    network = make_network(coattention='none', boundary=False)
    torch_engine, openvino = TorchEngine(network, CPU), OpenVINOEngine(network, 'fp32')
    languages = [openvino.encode(sentence) for sentence in SENTENCES]
    for one, other in zip(*(engine.segment(image, languages)
                            for engine in (torch_engine, openvino)), strict=True):
        assert np.abs(one.probability - other.probability).max() < 1e-3
        assert one.presence is other.presence is None


def test_the_gpus_steps_give_what_the_network_gives(network, image, expected):
    """On the CPU and without a graph; the stretch is in floats, so grey values differ by 1/2."""
    assert_answers(CudaEngine(network, CPU, 'fp32'), image, expected, 0.03)


@pytest.mark.skipif(not torch.cuda.is_available(), reason='no CUDA device')
@pytest.mark.parametrize('precision', ['fp32', 'bf16', 'fp16'])
def test_cuda_gives_what_the_network_gives(network, image, expected, precision):
    engine = CudaEngine(network, torch.device('cuda'), precision)
    assert_answers(engine, image, expected, 0.03)
    assert not engine.reason, 'a graph was recorded'


def test_the_gpus_buffers_hold_the_newest_sentence_and_size(network, image, expected):
    engine = CudaEngine(network, CPU, 'fp32')
    first, second = (engine.encode(sentence) for sentence in SENTENCES)
    answers = [engine.segment(image, [language])[0] for language in (first, second, first)]
    assert np.array_equal(answers[0].probability, answers[2].probability)
    assert np.abs(answers[1].probability - expected[1][0]).max() < 0.03
    for size in ((20, 30), (30, 20), (5, 5), (6, 6), (45, 70)):
        assert engine.segment(image[:size[0], :size[1]], [first])[0].probability.shape == size


def test_threads_that_share_an_engine_get_their_own_answers(network, monkeypatch):
    """With a stand-in for the network, so that little time goes by where nothing can mix."""
    monkeypatch.setattr(
        cuda_engine, 'finest_logits', lambda _, pixels, language: (pixels[:, :2] - 128, None))
    engine = CudaEngine(network, CPU, 'fp32')
    language = [engine.encode(SENTENCES[0])]

    def answer(grey: int) -> list[float]:
        frame = np.full((45, 70, 3), grey, np.uint8)
        return np.unique(engine.segment(frame, language)[0].probability).tolist()

    shades = range(122, 134)
    expected = [answer(grey) for grey in shades]
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(answer, [*shades] * 40))
    assert answers == expected * 40


class PlanOfOneGPU:
    """A stand-in for a plan, of which the GPU holds no more than ``room``."""

    room = 0
    made: ClassVar = weakref.WeakSet()

    def __init__(self, network: CEFNet, height: int, width: int, sentences: int, stream) -> None:
        self.answers = [PackedAnswer(np.zeros((2, height, width), np.uint8))] * sentences
        self.made.add(self)

    def record(self, pool: str | None) -> str:
        if len(self.made) > self.room:
            raise torch.cuda.OutOfMemoryError
        self.recorded_in = pool
        return ''

    def pool(self) -> str:
        return self.recorded_in or 'a new pool'

    def run(self, image: np.ndarray, languages: list) -> list[PackedAnswer]:
        return self.answers


def test_plans_share_memory_and_make_room_for_one_that_does_not_fit(network, image, monkeypatch):
    monkeypatch.setattr(cuda_engine, '_Plan', PlanOfOneGPU)
    engine = CudaEngine(network, CPU, 'fp32')
    engine._stream = object()
    language = [engine.encode(SENTENCES[0])]
    with pytest.raises(torch.cuda.OutOfMemoryError):
        engine.segment(image[:9], language)
    pools = []
    for height, room in ((10, 1), (11, 2), (12, 1), (12, 1), (13, 2)):
        monkeypatch.setattr(PlanOfOneGPU, 'room', room)
        assert engine.segment(image[:height], language)[0].probability.shape == (height, 70)
        pools.append([plan.recorded_in for plan in engine._plans.values()])
    assert pools == [[None], [None, 'a new pool'], [None], [None], [None, 'a new pool']]


def test_folding_changes_nothing_but_the_batch_norms(network):
    folded = fold_batch_norms(network)
    assert not any(isinstance(module, torch.nn.BatchNorm2d) for module in folded.modules())
    assert any(isinstance(module, torch.nn.BatchNorm2d) for module in network.modules())
    image, words = torch.rand(2, 3, 64, 64) * 255, torch.tensor([[2, 3], [4, 5]])
    with torch.inference_mode():
        logits = [each(image, each.language(words)).masks[-1] for each in (network, folded)]
    assert torch.allclose(*logits, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize('shape, out_channels, method', [
    ((1, 8, 20, 20), 6, 'winograd'),
    ((3, 6, 13, 21), 8, 'winograd'),  # several images, tiles that reach over the edges
    ((2, 5, 9, 7), 1, 'tap_by_tap'),
    ((1, 8, 8, 8), 6, None),  # too few tiles
    ((1, 3, 20, 20), 6, None),  # too few channels
])
@pytest.mark.parametrize('largest_band', [convolutions.LARGEST_BAND, 2000])
def test_a_convolution_written_anew_gives_the_same(
    shape, out_channels, method, largest_band, monkeypatch
):
    ov = pytest.importorskip('openvino')
    monkeypatch.setattr(convolutions, 'LARGEST_BAND', largest_band)
    rng = np.random.default_rng(0)
    image = rng.standard_normal(shape, np.float32)
    filters = rng.standard_normal((out_channels, shape[1], 3, 3), np.float32)
    given, once = ov.opset13.parameter(shape, np.float32), [1, 1]
    node = ov.opset13.convolution(given, ov.opset13.constant(filters), once, once, once, once)
    model = ov.Model([ov.opset13.relu(node)], [given])
    replaced = convolutions.rewrite_convolutions(model, min_channels=5)
    assert {name for name, count in replaced.items() if count} == ({method} if method else set())
    compiled = ov.compile_model(model, 'CPU', {'INFERENCE_PRECISION_HINT': 'f32'})
    expected = torch.nn.functional.conv2d(
        torch.from_numpy(image), torch.from_numpy(filters), padding=1).relu()
    assert np.abs(compiled(image)[0] - expected.numpy()).max() < 1e-3


@pytest.mark.parametrize('change', [
    {'strides': [2, 2]}, {'pads_begin': [0, 0]}, {'dilations': [2, 2]}])
def test_other_convolutions_stay_as_they_are(change):
    ov = pytest.importorskip('openvino')
    options = {
        name: [1, 1] for name in ('strides', 'pads_begin', 'pads_end', 'dilations')} | change
    given = ov.opset13.parameter((1, 8, 20, 20), np.float32)
    filters = ov.opset13.constant(np.ones((8, 8, 3, 3), np.float32))
    model = ov.Model([ov.opset13.convolution(given, filters, **options)], [given])
    assert not any(convolutions.rewrite_convolutions(model, min_channels=8).values())


def test_packing_keeps_the_mask():
    probability = torch.tensor([[[0.0, 0.4999, 0.5, 0.5001, 1.0]]])
    unpacked = PackedAnswer(pack(probability).numpy()).probability
    assert np.array_equal(unpacked >= 0.5, probability[0].numpy() >= 0.5)
    assert np.abs(unpacked - probability[0].numpy()).max() <= 0.5 / 255 + 1e-6


def test_sentences_of_different_lengths_are_one_batch(network):
    with torch.inference_mode():
        languages = [network.language(torch.tensor([words])) for words in SENTENCES]
        stacked = stack(languages, words=6)
        together = network.language(torch.tensor([[4, 3, 0, 0, 0, 0], [2, 3, 5, 4, 0, 0]]))
    assert torch.equal(stacked.present, together.present)
    assert torch.allclose(stacked.sentence, together.sentence, atol=1e-6)
    present = together.present
    assert torch.allclose(stacked.words[present], together.words[present], atol=1e-6)


def test_without_openvino_the_cpu_runs_pytorch_and_says_why(network, monkeypatch):
    monkeypatch.setitem(sys.modules, 'openvino', None)
    engine = make_engine(network, CPU)
    assert engine.name == 'torch' and 'openvino' in engine.reason
    with pytest.raises(ValueError, match=r"backend 'openvino'.*pip install .*openvino"):
        make_engine(network, CPU, backend='openvino')


@pytest.mark.parametrize('choice, problem', [
    ({'backend': 'tensorrt'}, "backend 'tensorrt' is none of auto, torch, openvino"),
    ({'precision': 'int4'}, "'int4' is none of auto, fp32"),
    ({'precision': 'fp16'}, "'fp16' is for CUDA devices"),
])
def test_a_choice_that_cannot_be_had_is_refused(network, choice, problem):
    with pytest.raises(ValueError, match=problem):
        make_engine(network, CPU, **choice)
