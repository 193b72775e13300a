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

"""Relations between two objects, as they look to the camera."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import dist

from ros2_refseg.data.tabletop.grammar.meanings import Meaning
from ros2_refseg.data.tabletop.grammar.rankings import bigger
from ros2_refseg.data.tabletop.grammar.scene import Scene
from ros2_refseg.data.tabletop.grammar.truth import (
    BORDERLINE,
    FALSE,
    TRUE,
    Truth,
    every,
    some,
)

# Shares of the image's width.
ASIDE = 0.07
"""Horizontal distance of middles from which on one thing is left or right of the other."""
CONTRARY = -0.03
"""Distance in the other direction from which on a direction is surely wrong."""
UPWARDS = 0.09
"""Vertical distance of middles from which on one thing is above the other in the image."""

# Metres.
BEHIND = 0.05
"""Difference in depth from which on one thing is behind the other."""
BESIDE, NOT_BESIDE = 0.05, 0.13
"""Gap between two things up to which they are next to each other, and from which on not."""

LOWER = 0.04
"""How much lower the bottom edge of the thing in front is, in shares of the image's height."""


def left_of(scene: Scene, one: int, other: int) -> Truth:
    """Tell whether one is to the left of another: more than above, below, before or behind it."""
    first, second = scene.spots[one], scene.spots[other]
    aside = second.across - first.across
    if aside <= CONTRARY or scene.stacked(one, other):
        return FALSE
    climb = abs(first.down - second.down) * scene.height / scene.width
    apart = first.right <= second.across and first.across <= second.left
    here, there = scene.things[one].position, scene.things[other].position
    x, z = abs(here[0] - there[0]), abs(here[2] - there[2])
    if aside >= ASIDE and climb <= aside and apart and z <= 1.5 * x:
        return TRUE
    return BORDERLINE


def behind(scene: Scene, one: int, other: int) -> Truth:
    """Tell whether one is behind another: farther away, higher in the image and about in line."""
    first, second = scene.spots[one], scene.spots[other]
    farther, higher = first.depth - second.depth, second.bottom - first.bottom
    if scene.stacked(one, other):
        return FALSE
    if farther <= 0 and higher <= 0 and (farther <= -BEHIND / 2 or higher <= -LOWER / 2):
        return FALSE
    common = min(first.right, second.right) - max(first.left, second.left)
    narrow = min(first.right - first.left, second.right - second.left)
    aside = abs(scene.things[one].position[0] - scene.things[other].position[0])
    in_line = common >= 0.3 * narrow or aside <= farther
    return TRUE if farther >= BEHIND and higher >= LOWER and in_line else BORDERLINE


def next_to(scene: Scene, one: int, other: int) -> Truth:
    """Tell whether two things stand side by side with a small gap."""
    if scene.stacked(one, other):
        # Nobody says "next to" of what is in or on a thing, but some may say "near".
        return BORDERLINE
    gap = scene.distance(one, other) - scene.half_width(one) - scene.half_width(other)
    if gap >= NOT_BESIDE:
        return FALSE
    first, second = scene.spots[one], scene.spots[other]
    pixels = max(first.left - second.right, second.left - first.right) * scene.width
    reach = 0.4 * min(max(first.wide, first.high), max(second.wide, second.high))
    level = abs(first.depth - second.depth) <= 2 * BEHIND
    same_floor = scene.rests_on(one)[:1] == scene.rests_on(other)[:1]
    return TRUE if gap <= BESIDE and pixels <= reach and level and same_floor else BORDERLINE


def above(scene: Scene, one: int, other: int) -> Truth:
    """Tell whether one is above another: on top of it, or higher in the image and in line."""
    first, second = scene.spots[one], scene.spots[other]
    if one in scene.rests_on(other):
        return FALSE
    if other in scene.rests_on(one):
        return TRUE if on(scene, one, other) == TRUE else BORDERLINE
    climb = (second.down - first.down) * scene.height / scene.width
    aside = abs(first.across - second.across)
    if climb <= CONTRARY or aside >= max(2 * climb, ASIDE):
        return FALSE
    in_line = aside <= 0.6 * climb
    return TRUE if climb >= UPWARDS and in_line and first.bottom <= second.down else BORDERLINE


def on(scene: Scene, one: int, other: int) -> Truth:
    """Tell whether one rests directly on another."""
    thing, place = scene.things[one], scene.things[other]
    if thing.support == place.id and thing.container != place.id:
        return TRUE
    return BORDERLINE if other in scene.rests_on(one) else FALSE


def in_(scene: Scene, one: int, other: int) -> Truth:
    """Tell whether one lies in another."""
    if scene.things[one].container == scene.things[other].id:
        return TRUE
    return BORDERLINE if other in scene.rests_on(one) else FALSE


def under(scene: Scene, one: int, other: int) -> Truth:
    """Tell whether one carries another; lower in the image is a borderline case."""
    if on(scene, other, one) != FALSE:
        return on(scene, other, one)
    return BORDERLINE if above(scene, other, one) == TRUE else FALSE


