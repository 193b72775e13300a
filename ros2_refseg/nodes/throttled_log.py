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


"""Log lines that do not flood: each kind of problem speaks once in a while."""

import threading
import time
from collections.abc import Callable, Hashable

from rclpy.impl.rcutils_logger import RcutilsLogger


class ThrottledLog:
    """
    Logs the first line of each kind at once and further ones at most every ``period`` seconds.

    rclpy's own throttle knows the source line only, so that one bad image would silence another's
    different problem; here the caller names the kind.
    """

    def __init__(self, logger: RcutilsLogger, period: float):
        """``period`` in seconds."""
        self._logger = logger
        self._period = period
        self._lock = threading.Lock()
        self._last: dict[Hashable, float] = {}
        self._held: dict[Hashable, int] = {}

    def warning(self, kind: Hashable, text: str) -> None:
        """Log a warning, unless one of this kind was logged within the period."""
        self._log(kind, text, lambda line: self._logger.warning(line))

    def error(self, kind: Hashable, text: str) -> None:
        """Log an error, unless one of this kind was logged within the period."""
        self._log(kind, text, lambda line: self._logger.error(line))

    def _log(self, kind: Hashable, text: str, write: Callable[[str], None]) -> None:
        now = time.monotonic()
        with self._lock:
            if now - self._last.get(kind, -float('inf')) < self._period:
                self._held[kind] = self._held.get(kind, 0) + 1
                return
            self._last[kind] = now
            held = self._held.pop(kind, 0)
        write(f'{text} ({held} more like this since the last such line)' if held else text)
