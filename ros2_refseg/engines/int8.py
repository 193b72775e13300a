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
int8: a network's convolutions rounded to 256 steps, for CPUs that multiply those fastest.

An OpenVINO model says what is to be rounded by FakeQuantize operations; where it finds them around
a convolution, OpenVINO computes that in integers. Weights are rounded by channel, features between
the two ends of a range that ``ros2_refseg.quantization`` has found: in the checkpoint, so that
nothing but a few numbers has to come with the weights.

What compares and places things stays in floats, since rounding it loses accuracy and saves next to
no time: affinities of co-attention, numbers of spatial transformers, norms, coordinates.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ros2_refseg.engines.convolutions import fold_constants

Ranges = Mapping[str, tuple[float, float]]
"""Lowest and highest feature that enters a convolution, by the convolution's name."""

_IN_FLOATS = ('/coattention/', '/stn/')
_STEPS = 256
_STEPS_OF_WEIGHTS = 255  # as many below zero as above
_INSTRUCTIONS = {'avx512_vnni', 'avx_vnni'}


def round_to_int8(model, ranges: Ranges) -> None:
    """
    Have OpenVINO compute a model's convolutions in int8.

    :param model: in single precision, with all shapes known; changed in place.
    :raises ValueError: for ranges that were found on another network.
    """
    from openvino import opset13 as ops

    convolutions = rounded_convolutions(model)
    if convolutions.keys() != ranges.keys():
        first = min(convolutions.keys() ^ ranges.keys())
        raise ValueError(
            f"the checkpoint's int8 ranges are not those of this network's convolutions (first: "
            f"{first!r}); 'refseg quantize' makes them anew"
        )

    def rounded(output, low, high, steps: int):
        ends = [ops.constant(np.asarray(end, np.float32)) for end in (low, high)]
        return ops.fake_quantize(output, *ends, *ends, steps).output(0)

    # Older instructions of x86 add two products in 16 bits: half of the steps, or they overflow.
    spared = 1 if cpu_is_made_for_int8() else 2
    features = {}  # rounded once, whoever takes them
    for name, node in convolutions.items():
        source = output_key(node.input_value(0))
        if source not in features:
            features[source] = rounded(node.input_value(0), *ranges[name], _STEPS)
        weights = np.abs(node.input_value(1).get_node().data)
        of_channel = tuple(range(1 if node.get_type_name() == 'Convolution' else 2, weights.ndim))
        largest = np.maximum(weights.max(of_channel, keepdims=True), np.finfo(np.float32).tiny)
        largest = spared * largest
        node.input(1).replace_source_output(
            rounded(node.input_value(1), -largest, largest, _STEPS_OF_WEIGHTS))
        node.input(0).replace_source_output(features[source])


def rounded_convolutions(model) -> dict[str, object]:
    """Give the nodes that int8 computes, by name; constants of the model are folded for that."""
    fold_constants(model)
    return {
        node.get_friendly_name().removesuffix('/WithoutBiases'): node
        for node in model.get_ordered_ops()
        if node.get_type_name() in ('Convolution', 'GroupConvolution')
        and node.input_value(0).get_node().get_type_name() != 'Constant'  # of coordinates
        and node.input_value(1).get_node().get_type_name() == 'Constant'
        and not any(part in node.get_friendly_name() for part in _IN_FLOATS)
    }


def output_key(output) -> tuple[str, int]:
    """Tell an output of a model's node from others."""
    return output.get_node().get_friendly_name(), output.get_index()


def cpu_is_made_for_int8(information: Path = Path('/proc/cpuinfo')) -> bool:
    """Tell, on Linux, whether this CPU has instructions for products of int8 (Intel's VNNI)."""
    try:
        lines = information.read_text().splitlines()
    except OSError:
        return False
    flags = next((line for line in lines if line.startswith('flags')), '')
    return not _INSTRUCTIONS.isdisjoint(flags.split())
