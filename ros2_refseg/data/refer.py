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

A data set is a folder with ``refs(<split_by>).p`` (or ``refs.json``), the references and their
sentences, and ``instances.json``, the masks as in COCO; its pictures lie under ``images``, in the
folder itself or beside it (Kazemzadeh et al., "ReferItGame", EMNLP 2014; github lichengunc/refer).
"""

import json
import os
import pickle
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from pycocotools import mask as coco_mask

from ros2_refseg.data.vocabulary import tokenize


@dataclass(frozen=True)
class Reference:
    """
    What one image's sentences mean; ``box`` is x, y, width, height in pixels.

    Mostly that is one object, in gRefCOCO (Liu et al., "GRES", CVPR 2023) also several, and none
    where the sentences speak of something that the image does not show: then ``absent`` is true,
    ``category`` '' and ``box`` zeros. ``tokens`` are the words of each sentence as the data set
    gives them, without typing errors where it knows them; ``forms`` names the kind of each
    sentence ('' where the data set does not say).
    """

    ref_id: int
    image_id: int
    category: str
    sentences: list[str]
    box: tuple[float, float, float, float]
    split: str
    annotations: list[dict] = field(repr=False)
    forms: list[str] = field(default_factory=list)
    tokens: list[list[str]] = field(default_factory=list, repr=False)

    @property
    def absent(self) -> bool:
        """Whether the image holds nothing that the sentences mean."""
        return not self.annotations

    @property
    def annotation(self) -> dict | None:
        """The (first) object's entry of ``instances.json``; None where there is no object."""
        return self.annotations[0] if self.annotations else None


@dataclass(frozen=True)
class ReferImage:
    """One picture and the references into it."""

    id: int
    path: Path
    height: int
    width: int
    references: list[Reference] = field(default_factory=list)


class _PlainUnpickler(pickle.Unpickler):
    """Admits containers, text and numbers: a pickle from a stranger runs no code."""

    def find_class(self, module: str, name: str) -> Any:
        raise pickle.UnpicklingError(
            f'it asks for {module}.{name}, and only plain lists, dicts, text and numbers are read')


def load_pickle(path: Path | str) -> Any:
    """
    Read a pickle of plain containers, text and numbers (also one that Python 2 wrote).

    :raises ValueError: when it is damaged or asks for anything else.
    """
    try:
        with Path(path).open('rb') as file:
            return _PlainUnpickler(file, encoding='latin1').load()
    except (pickle.UnpicklingError, EOFError, ValueError, TypeError, KeyError, IndexError,
            AttributeError, OverflowError, MemoryError) as error:
        reason = str(error) or type(error).__name__
        raise ValueError(f'{path} is no readable pickle of references: {reason}') from error


class ReferDataset:
    """
    One split of one data set in the REFER layout.

    ``data`` is the folder with the references, or a root that holds exactly one such folder.
    ``split`` is train, val, test, testA ..., or ``all``; ``split_by`` (unc, google, umd, refseg)
    is needed only where a folder holds several ``refs(...).p``. ``len()`` counts ``samples``, the
    (reference, sentence) pairs.

    :raises FileNotFoundError: when the references, ``instances.json`` or pictures are missing.
    :raises ValueError: on a damaged file, an unknown split, or a choice that is not clear.
    """

    def __init__(
        self, data: Path | str, split: str = 'train', split_by: str | None = None,
    ) -> None:
        self.folder = _find_folder(Path(data))
        self.split = split
        references_path = _find_references(self.folder, split_by)
        rows = (_load_json if references_path.suffix == '.json' else load_pickle)(references_path)
        instances = _load_json(self.folder / 'instances.json')
        self.references: list[Reference] = []
        self.images: list[ReferImage] = []
        try:
            self.splits = sorted({row['split'] for row in rows})
            if split != 'all' and split not in self.splits:
                raise ValueError(
                    f'{references_path} has no split {split!r}; it has: '
                    f'{", ".join(self.splits)} (or all)')
            self._collect(rows, instances)
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(
                f'{references_path} and instances.json beside it are not a REFER data set: '
                f'{type(error).__name__} {error}') from error
        self.samples: list[tuple[Reference, str]] = [
            (reference, sentence) for reference in self.references
            for sentence in reference.sentences]
        self._image_of = {image.id: image for image in self.images}

    def __len__(self) -> int:
        return len(self.samples)

    def image_of(self, reference: Reference) -> ReferImage:
        """Give the picture that a reference is about."""
        return self._image_of[reference.image_id]

    def mask(self, reference: Reference) -> np.ndarray:
        """
        Decode a reference's mask: uint8 (H, W), 0 or 1, the union of its polygons or its RLE.

        It is all zeros for an absent reference.

        :raises ValueError: when an annotation holds neither polygons nor an RLE.
        """
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

    def read_image(self, image: ReferImage) -> np.ndarray:
        """
        Read a picture: uint8 (H, W, 3) in RGB.

        :raises ValueError: when the file is damaged or of another size than its entry says.
        """
        pixels = cv2.imread(str(image.path), cv2.IMREAD_COLOR)
        if pixels is None:
            raise ValueError(f'{image.path} is no readable picture')
        if pixels.shape[:2] != (image.height, image.width):
            raise ValueError(
                f'{image.path} is {pixels.shape[1]}x{pixels.shape[0]}, but instances.json says '
                f'{image.width}x{image.height}')
        return cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)

    def _collect(self, rows: list[dict], instances: dict) -> None:
        annotations = {entry['id']: entry for entry in instances['annotations']}
        names = {entry['id']: entry['name'] for entry in instances.get('categories', [])}
        entries = {entry['id']: entry for entry in instances['images']}
        images: dict[int, ReferImage] = {}
        finder = _ImageFinder(self.folder)
        for row in rows:
            if self.split not in ('all', row['split']):
                continue
            entry = entries[row['image_id']]
            objects = [annotations[number] for number in _annotation_ids(row)]
            if entry['id'] not in images:
                images[entry['id']] = ReferImage(
                    entry['id'], finder.find(entry['file_name']), entry['height'], entry['width'])
            category = objects[0]['category_id'] if objects else None
            sentences = row['sentences']
            reference = Reference(
                row['ref_id'], row['image_id'],
                names.get(category, str(category)) if objects else '',
                [sentence['sent'] for sentence in sentences], _union_of_boxes(objects),
                row['split'], objects, [sentence.get('form', '') for sentence in sentences],
                [sentence.get('tokens') or tokenize(sentence['sent']) for sentence in sentences])
            images[entry['id']].references.append(reference)
            self.references.append(reference)
        finder.complain()
        self.images = list(images.values())


