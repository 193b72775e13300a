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

"""Colours of objects, and colours and textures of tables."""

import colorsys

import numpy as np

COLOURS: dict[str, tuple[tuple[float, float], tuple[float, float], tuple[float, float]]] = {
    'red': ((-4, 4), (0.86, 0.96), (0.72, 0.86)),
    'orange': ((23, 29), (0.92, 1.00), (0.94, 1.00)),
    'yellow': ((50, 56), (0.80, 0.95), (0.93, 1.00)),
    'green': ((112, 140), (0.62, 0.85), (0.42, 0.62)),
    'blue': ((212, 228), (0.74, 0.92), (0.62, 0.85)),
    'purple': ((270, 284), (0.60, 0.76), (0.46, 0.60)),
    'pink': ((332, 344), (0.36, 0.46), (0.94, 1.00)),
    'brown': ((18, 26), (0.62, 0.74), (0.30, 0.38)),
    'white': ((0, 360), (0.00, 0.03), (0.93, 1.00)),
    'black': ((0, 360), (0.00, 0.10), (0.04, 0.09)),
}
"""Range of hue in degrees, saturation and value (HSV) of every colour name."""

MORE_COLOURS: dict[str, tuple[tuple[float, float], tuple[float, float], tuple[float, float]]] = {
    'gray': ((0, 360), (0.00, 0.05), (0.42, 0.55)),
    'wood': ((23, 29), (0.52, 0.64), (0.46, 0.66)),
    'silver': ((200, 230), (0.01, 0.05), (0.66, 0.78)),
    'clear': ((185, 205), (0.04, 0.10), (0.90, 0.96)),
}
"""The same for the level 'household': gray paint, wood, bare metal and clear glass."""

NEUTRALS = {
    'metal': (0.68, 0.69, 0.71), 'paper': (0.92, 0.91, 0.87), 'steel': (0.42, 0.43, 0.46),
    'dark': (0.10, 0.10, 0.11), 'timber': (0.66, 0.47, 0.28), 'stem': (0.30, 0.20, 0.11),
    'leaf': (0.24, 0.50, 0.16), 'dough': (0.74, 0.52, 0.29), 'flame': (1.00, 0.66, 0.12),
}
"""Paints of parts that no sentence speaks of."""

TEXTURE_SIZE = 256
"""Edge of a table's texture in pixels."""


def sample_colour(rng: np.random.Generator, name: str) -> tuple[float, float, float]:
    """Draw one red, green, blue in [0, 1] that a person would call ``name``."""
    hue, saturation, value = (rng.uniform(*limits) for limits in _limits(name))
    return colorsys.hsv_to_rgb(hue % 360 / 360, saturation, value)


def _limits(name: str) -> tuple[tuple[float, float], ...]:
    return COLOURS[name] if name in COLOURS else MORE_COLOURS[name]


def nominal_colour(name: str) -> np.ndarray:
    """Give the red, green, blue in [0, 1] in the middle of a colour's range."""
    hue, saturation, value = (sum(limits) / 2 for limits in _limits(name))
    return np.array(colorsys.hsv_to_rgb(hue % 360 / 360, saturation, value))


def paint(rgb: tuple[float, float, float], name: str) -> list[float]:
    """Give red, green, blue, alpha of a part: see ``shapes.Part.paint``."""
    colour = np.array(NEUTRALS.get(name, rgb))
    if name == 'tint':
        colour = colour + 0.35 * (1.0 - colour)
    elif name == 'shade':
        colour = 0.7 * colour
    return [*colour.tolist(), 1.0]


def sample_table_texture(rng: np.random.Generator) -> np.ndarray:
    """Draw a table top: uint8 (TEXTURE_SIZE, TEXTURE_SIZE, 3), wood, checkered or plain."""
    style = rng.choice(['wood', 'checker', 'cloth', 'plain'], p=[0.40, 0.15, 0.20, 0.25])
    tone = rng.uniform(0.30, 0.88)
    if style == 'wood':
        base = colorsys.hsv_to_rgb(rng.uniform(22, 38) / 360, rng.uniform(0.25, 0.55), tone)
        pattern = _wood(rng)
    else:
        base = colorsys.hsv_to_rgb(rng.uniform(), rng.uniform(0.0, 0.22), tone)
        pattern = {'checker': _checker, 'cloth': _cloth, 'plain': _plain}[style](rng)
    texture = np.array(base) * pattern[..., None]
    return np.clip(255 * texture + 0.5, 0, 255).astype(np.uint8)


def _grid() -> tuple[np.ndarray, np.ndarray]:
    axis = np.linspace(0.0, 1.0, TEXTURE_SIZE, endpoint=False)
    return np.meshgrid(axis, axis)


def _wood(rng: np.random.Generator) -> np.ndarray:
    x, y = _grid()
    planks = rng.integers(3, 8)
    plank = np.floor(y * planks).astype(int)
    bend = 0.02 * np.sin(2 * np.pi * (x * rng.uniform(0.5, 2) + rng.uniform(size=planks)[plank]))
    waves = zip(rng.uniform(15, 70, 3), rng.uniform(size=3), strict=True)
    rings = sum(np.sin(2 * np.pi * (frequency * (y + bend) + phase)) for frequency, phase in waves)
    tone = rng.normal(1.0, 0.06, planks)[plank]
    seam = np.where(y * planks % 1.0 < 0.03, 0.75, 1.0)
    return (tone + 0.035 * rings) * seam


def _checker(rng: np.random.Generator) -> np.ndarray:
    x, y = _grid()
    cells = 2 * rng.integers(3, 9)
    odd = (np.floor(x * cells) + np.floor(y * cells)) % 2
    return np.where(odd == 1, 1.0, rng.uniform(0.72, 0.90))


def _cloth(rng: np.random.Generator) -> np.ndarray:
    noise = rng.normal(size=(TEXTURE_SIZE, TEXTURE_SIZE))
    return 1.0 + rng.uniform(0.02, 0.06) * noise


def _plain(rng: np.random.Generator) -> np.ndarray:
    x, y = _grid()
    return 1.0 + rng.uniform(-0.08, 0.08) * (x - 0.5) + rng.uniform(-0.08, 0.08) * (y - 0.5)
