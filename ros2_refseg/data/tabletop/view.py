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

    :ivar colour: name of its main colour.
    :ivar size: small, medium or large among things of its kind; ``scale`` is the exact factor.
    :ivar pixels: visible ones; ``box`` (x, y, width, height) and ``centroid`` (column, row) are
        those of its visible pixels.
    :ivar depth: distance in metres of its middle along the optical axis; ``position`` is that
        middle in the camera's optical frame (x right, y down, z forward), in metres.
    :ivar pattern: plain, striped, checkered or dotted; ``second_colour`` names the pattern's other
        colour, '' for plain.
    :ivar material: plain (painted), wooden, metal or glass.
    :ivar support: id of the object that it stands on, 0 for the table.
    :ivar container: id of the object that it lies in, 0 for none.
    :ivar visible_share: share of its pixels within the image that nothing hides, in (0, 1].
    """

    id: int
    kind: str
    colour: str
    size: str
    pixels: int
    box: tuple[int, int, int, int]
    centroid: tuple[float, float]
    depth: float
    scale: float = 1.0
    position: tuple[float, float, float] = (0.0, 0.0, 0.0)
    pattern: str = 'plain'
    second_colour: str = ''
    material: str = 'plain'
    support: int = 0
    container: int = 0
    visible_share: float = 1.0


@dataclass(frozen=True)
class Description:
    """
    A sentence, the object it means (None for none in view), and its kind.

    ``clean`` is the sentence without its typing error, '' where it has none.
    """

    sentence: str
    object_id: int | None
    form: str
    clean: str = ''


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
