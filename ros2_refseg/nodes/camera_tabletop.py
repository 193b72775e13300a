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

"""The tabletop simulator as a camera source; needs MuJoCo, which only this source does."""

import numpy as np

from ros2_refseg.data.tabletop import Tabletop, View, scene_json
from ros2_refseg.data.tabletop.levels import DESCRIBE
from ros2_refseg.nodes.camera_sources import (
    CameraFrame,
    CameraSource,
    SourceError,
    SourceSettings,
    Truth,
)

_SIZE = (640, 480)  # VGA, unless asked otherwise


class TabletopSource(CameraSource):
    """The simulator, live: its objects move. Use it from the thread that made it (OpenGL)."""

    def __init__(self, settings: SourceSettings):
        """Set the table of ``settings.seed``; raises SourceError where OpenGL is missing."""
        super().__init__(settings)
        self._words = np.random.default_rng(settings.seed)
        try:
            self._tabletop = Tabletop(
                settings.width or _SIZE[0], settings.height or _SIZE[1], settings.level)
        except RuntimeError as error:
            raise SourceError(f"'tabletop' cannot be drawn: {error}") from error
        self._tabletop.new_scene(settings.seed)

    def read(self) -> CameraFrame:
        """Let the objects move for one period and take a picture."""
        self._tabletop.step(1.0 / self._settings.rate)
        view = self._tabletop.render()
        return CameraFrame(view.image, Truth(view.intrinsics, view.labels, lambda: self._say(view)))

    def close(self) -> None:
        """Free the OpenGL context."""
        self._tabletop.close()

    def _say(self, view: View) -> dict:
        height, width = view.labels.shape
        describe = DESCRIBE[self._settings.level]
        return scene_json(view, describe(view.objects, width, height, self._words))
