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

"""What an engine says of one frame and one sentence: maps that are made when they are looked at."""

from functools import cached_property
from typing import Protocol

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F


class Answer(Protocol):
    """
    The two maps of an answer, at the size of the image.

    :ivar probability: float32 HxW in [0, 1], of belonging to what is meant.
    :ivar boundary_probability: float32 HxW in [0, 1], of lying on its contour; zeros for a network
        without boundary enhancement.
    :ivar presence: logit of what is meant being in view; None for a network without a classifier of
        that.
    """

    probability: np.ndarray
    boundary_probability: np.ndarray
    presence: float | None


class LogitsAnswer:
    """
    Maps from the network's own logits.

    Logits are resized bilinearly, and only then anything is cut (cutting first inflates small
    masks).
    """

    def __init__(
        self, logits: Tensor, size: tuple[int, int], presence: float | None = None
    ) -> None:
        """Take float32 Cxhxw logits on the CPU and the image's height and width."""
        self._logits = logits
        self._size = size
        self.presence = presence

    @classmethod
    def of_all(
        cls, logits: Tensor, size: tuple[int, int], presence: Tensor | None
    ) -> list['LogitsAnswer']:
        """Make K answers of KxCxhxw logits and, where there are any, the K of presence."""
        values = [None] * len(logits) if presence is None else presence.tolist()
        return [cls(maps, size, value) for maps, value in zip(logits, values, strict=True)]

    @cached_property
    def probability(self) -> np.ndarray:
        return self._map(0)

    @cached_property
    def boundary_probability(self) -> np.ndarray:
        return self._map(1) if len(self._logits) > 1 else np.zeros(self._size, np.float32)

    def _map(self, channel: int) -> np.ndarray:
        logits = self._logits[None, channel:channel + 1]
        resized = F.interpolate(logits, size=self._size, mode='bilinear', align_corners=False)
        return resized.sigmoid()[0, 0].numpy()


class PackedAnswer:
    """Maps that the device has resized and packed to bytes, a step of 1/255 of probability."""

    def __init__(self, packed: np.ndarray, presence: float | None = None) -> None:
        """Take uint8 CxHxW, 255 for certainty."""
        self._packed = packed
        self.presence = presence

    @cached_property
    def probability(self) -> np.ndarray:
        return _unpack(self._packed[0])

    @cached_property
    def boundary_probability(self) -> np.ndarray:
        if len(self._packed) < 2:
            return np.zeros(self._packed.shape[1:], np.float32)
        return _unpack(self._packed[1])


def pack(probability: Tensor) -> Tensor:
    """Turn probabilities into bytes; from 0.5 on they are 128 and more, so the mask is exact."""
    return (probability * 255).round().to(torch.uint8)


def _unpack(packed: np.ndarray) -> np.ndarray:
    return packed.astype(np.float32) * np.float32(1 / 255)
