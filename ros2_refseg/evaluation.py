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
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from ros2_refseg.cefnet import CEFNet
from ros2_refseg.confidence import Calibration, decide
from ros2_refseg.data.dataset import Reference, ReferringDataset
from ros2_refseg.data.samples import pad_words
from ros2_refseg.data.vocabulary import Vocabulary, tokenize, understood
from ros2_refseg.metrics import SegmentationScore, intersection_and_union, length_bucket

# Sentences about one image that are answered at once; bounds the memory where there are many.
SENTENCES_AT_ONCE = 16

# Upper bounds of the paper's Table 2, in words, by the names that the REFER layout gives the sets.
LENGTH_BOUNDS = {
    'refcoco': (2, 3, 5, 20),
    'refcoco+': (2, 3, 5, 20),
    'refcocog': (5, 7, 10, 20),
    'refclef': (1, 2, 4, 20),
    'referit': (1, 2, 4, 20),
}


@dataclass(frozen=True)
class Answer:
    """
    What a network says to one sentence.

    :ivar number: of the sentence among its reference's.
    :ivar sentence: that was asked; another one than the reference's own where they are shuffled.
    :ivar probability: float32 HxW in [0, 1], at the image's resolution.
    :ivar truth: uint8 HxW, 0 or 1; all zeros where the target is absent.
    :ivar presence: logit of the target being in view; None from a network without a classifier of
        that.
    :ivar known: whether a word of the sentence is; where none is, the robot finds nothing,
        whatever ``probability`` says.
    """

    reference: Reference
    number: int
    sentence: str
    probability: np.ndarray
    truth: np.ndarray
    presence: float | None = None
    known: bool = True


def shuffle_sentences(dataset: ReferringDataset, seed: int = 0) -> dict[tuple[int, int], str]:
    """
    Give each sample a sentence about another object of the same image, if there is one.

    A network that listens scores far lower with these; one that segments whatever stands out does
    not notice. Sentences without a target stay as they are.
    """
    rng = np.random.default_rng(seed)
    shuffled = {}
    for image in dataset.images:
        present = [reference for reference in image.references if not reference.absent]
        for reference in present:
            others = [other for other in present if other.ref_id != reference.ref_id]
            for number, sentence in enumerate(reference.sentences):
                if others:
                    other = others[rng.integers(len(others))]
                    sentence = other.sentences[rng.integers(len(other.sentences))]
                shuffled[reference.ref_id, number] = sentence
    return shuffled


@torch.inference_mode()
def ask(
    network: CEFNet,
    vocabulary: Vocabulary,
    dataset: ReferringDataset,
    precision: torch.dtype = torch.float32,
    shuffled: bool = False,
    max_images: int | None = None,
    progress: bool = True,
) -> Iterator[Answer]:
    """
    Ask a network every sentence of a data set, image by image.

    :param precision: of the computation; below float32 it is autocast.
    :param shuffled: ask for another object of the same image instead (see shuffle_sentences), as
        a check that words matter.
    :param max_images: ask about that many images, spread evenly over the data set.
    """
    device = network.mean.device
    replaced = shuffle_sentences(dataset) if shuffled else {}
    images = [image for image in dataset.images if image.references]
    if max_images is not None and max_images < len(images):
        images = [images[number] for number in
                  np.linspace(0, len(images) - 1, max_images).astype(int)]
    for image in tqdm(images, desc='evaluating', unit='image', disable=not progress):
        pixels = torch.from_numpy(dataset.read_image(image)).permute(2, 0, 1)[None].to(device)
        truths = {reference.ref_id: dataset.mask(reference) for reference in image.references}
        samples = [
            (reference, number, replaced.get((reference.ref_id, number), sentence))
            for reference in image.references
            for number, sentence in enumerate(reference.sentences)
        ]
        for start in range(0, len(samples), SENTENCES_AT_ONCE):
            part = samples[start:start + SENTENCES_AT_ONCE]
            encoded = [vocabulary.encode(sentence) for _, _, sentence in part]
            words = pad_words(encoded).to(device)
            language = network.language(words)  # in full precision, as on the robot
            with torch.autocast(device.type, precision, enabled=precision != torch.float32):
                probability, _, presence = network.segment(pixels, language)
            sure = [None] * len(part) if presence is None else presence.tolist()
            for (reference, number, sentence), map_, logit, word_ids in zip(
                part, probability.cpu().numpy(), sure, encoded, strict=True
            ):
                yield Answer(
                    reference, number, sentence, map_, truths[reference.ref_id], logit,
                    understood(word_ids))


def evaluate(
    network: CEFNet,
    vocabulary: Vocabulary,
    dataset: ReferringDataset,
    precision: torch.dtype = torch.float32,
    threshold: float = 0.5,
    shuffled: bool = False,
    max_images: int | None = None,
    progress: bool = True,
    calibration: Calibration | None = None,
    found_threshold: float | None = None,
    pieces: str = 'auto',
) -> dict[str, Any]:
    """
    Score every (reference, sentence) pair of a data set; the parameters are those of ``ask``.

    Sentences whose target is absent are counted apart: they have no IoU.

    :param threshold: probability at which the mask is cut.
    :param calibration: of the network: answers that it does not count as found are empty, as they
        are on the robot.
    :param found_threshold: score from which an answer is found, instead of the calibration's own.
    :param pieces: which connected pieces of a mask to keep, of ``confidence.PIECES``.
    :return: 'data' and 'split', their names; 'all', a summary of SegmentationScore; 'by_length',
        one for each bucket of the paper's Table 2; 'by_form', one for each kind of sentence, where
        the data set names it and sentences are not shuffled; 'absent', the count of 'samples'
        without a target and the share that is 'rightly_empty'; 'present', that of samples with one
        and the share 'rightly_found', whose mask has a pixel.
    """
    total, found, empty = SegmentationScore(), [], []
    by_length: dict[str, SegmentationScore] = {
        length_bucket(bound, bounds_of(dataset)): SegmentationScore()
        for bound in bounds_of(dataset)
    }
    by_form: dict[str, SegmentationScore] = defaultdict(SegmentationScore)
    for answer in ask(network, vocabulary, dataset, precision, shuffled, max_images, progress):
        mask = decide(
            answer.probability, calibration, threshold, found_threshold, pieces, answer.presence
        ).inside & answer.known
        if answer.reference.absent:
            empty.append(not mask.any())
            continue
        found.append(bool(mask.any()))
        counts = intersection_and_union(mask, answer.truth)
        total.add(*counts)
        words = len(tokenize(answer.sentence))
        by_length[length_bucket(words, bounds_of(dataset))].add(*counts)
        # Shuffled, the sentence is another reference's.
        if answer.reference.forms[answer.number] and not shuffled:
            by_form[answer.reference.forms[answer.number]].add(*counts)
    return {
        'data': dataset.name,
        'split': dataset.split,
        'all': total.summary(),
        'by_length': {name: score.summary() for name, score in by_length.items() if score.unions},
        'by_form': {name: by_form[name].summary() for name in sorted(by_form)},
        'absent': _share('rightly_empty', empty),
        'present': _share('rightly_found', found),
    }


def bounds_of(dataset: ReferringDataset) -> tuple[int, ...]:
    """Choose the paper's buckets of sentence lengths by a data set's name; UNC's for others."""
    return LENGTH_BOUNDS.get(dataset.name.lower(), LENGTH_BOUNDS['refcoco'])


def _share(name: str, right: list[bool]) -> dict[str, float | int]:
    return {'samples': len(right), **({name: float(np.mean(right))} if right else {})}
