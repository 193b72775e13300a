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


"""Reading what labelme wrote: a JSON file beside each picture, with shapes and their labels."""

import base64
import hashlib
import re
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from ros2_refseg.data.own_picture import OwnPicture, Saying, path_below, split_of_folder
from ros2_refseg.data.pictures import walk
from ros2_refseg.data.plain_files import load_json
from ros2_refseg.data.refer import decode_mask

_SENTENCES = re.compile(r'[;\n]')


def read_labelme(folder: Path, problems: list[str]) -> list[OwnPicture]:
    """
    Read every labelme JSON file in a folder and below.

    A shape's description is what is said of it, or else its label; a semicolon or a new line
    separates several sentences. Shapes with one label and one ``group_id`` are parts of one thing.

    :param problems: takes a sentence for each file that cannot be read.
    """
    pictures = []
    for below, names in walk([folder]):
        for path in sorted(below / name for name in names if name.endswith('.json')):
            try:
                content = load_json(path)
                # Others may be a data set's own files.
                if isinstance(content, dict) and isinstance(content.get('shapes'), list):
                    pictures.append(_read_picture(path, content, folder))
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                problems.append(
                    f'{path.name} is not as labelme writes it: {type(error).__name__} {error}')
    return pictures


def _read_picture(path: Path, content: dict, folder: Path) -> OwnPicture:
    # labelme on Windows writes backslashes.
    said = content['imagePath'].replace('\\', '/')
    picture = next((place for place in (path.parent / said, path.parent / Path(said).name)
                    if place.is_file()), None)
    digest = ''
    if content.get('imageData'):
        digest = hashlib.sha256(_stored_picture(content)).hexdigest()
    name = path.relative_to(folder).with_suffix(Path(said).suffix).as_posix()
    size = content.get('imageHeight'), content.get('imageWidth')
    picture = picture or path.parent / said
    # Its own folder, where it has one, goes before that of its name, which is this file's.
    split = split_of_folder(path_below(picture, folder) or Path())
    return OwnPicture(
        name, picture,
        # Read again when it is wanted: photographs by the hundred do not fit into the memory.
        (lambda: _stored_picture(load_json(path))) if digest else None, digest,
        size if all(size) else None, split, _read_shapes(path, content['shapes']))


def _stored_picture(content: dict) -> bytes:
    """Decode the picture within a file, which labelme shows rather than the one beside it."""
    return base64.b64decode(content['imageData'])


def _read_shapes(path: Path, shapes: list[dict]) -> list[Saying]:
    groups: dict[tuple, list[dict]] = {}
    for number, shape in enumerate(shapes):
        group = shape.get('group_id')
        key = ('alone', number) if group is None else (shape['label'], group)
        groups.setdefault(key, []).append(shape)
    sayings = []
    for parts in groups.values():
        label = parts[0]['label']
        if not isinstance(label, str):
            raise TypeError(f'label {label!r} is no text')
        described = [part.get('description') or '' for part in parts]
        sentences = _split(';'.join(described)) or _split(label)
        sayings.append(Saying(
            f'{path.name}, shape {label!r}', sentences, _drawing(parts),
            label if any(text.strip() for text in described) else 'thing'))
    return sayings


def _split(text: str) -> list[str]:
    return list(dict.fromkeys(part.strip() for part in _SENTENCES.split(text) if part.strip()))


def _drawing(parts: list[dict]) -> Callable[[int, int], np.ndarray]:
    def draw(height: int, width: int) -> np.ndarray:
        try:
            return np.bitwise_or.reduce([draw_shape(part, height, width) for part in parts])
        except (KeyError, TypeError) as error:
            raise ValueError(f'not as labelme writes it: {type(error).__name__} {error}') from error
    return draw


def draw_shape(shape: dict, height: int, width: int) -> np.ndarray:
    """
    Draw a shape of labelme: uint8 (height, width), 0 or 1.

    :raises ValueError: when it has no area (a point, a line), or too few points.
    """
    kind = shape.get('shape_type') or 'polygon'
    points = np.asarray(shape['points'], float).reshape(-1, 2)
    if kind == 'mask':
        return _place(_decode_bitmap(shape['mask']), points, height, width)
    if kind == 'rectangle' and len(points) >= 2:
        (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
        points = np.array([(left, top), (right, top), (right, bottom), (left, bottom)])
    elif kind == 'circle' and len(points) == 2:
        return _draw_circle(points[0], np.hypot(*(points[1] - points[0])), height, width)
    elif kind not in ('polygon', 'oriented_rectangle') or len(points) < 3:
        raise ValueError(
            f'a {kind} of {len(points)} points has no area; draw a polygon, a rectangle, a circle '
            'or a mask')
    return decode_mask([points.ravel().tolist()], height, width)


def _draw_circle(centre: np.ndarray, radius: float, height: int, width: int) -> np.ndarray:
    # A pixel belongs if its middle does.
    rows, columns = np.ogrid[:height, :width]
    distance = np.hypot(columns + 0.5 - centre[0], rows + 0.5 - centre[1])
    return (distance <= radius).astype(np.uint8)


def _decode_bitmap(text: str) -> np.ndarray:
    data = np.frombuffer(base64.b64decode(text), np.uint8)
    bitmap = cv2.imdecode(data, cv2.IMREAD_GRAYSCALE) if data.size else None
    if bitmap is None:
        raise ValueError('its mask is no readable PNG')
    return bitmap > 0


def _place(bitmap: np.ndarray, points: np.ndarray, height: int, width: int) -> np.ndarray:
    """Put a bitmap where its first point, the left upper corner, says; what sticks out is cut."""
    mask = np.zeros((height, width), np.uint8)
    left, top = points.min(axis=0).round().astype(int)
    rows = slice(max(top, 0), min(top + bitmap.shape[0], height))
    columns = slice(max(left, 0), min(left + bitmap.shape[1], width))
    mask[rows, columns] = bitmap[
        rows.start - top:rows.stop - top, columns.start - left:columns.stop - left]
    return mask
