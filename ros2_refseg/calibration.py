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


"""Fitting a calibration: from a network's answers to a data set to scores that mean something."""

from dataclasses import dataclass

import numpy as np
import torch
from scipy.stats import rankdata

from ros2_refseg.cefnet import CEFNet
from ros2_refseg.confidence import (
    CUT,
    STATISTICS,
    Calibration,
    sigmoid,
    statistics_of,
    surest_piece,
)
from ros2_refseg.data.dataset import ReferringDataset
from ros2_refseg.data.vocabulary import Vocabulary
from ros2_refseg.evaluation import ask
from ros2_refseg.metrics import intersection_over_union

RIGHT_IOU = 0.5
"""A mask is right when its IoU with the truth is above this, the field's usual bound."""

_FOLDS = 5
_BINS = 10  # of the expected calibration error
_RIDGE = 1.0  # strength of the prior on standardised weights: a sample's worth, against divergence
_NEWTON_STEPS = 50  # converges within ten


@dataclass(frozen=True)
class Answers:
    """
    What N answers say of themselves, and what is true of them.

    :ivar statistics: float64 Nx2, or Nx3 with presence; see ``confidence.statistics_of``.
    :ivar right: bool N, the target is in view and IoU is above 0.5.
    :ivar absent: bool N, there is no target in view.
    :ivar empty: bool N, the mask has no pixel, whatever the score.
    :ivar image: int N, number of the picture.
    :ivar pieces: all or surest, what was kept of the masks.
    """

    statistics: np.ndarray
    right: np.ndarray
    absent: np.ndarray
    empty: np.ndarray
    image: np.ndarray
    pieces: str = 'all'


def collect_answers(
    network: CEFNet,
    vocabulary: Vocabulary,
    dataset: ReferringDataset,
    precision: torch.dtype = torch.float32,
    progress: bool = True,
) -> Answers:
    """
    Ask a network every sentence of a data set; the parameters are those of ``ask``.

    Of the masks that is kept, all pieces or the surest, with which more are right. A sentence
    without a known word has no answer that a score could be of.
    """
    rows, right = [], {'all': [], 'surest': []}
    for answer in ask(network, vocabulary, dataset, precision, progress=progress):
        if not answer.known:
            continue
        mask = answer.probability >= CUT
        absent = answer.reference.absent
        kept = {'all': mask, 'surest': surest_piece(mask, answer.probability)}
        for pieces, part in kept.items():
            overlap = 0 if absent else intersection_over_union(part, answer.truth)
            right[pieces].append(overlap > RIGHT_IOU)
        rows.append((
            statistics_of(answer.probability, answer.presence), absent, not mask.any(),
            answer.reference.image_id,
        ))
    if not rows:
        raise ValueError('no sentence of the data set has a word that the network knows')
    statistics, absent, empty, image = (np.array(column) for column in zip(*rows, strict=True))
    pieces = 'surest' if sum(right['surest']) > sum(right['all']) else 'all'
    return Answers(statistics, np.array(right[pieces]), absent, empty, image, pieces)


def calibrate(answers: Answers, rightly_empty: float | None = None) -> Calibration:
    """
    Fit a calibration, choose its threshold for `found`, and measure both.

    What is measured are scores that each fifth of the pictures gets from a fit to the others.

    :param rightly_empty: see ``choose_threshold``.
    :raises ValueError: when the answers are all right or all wrong, or of fewer than five pictures.
    """
    pictures = len(np.unique(answers.image))
    if pictures < _FOLDS:
        raise ValueError(
            f'answers about {pictures} pictures are too few to calibrate with; give a split with '
            f'{_FOLDS} or, better, hundreds'
        )
    right, absent = answers.right, answers.absent
    if right.all() or not right.any():
        raise ValueError(
            f'{"all" if right.any() else "none"} of {len(right)} answers are right, so there is '
            'nothing to tell apart; calibrate a trained network on a larger or harder split'
        )
    weights, intercept = fit_logistic(answers.statistics, right)
    held_out = _held_out_scores(answers)
    limit = choose_threshold(held_out, answers, rightly_empty)
    found = (held_out >= limit) & ~answers.empty
    measured = {
        'answers': len(right),
        'absent': int(absent.sum()),
        'right': int(right.sum()),
        'auc_right': roc_auc(held_out, right),
        'auc_present': roc_auc(held_out, ~absent),
        'brier': float(np.mean((held_out - right) ** 2)),
        'calibration_error': expected_calibration_error(held_out, right),
        'rightly_empty': _share(~found[absent]),
        'right_withheld': _share(~found[right]),
        'wrong_withheld': _share(~found[~right & ~absent]),
    }
    return Calibration(
        dict(zip(STATISTICS, weights.tolist(), strict=False)), intercept, limit, measured,
        answers.pieces,
    )


