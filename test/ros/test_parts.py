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


"""The node's small parts alone: the slot, the paced worker, the log, the choice of converter."""

import threading

import numpy as np
import pytest
from harness import picture
from rclpy.logging import get_logger

from ros2_refseg.nodes.image_converter import ImageConverter
from ros2_refseg.nodes.latest_slot import LatestSlot, PacedWorker
from ros2_refseg.nodes.throttled_log import ThrottledLog


def test_slot_keeps_the_newest_and_counts_the_rest():
    slot = LatestSlot()
    for item in range(5):
        slot.put(item)
    assert slot.take() == 4 and slot.dropped == 4


def test_cleared_items_are_not_counted():
    slot = LatestSlot()
    slot.put(1)
    slot.clear()
    slot.put(2)
    assert slot.take() == 2 and slot.dropped == 0


def test_closing_ends_a_take_that_waits():
    slot = LatestSlot()
    taken = []
    thread = threading.Thread(target=lambda: taken.append(slot.take()))
    thread.start()
    slot.close()
    thread.join(60)
    assert taken == [None]


def test_item_waits_for_its_time_and_is_replaced_meanwhile():
    slot = LatestSlot()
    delays = iter([1000.0, 1000.0, 0.0])
    asked = threading.Semaphore(0)
    taken = []

    def delay():
        asked.release()
        return next(delays)

    slot.put('old')
    thread = threading.Thread(target=lambda: taken.append(slot.take(delay)))
    thread.start()
    asked.acquire()
    slot.put('new')
    asked.acquire()
    slot.wake()
    thread.join(60)
    assert taken == ['new'] and slot.dropped == 1


def test_worker_is_freed_at_once_by_a_new_rate():
    done = threading.Semaphore(0)
    worker = PacedWorker(lambda item: done.release(), max_rate=1e-4)
    worker.start()
    worker.submit(1)
    assert done.acquire(timeout=60)
    worker.submit(2)  # would have to wait for hours
    worker.max_rate = 0.0
    assert done.acquire(timeout=60)
    worker.stop()


@pytest.mark.parametrize('rate', [1e-10, 1e-300, 5e-324])
def test_worker_outlives_a_rate_of_nearly_nothing(rate):
    """Its period is longer than Python can wait at a time."""
    done = threading.Semaphore(0)
    worker = PacedWorker(lambda item: done.release(), max_rate=rate)
    assert not worker.alive
    worker.start()
    worker.submit(1)
    assert done.acquire(timeout=60)
    worker.submit(2)
    worker.max_rate = 0.0
    assert done.acquire(timeout=60) and worker.alive
    worker.stop()
    assert not worker.alive


def test_worker_stops_with_an_item_waiting():
    worker = PacedWorker(lambda item: None, max_rate=1e-4)
    worker.start()
    worker.submit(1)
    worker.submit(2)
    worker.stop()


class Lines:
    """Takes the place of a logger."""

    def __init__(self):
        """Start empty."""
        self.lines = []

    def warning(self, line):
        self.lines.append(line)


def test_log_speaks_once_for_each_kind():
    logger = Lines()
    log = ThrottledLog(logger, period=1000.0)
    for kind in 'aabab':
        log.warning(kind, f'problem {kind}')
    assert logger.lines == ['problem a', 'problem b']


def test_log_tells_how_many_it_held_back():
    logger = Lines()
    log = ThrottledLog(logger, period=1000.0)
    for _ in range(3):
        log.warning('a', 'problem')
    log._last.clear()  # as if the period had passed
    log.warning('a', 'problem')
    assert logger.lines[1:] == ['problem (2 more like this since the last such line)']


@pytest.mark.parametrize(
    'body',
    ['raise ImportError', 'raise AttributeError("_ARRAY_API not found")', 'import os; os.abort()'],
    ids=['import error', 'attribute error', 'crash'],
)
def test_broken_cv_bridge_is_passed_over_with_one_line(body, tmp_path, monkeypatch, capfd):
    """As a cv_bridge does that was built against NumPy 1 and meets NumPy 2."""
    package = tmp_path / 'cv_bridge'
    package.mkdir()
    (package / '__init__.py').write_text(body)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv('PYTHONPATH', str(tmp_path), prepend=':')
    converter = ImageConverter(get_logger('test'))
    assert converter.backend == 'own'
    assert converter.to_rgb(picture(1)).shape == (48, 64, 3)
    assert ''.join(capfd.readouterr()).count('cv_bridge is installed but does not work') == 1


def test_working_cv_bridge_is_used_where_it_is_right(tmp_path, monkeypatch):
    """With a stand-in that marks what went through it; the real one: test_image_conversion.py."""
    package = tmp_path / 'cv_bridge'
    package.mkdir()
    (package / '__init__.py').write_text(
        'import numpy as np\n'
        'class CvBridge:\n'
        '    def imgmsg_to_cv2(self, message, encoding):\n'
        '        pixels = np.frombuffer(message.data, np.uint8)\n'
        '        return pixels.reshape(message.height, message.width, 3)[..., ::-1]\n'
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv('PYTHONPATH', str(tmp_path), prepend=':')
    converter = ImageConverter(get_logger('test'))
    assert converter.backend == 'cv_bridge'
    message = picture(1, 2, 1)
    message.data[:] = type(message.data)('B', range(6))
    reversed_colours = [[[2, 1, 0], [5, 4, 3]]]
    np.testing.assert_array_equal(converter.to_rgb(message), reversed_colours)
    message.encoding = 'rgb8'
    padded = picture(1, 2, 1, step=7)
    padded.data.append(0)
    np.testing.assert_array_equal(converter.to_rgb(padded), np.full((1, 2, 3), 128))
