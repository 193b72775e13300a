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

"""Cameras over a household table: a robot's head, its wrist, and one on the ceiling."""

from dataclasses import dataclass

import numpy as np

from ros2_refseg.data.tabletop.layout import Camera, Crowding, look_at


@dataclass(frozen=True)
class Viewpoint:
    """
    A place for cameras, by ranges to draw from.

    :ivar share: share of the scenes seen from there.
    :ivar things: fewest and most things on the table.
    :ivar view_width: metres that the image spans at its middle, for the fewest things; each more
        adds ``MORE_VIEW`` metres.
    :ivar elevation: degrees above the table; ``roll`` about the optical axis, in degrees.
    """

    share: float
    things: tuple[int, int]
    view_width: tuple[float, float]
    fovy: tuple[float, float]
    elevation: tuple[float, float]
    roll: float
    crowding: Crowding


MORE_VIEW = 0.024

VIEWPOINTS: dict[str, Viewpoint] = {
    'head': Viewpoint(0.60, (5, 15), (0.52, 0.64), (36.0, 56.0), (32.0, 64.0), 0.0,
                      Crowding(overlap=0.70, crop=0.20, tries=160)),
    'wrist': Viewpoint(0.20, (4, 9), (0.34, 0.42), (40.0, 54.0), (38.0, 72.0), 22.0,
                       Crowding(overlap=0.55, crop=0.45, tries=160, nearest=0.08)),
    'overhead': Viewpoint(0.20, (5, 15), (0.56, 0.66), (36.0, 50.0), (78.0, 90.0), 0.0,
                          Crowding(overlap=0.45, crop=0.20, tries=160)),
}


def sample_viewpoint(rng: np.random.Generator) -> Viewpoint:
    """Draw where a scene is seen from."""
    names = list(VIEWPOINTS)
    shares = [viewpoint.share for viewpoint in VIEWPOINTS.values()]
    return VIEWPOINTS[str(rng.choice(names, p=shares))]


def sample_camera(
    rng: np.random.Generator, viewpoint: Viewpoint, count: int, width: int, height: int,
) -> Camera:
    """Look at the table from a viewpoint so that ``count`` things fill the image well."""
    view_width = rng.uniform(*viewpoint.view_width) + MORE_VIEW * (count - viewpoint.things[0])
    target = np.array([*rng.uniform(-0.10, 0.10, 2), 0.02])
    azimuth, elevation = rng.uniform(0, 2 * np.pi), np.radians(rng.uniform(*viewpoint.elevation))
    camera = look_at(target, azimuth, elevation, view_width, rng.uniform(*viewpoint.fovy), width,
                     height)
    roll = np.radians(rng.uniform(-viewpoint.roll, viewpoint.roll))
    cosine, sine = np.cos(roll), np.sin(roll)
    turn = np.array([[cosine, -sine, 0.0], [sine, cosine, 0.0], [0.0, 0.0, 1.0]])
    return Camera(camera.position, camera.rotation @ turn, camera.fovy, width, height)
