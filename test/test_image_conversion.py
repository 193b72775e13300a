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


"""ROS images to NumPy and back: every encoding, padding, byte order, and what is refused."""

import array
import io
import sys

import cv2
import numpy as np
import pytest

pytest.importorskip('rclpy', reason='needs the ROS 2 Python client')
pytest.importorskip('sensor_msgs.msg', reason='needs the ROS 2 messages')

from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

from ros2_refseg.nodes.image_conversion import (
    SUPPORTED_ENCODINGS,
    ImageConversionError,
    array_to_image,
    compressed_to_rgb,
    image_to_rgb,
)

CHANNELS = {'rgb8': 3, 'bgr8': 3, 'rgba8': 4, 'bgra8': 4, 'mono8': 1, 'mono16': 1}
UYVY, YUYV = (1, 3, 0, 2), (0, 2, 1, 3)  # places of luma 1, luma 2, blue, red in four bytes
YUV = {'uyvy': UYVY, 'yuv422': UYVY, 'yuyv': YUYV, 'yuv422_yuy2': YUYV}
BAYER = ('rggb', 'bggr', 'gbrg', 'grbg')


def image(pixels, encoding, padding=0, big_endian=False, header=None):
    """Write an image message byte by byte, with ``padding`` bytes of rubbish after each row."""
    pixels = np.asarray(pixels)
    order = '>' if big_endian else '<'
    rows = [row.astype(row.dtype.newbyteorder(order)).tobytes() for row in pixels]
    data = b''.join(row + b'\xa5' * padding for row in rows)
    return Image(
        header=header or Header(),
        height=pixels.shape[0],
        width=pixels.shape[1],
        encoding=encoding,
        is_bigendian=int(big_endian),
        step=len(rows[0]) + padding,
        data=array.array('B', data),
    )


def noise(*shape, dtype=np.uint8):
    return np.random.default_rng(7).integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True)


def expected_rgb(pixels, encoding):
    """Take the encoding at its word, in plain NumPy."""
    if encoding.startswith('mono'):
        pixels = np.repeat(pixels[..., None], 3, axis=2)
    if encoding.startswith('bgr'):
        pixels = pixels[..., [2, 1, 0]]
    if pixels.dtype == np.uint16:
        pixels = np.rint(pixels * (255 / 65535)).astype(np.uint8)
    return pixels[..., :3]


@pytest.mark.parametrize('padding', [0, 1, 7])
@pytest.mark.parametrize(
    'encoding',
    [f'{name}{bits}' for name in ('rgb', 'bgr', 'rgba', 'bgra', 'mono') for bits in (8, 16)],
)
def test_plain_encodings(encoding, padding):
    channels = CHANNELS.get(encoding) or CHANNELS[encoding.replace('16', '8')]
    dtype = np.uint16 if encoding.endswith('16') else np.uint8
    shape = (5, 6) if channels == 1 else (5, 6, channels)
    pixels = noise(*shape, dtype=dtype)
    rgb = image_to_rgb(image(pixels, encoding, padding))
    assert rgb.dtype == np.uint8 and rgb.flags.c_contiguous
    np.testing.assert_array_equal(rgb, expected_rgb(pixels, encoding))


@pytest.mark.parametrize('padding', [0, 3])
@pytest.mark.parametrize('encoding', ['mono16', 'bgr16'])
def test_byte_order_is_honoured(encoding, padding):
    pixels = noise(4, 6, *((3,) if encoding == 'bgr16' else ()), dtype=np.uint16)
    little = image_to_rgb(image(pixels, encoding, padding, big_endian=False))
    big = image_to_rgb(image(pixels, encoding, padding, big_endian=True))
    np.testing.assert_array_equal(little, big)
    np.testing.assert_array_equal(big, expected_rgb(pixels, encoding))


def test_every_mono16_value_is_scaled_and_rounded():
    pixels = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    rgb = image_to_rgb(image(pixels, 'mono16'))
    np.testing.assert_array_equal(rgb[..., 0], np.rint(pixels / 257).astype(np.uint8))


def test_big_endian_flag_does_not_touch_bytes():
    pixels = noise(3, 4, 3)
    message = image(pixels, 'rgb8')
    message.is_bigendian = 1
    np.testing.assert_array_equal(image_to_rgb(message), pixels)


