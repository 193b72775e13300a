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

"""Household things as physics knows them: a few plain solids each, and what can carry what."""

from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np

from ros2_refseg.data.tabletop.poses import Pose, matrix, multiply, turn
from ros2_refseg.data.tabletop.shapes import arc
from ros2_refseg.data.tabletop.shapes_kitchen import PAN_CENTRE

WALL_SEGMENTS = 10
"""Boxes around the wall of a hollow thing."""
WALL = 0.0035
"""Half the thickness of a wall in metres; thicker than it looks, so that nothing slips through."""


@dataclass(frozen=True)
class Solid:
    """A MuJoCo geom for contacts, in metres, in the frame of the thing's base centre."""

    shape: str
    size: tuple[float, ...]
    position: tuple[float, float, float] = (0.0, 0.0, 0.0)
    quaternion: tuple[float, float, float, float] = (1.0, 0.0, 0.0, 0.0)


@dataclass(frozen=True)
class Carrier:
    """
    What a thing carries: ``loads`` are kinds that fit it.

    They lie in it between the heights ``floor`` and ``rim`` (metres), or, where these are the
    same, on it; within ``radius`` around ``x`` on its own x axis.
    """

    loads: tuple[str, ...]
    most: int
    radius: float
    floor: float
    rim: float
    x: float = 0.0

    @property
    def contains(self) -> bool:
        """Whether loads are in the thing rather than on it."""
        return self.rim > self.floor

    @property
    def narrow(self) -> bool:
        """Whether loads can only stand in it."""
        return self.rim - self.floor > 2.0 * self.radius


def _wall(profile: list[tuple[float, float]], x: float = 0.0) -> list[Solid]:
    """Stand boxes around the inside of a wall, given by (radius, height) from bottom to top."""
    solids = []
    for (r0, z0), (r1, z1) in pairwise(profile):
        length, lean = np.hypot(r1 - r0, z1 - z0), np.arctan2(r1 - r0, z1 - z0)
        # The middle of the box lies outside of the inner surface.
        radius = (r0 + r1) / 2 + WALL * np.cos(lean)
        height = (z0 + z1) / 2 - WALL * np.sin(lean)
        width = max(r0, r1) * np.tan(np.pi / WALL_SEGMENTS) + WALL
        for angle in np.arange(WALL_SEGMENTS) * 2 * np.pi / WALL_SEGMENTS:
            quaternion = multiply(turn('z', angle), turn('y', lean))
            solids.append(Solid(
                'box', (WALL, width, length / 2),
                (x + radius * np.cos(angle), radius * np.sin(angle), height),
                tuple(float(value) for value in quaternion)))
    return solids


def _disc(radius: float, bottom: float, top: float, x: float = 0.0) -> Solid:
    return Solid('cylinder', (radius, (top - bottom) / 2), (x, 0.0, (top + bottom) / 2))


def _along(radius: float, start: float, stop: float, height: float) -> Solid:
    """Lay a capsule along x."""
    return Solid('capsule', (radius, (stop - start) / 2 - radius),
                 ((start + stop) / 2, 0.0, height), (np.sqrt(0.5), 0.0, np.sqrt(0.5), 0.0))


def _beads(points: list[tuple[float, float, float]], radius: float) -> tuple[Solid, ...]:
    return tuple(Solid('sphere', (radius,), point) for point in points)


def _box(half: tuple[float, float, float], x: float = 0.0, bottom: float = 0.0) -> Solid:
    return Solid('box', half, (x, 0.0, bottom + half[2]))


_BASKET_HANDLE = tuple(Solid('sphere', (0.008,), (float(x), 0.0, float(z)))
                       for x, z in arc((0, 0.070), (0.094, 0.092), 0, 180))

_BANANA = [(float(x), float(z), 0.0185)
           for x, z in arc((0, 0.066), (0.088, 0.098), 205, 335)]

