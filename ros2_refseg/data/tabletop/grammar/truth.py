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

"""Three-valued truth: what a person would be sure of, and what is too close to call."""

from collections.abc import Iterable
from enum import IntEnum


class Truth(IntEnum):
    """Kleene's strong logic: "and" is the minimum, "or" the maximum."""

    FALSE = 0
    BORDERLINE = 1
    TRUE = 2


FALSE, BORDERLINE, TRUE = Truth.FALSE, Truth.BORDERLINE, Truth.TRUE


def negate(truth: Truth) -> Truth:
    """Turn true into false; borderline stays."""
    return Truth(TRUE - truth)


def every(truths: Iterable[Truth]) -> Truth:
    """Join with "and"; of nothing it is true."""
    return min(truths, default=TRUE)


def some(truths: Iterable[Truth]) -> Truth:
    """Join with "or"; of nothing it is false."""
    return max(truths, default=FALSE)


def graded(value: float, no: float, yes: float) -> Truth:
    """Call a value true from ``yes`` on, false up to ``no``, which is smaller."""
    if value >= yes:
        return TRUE
    return FALSE if value <= no else BORDERLINE
