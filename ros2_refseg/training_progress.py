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

"""What a training run says while it runs: the progress line and TensorBoard's curves."""

import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch.utils.tensorboard import SummaryWriter
from tqdm import tqdm

from ros2_refseg.distributed import is_first_process

T = TypeVar('T')


class DataWait:
    """
    Measures for how long the device had nothing to do because the next batch was not there yet.

    On a GPU that is the time between the end of the work queued before and the batch's arrival,
    which is none where the batch arrives while the GPU still works.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._spans: list[tuple[Any, Any]] = []
        self._waited = 0.0  # seconds
        self._started: float | None = None

    def watch(self, batches: Iterable[T]) -> Iterator[T]:
        """Pass batches on. Waiting for the first one, for which the workers start, is left out."""
        iterator = iter(batches)
        while True:
            asked = self._now()
            try:
                batch = next(iterator)
            except StopIteration:
                return
            if self._started is None:
                self._started = time.perf_counter()
            else:
                self._spans.append((asked, self._now()))
            yield batch

    def share(self) -> float:
        """Give the share of the time since the first batch, in [0, 1]; waits for the GPU."""
        for asked, arrived in self._spans:
            if self._device.type == 'cuda':
                arrived.synchronize()
                self._waited += asked.elapsed_time(arrived) / 1000
            else:
                self._waited += arrived - asked
        self._spans.clear()
        if self._started is None:
            return 0.0
        return min(self._waited / (time.perf_counter() - self._started), 1.0)

    def _now(self) -> Any:
        if self._device.type != 'cuda':
            return time.perf_counter()
        event = torch.cuda.Event(enable_timing=True)
        event.record(torch.cuda.current_stream(self._device))
        return event


class TrainingProgress:
    """Shows and records a run's progress, in the first process; the others only keep count."""

    def __init__(
        self, out: Path, first_step: int, iterations: int, device: torch.device
    ) -> None:
        """
        Begin or go on with the records in ``out``.

        :param first_step: steps done before; what a killed run recorded after these is dropped.
        """
        self.wait = DataWait(device)
        self._bar = tqdm(
            total=iterations, initial=first_step, desc=out.name, unit='it', mininterval=1,
            smoothing=0.05, disable=not is_first_process(),
        )
        self._writer = None
        if is_first_process():
            self._writer = SummaryWriter(out / 'tensorboard', purge_step=first_step + 1)

    def __enter__(self) -> 'TrainingProgress':
        return self

    def __exit__(self, *_: object) -> None:
        if self._writer:
            self._writer.close()
        self._bar.close()

    def advance(self) -> None:
        """Count a step."""
        self._bar.update()

    def record(self, step: int, values: dict[str, float]) -> None:
        """Add a point to each of TensorBoard's curves that are named."""
        if self._writer:
            for name, value in values.items():
                self._writer.add_scalar(name, value, step)

    def show(self, loss: float, val_iou: float) -> None:
        """Show loss, the latest overall IoU on the split val and how long the device waited."""
        self._bar.set_postfix(
            loss=f'{loss:.3f}', val_iou=f'{val_iou:.3f}', data_wait=f'{self.wait.share():.1%}'
        )

    def summary(self) -> str:
        """Say how fast this start of the run was, and how busy its device."""
        numbers = self._bar.format_dict
        steps, seconds = numbers['n'] - numbers['initial'], numbers['elapsed']
        return (f'{steps} iterations in {tqdm.format_interval(seconds)}; the device waited for '
                f'data {self.wait.share():.1%} of the time')
