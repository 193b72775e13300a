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

"""Evaluation: a network's masks against the truth of a data set, at original resolution."""

from collections import defaultdict
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from ros2_refseg.cefnet import CEFNet
from ros2_refseg.data.refer import ReferDataset
from ros2_refseg.data.samples import pad_words
from ros2_refseg.data.vocabulary import Vocabulary, tokenize
from ros2_refseg.metrics import SegmentationScore, intersection_and_union, length_bucket

# Upper bounds of the paper's Table 2 for UNC and UNC+, in words; the last one is 6-20.
LENGTH_BOUNDS = (2, 3, 5, 20)


def shuffle_sentences(dataset: ReferDataset, seed: int = 0) -> dict[tuple[int, int], str]:
    """
    Give each sample a sentence about another reference of the same image, if there is one.

    A network that listens scores far lower with these; one that segments whatever stands out does
    not notice.
    """
    rng = np.random.default_rng(seed)
    shuffled = {}
    for image in dataset.images:
        for reference in image.references:
            others = [other for other in image.references if other.ref_id != reference.ref_id]
            for number, sentence in enumerate(reference.sentences):
                if others:
                    other = others[rng.integers(len(others))]
                    sentence = other.sentences[rng.integers(len(other.sentences))]
                shuffled[reference.ref_id, number] = sentence
    return shuffled


@torch.inference_mode()
def evaluate(
    network: CEFNet,
    vocabulary: Vocabulary,
    dataset: ReferDataset,
    precision: torch.dtype = torch.float32,
    threshold: float = 0.5,
    shuffled: bool = False,
    max_images: int | None = None,
    progress: bool = True,
) -> dict[str, Any]:
    """
    Score every (reference, sentence) pair of a data set.

    :param precision: of the computation; below float32 it is autocast.
    :param threshold: probability at which the mask is cut.
    :param shuffled: ask for another object of the same image instead (see shuffle_sentences), as
        a check that words matter.
    :param max_images: stop after that many images.
    :return: the summary of SegmentationScore under 'all', and one for each sentence length under
        'by_length' and each kind of sentence, where the data set names it, under 'by_form'.
    """
    device = network.mean.device
    total, by_length, by_form = SegmentationScore(), _scores(), _scores()
    replaced = shuffle_sentences(dataset) if shuffled else {}
    images = [image for image in dataset.images if image.references][:max_images]
    for image in tqdm(images, desc='evaluating', unit='image', disable=not progress):
        samples = [
            (reference, number, replaced.get((reference.ref_id, number), sentence))
            for reference in image.references
            for number, sentence in enumerate(reference.sentences)
        ]
        pixels = torch.from_numpy(dataset.read_image(image)).permute(2, 0, 1)[None].to(device)
        words = pad_words([vocabulary.encode(sentence) for _, _, sentence in samples]).to(device)
        with torch.autocast(device.type, precision, enabled=precision != torch.float32):
            probability, _ = network.segment(pixels, network.language(words))
        predicted = (probability >= threshold).cpu().numpy()
        for (reference, number, sentence), mask in zip(samples, predicted, strict=True):
            counts = intersection_and_union(mask, dataset.mask(reference))
            total.add(*counts)
            by_length[length_bucket(len(tokenize(sentence)), LENGTH_BOUNDS)].add(*counts)
            if reference.forms[number]:
                by_form[reference.forms[number]].add(*counts)
    return {
        'all': total.summary(),
        'by_length': {name: by_length[name].summary() for name in sorted(by_length)},
        'by_form': {name: by_form[name].summary() for name in sorted(by_form)},
    }


def _scores() -> defaultdict[str, SegmentationScore]:
    return defaultdict(SegmentationScore)
