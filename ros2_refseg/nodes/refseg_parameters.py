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


"""The parameters of the node `refseg`."""

import re

from ros2_refseg.bundled import BUNDLED, DEFAULT
from ros2_refseg.confidence import PIECES
from ros2_refseg.data.vocabulary import tokenize
from ros2_refseg.engines import BACKENDS, PRECISION_CHOICES
from ros2_refseg.nodes.parameters import ParameterSpec

MAX_QUERY_LENGTH = 1000
"""Characters of the longest sentence that is answered. The network reads 20 words, so a longer one
is a mistake (a file, a transcript) rather than a request."""

MAX_QUERIES = 8
"""Sentences that are answered on one frame, the one of `query` included."""


def query_problem(sentence: str) -> str | None:
    """Say why a sentence cannot be answered, or None; a blank one is no problem, it stops."""
    if len(sentence) > MAX_QUERY_LENGTH:
        return (
            f'a sentence of {len(sentence)} characters is too long; give at most {MAX_QUERY_LENGTH}'
        )
    if sentence.strip() and not tokenize(sentence):
        return f'{sentence[:40]!r} has no word; say what to look for, or send a blank one to stop'
    return None


def _queries_problem(sentences: list[str]) -> str | None:
    if len(sentences) >= MAX_QUERIES:
        return f'{len(sentences)} sentences are too many; give at most {MAX_QUERIES - 1}'
    return next(filter(None, map(query_problem, sentences)), None)


def sentences_in_force(query: str, queries: list[str]) -> tuple[str, ...]:
    """Give the sentences to answer, that of `query` first: each once, without blank ones."""
    return tuple(dict.fromkeys(each for each in (query, *queries) if each.strip()))


def _device_problem(device: str) -> str | None:
    if re.fullmatch(r'auto|cpu|cuda(:\d+)?', device):
        return None
    return f'{device!r} is no device; give auto, cpu, cuda or cuda:N (the N-th GPU, from 0)'


REFSEG_PARAMETERS = (
    ParameterSpec(
        'checkpoint',
        '',
        'Network to use: a .safetensors file, the name of a bundled one, or empty for the bundled '
        'one of `coattention`. The co-attention that a file has overrides `coattention`. '
        'Set it again to read a file that was replaced.',
    ),
    ParameterSpec(
        'coattention',
        DEFAULT,
        'Bundled network to use while `checkpoint` is empty: acm is asymmetric, vcm is vanilla.',
        choices=BUNDLED,
    ),
    ParameterSpec(
        'device',
        'auto',
        'Where the network runs: auto (a GPU if there is one), cpu, cuda or cuda:N.',
        read_only=True,
        check=_device_problem,
    ),
    ParameterSpec(
        'precision',
        'auto',
        'Arithmetic of the network; auto takes what is fast and safe on the device. int8 needs '
        'the ranges that `refseg quantize` writes into a checkpoint.',
        read_only=True,
        choices=PRECISION_CHOICES,
    ),
    ParameterSpec(
        'backend',
        'auto',
        'What runs the network: torch, openvino (on the CPU, several times faster), or auto: '
        'openvino on a CPU where it is installed.',
        read_only=True,
        choices=BACKENDS,
    ),
    ParameterSpec(
        'threshold',
        0.5,
        'A pixel is in the mask from this probability on. A calibrated score does not follow it.',
        minimum=0.0,
        maximum=1.0,
    ),
    ParameterSpec(
        'boundary_threshold',
        0.5,
        'The overlay draws the boundary from this probability on.',
        minimum=0.0,
        maximum=1.0,
    ),
    ParameterSpec(
        'found_threshold',
        -1.0,
        'The thing counts as found, and is not withheld, from this score on; negative for the '
        "checkpoint's own threshold (0 where it was not calibrated: any mask is found).",
        minimum=-1.0,
        maximum=1.0,
    ),
    ParameterSpec(
        'pieces',
        'auto',
        'What to keep of a mask in several pieces: all of them, the surest, or auto: as the '
        'checkpoint was calibrated (all where it was not). The score does not follow it.',
        choices=PIECES,
    ),
    ParameterSpec(
        'query',
        '',
        'Sentence in force: set it here or publish it on the query topic, the newest holds. '
        f'Blank stops it, and `queries` go on; at most {MAX_QUERY_LENGTH} characters.',
        check=query_problem,
    ),
    ParameterSpec(
        'queries',
        [''],  # ROS 2 cannot tell the type of an empty list
        'Further sentences, each answered by a result of its own on every frame; mask, boundary '
        f'and overlay are of `query`, or of the first one here. Blank ones are ignored; at most '
        f'{MAX_QUERIES - 1}.',
        check=_queries_problem,
    ),
    ParameterSpec(
        'max_rate',
        0.0,
        'Most frames answered in a second, in Hz; 0 is as many as the machine can.',
        minimum=0.0,
        maximum=1000.0,
    ),
    ParameterSpec(
        'image_transport',
        'raw',
        'raw subscribes to the image topic, compressed to its sub-topic /compressed.',
        read_only=True,
        choices=('raw', 'compressed'),
    ),
)
