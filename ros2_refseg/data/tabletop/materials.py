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

"""What things are made of and how they are patterned: textures and how they wrap a shape."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from ros2_refseg.data.tabletop.household_kinds import HOUSEHOLD, mesh_of
from ros2_refseg.data.tabletop.household_words import CLEAR
from ros2_refseg.data.tabletop.palette import COLOURS, nominal_colour, paint, sample_colour
from ros2_refseg.data.tabletop.shapes import LATHE_SEGMENTS, Part

PATTERNED = ('mug', 'bowl', 'plate', 'bottle', 'can', 'box', 'ball', 'cube', 'book', 'teapot',
             'vase', 'candle', 'lamp', 'hat')
MADE_OF: dict[str, tuple[str, ...]] = {
    'wooden': ('bowl', 'plate', 'spoon', 'fork', 'box', 'cube', 'ball', 'vase', 'car', 'hammer'),
    'metal': ('spoon', 'fork', 'bowl', 'mug', 'pan', 'teapot', 'can', 'vase', 'pen'),
    'glass': ('glass', 'bottle', 'vase', 'bowl', 'mug'),
}
"""Kinds that are made of a material, besides being painted."""
MATERIAL_SHARE = {'spoon': 0.75, 'fork': 0.75, 'pan': 0.45, 'glass': 1.0}
"""Share of a kind's things that are not painted; others' is ``OTHERS_SHARE``."""
OTHERS_SHARE = 0.33
PATTERN_SHARE = 0.42
"""Share of the painted things with a pattern, of kinds that may have one."""

NATURAL: dict[str, dict[str, float]] = {
    'banana': {'yellow': 0.85, 'green': 0.15},
    'apple': {'red': 0.5, 'green': 0.35, 'yellow': 0.15},
    'lemon': {'yellow': 1.0},
    'carrot': {'orange': 1.0},
    'donut': {'pink': 0.35, 'brown': 0.30, 'white': 0.15, 'yellow': 0.1, 'blue': 0.1},
    'basket': {'brown': 0.7, 'white': 0.1, 'red': 0.1, 'blue': 0.1},
}
"""Share of the colours that nature or custom gives to a kind; any colour for the others."""
SURFACE = {'wooden': 'wood', 'metal': 'silver'}
"""Name in the palette of the colour of bare materials."""
TINTS = {CLEAR: 0.5, 'green': 0.2, 'blue': 0.2, 'brown': 0.1}
"""Share of the colours of glass."""
SECOND = {'white': ('red', 'blue', 'green', 'black', 'orange', 'purple', 'pink'),
          'black': ('white', 'yellow', 'red', 'pink', 'orange'),
          'yellow': ('white', 'black', 'red', 'blue', 'purple')}
"""Colours that go with another in a pattern; the colours not named here have white or another."""

PERIOD = {'striped': 0.034, 'checkered': 0.044, 'dotted': 0.036, 'wooden': 0.110, 'metal': 0.120,
          'woven': 0.026}
"""Edge in metres of one tile of a texture on a thing of scale 1."""
SHARPEST = 40.0
"""Angle in degrees between two triangles above which their edge is not smoothed."""
TILE = 32
"""Edge of a tile in pixels."""


@dataclass(frozen=True)
class Look:
    """
    What a thing looks like.

    ``rgb`` and ``second_rgb`` are the exact colours in [0, 1]; ``seed`` draws the grain of wood.
    """

    colour: str
    rgb: tuple[float, float, float]
    material: str = 'plain'
    pattern: str = 'plain'
    second_colour: str = ''
    second_rgb: tuple[float, float, float] = (0.0, 0.0, 0.0)
    seed: int = 0
    woven: bool = False

    @property
    def cover(self) -> str:
        """Name of the texture that covers it, '' for none."""
        if self.pattern != 'plain':
            return self.pattern
        return self.material if self.material in ('wooden', 'metal') else 'woven' * self.woven


def sample_look(
    rng: np.random.Generator, kind: str, colours: Sequence[str], hidden: Collection[str] = (),
) -> Look:
    """
    Draw the look of a thing.

    ``colours`` are the names to choose from where any will do; the table has those in ``hidden``,
    which are drawn only for what comes in no other.
    """
    materials = [material for material, kinds in MADE_OF.items()
                 if kind in kinds and SURFACE.get(material) not in hidden]
    seed = int(rng.integers(2**31))
    if materials and rng.uniform() < MATERIAL_SHARE.get(kind, OTHERS_SHARE):
        material = str(rng.choice(materials))
        if material == 'wooden':
            return Look('brown', sample_colour(rng, SURFACE[material]), material, seed=seed)
        if material == 'metal':
            return Look('gray', sample_colour(rng, SURFACE[material]), material, seed=seed)
        tint = _draw(rng, TINTS)
        return Look(tint, sample_colour(rng, tint), material)
    colour = (_draw(rng, NATURAL[kind], hidden) if kind in NATURAL
              else str(rng.choice(colours)))
    rgb = sample_colour(rng, colour)
    if kind in PATTERNED and rng.uniform() < PATTERN_SHARE:
        pattern = str(rng.choice(['striped', 'striped', 'checkered', 'dotted']))
        second = second_colour(rng, colour)
        return Look(colour, rgb, pattern=pattern, second_colour=second,
                    second_rgb=sample_colour(rng, second))
    return Look(colour, rgb, woven=kind == 'basket')


def second_colour(rng: np.random.Generator, colour: str) -> str:
    """Draw a colour that stands out against another one in a pattern."""
    if colour in SECOND:
        return str(rng.choice(SECOND[colour]))
    if rng.uniform() < 0.6:
        return 'white'
    main = nominal_colour(colour)
    return str(rng.choice([name for name in COLOURS
                           if np.linalg.norm(nominal_colour(name) - main) > 0.75]))


def _draw(
    rng: np.random.Generator, shares: dict[str, float], hidden: Collection[str] = (),
) -> str:
    shown = {name: share for name, share in shares.items() if name not in hidden} or shares
    weights = np.array(list(shown.values()))
    return str(rng.choice(list(shown), p=weights / weights.sum()))


def texture(look: Look) -> np.ndarray:
    """Draw the tile that covers a thing: uint8 (TILE, TILE, 3)."""
    axis = (np.arange(TILE) + 0.5) / TILE
    across, up = np.meshgrid(axis, axis)
    if look.cover in ('striped', 'checkered', 'dotted'):
        if look.cover == 'striped':
            second = up > 0.60
        elif look.cover == 'checkered':
            second = (across > 0.5) != (up > 0.5)
        else:
            second = (across - 0.5) ** 2 + (up - 0.5) ** 2 < 0.27 ** 2
        tile = np.where(second[..., None], look.second_rgb, look.rgb)
    else:
        tile = np.array(look.rgb) * _relief(look, across, up)[..., None]
    return np.clip(255 * tile + 0.5, 0, 255).astype(np.uint8)


def _relief(look: Look, across: np.ndarray, up: np.ndarray) -> np.ndarray:
    """Give the brightness of wood, metal and wickerwork."""
    if look.cover == 'wooden':
        phase = np.random.default_rng(look.seed).uniform(0, 2 * np.pi, 4)
        bend = 0.035 * np.sin(2 * np.pi * across + phase[0])
        grain = sum(np.sin(2 * np.pi * frequency * (up + bend) + shift)
                    for frequency, shift in zip((3, 5, 8), phase[1:], strict=True))
        return 0.98 + 0.10 * grain
    if look.cover == 'metal':
        # What bare metal mirrors: a bright window, a dark floor.
        phase = np.random.default_rng(look.seed).uniform(0, 2 * np.pi)
        wave = np.sin(2 * np.pi * across + phase)
        return 0.86 + 0.20 * wave + 0.16 * np.sin(4 * np.pi * across + 1.0) + 0.10 * (wave > 0.8)
    over = (across > 0.5) != (up > 0.5)
    strand = np.abs(np.sin(2 * np.pi * np.where(over, up, across)))
    return np.where(over, 0.78, 0.62) + 0.40 * strand


def rgba(look: Look, part: Part, covered: bool) -> list[float]:
    """Give red, green, blue, alpha of a part; a texture is multiplied by them."""
    values = paint((1.0, 1.0, 1.0) if covered else look.rgb, part.paint)
    if look.material == 'glass' and part.paint == 'body':
        values[3] = 0.30 if look.colour == CLEAR else 0.50
    return values


def is_covered(kind: str, part: Part, look: Look) -> bool:
    """Tell whether a part carries the thing's texture; patterns end where a handle begins."""
    if look.pattern != 'plain':
        return part.paint == 'body' and part.mesh in ('', kind)
    if look.woven:
        return part.mesh == kind
    return look.cover != '' and part.paint in ('body', 'tint', 'shade')


