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
Post-training quantisation: what range of numbers each convolution's 256 steps cover in int8.

The network watches some images and sentences. Of each convolution's input, the range is the one
that rounds what was seen with the least square error: the largest numbers are rare, and clipping
them leaves finer steps to all others. Nothing is trained.
"""

import io
from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import torch

from ros2_refseg.cefnet import CEFNet
from ros2_refseg.checkpoint import Checkpoint
from ros2_refseg.data.dataset import ReferringDataset
from ros2_refseg.data.spread import spread_sentences
from ros2_refseg.engines import TorchEngine
from ros2_refseg.engines.int8 import Ranges, output_key, rounded_convolutions
from ros2_refseg.engines.openvino_engine import input_names, network_inputs, set_sentences
from ros2_refseg.export import export_logits

_KEPT_OF_A_MAP = 1000
_CLIPPED_TO = np.geomspace(0.01, 1, 64)
"""Shares of the largest number that are tried as a range's end."""


def quantize(checkpoint: Checkpoint, dataset: ReferringDataset, sentences: int) -> Checkpoint:
    """
    Give a checkpoint the ranges that int8 needs.

    :param dataset: images like those that will be seen, with sentences; masks are not looked at.
    :param sentences: how many of its sentences to watch; a few hundred are enough.
    :raises ImportError: without openvino or onnx.
    :raises ValueError: for a data set without sentences, or a network that gives no finite numbers.
    """
    network = checkpoint.network
    encoder = TorchEngine(network, torch.device('cpu'))
    ranges = observe_ranges(network, (
        network_inputs(
            dataset.read_image(image), [encoder.encode(checkpoint.vocabulary.encode(sentence))],
            network.config,
        )
        for image, _, sentence in spread_sentences(dataset, sentences, absent=True)
    ))
    if not ranges:
        raise ValueError(f'{dataset.name} {dataset.split} has no sentences')
    return replace(checkpoint, int8_ranges=ranges)


def observe_ranges(network: CEFNet, inputs: Iterable[dict[str, np.ndarray]]) -> Ranges:
    """
    Watch a network and choose the ranges.

    :param inputs: what ``network_inputs`` gives, for one sentence each.
    :return: nothing for no inputs.
    :raises ImportError: without openvino or onnx.
    """
    import openvino
    from openvino import opset13 as ops

    core = openvino.Core()
    model = core.read_model(io.BytesIO(export_logits(network)))
    set_sentences(model, 1, network.config)
    convolutions = rounded_convolutions(model)
    watched = {output_key(node.input_value(0)): node.input_value(0)
               for node in convolutions.values()}
    watching = openvino.Model(
        [ops.result(output) for output in watched.values()], model.get_parameters())
    request = core.compile_model(
        watching, 'CPU', {'INFERENCE_PRECISION_HINT': 'f32'}).create_infer_request()
    seen = {key: _Seen() for key in watched}
    names = input_names(model)
    for each in inputs:
        request.infer({name: each[name] for name in names})
        for index, key in enumerate(watched):
            seen[key].add(request.get_output_tensor(index).data)
    return {
        name: seen[output_key(node.input_value(0))].range()
        for name, node in convolutions.items() if seen[output_key(node.input_value(0))].numbers
    }


class _Seen:
    """Numbers that a convolution was given: the ends of all, and some drawn from each map."""

    def __init__(self) -> None:
        self.numbers: list[np.ndarray] = []
        self.ends = [0.0, 0.0]
        self._random = np.random.default_rng(0)

    def add(self, features: np.ndarray) -> None:
        if not np.isfinite(features).all():
            raise ValueError('the network gives infinite numbers, or none at all (NaN)')
        self.numbers.append(self._random.choice(features.ravel(), _KEPT_OF_A_MAP))
        self.ends = [min(self.ends[0], features.min()), max(self.ends[1], features.max())]

    def range(self) -> tuple[float, float]:
        """Give the range of least square error: from zero, or with a step at zero in its middle."""
        numbers = np.concatenate(self.numbers)
        # Less than half a step below zero is as good as zero, and leaves 255 steps above it.
        lowest, highest = (-128, 127) if -self.ends[0] > self.ends[1] / 510 else (0, 255)
        largest = max(-self.ends[0], self.ends[1]) or 1.0

        def error(end: float) -> float:
            steps = np.clip(np.round(numbers * (highest / end)), lowest, highest)
            return float(np.square(steps * (end / highest) - numbers).mean())

        end = min((largest * share for share in _CLIPPED_TO), key=error)
        return float(end * lowest / highest), float(end)
