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


"""Camera and node as processes, DDS between them, ten sentences one after another."""

import json
from importlib.util import find_spec

import numpy as np
import pytest
from harness import NodeProcess, until
from ros2_refseg.msg import ReferringSegmentation
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import String

from ros2_refseg.bundled import DEFAULT, bundled_checkpoints
from ros2_refseg.metrics import intersection_over_union
from ros2_refseg.nodes.image_conversion import image_pixels

# Looked for and not imported: MuJoCo chooses its OpenGL at the first import in a process, and that
# choice is the simulator's.
pytestmark = pytest.mark.skipif(find_spec('mujoco') is None, reason='needs the simulator')

SENTENCES = 10
RESULTS_EACH = 3
LEAST_MEAN_IOU = 0.4
"""With a trained network; the sentence is of the scene as it was, and its objects move on."""


@pytest.fixture(scope='module')
def trained():
    return bundled_checkpoints().get(DEFAULT)


@pytest.fixture(scope='module')
def camera():
    arguments = ('-p', 'width:=320', '-p', 'height:=240', '-p', 'rate:=5.0', '-p', 'seed:=3')
    with NodeProcess('refseg_camera', *arguments) as process:
        yield process


@pytest.fixture(scope='module')
def refseg(trained, checkpoints):
    arguments = (
        *('-r', '__node:=eye', '-r', '~/image:=/camera/image_raw'),
        *('-p', f'checkpoint:={trained or checkpoints["acm"]}'),
    )
    with NodeProcess('refseg_node', *arguments) as process:
        process.wait_for_line('images from /camera/image_raw')
        yield process


def stamp(message):
    return message.header.stamp.sec, message.header.stamp.nanosec


def test_ten_sentences(camera, refseg, tester, trained):
    sentences = tester.publisher(String, '/referring_query')
    overlaps = []
    with (
        tester.listen(Image, '/camera/image_raw', depth=100) as images,
        tester.listen(Image, '/camera/truth/labels', depth=100) as labels,
        tester.listen(String, '/camera/truth/scene', depth=100) as scenes,
        tester.listen(CameraInfo, '/camera/camera_info', depth=100) as infos,
        tester.listen(ReferringSegmentation, '/eye/result', depth=100) as results,
    ):
        until(lambda: heard_by(tester, sentences, 'eye'), 'match of the node with the sentences')
        asked = set()
        for _ in range(SENTENCES):
            scenes.clear()
            choices = json.loads(scenes.wait(lambda m: fresh(m, asked)).data)['sentences']
            choice = next(c for c in choices if c['sentence'] not in asked)
            sentence = choice['sentence']
            asked.add(sentence)
            results.clear()
            sentences.publish(String(data=sentence))
            results.wait(lambda _: count(results, sentence) >= RESULTS_EACH)  # noqa: B023
            answers = list(results.messages)
            queries = [answer.query for answer in answers]
            assert queries.index(sentence) <= 2, f'{sentence!r} took effect late: {queries}'
            assert set(queries[queries.index(sentence) :]) == {sentence}
            for answer in answers[queries.index(sentence) :]:
                image = images.wait(lambda m: stamp(m) == stamp(answer))  # noqa: B023
                truth = labels.wait(lambda m: stamp(m) == stamp(answer))  # noqa: B023
                assert answer.header == image.header == truth.header == answer.mask.header
                assert (answer.mask.width, answer.mask.height) == (image.width, image.height)
                meant = image_pixels(truth) == choice['object_id']
                overlaps.append(intersection_over_union(image_pixels(answer.mask) > 0, meant))
        info = infos.wait(lambda m: stamp(m) == stamp(answers[-1]))
    assert (info.width, info.height, info.header.frame_id) == (320, 240, 'camera_optical_frame')
    assert info.k[0] == info.k[4] == info.p[0] > 0 and info.k[8] == 1
    assert len(overlaps) >= SENTENCES * RESULTS_EACH and all(0 <= iou <= 1 for iou in overlaps)
    if trained:
        assert np.mean(overlaps) > LEAST_MEAN_IOU


def heard_by(tester, publisher, node_name):
    """Whether all subscribers of a topic, among them one of a node, are matched."""
    subscribers = tester.node.get_subscriptions_info_by_topic(publisher.topic_name)
    names = {subscriber.node_name for subscriber in subscribers}
    return node_name in names and publisher.get_subscription_count() >= len(subscribers)


def fresh(scene, asked):
    """Whether a scene has a sentence that was not asked yet."""
    return any(s['sentence'] not in asked for s in json.loads(scene.data)['sentences'])


def count(results, sentence):
    return sum(message.query == sentence for message in results.messages)
