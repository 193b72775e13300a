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


"""The real node in this process, with a network that can be held or made to fail."""

import array
import threading
from contextlib import contextmanager

import cv2
import numpy as np
import pytest
import torch
from diagnostic_msgs.msg import DiagnosticStatus
from harness import header, picture, until
from rclpy.context import Context
from rclpy.executors import MultiThreadedExecutor
from rclpy.parameter import Parameter
from rclpy.qos import DurabilityPolicy, ReliabilityPolicy
from ros2_refseg.msg import ReferringSegmentation
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import String

from ros2_refseg.nodes import segmentation_node
from ros2_refseg.nodes.loading import load_segmenter


class Gate:
    """Wraps `Segmenter.segment`: counts, fails or waits when told to."""

    def __init__(self):
        """Let everything pass."""
        self.open = threading.Event()
        self.open.set()
        self.entered = threading.Event()
        self.error = None

    def guard(self, segment):
        """Wrap a segmenter's method."""

        def guarded(image, sentence):
            self.entered.set()
            assert self.open.wait(60)
            if self.error is not None:
                raise self.error
            return segment(image, sentence)

        return guarded


@pytest.fixture
def gate():
    return Gate()


@pytest.fixture
def start(gate, checkpoints, monkeypatch):
    """Start the node under the name `inner` with parameters of the test."""

    def load(values, logger):
        segmenter = load_segmenter(values, logger)
        segmenter.segment = gate.guard(segmenter.segment)
        return segmenter

    monkeypatch.setattr(segmentation_node, 'load_segmenter', load)
    context = Context()
    context.init(args=['--ros-args', '-r', '__node:=inner'])
    executor = MultiThreadedExecutor(num_threads=3, context=context)
    started = []

    def start_node(arguments=None, **parameters):
        values = {'checkpoint': str(checkpoints['acm']), 'query': 'the red mug', **parameters}
        overrides = [Parameter(name, value=value) for name, value in values.items()]
        node = segmentation_node.SegmentationNode(
            context=context, parameter_overrides=overrides, cli_args=arguments
        )
        executor.add_node(node)
        thread = threading.Thread(target=executor.spin)
        thread.start()
        started.append((node, thread))
        return node

    yield start_node
    gate.open.set()
    executor.shutdown()
    for node, thread in started:
        thread.join()
        node.close()
        node.destroy_node()
    context.try_shutdown()


def test_parameters_answer_while_the_network_runs(start, gate, tester):
    start()
    gate.open.clear()
    images = tester.publisher(Image, '/inner/image')
    with tester.listen(ReferringSegmentation, '/inner/result') as results:
        tester.wait_for_subscriber(images)
        while not gate.entered.wait(0.2):
            images.publish(picture(1))
        assert tester.get_parameter('inner', 'threshold') == 0.5
        tester.set_parameters('inner', threshold=0.0, query='the blue bowl')
        assert not results.messages
        gate.open.set()
        tester.send_until_answered(images, picture(2), results)


def test_frames_that_come_while_the_network_runs_leave_only_the_newest(start, gate, tester):
    node = start()
    gate.open.clear()
    images = tester.publisher(Image, '/inner/image')
    with tester.listen(ReferringSegmentation, '/inner/result') as results:
        tester.wait_for_subscriber(images)
        while not gate.entered.wait(0.2):
            images.publish(picture(1))
        for number in range(2, 10):
            taken = node._statistics.received
            until_received(node, lambda: images.publish(picture(number)), taken)  # noqa: B023
        gate.open.set()
        results.wait(lambda message: message.header == header(9))
        answered = [message.header for message in results.messages]
    assert answered[0] == header(1) and set(map(repr, answered[1:])) == {repr(header(9))}


@contextmanager
def frame_in_the_network(gate, tester):
    """Hold picture 1 there; give a publisher of images, and what comes as results and masks."""
    gate.open.clear()
    images = tester.publisher(Image, '/inner/image')
    with (
        tester.listen(ReferringSegmentation, '/inner/result') as results,
        tester.listen(Image, '/inner/mask') as masks,
    ):
        tester.diagnostics(lambda *status: status[2]['demanded outputs'] == 'mask result', 'inner')
        tester.wait_for_subscriber(images)
        while not gate.entered.wait(0.2):
            images.publish(picture(1))
        yield images, results, masks


def test_a_sentence_that_was_replaced_meanwhile_gets_no_answer(start, gate, tester):
    start()
    with frame_in_the_network(gate, tester) as (images, results, masks):
        tester.set_parameters('inner', query='the blue bowl')
        gate.open.set()
        tester.send_until_answered(images, picture(2), masks)
        results.wait(lambda message: message.header == header(2))
    assert {message.query for message in results.messages} == {'the blue bowl'}


