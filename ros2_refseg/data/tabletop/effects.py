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

"""What a real camera does to its picture: exposure, white balance, blur, noise, compression."""

from dataclasses import dataclass

import cv2
import numpy as np

REFERENCE_WIDTH = 320
"""Width in pixels of the image that blur is drawn for; wider ones blur as much in proportion."""


@dataclass(frozen=True)
class Effects:
    """
    A camera's flaws.

    :ivar gain: exposure, a factor on each of red, green and blue, which is white balance, too.
    :ivar gamma: exponent on brightness in [0, 1].
    :ivar blur: standard deviation of the focus blur in pixels of a ``REFERENCE_WIDTH`` image.
    :ivar shake: length in the same pixels, and direction in radians, of the motion blur.
    :ivar noise: standard deviation of the noise, of 255, at middle brightness.
    :ivar quality: of JPEG's, in percent; 100 leaves the picture as it is.
    """

    gain: tuple[float, float, float] = (1.0, 1.0, 1.0)
    gamma: float = 1.0
    blur: float = 0.0
    shake: tuple[float, float] = (0.0, 0.0)
    noise: float = 0.0
    quality: int = 100

    def apply(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Give the picture, uint8 (H, W, 3) in RGB, as this camera would."""
        scale = image.shape[1] / REFERENCE_WIDTH
        levels = np.linspace(0.0, 1.0, 256)[:, None] ** self.gamma * np.array(self.gain)
        table = np.clip(255 * levels + 0.5, 0, 255).astype(np.uint8)
        image = cv2.LUT(np.ascontiguousarray(image), table[None])
        if self.blur * scale > 0.2:
            image = cv2.GaussianBlur(image, (0, 0), self.blur * scale)
        if self.shake[0] * scale > 1.0:
            image = cv2.filter2D(image, -1, _streak(self.shake[0] * scale, self.shake[1]))
        if self.noise:
            values = image.astype(np.float32)
            # Light comes in grains: brighter pixels vary more.
            spread = self.noise * (0.6 + 0.8 * values / 255)
            values += spread * rng.standard_normal(image.shape, np.float32)
            image = np.clip(values + 0.5, 0, 255).astype(np.uint8)
        if self.quality < 100:
            _, packed = cv2.imencode('.jpg', image[..., ::-1],
                                     [cv2.IMWRITE_JPEG_QUALITY, self.quality])
            image = np.ascontiguousarray(cv2.imdecode(packed, cv2.IMREAD_COLOR)[..., ::-1])
        return image


def _streak(length: float, direction: float) -> np.ndarray:
    """Make the kernel of a straight motion blur."""
    half = int(np.ceil(length / 2))
    kernel = np.zeros((2 * half + 1, 2 * half + 1), np.float32)
    way = length / 2 * np.array([np.cos(direction), np.sin(direction)])
    start, end = (tuple(int(v) for v in np.round(16 * (half + s * way))) for s in (-1, 1))
    cv2.line(kernel, start, end, 1.0, 1, cv2.LINE_AA, 4)
    return kernel / kernel.sum()


def sample_effects(rng: np.random.Generator) -> Effects:
    """Draw a camera: many are good, some are blurred, noisy or badly exposed."""
    exposure = rng.uniform(0.74, 1.16) if rng.uniform() < 0.5 else 1.0
    return Effects(
        gain=tuple(float(exposure * value) for value in 1.0 + rng.normal(0.0, 0.025, 3)),
        gamma=float(rng.uniform(0.85, 1.20)),
        blur=float(rng.uniform(0.3, 1.2)) if rng.uniform() < 0.45 else 0.0,
        shake=(float(rng.uniform(1.5, 4.5)) if rng.uniform() < 0.15 else 0.0,
               float(rng.uniform(0, np.pi))),
        noise=float(rng.uniform(1.0, 7.0)) if rng.uniform() < 0.6 else 0.0,
        quality=int(rng.integers(35, 95)) if rng.uniform() < 0.5 else 100)
