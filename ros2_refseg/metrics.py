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

"""Measures of referring segmentation: overall IoU, mean IoU and Prec@X (paper, Sec. 4.2)."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

PRECISION_THRESHOLDS = (0.5, 0.6, 0.7, 0.8, 0.9)


def intersection_and_union(predicted: np.ndarray, truth: np.ndarray) -> tuple[int, int]:
    """Count the pixels in both and in either of two HxW masks (non-zero is inside)."""
    predicted, truth = predicted.astype(bool), truth.astype(bool)
    return int((predicted & truth).sum()), int((predicted | truth).sum())


def intersection_over_union(predicted: np.ndarray, truth: np.ndarray) -> float:
    """Give the IoU of two HxW masks in [0, 1]; two empty masks agree, 1."""
    intersection, union = intersection_and_union(predicted, truth)
    return intersection / union if union else 1.0


@dataclass
class SegmentationScore:
    """Sums over samples, each one pair of a region and a sentence, at original resolution."""

    intersections: list[int] = field(default_factory=list)
    unions: list[int] = field(default_factory=list)

    def add(self, intersection: int, union: int) -> None:
        """Count one sample in."""
        self.intersections.append(intersection)
        self.unions.append(union)

    def summary(self) -> dict[str, float | int]:
        """
        Give samples, overall_iou, mean_iou and prec@0.5 .. prec@0.9, each in [0, 1].

        Overall IoU is the sum of intersections over the sum of unions, and large regions weigh
        more in it; Prec@X is the share of samples whose IoU is X or more.
        """
        if not self.unions:
            return {'samples': 0}
        intersections, unions = np.array(self.intersections), np.array(self.unions)
        ious = np.where(unions > 0, intersections / np.maximum(unions, 1), 1.0)
        return {
            'samples': len(ious),
            'overall_iou': float(intersections.sum() / max(unions.sum(), 1)),
            'mean_iou': float(ious.mean()),
            **{f'prec@{x}': float((ious >= x).mean()) for x in PRECISION_THRESHOLDS},
        }


def length_bucket(words: int, bounds: Sequence[int]) -> str:
    """
    Name the bucket of a sentence's length, '1-2' say, given the buckets' upper bounds.

    The last bucket takes longer sentences as well: of these the network reads the beginning.
    """
    index = min(bisect_left(bounds, words), len(bounds) - 1)
    low, high = bounds[index - 1] + 1 if index else 1, bounds[index]
    return f'{low}-{high}' if low < high else f'{high}'