def choose_threshold(
    scores: np.ndarray, answers: Answers, rightly_empty: float | None = None
) -> float:
    """
    Choose the score from which an answer counts as found.

    Two errors weigh alike: the share of sentences without a target that get a mask, and the share
    of right masks that are withheld. Their sum has a flat minimum, whose place chance decides, so
    it is the lowest threshold whose sum is within one standard error of the smallest (the rule of
    Breiman et al., 1984): in doubt, the mask is shown.

    :param rightly_empty: choose instead the lowest threshold at which this share of the sentences
        without a target gets no mask, in [0, 1].
    :return: in [0, 1]; 0 where no sentence lacks its target, for then nothing speaks for emptiness.
    """
    absent, right = answers.absent, answers.right
    if not absent.any():
        return 0.0
    # Between two neighbouring scores, every threshold decides alike.
    ordered = np.unique(scores)
    limits = np.concatenate([[0.0], (ordered[1:] + ordered[:-1]) / 2, [1.0]])
    answered = np.sort(scores[absent & ~answers.empty])
    false_masks = (len(answered) - np.searchsorted(answered, limits)) / absent.sum()
    withheld = np.searchsorted(np.sort(scores[right]), limits) / right.sum()
    if rightly_empty is not None:
        return float(limits[np.argmax(false_masks <= 1 - rightly_empty + 1e-9)])
    errors = false_masks + withheld
    variance = (
        false_masks * (1 - false_masks) / absent.sum() + withheld * (1 - withheld) / right.sum()
    )
    least = np.argmin(errors)
    return float(limits[np.argmax(errors <= errors[least] + np.sqrt(variance[least]))])


def fit_logistic(statistics: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, float]:
    """
    Fit a logistic regression by Newton's method, with a weak prior on the weights.

    :param statistics: float NxK.
    :param right: bool N.
    :return: K weights and the intercept.
    """
    mean, spread = statistics.mean(axis=0), statistics.std(axis=0) + 1e-9
    design = np.column_stack([(statistics - mean) / spread, np.ones(len(right))])
    prior = np.append(np.full(statistics.shape[1], _RIDGE), 1e-6)
    solution = np.zeros(design.shape[1])
    for _ in range(_NEWTON_STEPS):
        chance = sigmoid(design @ solution)
        gradient = design.T @ (chance - right) + prior * solution
        curvature = (design.T * (chance * (1 - chance))) @ design + np.diag(prior)
        solution -= np.linalg.solve(curvature, gradient)
    weights = solution[:-1] / spread
    return weights, float(solution[-1] - weights @ mean)


def roc_auc(scores: np.ndarray, positive: np.ndarray) -> float | None:
    """Give the chance that a positive scores above a negative; None where one kind lacks."""
    positives, negatives = int(positive.sum()), int((~positive).sum())
    if not positives or not negatives:
        return None
    ranks = rankdata(scores)[positive].sum()
    return float((ranks - positives * (positives + 1) / 2) / (positives * negatives))


def expected_calibration_error(scores: np.ndarray, right: np.ndarray) -> float:
    """Give the mean distance of score and share of right answers over ten equal bins of scores."""
    bins = np.minimum((scores * _BINS).astype(int), _BINS - 1)
    return float(sum(
        abs(scores[bins == index].sum() - right[bins == index].sum()) for index in range(_BINS)
    ) / len(scores))


def _held_out_scores(answers: Answers) -> np.ndarray:
    """Score each fifth of the pictures by a fit to the other four."""
    _, picture = np.unique(answers.image, return_inverse=True)
    scores = np.empty(len(picture))
    for fold in range(_FOLDS):
        held_out = picture % _FOLDS == fold
        weights, intercept = fit_logistic(answers.statistics[~held_out], answers.right[~held_out])
        scores[held_out] = sigmoid(answers.statistics[held_out] @ weights + intercept)
    return scores


def _share(chosen: np.ndarray) -> float | None:
    return float(chosen.mean()) if len(chosen) else None
