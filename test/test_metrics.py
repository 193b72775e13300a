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

"""Measures, on masks small enough to count by hand."""

import numpy as np
import pytest

from ros2_refseg.metrics import (
    SegmentationScore,
    intersection_and_union,
    intersection_over_union,
    length_bucket,
)


def mask(rows: str) -> np.ndarray:
    return np.array([[int(cell) for cell in row] for row in rows.split()], np.uint8)


def test_intersection_and_union_count_pixels_whatever_inside_is_written_as():
    one, other = mask('110 000') * 255, mask('011 001')
    assert intersection_and_union(one, other) == (1, 4)
    assert intersection_over_union(one, other) == pytest.approx(1 / 4)


def test_two_empty_masks_agree_and_one_does_not():
    nothing, something = mask('00'), mask('01')
    assert intersection_over_union(nothing, nothing) == 1
    assert intersection_over_union(nothing, something) == 0


def test_overall_iou_weighs_by_area_and_mean_iou_does_not():
    score = SegmentationScore()
    score.add(90, 100)
    score.add(1, 10)
    summary = score.summary()
    assert summary['samples'] == 2
    assert summary['overall_iou'] == pytest.approx(91 / 110)
    assert summary['mean_iou'] == pytest.approx(0.5)


def test_precision_counts_an_iou_equal_to_the_threshold():
    score = SegmentationScore()
    for intersection in (5, 7, 9):
        score.add(intersection, 10)
    summary = score.summary()
    assert [summary[f'prec@{x}'] for x in (0.5, 0.6, 0.7, 0.8, 0.9)] == pytest.approx(
        [1, 2 / 3, 2 / 3, 1 / 3, 1 / 3]
    )


def test_no_sample_gives_no_score():
    assert SegmentationScore().summary() == {'samples': 0}


@pytest.mark.parametrize('bounds, words, bucket', [
    ((2, 3, 5, 20), 1, '1-2'), ((2, 3, 5, 20), 2, '1-2'), ((2, 3, 5, 20), 3, '3'),
    ((2, 3, 5, 20), 5, '4-5'), ((2, 3, 5, 20), 6, '6-20'), ((2, 3, 5, 20), 20, '6-20'),
    ((2, 3, 5, 20), 21, '6-20'), ((1, 2, 4, 20), 1, '1'), ((1, 2, 4, 20), 4, '3-4'),
    ((5, 7, 10, 20), 7, '6-7'), ((5, 7, 10, 20), 11, '11-20'),
])
def test_length_buckets_of_table_2(bounds, words, bucket):
    assert length_bucket(words, bounds) == bucket