SOLIDS: dict[str, tuple[Solid, ...]] = {
    'mug': (_disc(0.042, 0, 0.006), *_wall([(0.035, 0.006), (0.036, 0.094)]),
            _box((0.016, 0.006, 0.028), 0.058, 0.022)),
    'glass': (_disc(0.031, 0, 0.009), *_wall([(0.028, 0.009), (0.036, 0.114)])),
    'bowl': (_disc(0.034, 0, 0.009), *_wall([(0.028, 0.010), (0.048, 0.021), (0.062, 0.037),
                                             (0.071, 0.060)])),
    'pan': (_disc(0.075, 0, 0.006, PAN_CENTRE),
            *_wall([(0.072, 0.007), (0.083, 0.040)], PAN_CENTRE),
            _box((0.060, 0.010, 0.006), 0.083, 0.030)),
    'basket': (_disc(0.078, 0, 0.009), *_wall([(0.072, 0.010), (0.089, 0.078)]),
               *_BASKET_HANDLE),
    'plate': (_disc(0.056, 0, 0.005), *_wall([(0.055, 0.005), (0.087, 0.016)])),
    'bottle': (_disc(0.036, 0, 0.115), _disc(0.016, 0.115, 0.195)),
    'can': (_disc(0.038, 0, 0.106),),
    'box': (_box((0.032, 0.048, 0.070)),),
    'ball': _beads([(0, 0, 0.044)], 0.044),
    'cube': (_box((0.037, 0.037, 0.037)),),
    'book': (_box((0.050, 0.070, 0.016)),),
    'teapot': (_disc(0.046, 0, 0.075), _disc(0.025, 0.075, 0.105),
               _box((0.085, 0.008, 0.020), 0.0, 0.030)),
    'vase': (_disc(0.036, 0, 0.035), _disc(0.054, 0.035, 0.110), _disc(0.038, 0.110, 0.200)),
    'spoon': (_box((0.026, 0.017, 0.006), -0.069), _along(0.004, -0.050, 0.0, 0.011),
              _along(0.004, 0.0, 0.099, 0.007)),
    'fork': (_box((0.018, 0.013, 0.004), -0.081), _along(0.004, -0.060, 0.0, 0.011),
             _along(0.004, 0.0, 0.099, 0.007)),
    'pen': (_along(0.0078, -0.077, 0.078, 0.0078),),
    'hammer': (_box((0.050, 0.010, 0.008), 0.05, 0.004), _box((0.016, 0.044, 0.017), -0.082)),
    'screwdriver': (_along(0.015, 0.006, 0.099, 0.015), _along(0.004, -0.099, 0.010, 0.006)),
    'banana': (*_beads(_BANANA[1:-1], 0.0175), *_beads([_BANANA[0], _BANANA[-1]], 0.009)),
    'apple': (Solid('sphere', (0.037,), (0, 0, 0.0375)),),
    'lemon': (_along(0.029, -0.044, 0.041, 0.029),),
    'carrot': (_along(0.0135, 0.0, 0.060, 0.0145), _along(0.0085, -0.060, 0.012, 0.0105),
               _along(0.004, -0.098, -0.050, 0.005), _box((0.022, 0.010, 0.004), 0.078, 0.012)),
    'donut': (_disc(0.048, 0.0, 0.037),),
    'candle': (_disc(0.026, 0, 0.112),),
    'lamp': (_disc(0.049, 0, 0.011), _disc(0.008, 0.011, 0.120), _disc(0.072, 0.120, 0.155),
             _disc(0.054, 0.155, 0.215)),
    'car': (_box((0.060, 0.030, 0.017)), _box((0.040, 0.024, 0.010), -0.012, 0.034)),
    'hat': (_disc(0.094, 0, 0.008), _disc(0.052, 0.008, 0.076)),
}
"""Solids of every kind at scale 1."""

_SMALL = ('apple', 'lemon', 'banana', 'carrot', 'donut', 'ball', 'cube', 'car')
_STICKS = ('pen', 'spoon', 'fork', 'screwdriver', 'carrot')
_FLAT_LOADS = ('mug', 'bowl', 'plate', 'can', 'cube', 'book', 'apple', 'car', 'candle', 'glass',
               'hat', 'donut', 'banana', 'teapot', 'box', 'pen', 'spoon', 'lamp', 'bottle')

