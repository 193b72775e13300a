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

"""Every kind of thing of the level 'household', with its shape."""

from functools import cache

import numpy as np

from ros2_refseg.data.tabletop.household_words import HOUSEHOLD_KINDS
from ros2_refseg.data.tabletop.poses import Pose, matrix
from ros2_refseg.data.tabletop.shapes import KINDS, Kind, Mesh, cuboid, lathe, placed
from ros2_refseg.data.tabletop.shapes_kitchen import KITCHEN
from ros2_refseg.data.tabletop.shapes_things import THINGS

_SHAPES = {**KINDS, **KITCHEN, **THINGS}
HOUSEHOLD: dict[str, Kind] = {name: _SHAPES[name] for name in HOUSEHOLD_KINDS}


@cache
def mesh_of(kind: str, number: int) -> Mesh:
    """Give the mesh of a kind's part, also of one that is a plain solid."""
    part = HOUSEHOLD[kind].parts[number]
    if part.mesh:
        return HOUSEHOLD[kind].meshes[part.mesh]()
    if part.shape == 'box':
        return placed(cuboid(part.size), part.position)
    if part.shape == 'sphere':
        angles = np.linspace(-np.pi / 2, np.pi / 2, 17)
        profile = part.size[0] * np.stack([np.cos(angles), np.sin(angles)], axis=1)
        profile[[0, -1], 0] = 0.0
        return placed(lathe(list(map(tuple, profile))), part.position)
    radius, half = part.size
    return placed(lathe([(0, -half), (radius, -half), (radius, half), (0, half)]), part.position)


@cache
def _corners(kind: str) -> np.ndarray:
    """Give the corners (8, 3) of the box around a kind at scale 1."""
    vertices = np.vstack([mesh_of(kind, number)[0] for number in range(len(HOUSEHOLD[kind].parts))])
    low, high = vertices.min(axis=0), vertices.max(axis=0)
    return np.stack(np.meshgrid(*zip(low, high, strict=True)), axis=-1).reshape(-1, 3)


def bounds(kind: str, scale: float, pose: Pose) -> np.ndarray:
    """Give the corners (8, 3) in metres of the box around a thing, turned as the thing is."""
    return scale * _corners(kind) @ matrix(pose.quaternion).T + pose.position
