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

"""Times of candidates that take turns, and what machine they were taken on."""

import importlib.metadata
import os
import platform
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch

PACKAGES = ('torch', 'openvino', 'onnxruntime')


def take_turns(
    candidates: dict[str, Callable[[], object]],
    repeats: int,
    warm_up: int = 3,
    device: torch.device | None = None,
) -> dict[str, dict[str, float]]:
    """
    Time candidates in turn and sum up each one's times.

    :param repeats: rounds that count; every candidate runs once a round, after ``warm_up`` others.
    :param device: a CUDA device to wait for before the clock is read.
    :return: by name p50, p95, and the quartiles p25 and p75 as the spread, in ms.
    """
    times: dict[str, list[float]] = {name: [] for name in candidates}
    for turn in range(warm_up + repeats):
        for name, run in candidates.items():
            seconds = _seconds_of(run, device)
            if turn >= warm_up:
                times[name].append(1e3 * seconds)
    return {name: quantiles(values) for name, values in times.items()}


def quantiles(values: list[float]) -> dict[str, float]:
    """Give p25, p50, p75 and p95 of some values, rounded to 3 digits; empty for none."""
    if not values:
        return {}
    shares = (0.25, 0.5, 0.75, 0.95)
    return {
        f'p{round(100 * share)}': round(float(np.quantile(values, share)), 3) for share in shares
    }


def matrix_product_rate(dtype: torch.dtype, device: torch.device) -> float:
    """
    Measure the machine's peak: GFLOP/s of a square matrix product, the best of some runs.

    A network that did nothing but multiply at this rate could not be faster.

    :param dtype: one of floats, or int8, whose products are summed up in int32.
    """
    # A GPU has 2048 x 2048 done in less time than a launch takes, or than it takes to fill.
    size, seconds = (8192, _seconds_on_gpu) if device.type == 'cuda' else (2048, _seconds_of)
    a, b = (torch.randn(size, size, device=device).to(dtype) for _ in range(2))
    multiply = torch._int_mm if dtype == torch.int8 else torch.matmul
    with _products_as_exact_as_convolutions():
        return 2e-9 * size ** 3 / min(seconds(lambda: multiply(a, b), device) for _ in range(8))


def _seconds_of(run: Callable[[], object], device: torch.device | None) -> float:
    _wait_for(device)
    started = time.perf_counter()
    run()
    _wait_for(device)
    return time.perf_counter() - started


def _seconds_on_gpu(run: Callable[[], object], device: torch.device) -> float:
    """Give the mean of several runs by the GPU's own clock: it does not wait for the host."""
    launches, stream = 5, torch.cuda.current_stream(device)
    begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    begin.record(stream)
    for _ in range(launches):
        run()
    end.record(stream)
    end.synchronize()
    return 1e-3 * begin.elapsed_time(end) / launches


@contextmanager
def _products_as_exact_as_convolutions() -> Iterator[None]:
    """Let fp32 products use TF32 where convolutions, which are most of the network, do."""
    before = torch.backends.cuda.matmul.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32
    try:
        yield
    finally:
        torch.backends.cuda.matmul.allow_tf32 = before


def _use_of_tf32(device: torch.device) -> str | None:
    """Say where fp32 has TF32's 10 bits of mantissa; None where nothing has."""
    if device.type != 'cuda' or torch.cuda.get_device_capability(device) < (8, 0):
        return None
    return 'in convolutions' if torch.backends.cudnn.allow_tf32 else None


def machine(device: torch.device) -> dict[str, Any]:
    """Name the machine, its software, and how busy it was: figures mean nothing without."""
    cpu = platform.processor() or platform.machine()
    information = Path('/proc/cpuinfo')
    if information.is_file():
        names = [
            line.partition(':')[2].strip() for line in information.read_text().splitlines()
            if line.startswith('model name')
        ]
        cpu = names[0] if names else cpu
    # Both oneDNN's of PyTorch and OpenVINO obey it, which shows what a lesser CPU would do.
    restricted = os.environ.get('ONEDNN_MAX_CPU_ISA')
    if restricted:
        cpu = f'{cpu}, as if it had no more than {restricted}'
    return {
        'cpu': cpu,
        'cores': os.cpu_count(),
        'threads': torch.get_num_threads(),
        'load': round(os.getloadavg()[0], 2),
        'device': torch.cuda.get_device_name(device) if device.type == 'cuda' else 'cpu',
        'tf32': _use_of_tf32(device),
        'python': platform.python_version(),
        **{name: _version(name) for name in PACKAGES},
        'time': time.strftime('%Y-%m-%d %H:%M:%S %z'),
    }


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _wait_for(device: torch.device | None) -> None:
    if device is not None and device.type == 'cuda':
        torch.cuda.synchronize(device)
