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

"""Where things are and how they are turned: unit quaternions (w, x, y, z), MuJoCo's order."""

from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Pose:
    """A position (3,) in metres and a unit quaternion (4,)."""

    position: np.ndarray = field(default_factory=lambda: np.zeros(3))
    quaternion: np.ndarray = field(default_factory=lambda: np.array([1.0, 0.0, 0.0, 0.0]))

    def at(self, inner: 'Pose') -> 'Pose':
        """Give the pose of what is at ``inner`` in the frame that is here."""
        return Pose(self.position + matrix(self.quaternion) @ inner.position,
                    multiply(self.quaternion, inner.quaternion))


def standing(x: float, y: float, yaw: float) -> Pose:
    """Give the pose of what stands upright on the table."""
    return Pose(np.array([x, y, 0.0]), turn('z', yaw))


def matrix(quaternion: np.ndarray | tuple[float, ...]) -> np.ndarray:
    """Give the rotation matrix (3, 3) of a unit quaternion (w, x, y, z)."""
    w, x, y, z = quaternion
    return np.array([
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)]])


def multiply(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Give the quaternion of turning by ``b`` and then by ``a``; the last axis is (w, x, y, z)."""
    (aw, ax, ay, az), (bw, bx, by, bz) = np.moveaxis(a, -1, 0), np.moveaxis(b, -1, 0)
    return np.stack([aw * bw - ax * bx - ay * by - az * bz, aw * bx + ax * bw + ay * bz - az * by,
                     aw * by - ax * bz + ay * bw + az * bx, aw * bz + ax * by - ay * bx + az * bw],
                    axis=-1)


def turn(axis: str, angle: float) -> np.ndarray:
    """Give the quaternion of a rotation by an angle in radians about x, y or z."""
    quaternion = np.zeros(4)
    quaternion[0], quaternion[' xyz'.index(axis)] = np.cos(angle / 2), np.sin(angle / 2)
    return quaternion
