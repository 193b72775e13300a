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

"""Comparisons within a group: superlatives, comparatives, ordinals and sizes."""

from dataclasses import dataclass

from ros2_refseg.data.tabletop.grammar.meanings import GroupMeaning, Meaning
from ros2_refseg.data.tabletop.grammar.places import SIDES, from_side
from ros2_refseg.data.tabletop.grammar.scene import Scene
from ros2_refseg.data.tabletop.grammar.truth import (
    BORDERLINE,
    FALSE,
    TRUE,
    Truth,
    every,
    graded,
    negate,
    some,
)

FIRST_MARGIN = 0.10
"""Distance between an outermost object and the next one, in shares of the image."""
ORDER_MARGIN = 0.06
"""Distance between neighbours that are counted, in shares of the image."""
DEPTH_MARGIN = 0.06
"""Distance in metres, along the optical axis, between one object and one farther away."""
EDGE_MARGIN = 0.04
"""How much lower in the image the nearer object's bottom edge must be."""
BIGGER, NOT_BIGGER = 1.22, 1.10
"""Ratio of the scales of two things of one kind, from which on and up to which it is so."""
LOOKS_BIGGER = 1.3
"""Ratio of apparent sizes at which perspective alone may pass for a difference in size."""
OBVIOUS_AREA, OBVIOUS_LENGTH = 1.8, 1.15
"""Ratios of apparent area and of box sides that make things of different kinds differ."""
CLOSER, CLOSER_METRES, CLOSER_PIXELS = 1.35, 0.04, 1.15
"""Ratio and difference of distances, and their ratio in the image, of a nearest one."""
DIRECTIONS = (*SIDES, 'near', 'far')


def bigger(scene: Scene, one: int, other: int) -> Truth:
    """Tell whether one object is bigger than another, for things of one kind by their scales."""
    first, second = scene.things[one], scene.things[other]
    if first.kind != second.kind:
        return _obviously_bigger(scene, one, other)
    ratio = first.scale / second.scale
    looks = ratio * second.depth / first.depth
    if ratio >= BIGGER:
        return TRUE if looks >= 1.0 else BORDERLINE
    return FALSE if ratio <= NOT_BIGGER and (ratio <= 1 / BIGGER or looks <= LOOKS_BIGGER) \
        else BORDERLINE


def _obviously_bigger(scene: Scene, one: int, other: int) -> Truth:
    """Compare what is seen of them, brought to the same distance."""
    areas, sides = [], []
    for index in (one, other):
        thing, spot = scene.things[index], scene.spots[index]
        if min(spot.left, spot.top, 1 - spot.right, 1 - spot.bottom) <= 0:
            return BORDERLINE
        areas.append(thing.pixels / thing.visible_share * thing.depth ** 2)
        sides.append(sorted((spot.wide * spot.depth, spot.high * spot.depth)))
    area = areas[0] / areas[1]
    sides_ratio = min(first / second for first, second in zip(*sides, strict=True))
    if area >= OBVIOUS_AREA and sides_ratio >= OBVIOUS_LENGTH:
        return TRUE
    inverse = min(second / first for first, second in zip(*sides, strict=True))
    return FALSE if area <= 1 / OBVIOUS_AREA and inverse >= OBVIOUS_LENGTH else BORDERLINE


def nearer(scene: Scene, one: int, other: int) -> Truth:
    """Tell whether one object is nearer to the camera than another, in depth and in the image."""
    first, second = scene.spots[one], scene.spots[other]
    closer, lower = second.depth - first.depth, first.bottom - second.bottom
    if closer >= DEPTH_MARGIN and lower >= EDGE_MARGIN:
        return TRUE
    return FALSE if closer <= -DEPTH_MARGIN and lower <= -EDGE_MARGIN else BORDERLINE


def ahead(scene: Scene, one: int, other: int, axis: str, margin: float) -> Truth:
    """
    Tell whether one object comes before another: on a side, near, far, big or small.

    The ``margin`` is that of sides, a share of the image.
    """
    if axis in SIDES:
        gap = from_side(scene.spots[other], axis) - from_side(scene.spots[one], axis)
        return graded(gap, -margin, margin)
    if axis in ('near', 'far'):
        return nearer(scene, *((one, other) if axis == 'near' else (other, one)))
    return bigger(scene, *((one, other) if axis == 'big' else (other, one)))


