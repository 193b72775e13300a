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


"""The node `refseg`: a camera stream and a sentence in, the mask of the thing meant out."""

import contextlib
import dataclasses
import time
from typing import Any

import numpy as np
import torch
from rcl_interfaces.msg import SetParametersResult
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rclpy.parameter import Parameter
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import String

from ros2_refseg.data.vocabulary import MAX_WORDS, words_left_out
from ros2_refseg.nodes.adaptive_subscription import AdaptiveSubscription
from ros2_refseg.nodes.diagnostics import (
    DIAGNOSTICS,
    SILENCE,
    WORK_ENDED,
    State,
    diagnostic_array,
)
from ros2_refseg.nodes.image_conversion import ImageConversionError, compressed_to_rgb
from ros2_refseg.nodes.image_converter import ImageConverter
from ros2_refseg.nodes.latest_slot import PacedWorker
from ros2_refseg.nodes.loading import apply_decision, load_segmenter, network_file
from ros2_refseg.nodes.outputs import OUTPUTS, Outputs, Progress
from ros2_refseg.nodes.parameters import ParameterError, declare_parameters
from ros2_refseg.nodes.refseg_parameters import (
    REFSEG_PARAMETERS,
    query_problem,
    sentences_in_force,
)
from ros2_refseg.nodes.statistics import Statistics
from ros2_refseg.nodes.throttled_log import ThrottledLog
from ros2_refseg.nodes.topics import TopicSpec
from ros2_refseg.segmenter import Segmentation

IMAGE = TopicSpec(
    '~/image',
    Image,
    'camera image; remap it to your camera. Reliable while all its publishers are',
    reliable=False,
)
QUERY = TopicSpec(
    '/referring_query', String,
    'the sentence; the newest holds, a blank one stops it (`queries` go on)', depth=10,
)

_SPECS = {spec.name: spec for spec in REFSEG_PARAMETERS}
_LOG_PERIOD = 10.0  # s between two lines about the same kind of bad input
_REMINDER_PERIOD = 30.0  # s between two reminders that something is missing


