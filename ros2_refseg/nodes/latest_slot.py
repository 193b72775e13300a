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


"""A place for one item: the newest wins, and what it replaces is counted."""

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

Item = TypeVar('Item')


class LatestSlot(Generic[Item]):
    """Hands the newest item from one thread to another; never queues, never blocks the giver."""

    def __init__(self):
        """Start empty."""
        self._changed = threading.Condition()
        self._item: Item | None = None
        self._closed = False
        self._dropped = 0

    @property
    def dropped(self) -> int:
        """Items that were replaced before anybody took them."""
        return self._dropped

    def put(self, item: Item) -> None:
        """Place an item, replacing one that is still there."""
        with self._changed:
            self._dropped += self._item is not None
            self._item = item
            self._changed.notify()

    def take(self, delay: Callable[[], float] = lambda: 0.0) -> Item | None:
        """
        Wait for an item and take it; None once the slot is closed.

        ``delay``: seconds that have still to pass before an item may be taken; asked again when
        they have passed, and at every put and wake. The item taken is the newest of that moment.
        """
        with self._changed:
            while not self._closed:
                if self._item is None:
                    self._changed.wait()
                    continue
                seconds = delay()
                if seconds <= 0:
                    item, self._item = self._item, None
                    return item
                self._changed.wait(min(seconds, threading.TIMEOUT_MAX))
            return None

    def wake(self) -> None:
        """Have ``delay`` asked again, because its answer has changed."""
        with self._changed:
            self._changed.notify()

    def clear(self) -> None:
        """Discard the item, uncounted: nobody wants it any more."""
        with self._changed:
            self._item = None

    def close(self) -> None:
        """End every take, now and later."""
        with self._changed:
            self._closed = True
            self._item = None
            self._changed.notify_all()


class PacedWorker(Generic[Item]):
    """
    One thread that works on the newest item, at most ``max_rate`` times a second (0: no limit).

    ``work`` runs in that thread and handles its own exceptions.
    """

    def __init__(self, work: Callable[[Item], None], max_rate: float = 0.0):
        """Prepare; ``start`` begins."""
        self._work = work
        self._max_rate = max_rate
        self._last_start: float | None = None  # by `time.monotonic`
        self._slot: LatestSlot[Item] = LatestSlot()
        # A daemon, so that a process that is interrupted before anybody can stop it still ends.
        self._thread = threading.Thread(target=self._run, name='refseg_worker', daemon=True)

    @property
    def dropped(self) -> int:
        """Items that were replaced by newer ones before their turn came."""
        return self._slot.dropped

    @property
    def alive(self) -> bool:
        """Whether the thread runs: not before ``start``, after ``stop`` or once ``work`` raised."""
        return self._thread.is_alive()

    @property
    def max_rate(self) -> float:
        """Most items worked on in a second, in Hz; 0 is no limit. A change works at once."""
        return self._max_rate

    @max_rate.setter
    def max_rate(self, value: float) -> None:
        self._max_rate = value
        self._slot.wake()

    def start(self) -> None:
        """Begin to work."""
        self._thread.start()

    def submit(self, item: Item) -> None:
        """Offer an item; returns at once."""
        self._slot.put(item)

    def discard(self) -> None:
        """Forget the item that waits, if one does."""
        self._slot.clear()

    def stop(self) -> None:
        """Finish the item in work, take no other, and wait for the thread's end."""
        self._slot.close()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while (item := self._slot.take(self._delay)) is not None:
            self._last_start = time.monotonic()
            self._work(item)

    def _delay(self) -> float:
        rate = self._max_rate  # once: another thread may change it
        if not rate or self._last_start is None:
            return 0.0
        return self._last_start + 1.0 / rate - time.monotonic()