@cache
def wrapping(kind: str, number: int, cover: str) -> np.ndarray:
    """Give where in the tiled texture each corner of each triangle lies: (3 F, 2)."""
    vertices, faces = mesh_of(kind, number)
    part = HOUSEHOLD[kind].parts[number]
    period = PERIOD[cover]
    if cover == 'wooden':
        # Cut from a block whose grain runs along x.
        return (vertices[faces] @ np.array([[1, 0], [0, 1], [0, 0.35]]) / period).reshape(-1, 2)
    if part.mesh == kind or part.shape in ('sphere', 'cylinder'):
        revolved = _revolved(vertices, faces, period)
        if revolved is not None:
            return revolved
    corners = vertices[faces]
    normal = np.abs(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]))
    facing = normal.argmax(axis=1)
    axes = np.array([(1, 2), (0, 2), (0, 1)])[facing]
    flat = np.take_along_axis(corners, axes[:, None, :].repeat(3, axis=1), axis=2)
    return (flat / period + 0.5).reshape(-1, 2)


@cache
def normals(kind: str, number: int) -> np.ndarray:
    """Give the direction of the surface at each corner of each triangle: (3 F, 3); edges stay."""
    vertices, faces = mesh_of(kind, number)
    corners = vertices[faces]
    areas = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    flat = areas / np.linalg.norm(areas, axis=1, keepdims=True)
    smooth = flat @ flat.T > np.cos(np.radians(SHARPEST))
    touches = np.zeros((len(vertices), len(faces)), bool)
    touches[faces.ravel(), np.arange(len(faces)).repeat(3)] = True
    sums = np.stack([(touches[faces[:, corner]] & smooth) @ areas for corner in range(3)], axis=1)
    return (sums / np.linalg.norm(sums, axis=2, keepdims=True)).reshape(-1, 3)


