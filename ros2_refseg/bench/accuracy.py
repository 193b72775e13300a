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

"""What a faster arithmetic costs: engines scored on the same sentences about the same images."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

import numpy as np

from ros2_refseg.cefnet import CEFNet
from ros2_refseg.data.dataset import ReferringDataset
from ros2_refseg.data.spread import spread_sentences
from ros2_refseg.data.vocabulary import Vocabulary
from ros2_refseg.engines import Engine, TorchEngine
from ros2_refseg.metrics import SegmentationScore, intersection_and_union

Sample = tuple[np.ndarray, np.ndarray, list[int]]  # image uint8 HxWx3, truth HxW, word numbers


def samples_of(
    dataset: ReferringDataset, vocabulary: Vocabulary, count: int
) -> Iterator[Sample]:
    """Give sentences about things in view, spread evenly over a data set."""
    for image, reference, sentence in spread_sentences(dataset, count, absent=False):
        yield dataset.read_image(image), dataset.mask(reference), vocabulary.encode(sentence)


def bench_accuracy(
    network: CEFNet, engines: dict[str, Engine], samples: Iterable[Sample]
) -> dict[str, dict[str, float]]:
    """
    Score engines, PyTorch in fp32 first.

    :return: by engine overall and mean IoU in per cent, and the greatest difference of a
        probability from PyTorch's.
    """
    exact = TorchEngine(network, network.mean.device, 'fp32')
    engines = {'exact': exact, **engines}
    scores: dict[str, SegmentationScore] = defaultdict(SegmentationScore)
    furthest: dict[str, float] = defaultdict(float)
    for image, truth, word_ids in samples:
        maps = {
            name: engine.segment(image, [engine.encode(word_ids)])[0].probability
            for name, engine in engines.items()
        }
        for name, probability in maps.items():
            scores[name].add(*intersection_and_union(probability >= 0.5, truth))
            difference = float(np.abs(probability - maps['exact']).max())
            furthest[name] = max(furthest[name], difference)
    return {
        name: {
            'overall_iou': round(100 * summary['overall_iou'], 2),
            'mean_iou': round(100 * summary['mean_iou'], 2),
            'furthest_probability': round(furthest[name], 5),
        }
        for name, summary in ((name, score.summary()) for name, score in scores.items())
    }
