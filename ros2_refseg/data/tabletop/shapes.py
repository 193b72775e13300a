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

"""Kinds of object: their shapes as MuJoCo geoms, one function a kind."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

LATHE_SEGMENTS = 28
TUBE_SEGMENTS = 8

Mesh = tuple[np.ndarray, np.ndarray]
"""Vertices (V, 3) in metres and triangles (F, 3), facing outwards."""


@dataclass(frozen=True)
class Part:
    """
    One geom of an object, in metres, in the frame of the object's base centre (z up).

    ``paint`` names what colours it: the object's own colour (``body``), a lighter tint of it
    (``tint``), a darker shade (``shade``), or a neutral that no sentence speaks of
    (those of ``palette.NEUTRALS``).
    """

    shape: str
    size: tuple[float, ...] = ()
    position: tuple[float, float, float] = (0.0, 0.0, 0.0)
    mesh: str = ''
    paint: str = 'body'


@dataclass(frozen=True)
class Kind:
    """A kind of object; ``words`` are its names, the first one being the category's."""

    words: tuple[str, ...]
    parts: tuple[Part, ...]
    radius: float
    height: float
    meshes: dict[str, Callable[[], Mesh]] = field(default_factory=dict)


def lathe(profile: list[tuple[float, float]]) -> Mesh:
    """
    Turn a profile around the z axis.

    ``profile`` lists (radius, height) in metres, outside first, and starts and ends on the axis,
    so that the surface is closed. Gives vertices (V, 3) and triangles (F, 3), facing outwards.
    """
    angles = np.linspace(0.0, 2.0 * np.pi, LATHE_SEGMENTS, endpoint=False)
    rings = np.array(profile[1:-1])
    vertices = np.stack([
        rings[:, 0, None] * np.cos(angles),
        rings[:, 0, None] * np.sin(angles),
        np.repeat(rings[:, 1, None], LATHE_SEGMENTS, axis=1),
    ], axis=-1).reshape(-1, 3)
    bottom, top = len(vertices), len(vertices) + 1
    vertices = np.vstack([vertices, [0.0, 0.0, profile[0][1]], [0.0, 0.0, profile[-1][1]]])
    here = np.arange(LATHE_SEGMENTS)
    there = np.roll(here, -1)
    last = (len(rings) - 1) * LATHE_SEGMENTS
    faces = [np.stack([np.full_like(here, bottom), there, here], axis=1)]
    for start in range(0, last, LATHE_SEGMENTS):
        above = start + LATHE_SEGMENTS
        faces.append(np.stack([start + here, start + there, above + there], axis=1))
        faces.append(np.stack([start + here, above + there, above + here], axis=1))
    faces.append(np.stack([last + here, last + there, np.full_like(here, top)], axis=1))
    return vertices, np.vstack(faces)


def tube(path: np.ndarray, radii: np.ndarray) -> Mesh:
    """
    Sweep a circle along a path in the x-z plane.

    ``path`` is (P, 2) of x and z in metres and ``radii`` (P,); gives vertices and triangles.
    """
    tangent = np.gradient(path, axis=0)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
    angles = np.linspace(0.0, 2.0 * np.pi, TUBE_SEGMENTS, endpoint=False)
    cosine, sine = np.cos(angles), np.sin(angles)
    across = radii[:, None] * cosine
    rings = np.stack([
        path[:, 0, None] - tangent[:, 1, None] * across,
        radii[:, None] * sine,
        path[:, 1, None] + tangent[:, 0, None] * across,
    ], axis=-1)
    return _skin(rings, np.array([[x, 0.0, z] for x, z in path[[0, -1]]]))


def loft(sections: list[tuple[float, float, float, float]]) -> Mesh:
    """
    Sweep an ellipse along the x axis.

    ``sections`` lists x and z of its centre, its half width (y) and its half height (z), in metres.
    """
    x, z, width, height = np.array(sections).T[..., None]
    angles = np.linspace(0.0, 2.0 * np.pi, TUBE_SEGMENTS, endpoint=False)
    rings = np.stack(np.broadcast_arrays(
        x, width * np.sin(angles), z + height * np.cos(angles)), axis=-1)
    return _skin(rings, rings[[0, -1]].mean(axis=1))


