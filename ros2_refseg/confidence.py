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


"""How sure an answer is, and whether it counts as found: the one decision of robot and tables."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import cv2
import numpy as np

CUT = 0.5
"""Probability at which the mask of an answer is cut where its statistics are taken."""

STATISTICS = ('expected_iou', 'one_piece', 'presence')
"""What a calibrated score is made of, see ``statistics_of``; the last where the network has it."""

PIECES = ('auto', 'all', 'surest')
"""Which connected pieces of a mask to keep; auto is as the calibration has it."""

_SMALLEST = 0.005  # bounds the logits: a float16 network knows its 0.999 no better than this
_SUREST_PRESENCE = 10.0  # bounds its logits, which half precision can make infinite
_LONGEST_SIDE = 320  # pixels; a larger map says no more about the answer, but costs milliseconds


@dataclass(frozen=True)
class Calibration:
    """
    A logistic regression from the statistics of an answer to the chance that it is right.

    Right means that the thing is in view and that the mask overlaps it with an IoU above 0.5. This
    is Platt scaling (Platt, 1999) with more than one statistic. ``refseg calibrate`` makes it.

    :ivar weights: of each of STATISTICS; of presence only if the network has a classifier of that.
    :ivar found_threshold: score from which the answer counts as found, in [0, 1].
    :ivar measured: on what it was fitted and what that gave, for the model card.
    :ivar pieces: all or surest: the pieces of its masks with which the network is right more often.
    """

    weights: Mapping[str, float]
    intercept: float
    found_threshold: float
    measured: Mapping[str, Any] = field(default_factory=dict)
    pieces: str = 'all'

    def __post_init__(self) -> None:
        """Refuse what cannot be a calibration: checkpoints come from strangers."""
        if not isinstance(self.weights, Mapping) or set(self.weights) not in (
                set(STATISTICS), set(STATISTICS[:-1])):
            raise ValueError(
                f'calibration: weights for {", ".join(STATISTICS)} expected, the last where the '
                f'network has a classifier of presence, not {self.weights!r}'
            )
        for value in (*self.weights.values(), self.intercept, self.found_threshold):
            if isinstance(value, bool) or not isinstance(value, int | float) \
                    or not math.isfinite(value):
                raise ValueError(f'calibration: {value!r} is no finite number')
        if not 0 <= self.found_threshold <= 1:
            raise ValueError(
                f'calibration: found_threshold is {self.found_threshold}, expected 0 to 1'
            )
        if self.pieces not in PIECES[1:]:
            raise ValueError(f'calibration: pieces is {self.pieces!r}, expected all or surest')

    @classmethod
    def from_dict(cls, values: Any) -> 'Calibration':
        """Read what ``to_dict`` gave; raises ValueError or TypeError for anything else."""
        if not isinstance(values, Mapping):
            raise ValueError(f'calibration: {values!r} is no set of named values')
        return cls(**values)

    def to_dict(self) -> dict[str, Any]:
        """Give all values as plain JSON types."""
        return asdict(self)

    def score(self, statistics: np.ndarray) -> np.ndarray:
        """Turn statistics, ... x as many as there are weights, into scores in [0, 1]."""
        weights = np.array([self.weights[name] for name in STATISTICS if name in self.weights])
        return sigmoid(statistics @ weights + self.intercept)


@dataclass(frozen=True)
class Decision:
    """
    What is made of an answer.

    :ivar inside: bool HxW, the mask; all False when not found.
    :ivar score: how sure, in [0, 1]; calibrated, the probability that the mask is right, also of
        one that was withheld; otherwise the mean probability inside, 0 without a pixel.
    :ivar found: the mask has a pixel, and the score reaches the threshold.
    :ivar pieces: all or surest, what was kept of the mask.
    """

    inside: np.ndarray
    score: float
    found: bool
    pieces: str = 'all'


def decide(
    probability: np.ndarray,
    calibration: Calibration | None = None,
    threshold: float = CUT,
    found_threshold: float | None = None,
    pieces: str = 'auto',
    presence: float | None = None,
) -> Decision:
    """
    Decide what a probability map, float HxW in [0, 1], says: which pixels, how sure, found or not.

    :param calibration: of the network that made the map; None where it has none.
    :param threshold: probability at which the mask is cut. A calibrated score does not follow it.
    :param found_threshold: score from which the answer is found; None for the calibration's own,
        which without one is 0: a mask with a pixel is found.
    :param pieces: of PIECES; auto without a calibration is all.
    :param presence: logit of presence, where the network has a classifier of that; asked where the
        calibration weighs it.
    :raises ValueError: for other pieces.
    """
    if pieces not in PIECES:
        raise ValueError(f'pieces: {pieces!r} is none of {", ".join(PIECES)}')
    if pieces == 'auto':
        pieces = calibration.pieces if calibration is not None else 'all'
    inside = probability >= threshold
    if pieces == 'surest':
        inside = surest_piece(inside, probability)
    if calibration is not None:
        asked = presence if 'presence' in calibration.weights else None
        score = float(calibration.score(statistics_of(probability, asked)))
    else:
        score = float(probability[inside].mean()) if inside.any() else 0.0
    if found_threshold is None:
        found_threshold = calibration.found_threshold if calibration is not None else 0.0
    found = bool(inside.any()) and score >= found_threshold
    return Decision(inside if found else np.zeros_like(inside), score, found, pieces)


def surest_piece(inside: np.ndarray, probability: np.ndarray) -> np.ndarray:
    """
    Keep of a mask, bool HxW, the connected piece that holds the highest probability.

    A sentence means one thing, and a network that half means a second one is most often surer of
    the right one.
    """
    if not inside.any():
        return inside
    filled = inside.astype(np.uint8)
    # Half precision can overflow to NaN, which argmax would take for the highest.
    y, x = np.unravel_index(np.argmax(np.where(inside, probability, -1)), inside.shape)
    cv2.floodFill(filled, None, (int(x), int(y)), 2, flags=8)
    return filled == 2


def statistics_of(probability: np.ndarray, presence: float | None = None) -> np.ndarray:
    """
    Sum up what an answer says of itself: float64, in the order of STATISTICS.

    - expected_iou: logit of the IoU that the probabilities promise the mask cut at 0.5, that is
      sum(p inside) / (pixels inside + sum(p outside)). Doubtful pixels lower it, and so does a
      second thing that is half meant.
    - one_piece: share of the mask in its largest connected part; several mean several things.
    - presence: logit of what is meant being in view, only where the network gives one.

    The first two are at their lowest without a pixel at 0.5. They were chosen on 1120 answers of
    the network `acm`, a quarter to sentences without a target, by cross-validated ROC AUC of right
    answers: 0.79. One of the two alone gives 0.78 or 0.72, and the peak, the mean probability
    inside, the mask's area or the map's entropy beside them no more than 0.79.
    """
    # Half precision can overflow to NaN, which is no reason to be sure of anything.
    probability = _bounded(np.nan_to_num(probability))
    inside = probability >= CUT
    pixels = int(inside.sum())
    promised = float(probability[inside].sum())
    outside = float(probability.sum()) - promised
    _, _, parts, _ = cv2.connectedComponentsWithStats(inside.astype(np.uint8), connectivity=8)
    largest = int(parts[1:, cv2.CC_STAT_AREA].max()) if len(parts) > 1 else 0
    of_map = [_logit(promised / max(pixels + outside, 1e-9)), largest / max(pixels, 1)]
    if presence is None:
        return np.array(of_map)
    doubt = -_SUREST_PRESENCE if math.isnan(presence) else presence
    return np.array([*of_map, min(max(doubt, -_SUREST_PRESENCE), _SUREST_PRESENCE)])


def sigmoid(logit: np.ndarray) -> np.ndarray:
    """Turn logits into probabilities, without overflow."""
    return 0.5 * (1 + np.tanh(0.5 * logit))


def _bounded(probability: np.ndarray) -> np.ndarray:
    height, width = probability.shape
    shrink = _LONGEST_SIDE / max(height, width)
    if shrink >= 1:
        return probability
    size = max(round(width * shrink), 1), max(round(height * shrink), 1)
    return cv2.resize(probability, size, interpolation=cv2.INTER_AREA)


def _logit(probability: float) -> float:
    probability = min(max(probability, _SMALLEST), 1 - _SMALLEST)
    return math.log(probability / (1 - probability))
