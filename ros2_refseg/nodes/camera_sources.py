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


"""Where the camera node's pictures come from: a simulator, files, or a webcam."""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from rclpy.impl.rcutils_logger import RcutilsLogger

_IMAGE_SUFFIXES = frozenset(('.bmp', '.jpeg', '.jpg', '.png', '.ppm', '.tif', '.tiff', '.webp'))


class SourceError(ValueError):
    """A source that cannot be opened; the message names it and says why."""


@dataclass(frozen=True)
class Truth:
    """
    What a simulator knows of a picture.

    ``intrinsics``: 3x3 camera matrix in pixels; ``labels``: uint16 HxW, 0 background, k object k;
    ``scene``: makes the objects and true sentences, for JSON.
    """

    intrinsics: np.ndarray
    labels: np.ndarray
    scene: Callable[[], dict]


@dataclass(frozen=True)
class CameraFrame:
    """A picture, uint8 HxWx3 RGB, with the truth about it where it is simulated."""

    image: np.ndarray
    truth: Truth | None = None


@dataclass(frozen=True)
class SourceSettings:
    """
    How a source is to be played.

    ``width`` and ``height`` in pixels, 0 for the source's own; ``rate`` in Hz; ``level`` and
    ``seed`` of the simulated table; ``loop``: begin again at the end of a folder or video.
    """

    width: int
    height: int
    rate: float
    level: str
    seed: int
    loop: bool


class CameraSource(ABC):
    """
    Something that has a next picture.

    ``waits``: whether ``read`` waits for the picture to be taken, which then is of its end.
    """

    waits = False

    def __init__(self, settings: SourceSettings):
        """Keep the settings."""
        self._settings = settings

    @abstractmethod
    def read(self) -> CameraFrame | None:
        """Take the next picture; None at the end."""

    def close(self) -> None:  # noqa: B027  nothing to free in most sources
        """Free what the source holds."""

    def _frame(self, bgr: np.ndarray) -> CameraFrame:
        """Make a frame of an OpenCV picture, in the size that was asked for."""
        height, width = bgr.shape[:2]
        size = (self._settings.width or width, self._settings.height or height)
        if size != (width, height):
            shrinks = size[0] * size[1] < width * height
            bgr = cv2.resize(
                bgr, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
            )
        return CameraFrame(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB))


class StillSource(CameraSource):
    """One image file, again and again."""

    def __init__(self, path: Path, settings: SourceSettings):
        """Read the file once; raises SourceError."""
        super().__init__(settings)
        image = _read_image(path)
        if image is None:
            raise SourceError(f'{str(path)!r} cannot be read as an image')
        self._still = self._frame(image)

    def read(self) -> CameraFrame:
        """Take the picture."""
        return self._still


class FolderSource(CameraSource):
    """The images of a folder in the order of their names; unreadable ones are passed over."""

    def __init__(self, path: Path, settings: SourceSettings, logger: RcutilsLogger):
        """List the folder; raises SourceError when no file in it can be read as an image."""
        super().__init__(settings)
        self._logger = logger
        self._passed_over: set[Path] = set()
        self._paths = sorted(p for p in path.iterdir() if p.suffix.lower() in _IMAGE_SUFFIXES)
        self._frames = self._play()
        self._next = next(self._frames, None)
        if self._next is None:
            raise SourceError(f'{str(path)!r} has no image that can be read')

    def read(self) -> CameraFrame | None:
        """Take the next picture."""
        frame, self._next = self._next or next(self._frames, None), None
        return frame

    def _play(self) -> Iterator[CameraFrame]:
        some = True
        while some:
            some = False
            for path in self._paths:
                image = _read_image(path)
                if image is None:
                    self._pass_over(path)
                    continue
                some = self._settings.loop
                yield self._frame(image)

    def _pass_over(self, path: Path) -> None:
        if path not in self._passed_over:  # a loop comes by again and again
            self._logger.warning(f'{str(path)!r} cannot be read as an image; passed over')
            self._passed_over.add(path)


class VideoSource(CameraSource):
    """A video file, one frame a period."""

    def __init__(self, path: Path, settings: SourceSettings):
        """Open the file; raises SourceError when it has no frame."""
        super().__init__(settings)
        self._path = path
        self._video = cv2.VideoCapture(str(path))
        self._next = self._decode()
        if self._next is None:
            raise SourceError(f'{str(path)!r} cannot be read as an image or a video')

    def read(self) -> CameraFrame | None:
        """Take the next frame."""
        frame, self._next = self._next or self._decode(), None
        if frame is None and self._settings.loop:
            self._video.release()
            self._video = cv2.VideoCapture(str(self._path))
            frame = self._decode()
        return frame

    def close(self) -> None:
        """Close the file."""
        self._video.release()

    def _decode(self) -> CameraFrame | None:
        good, image = self._video.read()
        return self._frame(image) if good else None


class WebcamSource(CameraSource):
    """A camera of this machine, by its number."""

    waits = True

    def __init__(self, number: int, settings: SourceSettings):
        """Open the camera; raises SourceError."""
        super().__init__(settings)
        self._camera = cv2.VideoCapture(number)
        # Of more, those that wait in the driver grow old when the camera is faster than `rate`.
        self._camera.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        if settings.width:
            self._camera.set(cv2.CAP_PROP_FRAME_WIDTH, settings.width)
        if settings.height:
            self._camera.set(cv2.CAP_PROP_FRAME_HEIGHT, settings.height)
        if not self._camera.isOpened():
            raise SourceError(
                f'webcam {number} cannot be opened; `ls /dev/video*` lists those here'
            )

    def read(self) -> CameraFrame | None:
        """Wait for the next picture; None when the camera is gone."""
        good, image = self._camera.read()
        return self._frame(image) if good else None

    def close(self) -> None:
        """Close the camera."""
        self._camera.release()


def open_source(source: str | int, settings: SourceSettings, logger: RcutilsLogger) -> CameraSource:
    """
    Open a source: 'tabletop', the path of an image, a folder or a video, or a webcam's number.

    Raises SourceError for one that cannot be opened.
    """
    source = str(source)
    if re.fullmatch(r'\d+', source):
        return WebcamSource(int(source), settings)
    if source == 'tabletop':
        return _open_tabletop(settings)
    path = Path(source).expanduser()
    if not source or not path.exists():
        raise SourceError(
            f'there is no file or folder {source!r}; give tabletop, an image, a folder of images, '
            'a video, or the number of a webcam'
        )
    if path.is_dir():
        return FolderSource(path, settings, logger)
    if path.suffix.lower() in _IMAGE_SUFFIXES:
        return StillSource(path, settings)
    return VideoSource(path, settings)


def _open_tabletop(settings: SourceSettings) -> CameraSource:
    try:
        # Imported here, so that the other sources work without MuJoCo.
        from ros2_refseg.nodes.camera_tabletop import TabletopSource
    except ModuleNotFoundError as error:
        raise SourceError(
            f"'tabletop' needs MuJoCo, but there is no {error.name}; pip install mujoco"
        ) from error
    return TabletopSource(settings)


def _read_image(path: Path) -> np.ndarray | None:
    try:
        data = np.fromfile(path, np.uint8)
    except OSError:
        return None
    try:
        return cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
    except cv2.error:  # for instance more pixels than OpenCV admits
        return None
