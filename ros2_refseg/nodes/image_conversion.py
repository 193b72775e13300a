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

"""
ROS images to NumPy arrays and back, as cv_bridge converts them.

The colour arithmetic is OpenCV's, with the conversion codes that cv_bridge uses, so both give the
same pixels; what is added are checks of the message and rows that are padded by any number of
bytes. Encodings: REP-118 and ``sensor_msgs/image_encodings.hpp``.
"""

import array
import sys
from typing import NamedTuple

import cv2
import numpy as np
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header


class ImageConversionError(ValueError):
    """
    An image message that has no meaning or no colours.

    ``kind``: what is wrong, one of 'encoding', 'size', 'step', 'data', 'array'.
    """

    def __init__(self, kind: str, problem: str):
        """``problem`` names what was found and what is needed."""
        super().__init__(problem)
        self.kind = kind


class _Encoding(NamedTuple):
    dtype: type
    channels: int
    code: int | None  # OpenCV conversion to RGB; None where it is RGB already
    columns: int = 1  # the width has to be a multiple of this
    smallest: int = 1  # least width and height


# A Bayer encoding names the first two pixels of the first row, OpenCV's code those of the second
# row from the second column on, hence the crossed names. OpenCV needs 3 x 3 pixels to interpolate.
_BAYER_CODES = {
    'rggb': cv2.COLOR_BayerBG2RGB,
    'bggr': cv2.COLOR_BayerRG2RGB,
    'gbrg': cv2.COLOR_BayerGR2RGB,
    'grbg': cv2.COLOR_BayerGB2RGB,
}

_ENCODINGS = {
    'rgb8': _Encoding(np.uint8, 3, None),
    'bgr8': _Encoding(np.uint8, 3, cv2.COLOR_BGR2RGB),
    'rgba8': _Encoding(np.uint8, 4, cv2.COLOR_RGBA2RGB),
    'bgra8': _Encoding(np.uint8, 4, cv2.COLOR_BGRA2RGB),
    'mono8': _Encoding(np.uint8, 1, cv2.COLOR_GRAY2RGB),
    'rgb16': _Encoding(np.uint16, 3, None),
    'bgr16': _Encoding(np.uint16, 3, cv2.COLOR_BGR2RGB),
    'rgba16': _Encoding(np.uint16, 4, cv2.COLOR_RGBA2RGB),
    'bgra16': _Encoding(np.uint16, 4, cv2.COLOR_BGRA2RGB),
    'mono16': _Encoding(np.uint16, 1, cv2.COLOR_GRAY2RGB),
    'uyvy': _Encoding(np.uint8, 2, cv2.COLOR_YUV2RGB_UYVY, columns=2),
    'yuv422': _Encoding(np.uint8, 2, cv2.COLOR_YUV2RGB_UYVY, columns=2),
    'yuyv': _Encoding(np.uint8, 2, cv2.COLOR_YUV2RGB_YUY2, columns=2),
    'yuv422_yuy2': _Encoding(np.uint8, 2, cv2.COLOR_YUV2RGB_YUY2, columns=2),
    **{
        f'bayer_{pattern}{bits}': _Encoding(dtype, 1, code, smallest=3)
        for bits, dtype in ((8, np.uint8), (16, np.uint16))
        for pattern, code in _BAYER_CODES.items()
    },
}

SUPPORTED_ENCODINGS = tuple(_ENCODINGS)
"""Encodings of ``sensor_msgs/Image`` that have colours (or grey values) and are converted."""


def image_pixels(message: Image) -> np.ndarray:
    """
    Read the pixels of an image message as they are encoded.

    Returns HxW or HxWxC, uint8 or uint16 in this machine's byte order, rows without padding;
    shares the message's memory where it can. Raises ImageConversionError for an unknown encoding,
    no pixels, a ``step`` below the length of a row, and less ``data`` than height x step.
    """
    encoding = _find_encoding(message.encoding)
    height, width, step = message.height, message.width, message.step
    itemsize = np.dtype(encoding.dtype).itemsize
    row = width * encoding.channels * itemsize
    what = f'{width}x{height} {message.encoding} image'
    if not height or not width:
        raise ImageConversionError('size', f'{what} has no pixels')
    _check_smallest(encoding, height, width, what)
    if width % encoding.columns:
        raise ImageConversionError(
            'size', f'{what} has an odd width, but two pixels share their colour'
        )
    if step < row:
        raise ImageConversionError('step', f'{what} has step {step}, but a row takes {row} bytes')
    if len(message.data) < height * step:
        raise ImageConversionError(
            'data',
            f'{what} with step {step} needs {height * step} bytes of data, got {len(message.data)}',
        )
    rows = np.frombuffer(message.data, np.uint8, height * step).reshape(height, step)[:, :row]
    pixels = np.ascontiguousarray(rows).view(encoding.dtype)
    if itemsize > 1 and bool(message.is_bigendian) != (sys.byteorder == 'big'):
        pixels = pixels.byteswap()
    return pixels.reshape(height, width, encoding.channels) if encoding.channels > 1 else pixels