def _skin(rings: np.ndarray, ends: np.ndarray) -> Mesh:
    """Close a row of rings (P, TUBE_SEGMENTS, 3) with triangles and two end points (2, 3)."""
    vertices = np.vstack([rings.reshape(-1, 3), ends])
    first, last = len(vertices) - 2, len(vertices) - 1
    here = np.arange(TUBE_SEGMENTS)
    there = np.roll(here, -1)
    end = (len(rings) - 1) * TUBE_SEGMENTS
    faces = [np.stack([np.full_like(here, first), here, there], axis=1)]
    for start in range(0, end, TUBE_SEGMENTS):
        after = start + TUBE_SEGMENTS
        faces.append(np.stack([start + here, after + there, start + there], axis=1))
        faces.append(np.stack([start + here, after + here, after + there], axis=1))
    faces.append(np.stack([np.full_like(here, last), end + there, end + here], axis=1))
    return vertices, np.vstack(faces)


def ring(profile: list[tuple[float, float]]) -> Mesh:
    """
    Turn a closed profile that does not touch the axis around the z axis.

    ``profile`` lists (radius, height) in metres: bottom, outside, top, inside.
    """
    angles = np.linspace(0.0, 2.0 * np.pi, LATHE_SEGMENTS, endpoint=False)
    radii, heights = np.array(profile).T[..., None]
    vertices = np.stack(np.broadcast_arrays(
        radii * np.cos(angles), radii * np.sin(angles), heights), axis=-1).reshape(-1, 3)
    here = np.arange(LATHE_SEGMENTS)
    there = np.roll(here, -1)
    faces = []
    for start in range(0, len(vertices), LATHE_SEGMENTS):
        above = (start + LATHE_SEGMENTS) % len(vertices)
        faces.append(np.stack([start + here, start + there, above + there], axis=1))
        faces.append(np.stack([start + here, above + there, above + here], axis=1))
    return vertices, np.vstack(faces)


def extrude(outline: list[tuple[float, float]], half_width: float) -> Mesh:
    """Give a convex outline of (x, z), counterclockwise as seen from -y, a thickness along y."""
    count = len(outline)
    flat = np.array(outline)
    sides = [np.stack([flat[:, 0], np.full(count, y), flat[:, 1]], axis=1)
             for y in (-half_width, half_width)]
    here = np.arange(count)
    there = np.roll(here, -1)
    fan = np.stack([np.zeros(count - 2, int), here[1:-1], here[2:]], axis=1)
    return np.vstack(sides), np.vstack([
        fan, fan[:, ::-1] + count,
        np.stack([here, here + count, there + count], axis=1),
        np.stack([here, there + count, there], axis=1)])


def cuboid(half: tuple[float, float, float]) -> Mesh:
    """Make a box around the origin from its half edges."""
    x, y, z = half
    return extrude([(-x, -z), (x, -z), (x, z), (-x, z)], y)


LYING = np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [-1.0, 0.0, 0.0]])
"""Rotation that lays what stands along z down along x."""
FLAT = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])
"""Rotation that lays the x-z plane down into the x-y plane."""
ACROSS = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
"""Rotation about z that turns x into y."""


def placed(
    part: Mesh, position: tuple[float, float, float], rotation: np.ndarray | None = None,
) -> Mesh:
    """Turn a mesh by a rotation matrix and move it by a position in metres."""
    vertices, faces = part
    return (vertices if rotation is None else vertices @ rotation.T) + np.array(position), faces


def merged(*parts: Mesh) -> Mesh:
    """Make one mesh of several."""
    offsets = np.cumsum([0, *(len(vertices) for vertices, _ in parts)])
    return (np.vstack([vertices for vertices, _ in parts]),
            np.vstack([faces + offset for (_, faces), offset in zip(parts, offsets, strict=False)]))


def arc(
    centre: tuple[float, float], radii: tuple[float, float], start: float, stop: float,
) -> np.ndarray:
    """Give 9 points (x, z) of an ellipse between two angles in degrees."""
    angles = np.radians(np.linspace(start, stop, 9))
    return np.stack([centre[0] + radii[0] * np.cos(angles),
                     centre[1] + radii[1] * np.sin(angles)], axis=1)


def _mug() -> Kind:
    return Kind(
        words=('mug', 'cup'), radius=0.077, height=0.095,
        parts=(Part('mesh', mesh='mug'), Part('mesh', mesh='mug_handle')),
        meshes={
            'mug': lambda: lathe([
                (0, 0), (0.038, 0), (0.042, 0.004), (0.042, 0.093), (0.041, 0.095),
                (0.037, 0.095), (0.036, 0.093), (0.035, 0.012), (0, 0.010)]),
            'mug_handle': lambda: tube(arc((0.040, 0.050), (0.030, 0.030), -80, 80),
                                       np.full(9, 0.0065)),
        })


