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


"""More frames than the node can answer: the newest is answered, the rest is dropped and counted."""

import itertools

from harness import header, picture
from ros2_refseg.msg import ReferringSegmentation
from sensor_msgs.msg import Image

RATE = 100.0  # Hz
MAX_RATE = 2.0  # Hz; what makes the node slow
ANSWERS = 12
LAST = 10_000_000  # the number of the last frame

SLACK = 60e6
"""Bytes by which resident memory may differ: allocators keep some. Queued frames would add 92 MB a
second: 100 frames of 640 x 480 pixels with 3 bytes."""


def test_flood(node, tester):
    numbers = iter(range(LAST))
    images = tester.publisher(Image, '/refseg/image')
    tester.set_parameters('refseg', query='the red mug', max_rate=MAX_RATE)
    template = picture(0, 640, 480)

    def send():
        template.header = header(next(numbers))
        images.publish(template)

    with tester.listen(ReferringSegmentation, '/refseg/result') as results:
        tester.wait_for_subscriber(images)
        before = tester.diagnostics(lambda *status: status[2]['demanded outputs'] == 'result')

        def since(values, name):
            return int(values[name]) - int(before[name])

        timer = tester.node.create_timer(1.0 / RATE, send)
        results.wait(lambda _: len(results.messages) >= 3)
        warm = node.resident_bytes()
        results.wait(lambda _: len(results.messages) >= ANSWERS)
        late = node.resident_bytes()
        tester.node.destroy_timer(timer)
        last = tester.send_until_answered(images, picture(LAST, 640, 480), results)
        # In the end every frame was either answered or dropped.
        after = tester.diagnostics(
            lambda *status: (
                since(status[2], 'images received')
                == since(status[2], 'images answered') + since(status[2], 'dropped frames')
            )
        )

    answered = [message.header.stamp.sec for message in results.messages]
    assert late - warm < SLACK
    assert answered == sorted(answered) and last.header == header(LAST)
    assert max(b - a for a, b in itertools.pairwise(answered[:-1])) > 1, 'no frame was dropped'
    assert since(after, 'dropped frames') > 0
