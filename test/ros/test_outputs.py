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


"""What the node publishes: the right content, for the right frame, only when somebody listens."""

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticStatus
from harness import header, picture
from rclpy.qos import ReliabilityPolicy
from ros2_refseg.msg import ReferringSegmentation, WordCorrection
from sensor_msgs.msg import Image

from ros2_refseg.nodes.image_conversion import array_to_image, image_to_rgb

SENTENCE = 'the red mug'


@pytest.fixture
def images(node, tester):
    tester.set_parameters('refseg', query=SENTENCE)
    return tester.publisher(Image, '/refseg/image')


def test_result_of_a_full_mask(node, tester, images):
    tester.set_parameters('refseg', threshold=0.0)
    with tester.listen(ReferringSegmentation, '/refseg/result') as results:
        answer = tester.send_until_answered(images, picture(1, 64, 48), results)
    assert answer.header == answer.mask.header == answer.boundary.header == header(1)
    assert answer.query == SENTENCE and answer.unknown_words == [] and answer.corrections == []
    assert answer.found and 0 < answer.score <= 1 and not answer.calibrated
    assert (answer.mask.width, answer.mask.height, answer.mask.encoding) == (64, 48, 'mono8')
    assert set(answer.mask.data) == {255} and answer.area == 64 * 48
    roi = answer.roi
    assert (roi.x_offset, roi.y_offset, roi.width, roi.height) == (0, 0, 64, 48)
    assert (answer.centroid.x, answer.centroid.y, answer.centroid.z) == (31.5, 23.5, 0.0)
    assert (answer.boundary.width, answer.boundary.height) == (64, 48)
    assert answer.boundary.encoding == 'mono8'
    processing = answer.processing_time
    assert processing.sec + processing.nanosec > 0
    assert answer.latency.sec > 1e6  # the picture claims to be of January 1970


def test_result_of_an_empty_mask(node, tester, images):
    tester.set_parameters('refseg', threshold=1.0)
    with tester.listen(ReferringSegmentation, '/refseg/result') as results:
        answer = tester.send_until_answered(images, picture(1), results)
    assert not answer.found and answer.score == 0 and answer.area == 0
    assert set(answer.mask.data) == set(answer.boundary.data) == {0}
    roi = answer.roi
    assert (roi.x_offset, roi.y_offset, roi.width, roi.height) == (0, 0, 0, 0)
    assert (answer.centroid.x, answer.centroid.y) == (0.0, 0.0)


def test_what_is_not_sure_enough_is_withheld(node, tester, images):
    with tester.listen(ReferringSegmentation, '/refseg/result') as results:
        tester.set_parameters('refseg', threshold=0.0, found_threshold=1.0)
        withheld = tester.send_until_answered(images, picture(1), results)
        tester.set_parameters('refseg', found_threshold=0.0)
        shown = tester.send_until_answered(images, picture(2), results)
    assert not withheld.found and withheld.area == 0 and 0 < withheld.score < 1
    assert set(withheld.mask.data) == set(withheld.boundary.data) == {0}
    assert shown.found and shown.score == withheld.score and any(shown.boundary.data)


def test_result_tells_typing_errors(node, tester, images):
    tester.set_parameters('refseg', query='the vermilion bolw, lfet')
    with tester.listen(ReferringSegmentation, '/refseg/result') as results:
        answer = tester.send_until_answered(images, picture(1), results)
    assert answer.query == 'the vermilion bolw, lfet'
    assert answer.corrections == [
        WordCorrection(word='bolw', read_as='bowl'), WordCorrection(word='lfet', read_as='left')
    ]
    assert answer.unknown_words == ['vermilion']
    node.wait_for_line("read 'bolw' as 'bowl'; it read 'lfet' as 'left'; it was not taught .*verm")


def test_single_outputs_agree_with_the_result(node, tester, images):
    noise = np.random.default_rng(3).integers(0, 256, (48, 64, 3), np.uint8)
    message = array_to_image(noise, 'rgb8', header(1))
    with (
        tester.listen(ReferringSegmentation, '/refseg/result') as results,
        tester.listen(Image, '/refseg/mask') as masks,
        tester.listen(Image, '/refseg/boundary') as boundaries,
        tester.listen(Image, '/refseg/overlay') as overlays,
    ):
        tester.diagnostics(
            lambda *status: status[2]['demanded outputs'] == 'boundary mask overlay result'
        )
        answer = tester.send_until_answered(images, message, results)
        mask, boundary, overlay = (
            inbox.wait(lambda m: m.header == header(1)) for inbox in (masks, boundaries, overlays)
        )
    assert mask == answer.mask
    assert boundary == answer.boundary
    assert overlay.encoding == 'bgr8' and image_to_rgb(overlay).shape == (48, 64, 3)