@dataclass(frozen=True)
class Rank(GroupMeaning):
    """
    The ``number``-th of a group along an axis: the leftmost, the second biggest.

    The axis is a side of the image to count from, near, far, big or small. ``of`` is how many
    there must be, where the words say so: "the bigger one of the two".
    """

    base: Meaning
    axis: str
    number: int = 1
    of: int = 0

    def within(self, scene: Scene, index: int, group: list[int]) -> Truth:
        """Count those that come before; each of the group must do so clearly or clearly not."""
        others = [other for other in group if other != index]
        if len(group) < self.number:
            return FALSE
        if not others or (self.of and len(group) != self.of):
            return BORDERLINE
        margin = FIRST_MARGIN if self.number == 1 else ORDER_MARGIN
        before = after = 0
        for other in others:
            truth = ahead(scene, other, index, self.axis, margin)
            before += truth == TRUE
            # That one thing is not bigger than another does not make it smaller.
            after += truth == FALSE if self.axis in DIRECTIONS else (
                ahead(scene, index, other, self.axis, margin) == TRUE)
        unsure = len(others) - before - after
        if not before <= self.number - 1 <= before + unsure:
            return FALSE
        return TRUE if not unsure else BORDERLINE


@dataclass(frozen=True)
class Sized(GroupMeaning):
    """
    Small, medium or large among the things of its kind in view.

    Both among all of its kind and among those that the rest of the phrase is true of, where these
    are several: of three mugs the middle one may be "the big red mug".
    """

    base: Meaning
    size: str

    def within(self, scene: Scene, index: int, group: list[int]) -> Truth:
        """Look for bigger and smaller ones."""
        kind = scene.things[index].kind
        peers = [other for other, thing in enumerate(scene.things)
                 if thing.kind == kind and other != index]
        if not peers:
            return BORDERLINE
        answer = self._among(scene, index, peers)
        narrow = [other for other in peers if other in group]
        if narrow and self._among(scene, index, narrow) != answer:
            return BORDERLINE
        return answer

    def _among(self, scene: Scene, index: int, peers: list[int]) -> Truth:
        above = [bigger(scene, other, index) for other in peers]
        below = [bigger(scene, index, other) for other in peers]
        if self.size == 'medium':
            # Of small and big ones alone each might pass for medium.
            between = any(bigger(scene, other, third) == bigger(scene, fourth, other) == TRUE
                          for other in peers for third in (index, *peers)
                          for fourth in (index, *peers))
            return max(min(some(above), some(below)), FALSE if between else BORDERLINE)
        if self.size == 'small':
            above, below = below, above
        return min(some(below), every(negate(truth) for truth in above))


@dataclass(frozen=True)
class ByDistance(GroupMeaning):
    """The nearest one of a group to the only object that ``anchor`` means, or the farthest."""

    base: Meaning
    anchor: Meaning
    farthest: bool = False

    def within(self, scene: Scene, index: int, group: list[int]) -> Truth:
        """Compare distances in space and in the image."""
        centre = scene.meant(self.anchor)
        if centre is None:
            return FALSE if scene.nothing_meant(self.anchor) else BORDERLINE
        others = [other for other in group if other not in (index, centre)]
        if index == centre:
            return FALSE
        if not others:
            return BORDERLINE
        pairs = [(other, index) if self.farthest else (index, other) for other in others]
        return every(self._closer(scene, centre, *pair) for pair in pairs)

    @staticmethod
    def _closer(scene: Scene, centre: int, one: int, other: int) -> Truth:
        near, far = scene.distance(one, centre), scene.distance(other, centre)
        pixels = scene.pixel_distance(other, centre) / max(scene.pixel_distance(one, centre), 1.0)
        if far >= max(CLOSER * near, near + CLOSER_METRES) and pixels >= CLOSER_PIXELS:
            return TRUE
        return FALSE if near >= max(CLOSER * far, far + CLOSER_METRES) and \
            pixels <= 1 / CLOSER_PIXELS else BORDERLINE


@dataclass(frozen=True)
class Other(GroupMeaning):
    """Of exactly two the one that ``known`` does not mean: "the other mug, not the red one"."""

    base: Meaning
    known: Meaning

    def within(self, scene: Scene, index: int, group: list[int]) -> Truth:
        """Take the other one of two, of which one is known for sure."""
        truths = scene.truth(self.known)
        if len(group) != 2 or sorted(truths[i] for i in group) != [FALSE, TRUE]:
            return BORDERLINE
        return negate(truths[index])
