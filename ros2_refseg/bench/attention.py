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

"""``refseg bench attention``: memory and time of the co-attentions, the paper's Table 5."""

import argparse
import json
import re
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ros2_refseg.bench.timing import take_turns
from ros2_refseg.cefnet.coattention import COATTENTION, VanillaCoAttention
from ros2_refseg.cefnet.multimodal import Linguistic, unflatten_positions

SIZES = (20, 40, 96)
"""Sides of the feature maps of Table 5."""

_CHANNELS, _ATTENTION_CHANNELS = 512, 256  # of the preset `paper`
_WORDS = 20  # the longest sentence
_RUNS_ON_GPU = 30  # where one takes a millisecond or less; on the CPU one takes up to seconds


def naive_vanilla(
    module: VanillaCoAttention, multimodal: Tensor, linguistic: Tensor
) -> tuple[Tensor, Tensor]:
    """Compute Eq. 3-5 as they stand, storing the HWxHW affinities: what others are against."""
    m, k = multimodal.flatten(2), linguistic.flatten(2)
    affinity = module.w_m(multimodal).flatten(2).transpose(1, 2) @ module.w_l(linguistic).flatten(2)
    updated = (
        m @ affinity.softmax(2).transpose(1, 2),
        k @ affinity.transpose(1, 2).softmax(2).transpose(1, 2),
    )
    return tuple(each.unflatten(2, multimodal.shape[2:]) for each in updated)


METHODS = {
    'vcm, equations': ('vcm', naive_vanilla),
    'vcm': ('vcm', lambda module, m, words, shares: module(m, Linguistic(words, shares))),
    'acm': ('acm', lambda module, m, words, shares: module(m, Linguistic(words, shares))),
}
"""By name: the co-attention, and how it is computed from what ``_features`` gives."""


def _features(method: str, size: int, device: str) -> list[Tensor]:
    """Make M, and L whole for the equations, otherwise in its factors; the same for each method."""
    torch.manual_seed(1)
    m = torch.randn(1, _CHANNELS, size, size)
    words, scores = torch.randn(1, _WORDS, _CHANNELS), torch.randn(1, size * size, _WORDS)
    shares = (4 * scores).softmax(dim=2)
    if METHODS[method][1] is naive_vanilla:
        linguistic = [unflatten_positions(shares @ words, m).contiguous()]
    else:
        linguistic = [words, shares]
    return [each.to(device) for each in (m, *linguistic)]


def bench_attention(
    device: str = 'cpu',
    sizes: Sequence[int] = SIZES,
    backward: bool = False,
    methods: Iterable[str] = tuple(METHODS),
) -> dict[str, dict[str, dict[str, Any]]]:
    """
    Measure each method at each size in a process of its own, so that peaks are each one's own.

    :param backward: the gradient as well, as in training.
    :param methods: of METHODS.
    :return: by size and method: peak memory above that of inputs and weights in MB, time in ms (on
        a GPU the median of some runs), and the first values of the output for a comparison.
    """
    return {
        f'{_CHANNELS}x{size}x{size}': {
            method: _in_own_process(method, size, device, backward) for method in methods
        }
        for size in sizes
    }


def _in_own_process(method: str, size: int, device: str, backward: bool) -> dict[str, Any]:
    command = [sys.executable, '-m', __spec__.name, method, str(size), device]
    finished = subprocess.run(
        command + ['--backward'] * backward, capture_output=True, text=True
    )
    if finished.returncode:
        # A process that the kernel ends for want of memory says nothing.
        reason = finished.stderr.strip().splitlines() or [f'exit status {finished.returncode}']
        return {'failed': reason[-1]}
    return json.loads(finished.stdout)


def measure(method: str, size: int, device: str, backward: bool) -> dict[str, Any]:
    """Run one method in this process, and tell its peak and time; see ``bench_attention``."""
    name, compute = METHODS[method]
    torch.manual_seed(0)
    module = COATTENTION[name](_CHANNELS, _ATTENTION_CHANNELS).to(device).requires_grad_(backward)
    features = _features(method, size, device)

    def run(*features: Tensor) -> tuple[Tensor, Tensor]:
        with torch.set_grad_enabled(backward):
            outputs = compute(module, *(each.requires_grad_(backward) for each in features))
            if backward:
                sum(output.square().sum() for output in outputs).backward()
        return outputs

    # Libraries load their code and make their workspaces in a first run, a small one where the
    # memory is the process's; on a GPU they also choose their kernels, by the size.
    run(*_features(method, 8 if device == 'cpu' else size, device))
    before = _peak(device, begin=True)
    started = time.perf_counter()
    outputs = run(*features)
    peak = _peak(device)
    milliseconds = 1e3 * (time.perf_counter() - started)
    if device != 'cpu':
        runs = {method: lambda: run(*features)}
        milliseconds = take_turns(runs, _RUNS_ON_GPU, device=torch.device(device))[method]['p50']
    return {
        'peak_mb': round((peak - before) / 1e6, 1),
        'ms': round(milliseconds, 3),
        'output': [output.detach().flatten()[::9973].tolist()[:64] for output in outputs],
    }


def _peak(device: str, begin: bool = False) -> int:
    """Give the greatest memory in bytes since ``begin``, which gives that in use at the time."""
    if device != 'cpu':
        torch.cuda.synchronize(device)
        if begin:
            torch.cuda.reset_peak_memory_stats(device)
        return torch.cuda.max_memory_allocated(device)
    if begin:  # Linux forgets the process's peak: proc(5), clear_refs
        Path('/proc/self/clear_refs').write_text('5')
    status = Path('/proc/self/status').read_text()
    return 1024 * int(re.search(r'VmHWM:\s*(\d+) kB', status)[1])


if __name__ == '__main__':
    parser = argparse.ArgumentParser()
    parser.add_argument('method', choices=METHODS)
    parser.add_argument('size', type=int)
    parser.add_argument('device')
    parser.add_argument('--backward', action='store_true')
    json.dump(measure(**vars(parser.parse_args())), sys.stdout)
