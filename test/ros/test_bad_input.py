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


"""What a camera or a person can do wrong, tried on the running node: it lives on and says why."""

import array
import re

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticStatus
from harness import DEADLINE, header, picture
from ros2_refseg.msg import ReferringSegmentation
from sensor_msgs.msg import Image
from std_msgs.msg import String

SENTENCE = 'the red mug'

BAD_IMAGES = {
    'unknown encoding': ({'encoding': 'h264'}, "encoding 'h264' has no colours"),
    'depth': (
        {'encoding': '32FC1', 'data': array.array('B', np.full(64 * 48, np.nan, '<f4').tobytes())},
        "encoding '32FC1' has no colours",
    ),
    'step too small': ({'step': 64 * 3 - 1}, 'step 191, but a row takes 192 bytes'),
    'step too large': ({'step': 64 * 3 + 1}, 'needs 9264 bytes of data, got 9216'),
    'short data': ({'data': array.array('B', bytes(100))}, 'needs 9216 bytes of data, got 100'),
    'no data': ({'data': array.array('B')}, 'needs 9216 bytes of data, got 0'),
    'zero width': ({'width': 0}, '0x48 rgb8 image has no pixels'),
    'zero size': ({'width': 0, 'height': 0, 'step': 0}, '0x0 rgb8 image has no pixels'),
}


@pytest.fixture
def results(node, tester):
    """Listen to results while SENTENCE is in force."""
    with tester.listen(ReferringSegmentation, '/refseg/result') as inbox:
        tester.set_parameters('refseg', query=SENTENCE)
        yield inbox


@pytest.fixture
def images(tester):
    return tester.publisher(Image, '/refseg/image')


@pytest.fixture
def sentences(node, tester):
    publisher = tester.publisher(String, '/referring_query')
    tester.wait_for_subscriber(publisher)
    return publisher


@pytest.mark.parametrize('case', list(BAD_IMAGES))
def test_bad_image_is_named_and_the_next_good_one_answered(case, node, tester, images, results):
    change, problem = BAD_IMAGES[case]
    tester.send_until_answered(images, picture(1), results)
    values = tester.send_until_reported(
        images,
        picture(2, **change),
        lambda level, message, _: level == DiagnosticStatus.WARN and problem in message,
    )
    assert int(values['bad images']) >= 1
    # Within some seconds only the first image of a kind has a line, and that kind's other figures.
    kind = re.sub(r"'.*?'|\d+", '.+', problem)
    node.wait_for_line(rf'WARN.* /refseg/image: .*{kind}.*; this image gets no answer')
    answer = tester.send_until_answered(images, picture(3), results)
    assert answer.query == SENTENCE
    assert not [message for message in results.messages if message.header == header(2)]
    tester.diagnostics(lambda level, message, _: level == DiagnosticStatus.OK)


def test_the_same_bad_image_does_not_flood_the_log(node, tester, images, results):
    tester.send_until_answered(images, picture(1), results)
    before = node.count_lines('no colours')
    values = tester.diagnostics(lambda *_: True)
    bad = int(values['bad images'])
    values = tester.send_until_reported(
        images, picture(2, encoding='h264'), lambda *status: int(status[2]['bad images']) >= bad + 4
    )
    assert node.count_lines('no colours') - before < int(values['bad images']) - bad


def test_one_pixel_is_answered(node, tester, images, results):
    answer = tester.send_until_answered(images, picture(1, 1, 1), results)
    assert (answer.mask.width, answer.mask.height, len(answer.mask.data)) == (1, 1, 1)


@pytest.mark.parametrize('seconds', [-(2**31), -1, 0, 2**31 - 1])
def test_absurd_stamps_are_copied(seconds, node, tester, images, results):
    message = picture(1)
    message.header.stamp.sec = seconds
    answer = tester.send_until_answered(images, message, results)
    assert answer.mask.header.stamp.sec == seconds


def test_8k_is_answered_at_its_size(node, tester, images, results):
    """A hundred megabytes: they arrive because the subscription becomes as reliable as we are."""
    tester.diagnostics(lambda *status: status[2]['image reliability'] == 'reliable')
    message = picture(1, 7680, 4320)
    answer = tester.send_until_answered(images, message, results, patience=DEADLINE / 3)
    assert (answer.mask.width, answer.mask.height) == (7680, 4320)
    assert len(answer.mask.data) == 7680 * 4320
    tester.send_until_answered(images, picture(2), results)


@pytest.mark.parametrize('blank', ['', '  \t\n'])
def test_blank_sentence_stops(blank, node, tester, images, results, sentences):
    tester.send_until_answered(images, picture(1), results)
    sentences.publish(String(data=blank))
    tester.diagnostics(
        lambda level, message, _: level == DiagnosticStatus.WARN and 'no sentence' in message
    )
    results.clear()
    images.publish(picture(2))
    tester.set_parameters('refseg', query='the blue bowl')
    answer = tester.send_until_answered(images, picture(3), results)
    assert answer.query == 'the blue bowl'
    assert not [message for message in results.messages if message.header == header(2)]


@pytest.mark.parametrize(
    'sentence', ['mug ' * 2500, '?!', '\N{SLIGHTLY SMILING FACE}'], ids=['10 kB', '?!', 'smiley']
)
def test_sentence_that_is_none_is_refused_and_the_old_one_holds(
    sentence, node, tester, images, results, sentences
):
    tester.send_until_answered(images, picture(1), results)
    refused = int(tester.diagnostics(lambda *_: True)['refused sentences'])
    sentences.publish(String(data=sentence))
    tester.diagnostics(lambda *status: int(status[2]['refused sentences']) == refused + 1)
    node.wait_for_line(rf"WARN.* /referring_query: .*; '{SENTENCE}' stays in force")
    assert tester.send_until_answered(images, picture(2), results).query == SENTENCE


def test_sentence_in_another_language_finds_nothing_and_says_so(
    node, tester, images, results, sentences
):
    tester.set_parameters('refseg', threshold=0.0)  # everything is found, but for this sentence
    sentences.publish(String(data='die rote Tasse'))
    tester.diagnostics(lambda *status: status[2]['query'] == 'die rote Tasse')
    answer = tester.send_until_answered(images, picture(1), results)
    assert answer.unknown_words == ['die', 'rote', 'tasse']
    assert not answer.found and answer.score == 0 and not any(answer.mask.data)
    node.wait_for_line("'die rote Tasse': .* die, rote, tasse")


def test_words_after_the_twentieth_are_told_not_to_be_read(node, tester, images, results):
    tester.set_parameters('refseg', query='the red mug ' + 'left ' * 17 + 'vermilion')
    answer = tester.send_until_answered(images, picture(1), results)
    assert answer.unknown_words == []
    node.wait_for_line("WARN.* vermilion': the network reads its first 20 words only")


def test_unknown_words_among_known_ones_are_listed(node, tester, images, results):
    tester.set_parameters('refseg', query='the vermilion mug')
    answer = tester.send_until_answered(images, picture(1), results)
    assert answer.unknown_words == ['vermilion']
