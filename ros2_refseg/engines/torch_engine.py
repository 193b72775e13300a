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

"""The engine that every machine can run: PyTorch, one frame after the other."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from ros2_refseg.cefnet import CEFNet, Language, stretch
from ros2_refseg.data.vocabulary import MAX_WORDS
from ros2_refseg.engines.answer import Answer, LogitsAnswer
from ros2_refseg.engines.folding import fold_batch_norms

PRECISIONS = {'fp32': torch.float32, 'bf16': torch.bfloat16, 'fp16': torch.float16}


class Engine(ABC):
    """
    Runs a network: sentences are encoded once, then frames are answered.

    :ivar name: what it is, for logs and tables.
    :ivar device: where it runs.
    :ivar precision: fp32, bf16, fp16 or int8, as far as the engine has it.
    :ivar reason: why it is this engine and not a faster one; empty where there is none.
    """

    name: str
    device: torch.device
    precision: str
    reason: str = ''
    _encoder: torch.nn.Module

    @torch.inference_mode()
    def encode(self, word_ids: Sequence[int]) -> Language:
        """Encode a sentence's word numbers, once for any number of frames."""
        device = next(self._encoder.parameters()).device
        return self._encoder(torch.tensor([list(word_ids)], device=device))

    @abstractmethod
    def segment(self, image: np.ndarray, languages: Sequence[Language]) -> list[Answer]:
        """
        Answer one frame for one or more sentences, an answer each.

        :param image: uint8 HxWx3, RGB, any size.
        :param languages: what ``encode`` gave.
        """


class TorchEngine(Engine):
    """PyTorch without preparations but folded batch norms and channels-last memory."""

    name = 'torch'

    def __init__(
        self, network: CEFNet, device: torch.device, precision: str = 'auto', reason: str = ''
    ) -> None:
        """Take a network on its device, where it stays as it is."""
        self.device, self.reason = device, reason
        self.precision = 'fp32' if precision == 'auto' else precision
        folded = fold_batch_norms(network).to(device)
        self._network = folded.to(memory_format=torch.channels_last)
        self._encoder = network.language

    @torch.inference_mode()
    def segment(self, image: np.ndarray, languages: Sequence[Language]) -> list[Answer]:
        pixels = stretch(as_batch(image).to(self.device), self._network.config.image_size)
        logits, presence = self._logits(pixels, stack(languages))
        return LogitsAnswer.of_all(logits.float().cpu(), image.shape[:2], presence)

    def _logits(self, pixels: Tensor, language: Language) -> tuple[Tensor, Tensor | None]:
        dtype = PRECISIONS[self.precision]
        with torch.autocast(self.device.type, dtype, enabled=dtype != torch.float32):
            return finest_logits(self._network, pixels, language)


def as_batch(image: np.ndarray) -> Tensor:
    """Give uint8 HxWx3 as 1x3xHxW, sharing its memory where it is contiguous."""
    return torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[None]


def finest_logits(
    network: CEFNet, pixels: Tensor, language: Language
) -> tuple[Tensor, Tensor | None]:
    """
    Give KxCxhxw logits: SM_1 and, with boundary enhancement, BM_1.

    Then the K of presence; None from a network that has no classifier of that.
    """
    prediction = network(pixels, language)
    return prediction.finest(), prediction.presence


def stack(languages: Sequence[Language], words: int | None = None) -> Language:
    """
    Make one batch of encoded sentences of different lengths; filled up, they mean the same.

    :param words: number of words to fill up to; None for the longest sentence's.
    """
    words = words or max(language.words.shape[1] for language in languages)
    first = languages[0]
    stacked = Language(
        first.words.new_zeros(len(languages), words, first.words.shape[2]),
        first.present.new_zeros(len(languages), words),
        torch.cat([language.sentence for language in languages]),
    )
    for index, language in enumerate(languages):
        count = language.words.shape[1]
        stacked.words[index, :count] = language.words[0]
        stacked.present[index, :count] = language.present[0]
    return stacked


def stack_full(languages: Sequence[Language]) -> Language:
    """Stack sentences to the greatest number of words, so that shapes never change."""
    return stack(languages, MAX_WORDS)
