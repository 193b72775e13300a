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


"""The node's state as a diagnostic message: is it answering, and if not, why not."""

from dataclasses import dataclass, fields

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.node import Node

from ros2_refseg.nodes.outputs import Timing
from ros2_refseg.nodes.statistics import Statistics
from ros2_refseg.nodes.topics import TopicSpec
from ros2_refseg.segmenter import Segmenter

DIAGNOSTICS = TopicSpec(
    '/diagnostics', DiagnosticArray, 'state, rate, latency and drops, once a second'
)

SILENCE = 5.0
"""Seconds without an image after which the node is not well."""

WORK_ENDED = (
    'no frame is answered any more: the thread that answers them ended by an error, which it wrote '
    'to stderr; restart the node'
)
"""What is said of a node that serves parameters and topics, but has lost its worker."""

_OTHER_CLOCK = 3600.0  # s; an image older than this was stamped by another clock


@dataclass(frozen=True)
class State:
    """What the node knows about itself at one moment."""

    statistics: Statistics
    working: bool
    dropped: int
    segmenter: Segmenter
    sentences: tuple[str, ...]
    demanded: frozenset[str]
    image_topic: str
    image_type_problem: str
    image_reliability: str
    query_topic: str
    converter: str


def level_and_message(state: State) -> tuple[bytes, str]:
    """Sum the state up: the worst thing first."""
    statistics = state.statistics
    if not state.working:
        return DiagnosticStatus.ERROR, WORK_ENDED
    if statistics.failure and state.sentences:
        return DiagnosticStatus.ERROR, f'the last frame failed: {statistics.failure}'
    if statistics.seconds_without_image() > SILENCE:
        silent = statistics.seconds_without_image()
        missing = f'no image on {state.image_topic} for {silent:.0f} s'
        return DiagnosticStatus.WARN, '; '.join(filter(None, (missing, state.image_type_problem)))
    if not state.sentences:
        return DiagnosticStatus.WARN, f'no sentence: publish one on {state.query_topic}'
    if not state.demanded:
        return DiagnosticStatus.WARN, 'idle: nobody subscribes to mask, boundary, overlay or result'
    if statistics.bad_image:
        return DiagnosticStatus.WARN, f'the last image cannot be used: {statistics.bad_image}'
    return DiagnosticStatus.OK, 'answering'


def diagnostic_array(node: Node, state: State) -> DiagnosticArray:
    """Make the message; times are in ms, the rate in Hz, counts are since the start."""
    level, message = level_and_message(state)
    statistics, segmenter = state.statistics, state.segmenter
    values = {
        'query': '; '.join(state.sentences),
        'rate': f'{statistics.rate():.2f}',
        **_times(statistics),
        'images received': statistics.received,
        'images answered': statistics.answered,
        'dropped frames': state.dropped,
        'bad images': statistics.bad_images,
        'failed frames': statistics.failed_frames,
        'refused sentences': statistics.refused_sentences,
        'device': segmenter.device,
        'precision': segmenter.precision,
        'engine': segmenter.engine.name,
        'why no faster engine': segmenter.engine.reason or 'no faster one was asked for',
        'checkpoint': segmenter.checkpoint,
        'coattention': segmenter.config.coattention,
        'score': 'calibrated' if segmenter.calibration else 'not calibrated',
        'image topic': state.image_topic,
        'image reliability': state.image_reliability,
        'query topic': state.query_topic,
        'demanded outputs': ' '.join(sorted(name[2:] for name in state.demanded)),
        'image conversion': state.converter,
    }
    status = DiagnosticStatus(
        level=level,
        name=f'{node.get_fully_qualified_name()[1:]}: segmentation',
        message=message,
        hardware_id=str(segmenter.device),
        values=[KeyValue(key=key, value=str(value)) for key, value in values.items()],
    )
    array = DiagnosticArray(status=[status])
    array.header.stamp = node.get_clock().now().to_msg()
    return array


def _times(statistics: Statistics) -> dict[str, str]:
    """
    Quantiles in ms of each field of Timing: the frame's stages, their sum, and its age at the end.

    A latency below zero or above an hour means that the camera stamps by another clock.
    """
    quantiles = statistics.quantiles()
    values = {}
    for name in (field.name for field in fields(Timing)):
        for index, quantile in enumerate(('p50', 'p95')):
            if name not in quantiles:
                text = 'none yet'
            elif name == 'latency' and not 0 <= quantiles[name][index] <= _OTHER_CLOCK:
                text = "unknown: the images bear another clock's stamps"
            else:
                text = f'{quantiles[name][index] * 1e3:.2f}'
            values[f'{name} {quantile}'] = text
    return values