def _annotation_ids(row: dict) -> list[int]:
    """List the objects of a reference: none for -1, one for a number, all of gRefCOCO's list."""
    ids = row['ann_id'] if isinstance(row['ann_id'], list) else [row['ann_id']]
    return [] if row.get('no_target') else [number for number in ids if number not in (-1, None)]


def _union_of_boxes(annotations: list[dict]) -> tuple[float, float, float, float]:
    if len(annotations) == 1:
        return tuple(annotations[0]['bbox'])
    if not annotations:
        return 0, 0, 0, 0
    boxes = np.array([annotation['bbox'] for annotation in annotations])
    corner = boxes[:, :2].min(axis=0)
    return *corner.tolist(), *((boxes[:, :2] + boxes[:, 2:]).max(axis=0) - corner).tolist()


class _ImageFinder:
    """Looks for pictures in every folder under ``images*``, in the data's folder and beside it."""

    def __init__(self, folder: Path) -> None:
        self._roots = [folder, folder.parent]
        self._folders: list[Path] | None = None
        self._missing: list[str] = []

    def find(self, name: str) -> Path:
        if self._folders is None:
            self._folders = list(self._list_folders())
        for index, folder in enumerate(self._folders):
            path = folder / name
            if path.is_file():
                # The next one is most likely in the same folder.
                self._folders.insert(0, self._folders.pop(index))
                return path
        self._missing.append(name)
        return Path(name)

    def complain(self) -> None:
        if self._missing:
            looked = ' and '.join(f'{root}/images*' for root in self._roots)
            raise FileNotFoundError(
                f'{len(self._missing)} pictures are missing, the first one is {self._missing[0]}; '
                f'looked in {looked} and the folders below')

    def _list_folders(self) -> Iterator[Path]:
        for root in self._roots:
            for start in sorted(root.glob('images*')):
                for folder, _, _ in os.walk(start):
                    yield Path(folder)


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


def _find_references(folder: Path, split_by: str | None) -> Path:
    if split_by is not None:
        path = folder / f'refs({split_by}).p'
        if not path.is_file():
            raise FileNotFoundError(f'no file {path}')
        return path
    found = sorted(folder.glob('refs(*).p'))
    if len(found) > 1:
        names = ', '.join(path.name[5:-3] for path in found)
        raise ValueError(f'{folder} has several splits: choose split_by from {names}')
    if not found and (folder / 'refs.json').is_file():
        found = [folder / 'refs.json']
    if not found:
        raise FileNotFoundError(f'{folder} has neither a refs(<split_by>).p nor a refs.json')
    return found[0]


def _load_json(path: Path) -> Any:
    if not path.is_file():
        raise FileNotFoundError(f'no file {path}')
    try:
        return json.loads(path.read_text(encoding='utf-8'))
    except ValueError as error:
        raise ValueError(f'{path} is no readable JSON: {error}') from error


def decode_mask(segmentation: list | dict, height: int, width: int) -> np.ndarray:
    """
    Decode a COCO segmentation: uint8 (height, width), 0 or 1.

    It is a list of polygons (x, y, x, y ... in pixels), one such polygon, or an RLE, compressed or
    not. :raises ValueError: when it is something else, or an RLE of another size.
    """
    try:
        if isinstance(segmentation, dict):
            rle = segmentation
            if isinstance(rle['counts'], list):
                rle = coco_mask.frPyObjects(rle, height, width)
            if list(rle['size']) != [height, width]:
                raise ValueError(f'an RLE of {rle["size"]} in an image of {[height, width]}')
        else:
            polygons = segmentation if isinstance(segmentation[0], list) else [segmentation]
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
    """

    category: str
    rle: dict | None
    sentences: Sequence[NewSentence | tuple[str, str]]


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
                row['ann_id'] = self._add_annotation(image_id, row['category_id'], reference.rle)
            self._references.append(row)

    def _add_annotation(self, image_id: int, category_id: int, rle: dict) -> int:
        number = len(self._annotations)
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
        self._folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(instances, separators=(',', ':'))
        _write_whole(self._folder / 'instances.json', text.encode())
        # A copy made of JSON types shares no objects, on whose sharing a pickle's bytes depend.
        references = json.loads(json.dumps(self._references))
        _write_whole(self._folder / f'refs({self._split_by}).p',
                     pickle.dumps(references, protocol=2))


def _write_whole(path: Path, data: bytes) -> None:
    """Write a file that is either complete or not there."""
    part = path.with_name(path.name + '.part')
    part.write_bytes(data)
    part.replace(path)
