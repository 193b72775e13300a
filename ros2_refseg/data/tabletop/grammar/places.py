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

"""Places in the image: sides, corners, the middle, the edges."""

from dataclasses import dataclass

from ros2_refseg.data.tabletop.grammar.meanings import GroupMeaning, Meaning
from ros2_refseg.data.tabletop.grammar.scene import Scene, Spot
from ros2_refseg.data.tabletop.grammar.truth import (
    BORDERLINE,
    FALSE,
    TRUE,
    Truth,
    every,
    graded,
)

SIDES = ('left', 'right', 'top', 'bottom')
OPPOSITE = {'left': 'right', 'right': 'left', 'top': 'bottom', 'bottom': 'top'}

# Shares of the image's width or height.
HALF_MARGIN = 0.08
"""Distance from the image's middle line from which on an object is surely on one side of it."""
FIRST_GAP = 0.10
"""How far ahead of the next one an object must be to be the one on a side."""
CLEAR_GAP = 0.25
"""How far ahead it must be where the next one is in the same half."""
PAIR_GAP, PAIR_REACH = 0.15, 0.60
"""How far ahead the one of two must be, and where it may be at most, seen from the side."""
FAR_SIDE = 0.70
"""Where an object is so far on the other side that no comparison puts it on this one."""
CORNER, OUT_OF_CORNER = 0.34, 0.60
"""How far from both sides an object is in their corner, and no more."""
CENTRE, OFF_CENTRE = 0.12, 0.24
"""Distance from the image's centre within which an object is in the middle, and no more."""
AT_EDGE, OFF_EDGE = 0.03, 0.12
"""Distance of a box from the image's edge at which it is at the edge, and no more."""


def from_side(spot: Spot, side: str) -> float:
    """Give an object's distance from a side, as a share of the image."""
    share = spot.across if side in ('left', 'right') else spot.down
    return share if side in ('left', 'top') else 1.0 - share


@dataclass(frozen=True)
class InHalf(Meaning):
    """In the half of the image on a side, whatever else is there."""

    side: str

    def among(self, scene: Scene) -> tuple[Truth, ...]:
        """Compare with the image's middle line."""
        return tuple(graded(0.5 - from_side(spot, self.side), -HALF_MARGIN, HALF_MARGIN)
                     for spot in scene.spots)


@dataclass(frozen=True)
class AtEdge(Meaning):
    """Close to the image's edge on a side."""

    side: str

    def among(self, scene: Scene) -> tuple[Truth, ...]:
        """Compare the distance of each box from the edge."""
        return tuple(graded(-self._gap(spot), -OFF_EDGE, -AT_EDGE) for spot in scene.spots)

    def _gap(self, spot: Spot) -> float:
        return {'left': spot.left, 'right': 1 - spot.right, 'top': spot.top,
                'bottom': 1 - spot.bottom}[self.side]


@dataclass(frozen=True)
class OnSide(GroupMeaning):
    """
    "The mug on the left".

    Alone it is in that half. Among several it is the only one there, or well ahead of the others;
    of two it may be just the one further to that side.
    """

    base: Meaning
    side: str

    def within(self, scene: Scene, index: int, group: list[int]) -> Truth:
        """Compare with the middle line and with the others."""
        place = from_side(scene.spots[index], self.side)
        others = [from_side(scene.spots[other], self.side) for other in group if other != index]
        half = graded(0.5 - place, -HALF_MARGIN, HALF_MARGIN)
        if not others:
            return half
        ahead = min(others) - place
        if ahead >= FIRST_GAP and half == TRUE and (
                ahead >= CLEAR_GAP or min(others) >= 0.5 + HALF_MARGIN):
            return TRUE
        if len(others) == 1 and ahead >= PAIR_GAP and place <= PAIR_REACH:
            return TRUE
        behind = -ahead
        beaten = behind >= CLEAR_GAP and min(others) <= 0.5 - HALF_MARGIN
        beaten |= len(others) == 1 and behind >= PAIR_GAP and min(others) <= PAIR_REACH
        beaten |= half == FALSE and behind >= FIRST_GAP
        return FALSE if beaten or place >= FAR_SIDE else BORDERLINE


@dataclass(frozen=True)
class InCorner(GroupMeaning):
    """In a corner of the image, ``vertical`` top or bottom and ``horizontal`` left or right."""

    base: Meaning
    vertical: str
    horizontal: str

    def within(self, scene: Scene, index: int, group: list[int]) -> Truth:
        """Compare with the corner, and see that no other one is nearly there."""
        place = self._off(scene.spots[index])
        others = [self._off(scene.spots[other]) for other in group if other != index]
        ahead = min(others, default=1.0) - place
        if place <= CORNER and (min(others, default=1.0) >= 0.5 + HALF_MARGIN
                                or ahead >= CLEAR_GAP):
            return TRUE
        outside = place >= (OUT_OF_CORNER if not others else FAR_SIDE)
        return FALSE if outside or -ahead >= CLEAR_GAP else BORDERLINE

    def _off(self, spot: Spot) -> float:
        return max(from_side(spot, self.vertical), from_side(spot, self.horizontal))


@dataclass(frozen=True)
class InMiddle(GroupMeaning):
    """In the middle of the image, and not contradicted by another one in the middle of a row."""

    base: Meaning

    def within(self, scene: Scene, index: int, group: list[int]) -> Truth:
        """Compare with the image's centre, and see that no other one is nearly there."""
        off = {i: max(abs(scene.spots[i].across - 0.5), abs(scene.spots[i].down - 0.5))
               for i in group}
        others = [other for other in group if other != index]
        row = sorted(group, key=lambda i: scene.spots[i].across)
        if off[index] >= OFF_CENTRE:
            # The middle one of a row is called so wherever the row is.
            return BORDERLINE if len(row) > 2 and index in row[1:-1] else FALSE
        alone = every(graded(off[other], CENTRE, OFF_CENTRE) for other in others)
        middle_of_row = len(row) < 3 or index in row[1:-1]
        return TRUE if off[index] <= CENTRE and alone == TRUE and middle_of_row else BORDERLINE


@dataclass(frozen=True)
class MiddleOfThree(GroupMeaning):
    """The middle one of three that form a row from left to right."""

    base: Meaning

    def within(self, scene: Scene, index: int, group: list[int]) -> Truth:
        """Sort the three; a row is wider than high."""
        if len(group) != 3:
            return BORDERLINE
        row = sorted(group, key=lambda i: scene.spots[i].across)
        places = [scene.spots[i].across for i in row]
        downs = [scene.spots[i].down for i in row]
        clear = min(places[1] - places[0], places[2] - places[1]) >= FIRST_GAP
        if not clear or max(downs) - min(downs) >= 0.5 * (places[2] - places[0]):
            return BORDERLINE
        return TRUE if index == row[1] else FALSE