class SegmentationNode(Node):
    """
    Answers every camera frame with the mask and boundary of what the sentence in force means.

    Callbacks only take note; one worker thread converts, runs the network and publishes, always on
    the newest frame. Raises ParameterError for a parameter that cannot be met.
    """

    def __init__(self, **node_options: Any):
        """``node_options`` go to rclpy's Node."""
        super().__init__('refseg', **node_options)
        logger = self.get_logger()
        self._values = declare_parameters(self, REFSEG_PARAMETERS)
        self._network_file = network_file(self._values)
        self._segmenter = load_segmenter(self._values, logger)
        self._sentences = sentences_in_force(self._values['query'], self._values['queries'])
        self._query_was_set = bool(self._sentences)
        self._started = time.monotonic()
        self._told_words: list[str] = []
        self._told_reason = ''
        self._statistics = Statistics()
        self._problems = ThrottledLog(logger, _LOG_PERIOD)
        self._reminders = ThrottledLog(logger, _REMINDER_PERIOD)
        self._converter = ImageConverter(logger)
        self._outputs = Outputs(self, logger.warning)
        self._worker = PacedWorker(self._answer, self._values['max_rate'])
        self._images = self._subscribe_to_images()
        self._queries = QUERY.subscribe(self, self._on_query, logger.warning)
        self._diagnostics = DIAGNOSTICS.advertise(self, logger.warning)
        # Images and diagnostics have groups of their own, so that they go on while the default
        # group, which serves parameters and sentences, loads another network.
        self.create_timer(
            1.0,
            self._on_second,
            callback_group=MutuallyExclusiveCallbackGroup(),
            clock=Clock(clock_type=ClockType.STEADY_TIME),  # runs even where /clock stands still
        )
        self.add_on_set_parameters_callback(self._on_parameters)
        self._worker.start()
        self._log_what_runs()

    def close(self) -> None:
        """Let the worker finish its frame and end."""
        self._worker.stop()

    def _subscribe_to_images(self) -> AdaptiveSubscription:
        spec = IMAGE
        if self._values['image_transport'] == 'compressed':
            # As image_transport has it: the base topic is remapped, then the suffix is added.
            spec = compressed(IMAGE, self.resolve_topic_name(IMAGE.name))
        return AdaptiveSubscription(self, spec, self._on_image)

    def _log_what_runs(self) -> None:
        segmenter = self._segmenter
        outputs = ' '.join(self.resolve_topic_name(spec.name) for spec in OUTPUTS)
        self.get_logger().info(
            f'network {segmenter.checkpoint} ({segmenter.config.coattention}) on '
            f'{segmenter.device} in {segmenter.precision} by {segmenter.engine.name}; '
            f'images from {self._images.topic_name}, '
            f'sentences from {self._queries.topic_name}, answers on {outputs}'
        )
        self._tell_reason()

    def _tell_reason(self) -> None:
        """Say once why the engine is no faster one, which some learn only from their frames."""
        reason = self._segmenter.engine.reason
        if reason and reason != self._told_reason:
            self.get_logger().warning(f'runs slower than it could: {reason}')
        self._told_reason = reason

    # Callbacks, in the executor's threads: all but a change of network return at once.

    def _on_image(self, message: Image | CompressedImage) -> None:
        self._statistics.image_received()
        if self._sentences and self._outputs.demanded():
            self._worker.submit(message)

    def _on_query(self, message: String) -> None:
        problem = query_problem(message.data)
        if problem:
            self._statistics.sentence_refused()
            query = self._values['query']
            holds = f'{query!r} stays in force' if query.strip() else 'none is in force'
            self._problems.warning('query', f'{self._queries.topic_name}: {problem}; {holds}')
            return
        # Sentences go through the parameter, so that it always tells the one in force.
        self.set_parameters([Parameter('query', Parameter.Type.STRING, message.data)])

    def _on_parameters(self, parameters: list[Parameter]) -> SetParametersResult:
        changes = {p.name: p.value for p in parameters if p.name in _SPECS}
        try:
            for name, value in changes.items():
                _SPECS[name].validate(value)
            self._apply(changes)
        except ParameterError as error:
            return SetParametersResult(successful=False, reason=str(error))
        except Exception as error:  # rclpy would end the node
            reason = f'{", ".join(changes)} cannot be set: {type(error).__name__}: {error}'
            if self.context.ok():
                self.get_logger().error(reason)
            return SetParametersResult(successful=False, reason=reason)
        return SetParametersResult(successful=True)

    def _apply(self, changes: dict[str, Any]) -> None:
        """Apply valid changes, all or none; raises ParameterError where a network cannot be had."""
        values = {**self._values, **changes}
        named = changes.keys() & {'checkpoint', 'coattention'}
        another = any(values[name] != self._values[name] for name in named) or (
            bool(named) and network_file(values) != self._network_file
        )
        if another:
            self._change_network(values, changes)
        self._values = values
        apply_decision(self._segmenter, values)
        self._worker.max_rate = values['max_rate']
        if changes.keys() & {'query', 'queries'}:
            self._sentences = sentences_in_force(values['query'], values['queries'])
            self._query_was_set = True
            if not self._sentences:
                self._worker.discard()
                self._statistics.forget_trouble()
        if another and self.context.ok():  # shut down meanwhile, there is nothing to log with
            self._log_what_runs()

    def _change_network(self, values: dict[str, Any], changes: dict[str, Any]) -> None:
        # The worker goes on with the old network meanwhile.
        file = network_file(values)  # before it is read, so that a later one is another
        segmenter = load_segmenter(values, self.get_logger())
        if 'coattention' in changes and segmenter.config.coattention != values['coattention']:
            raise ParameterError(
                'coattention',
                f"{values['coattention']!r} has no effect while 'checkpoint' is "
                f'{values["checkpoint"]!r}, which has {segmenter.config.coattention!r}; '
                "set 'checkpoint' to '' for the bundled networks",
            )
        self._segmenter, self._network_file = segmenter, file
        self._statistics.forget_trouble()
        self._statistics.forget_timings()

    def _on_second(self) -> None:
        self._remind()
        state = State(
            statistics=self._statistics,
            working=self._worker.alive,
            dropped=self._worker.dropped,
            segmenter=self._segmenter,
            sentences=self._sentences,
            demanded=self._outputs.demanded(),
            image_topic=self._images.topic_name,
            image_type_problem=self._image_type_problem(),
            image_reliability=self._images.reliability,
            query_topic=self._queries.topic_name,
            converter=self._converter.backend,
        )
        self._diagnostics.publish(diagnostic_array(self, state))

    def _remind(self) -> None:
        """Say what is missing: no answer without a reason."""
        if not self._worker.alive:
            self._reminders.error('worker', WORK_ENDED)
        topic = self._images.topic_name
        silent = self._statistics.seconds_without_image()
        if silent > SILENCE:
            publishers = self.count_publishers(topic)
            hint = self._image_type_problem() or (
                'look at `ros2 topic hz` and, for its QoS, at `ros2 topic info -v`'
                if publishers
                else f"start a camera, or remap '{IMAGE.name}' to the topic of yours"
            )
            self._reminders.warning(
                'image',
                f'no image on {topic} for {silent:.0f} s; publishers on it: {publishers}; {hint}',
            )
        if not self._query_was_set and time.monotonic() - self._started > SILENCE:
            topic = self._queries.topic_name
            self._reminders.warning(
                'query',
                f'no sentence yet on {topic}; publishers on it: {self.count_publishers(topic)}; '
                f'publish one: ros2 topic pub --once {topic} std_msgs/msg/String '
                '"{data: \'the red mug\'}"',
            )

    def _image_type_problem(self) -> str:
        """Say that the image topic has messages of another type, and the way out; else empty."""
        others = ', '.join(self._images.other_types)
        if not others:
            return ''
        way_out = {
            'raw': f"remap '{IMAGE.name}' to the topic of raw images, and to take its /compressed "
            "start with 'image_transport' compressed",
            'compressed': f"remap '{IMAGE.name}' to a topic that has compressed images on its "
            "/compressed, or to one of raw images and start with 'image_transport' raw",
        }[self._values['image_transport']]
        return f'published there is {others}, but taken {self._images.type_name}: {way_out}'

    # The worker's thread.

    def _answer(self, message: Image | CompressedImage) -> None:
        try:
            self._try_to_answer(message)
        except ImageConversionError as error:
            self._statistics.image_was_bad(str(error))
            topic = self._images.topic_name
            self._problems.warning(
                ('image', error.kind), f'{topic}: {error}; this image gets no answer'
            )
        except Exception as error:  # whatever a frame does, the node lives on
            if self.context.ok():
                self._report_failure(error, message)

    def _try_to_answer(self, message: Image | CompressedImage) -> None:
        started = time.monotonic()
        segmenter = self._segmenter
        sentences, demanded = self._sentences, self._outputs.demanded()
        if not sentences or not demanded:
            return
        rgb = self._convert(message)
        converted = time.monotonic()
        segmentations = segmenter.segment(rgb, sentences)
        # The network may have been replaced meanwhile, and sentences stopped or replaced.
        if segmenter is not self._segmenter:
            return
        self._tell_reason()
        in_force = self._sentences
        answers = {segmentation.sentence: segmentation for segmentation in segmentations}
        segmentations = [answers[sentence] for sentence in in_force if sentence in answers]
        if not segmentations:
            return
        if in_force[0] not in answers:  # mask, boundary and overlay are of that one alone
            demanded &= {'~/result'}
        if not demanded:
            return
        timing = self._outputs.publish(
            demanded, message.header, rgb, segmentations,
            Progress(started, converted, answered=time.monotonic()),
        )
        self._statistics.frame_answered(timing)
        self._tell_words(segmentations)

    def _convert(self, message: Image | CompressedImage) -> np.ndarray:
        if isinstance(message, CompressedImage):
            return compressed_to_rgb(message)
        return self._converter.to_rgb(message)

    def _report_failure(self, error: Exception, message: Image | CompressedImage) -> None:
        frame = 'compressed frame'
        if isinstance(message, Image):
            frame = f'{message.width}x{message.height} frame'
        if isinstance(error, (torch.cuda.OutOfMemoryError, MemoryError)):
            problem = (
                f'out of memory on {self._segmenter.device} for a {frame}, which was dropped; free '
                'memory, send smaller images, or take a smaller network'
            )
            if self._segmenter.device.type == 'cuda':
                with contextlib.suppress(RuntimeError):  # this must not end the worker
                    torch.cuda.empty_cache()
        else:
            problem = f'a {frame} was dropped: {type(error).__name__}: {error}'
        self._statistics.frame_failed(problem)
        self._problems.error(('failure', type(error)), problem)

    def _tell_words(self, segmentations: list[Segmentation]) -> None:
        """Say once a sentence how its words were read, where that is not as they stand there."""
        told = [told for told in map(_reading, segmentations) if told]
        for line in told:
            if line not in self._told_words:
                self.get_logger().warning(line)
        self._told_words = told


def _reading(segmentation: Segmentation) -> str:
    problems = [f'read {word!r} as {known!r}' for word, known in segmentation.corrections]
    if segmentation.unknown_words:
        unknown = ', '.join(segmentation.unknown_words)
        problems.append(f'was not taught the words {unknown} and does not look at them')
    if words_left_out(segmentation.sentence):
        problems.append(f'reads its first {MAX_WORDS} words only')
    return f'{segmentation.sentence!r}: the network {"; it ".join(problems)}' if problems else ''


def compressed(spec: TopicSpec, base: str) -> TopicSpec:
    """Give the topic on which image_transport publishes the compressed images of ``base``."""
    return dataclasses.replace(
        spec,
        name=f'{base}/compressed',
        message_type=CompressedImage,
        description='the same as JPEG or PNG, in place of it where image_transport is compressed',
    )
