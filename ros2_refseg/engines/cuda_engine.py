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

"""
The engine for NVIDIA GPUs: one upload, one CUDA graph, one download a frame.

Everything from the uint8 image to the uint8 maps is one recorded graph a size of image and number
of sentences, so that Python and kernel launches cost next to nothing and no memory is allocated.
"""

import operator
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Lock

import numpy as np
import torch
from torch.nn import functional as F

from ros2_refseg.cefnet import CEFNet, Language, stretch
from ros2_refseg.data.vocabulary import MAX_WORDS
from ros2_refseg.engines.answer import Answer, PackedAnswer, pack
from ros2_refseg.engines.folding import fold_batch_norms
from ros2_refseg.engines.torch_engine import PRECISIONS, Engine, finest_logits, stack_full

_PLANS = 4  # sizes and numbers of sentences that are kept ready; each holds GPU memory
_WARM_UP = 3  # runs before recording: libraries choose their kernels and make their workspaces
_recording = Lock()  # PyTorch records one graph at a time in a process


class CudaEngine(Engine):
    """
    PyTorch on CUDA in half precision, channels last, batch norms folded, recorded as a graph.

    Where a graph cannot be recorded the same steps run one by one; ``reason`` says why, and
    ``name`` claims none. Threads may share an engine; one frame is answered at a time.
    """

    name = 'torch, CUDA graph'

    def __init__(self, network: CEFNet, device: torch.device, precision: str = 'auto') -> None:
        """
        Take a network on its device, where it stays as it is.

        :param device: a CUDA device; on the CPU, for tests, all runs the same without a graph.
        """
        self.device = device
        self.precision = 'fp16' if precision == 'auto' else precision
        folded = fold_batch_norms(network).to(device, PRECISIONS[self.precision])
        # Pixels are normalised in full precision: half a mantissa would round their grey values.
        folded.mean = network.mean.to(device)
        folded.standard_deviation = network.standard_deviation.to(device)
        self._network = folded.to(memory_format=torch.channels_last)
        self._encoder = network.language
        self._plans: OrderedDict[tuple[int, ...], _Plan] = OrderedDict()
        self._lock = Lock()  # a frame has the buffers of its plan, and the stream, to itself
        # One for all plans: libraries keep a workspace for each stream for good.
        self._stream = torch.cuda.Stream(device) if device.type == 'cuda' else None

    @torch.inference_mode()
    def segment(self, image: np.ndarray, languages: Sequence[Language]) -> list[Answer]:
        with self._lock:
            plan = self._plan((*image.shape[:2], len(languages)))
            return plan.run(image, languages)

    def _plan(self, key: tuple[int, ...]) -> '_Plan':
        if key in self._plans:
            self._plans.move_to_end(key)
            return self._plans[key]
        while len(self._plans) >= _PLANS:
            self._plans.popitem(last=False)
        try:
            return self._add_plan(key)
        except torch.cuda.OutOfMemoryError:
            if not self._plans:
                raise
        # Not sooner: until here the error held what had been made of the plan.
        self._plans.clear()
        return self._add_plan(key)

    def _add_plan(self, key: tuple[int, ...]) -> '_Plan':
        plan = _Plan(self._network, *key, self._stream)
        # A recording that failed can spoil PyTorch's memory for later ones: none is tried.
        if self._stream is not None and not self.reason:
            pool = next((each.pool() for each in self._plans.values()), None)
            self.reason = plan.record(pool)
            if self.reason:
                self.name = 'torch, no CUDA graph'
        self._plans[key] = plan
        return plan


