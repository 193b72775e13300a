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

from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from ros2_refseg.cefnet import CEFNet, CEFNetConfig, Language
from ros2_refseg.checkpoint import Checkpoint, choose_device, resolve_checkpoint
from ros2_refseg.confidence import Calibration, Decision, decide
from ros2_refseg.data.spelling import Correction
from ros2_refseg.data.vocabulary import UNKNOWN_ID, Vocabulary

PRECISIONS = {'fp32': torch.float32, 'bf16': torch.bfloat16, 'fp16': torch.float16}
SENTENCES_REMEMBERED = 16


@dataclass(frozen=True)
class Segmentation:
    """
    What the network says of one image and one sentence; arrays have the image's height and width.

    Mask, boundary and box are empty when the thing is not found; the probabilities stay, for those
    who want to look at what was withheld.

    :ivar mask: uint8 HxW, 255 where probability reaches the threshold, 0 elsewhere.
    :ivar boundary: uint8 HxW, 255 where boundary_probability reaches the boundary threshold.
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
    """

    sentence: str
    mask: np.ndarray
    boundary: np.ndarray
    probability: np.ndarray
    boundary_probability: np.ndarray
    score: float
    found: bool
    box: tuple[int, int, int, int]
    unknown_words: tuple[str, ...]
    corrections: tuple[Correction, ...] = ()
    calibrated: bool = False


class Segmenter:
    """
    A trained network on a device.

    The sentence is encoded once and remembered, so that a stream of frames costs vision alone.

    :ivar threshold: probability in [0, 1] at which the mask is cut; may be set at any time.
    :ivar boundary_threshold: likewise for the boundary.
    :ivar found_threshold: score in [0, 1] from which an answer is found; None for the calibration's
        own, or 0 without one, so that any mask is found. May be set at any time.
    :ivar calibration: what makes scores probabilities; None where the network was not calibrated.
    :ivar checkpoint: path of the file it was loaded from.
    :ivar device: the torch device it runs on.
    :ivar precision: fp32, bf16 or fp16.
    """

    def __init__(
        self,
        network: CEFNet,
        vocabulary: Vocabulary,
        device: str = 'auto',
        precision: str = 'auto',
        checkpoint: Path | None = None,
        calibration: Calibration | None = None,
    ) -> None:
        """
        Put a network on a device.

        :param device: auto (CUDA where there is a device), cpu, cuda or cuda:N.
        :param precision: auto, fp32, bf16 or fp16; auto is fp16 on CUDA and fp32 on the CPU.
        :raises ValueError: for a device or precision that is unknown or not there.
        """
        self.device = choose_device(device)
        self.precision = _choose_precision(precision, self.device)
        self.network = network.eval().to(self.device, memory_format=torch.channels_last)
        self.vocabulary = vocabulary
        self.checkpoint = checkpoint
        self.calibration = calibration
        self.threshold = 0.5
        self.boundary_threshold = 0.5
        self.found_threshold: float | None = None
        self._languages: OrderedDict[str, Language] = OrderedDict()

    @classmethod
    def load(
        cls, checkpoint: Path | str = 'acm', device: str = 'auto', precision: str = 'auto'
    ) -> 'Segmenter':
        """
        Load a bundled checkpoint (``acm`` or ``vcm``) or the one at a path.

        :raises CheckpointError: for a file that is missing, damaged or no CEFNet checkpoint.
        :raises ValueError: for a device or precision that is unknown or not there.
        """
        # What can be refused without reading the file is refused first.
        _choose_precision(precision, choose_device(device))
        path = resolve_checkpoint(checkpoint)
        loaded = Checkpoint.load(path)
        return cls(
            loaded.network, loaded.vocabulary, device, precision, path, loaded.calibration
        )

    @property
    def config(self) -> CEFNetConfig:
        """The network's structure."""
        return self.network.config

    @torch.inference_mode()
    def segment(self, image: np.ndarray, sentence: str) -> Segmentation:
        """
        Segment what a sentence means.

        A word with one typing error is read as the known word that was meant, and reported. A
        sentence of which no word is known is not guessed at: nothing is found, the score is 0, and
        all its words are reported as unknown.

        :param image: uint8 HxWx3, RGB, any size.
        :raises ValueError: for another type or shape, or a sentence that holds no word.
        """
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
            raise ValueError(
                f'image is {image.dtype} of shape {image.shape}; expected uint8 HxWx3, RGB'
            )
        language = self._encode(sentence)
        if language is None:
            nothing = np.zeros(image.shape[:2], np.float32)
            return self._result(sentence, nothing, nothing, Decision(nothing > 0, 0.0, False))
        pixels = torch.from_numpy(np.ascontiguousarray(image)).to(self.device)
        with self._autocast():
            mask, boundary = self.network.segment(pixels.permute(2, 0, 1)[None], language)
        probability, boundary_probability = mask[0].cpu().numpy(), boundary[0].cpu().numpy()
        decision = decide(probability, self.calibration, self.threshold, self.found_threshold)
        return self._result(sentence, probability, boundary_probability, decision)

    def _encode(self, sentence: str) -> Language | None:
        if sentence not in self._languages:
            word_ids = self.vocabulary.encode(sentence)
            known = any(word_id != UNKNOWN_ID for word_id in word_ids)
            with self._autocast():
                self._languages[sentence] = self.network.language(
                    torch.tensor([word_ids], device=self.device)
                ) if known else None
            if len(self._languages) > SENTENCES_REMEMBERED:
                self._languages.popitem(last=False)
        return self._languages[sentence]

    def _autocast(self) -> torch.autocast:
        dtype = PRECISIONS[self.precision]
        return torch.autocast(self.device.type, dtype, enabled=dtype != torch.float32)

    def _result(
        self,
        sentence: str,
        probability: np.ndarray,
        boundary_probability: np.ndarray,
        decision: Decision,
    ) -> Segmentation:
        contour = (boundary_probability >= self.boundary_threshold) & decision.found
        return Segmentation(
            sentence=sentence,
            mask=decision.inside.astype(np.uint8) * 255,
            boundary=contour.astype(np.uint8) * 255,
            probability=probability,
            boundary_probability=boundary_probability,
            score=decision.score,
            found=decision.found,
            box=bounding_box(decision.inside),
            unknown_words=self.vocabulary.unknown_words(sentence),
            corrections=self.vocabulary.corrections(sentence),
            calibrated=self.calibration is not None,
        )


def bounding_box(mask: np.ndarray) -> tuple[int, int, int, int]:
    """Give x, y, width and height in pixels of an HxW mask's true part; zeros if there is none."""
    columns, rows = np.flatnonzero(mask.any(axis=0)), np.flatnonzero(mask.any(axis=1))
    if not len(columns):
        return 0, 0, 0, 0
    x, y = int(columns[0]), int(rows[0])
    return x, y, int(columns[-1]) - x + 1, int(rows[-1]) - y + 1


def _choose_precision(precision: str, device: torch.device) -> str:
    if precision == 'auto':
        return 'fp16' if device.type == 'cuda' else 'fp32'
    if precision not in PRECISIONS:
        raise ValueError(f'{precision!r} is none of auto, {", ".join(PRECISIONS)}')
    if precision == 'fp16' and device.type == 'cpu':
        raise ValueError("'fp16' is for CUDA devices; on the CPU use 'fp32' or 'bf16'")
    return precision