def _bowl() -> Kind:
    return Kind(
        words=('bowl',), radius=0.076, height=0.060, parts=(Part('mesh', mesh='bowl'),),
        meshes={'bowl': lambda: lathe([
            (0, 0), (0.032, 0), (0.034, 0.006), (0.052, 0.016), (0.067, 0.034), (0.076, 0.060),
            (0.071, 0.060), (0.062, 0.037), (0.048, 0.021), (0.028, 0.011), (0, 0.009)])})


def _plate() -> Kind:
    return Kind(
        words=('plate', 'dish'), radius=0.090, height=0.016, parts=(Part('mesh', mesh='plate'),),
        meshes={'plate': lambda: lathe([
            (0, 0), (0.054, 0), (0.062, 0.004), (0.090, 0.014), (0.090, 0.017), (0.085, 0.017),
            (0.060, 0.008), (0.055, 0.005), (0, 0.005)])})


def _bottle() -> Kind:
    return Kind(
        words=('bottle',), radius=0.036, height=0.195,
        parts=(Part('mesh', mesh='bottle'),
               Part('cylinder', (0.0155, 0.010), (0, 0, 0.185), paint='paper')),
        meshes={'bottle': lambda: lathe([
            (0, 0), (0.033, 0), (0.036, 0.005), (0.036, 0.105), (0.033, 0.122), (0.016, 0.150),
            (0.0135, 0.160), (0.0135, 0.178), (0, 0.178)])})


def _can() -> Kind:
    return Kind(
        words=('can', 'tin'), radius=0.038, height=0.108,
        parts=(Part('mesh', mesh='can'),
               Part('cylinder', (0.031, 0.002), (0, 0, 0.104), paint='metal'),
               Part('cylinder', (0.034, 0.002), (0, 0, 0.002), paint='metal')),
        meshes={'can': lambda: lathe([
            (0, 0.003), (0.033, 0.003), (0.038, 0.010), (0.038, 0.095), (0.033, 0.106),
            (0.031, 0.106), (0.030, 0.102), (0, 0.102)])})


def _box() -> Kind:
    return Kind(
        words=('box', 'carton'), radius=0.058, height=0.140,
        parts=(Part('box', (0.032, 0.048, 0.070), (0, 0, 0.070)),
               Part('box', (0.0325, 0.034, 0.030), (0, 0, 0.082), paint='tint'),
               Part('box', (0.0040, 0.0484, 0.0702), (0, 0, 0.0702), paint='shade')))


def _ball() -> Kind:
    return Kind(words=('ball', 'sphere'), radius=0.044, height=0.088,
                parts=(Part('sphere', (0.044,), (0, 0, 0.044)),))


def _cube() -> Kind:
    return Kind(words=('cube', 'block'), radius=0.052, height=0.074,
                parts=(Part('box', (0.037, 0.037, 0.037), (0, 0, 0.037)),))


def _book() -> Kind:
    return Kind(
        words=('book',), radius=0.086, height=0.032,
        parts=(Part('box', (0.050, 0.070, 0.003), (0, 0, 0.003)),
               Part('box', (0.050, 0.070, 0.003), (0, 0, 0.029)),
               Part('box', (0.003, 0.070, 0.016), (-0.047, 0, 0.016)),
               Part('box', (0.046, 0.066, 0.0135), (0.001, 0, 0.016), paint='paper'),
               Part('box', (0.026, 0.010, 0.0033), (0, 0.032, 0.029), paint='tint')))


def _teapot() -> Kind:
    spout = np.array([
        (0.040, 0.030), (0.058, 0.036), (0.070, 0.050), (0.077, 0.068), (0.086, 0.080)])
    return Kind(
        words=('teapot', 'pot'), radius=0.092, height=0.110,
        parts=(Part('mesh', mesh='teapot'), Part('mesh', mesh='teapot_spout'),
               Part('mesh', mesh='teapot_handle'),
               Part('sphere', (0.010,), (0, 0, 0.100), paint='shade')),
        meshes={
            'teapot': lambda: lathe([
                (0, 0), (0.030, 0), (0.034, 0.004), (0.048, 0.020), (0.053, 0.040),
                (0.050, 0.060), (0.038, 0.078), (0.034, 0.081), (0.030, 0.086), (0.016, 0.092),
                (0, 0.094)]),
            'teapot_spout': lambda: tube(spout, np.array([0.014, 0.012, 0.009, 0.007, 0.0065])),
            'teapot_handle': lambda: tube(arc((-0.046, 0.046), (0.036, 0.028), 80, 280),
                                          np.full(9, 0.0060)),
        })


KINDS: dict[str, Kind] = {kind.words[0]: kind for kind in (
    _mug(), _bowl(), _plate(), _bottle(), _can(), _box(), _ball(), _cube(), _book(), _teapot())}
"""Every kind by its category name; an object's base centre is the origin, metres, scale 1."""
