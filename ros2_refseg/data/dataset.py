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


"""What a data set of sentences about pictures is, wherever it comes from."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

import cv2
import numpy as np

from ros2_refseg.data.vocabulary import tokenize


@dataclass(frozen=True)
class Reference:
    """
    What one image's sentences mean.

    Mostly that is one object, in gRefCOCO (Liu et al., "GRES", CVPR 2023) also several, and none
    where the sentences speak of something that the image does not show: then ``absent`` is true,
    ``category`` ''. ``tokens`` are the words of each sentence as the data set gives them, without
    typing errors where it knows them; ``forms`` names the kind of each sentence ('' where the data
    set does not say).
    """

    ref_id: int
    image_id: int
    category: str
    sentences: list[str]
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
        """The (first) object's entry in the data set's files; None where there is no object."""
        return self.annotations[0] if self.annotations else None


@dataclass(frozen=True)
class ReferImage:
    """One picture and the references into it."""

    id: int
    path: Path
    height: int
    width: int
    references: list[Reference] = field(default_factory=list)


class UnknownSplitError(ValueError):
    """A data set has no such split."""

    def __init__(self, path: Path, split: str, splits: Iterable[str]) -> None:
        super().__init__(f'{path} has no split {split!r}; it has: {", ".join(splits)} (or all)')


class ReferringDataset(ABC):
    """
    One split of a data set: ``images`` with their ``references``, and ``samples``.

    ``samples`` are the (reference, sentence) pairs that ``len()`` counts. ``name`` says which data
    set it is, ``splits`` what other splits there are; ``folder`` is where its files lie. Pictures
    that are not there are listed in ``missing``, by name. Sentences without a single word ('...')
    cannot be asked for: ``wordless`` has them, ``samples`` does not.
    """

    name: str
    folder: Path
    split: str
    splits: list[str]

    def __init__(self, images: Iterable[ReferImage], missing: Iterable[str] = ()) -> None:
        self.images = list(images)
        self.missing = list(missing)
        self.wordless: list[tuple[Reference, str]] = []
        for image in self.images:
            image.references[:] = [
                reference for reference in map(self._spoken, image.references)
                if reference.sentences]
        self.references = sorted(
            (reference for image in self.images for reference in image.references),
            key=lambda reference: reference.ref_id)
        self.samples: list[tuple[Reference, str]] = [
            (reference, sentence) for reference in self.references
            for sentence in reference.sentences]
        self._image_of = {image.id: image for image in self.images}

    def _spoken(self, reference: Reference) -> Reference:
        """Leave the wordless sentences out."""
        spoken = [number for number, sentence in enumerate(reference.sentences)
                  if tokenize(sentence)]
        if len(spoken) == len(reference.sentences):
            return reference
        self.wordless += [(reference, sentence) for number, sentence
                          in enumerate(reference.sentences) if number not in spoken]
        return replace(reference, **{
            name: [getattr(reference, name)[number] for number in spoken]
            for name in ('sentences', 'forms', 'tokens')})

    def __len__(self) -> int:
        return len(self.samples)

    def describe(self) -> str:
        """Say in a line what is in it."""
        return (f'{self.name} {self.split}: {len(self):,} sentences about '
                f'{len(self.references):,} references in {len(self.images):,} images')

    def image_of(self, reference: Reference) -> ReferImage:
        """Give the picture that a reference is about."""
        return self._image_of[reference.image_id]

    def refuse_missing(self) -> None:
        """Raise FileNotFoundError when pictures are missing, saying where they were looked for."""
        if self.missing:
            raise FileNotFoundError(
                f'{len(self.missing)} pictures are missing, the first one is {self.missing[0]}; '
                f'looked in {self.places}')

    @property
    @abstractmethod
    def places(self) -> str:
        """Say where pictures are looked for."""

    @abstractmethod
    def mask(self, reference: Reference) -> np.ndarray:
        """
        Decode a reference's mask: uint8 (H, W), 0 or 1; all zeros where it is absent.

        :raises ValueError: when the data set's mask is damaged or of another size than the picture.
        """

    @abstractmethod
    def held_out_images(self) -> set[str]:
        """
        Identify the pictures of every split but the training ones.

        See identify_image for how; a network that is to be scored on them must not have seen them.
        """

    def read_image(self, image: ReferImage) -> np.ndarray:
        """
        Read a picture: uint8 (H, W, 3) in RGB.

        :raises ValueError: when the file is damaged or of another size than its entry says.
        """
        size = image.height, image.width
        # Masks are drawn on the pixels as they are stored, or on the picture as its EXIF entry
        # turns it; what the data set says of its size tells which.
        pixels = cv2.imread(str(image.path), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
        if pixels is not None and pixels.shape[:2] == size[::-1] != size:
            pixels = cv2.imread(str(image.path), cv2.IMREAD_COLOR)
        if pixels is None:
            raise ValueError(f'{image.path} is no readable picture')
        if pixels.shape[:2] != size:
            raise ValueError(
                f'{image.path} is {pixels.shape[1]}x{pixels.shape[0]}, but the data set says '
                f'{image.width}x{image.height}')
        return cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)


def is_training_split(split: str) -> bool:
    """Say whether a network may see a split while it is trained: train or trainval."""
    return split.startswith('train')