def test_a_network_that_was_replaced_meanwhile_gives_no_answer(start, gate, tester, checkpoints):
    node = start()
    with frame_in_the_network(gate, tester) as (images, results, _):
        tester.set_parameters('inner', checkpoint=str(checkpoints['vcm']))
        gate.open.set()
        tester.send_until_answered(images, picture(2), results)
    assert header(1) not in [message.header for message in results.messages]
    answered = len(results.messages)
    assert len(node._statistics._timings) == answered, "no other network's times"
    tester.set_parameters('inner', checkpoint=str(checkpoints['acm']))
    assert not node._statistics.quantiles()


def test_other_sentences_about_the_frame_are_answered_without_its_mask(start, gate, tester):
    """While the first one was replaced: the mask would be of a sentence that is not the first."""
    start(queries=['the blue bowl', 'the left mug'])
    with frame_in_the_network(gate, tester) as (images, results, masks):
        tester.set_parameters('inner', query='the mug', queries=['the left mug', 'the bowl'])
        gate.open.set()
        results.wait(lambda message: message.header == header(1))
        tester.send_until_answered(images, picture(2), masks)
        results.wait(lambda message: message.query == 'the bowl')
    assert {message.query for message in results.messages if message.header == header(1)} == {
        'the left mug'
    }
    assert header(1) not in [message.header for message in masks.messages]


def until_received(node, send, count):
    """Send until the node has received more than ``count`` images."""

    def received():
        send()
        pause.wait(0.2)
        return node._statistics.received > count

    pause = threading.Event()
    until(received, 'image')


def test_a_reason_that_the_engine_learns_from_a_frame_is_told_once(start, tester, capfd):
    """As on CUDA, where the first frame shows whether a graph can be recorded."""
    node = start()
    images = tester.publisher(Image, '/inner/image')
    with tester.listen(ReferringSegmentation, '/inner/result') as results:
        tester.send_until_answered(images, picture(1), results)
        node._segmenter.engine.reason = 'no graph'
        for number in (2, 3):
            tester.send_until_answered(images, picture(number), results)
    log = ''.join(capfd.readouterr())
    assert log.count('runs slower than it could: no graph') == 1


@pytest.mark.parametrize(
    'error', [torch.cuda.OutOfMemoryError('CUDA out of memory'), MemoryError(), OSError('broken')]
)
def test_a_frame_that_fails_is_an_error_and_the_next_one_is_answered(error, start, gate, tester):
    start()
    gate.error = error
    images = tester.publisher(Image, '/inner/image')
    with tester.listen(ReferringSegmentation, '/inner/result') as results:
        reason = 'broken' if isinstance(error, OSError) else 'out of memory on cpu'
        values = tester.send_until_reported(
            images,
            picture(1),
            lambda level, message, _: level == DiagnosticStatus.ERROR and reason in message,
            node='inner',
        )
        assert int(values['failed frames']) >= 1
        gate.error = None
        tester.send_until_answered(images, picture(2), results)
        tester.diagnostics(lambda level, *_: level == DiagnosticStatus.OK, node='inner')


def level_once(tester, predicate):
    """Give the level of the first diagnostic status whose values fit."""
    levels = []
    tester.diagnostics(
        lambda level, _, values: predicate(values) and not levels.append(level), node='inner'
    )
    return levels[0]


@pytest.mark.parametrize('change', ['sentence', 'network'])
def test_a_failure_is_past_with_its_sentence_or_network(change, start, gate, tester, checkpoints):
    start()
    gate.error = OSError('broken')
    images = tester.publisher(Image, '/inner/image')
    with tester.listen(ReferringSegmentation, '/inner/result'):
        tester.send_until_reported(
            images, picture(1), lambda level, *_: level == DiagnosticStatus.ERROR, node='inner'
        )
        if change == 'sentence':
            tester.set_parameters('inner', query='')
            assert level_once(tester, lambda v: not v['query']) == DiagnosticStatus.WARN
            tester.set_parameters('inner', query='the blue bowl')
            level = level_once(tester, lambda v: v['query'] == 'the blue bowl')
        else:
            tester.set_parameters('inner', checkpoint=str(checkpoints['vcm']))
            level = level_once(tester, lambda v: v['coattention'] == 'vcm')
        assert level != DiagnosticStatus.ERROR


