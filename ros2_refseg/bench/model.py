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

"""``refseg bench model``: engines side by side, from a uint8 image to a uint8 mask."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import torch
from torch.profiler import ProfilerActivity, profile
from torch.utils.flop_counter import FlopCounterMode

from ros2_refseg.bench.accuracy import Sample, bench_accuracy
from ros2_refseg.bench.candidates import PLAIN, candidates, mask_of
from ros2_refseg.bench.timing import matrix_product_rate, take_turns
from ros2_refseg.cefnet import CEFNet
from ros2_refseg.engines import PRECISIONS, Engine
from ros2_refseg.engines.int8 import Ranges

WORDS = (2, 3, 4, 5, 2)
"""Numbers of the words asked for; their meaning does not matter to the time."""

_DTYPES = {**PRECISIONS, 'int8': torch.int8}

SENTENCES = (1, 2, 4, 8)


def bench_model(
    network: CEFNet,
    device: torch.device,
    image_size: tuple[int, int] = (480, 640),
    repeats: int = 30,
    everything: bool = False,
    int8_ranges: Ranges | None = None,
    samples: Iterable[Sample] = (),
) -> dict[str, Any]:
    """
    Measure all candidates for a network, then the fastest engine more closely.

    :param image_size: height and width of the camera image, uint8 in host memory.
    :param everything: candidates that no engine uses or that take long as well.
    :param int8_ranges: the checkpoint's, for int8; None for a network that has learned nothing.
    :param samples: to score the engines on, where the network has learned something.
    :return: times in ms by candidate, their ratio to PLAIN, times for several sentences on one
        frame, how far the fastest is from the machine's peak, a profile of it, and the accuracy.
    """
    image = np.random.default_rng(0).integers(0, 256, (*image_size, 3), np.uint8)
    network = network.eval().to(device)
    frames, engines, missing = candidates(
        network, image, WORDS, device, everything, int8_ranges
    )
    times = take_turns(frames, repeats, device=device)
    best = min(engines, key=lambda name: times[name]['p50'])
    result = {
        'network': network.config.to_dict(),
        'image': list(image_size),
        'times_ms': times,
        'faster_than_plain': {
            name: round(times[PLAIN]['p50'] / values['p50'], 2) for name, values in times.items()
        },
        'missing': missing,
        'best': best,
        'sentences_ms': bench_sentences(engines[best], image, repeats, device),
        'peak': distance_from_peak(network, engines[best], times[best]['p50'], device),
        'profile_percent': profile_of(engines[best], image),
    }
    if samples:
        result['accuracy'] = bench_accuracy(network, engines, samples)
    return result


def bench_sentences(
    engine: Engine, image: np.ndarray, repeats: int, device: torch.device
) -> dict[str, dict[str, float]]:
    """Time several sentences on one frame, by their number."""
    language = engine.encode(WORDS)

    def answer(count: int) -> list[np.ndarray]:
        return [mask_of(each) for each in engine.segment(image, [language] * count)]

    return take_turns(
        {str(count): lambda count=count: answer(count) for count in SENTENCES}, repeats,
        device=device,
    )


def distance_from_peak(
    network: CEFNet, engine: Engine, milliseconds: float, device: torch.device
) -> dict[str, float]:
    """
    Compare a network's rate of arithmetic with that of a matrix product of the same precision.

    :return: GFLOP of a frame as PyTorch computes it (a multiplication and an addition are two),
        GFLOP/s reached, GFLOP/s of the product, and the share of it in per cent. An engine that
        reaches the result with fewer products can pass 100.
    """
    side = network.config.image_size
    pixels = torch.zeros(1, 3, side, side, device=device)
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        network(pixels, network.language(torch.tensor([list(WORDS)], device=device)))
    work = counter.get_total_flops() * 1e-9
    reached = work / (1e-3 * milliseconds)
    peak = matrix_product_rate(_DTYPES[engine.precision], device)
    return {
        'gflop': round(work, 2), 'gflop_per_s': round(reached, 1),
        'matrix_product_gflop_per_s': round(peak, 1), 'percent': round(100 * reached / peak, 1),
    }


def profile_of(engine: Engine, image: np.ndarray, frames: int = 10) -> dict[str, float]:
    """Give the share of a frame's time by type of operation, in per cent, largest first."""
    language = [engine.encode(WORDS)]
    shares = (engine.profile(image, language, frames) if hasattr(engine, 'profile')
              else _torch_profile(engine, image, language, frames))
    total = sum(shares.values()) or 1.0
    largest = sorted(shares.items(), key=lambda item: -item[1])[:12]
    return {name: round(100 * value / total, 1) for name, value in largest}


def _torch_profile(
    engine: Engine, image: np.ndarray, language: Sequence, frames: int
) -> dict[str, float]:
    on_cuda = engine.device.type == 'cuda'
    engine.segment(image, language)
    activities = [ProfilerActivity.CUDA] if on_cuda else [ProfilerActivity.CPU]
    with profile(activities=activities) as recorded:
        for _ in range(frames):
            engine.segment(image, language)
    shares: dict[str, float] = defaultdict(float)
    for event in recorded.key_averages():
        shares[event.key] += (
            event.self_device_time_total if on_cuda else event.self_cpu_time_total
        )
    return dict(shares)
