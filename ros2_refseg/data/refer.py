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
Reading and writing the REFER layout of the RefCOCO family.

A data set is a folder with ``refs(<split_by>).p`` (or ``refs.json``, or gRefCOCO's
``grefs(<split_by>).json``), the references and their sentences, and ``instances.json``, the masks
as in COCO; its pictures lie under ``images`` or another of ``pictures.PICTURE_FOLDERS``, in the
folder itself or beside it (Kazemzadeh et al., "ReferItGame", EMNLP 2014; github lichengunc/refer).
"""

import json
import pickle
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from pycocotools import mask as coco_mask

from ros2_refseg.atomic_files import write_atomically
from ros2_refseg.data.dataset import (
    Reference,
    ReferImage,
    ReferringDataset,
    UnknownSplitError,
    is_training_split,
)
from ros2_refseg.data.pictures import FileFinder, identify_image, name_folder, picture_size
from ros2_refseg.data.plain_files import load_json, load_pickle
from ros2_refseg.data.vocabulary import tokenize

FARTHEST_CORNER = 10
"""A polygon may reach that many times a picture's longer side; each step to it takes memory."""


class ReferDataset(ReferringDataset):
    """
    One split of one data set in the REFER layout.

    ``data`` is the folder with the references, a root that holds exactly one such folder, or the
    file of the references. ``split`` is train, val, test, testA ..., or ``all``; ``split_by`` (unc,
    google, umd, refseg) is needed only where a folder holds several ``refs(...).p``.

    :raises FileNotFoundError: when the references, ``instances.json`` or pictures are missing;
        pictures may be with ``allow_missing``.
    :raises ValueError: on a damaged file, an unknown split, or a choice that is not clear.
    """

    def __init__(
        self, data: Path | str, split: str = 'train', split_by: str | None = None,
        allow_missing: bool = False,
    ) -> None:
        self.references_path = find_references(Path(data), split_by)
        self.folder = self.references_path.parent
        self.name, self.split = self.folder.name, split
        rows = read_references(self.references_path)
        instances = load_json(self.folder / 'instances.json')
        self._finder = FileFinder((self.folder, self.folder.parent), self.name)
        try:
            self.splits = sorted({row['split'] for row in rows})
            if split != 'all' and split not in self.splits:
                raise UnknownSplitError(self.references_path, split, self.splits)
            entries = {entry['id']: entry for entry in instances['images']}
            self._held_out_names = {
                entries[row['image_id']]['file_name'] for row in rows
                if not is_training_split(row['split'])}
            super().__init__(*self._collect(rows, instances, entries))
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(
                f'{self.references_path} and instances.json beside it are not a REFER data set: '
                f'{type(error).__name__} {error}') from error
        if not allow_missing:
            self.refuse_missing()

    @property
    def places(self) -> str:
        """Say where pictures are looked for."""
        return self._finder.places

    def mask(self, reference: Reference) -> np.ndarray:
        """Decode a reference's mask: the union of its objects' polygons or RLEs."""
        image = self._image_of[reference.image_id]
        mask = np.zeros((image.height, image.width), np.uint8)
        for annotation in reference.annotations:
            try:
                mask |= decode_mask(annotation['segmentation'], image.height, image.width)
            except (KeyError, ValueError) as error:
                raise ValueError(
                    f'instances.json in {self.folder}: annotation {annotation["id"]} has no '
                    f'usable segmentation: {error}') from error
        return mask

    def held_out_images(self) -> set[str]:
        """Identify the pictures of every split but the training ones."""
        return {identify_image(self._finder.find(name) or name) for name in self._held_out_names}

    def _collect(
        self, rows: list[dict], instances: dict, entries: dict[int, dict],
    ) -> tuple[list[ReferImage], list[str]]:
        annotations = {entry['id']: entry for entry in instances['annotations']}
        names = {entry['id']: entry['name'] for entry in instances.get('categories', [])}
        images: dict[int, ReferImage] = {}
        missing = []
        rows = [row for row in rows if self.split in ('all', row['split'])]
        self._refuse_double_numbers(rows)
        for row in rows:
            entry = entries[row['image_id']]
            if entry['id'] not in images:
                path = self._finder.find(entry['file_name'])
                if path is None:
                    missing.append(entry['file_name'])
                images[entry['id']] = ReferImage(
                    entry['id'], path or Path(entry['file_name']),
                    *picture_size(entry, str(self.folder / 'instances.json')))
            objects = [annotations[number] for number in _annotation_ids(row)]
            category = objects[0]['category_id'] if objects else None
            sentences = row['sentences']
            images[entry['id']].references.append(Reference(
                row['ref_id'], row['image_id'],
                names.get(category, str(category)) if objects else '',
                [sentence['sent'] for sentence in sentences], row['split'], objects,
                [sentence.get('form', '') for sentence in sentences],
                [_words(sentence) for sentence in sentences]))
        return list(images.values()), missing

    def _refuse_double_numbers(self, rows: list[dict]) -> None:
        # Training and evaluation know a mask by the ref_id of its reference.
        counts = Counter(row['ref_id'] for row in rows)
        double = [number for number, count in counts.items() if count > 1]
        if double:
            raise ValueError(
                f'{self.references_path}: {len(double)} ref_ids are those of several references '
                f'each, the first one is {double[0]}; give every reference its own number')


