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

"""Objects that slide and turn on the table, slowly and without touching, for a live camera."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ros2_refseg.data.tabletop.layout import (
    AIRY,
    GAP,
    Camera,
    Crowding,
    Standing,
    find_spot,
    projected_box,
)

MOVERS = 2
"""Objects that move at the same time."""
SPEED = (0.06, 0.14)
"""Slowest and fastest mean speed in metres a second."""
LARGEST_TURN = np.pi / 2
"""Most that an object turns on its way, in radians."""
LONGEST_STEP = 0.25
"""Time in seconds after which it is looked again whether an object should set off."""


@dataclass(frozen=True)
class _Path:
    """A straight way from a start to a goal (metres), in a time (seconds), with a turn."""

    start: np.ndarray
    goal: np.ndarray
    yaw: float
    turn: float
    begin: float
    duration: float

    def progress(self, now: float) -> float:
        """Give the share of the way, with a soft start and stop."""
        share = min(max((now - self.begin) / self.duration, 0.0), 1.0)
        return share * share * (3.0 - 2.0 * share)


class Motion:
    """
    Moves ``MOVERS`` of the items at a time, each on a straight way to a place that is in view.

    A way is taken only if it stays clear of all other items and of their ways. The same ``rng``
    gives the same motion for the same steps.
    """

    def __init__(
        self, items: Sequence[Standing], camera: Camera, table_size: tuple[float, float],
        rng: np.random.Generator, crowding: Crowding = AIRY,
    ) -> None:
        self._items, self._camera, self._table_size = items, camera, table_size
        self._rng = rng
        self._crowding = crowding
        self._now = 0.0
        self._paths = [self._rest(np.array([item.x, item.y]), item.yaw) for item in items]

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        while seconds > 0.0:
            step = min(seconds, LONGEST_STEP)
            self._set_off()
            self._now += step
            seconds -= step
            for number, path in enumerate(self._paths):
                if self._moving(path) and self._now >= path.begin + path.duration:
                    self._paths[number] = self._rest(path.goal, path.yaw + path.turn)

    def poses(self) -> np.ndarray:
        """Give x, y (metres) and yaw (radians) of every item: (N, 3)."""
        poses = np.empty((len(self._paths), 3))
        for number, path in enumerate(self._paths):
            progress = path.progress(self._now)
            poses[number, :2] = path.start + progress * (path.goal - path.start)
            poses[number, 2] = path.yaw + progress * path.turn
        return poses

    def _rest(self, spot: np.ndarray, yaw: float) -> _Path:
        return _Path(spot, spot, yaw, 0.0, self._now, np.inf)

    @staticmethod
    def _moving(path: _Path) -> bool:
        return np.isfinite(path.duration)

    def _set_off(self) -> None:
        """Send one more item on its way if too few are, and if there is a free way."""
        resting = [n for n, path in enumerate(self._paths) if not self._moving(path)]
        if len(self._paths) - len(resting) >= MOVERS:
            return
        number = int(self._rng.choice(resting))
        item = self._items[number]
        others = [n for n in range(len(self._items)) if n != number]
        boxes = [projected_box(self._camera, self._paths[n].goal, self._items[n]) for n in others]
        here = self._paths[number]

        def free(spot: np.ndarray) -> bool:
            return all(
                segment_distance(here.goal, spot, self._paths[n].start, self._paths[n].goal)
                >= item.radius + self._items[n].radius + GAP for n in others)

        goal = find_spot(self._rng, item, self._camera, self._table_size, free, boxes,
                         tries=20, crowding=self._crowding)
        if goal is None:
            return
        duration = max(np.linalg.norm(goal - here.goal) / self._rng.uniform(*SPEED), 1.0)
        turn = self._rng.uniform(-LARGEST_TURN, LARGEST_TURN)
        self._paths[number] = _Path(here.goal, goal, here.yaw, turn, self._now, float(duration))


def segment_distance(a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray) -> float:
    """Give the smallest distance between the segments a-b and c-d in the plane."""
    if (_side(a, b, c) * _side(a, b, d) < 0.0) and (_side(c, d, a) * _side(c, d, b) < 0.0):
        return 0.0
    return min(_point_distance(a, c, d), _point_distance(b, c, d),
               _point_distance(c, a, b), _point_distance(d, a, b))


def _side(a: np.ndarray, b: np.ndarray, point: np.ndarray) -> float:
    return float((b[0] - a[0]) * (point[1] - a[1]) - (b[1] - a[1]) * (point[0] - a[0]))


def _point_distance(point: np.ndarray, start: np.ndarray, end: np.ndarray) -> float:
    way = end - start
    length = float(way @ way)
    share = min(max(float((point - start) @ way) / length, 0.0), 1.0) if length > 0.0 else 0.0
    return float(np.linalg.norm(point - start - share * way))
