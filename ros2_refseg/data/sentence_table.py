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


"""Reading a table of sentences: CSV or JSON, with masks from COCO's instances or from pictures."""

import csv
import io
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from itertools import takewhile
from pathlib import Path, PurePosixPath
from typing import Any

import cv2
import numpy as np

from ros2_refseg.data.own_picture import (
    SPLITS,
    OwnPicture,
    Saying,
    located,
    path_below,
    require_word,
)
from ros2_refseg.data.pictures import picture_size, walk
from ros2_refseg.data.plain_files import load_json
from ros2_refseg.data.refer import decode_mask

COLUMNS = ('image', 'sentence', 'annotation', 'mask', 'category', 'split')
"""What a table may say; ``sentence`` it must, and ``image`` wherever there is no annotation."""

JPEG_BLACK = 127
"""Up to this value (of 255) a pixel of a mask in JPEG is black."""


def read_sentences(
    table: Path, pictures: Path, coco: Path | None, problems: list[str],
) -> list[OwnPicture]:
    """
    Read a table with a row for each sentence.

    A row's ``annotation`` is the number of one in ``coco``, its ``mask`` a picture that is black
    but for the object; with neither, the sentence speaks of something that is not in the picture.
    Rows about one object of one picture belong together.

    :param table: a CSV file (comma, semicolon or tab), or JSON: a list of objects. See ``COLUMNS``.
    :param pictures: folder of the pictures, which may lie in folders below.
    :param coco: instances as COCO has them.
    :param problems: takes a sentence for each row that names what is not there.
    :raises ValueError: when the table or ``coco`` cannot be read, or on a column that is unknown
        or missing.
    """
    reader = _TableReader(table, pictures, coco)
    for place, row in _read_rows(table, ('sentence', 'annotation') if coco else ('sentence',)):
        try:
            reader.add(place, row)
        except ValueError as error:
            problems.append(f'{place}: {error}')
    return list(reader.pictures.values())