class _Plan:
    """
    The buffers, and on CUDA the graph, of one size of image and number of sentences.

    Runs on ``stream``; without one, on the CPU.
    """

    def __init__(
        self, network: CEFNet, height: int, width: int, sentences: int,
        stream: torch.cuda.Stream | None,
    ) -> None:
        config = network.config
        weight = next(network.parameters())
        self._network, self._size, self._stream = network, (height, width), stream

        def buffer(*shape: int, dtype: torch.dtype, host: bool = False) -> torch.Tensor:
            if host:  # pinned, so that the GPU reads and writes it without a copy between
                return torch.zeros(shape, dtype=dtype, pin_memory=stream is not None)
            return torch.zeros(shape, dtype=dtype, device=weight.device)

        image, maps = (height, width, 3), (sentences, 1 + config.boundary, height, width)
        self._upload = buffer(*image, dtype=torch.uint8, host=True)
        self._image = buffer(*image, dtype=torch.uint8)
        self._language = Language(
            buffer(sentences, MAX_WORDS, config.embedding_channels, dtype=weight.dtype),
            # One word is there, so that no softmax is over nothing while the graph is recorded.
            buffer(sentences, MAX_WORDS, dtype=torch.bool).index_fill_(
                1, torch.zeros(1, dtype=torch.int64, device=weight.device), True
            ),
            buffer(sentences, 2 * config.hidden_channels, dtype=weight.dtype),
        )
        self._packed = buffer(*maps, dtype=torch.uint8)
        self._download = buffer(*maps, dtype=torch.uint8, host=True)
        if config.presence:
            self._presence = buffer(sentences, dtype=torch.float32)
            self._presence_download = buffer(sentences, dtype=torch.float32, host=True)
        self._shown: tuple[Language, ...] = ()
        self._graph: torch.cuda.CUDAGraph | None = None

    def run(self, image: np.ndarray, languages: Sequence[Language]) -> list[Answer]:
        """Answer one frame, uint8 HxWx3."""
        np.copyto(self._upload.numpy(), image)
        if self._stream is None:
            self._enqueue(languages)
            return self._answers()
        # Sentences may have been encoded a moment ago, on the stream that was current then.
        self._stream.wait_stream(torch.cuda.current_stream(self._stream.device))
        with torch.cuda.stream(self._stream):
            self._enqueue(languages)
        self._stream.synchronize()
        return self._answers()

    def _answers(self) -> list[Answer]:
        """Take what was downloaded from the buffers, which the next frame overwrites."""
        packed = self._download.numpy().copy()
        if self._network.presence is None:
            return [PackedAnswer(each) for each in packed]
        presence = self._presence_download.tolist()
        return [PackedAnswer(*each) for each in zip(packed, presence, strict=True)]

    def _enqueue(self, languages: Sequence[Language]) -> None:
        self._image.copy_(self._upload, non_blocking=True)
        self._show(tuple(languages))
        if self._graph is None:
            self._compute()
        else:
            self._graph.replay()
        self._download.copy_(self._packed, non_blocking=True)
        if self._network.presence is not None:
            self._presence_download.copy_(self._presence, non_blocking=True)

    def _show(self, languages: tuple[Language, ...]) -> None:
        if len(languages) == len(self._shown) and all(map(operator.is_, languages, self._shown)):
            return  # the same sentences as for the last frame, as nearly always
        stacked = stack_full(languages)
        self._language.words.copy_(stacked.words)
        self._language.present.copy_(stacked.present)
        self._language.sentence.copy_(stacked.sentence)
        self._shown = languages

    def _compute(self) -> None:
        side = self._network.config.image_size
        pixels = stretch(self._image.permute(2, 0, 1)[None].float(), side)
        logits, presence = finest_logits(
            self._network, pixels.contiguous(memory_format=torch.channels_last), self._language
        )
        resized = F.interpolate(
            logits.float(), size=self._size, mode='bilinear', align_corners=False
        )
        self._packed.copy_(pack(resized.sigmoid()))
        if presence is not None:
            self._presence.copy_(presence)

    def pool(self) -> tuple[int, int]:
        """Name the memory that the graph computes in."""
        return self._graph.pool()

    def record(self, pool: tuple[int, int] | None) -> str:
        """
        Record a graph, which then answers the frames.

        :param pool: memory to compute in, that of another plan on the same stream; None for a new
            one.
        :return: the reason if no graph can be recorded, else ''.
        """
        with _recording, _tuned_convolutions():
            self._stream.wait_stream(torch.cuda.current_stream(self._stream.device))
            with torch.cuda.stream(self._stream):
                for _ in range(_WARM_UP):
                    self._compute()
            self._stream.synchronize()
            graph = torch.cuda.CUDAGraph()
            # Plans can share a pool and run in any order: one runs at a time, and reads nothing
            # there that it has not written in the same run. What outlives a run is not in it, for
            # it was made before recording: the buffers of input and output, the weights, and what
            # libraries and pyramid_matrix keep.
            try:
                # Another thread may be loading the next network meanwhile. The outer context sees
                # to it that this thread leaves the stream, also where the inner one fails to end.
                with torch.cuda.stream(self._stream), torch.cuda.graph(
                    graph, pool, self._stream, capture_error_mode='thread_local'
                ):
                    self._compute()
            except torch.cuda.OutOfMemoryError:
                raise
            except RuntimeError as error:
                return f'no CUDA graph could be recorded, kernels start one by one: {error}'
        self._graph = graph
        return ''


@contextmanager
def _tuned_convolutions() -> Iterator[None]:
    """Have cuDNN try all its algorithms on new convolutions: worth it where sizes stay the same."""
    before = torch.backends.cudnn.benchmark
    torch.backends.cudnn.benchmark = True
    try:
        yield
    finally:
        torch.backends.cudnn.benchmark = before
