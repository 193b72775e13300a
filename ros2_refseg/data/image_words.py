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

"""What is said of each thing in a picture: what the visual encoder is pretrained on."""

from collections.abc import Sequence

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from ros2_refseg.cefnet import stretch
from ros2_refseg.data.dataset import Reference, ReferImage, ReferringDataset
from ros2_refseg.data.samples import of_forms, refuse_unknown_forms
from ros2_refseg.data.vocabulary import UNKNOWN_ID, Vocabulary

STRIDE = 4
"""Of the maps that say where things are: that of E2."""


class ImageWords(Dataset):
    """Pictures, and the words that are said of each thing in them."""

    def __init__(
        self, dataset: ReferringDataset, vocabulary: Vocabulary, forms: Sequence[str] | None,
    ) -> None:
        """
        Prepare the pictures with a thing of which something is said.

        :param forms: kinds of sentence to take the words of; None for all.
        :raises ValueError: when no sentence is of one of these, or none of them is about a thing in
            view.
        """
        refuse_unknown_forms(dataset, forms)
        self.dataset, self.vocabulary = dataset, vocabulary
        self.items: list[tuple[ReferImage, list[tuple[Reference, list[int]]]]] = []
        for image in dataset.images:
            said = []
            for reference in image.references:
                words = {word for sentence in of_forms(reference, forms)
                         for word in vocabulary.encode(sentence)} - {UNKNOWN_ID}
                if words and not reference.absent:
                    said.append((reference, sorted(words)))
            if said:
                self.items.append((image, said))
        if not self.items:
            kinds = ', '.join(forms or ['any sentence'])
            raise ValueError(f"forms: '{dataset.name}' speaks of nothing in view in {kinds}")
        # What is said of every thing, such as "the", tells none from another (inverse document
        # frequency).
        rows = [ids for _, said in self.items for _, ids in said]
        counts = np.bincount(np.concatenate(rows), minlength=len(vocabulary))
        self._weights = torch.from_numpy(np.log((1 + len(rows)) / counts.clip(1))).float()

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, item: tuple[int, tuple[int, int], int]) -> tuple[Tensor, Tensor, Tensor]:
        """
        Give a picture, where its things are, and their words.

        :param item: index, seed (of no consequence here) and side of the picture in pixels.
        :return: uint8 3xSxS; KxS/4xS/4 shares in [0, 1] of each place that a thing covers; KxV
            shares of its words, the rarer the larger, each row's sum 1.
        """
        index, _, side = item
        image, said = self.items[index]
        small = side // STRIDE
        masks, words = [], torch.zeros(len(said), len(self.vocabulary))
        for number, (reference, ids) in enumerate(said):
            masks.append(cv2.resize(
                self.dataset.mask(reference).astype(np.float32), (small, small),
                interpolation=cv2.INTER_AREA))
            words[number, ids] = self._weights[ids] / self._weights[ids].sum()
        pixels = torch.from_numpy(self.dataset.read_image(image)).permute(2, 0, 1)
        return stretch(pixels[None], side)[0], torch.from_numpy(np.stack(masks)), words


def collate_words(items: list[tuple[Tensor, Tensor, Tensor]]) -> dict[str, Tensor]:
    """Stack B pictures; those with fewer things than others get ones without a place or a word."""
    images, things, words = zip(*items, strict=True)
    return {
        'image': torch.stack(images),
        'things': nn.utils.rnn.pad_sequence(things, batch_first=True),
        'words': nn.utils.rnn.pad_sequence(words, batch_first=True),
    }