@pytest.mark.filterwarnings('ignore::pytest.PytestUnhandledThreadExceptionWarning')
def test_a_worker_that_ended_is_told(start, tester, capfd):
    node = start()

    def end(error, message):
        raise error

    node._convert = node._report_failure = end
    images = tester.publisher(Image, '/inner/image')
    with tester.listen(ReferringSegmentation, '/inner/result'):
        tester.send_until_reported(
            images,
            picture(1),
            lambda level, text, _: level == DiagnosticStatus.ERROR and 'restart the node' in text,
            node='inner',
        )
    assert 'no frame is answered any more' in ''.join(capfd.readouterr())


def test_an_image_that_breaks_the_conversion_is_an_error_and_the_next_one_is_answered(
    start, tester
):
    """Nothing that comes out of cv_bridge or OpenCV ends the worker."""
    node = start()
    convert, broken = node._convert, [True]

    def convert_or_fail(message):
        if broken:
            raise cv2.error('not today')
        return convert(message)

    node._convert = convert_or_fail
    images = tester.publisher(Image, '/inner/image')
    with tester.listen(ReferringSegmentation, '/inner/result') as results:
        tester.send_until_reported(
            images,
            picture(1),
            lambda level, message, _: level == DiagnosticStatus.ERROR and 'not today' in message,
            node='inner',
        )
        broken.clear()
        tester.send_until_answered(images, picture(2), results)


def test_parameters_that_raise_are_refused(start, tester, monkeypatch):
    """An exception that left the callback would leave the executor, too, and end the process."""
    node = start()

    def load(values, logger):
        raise KeyError('a mistake of ours')

    monkeypatch.setattr(segmentation_node, 'load_segmenter', load)
    (result,) = tester.try_parameters('inner', checkpoint='other.safetensors')
    assert not result.successful
    assert 'checkpoint cannot be set' in result.reason and 'a mistake of ours' in result.reason
    assert node.get_parameter('checkpoint').value != 'other.safetensors'


def test_silence_is_explained(start, tester, capfd):
    start(query='')
    images = tester.publisher(Image, '/inner/image')
    tester.diagnostics(
        lambda level, message, _: level == DiagnosticStatus.WARN and 'no image' in message,
        node='inner',
    )
    tester.send_until_reported(
        images, picture(1), lambda level, message, _: 'no sentence' in message, node='inner'
    )
    log = ''.join(capfd.readouterr())
    assert 'no image on /inner/image' in log and 'ros2 topic' in log
    assert 'no sentence yet on /referring_query' in log


@pytest.mark.parametrize(
    ('transport', 'topic', 'published', 'taken'),
    [
        ('raw', '/odd/image', CompressedImage, 'sensor_msgs/msg/Image'),
        ('compressed', '/odd/image/compressed', Image, 'sensor_msgs/msg/CompressedImage'),
    ],
)
def test_images_of_another_type_are_explained(transport, topic, published, taken, start, tester):
    start(['--ros-args', '-r', '~/image:=/odd/image'], image_transport=transport)
    with tester.publishing(published, topic):
        tester.diagnostics(
            lambda level, message, _: level == DiagnosticStatus.WARN
            and f'no image on {topic}' in message
            and f'published there is sensor_msgs/msg/{published.__name__}, but taken {taken}: '
            "remap '~/image'" in message,
            node='inner',
        )


def test_mismatching_qos_is_explained(start, tester, capfd):
    start()
    log = ''

    def explained():
        nonlocal log
        log += ''.join(capfd.readouterr())
        return 'DURABILITY' in log and 'RELIABILITY' in log

    demanding = {'durability': DurabilityPolicy.TRANSIENT_LOCAL}
    careless = {'reliability': ReliabilityPolicy.BEST_EFFORT}
    with (
        tester.listen(ReferringSegmentation, '/inner/result', **demanding),
        tester.publishing(String, '/referring_query', **careless),
    ):
        until(explained, 'line about QoS')
    assert 'a subscription to /inner/result asks for more' in log
    assert 'a publisher on /referring_query does not match' in log


def test_compressed_transport(start, tester):
    start(image_transport='compressed')
    pixels = np.full((48, 64, 3), 90, np.uint8)
    message = CompressedImage(header=header(1), format='jpeg')
    message.data = array.array('B', cv2.imencode('.jpg', pixels)[1].tobytes())
    images = tester.publisher(CompressedImage, '/inner/image/compressed')
    with tester.listen(ReferringSegmentation, '/inner/result') as results:
        answer = tester.send_until_answered(images, message, results)
        assert (answer.mask.width, answer.mask.height) == (64, 48)
        broken = CompressedImage(header=header(2), format='jpeg', data=array.array('B', b'none'))
        tester.send_until_reported(
            images, broken, lambda _, text, __: 'cannot be decoded' in text, node='inner'
        )