@pytest.mark.parametrize('output', ['mask', 'boundary', 'overlay'])
def test_one_output_alone(output, node, tester, images):
    with tester.listen(
        Image, f'/refseg/{output}', reliability=ReliabilityPolicy.BEST_EFFORT
    ) as inbox:
        tester.diagnostics(lambda *status: status[2]['demanded outputs'] == output)
        answer = tester.send_until_answered(images, picture(1, 32, 24), inbox)
    assert (answer.width, answer.height) == (32, 24)


def test_nothing_is_computed_while_nobody_listens(node, tester, images):
    with tester.listen(ReferringSegmentation, '/refseg/result') as results:
        tester.send_until_answered(images, picture(1), results)
    values = tester.send_until_reported(
        images,
        picture(2),
        lambda level, message, values: level == DiagnosticStatus.WARN and 'nobody' in message,
    )
    answered, received = int(values['images answered']), int(values['images received'])
    values = tester.send_until_reported(
        images, picture(3), lambda *status: int(status[2]['images received']) >= received + 3
    )
    assert int(values['images answered']) == answered
    with tester.listen(ReferringSegmentation, '/refseg/result') as results:
        tester.send_until_answered(images, picture(4), results)
        assert all(message.header == header(4) for message in results.messages)


def test_diagnostics_name_what_runs(node, tester, images):
    with tester.listen(ReferringSegmentation, '/refseg/result') as results:
        tester.send_until_answered(images, picture(1), results)
        values = tester.send_until_reported(
            images, picture(1), lambda level, _, values: level == DiagnosticStatus.OK
        )
    assert values['device'] == 'cpu' or values['device'].startswith('cuda')
    assert values['precision'] in ('fp32', 'bf16', 'int8', 'fp16')
    assert values['checkpoint'].endswith('acm.safetensors') and values['coattention'] == 'acm'
    assert values['query'] == SENTENCE and values['score'] == 'not calibrated'
    assert values['image topic'] == '/refseg/image' and values['query topic'] == '/referring_query'
    assert float(values['rate']) > 0
    assert float(values['processing p50']) <= float(values['processing p95'])
    assert 'clock' in values['latency p50']  # the pictures claim to be of January 1970
    assert int(values['images received']) >= int(values['images answered']) > 0


def test_best_effort_cameras_are_heard_beside_reliable_ones(node, tester, images):
    """The subscription follows its publishers: reliable, best effort, and back."""
    tester.wait_for_subscriber(images)
    tester.diagnostics(lambda *status: status[2]['image reliability'] == 'reliable')
    with (
        tester.publishing(
            Image, '/refseg/image', reliability=ReliabilityPolicy.BEST_EFFORT
        ) as careless,
        tester.listen(ReferringSegmentation, '/refseg/result') as results,
    ):
        tester.diagnostics(lambda *status: status[2]['image reliability'] == 'best effort')
        tester.send_until_answered(careless, picture(1), results)
        tester.send_until_answered(images, picture(2), results)
    tester.diagnostics(lambda *status: status[2]['image reliability'] == 'reliable')


def test_several_sentences_are_answered_by_a_result_each(node, tester, images):
    others = ['the blue bowl', ' ', SENTENCE, 'the mug on the left']
    tester.set_parameters('refseg', threshold=0.0, queries=others)
    with (
        tester.listen(ReferringSegmentation, '/refseg/result') as results,
        tester.listen(Image, '/refseg/mask') as masks,
    ):
        tester.send_until_answered(images, picture(1), results)
        tester.send_until_answered(images, picture(2), masks)
        results.wait(lambda message: message.header == header(2) and message.query == others[-1])
        answered = [message.query for message in results.messages if message.header == header(2)]
    assert answered[:3] == [SENTENCE, others[0], others[-1]], 'query first, each once, none blank'
    values = tester.send_until_reported(
        images, picture(3), lambda *status: 'the blue bowl' in status[2]['query']
    )
    conversion, inference, publishing = (
        float(values[f'{stage} p50']) for stage in ('conversion', 'inference', 'publishing')
    )
    # In ms: a quick machine converts so small a picture in less than what is told.
    assert inference > 0 and min(conversion, publishing) >= 0


def test_too_many_or_wordless_sentences_are_refused(node, tester):
    for sentences, problem in ((['mug'] * 8, '8 sentences are too many'), (['?'], 'has no word')):
        with pytest.raises(AssertionError, match=problem):
            tester.set_parameters('refseg', queries=sentences)
