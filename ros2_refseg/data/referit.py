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
Reading ReferIt: the ReferItGame's sentences about regions of the IAPR TC-12 photographs.

It lies on disk as Hu et al. published it with "Segmentation from Natural Language Expressions"
(ECCV 2016; github ronghanghu/text_objseg), and the paper's competitors use it: a folder with
``referit_query_<split>.json``, which maps ``<image>_<region>`` to sentences, and
``referit_imsize.json``; ``images/<image>.jpg``; ``mask/<image>_<region>.mat``, where ``segimg_t``
is 0 inside the region.
"""

from pathlib import Path

import numpy as np
import scipy.io

from ros2_refseg.data.dataset import (
    Reference,
    ReferImage,
    ReferringDataset,
    UnknownSplitError,
    is_training_split,
)
from ros2_refseg.data.pictures import FileFinder, identify_image, name_folder, walk
from ros2_refseg.data.plain_files import load_json
from ros2_refseg.data.vocabulary import tokenize

SPLITS = ('train', 'val', 'trainval', 'test')
"""``trainval`` is train and val together; the methods that the paper compares train on it."""

NAME = 'referit'

QUERIES_DEPTH = 3
"""Query files are looked for this many folders down: not in all that a wrong folder holds."""


class ReferItDataset(ReferringDataset):
    """
    One split of ReferIt: train, val, trainval, test, or ``all``, every reference once.

    ``data`` is a folder that holds the query files, itself or anywhere below. A reference's
    ``category`` is ''.

    :raises FileNotFoundError: when query files, sizes, pictures or masks are missing; pictures and
        masks may be with ``allow_missing``.
    :raises ValueError: on a damaged file or an unknown split.
    """

    def __init__(self, data: Path | str, split: str = 'train', allow_missing: bool = False) -> None:
        self.folder = find_queries(Path(data))
        self.name, self.split = NAME, split
        self.splits = [name for name in SPLITS if _query_file(self.folder, name).is_file()]
        if split not in (*self.splits, 'all'):
            raise UnknownSplitError(self.folder, split, self.splits)
        self._finder = FileFinder((self.folder, self.folder.parent, Path(data)))
        try:
            super().__init__(*self._collect())
        except (KeyError, TypeError, AttributeError, IndexError) as error:
            raise ValueError(
                f'the JSON files in {self.folder} are not those of ReferIt: '
                f'{type(error).__name__} {error}') from error
        if not allow_missing:
            self.refuse_missing()

    @property
    def places(self) -> str:
        """Say where pictures and masks are looked for."""
        return self._finder.places

    def mask(self, reference: Reference) -> np.ndarray:
        """Read a region's mask."""
        region = reference.annotation['id']
        path = self._finder.find(f'{region}.mat')
        if path is None:
            raise ValueError(f'no mask {region}.mat; looked in {self.places}')
        image = self.image_of(reference)
        return read_mat_mask(path, image.height, image.width)

    @property
    def double_splits(self) -> set[str]:
        """Name the splits whose references are in other ones: ``all`` leaves them out."""
        if {'train', 'val'} <= set(self.splits):
            return {'trainval'} & set(self.splits)
        return {'train', 'val'} & set(self.splits) if 'trainval' in self.splits else set()

    def refuse_missing(self) -> None:
        """Raise FileNotFoundError when pictures or masks are missing, saying where they belong."""
        super().refuse_missing()
        masks = self.missing_masks()
        if masks:
            raise FileNotFoundError(
                f'{len(masks)} masks are missing, the first one is {masks[0]}; looked in '
                f'{self.places}')

    def missing_masks(self) -> list[str]:
        """List the regions' masks that are not there, by name."""
        names = (f'{reference.annotation["id"]}.mat' for reference in self.references)
        return [name for name in names if self._finder.find(name) is None]

    def held_out_images(self) -> set[str]:
        """Identify the pictures of val and test."""
        names = {image for split in self.splits if not is_training_split(split)
                 for image, _ in map(_split_key, load_json(_query_file(self.folder, split)))}
        return {identify_image(self._finder.find(name) or name) for name in names}

    def _collect(self) -> tuple[list[ReferImage], list[str]]:
        sizes = load_json(self.folder / 'referit_imsize.json')
        splits = [self.split]
        if self.split == 'all':
            splits = [split for split in self.splits if split not in self.double_splits]
        images: dict[str, ReferImage] = {}
        missing = []
        ref_id = 0
        for split in splits:
            for region, sentences in load_json(_query_file(self.folder, split)).items():
                name, _ = _split_key(region)
                if name not in images:
                    path = self._finder.find(name)
                    if path is None:
                        missing.append(name)
                    width, height = sizes[name]
                    images[name] = ReferImage(len(images), path or Path(name), height, width)
                images[name].references.append(Reference(
                    ref_id, images[name].id, '', sentences, split, [{'id': region}],
                    [''] * len(sentences), [tokenize(sentence) for sentence in sentences]))
                ref_id += 1
        return list(images.values()), missing


def find_queries(data: Path) -> Path:
    """
    Find the folder of the query files: the given one, or the first not far below that has some.

    :raises FileNotFoundError: when there is none.
    """
    if not data.is_dir():
        raise FileNotFoundError(f'no folder {data}')
    data = name_folder(data)
    for folder, names in walk([data], QUERIES_DEPTH):
        if any(name.startswith('referit_query_') for name in names):
            return folder
    raise FileNotFoundError(f'{data} is no ReferIt: no referit_query_<split>.json in it or below')


def read_mat_mask(path: Path, height: int, width: int) -> np.ndarray:
    """
    Read a MATLAB file's region: uint8 (height, width), 0 or 1, where ``segimg_t`` is 0.

    :raises ValueError: when it is damaged, holds no such array, or one of another size.
    """
    try:
        labels = scipy.io.loadmat(path, variable_names=['segimg_t'])['segimg_t']
    except KeyError as error:
        raise ValueError(f'{path} holds no segimg_t; is it a mask of ReferIt?') from error
    # What loadmat raises on damage ranges from its own errors to those of zlib and struct.
    except Exception as error:
        raise ValueError(f'{path} is no readable MATLAB file: {error}') from error
    if labels.shape != (height, width):
        raise ValueError(f'{path} is {labels.shape[::-1]} pixels, its picture {(width, height)}')
    return (labels == 0).astype(np.uint8)


def _query_file(folder: Path, split: str) -> Path:
    return folder / f'referit_query_{split}.json'


def _split_key(region: str) -> tuple[str, int]:
    """Give the picture's file name and the region's number: 38685_1 is 38685.jpg and 1."""
    image, _, number = region.rpartition('_')
    if not image or not number.isdigit():
        raise ValueError(f'{region!r} in the query files of ReferIt is no <image>_<region>')
    return f'{image}.jpg', int(number)