class _TableReader:
    """Puts rows together to pictures and what is said about them."""

    def __init__(self, table: Path, folder: Path, coco: Path | None) -> None:
        self.pictures: dict[Path, OwnPicture] = {}
        self._table, self._folder, self._coco = table, folder, coco
        self._sayings: dict[tuple[Path, str, str], Saying] = {}
        self._files: dict[str, list[Path]] = {}
        for below, names in walk([folder]):
            for name in names:
                self._files.setdefault(name, []).append(below / name)
        self._entries, self._annotations, self._categories = {}, {}, {}
        self._namesakes: defaultdict[str, list[str]] = defaultdict(list)
        if coco:
            self._read_coco(coco)

    def _read_coco(self, coco: Path) -> None:
        instances = load_json(coco)
        try:
            self._entries = {entry['id']: entry for entry in instances['images']}
            self._annotations = {str(entry['id']): entry for entry in instances['annotations']}
            for kind, known in (('images', self._entries), ('annotations', self._annotations)):
                if len(known) < len(instances[kind]):
                    counts = Counter(str(entry['id']) for entry in instances[kind])
                    number, count = counts.most_common(1)[0]
                    raise ValueError(
                        f'{coco} has {count} {kind} with the number {number}; were two files put '
                        'together? Number them anew')
            self._categories = {
                entry['id']: entry['name'] for entry in instances.get('categories', [])}
            texts = [*self._categories.values(), *(
                entry['file_name'] for entry in self._entries.values() if 'file_name' in entry)]
            for text in texts:
                if not isinstance(text, str):
                    raise TypeError(f'{text!r} is no text, which a name must be')
            for entry in self._entries.values():
                if 'file_name' in entry:
                    self._namesakes[_last_part(entry['file_name'])].append(entry['file_name'])
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(
                f'{coco} is not as COCO writes instances: {type(error).__name__} {error}'
            ) from error

    def add(self, place: str, row: dict) -> None:
        if None in row:
            raise ValueError('it has more columns than the first row; a sentence with a comma or '
                             'semicolon in it needs quotation marks')
        if None in row.values():
            raise ValueError('it has fewer columns than the first row; what is missing at its end?')
        values = {name: _text(row.get(name)) for name in COLUMNS}
        said = row['sentence'] if isinstance(row['sentence'], list) else [row['sentence']]
        sentences = [_text(sentence) for sentence in said]
        for sentence in sentences:
            require_word(sentence)
        annotation = self._annotation(values['annotation'])
        entry = self._entry(annotation) if annotation else None
        if not values['image'] and not entry:
            raise ValueError('the column image is empty')
        picture = self._picture(values['image'] or entry['file_name'])
        if entry:
            if values['image'] and not self._is_of(values['image'], entry):
                raise ValueError(f'annotation {annotation["id"]} is one of {entry["file_name"]}, '
                                 f'not of {values["image"]}')
            picture.size = picture_size(entry, 'the file of --coco')
        if values['split']:
            if values['split'] not in SPLITS:
                raise ValueError(f'split {values["split"]!r} is none of {", ".join(SPLITS)}')
            if picture.split not in ('', values['split']):
                raise ValueError(f'{picture.name} is in the split {picture.split} already')
            picture.split = values['split']
        key = picture.path, values['annotation'], values['mask']
        if key not in self._sayings:
            self._sayings[key] = Saying(
                place, [], self._mask(picture, annotation, values['mask']),
                values['category'] or self._category(annotation))
            picture.sayings.append(self._sayings[key])
        self._sayings[key].sentences += sentences

    def _annotation(self, number: str) -> dict | None:
        if not number:
            return None
        if not self._coco:
            raise ValueError(f'annotation {number} is of which file? Name it with --coco')
        if number not in self._annotations:
            raise ValueError(f'there is no annotation {number} in the file of --coco')
        return self._annotations[number]

    def _entry(self, annotation: dict) -> dict:
        """Give what ``coco`` says of an annotation's picture."""
        number = annotation.get('image_id')
        entry = _look_up(self._entries, number)
        if entry is None:
            raise ValueError(f'annotation {annotation["id"]} is one of image {number}, which the '
                             'file of --coco does not have')
        missing = [name for name in ('file_name', 'height', 'width') if name not in entry]
        if missing:
            raise ValueError(
                f'image {number} in the file of --coco lacks its {", ".join(missing)}')
        return entry

    def _is_of(self, name: str, entry: dict) -> bool:
        """Tell whether a row's picture is this one of ``coco``, whose folders may be others."""
        common = _common_end(name, entry['file_name'])
        return common > 0 and all(
            _common_end(name, other) <= common for other in self._namesakes[_last_part(name)])

    def _category(self, annotation: dict | None) -> str:
        number = annotation.get('category_id') if annotation else None
        return _look_up(self._categories, number) or 'thing'

    def _mask(
        self, picture: OwnPicture, annotation: dict | None, mask: str,
    ) -> Callable[[int, int], np.ndarray] | None:
        if annotation:
            if not annotation.get('segmentation'):
                raise ValueError(f'annotation {annotation["id"]} is a box without a segmentation')
            return lambda height, width: decode_mask(
                annotation['segmentation'], height, width)
        if mask:
            path = self._find(mask)
            if path.samefile(picture.path):
                raise ValueError(f'the mask {mask} is the picture itself; name its folder too')
            return lambda height, width: read_mask_picture(path, height, width)
        return None

    def _picture(self, name: str) -> OwnPicture:
        path = self._find(name)
        name = (path_below(path, self._folder) or path_below(path, self._table.parent)
                or Path(path.name))
        path = located(path)
        return self.pictures.setdefault(path, OwnPicture(name.as_posix(), path))

    def _find(self, name: str) -> Path:
        name = _with_slashes(name)
        for path in (self._folder / name, self._table.parent / name):
            if path.is_file():
                return path
        found = self._files.get(Path(name).name, [])
        if len(found) == 1:
            return found[0]
        if found:
            raise ValueError(f'{name} is in several folders below {self._folder}; name the folder')
        raise ValueError(f'no file {name} in {self._folder}, below, or beside {self._table.name}')


