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


"""What the node `refseg` counts and times, shared by its threads."""

import dataclasses
import threading
import time
from collections import deque

import numpy as np

from ros2_refseg.nodes.outputs import Timing

RATE_WINDOW = 5.0
"""Seconds over which the rate is counted."""

_TIMINGS = 100  # frames of which the quantiles are taken


class Statistics:
    """Counters since the start, the recent timings, and the trouble the node is in."""

    def __init__(self):
        """Start the clock."""
        self._lock = threading.Lock()
        self._started = time.monotonic()
        self._last_image = -float('inf')
        self._answers: deque[float] = deque()
        self._timings: deque[Timing] = deque(maxlen=_TIMINGS)
        self.received = 0
        self.answered = 0
        self.bad_images = 0
        self.failed_frames = 0
        self.refused_sentences = 0
        self.bad_image: str | None = None
        self.failure: str | None = None

    def image_received(self) -> None:
        """Count an image, usable or not."""
        with self._lock:
            self.received += 1
            self._last_image = time.monotonic()

    def image_was_bad(self, problem: str) -> None:
        """Count an image that could not be converted; ``problem`` holds until the next answer."""
        with self._lock:
            self.bad_images += 1
            self.bad_image = problem

    def frame_failed(self, problem: str) -> None:
        """Count a frame that the network failed on; ``problem`` holds until the next answer."""
        with self._lock:
            self.failed_frames += 1
            self.failure = problem

    def sentence_refused(self) -> None:
        """Count a sentence that came by topic and was not taken."""
        with self._lock:
            self.refused_sentences += 1

    def frame_answered(self, timing: Timing) -> None:
        """Count an answer, which ends all trouble."""
        with self._lock:
            self.answered += 1
            self.bad_image = self.failure = None
            self._timings.append(timing)
            self._answers.append(time.monotonic())

    def forget_trouble(self) -> None:
        """Take back the trouble of frames whose sentence or network holds no longer."""
        with self._lock:
            self.bad_image = self.failure = None

    def forget_timings(self) -> None:
        """Take back the recent times, which were another network's."""
        with self._lock:
            self._timings.clear()

    def seconds_without_image(self) -> float:
        """Seconds since the last image, or since the start."""
        return time.monotonic() - max(self._last_image, self._started)

    def rate(self) -> float:
        """Answers a second, over the last RATE_WINDOW seconds."""
        with self._lock:
            now = time.monotonic()
            while self._answers and now - self._answers[0] > RATE_WINDOW:
                self._answers.popleft()
            return len(self._answers) / min(RATE_WINDOW, max(now - self._started, 1.0))

    def quantiles(self) -> dict[str, tuple[float, float]]:
        """Median and 95 % quantile of the recent times, by the names of Timing, in seconds."""
        with self._lock:
            timings = list(self._timings)
        if not timings:
            return {}
        return {
            field.name: tuple(
                np.quantile([getattr(timing, field.name) for timing in timings], (0.5, 0.95))
            )
            for field in dataclasses.fields(Timing)
        }