def bigger_than(scene: Scene, one: int, other: int) -> Truth:
    """Tell whether one is bigger than another of its kind."""
    if scene.things[one].kind != scene.things[other].kind:
        return BORDERLINE
    return bigger(scene, one, other)


def same_colour(scene: Scene, one: int, other: int) -> Truth:
    """Tell whether two painted things are of one colour."""
    first, second = scene.things[one], scene.things[other]
    if first.colour == second.colour:
        plain = first.pattern == second.pattern == 'plain' and first.material == second.material
        return TRUE if plain else BORDERLINE
    shared = {first.colour, first.second_colour} & {second.colour, second.second_colour} - {''}
    return BORDERLINE if shared or 'plain' not in (first.material, second.material) else FALSE


Relation = Callable[[Scene, int, int], Truth]


def _reverse(relation: Relation) -> Relation:
    return lambda scene, one, other: relation(scene, other, one)


RELATIONS: dict[str, Relation] = {
    'left of': left_of, 'right of': _reverse(left_of), 'behind': behind,
    'in front of': _reverse(behind), 'next to': next_to, 'above': above,
    'below': _reverse(above), 'on': on, 'in': in_, 'under': under, 'holds inside': _reverse(in_),
    'holds on top': _reverse(on), 'bigger than': bigger_than,
    'smaller than': _reverse(bigger_than), 'same colour': same_colour,
}
"""Whether the first of two objects is in a relation to the second."""

INVERSE = {'left of': 'right of', 'behind': 'in front of', 'above': 'below', 'on': 'under',
           'in': 'holds inside', 'bigger than': 'smaller than'}
INVERSE |= {second: first for first, second in INVERSE.items()}
"""Relations that are easily mistaken for each other."""


def related(scene: Scene, name: str, one: int, other: int) -> Truth:
    """Tell whether a relation of ``RELATIONS`` holds of two objects; the scene keeps the answer."""
    key = name, one, other
    if key not in scene.relations:
        scene.relations[key] = RELATIONS[name](scene, one, other)
    return scene.relations[key]


@dataclass(frozen=True)
class Related(Meaning):
    """In a relation to an object that ``anchor`` is true of."""

    relation: str
    anchor: Meaning

    def among(self, scene: Scene) -> tuple[Truth, ...]:
        """Look for such an object."""
        anchors = scene.truth(self.anchor)
        return tuple(some(
            min(truth, related(scene, self.relation, index, other))
            for other, truth in enumerate(anchors) if other != index and truth != FALSE)
            for index in range(len(scene)))


@dataclass(frozen=True)
class Between(Meaning):
    """
    Between two objects, in the image and on the table.

    These are the only ones that ``first`` and ``second`` mean; where ``second`` is None, ``first``
    is true of just the two: "between the two cans".
    """

    first: Meaning
    second: Meaning | None = None

    def among(self, scene: Scene) -> tuple[Truth, ...]:
        """Find the two, then ask of each object."""
        pair = self._pair(scene)
        if pair is None:
            absent = any(scene.nothing_meant(part) for part in (self.first, self.second) if part)
            return (FALSE if absent else BORDERLINE,) * len(scene)
        return tuple(FALSE if index in pair else _between(scene, index, *pair)
                     for index in range(len(scene)))

    def _pair(self, scene: Scene) -> tuple[int, int] | None:
        if self.second is not None:
            pair = scene.meant(self.first), scene.meant(self.second)
            return pair if None not in pair and pair[0] != pair[1] else None
        truths = scene.truth(self.first)
        possible = [index for index, truth in enumerate(truths) if truth != FALSE]
        sure = len(possible) == 2 and every(truths[index] for index in possible) == TRUE
        return tuple(possible) if sure else None


def _between(scene: Scene, index: int, first: int, second: int) -> Truth:
    if scene.stacked(index, first) or scene.stacked(index, second):
        return FALSE
    spots, things = scene.spots, scene.things
    in_image = _along(*((spots[i].x, spots[i].y) for i in (first, second, index)))
    on_table = _along(*(things[i].position for i in (first, second, index)))
    if not 0.0 <= in_image[0] <= 1.0 or max(in_image[1], on_table[1]) >= 0.5:
        return FALSE
    clear = all(0.25 <= share <= 0.75 and aside <= 0.22 for share, aside in (in_image, on_table))
    return TRUE if clear else BORDERLINE


def _along(
    start: Sequence[float], end: Sequence[float], point: Sequence[float],
) -> tuple[float, float]:
    """Give how far along a line a point is, and how far off it, in shares of the line's length."""
    length = max(dist(start, end), 1e-6)
    along = sum((to - come) * (there - come) for come, to, there
                in zip(start, end, point, strict=True)) / length ** 2
    foot = [come + along * (to - come) for come, to in zip(start, end, strict=True)]
    return along, dist(foot, point) / length