def read_mask_picture(path: Path, height: int, width: int) -> np.ndarray:
    """
    Read a mask that is a picture: uint8 (height, width), 1 where neither black nor transparent.

    JPEG leaves grey around what was black and white: there it is 1 above JPEG_BLACK.

    :raises ValueError: when it is damaged or of another size.
    """
    jpeg = path.suffix.lower() in ('.jpg', '.jpeg')
    # A JPEG may be turned (EXIF); others have an alpha channel, or numbers of things in 16 bits.
    pixels = cv2.imread(str(path), cv2.IMREAD_COLOR if jpeg else cv2.IMREAD_UNCHANGED)
    if pixels is None:
        raise ValueError(f'{path} is no picture that OpenCV can read')
    if pixels.shape[:2] != (height, width):
        raise ValueError(f'{path.name} is {pixels.shape[1]}x{pixels.shape[0]}, its picture is '
                         f'{width}x{height}')
    inside = np.atleast_3d(pixels) > (JPEG_BLACK if jpeg else 0)
    opaque = inside[..., 3] if inside.shape[2] == 4 else True
    return (inside[..., :3].any(axis=2) & opaque).astype(np.uint8)


def _with_slashes(name: str) -> str:
    """Put slashes in place of the backslashes of Windows."""
    return name.replace('\\', '/')


def _last_part(name: str) -> str:
    return PurePosixPath(_with_slashes(name)).name


def _common_end(*names: str) -> int:
    """Count the parts that two paths have in common at their ends."""
    parts = (PurePosixPath(_with_slashes(name)).parts[::-1] for name in names)
    return len(list(takewhile(lambda pair: pair[0] == pair[1], zip(*parts, strict=False))))


def _look_up(table: dict, number: object) -> Any:
    """Find what has a number in a file; None is found for what can be no number, such as a list."""
    return table.get(number) if isinstance(number, int | float | str) else None


def _text(value: object) -> str:
    return '' if value is None else str(value).strip()


def _column(name: str) -> str:
    return name.strip().lower()


def _refuse_twice(table: Path, columns: Sequence[str]) -> None:
    """Raise ValueError for a column that stands there twice, of which one would be lost."""
    for name, count in Counter(columns).items():
        if name and count > 1:
            raise ValueError(f'{table} has {count} columns {name}; a row says one sentence, of one '
                             'thing: rename the others or leave them out')


def _read_rows(table: Path, needed: Sequence[str]) -> list[tuple[str, dict]]:
    """
    Read the rows of a table, each with its place in it.

    A cell is None only where a row of CSV ends early.
    """
    if table.suffix.lower() == '.json':
        rows = load_json(table)
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise ValueError(f'{table} is no list of objects')
        for row in rows:
            _refuse_twice(table, [_column(name) for name in row])
        numbered = [
            (number, {_column(name): value for name, value in row.items() if value is not None})
            for number, row in enumerate(rows, 1)]
        columns = {_column(name) for row in rows for name in row}
    else:
        if not table.is_file():
            raise FileNotFoundError(f'no file {table}')
        # Spreadsheets put a mark of UTF-8 in front.
        try:
            text = table.read_text(encoding='utf-8-sig')
        except UnicodeDecodeError as error:
            raise ValueError(f'{table} is not in UTF-8; save it as "CSV UTF-8"') from error
        delimiter = max(',;\t', key=text.partition('\n')[0].count)
        reader = csv.DictReader(
            io.StringIO(text), delimiter=delimiter, skipinitialspace=True, strict=True)
        try:
            reader.fieldnames = [_column(name) for name in reader.fieldnames or []]
            _refuse_twice(table, reader.fieldnames)
            numbered = [(reader.line_num, row) for row in reader]
        except csv.Error as error:
            raise ValueError(f'{table}, from line {reader.line_num + 1} on: {error}; is a '
                             'quotation mark left open?') from error
        columns = set(reader.fieldnames)
    missing = [name for name in needed if name not in columns]
    if missing:
        raise ValueError(f'{table} has no column {missing[0]}; it has: '
                         f'{", ".join(sorted(columns))}')
    # Spreadsheets write columns without a name. Others may be misspelt, and a row whose annotation
    # is passed over would say that nothing is meant.
    unknown = sorted(columns - {*COLUMNS, ''})
    if unknown:
        raise ValueError(f'{table}: no column may be called {", ".join(unknown)}; known are '
                         f'{", ".join(COLUMNS)}: rename it or leave it out')
    return [(f'{table.name}, row {number}', {'sentence': '', **row}) for number, row in numbered]
