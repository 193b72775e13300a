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

"""The tabletop simulator: a camera that looks at a table, and the truth about its picture."""

from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np
from scipy.ndimage import find_objects

from ros2_refseg.data.tabletop.household import sample_household
from ros2_refseg.data.tabletop.household_kinds import bounds
from ros2_refseg.data.tabletop.layout import Layout, sample_layout
from ros2_refseg.data.tabletop.motion import Motion
from ros2_refseg.data.tabletop.poses import matrix
from ros2_refseg.data.tabletop.rendering import OffscreenRenderer, build_model, mujoco
from ros2_refseg.data.tabletop.view import SMALLEST_SHARE, View, VisibleObject

Level = Literal['simple', 'household']
LEVELS: tuple[Level, ...] = get_args(Level)
SEEN: dict[Level, float] = {'simple': 1.0, 'household': 0.7}
"""Smallest share of the things on a table with enough pixels for a sentence to speak of them."""


class Tabletop:
    """
    A simulated camera above a table; keeps one OpenGL context for all of its scenes.

    ``level`` says what is on the table: 'simple', ten kinds of things that stand apart, or
    'household', what ``household.sample_household`` draws. ``visible_share`` is measured on
    household tables only: on simple ones hardly anything is hidden. Use the simulator from the
    thread that made it, which is where the context lives.

    :raises ValueError: on an unknown level.
    :raises RuntimeError: when there is no library for off-screen OpenGL.
    """

    def __init__(self, width: int = 640, height: int = 480, level: Level = 'simple') -> None:
        if level not in LEVELS:
            raise ValueError(f'level is {level!r}; it must be one of {", ".join(LEVELS)}')
        self.width, self.height, self.level = width, height, level
        self._renderer = OffscreenRenderer(width, height)
        self.layout: Layout | None = None

    def __enter__(self) -> 'Tabletop':
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def new_scene(self, seed: int | Sequence[int]) -> None:
        """
        Set a new table; the same seed gives the same one.

        On a simple table no object is hidden at first; on a household table few things are.
        """
        entropy = np.random.SeedSequence(seed)
        rng = np.random.default_rng(entropy)
        sample = sample_household if self.level == 'household' else sample_layout
        smallest = SMALLEST_SHARE * self.width * self.height
        while True:
            self.layout = sample(rng, self.width, self.height)
            model = build_model(self.layout)
            self._data = mujoco.MjData(model)
            self._model = model
            self._renderer.load(model)
            self._labels = self._draw_labels()
            count = len(self.layout.things)
            pixels = np.bincount(self._labels.ravel(), minlength=count + 1)[1:]
            if (pixels >= smallest).sum() >= SEEN[self.level] * count:
                break
        motion, self._noise = entropy.spawn(2)
        self._motion = Motion(self.layout.items, self.layout.camera, self.layout.table_size,
                              np.random.default_rng(motion), self.layout.crowding)
        self._poses = self.layout.poses(self._motion.poses())
        self._steps = 0

    def step(self, seconds: float) -> None:
        """Let time pass: some of the objects move on, see ``Motion``."""
        self._require_scene()
        self._motion.advance(seconds)
        self._poses = self.layout.poses(self._motion.poses())
        self._data.mocap_pos[:] = [pose.position for pose in self._poses]
        self._data.mocap_quat[:] = [pose.quaternion for pose in self._poses]
        self._labels = None
        self._steps += 1

    def render(self) -> View:
        """Take a picture of the table as it is now."""
        self._require_scene()
        if self._labels is None:
            self._labels = self._draw_labels()
        image = np.ascontiguousarray(self._renderer.image())
        if self.layout.effects is not None:
            noise = np.random.default_rng([*self._noise.generate_state(4), self._steps])
            image = self.layout.effects.apply(image, noise)
        return View(image, self._labels, self._visible(self._labels),
                    self.layout.camera.intrinsics)

    def close(self) -> None:
        """Free the OpenGL context; the simulator cannot be used afterwards."""
        self._renderer.close()

    def _require_scene(self) -> None:
        if self.layout is None:
            raise RuntimeError('the table is empty: call new_scene(seed) first')

    def _draw_labels(self) -> np.ndarray:
        mujoco.mj_kinematics(self._model, self._data)
        mujoco.mj_camlight(self._model, self._data)
        self._renderer.update(self._data)
        return self._renderer.bodies()

    def _visible(self, labels: np.ndarray) -> list[VisibleObject]:
        camera = self.layout.camera
        truths, things = self.layout.truths(), self.layout.things
        whole = self._whole(labels) if self.level == 'household' else {}
        objects = []
        for number, box in enumerate(find_objects(labels), start=1):
            if box is None:
                continue
            rows, columns = np.nonzero(labels[box] == number)
            top, left = box[0].start, box[1].start
            pose = self._poses[number - 1]
            middle = (pose.position
                      + matrix(pose.quaternion) @ np.array([0, 0, things[number - 1].height / 2]))
            right, up, backward = (middle - camera.position) @ camera.rotation
            objects.append(VisibleObject(
                id=number, pixels=int(rows.size),
                box=(left, top, box[1].stop - left, box[0].stop - top),
                centroid=(left + float(columns.mean()), top + float(rows.mean())),
                depth=float(camera.project(middle)[2]),
                position=(float(right), -float(up), -float(backward)),
                visible_share=rows.size / whole.get(number, rows.size), **truths[number - 1]))
        return objects

    def _whole(self, labels: np.ndarray) -> dict[int, int]:
        """
        Count the pixels that things would have if nothing hid them.

        Things that no other one can hide are left out. As the boxes of some do not overlap, these
        are drawn together, without the others.
        """
        camera, boxes = self.layout.camera, []
        for thing, pose in zip(self.layout.things, self._poses, strict=True):
            pixels = camera.project(bounds(thing.kind, thing.scale, pose))[:, :2]
            boxes.append(np.concatenate([pixels.min(axis=0) - 1, pixels.max(axis=0) + 1]))
        low, high = np.array(boxes)[:, None, :2], np.array(boxes)[:, None, 2:]
        overlap = ((low < high.swapaxes(0, 1)) & (low.swapaxes(0, 1) < high)).all(axis=-1)
        np.fill_diagonal(overlap, False)
        seen = set(np.unique(labels).tolist())
        left = [n for n in np.flatnonzero(overlap.any(axis=1)).tolist() if n + 1 in seen]
        counts = {}
        while left:
            apart: list[int] = []
            for number in left:
                if not overlap[number, apart].any():
                    apart.append(number)
            left = [number for number in left if number not in apart]
            drawn = self._renderer.bodies([number + 1 for number in apart])
            pixels = np.bincount(drawn.ravel(), minlength=len(boxes) + 1)
            counts |= {number + 1: int(pixels[number + 1]) for number in apart}
        return counts
