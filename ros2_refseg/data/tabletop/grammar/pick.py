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

"""Drawing among words and choices."""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

T = TypeVar('T')


class Picker:
    """A random generator that speaks of choices."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng

    def share(self) -> float:
        """Draw a number in [0, 1)."""
        return float(self._rng.random())

    def chance(self, probability: float) -> bool:
        """Decide."""
        return self.share() < probability

    def any(self, choices: Sequence[T]) -> T:
        """Draw one of several that are equally likely."""
        return choices[int(self._rng.integers(len(choices)))]

    def common(self, choices: Sequence[T]) -> T:
        """Draw the first of several half of the time, the others equally often."""
        return choices[0] if len(choices) == 1 or self.chance(0.5) else self.any(choices[1:])

    def weighted(self, choices: dict[T, float]) -> T:
        """Draw a key in proportion to its weight."""
        left = self.share() * sum(choices.values())
        for choice, weight in choices.items():
            left -= weight
            if left < 0:
                return choice
        # Rounding may leave a trace of the last one's weight.
        return choice

    def shuffled(self, choices: Sequence[T]) -> list[T]:
        """Give all of them in a random order."""
        return [choices[i] for i in self._rng.permutation(len(choices))]
