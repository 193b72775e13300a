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

"""An image and a sentence in, a mask out: the network made ready for use."""

import math
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import overload

import cv2
import numpy as np

from ros2_refseg.bundled import DEFAULT
from ros2_refseg.cefnet import CEFNet, CEFNetConfig, Language
from ros2_refseg.checkpoint import Checkpoint, choose_device, resolve_checkpoint
from ros2_refseg.confidence import Calibration, Decision, decide
from ros2_refseg.data.spelling import Correction
from ros2_refseg.data.vocabulary import Vocabulary, understood
from ros2_refseg.engines import PRECISIONS as PRECISIONS
from ros2_refseg.engines import Answer, PackedAnswer, check_choice, make_engine
from ros2_refseg.engines.int8 import Ranges

SENTENCES_REMEMBERED = 16

_BOUNDARY_REACH = 1 / 40
"""How far a boundary may lie from its mask, of the image's longer side: two cells of the finest
logits of a network of 160x160 pixels."""


@dataclass(frozen=True)
class Segmentation:
    """
    What the network says of one image and one sentence; arrays have the image's height and width.

    Mask, boundary and box are empty when the thing is not found; the probabilities stay, for those
    who want to look at what was withheld. What nobody reads of the boundary is not computed.

    :ivar mask: uint8 HxW, 255 where probability reaches the threshold, 0 elsewhere and, where only
        the surest piece is kept, in all other pieces.
    :ivar answer: what the engine gave, from which the maps below are made.
    :ivar boundary: uint8 HxW, 255 where boundary_probability reaches the boundary threshold, near
        the mask where only a piece of that is kept.
    :ivar boundary_map: uint8 HxW, boundary_probability times 255, 0 where it is not the mask's.
    :ivar probability: float32 HxW in [0, 1], of belonging to what is meant.
    :ivar boundary_probability: float32 HxW in [0, 1], of lying on its contour.
    :ivar score: how sure the network is, in [0, 1]. Calibrated, the probability that the mask is
        right (the thing is in view and IoU above 0.5), also of a mask that was withheld; otherwise
        the mean probability inside the mask, 0 where that has no pixel.
    :ivar found: whether the mask has a pixel and the score reaches the threshold for that.
    :ivar box: x, y, width, height of the mask in pixels; zeros if it is empty.
    :ivar unknown_words: words of the sentence that the network was not trained on.
    :ivar corrections: words with a typing error, each with the known word that it was read as.
    :ivar calibrated: whether the score is a probability of being right.
    :ivar pieces: all or surest, what was kept of the mask.
    """

    sentence: str
    mask: np.ndarray
    answer: Answer
    boundary_threshold: float
    score: float
    found: bool
    box: tuple[int, int, int, int]
    unknown_words: tuple[str, ...]
    corrections: tuple[Correction, ...] = ()
    calibrated: bool = False
    pieces: str = 'all'

    @property
    def probability(self) -> np.ndarray:
        return self.answer.probability

    @property
    def boundary_probability(self) -> np.ndarray:
        return self.answer.boundary_probability

    @cached_property
    def boundary(self) -> np.ndarray:
        if not self.found:
            return np.zeros_like(self.mask)
        contour = self.boundary_probability >= self.boundary_threshold
        return self._near_mask(contour.astype(np.uint8) * 255)

    @cached_property
    def boundary_map(self) -> np.ndarray:
        if not self.found:
            return np.zeros_like(self.mask)
        return self._near_mask(cv2.convertScaleAbs(self.boundary_probability, alpha=255))

    def _near_mask(self, boundary: np.ndarray) -> np.ndarray:
        """Leave of a uint8 boundary what belongs to the pieces that were kept."""
        if self.pieces == 'all':
            return boundary
        reach = 2 * math.ceil(_BOUNDARY_REACH * max(boundary.shape)) + 1
        return boundary & cv2.dilate(self.mask, np.ones((reach, reach), np.uint8))


