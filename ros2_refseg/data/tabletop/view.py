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

"""What a camera sees of a table: the picture and the truth about it."""

from dataclasses import dataclass

import numpy as np

SMALLEST_SHARE = 0.004
"""Smallest share of the image that an object covers for a sentence to speak of it."""


@dataclass(frozen=True)
class VisibleObject:
    """
    What the camera sees of one object.

    ``box`` is x, y, width, height and ``centroid`` column, row of its visible pixels; ``depth``
    is the distance of the object's middle along the optical axis in metres.
    """

    id: int
    kind: str
    colour: str
    size: str
    pixels: int
    box: tuple[int, int, int, int]
    centroid: tuple[float, float]
    depth: float


@dataclass(frozen=True)
class View:
    """
    A picture and its truth.

    ``image`` is uint8 (H, W, 3) in RGB; ``labels`` uint16 (H, W), 0 for the background and k for
    the object with the id k; ``objects`` those with a visible pixel; ``intrinsics`` the camera
    matrix (3, 3) in pixels.
    """

    image: np.ndarray
    labels: np.ndarray
    objects: list[VisibleObject]
    intrinsics: np.ndarray
