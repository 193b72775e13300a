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

import numpy as np
from scipy.ndimage import find_objects

from ros2_refseg.data.tabletop.layout import Layout, sample_layout
from ros2_refseg.data.tabletop.motion import Motion
from ros2_refseg.data.tabletop.rendering import OffscreenRenderer, build_model, mujoco
from ros2_refseg.data.tabletop.view import SMALLEST_SHARE, View, VisibleObject


class Tabletop:
    """
    A simulated camera above a table; keeps one OpenGL context for all of its scenes.

    Use it from the thread that made it, which is where the context lives.
    """

    def __init__(self, width: int = 640, height: int = 480) -> None:
        self.width, self.height = width, height
        self._renderer = OffscreenRenderer(width, height)
        self.layout: Layout | None = None

    def __enter__(self) -> 'Tabletop':
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def new_scene(self, seed: int | Sequence[int]) -> None:
        """Set a new table; the same seed gives the same one. No object is hidden at first."""
        entropy = np.random.SeedSequence(seed)
        rng = np.random.default_rng(entropy)
        smallest = SMALLEST_SHARE * self.width * self.height
        while True:
            self.layout = sample_layout(rng, self.width, self.height)
            model = build_model(self.layout)
            self._data = mujoco.MjData(model)
            self._model = model
            self._renderer.load(model)
            self._labels = self._draw_labels()
            pixels = np.bincount(self._labels.ravel(), minlength=len(self.layout.items) + 1)
            if pixels[1:].min() >= smallest:
                break
        self._motion = Motion(self.layout.items, self.layout.camera, self.layout.table_size,
                              np.random.default_rng(entropy.spawn(1)[0]))

    def step(self, seconds: float) -> None:
        """Let time pass: some of the objects move on, see ``Motion``."""
        self._require_scene()
        self._motion.advance(seconds)
        poses = self._motion.poses()
        self._data.mocap_pos[:, :2] = poses[:, :2]
        self._data.mocap_quat[:, 0] = np.cos(poses[:, 2] / 2)
        self._data.mocap_quat[:, 3] = np.sin(poses[:, 2] / 2)
        self._labels = None

    def render(self) -> View:
        """Take a picture of the table as it is now."""
        self._require_scene()
        if self._labels is None:
            self._labels = self._draw_labels()
        image = np.ascontiguousarray(self._renderer.image())
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
        objects = []
        for number, box in enumerate(find_objects(labels), start=1):
            if box is None:
                continue
            rows, columns = np.nonzero(labels[box] == number)
            top, left = box[0].start, box[1].start
            item = self.layout.items[number - 1]
            middle = np.array([*self._data.mocap_pos[number - 1, :2], item.height / 2])
            objects.append(VisibleObject(
                id=number, kind=item.kind, colour=item.colour, size=item.size,
                pixels=int(rows.size),
                box=(left, top, box[1].stop - left, box[0].stop - top),
                centroid=(left + float(columns.mean()), top + float(rows.mean())),
                depth=float(camera.project(middle)[2])))
        return objects
