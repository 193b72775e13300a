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


"""Opening whatever data sets lie in given folders, one of them or several to train on together."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from ros2_refseg.data.dataset import (
    Reference,
    ReferImage,
    ReferringDataset,
    UnknownSplitError,
    is_training_split,
)
from ros2_refseg.data.pictures import identify_image
from ros2_refseg.data.refer import ReferDataset, refer_folders
from ros2_refseg.data.referit import ReferItDataset, find_queries


def open_dataset(
    data: Path | str, split: str = 'train', split_by: str | None = None,
) -> ReferringDataset:
    """
    Open a split of the data set in a folder: one in the REFER layout, or else ReferIt.

    ``data`` and ``split_by`` are as ReferDataset and ReferItDataset take them.

    :raises FileNotFoundError: when neither is there, or a part of it is missing.
    :raises ValueError: on a damaged file, an unknown split, or a choice that is not clear.
    """
    data = Path(data)
    folders = refer_folders(data)
    if data in folders:
        return ReferDataset(data, split, split_by)
    try:
        queries = find_queries(data)
    except FileNotFoundError:
        return ReferDataset(data, split, split_by)
    if folders:
        raise ValueError(
            f'{data} holds several data sets; name one of these folders: '
            f'{", ".join(map(str, folders))}, or {queries} for ReferIt')
    return ReferItDataset(data, split)


def open_datasets(
    data: Path | str | Sequence[Path | str], split: str = 'train',
) -> ReferringDataset:
    """
    Open a split of one data set, or of several as one.

    Data sets without that split are passed over, but for a training split.

    :raises FileNotFoundError: as open_dataset does.
    :raises ValueError: as open_dataset does; UnknownSplitError when no data set has the split.
    """
    paths = [data] if isinstance(data, str | Path) else list(data)
    if len(paths) == 1:
        return open_dataset(paths[0], split)
    parts = []
    for path in paths:
        try:
            parts.append(open_dataset(path, split))
        except UnknownSplitError as error:
            if is_training_split(split):
                raise
            unknown = error
    if not parts:
        raise unknown
    return JointDataset(parts)


class JointDataset(ReferringDataset):
    """
    Several data sets as one, numbered anew.

    A training split leaves out every picture that another of the data sets holds out for val or
    test: RefCOCO, RefCOCO+ and RefCOCOg drew theirs from the same photographs of COCO. What the
    data set's own split does is its own affair (RefCOCOg's split ``google`` shares pictures).
    ``left_out`` counts the images and sentences that each of ``datasets`` lost.
    """

    def __init__(self, datasets: Sequence[ReferringDataset]) -> None:
        self.datasets = list(datasets)
        self.name = ', '.join(dataset.name for dataset in datasets)
        self.split = datasets[0].split
        self.splits = sorted({split for dataset in datasets for split in dataset.splits})
        self.left_out: list[tuple[int, int]] = []
        self._origin: dict[int, tuple[ReferringDataset, Reference]] = {}
        held_out = [dataset.held_out_images() for dataset in datasets]
        images: list[ReferImage] = []
        for number, dataset in enumerate(datasets):
            foreign = set()
            if is_training_split(dataset.split):
                foreign = set().union(*held_out[:number], *held_out[number + 1:])
            images += self._take(dataset, foreign, len(images))
        super().__init__(images)

    def describe(self) -> str:
        """Say what is in it, and what of each data set was left out, a line each."""
        lines = [
            f'{dataset.describe()}; {images:,} images with {sentences:,} sentences of them left '
            'out, which another data set holds for val or test'
            for dataset, (images, sentences) in zip(self.datasets, self.left_out, strict=True)]
        return '\n'.join([*lines, super().describe()])

    @property
    def places(self) -> str:
        """Say where pictures are looked for."""
        return '; '.join(dataset.places for dataset in self.datasets)

    def mask(self, reference: Reference) -> np.ndarray:
        """Decode a reference's mask as its data set does."""
        dataset, original = self._origin[reference.ref_id]
        return dataset.mask(original)

    def held_out_images(self) -> set[str]:
        """Identify the pictures that any of the data sets holds out."""
        return set().union(*(dataset.held_out_images() for dataset in self.datasets))

    def _take(
        self, dataset: ReferringDataset, foreign: set[str], first_id: int,
    ) -> list[ReferImage]:
        kept, lost = [], []
        for image in dataset.images:
            (lost if identify_image(image.path) in foreign else kept).append(image)
        sentences = sum(len(reference.sentences) for image in lost
                        for reference in image.references)
        self.left_out.append((len(lost), sentences))
        return [self._renumber(dataset, image, first_id + offset)
                for offset, image in enumerate(kept)]

    def _renumber(self, dataset: ReferringDataset, image: ReferImage, image_id: int) -> ReferImage:
        references = []
        for original in image.references:
            ref_id = len(self._origin)
            self._origin[ref_id] = dataset, original
            references.append(replace(original, ref_id=ref_id, image_id=image_id))
        return replace(image, id=image_id, references=references)
