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

"""A picture of a result, for people."""

import cv2
import numpy as np

from ros2_refseg.segmenter import Segmentation

BOUNDARY_COLOUR = (255, 255, 0)  # RGB
DIMMED = 0.4  # brightness of what is not meant
CAPTION_HEIGHT = 1 / 16  # of the image's height


def draw_overlay(image: np.ndarray, segmentation: Segmentation) -> np.ndarray:
    """
    Draw a result into a copy of its image, with sentence, what was read otherwise, and score.

    What is meant keeps its colours, its boundary is marked and the rest is dimmed. (A tint would be
    hard to tell from things of its colour.)

    :param image: uint8 HxWx3, RGB.
    :return: uint8 HxWx3, RGB.
    """
    overlay = image.copy()
    if segmentation.found:
        overlay = cv2.convertScaleAbs(overlay, alpha=DIMMED)
        cv2.copyTo(image, segmentation.mask, overlay)
        overlay[segmentation.boundary > 0] = BOUNDARY_COLOUR
    _write_caption(overlay, caption_of(segmentation))
    return overlay


def caption_of(segmentation: Segmentation) -> str:
    """Say in a line what was asked, which words were read as others, and what was found."""
    read = ', '.join(f'{word} = {known}' for word, known in segmentation.corrections)
    if not segmentation.found:
        answer = 'not found'
    elif segmentation.calibrated:
        answer = f'{100 * segmentation.score:.0f} % sure'
    else:
        answer = f'{segmentation.score:.2f}'
    return f'{segmentation.sentence}{f" ({read})" if read else ""}: {answer}'


def _write_caption(image: np.ndarray, text: str) -> None:
    """Write a line of text across the top, white on black, made to fit the width."""
    height, width = image.shape[:2]
    line = int(height * CAPTION_HEIGHT)
    if line < 6:
        return  # too small to be read
    # OpenCV's fonts hold ASCII only.
    text = text.encode('ascii', 'replace').decode()
    font = cv2.FONT_HERSHEY_SIMPLEX
    (text_width, text_height), _ = cv2.getTextSize(text, font, 1.0, 1)
    scale = min(0.7 * line / text_height, 0.96 * width / text_width)
    image[:line] //= 3
    cv2.putText(
        image, text, (int(0.02 * width), int(0.75 * line)), font, scale, (255, 255, 255), 1,
        cv2.LINE_AA,
    )