class Segmenter:
    """
    A trained network on a device.

    A sentence is encoded once and remembered, so that a stream of frames costs vision alone.

    :ivar threshold: probability in [0, 1] at which the mask is cut; may be set at any time.
    :ivar boundary_threshold: likewise for the boundary.
    :ivar found_threshold: score in [0, 1] from which an answer is found; None for the calibration's
        own, or 0 without one, so that any mask is found. May be set at any time.
    :ivar pieces: which connected pieces of a mask to keep: all, the surest, or as the calibration
        has it (auto), which without one is all. May be set at any time.
    :ivar calibration: what makes scores probabilities; None where the network was not calibrated.
    :ivar checkpoint: path of the file it was loaded from.
    :ivar device: the torch device it runs on.
    :ivar precision: fp32, bf16, fp16 or int8.
    :ivar engine: what runs the network; ``engine.reason`` says why it is not a faster one.
    """

    def __init__(
        self,
        network: CEFNet,
        vocabulary: Vocabulary,
        device: str = 'auto',
        precision: str = 'auto',
        checkpoint: Path | None = None,
        calibration: Calibration | None = None,
        backend: str = 'torch',
        int8_ranges: Ranges | None = None,
    ) -> None:
        """
        Put a network on a device.

        :param device: auto (CUDA where there is a device), cpu, cuda or cuda:N.
        :param precision: auto, fp32, bf16, fp16 or int8; auto is fp16 on CUDA, and on the CPU fp32
            with the backend torch. With openvino it is bf16 where the CPU computes with it, int8
            where it is made for that and has ranges, else fp32.
        :param backend: torch, openvino (CPU only), or auto: openvino where it is installed.
        :param int8_ranges: what int8 needs, as ``refseg quantize`` puts it into a checkpoint.
        :raises ValueError: for a device, precision or backend that is unknown or not there.
        """
        self.device = choose_device(device)
        self.network = network.eval().to(self.device)
        self.engine = make_engine(
            self.network, self.device, precision, backend, int8_ranges
        )
        self.precision = self.engine.precision
        self.vocabulary = vocabulary
        self.checkpoint = checkpoint
        self.calibration = calibration
        self.threshold = 0.5
        self.boundary_threshold = 0.5
        self.found_threshold: float | None = None
        self.pieces = 'auto'
        self._languages: OrderedDict[str, Language] = OrderedDict()

    @classmethod
    def load(
        cls,
        checkpoint: Path | str = DEFAULT,
        device: str = 'auto',
        precision: str = 'auto',
        backend: str = 'auto',
    ) -> 'Segmenter':
        """
        Load a bundled checkpoint (``acm`` or ``vcm``) or the one at a path.

        :raises CheckpointError: for a file that is missing, damaged or no CEFNet checkpoint.
        :raises ValueError: for a device, precision or backend that is unknown or not there.
        """
        # What can be refused without reading the file is refused first.
        check_choice(choose_device(device), precision, backend)
        path = resolve_checkpoint(checkpoint)
        loaded = Checkpoint.load(path)
        return cls(
            loaded.network, loaded.vocabulary, device, precision, path, loaded.calibration, backend,
            loaded.int8_ranges,
        )

    @property
    def config(self) -> CEFNetConfig:
        """The network's structure."""
        return self.network.config

    @overload
    def segment(self, image: np.ndarray, sentences: str) -> Segmentation: ...

    @overload
    def segment(self, image: np.ndarray, sentences: Sequence[str]) -> list[Segmentation]: ...

    def segment(self, image, sentences):
        """
        Segment what a sentence means, or each of several, which share what no sentence changes.

        A word with one typing error is read as the known word that was meant, and reported. A
        sentence of which no word is known is not guessed at: nothing is found, the score is 0, and
        all its words are reported as unknown.

        :param image: uint8 HxWx3, RGB, any size.
        :param sentences: one sentence, or several.
        :return: for one sentence a Segmentation, for several a list, one each in their order.
        :raises ValueError: for another type or shape, or a sentence that holds no word.
        """
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
            raise ValueError(
                f'image is {image.dtype} of shape {image.shape}; expected uint8 HxWx3, RGB'
            )
        if isinstance(sentences, str):
            return self.segment(image, [sentences])[0]
        encoded = {sentence: self._encode(sentence) for sentence in sentences}
        known = [sentence for sentence, language in encoded.items() if language is not None]
        answers: dict[str, Answer] = {}
        if known:
            languages = [encoded[sentence] for sentence in known]
            answers = dict(zip(known, self.engine.segment(image, languages), strict=True))
        return [self._result(sentence, answers.get(sentence), image) for sentence in sentences]

    def _encode(self, sentence: str) -> Language | None:
        if sentence not in self._languages:
            word_ids = self.vocabulary.encode(sentence)
            known = understood(word_ids)
            self._languages[sentence] = self.engine.encode(word_ids) if known else None
        self._languages.move_to_end(sentence)
        language = self._languages[sentence]
        if len(self._languages) > SENTENCES_REMEMBERED:
            self._languages.popitem(last=False)
        return language

    def _result(self, sentence: str, answer: Answer | None, image: np.ndarray) -> Segmentation:
        if answer is None:  # no word is known
            answer = PackedAnswer(np.zeros((2, *image.shape[:2]), np.uint8))
            decision = Decision(answer.probability > 0, 0.0, False)
        else:
            decision = decide(
                answer.probability, self.calibration, self.threshold, self.found_threshold,
                self.pieces, answer.presence,
            )
        return Segmentation(
            sentence=sentence,
            mask=decision.inside.astype(np.uint8) * 255,
            answer=answer,
            boundary_threshold=self.boundary_threshold,
            score=decision.score,
            found=decision.found,
            box=bounding_box(decision.inside),
            unknown_words=self.vocabulary.unknown_words(sentence),
            corrections=self.vocabulary.corrections(sentence),
            calibrated=self.calibration is not None,
            pieces=decision.pieces,
        )


def bounding_box(mask: np.ndarray) -> tuple[int, int, int, int]:
    """Give x, y, width and height in pixels of an HxW mask's true part; zeros if there is none."""
    columns, rows = np.flatnonzero(mask.any(axis=0)), np.flatnonzero(mask.any(axis=1))
    if not len(columns):
        return 0, 0, 0, 0
    x, y = int(columns[0]), int(rows[0])
    return x, y, int(columns[-1]) - x + 1, int(rows[-1]) - y + 1