def image_to_rgb(message: Image) -> np.ndarray:
    """
    Convert an image message to RGB.

    Returns uint8 HxWx3, contiguous; an unpadded rgb8 image shares the message's memory. 16 bits are
    scaled by 255/65535 and rounded, as cv_bridge does. Raises ImageConversionError as image_pixels.
    """
    return _to_rgb(image_pixels(message), _ENCODINGS[message.encoding].code)


def compressed_to_rgb(message: CompressedImage) -> np.ndarray:
    """
    Decode a compressed image message (JPEG, PNG and what else OpenCV reads).

    Returns uint8 HxWx3 RGB, 16 bits scaled as image_to_rgb does. image_transport writes what was
    compressed before a ';' in ``format``: a single channel is a mosaic or grey as that encoding
    says. An EXIF rotation is not applied: pixel coordinates stay those of the camera's calibration.
    Raises ImageConversionError for data that cannot be decoded, for compressed depth, and for a
    single channel of an encoding that image_pixels does not know either.
    """
    if 'compresseddepth' in message.format.lower():
        raise ImageConversionError(
            'encoding',
            f'format {message.format[:40]!r} is depth, which has no colours; use the colour image',
        )
    pixels = _decode(message)
    if pixels.ndim == 3:  # in colours already, whatever they were made of
        return _to_rgb(pixels, cv2.COLOR_BGR2RGB)
    name, told, _ = message.format.partition(';')
    name = name.strip()
    if not (told and name):
        return _to_rgb(pixels, cv2.COLOR_GRAY2RGB)
    encoding = _find_encoding(name)
    height, width = pixels.shape
    _check_smallest(encoding, height, width, f'{width}x{height} {name} image')
    is_mosaic = name.startswith('bayer_')
    return _to_rgb(pixels, encoding.code if is_mosaic else cv2.COLOR_GRAY2RGB)


def _decode(message: CompressedImage) -> np.ndarray:
    """Give HxW or, in OpenCV's order of colours, HxWx3; uint8 or uint16."""
    data = np.frombuffer(message.data, np.uint8)
    pixels = None
    if data.size:
        how = cv2.IMREAD_ANYCOLOR | cv2.IMREAD_ANYDEPTH | cv2.IMREAD_IGNORE_ORIENTATION
        try:
            pixels = cv2.imdecode(data, how)
        except cv2.error:  # for instance more pixels than OpenCV admits
            pass
    if pixels is None or pixels.dtype not in (np.uint8, np.uint16):
        raise ImageConversionError(
            'data',
            f'{data.size} bytes of format {message.format[:40]!r} cannot be decoded as an image of '
            '8 or 16 bits',
        )
    return pixels


def _find_encoding(name: str) -> _Encoding:
    if name not in _ENCODINGS:
        raise ImageConversionError(
            'encoding',
            f'encoding {name[:40]!r} has no colours to look at; '
            f'supported are {", ".join(SUPPORTED_ENCODINGS)}',
        )
    return _ENCODINGS[name]


def _check_smallest(encoding: _Encoding, height: int, width: int, what: str) -> None:
    least = encoding.smallest
    if min(height, width) < least:
        raise ImageConversionError(
            'size', f'{what} is below {least}x{least} pixels, the least of a mosaic'
        )


def _to_rgb(pixels: np.ndarray, code: int | None) -> np.ndarray:
    """Convert uint8 or uint16 by an OpenCV code, None for RGB; 16 bits become 8."""
    if code is not None:
        pixels = cv2.cvtColor(pixels, code)
    if pixels.dtype == np.uint16:
        pixels = ((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8)
    return pixels


def array_to_image(pixels: np.ndarray, encoding: str, header: Header) -> Image:
    """
    Make an image message of an array.

    ``pixels``: HxW or HxWxC with the dtype and channels of ``encoding``, one of
    SUPPORTED_ENCODINGS; ``header`` is taken over as it is. Rows are not padded, the byte order is
    this machine's. Raises ImageConversionError where array and encoding disagree.
    """
    expected = _ENCODINGS.get(encoding)
    channels = pixels.shape[2] if pixels.ndim == 3 else 1
    if (
        expected is None
        or pixels.ndim not in (2, 3)
        or pixels.dtype != expected.dtype
        or channels != expected.channels
    ):
        raise ImageConversionError(
            'array',
            f'an array of shape {pixels.shape} and dtype {pixels.dtype} is no {encoding!r} image',
        )
    height, width = pixels.shape[:2]
    # An array.array is the one type that no distribution checks element by element (tens of ms).
    data = array.array('B')
    data.frombytes(np.ascontiguousarray(pixels).reshape(-1).view(np.uint8).data)
    return Image(
        header=header,
        height=height,
        width=width,
        encoding=encoding,
        is_bigendian=int(sys.byteorder == 'big'),
        step=width * channels * pixels.itemsize,
        data=data,
    )