def _revolved(vertices: np.ndarray, faces: np.ndarray, period: float) -> np.ndarray | None:
    """Wrap what ``lathe`` made: around its axis, and along its profile; None for other shapes."""
    if (len(vertices) - 2) % LATHE_SEGMENTS:
        return None
    rings = vertices[:-2].reshape(-1, LATHE_SEGMENTS, 3)
    radii = np.hypot(rings[..., 0], rings[..., 1])
    if np.ptp(radii, axis=1).max() > 1e-9:
        return None
    profile = np.vstack([vertices[-2, [0, 2]], np.stack([radii[:, 0], rings[:, 0, 2]], axis=1),
                         vertices[-1, [0, 2]]])
    along = np.cumsum([0.0, *np.linalg.norm(np.diff(profile, axis=0), axis=1)]) / period
    repeats = max(round(2 * np.pi * np.median(radii[:, 0]) / period), 2)
    row = faces // LATHE_SEGMENTS + 1
    row[faces == len(vertices) - 2] = 0
    row[faces == len(vertices) - 1] = len(profile) - 1
    pole = faces >= len(vertices) - 2
    turn = (faces % LATHE_SEGMENTS) / LATHE_SEGMENTS
    # The last column of triangles ends at a full turn, not at none.
    turn = np.where((turn == 0) & (np.where(pole, 0, turn).max(axis=1) > 0.5)[:, None], 1.0, turn)
    others = np.where(pole, 0.0, turn).sum(axis=1) / np.maximum((~pole).sum(axis=1), 1)
    turn = np.where(pole, others[:, None], turn)
    return np.stack([turn * repeats, along[row]], axis=-1).reshape(-1, 2)