def find_references(data: Path, split_by: str | None = None) -> Path:
    """
    Find the file of the references of a data set; ``data`` is as ReferDataset takes it.

    :raises FileNotFoundError: when there is none.
    :raises ValueError: when there are several to choose from.
    """
    if data.is_file() and data.suffix in ('.p', '.json'):
        return name_folder(data.parent) / data.name
    folder = _find_folder(name_folder(data))
    found = list_references(folder)
    if split_by is not None:
        found = [path for path in found if split_by_of(path) == split_by]
        if not found:
            raise FileNotFoundError(f'no file {folder}/refs({split_by}).p')
    if len(found) > 1:
        names = ', '.join(split_by_of(path) for path in found)
        raise ValueError(
            f'{folder} has several splits: choose split_by from {names}, or name the file, as in '
            f"'{found[0]}'")
    if not found:
        raise FileNotFoundError(f'{folder} has neither a refs(<split_by>).p nor a refs.json')
    return found[0]


def refer_folders(data: Path) -> list[Path]:
    """List the folders of data sets, whole or in part: the given one, or those in it."""
    def is_one(folder: Path) -> bool:
        return (folder / 'instances.json').is_file() or bool(list_references(folder))

    return [data] if is_one(data) else sorted(filter(is_one, data.glob('*')))


def split_by_of(path: Path) -> str:
    """Tell who split a data set from the name of its file of references; '' if it does not say."""
    return path.stem.partition('(')[2].rstrip(')')


def list_references(folder: Path) -> list[Path]:
    """List the files of references in a folder; refs.json only where it is the only one."""
    found = sorted([*folder.glob('refs(*).p'), *folder.glob('grefs(*).json')])
    return found or sorted(folder.glob('refs.json'))


def read_references(path: Path) -> list[dict]:
    """
    Read a file of references.

    :raises ValueError: when it is damaged, or a pickle of anything but plain data.
    """
    return (load_json if path.suffix == '.json' else load_pickle)(path)


def _find_folder(data: Path) -> Path:
    if not data.is_dir():
        raise FileNotFoundError(f'no folder {data}')
    if (data / 'instances.json').is_file():
        return data
    found = sorted(path.parent for path in data.glob('*/instances.json'))
    if len(found) == 1:
        return found[0]
    if found:
        names = ', '.join(folder.name for folder in found)
        raise ValueError(f'{data} holds several data sets ({names}); name one of these folders')
    raise FileNotFoundError(
        f'{data} is no REFER data set: neither it nor a folder in it has an instances.json')


def _words(sentence: dict) -> list[str]:
    """
    Give a sentence's words: the file's where they are spelled better, else ours.

    Data sets split words elsewhere ("man's" to "man" and "'s"), and then a word that is looked up
    would not be the one that was learned.
    """
    def letters(text: str) -> str:
        return ''.join(character for character in text.lower() if character.isalnum())

    ours, theirs = tokenize(sentence['sent']), sentence.get('tokens')
    if not theirs or letters(''.join(theirs)) == letters(sentence['sent']):
        return ours
    return theirs


def _annotation_ids(row: dict) -> list[int]:
    """List the objects of a reference: none for -1, one for a number, all of gRefCOCO's list."""
    ids = row['ann_id'] if isinstance(row['ann_id'], list) else [row['ann_id']]
    return [] if row.get('no_target') else [number for number in ids if number not in (-1, None)]


def decode_mask(segmentation: list | dict, height: int, width: int) -> np.ndarray:
    """
    Decode a COCO segmentation: uint8 (height, width), 0 or 1.

    It is a list of polygons (x, y, x, y ... in pixels), one such polygon, an RLE, compressed or
    not, or a list of RLEs as RefCLEF has them. Polygons of fewer than three corners are passed
    over. :raises ValueError: when it is something else, an RLE of another size, or a polygon with a
    corner farther out than FARTHEST_CORNER.
    """
    try:
        if isinstance(segmentation, list) and isinstance(segmentation[0], dict):
            parts = [decode_mask(rle, height, width) for rle in segmentation]
            return np.bitwise_or.reduce(parts)
        if isinstance(segmentation, dict):
            rle = segmentation
            if isinstance(rle['counts'], list):
                # Of fewer, pycocotools would leave the rest of the mask to chance.
                if sum(rle['counts']) != height * width:
                    raise ValueError(f'an RLE whose counts do not add up to {height * width}')
                rle = coco_mask.frPyObjects(rle, height, width)
            if list(rle['size']) != [height, width]:
                raise ValueError(f'an RLE of {rle["size"]} in an image of {[height, width]}')
        else:
            polygons = segmentation if isinstance(segmentation[0], list) else [segmentation]
            # Annotation tools leave points and lines behind; pycocotools would refuse them, or take
            # all parts for boxes, if one comes first.
            polygons = [polygon for polygon in polygons if len(polygon) >= 6]
            if not polygons:
                raise ValueError('no polygon has three corners')
            farthest = FARTHEST_CORNER * max(height, width)
            for number in (number for polygon in polygons for number in polygon):
                if not abs(number) <= farthest:  # so written, it is true of NaN as well
                    raise ValueError(f'a corner at {number} in an image of {[height, width]}')
            rle = coco_mask.merge(coco_mask.frPyObjects(polygons, height, width))
        return coco_mask.decode(rle)
    # pycocotools raises plain Exception on what is no segmentation.
    except Exception as error:
        raise ValueError(f'{type(error).__name__}: {error}') from error


