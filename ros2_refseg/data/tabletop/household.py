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

"""A household table drawn at random: what is there, made of what, and in or on what."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ros2_refseg.data.tabletop.cameras import sample_camera, sample_viewpoint
from ros2_refseg.data.tabletop.effects import sample_effects
from ros2_refseg.data.tabletop.household_kinds import HOUSEHOLD
from ros2_refseg.data.tabletop.household_solids import CARRIERS, extent, fits, floor_share
from ros2_refseg.data.tabletop.household_words import SIZE_JITTER, SIZES
from ros2_refseg.data.tabletop.layout import SMALLEST_CONTRAST, Layout, place, sample_lights
from ros2_refseg.data.tabletop.materials import Look, sample_look
from ros2_refseg.data.tabletop.palette import (
    COLOURS,
    MORE_COLOURS,
    nominal_colour,
    sample_table_texture,
)
from ros2_refseg.data.tabletop.physics import Load, Rest, settle
from ros2_refseg.data.tabletop.poses import Pose

GROUPS = {0: 0.20, 1: 0.35, 2: 0.30, 3: 0.15}
"""Share of the tables with so many things that carry others."""
CARRIER_WEIGHTS = {'bowl': 4, 'basket': 2, 'pan': 2, 'mug': 3, 'glass': 2, 'plate': 4, 'book': 4,
                   'box': 2, 'cube': 1}
SECOND_STOREY = 0.3
"""Share of the loads that carry something themselves, where they can."""
CLUTTERED, CLUTTER_SPREAD = 0.45, (0.50, 0.75)
"""Share of the tables with things close together, and see ``Crowding.spread``."""
FULL = 0.85
"""Share of the room in a carrier that its loads take up at most."""


@dataclass(frozen=True)
class Thing:
    """
    One thing: what it is, how it looks, and where it is in its group.

    ``support`` and ``container`` are numbers in the group, -1 for none.
    """

    kind: str
    look: Look
    size: str
    scale: float
    pose: Pose
    support: int = -1
    container: int = -1

    @property
    def factors(self) -> tuple[float, float, float]:
        """Scale along x, y and z."""
        return self.scale, self.scale, self.scale

    @property
    def height(self) -> float:
        """Height in metres, as it was made."""
        return HOUSEHOLD[self.kind].height * self.scale

    def truth(self, first: int) -> dict[str, Any]:
        """Give what a ``VisibleObject`` says of it; its group's ids begin with ``first``."""
        return {'kind': self.kind, 'colour': self.look.colour, 'size': self.size,
                'scale': self.scale, 'pattern': self.look.pattern,
                'second_colour': self.look.second_colour, 'material': self.look.material,
                'support': first + self.support if self.support >= 0 else 0,
                'container': first + self.container if self.container >= 0 else 0}


@dataclass(frozen=True)
class Group:
    """A thing on the table and what it carries; see ``layout.Standing``."""

    things: tuple[Thing, ...]
    radius: float
    height: float
    x: float = 0.0
    y: float = 0.0
    yaw: float = 0.0


def sample_household(rng: np.random.Generator, width: int, height: int) -> Layout:
    """Draw a table for a ``width`` x ``height`` camera, and let what is carried come to rest."""
    table = sample_table_texture(rng)
    table_size = (rng.uniform(0.60, 0.90), rng.uniform(0.55, 0.80))
    ambient, lights = sample_lights(rng)
    floor = tuple(rng.uniform(0.15, 0.75) * rng.uniform(0.85, 1.15, 3))
    viewpoint = sample_viewpoint(rng)
    fewest, most = viewpoint.things
    crowding = viewpoint.crowding
    if rng.uniform() < CLUTTERED:
        crowding = replace(crowding, spread=rng.uniform(*CLUTTER_SPREAD))
    while True:
        count = int(rng.integers(fewest, most + 1))
        camera = sample_camera(rng, viewpoint, count, width, height)
        groups = _settled(rng, _draw_groups(rng, count, table.mean(axis=(0, 1)) / 255.0))
        placed = place(rng, sorted(groups, key=lambda group: -group.radius), camera, table_size,
                       crowding)
        if sum(len(group.things) for group in placed) >= fewest:
            return Layout(
                tuple(placed), camera, lights, ambient, table_size, table, floor,
                rng.uniform(0.05, 0.5), crowding, sample_effects(rng))


@dataclass(frozen=True)
class _Drawn:
    """A thing that has no place yet; ``carrier`` is the number in its group of what carries it."""

    kind: str
    look: Look
    size: str
    scale: float
    carrier: int = -1


