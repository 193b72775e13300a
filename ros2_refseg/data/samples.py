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

"""Training samples: an image with several sentences about it, at the network's size."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from ros2_refseg.cefnet import stretch
from ros2_refseg.data.dataset import Reference, ReferImage, ReferringDataset
from ros2_refseg.data.vocabulary import PADDING_ID, UNKNOWN_ID, Vocabulary

CONTOUR_DISTANCE = 2 / 320
"""Half the width of the ground-truth contour, of the image's side: 2 px at 320x320."""


def contour_of(mask: np.ndarray) -> np.ndarray:
    """
    Mark the pixels within ``CONTOUR_DISTANCE`` of a mask's edge, on both sides of it.

    The image's own border is no edge: a mask that is cut off there has no contour along it.

    :param mask: HxW of 0 and 1.
    :return: uint8 HxW of 0 and 1; at least the pixels that touch the edge.
    """
    mask = np.ascontiguousarray(mask, dtype=np.uint8)
    if mask.all() or not mask.any():
        return np.zeros_like(mask)
    inside = cv2.distanceTransform(mask, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    outside = cv2.distanceTransform(1 - mask, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    # The edge runs half a pixel before the nearest pixel of the other kind.
    distance = inside + outside - 0.5
    return (distance <= max(CONTOUR_DISTANCE * max(mask.shape), 0.5)).astype(np.uint8)


class ImageSamples(Dataset):
    """
    Images with ``sentences_per_image`` of their (reference, sentence) pairs each.

    Several sentences about one image teach that the words decide, and what does not depend on them
    is computed once. The mask and the contour of an absent target are empty. An item is asked for
    as (index, seed, side of the image in pixels) and depends on nothing else, so that a resumed run
    sees what the interrupted one would have seen.
    """

    def __init__(
        self,
        dataset: ReferringDataset,
        vocabulary: Vocabulary,
        sentences_per_image: int,
        unknown_rate: float,
        forms: Sequence[str] | None = None,
    ) -> None:
        """
        Prepare the images of a data set that have references.

        :param unknown_rate: share of words replaced by "unknown", so that its embedding is learned;
            not of sentences without a target, which could mean something then.
        :param forms: kinds of sentence to give (see Reference.forms); None for all.
        :raises ValueError: when no sentence is of one of these.
        """
        refuse_unknown_forms(dataset, forms)
        self.dataset = dataset
        self.vocabulary = vocabulary
        self.sentences_per_image = sentences_per_image
        self.unknown_rate = unknown_rate
        self.images: list[ReferImage] = []
        self._sayings: list[list[tuple[Reference, list[str]]]] = []
        for image in dataset.images:
            sayings = [(reference, of_forms(reference, forms)) for reference in image.references]
            sayings = [(reference, sentences) for reference, sentences in sayings if sentences]
            if sayings:
                self.images.append(image)
                self._sayings.append(sayings)
        if not self.images:
            raise ValueError(f"'{dataset.name}' has no sentence to train on")

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, item: tuple[int, tuple[int, int], int]) -> dict[str, Any]:
        """
        Give an image (uint8 3xSxS), K word number lists, K masks and contours (uint8 SxS).

        And for each sentence whether what it means is in view; its mask may be empty all the same,
        where a thing is smaller than a pixel.
        """
        index, seed, side = item
        rng = np.random.default_rng(seed)
        image = self.images[index]
        count = self.sentences_per_image
        # Different references first: the same picture, other words, another answer.
        order = rng.permutation(len(self._sayings[index]))
        sayings = [self._sayings[index][order[i % len(order)]] for i in range(count)]
        masks = {}
        for reference, _ in sayings:
            if reference.ref_id not in masks:
                mask = resize_mask(self.dataset.mask(reference), side)
                masks[reference.ref_id] = (mask, contour_of(mask))
        words = []
        for reference, sentences in sayings:
            sentence = sentences[rng.integers(len(sentences))]
            ids = np.array(self.vocabulary.encode(sentence))
            replaced = rng.random(len(ids)) < self.unknown_rate
            words.append(np.where(replaced & (not reference.absent), UNKNOWN_ID, ids))
        pixels = self.dataset.read_image(image)
        return {
            'image': stretch(torch.from_numpy(pixels).permute(2, 0, 1)[None], side)[0],
            'words': words,
            'masks': np.stack([masks[reference.ref_id][0] for reference, _ in sayings]),
            'contours': np.stack([masks[reference.ref_id][1] for reference, _ in sayings]),
            'in_view': np.array([not reference.absent for reference, _ in sayings]),
        }


def refuse_unknown_forms(dataset: ReferringDataset, forms: Sequence[str] | None) -> None:
    """Raise ValueError when a data set has no sentence of one of these kinds; None is all."""
    known = {form for reference in dataset.references for form in reference.forms if form}
    unknown = [form for form in forms or () if form not in known]
    if unknown:
        kinds = ', '.join(sorted(known)) or 'no kind with a name; leave forms out'
        raise ValueError(
            f"forms: '{dataset.name}' has no sentence of {', '.join(unknown)}; it has: {kinds}")


def of_forms(reference: Reference, forms: Sequence[str] | None) -> list[str]:
    if forms is None:
        return reference.sentences
    # A data set may name no forms at all, or '' where it knows none.
    return [sentence for sentence, form in zip(reference.sentences, reference.forms, strict=False)
            if form in forms]


def resize_mask(mask: np.ndarray, side: int) -> np.ndarray:
    """Stretch an HxW mask of 0 and 1 to a square; a pixel belongs if half of its area does."""
    area = cv2.resize(mask.astype(np.float32), (side, side), interpolation=cv2.INTER_AREA)
    return (area >= 0.5).astype(np.uint8)


def pad_words(sentences: list[list[int] | np.ndarray]) -> Tensor:
    """Stack word number lists to BxT, padded on the right."""
    length = max(len(words) for words in sentences)
    padded = torch.full((len(sentences), length), PADDING_ID)
    for row, words in zip(padded, sentences, strict=True):
        row[:len(words)] = torch.as_tensor(words)
    return padded


def collate(items: list[dict]) -> dict[str, Tensor]:
    """
    Stack B items: image uint8 Bx3xSxS, words B*KxT, masks and contours uint8 B*Kx1xSxS.

    And in_view, bool B*K.
    """
    def stack(name: str) -> Tensor:
        return torch.from_numpy(np.concatenate([item[name] for item in items])).unsqueeze(1)

    return {
        'image': torch.stack([item['image'] for item in items]),
        'words': pad_words([words for item in items for words in item['words']]),
        'masks': stack('masks'),
        'contours': stack('contours'),
        'in_view': torch.from_numpy(np.concatenate([item['in_view'] for item in items])),
    }


class ResumableBatches(Sampler):
    """
    Batches of items for steps ``first_step`` up to ``steps``, shuffled once an epoch.

    What a step's batch holds follows from the seed and the step's number alone.
    """

    def __init__(
        self,
        images: int,
        batch_size: int,
        steps: int,
        seed: int,
        first_step: int,
        side_at: Callable[[int], int],
        part: int = 0,
        parts: int = 1,
    ) -> None:
        """
        Plan a run.

        :param side_at: gives the side of the images, in pixels, at a step.
        :param part: which of ``parts`` equal parts of each batch to give; they divide its size.
        """
        self.images, self.batch_size, self.steps = images, batch_size, steps
        self.seed, self.first_step, self.side_at = seed, first_step, side_at
        self.part, self.parts = part, parts

    def __len__(self) -> int:
        return self.steps - self.first_step

    def __iter__(self) -> Iterator[list[tuple[int, tuple[int, int], int]]]:
        epoch, order = -1, np.empty(0)
        for step in range(self.first_step, self.steps):
            batch = []
            for sample in range(step * self.batch_size, (step + 1) * self.batch_size):
                if sample // self.images != epoch:
                    epoch = sample // self.images
                    order = np.random.default_rng((self.seed, epoch)).permutation(self.images)
                batch.append(
                    (int(order[sample % self.images]), (self.seed, sample), self.side_at(step))
                )
            share = self.batch_size // self.parts
            yield batch[self.part * share:(self.part + 1) * share]