class NewSentence(NamedTuple):
    """A sentence to write; ``clean`` is the same without its typing errors, if it has any."""

    text: str
    form: str = ''
    clean: str = ''


@dataclass(frozen=True)
class NewReference:
    """
    An object to write: compressed RLE (of pycocotools), and its sentences, (text, form) will do.

    Without an RLE the sentences speak of something that is not in the image, whose category, if
    one is named, is not written.

    :ivar annotation: the object's number in the data set, where it has one of its own.
    """

    category: str
    rle: dict | None
    sentences: Sequence[NewSentence | tuple[str, str]]
    annotation: int | None = None


def encode_mask(mask: np.ndarray) -> dict:
    """Compress a mask (H, W) to an RLE of plain JSON types."""
    rle = coco_mask.encode(np.asfortranarray(mask, dtype=np.uint8))
    return {'size': [int(edge) for edge in rle['size']], 'counts': rle['counts'].decode('ascii')}


class ReferWriter:
    """
    Writes ``<out>/<name>`` (references and masks) and ``<out>/images/<name>`` (pictures).

    Pictures are written as they come, the rest by ``close()``. The same calls give the same bytes.

    :raises FileExistsError: when ``out`` exists and is not empty.
    """

    def __init__(
        self, out: Path | str, name: str, split_by: str, categories: Sequence[str],
    ) -> None:
        out = Path(out)
        if out.exists() and (not out.is_dir() or any(out.iterdir())):
            raise FileExistsError(f'{out} is not an empty folder; delete it or name another one')
        self._folder, self._pictures = out / name, out / 'images' / name
        self._split_by = split_by
        self._categories = {category: number for number, category in enumerate(categories, 1)}
        self._images: list[dict] = []
        self._annotations: list[dict] = []
        self._numbers: set[int] = set()
        self._references: list[dict] = []
        self._sentence_count = 0

    @property
    def sentence_count(self) -> int:
        """Sentences written up to now."""
        return self._sentence_count

    def add(
        self, file_name: str, picture: bytes, size: tuple[int, int], split: str,
        references: Sequence[NewReference],
    ) -> None:
        """Write one encoded picture of ``size`` (height, width) and note its references."""
        self._pictures.mkdir(parents=True, exist_ok=True)
        (self._pictures / file_name).write_bytes(picture)
        image_id = len(self._images)
        self._images.append(
            {'id': image_id, 'file_name': file_name, 'height': size[0], 'width': size[1]})
        for reference in references:
            sentences = [NewSentence(*sentence) for sentence in reference.sentences]
            first = self._sentence_count
            self._sentence_count += len(sentences)
            row = {
                'ref_id': len(self._references), 'ann_id': -1, 'image_id': image_id,
                'category_id': -1, 'file_name': file_name, 'split': split,
                'sentences': [{
                    'sent_id': number, 'sent': sentence.text, 'raw': sentence.text,
                    'tokens': tokenize(sentence.clean or sentence.text), 'form': sentence.form,
                } for number, sentence in enumerate(sentences, first)],
                'sent_ids': list(range(first, self._sentence_count))}
            if reference.rle is None:
                row['no_target'] = True
            else:
                row['category_id'] = self._categories[reference.category]
                row['ann_id'] = self._add_annotation(image_id, row['category_id'], reference)
            self._references.append(row)

    def _add_annotation(self, image_id: int, category_id: int, reference: NewReference) -> int:
        number, rle = reference.annotation, reference.rle
        if number is None:
            number = len(self._annotations)
        if number in self._numbers:
            raise ValueError(f'two objects have the number {number}')
        self._numbers.add(number)
        self._annotations.append({
            'id': number, 'image_id': image_id, 'category_id': category_id, 'iscrowd': 0,
            'area': int(coco_mask.area(rle)),
            'bbox': [int(edge) for edge in coco_mask.toBbox(rle)], 'segmentation': rle})
        return number

    def close(self) -> None:
        """Write the references and the masks."""
        categories = [{'id': number, 'name': category, 'supercategory': category}
                      for category, number in self._categories.items()]
        instances = {'info': {'description': self._folder.name}, 'images': self._images,
                     'annotations': self._annotations, 'categories': categories}
        text = json.dumps(instances, separators=(',', ':'))
        write_atomically(self._folder / 'instances.json', text.encode())
        # A copy made of JSON types shares no objects, on whose sharing a pickle's bytes depend.
        references = json.loads(json.dumps(self._references))
        write_atomically(self._folder / f'refs({self._split_by}).p',
                         pickle.dumps(references, protocol=2))
