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

"""What a sentence is held against: the objects of a view, measured, and what was found of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import dist, hypot
from typing import TYPE_CHECKING

import numpy as np

from ros2_refseg.data.tabletop.grammar.truth import BORDERLINE, Truth
from ros2_refseg.data.tabletop.view import SMALLEST_SHARE, VisibleObject

if TYPE_CHECKING:
    from ros2_refseg.data.tabletop.grammar.meanings import Meaning

PLAIN_TO_SEE = 0.35
"""Share of an object that must not be hidden for anybody to be sure what it is."""


SLIM = ('pen', 'spoon', 'fork', 'hammer', 'screwdriver', 'carrot', 'banana')
"""Kinds whose box in the image says little of how far they reach."""


@dataclass(frozen=True)
class Spot:
    """
    Where an object is in the image.

    ``across`` and ``down`` are its middle, ``left`` ... ``bottom`` its box, all in shares of the
    image's width or height; ``depth`` is in metres. ``x`` and ``y`` are its middle, ``wide`` and
    ``high`` its box in pixels.
    """

    across: float
    down: float
    left: float
    right: float
    top: float
    bottom: float
    depth: float
    x: float
    y: float
    wide: int
    high: int


class Scene:
    """
    The visible objects of a ``width`` x ``height`` view.

    Objects go by their index in ``things``. What is worked out once is kept.
    """

    def __init__(self, objects: Sequence[VisibleObject], width: int, height: int) -> None:
        self.things = tuple(objects)
        self.width, self.height = width, height
        self.spots = tuple(self._spot(thing) for thing in self.things)
        self.index = {thing.id: index for index, thing in enumerate(self.things)}
        self._truths: dict[Meaning, tuple[Truth, ...]] = {}
        self.relations: dict[tuple[str, int, int], Truth] = {}

    def __len__(self) -> int:
        return len(self.things)

    def truth(self, meaning: 'Meaning') -> tuple[Truth, ...]:
        """
        Tell of which objects a meaning is true.

        Of an object that is hard to see nothing is surely true.
        """
        if meaning not in self._truths:
            self._truths[meaning] = tuple(
                truth if plain else min(truth, BORDERLINE)
                for truth, plain in zip(meaning.among(self), self.plain_to_see, strict=True))
        return self._truths[meaning]

    def meant(self, meaning: 'Meaning') -> int | None:
        """Give the only object that a meaning is true of, if it is false of all others."""
        truths = self.truth(meaning)
        possible = [index for index, truth in enumerate(truths) if truth != Truth.FALSE]
        if len(possible) == 1 and truths[possible[0]] == Truth.TRUE:
            return possible[0]
        return None

    def nothing_meant(self, meaning: 'Meaning') -> bool:
        """Tell whether a meaning is false of every object."""
        return all(truth == Truth.FALSE for truth in self.truth(meaning))

    @cached_property
    def plain_to_see(self) -> tuple[bool, ...]:
        """Which objects a person surely sees for what they are."""
        smallest = SMALLEST_SHARE * self.width * self.height
        return tuple(thing.pixels >= smallest and thing.visible_share >= PLAIN_TO_SEE
                     for thing in self.things)

    @cached_property
    def focal(self) -> float:
        """Focal length in pixels, the one that fits positions to middles in the image best."""
        rays, offsets = [], []
        for thing, spot in zip(self.things, self.spots, strict=True):
            x, y, z = thing.position
            if z > 0:
                rays += [x / z, y / z]
                offsets += [spot.x - self.width / 2, spot.y - self.height / 2]
        rays, offsets = np.array(rays), np.array(offsets)
        # A wide lens where the scene says nothing: all things in the middle, or no positions.
        return float(rays @ offsets / (rays @ rays)) if rays @ rays > 1e-4 else float(self.width)

    def distance(self, one: int, other: int) -> float:
        """Give the distance of two objects' middles in metres."""
        return dist(self.things[one].position, self.things[other].position)

    def pixel_distance(self, one: int, other: int) -> float:
        """Give the distance of two objects' middles in the image in pixels."""
        return hypot(self.spots[one].x - self.spots[other].x,
                     self.spots[one].y - self.spots[other].y)

    def half_width(self, index: int) -> float:
        """Give half of an object's width in metres; of slim things, which may lie askew, less."""
        share = 0.25 if self.things[index].kind in SLIM else 0.5
        return share * self.spots[index].wide * self.spots[index].depth / self.focal

    def rests_on(self, index: int) -> tuple[int, ...]:
        """List what an object stands on or lies in, from the nearest down to the table."""
        below: list[int] = []
        while True:
            thing = self.things[index]
            next_one = self.index.get(thing.container, self.index.get(thing.support))
            if next_one is None or next_one in below:
                return tuple(below)
            below.append(next_one)
            index = next_one

    def stacked(self, one: int, other: int) -> bool:
        """Tell whether one of two objects rests on or in the other."""
        return other in self.rests_on(one) or one in self.rests_on(other)

    def _spot(self, thing: VisibleObject) -> Spot:
        left, top, wide, high = thing.box
        x, y = thing.centroid
        return Spot(x / self.width, y / self.height, left / self.width,
                    (left + wide) / self.width, top / self.height, (top + high) / self.height,
                    thing.depth, x, y, wide, high)