CARRIERS: dict[str, Carrier] = {
    'bowl': Carrier((*_SMALL, 'spoon'), 3, 0.060, 0.009, 0.060),
    'basket': Carrier((*_SMALL, 'can', 'mug', 'candle'), 4, 0.082, 0.009, 0.079),
    'pan': Carrier(('apple', 'lemon', 'banana', 'carrot', 'donut', 'spoon'), 3, 0.070, 0.006,
                   0.041, PAN_CENTRE),
    'mug': Carrier(_STICKS, 2, 0.034, 0.006, 0.095),
    'glass': Carrier(_STICKS, 2, 0.030, 0.009, 0.115),
    'plate': Carrier((*_SMALL, 'spoon', 'fork', 'mug', 'bowl', 'candle', 'glass'), 3, 0.070,
                     0.005, 0.005),
    'book': Carrier(_FLAT_LOADS, 1, 0.052, 0.032, 0.032),
    'box': Carrier(('cube', 'apple', 'can', 'mug', 'car', 'candle', 'donut', 'book'), 1,
                   0.034, 0.140, 0.140),
    'cube': Carrier(('cube', 'apple', 'can', 'candle', 'mug', 'car', 'donut'), 1, 0.034, 0.074,
                    0.074),
}

LEANING = ('spoon',)
"""Kinds that lean on the rim of what they are put into, their head (at -x) inside."""

UPRIGHT = ('mug', 'bowl', 'plate', 'bottle', 'can', 'box', 'cube', 'book', 'teapot', 'glass',
           'vase', 'pan', 'basket', 'candle', 'lamp', 'car', 'hat')
"""Kinds that stand on their base wherever they are put on something."""


@cache
def outline(kind: str) -> tuple[np.ndarray, np.ndarray]:
    """Give points (P, 3) of a kind's solids and the radius (P,) of the balls around them."""
    points, radii = [], []
    for solid in SOLIDS[kind]:
        if solid.shape == 'box':
            ends = np.stack(np.meshgrid(*([-h, h] for h in solid.size)), axis=-1).reshape(-1, 3)
        elif solid.shape == 'cylinder':
            angles = np.arange(12) * np.pi / 6
            rim = solid.size[0] * np.stack([np.cos(angles), np.sin(angles), 0 * angles], axis=1)
            ends = np.vstack([rim + np.array([0, 0, h]) for h in (-solid.size[1], solid.size[1])])
        else:
            half = solid.size[1] if solid.shape == 'capsule' else 0.0
            ends = np.array([[0, 0, -half], [0, 0, half]])
        points.append(ends @ matrix(solid.quaternion).T + np.array(solid.position))
        radii.append(np.full(len(ends), 0.0 if solid.shape in ('box', 'cylinder')
                             else solid.size[0]))
    return np.vstack(points), np.concatenate(radii)


def extent(kind: str, scale: float, pose: Pose) -> np.ndarray:
    """Give points (P, 3) that bound a thing where it is."""
    points, radii = outline(kind)
    centres = scale * points @ matrix(pose.quaternion).T + pose.position
    around = np.vstack([np.eye(3), -np.eye(3)])
    return (centres[:, None] + scale * radii[:, None, None] * around).reshape(-1, 3)


@cache
def half_edges(kind: str) -> tuple[float, float, float]:
    """Give half the extents of a kind along its axes in metres, at scale 1."""
    points, radii = outline(kind)
    low, high = (points - radii[:, None]).min(axis=0), (points + radii[:, None]).max(axis=0)
    return tuple(float(edge) for edge in (high - low) / 2)


def fits(load: str, load_scale: float, carrier: str, carrier_scale: float) -> bool:
    """Tell whether a thing is of a size that may be put into or onto another one."""
    place = CARRIERS[carrier]
    x, y, z = (edge * load_scale for edge in half_edges(load))
    radius, depth = place.radius * carrier_scale, (place.rim - place.floor) * carrier_scale
    if not place.contains:
        return max(x, y) <= 1.2 * radius if load in UPRIGHT else min(x, y) <= 0.9 * radius
    if place.narrow:
        return max(y, z) <= 0.6 * radius and 0.5 * depth < x < 1.1 * depth
    longest = 2.0 * radius if load in LEANING else 1.25 * radius
    return max(x, y) <= longest and min(x, y) <= 0.9 * radius and 2 * z < 2.2 * depth


def floor_share(load: str, load_scale: float, carrier: str, carrier_scale: float) -> float:
    """Give the share of the room in or on a carrier that a thing takes up, seen from above."""
    x, y, z = (edge * load_scale for edge in half_edges(load))
    place = CARRIERS[carrier]
    sides = (y, z) if place.narrow else (x, y)
    return 1.3 * sides[0] * sides[1] / (place.radius * carrier_scale) ** 2