class _Drawer:
    """
    Draws things for one table.

    Few kinds and few colours are drawn first and the things from these, so that most things share
    their kind or their colour with another one and the sentence is needed to tell them.
    """

    def __init__(self, rng: np.random.Generator, table: np.ndarray) -> None:
        self._rng = rng
        self._hidden = [name for name in (*COLOURS, *MORE_COLOURS)
                        if np.linalg.norm(nominal_colour(name) - table) < SMALLEST_CONTRAST]
        names = [name for name in (*COLOURS, 'gray') if name not in self._hidden]
        self._colours = list(map(str, rng.choice(names, rng.integers(3, 6), replace=False)))
        self.kinds = list(map(str, rng.choice(list(HOUSEHOLD), rng.integers(3, 7),
                                              replace=False)))

    def draw(self, kinds: Sequence[str], carrier: int = -1) -> _Drawn:
        """Draw a thing of one of some kinds."""
        kind = str(self._rng.choice(kinds))
        size = str(self._rng.choice(list(SIZES)))
        scale = SIZES[size] * self._rng.uniform(1 - SIZE_JITTER, 1 + SIZE_JITTER)
        look = sample_look(self._rng, kind, self._colours, self._hidden)
        return _Drawn(kind, look, size, float(scale),
                      carrier)

    def load(self, group: list[_Drawn], carrier: int, room: float) -> bool:
        """Add something to a group that fits into or onto one of its things; False if in vain."""
        below = group[carrier]
        loads = CARRIERS[below.kind].loads
        here = [kind for kind in loads if kind in self.kinds]
        for _ in range(6):
            thing = self.draw(here if here and self._rng.uniform() < 0.5 else loads, carrier)
            if (fits(thing.kind, thing.scale, below.kind, below.scale)
                    and floor_share(thing.kind, thing.scale, below.kind, below.scale) <= room):
                group.append(thing)
                return True
        return False


def _draw_groups(rng: np.random.Generator, count: int, table: np.ndarray) -> list[list[_Drawn]]:
    """Draw ``count`` things, in groups of what is carried by what, and single."""
    drawer = _Drawer(rng, table)
    weights = np.array(list(CARRIER_WEIGHTS.values()), float)
    groups: list[list[_Drawn]] = []
    for _ in range(int(rng.choice(list(GROUPS), p=list(GROUPS.values())))):
        carriers = rng.choice(list(CARRIER_WEIGHTS), 1, p=weights / weights.sum())
        group = [drawer.draw(list(carriers))]
        _fill(rng, drawer, group, 0)
        groups.append(group)
        drawer.kinds += [thing.kind for thing in group]
    drawn = sum(map(len, groups))
    return groups + [[drawer.draw(drawer.kinds)] for _ in range(max(count - drawn, 0))]


def _fill(rng: np.random.Generator, drawer: _Drawer, group: list[_Drawn], carrier: int) -> None:
    """Put things into or onto one of a group's things, and perhaps into or onto these."""
    below = group[carrier]
    room = FULL
    for _ in range(int(rng.integers(1, CARRIERS[below.kind].most + 1))):
        if not drawer.load(group, carrier, room if room < FULL else 1.6):
            break
        number, load = len(group) - 1, group[-1]
        room -= floor_share(load.kind, load.scale, below.kind, below.scale)
        if (carrier == 0 and load.kind in CARRIERS and not CARRIERS[below.kind].contains
                and rng.uniform() < SECOND_STOREY):
            _fill(rng, drawer, group, number)


def _settled(rng: np.random.Generator, groups: list[list[_Drawn]]) -> list[Group]:
    """Let the groups come to rest; what falls down stands on the table by itself."""
    carrying = [group for group in groups if len(group) > 1]
    result = [_group(group, [Rest()]) for group in groups if len(group) == 1]
    rests = settle([[Load(thing.kind, thing.scale, thing.carrier) for thing in group]
                    for group in carrying], rng) if carrying else []
    for group, places in zip(carrying, rests, strict=True):
        result.append(_group(group, places))
        result += [_group([thing], [Rest()]) for thing, rest in zip(group, places, strict=True)
                   if rest is None]
    return [replace(group, yaw=float(rng.uniform(0, 2 * np.pi))) for group in result]


def _group(drawn: Sequence[_Drawn], rests: Sequence[Rest | None]) -> Group:
    """Make a group of the things that came to rest, and measure it."""
    kept = [number for number, rest in enumerate(rests) if rest is not None]
    renumbered = {-1: -1, **{old: new for new, old in enumerate(kept)}}
    things = [Thing(drawn[n].kind, drawn[n].look, drawn[n].size, drawn[n].scale, rests[n].pose,
                    renumbered[rests[n].support], renumbered[rests[n].container]) for n in kept]
    base = things[0]
    points = np.vstack([extent(thing.kind, thing.scale, thing.pose) for thing in things])
    return Group(tuple(things),
                 max(HOUSEHOLD[base.kind].radius * base.scale,
                     float(np.hypot(points[:, 0], points[:, 1]).max())),
                 max(base.height, float(points[:, 2].max())))