@pytest.mark.parametrize('padding', [0, 2, 5])
@pytest.mark.parametrize('encoding', list(YUV))
def test_yuv422_both_orders(encoding, padding):
    """Each two pixels share their colour; BT.601, studio swing, as OpenCV and cv_bridge take it."""
    first, second, blue, red = YUV[encoding]
    luma = noise(6, 8).astype(float)
    chroma = noise(6, 4, 2)
    packed = np.zeros((6, 4, 4), np.uint8)
    packed[..., first] = luma[:, 0::2]
    packed[..., second] = luma[:, 1::2]
    packed[..., blue] = chroma[..., 0]
    packed[..., red] = chroma[..., 1]
    y = 1.164 * np.maximum(luma - 16, 0)
    u, v = (np.repeat(chroma[..., i].astype(float) - 128, 2, axis=1) for i in (0, 1))
    rgb = np.stack([y + 1.596 * v, y - 0.391 * u - 0.813 * v, y + 2.018 * u], axis=2)
    result = image_to_rgb(image(packed.reshape(6, 8, 2), encoding, padding))
    assert np.abs(result - np.clip(rgb, 0, 255)).max() <= 1.5


@pytest.mark.parametrize('padding', [0, 5])
@pytest.mark.parametrize('bits', [8, 16])
@pytest.mark.parametrize('pattern', BAYER)
def test_bayer(pattern, bits, padding):
    """One colour seen through the mosaic that the encoding names is that colour again."""
    dtype = np.uint16 if bits == 16 else np.uint8
    scale = 257 if bits == 16 else 1
    colour = {'r': 200, 'g': 120, 'b': 30}
    mosaic = np.zeros((8, 10), dtype)
    for place, letter in enumerate(pattern):
        mosaic[place // 2 :: 2, place % 2 :: 2] = colour[letter] * scale
    rgb = image_to_rgb(image(mosaic, f'bayer_{pattern}{bits}', padding))
    assert rgb.shape == (8, 10, 3)
    np.testing.assert_array_equal(rgb, np.broadcast_to((200, 120, 30), rgb.shape))


@pytest.mark.parametrize('encoding', ['mono8', 'rgb8', 'bgr8', 'mono16', 'rgba8', 'bgra8'])
def test_round_trip_is_exact(encoding):
    channels = CHANNELS[encoding]
    dtype = np.uint16 if encoding == 'mono16' else np.uint8
    pixels = noise(7, 9, *((channels,) if channels > 1 else ()), dtype=dtype)
    header = Header(frame_id='camera')
    header.stamp.sec, header.stamp.nanosec = 12, 345678901
    message = array_to_image(pixels, encoding, header)
    assert message.header == header
    assert (message.height, message.width, message.encoding) == (7, 9, encoding)
    assert message.step * message.height == len(message.data)
    assert message.is_bigendian == (sys.byteorder == 'big')
    assert isinstance(message.data, array.array) and message.data.tobytes() == pixels.tobytes()
    np.testing.assert_array_equal(image_to_rgb(message), expected_rgb(pixels, encoding))


def test_arrays_that_are_not_contiguous():
    pixels = noise(8, 12, 3)[::2, ::-1]
    np.testing.assert_array_equal(image_to_rgb(array_to_image(pixels, 'rgb8', Header())), pixels)


@pytest.mark.parametrize('encoding', ['rgb8', 'bgr8', 'rgba8', 'mono8', 'mono16'])
def test_one_pixel(encoding):
    channels = CHANNELS[encoding]
    dtype = np.uint16 if encoding == 'mono16' else np.uint8
    pixels = noise(1, 1, *((channels,) if channels > 1 else ()), dtype=dtype)
    assert image_to_rgb(image(pixels, encoding)).shape == (1, 1, 3)


@pytest.mark.parametrize(
    'encoding', ['', '32FC1', '16UC1', '8UC3', 'nv21', 'RGB8', 'h264', 'x' * 10_000]
)
def test_encoding_without_colours_is_named_with_the_supported_ones(encoding):
    message = image(noise(4, 4), 'mono8')
    message.encoding = encoding
    with pytest.raises(ImageConversionError) as error:
        image_to_rgb(message)
    assert repr(encoding[:40]) in str(error.value)
    assert all(name in str(error.value) for name in SUPPORTED_ENCODINGS)
    assert len(str(error.value)) < 1000


@pytest.mark.parametrize(
    ('change', 'words'),
    [
        ({'step': 11}, ['step 11', '12 bytes', '4x3 rgb8']),
        ({'step': 0}, ['step 0', '12 bytes']),
        ({'step': 2**32 - 1}, ['bytes of data, got 36']),
        ({'data': array.array('B', bytes(35))}, ['36 bytes', 'got 35', '4x3 rgb8']),
        ({'data': array.array('B')}, ['36 bytes', 'got 0']),
        ({'width': 0}, ['0x3 rgb8', 'no pixels']),
        ({'height': 0}, ['4x0 rgb8', 'no pixels']),
        ({'height': 2**31}, ['bytes of data, got 36']),
        ({'encoding': 'yuv422', 'width': 3}, ['3x3 yuv422', 'odd width']),
        ({'encoding': 'bayer_rggb8', 'width': 2}, ['2x3 bayer_rggb8', 'below 3x3']),
    ],
)
def test_broken_messages_are_named(change, words):
    message = image(noise(3, 4, 3), 'rgb8')
    for field, value in change.items():
        setattr(message, field, value)
    with pytest.raises(ImageConversionError) as error:
        image_to_rgb(message)
    for word in words:
        assert word in str(error.value)


@pytest.mark.parametrize(
    ('pixels', 'encoding'),
    [
        (np.zeros((2, 2), np.float32), 'mono8'),
        (np.zeros((2, 2, 3), np.uint8), 'mono8'),
        (np.zeros((2, 2), np.uint8), 'rgb8'),
        (np.zeros((2, 2), np.uint8), 'mono16'),
        (np.zeros((2, 2), np.uint8), '8UC1'),
        (np.zeros((4,), np.uint8), 'mono8'),
    ],
)
def test_arrays_that_do_not_fit_their_encoding(pixels, encoding):
    with pytest.raises(ImageConversionError, match=encoding):
        array_to_image(pixels, encoding, Header())


@pytest.mark.parametrize('extension', ['.png', '.jpg'])
def test_compressed(extension):
    rgb = cv2.resize(noise(3, 4, 3), (40, 30), interpolation=cv2.INTER_CUBIC)
    _, data = cv2.imencode(extension, rgb[..., ::-1])
    message = CompressedImage(format=f'rgb8; {extension[1:]} compressed bgr8')
    message.data = array.array('B', data.tobytes())
    result = compressed_to_rgb(message)
    assert result.shape == rgb.shape and result.dtype == np.uint8 and result.flags.c_contiguous
    assert np.abs(result.astype(int) - rgb).mean() <= (0 if extension == '.png' else 8)


def test_compressed_orientation_is_left_alone():
    """A JPEG that asks to be turned by 90 degrees keeps the camera's pixel coordinates."""
    pil = pytest.importorskip('PIL.Image', reason='needs Pillow to write EXIF')
    exif = pil.Exif()
    exif[0x0112] = 6  # the EXIF tag Orientation: turn clockwise to view
    stream = io.BytesIO()
    pil.fromarray(noise(20, 30, 3)).save(stream, 'JPEG', exif=exif)
    message = CompressedImage(format='jpeg', data=array.array('B', stream.getvalue()))
    assert compressed_to_rgb(message).shape == (20, 30, 3)


@pytest.mark.parametrize('data', [b'', b'no image', b'\xff\xd8\xff\xe0' + bytes(50)])
def test_compressed_that_cannot_be_decoded(data):
    message = CompressedImage(format='jpeg', data=array.array('B', data))
    with pytest.raises(ImageConversionError, match=f"{len(data)} bytes of format 'jpeg'"):
        compressed_to_rgb(message)


def compressed(pixels, message_format):
    """Compress an array without loss, or as JPEG where the format says so."""
    extension = '.jpg' if 'jpeg' in message_format else '.png'
    data = cv2.imencode(extension, pixels)[1]
    return CompressedImage(format=message_format, data=array.array('B', data.tobytes()))


@pytest.mark.parametrize('bits', [8, 16])
@pytest.mark.parametrize('pattern', BAYER)
def test_compressed_bayer_is_what_it_is_uncompressed(pattern, bits):
    encoding = f'bayer_{pattern}{bits}'
    mosaic = noise(8, 10, dtype=np.uint16 if bits == 16 else np.uint8)
    rgb = compressed_to_rgb(compressed(mosaic, f'{encoding}; png compressed '))
    np.testing.assert_array_equal(rgb, image_to_rgb(image(mosaic, encoding)))


def test_jpeg_of_a_mosaic_has_its_colours():
    """Of 8 bits, also where the mosaic had 16."""
    for encoding in ('bayer_rggb8', 'bayer_rggb16'):
        mosaic = np.full((16, 16), 120, np.uint8)
        mosaic[::2, ::2], mosaic[1::2, 1::2] = 200, 30
        rgb = compressed_to_rgb(compressed(mosaic, f'{encoding}; jpeg compressed mono8'))
        assert np.abs(rgb[4:-4, 4:-4].mean(axis=(0, 1)) - (200, 120, 30)).max() < 10


def test_compressed_bayer_below_a_mosaic_is_named():
    with pytest.raises(ImageConversionError, match='2x4 bayer_rggb8 image is below 3x3'):
        compressed_to_rgb(compressed(noise(4, 2), 'bayer_rggb8; png compressed '))


@pytest.mark.parametrize('encoding', ['bayer_rggb8', 'rgb8', 'nv21', '8UC3'])
def test_compressed_colours_are_colours_whatever_they_were_made_of(encoding):
    rgb = noise(8, 10, 3)
    message = compressed(rgb[..., ::-1], f'{encoding}; png compressed bgr8')
    np.testing.assert_array_equal(compressed_to_rgb(message), rgb)


@pytest.mark.parametrize(
    'message_format', ['png', 'mono16; png compressed ', '; png compressed ', 'rgb16; png']
)
def test_compressed_grey_of_16_bits_is_rounded(message_format):
    pixels = noise(8, 10, dtype=np.uint16)
    rgb = compressed_to_rgb(compressed(pixels, message_format))
    np.testing.assert_array_equal(rgb, image_to_rgb(image(pixels, 'mono16')))


@pytest.mark.parametrize('encoding', ['16UC1', '32FC1', '8UC1', 'x' * 10_000])
def test_compressed_encoding_without_colours_is_refused_as_uncompressed(encoding):
    with pytest.raises(ImageConversionError) as error:
        compressed_to_rgb(compressed(noise(4, 4, dtype=np.uint16), f'{encoding}; png compressed '))
    assert error.value.kind == 'encoding'
    assert f'encoding {encoding[:40]!r} has no colours to look at' in str(error.value)


def test_compressed_floats_are_no_image():
    data = cv2.imencode('.tiff', np.ones((4, 4), np.float32))[1]
    with pytest.raises(ImageConversionError, match='image of 8 or 16 bits'):
        compressed_to_rgb(CompressedImage(format='tiff', data=array.array('B', data.tobytes())))


def test_compressed_depth_is_refused():
    message = CompressedImage(format='16UC1; compressedDepth png', data=array.array('B', b'123'))
    with pytest.raises(ImageConversionError, match='compressedDepth'):
        compressed_to_rgb(message)


@pytest.mark.parametrize('encoding', [name for name in SUPPORTED_ENCODINGS if '16' not in name])
def test_same_as_cv_bridge(encoding):
    """The node's own conversion against the reference, where there is one that works."""
    rclpy_logging = pytest.importorskip('rclpy.logging')
    from ros2_refseg.nodes.image_converter import ImageConverter

    converter = ImageConverter(rclpy_logging.get_logger('test'))
    if converter.backend != 'cv_bridge':
        pytest.skip('needs a cv_bridge that works with this Python')
    channels = CHANNELS.get(encoding) or (2 if encoding in YUV else 1)
    message = image(noise(16, 20, *((channels,) if channels > 1 else ())), encoding)
    np.testing.assert_array_equal(converter.to_rgb(message), image_to_rgb(message))
