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

"""Which code converts images: cv_bridge where it works, else the own conversion."""

import importlib.util
import subprocess
import sys

import numpy as np
from rclpy.impl.rcutils_logger import RcutilsLogger
from sensor_msgs.msg import Image

from ros2_refseg.nodes.image_conversion import image_pixels, image_to_rgb

# cv_bridge's Python code on a 2x2 image, for another process to try: a cv_bridge that was built
# against NumPy 1 and meets NumPy 2 raises or takes its process down (vision_opencv#535).
_PROBE = """
import array
from cv_bridge import CvBridge
from sensor_msgs.msg import Image
message = Image(height=2, width=2, encoding='bgr8', step=6, data=array.array('B', range(12)))
pixels = CvBridge().imgmsg_to_cv2(message, 'rgb8')
assert pixels.tolist() == [[[2, 1, 0], [5, 4, 3]], [[8, 7, 6], [11, 10, 9]]]
"""

_PROBE_SECONDS = 30.0

# What every cv_bridge from Humble on converts to rgb8.
_CV_BRIDGE_ENCODINGS = frozenset(
    ('rgb8', 'bgr8', 'rgba8', 'bgra8', 'mono8', 'mono16', 'yuv422', 'yuv422_yuy2')
) | frozenset(f'bayer_{pattern}8' for pattern in ('rggb', 'bggr', 'gbrg', 'grbg'))


def _cv_bridge_works() -> bool:
    try:
        probe = subprocess.run(
            [sys.executable, '-c', _PROBE], capture_output=True, timeout=_PROBE_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return probe.returncode == 0


class ImageConverter:
    """Converts image messages to RGB; ``backend`` is 'cv_bridge' or 'own'."""

    def __init__(self, logger: RcutilsLogger):
        """Look for a cv_bridge that works, and say in the log if there is none."""
        self._bridge = None
        if importlib.util.find_spec('cv_bridge') is None:
            logger.info('cv_bridge is not installed; images are converted by the node itself')
        elif not _cv_bridge_works():
            logger.info(
                'cv_bridge is installed but does not work with this Python (most often because it '
                'was built against NumPy 1); images are converted by the node itself'
            )
        else:
            from cv_bridge import CvBridge

            self._bridge = CvBridge()

    @property
    def backend(self) -> str:
        """Name what converts: 'cv_bridge' or 'own'."""
        return 'own' if self._bridge is None else 'cv_bridge'

    def to_rgb(self, message: Image) -> np.ndarray:
        """Convert to uint8 HxWx3 RGB; raises ImageConversionError as image_to_rgb does."""
        if self._bridge is None or message.encoding not in _CV_BRIDGE_ENCODINGS:
            return image_to_rgb(message)
        # cv_bridge's Python code does not check the message, skews rows whose padding is no whole
        # number of pixels, and with NumPy 2 fails on foreign byte order, also of single bytes.
        pixels = image_pixels(message)
        row = pixels.nbytes // message.height
        foreign = bool(message.is_bigendian) != (sys.byteorder == 'big')
        if message.step != row or foreign:
            return image_to_rgb(message)
        return self._bridge.imgmsg_to_cv2(message, 'rgb8')
