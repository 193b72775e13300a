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

"""
Measures the node from outside: a camera and a client in one process, the node in another.

``refseg bench node`` starts it with the arguments of ``bench_node`` as JSON and reads its output.
"""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import rclpy
from ament_index_python.packages import get_package_prefix
from rcl_interfaces.srv import SetParameters
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.qos import QoSProfile
from sensor_msgs.msg import Image

from ros2_refseg.bench.timing import quantiles, take_turns
from ros2_refseg.msg import ReferringSegmentation
from ros2_refseg.nodes.image_conversion import array_to_image
from ros2_refseg.segmenter import Segmenter

SENTENCE = 'the red mug'

_PATIENCE = 300.0  # s until the node has to have answered for the first time
_WARM_UP = 20  # answers that do not count
_NAMESPACE = f'/refseg_bench_{os.getpid()}'  # apart from a robot's own node and topics


def bench_node(
    checkpoint: str,
    device: str,
    backend: str,
    size: tuple[int, int],
    rate: float,
    seconds: float,
) -> dict[str, Any]:
    """
    Send images to a node of its own and time its results by the images' stamps.

    :param size: height and width of the images, bgr8.
    :param rate: images a second.
    :return: latency from stamp to received result in ms; the time of the segmenter alone, measured
        before on the same images, back to back and at the camera's rate (a processor that rests
        between two images takes longer for the next); how much the latency exceeds the latter;
        answers a second, the share of images that were not answered (a slow node takes the newest),
        the node's share of one core, and how long it took at most to set a parameter meanwhile.
    """
    picture = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    segmenter = Segmenter.load(checkpoint, device, backend=backend)

    def answer() -> np.ndarray:
        return segmenter.segment(picture, SENTENCE).mask

    back_to_back = take_turns({'engine': answer}, 30)['engine']
    alone = _at_rate(answer, rate, seconds)
    parameters = {'checkpoint': checkpoint, 'device': device, 'backend': backend, 'query': SENTENCE}
    rclpy.init()
    try:
        with _node_process(parameters) as process:
            client = _Client(array_to_image(picture, 'bgr8', Image().header))
            measured = client.measure(process, rate, seconds)
            client.destroy_node()
    finally:
        rclpy.shutdown()
    latency = quantiles([1e3 * value for value in measured.pop('latencies')])
    return {
        'image': f'{size[1]}x{size[0]}',
        'engine': segmenter.engine.name,
        'precision': segmenter.precision,
        'asked_hz': rate,
        'latency_ms': latency,
        'engine_back_to_back_ms': back_to_back['p50'],
        'engine_ms': alone['p50'],
        'overhead_ms': round(latency['p50'] - alone['p50'], 2) if latency else None,
        **measured,
    }


def _at_rate(run: Callable[[], object], rate: float, seconds: float) -> dict[str, float]:
    """Time for some seconds what is done at a rate, as the node does it; quantiles in ms."""
    durations, rest = [], threading.Event()
    begun = time.monotonic()
    while time.monotonic() - begun < seconds:
        started = time.perf_counter()
        run()
        durations.append(1e3 * (time.perf_counter() - started))
        rest.wait(max(begun + len(durations) / rate - time.monotonic(), 0))
    return quantiles(durations)


@contextmanager
def _node_process(parameters: dict[str, str]) -> Iterator[subprocess.Popen]:
    arguments = [part for name, value in parameters.items() for part in ('-p', f'{name}:={value}')]
    node = Path(get_package_prefix('ros2_refseg'), 'lib', 'ros2_refseg', 'refseg_node')
    process = subprocess.Popen(
        [
            sys.executable, node, '--ros-args', '--log-level', 'warn', '-r', f'__ns:={_NAMESPACE}',
            '-r', f'/referring_query:={_NAMESPACE}/referring_query', *arguments,
        ],
        stdout=sys.stderr,
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            raise


class _Client(Node):
    """A camera at a rate of its own, a listener, and somebody who sets parameters."""

    def __init__(self, image: Image) -> None:
        super().__init__('refseg_bench', namespace=_NAMESPACE)
        self._image = image
        self._images = self.create_publisher(Image, 'refseg/image', QoSProfile(depth=1))
        self.create_subscription(
            ReferringSegmentation, 'refseg/result', self._on_result, QoSProfile(depth=10)
        )
        self._set = self.create_client(SetParameters, 'refseg/set_parameters')
        self._latencies: list[float] = []
        self._arrived = threading.Condition()

    def measure(self, process: subprocess.Popen, rate: float, seconds: float) -> dict[str, Any]:
        """Warm up, then send images for some seconds."""
        executor = SingleThreadedExecutor()
        executor.add_node(self)
        spinning = threading.Thread(target=executor.spin, daemon=True)
        spinning.start()
        try:
            self._send(process, rate, lambda: len(self._latencies) >= _WARM_UP, _PATIENCE)
            with self._arrived:
                if len(self._latencies) < _WARM_UP:
                    raise RuntimeError(
                        f'the node gave {len(self._latencies)} answers in {_PATIENCE:.0f} s'
                    )
                self._latencies.clear()
            busy, started = _cpu_seconds(process.pid), time.monotonic()
            asking = threading.Thread(target=self._ask, args=(started + seconds,))
            self._slowest = 0.0
            asking.start()
            sent = self._send(process, rate, lambda: False, seconds)
            elapsed = time.monotonic() - started
            busy = _cpu_seconds(process.pid) - busy
            asking.join()
            latencies = list(self._latencies)
        finally:
            executor.shutdown()
            spinning.join()
        return {
            'latencies': latencies,
            'rate': round(len(latencies) / elapsed, 2),
            'not_answered': round(1 - min(len(latencies) / sent, 1.0), 3),
            'cpu_percent': round(100 * busy / elapsed),
            'slowest_parameter_ms': round(1e3 * self._slowest, 1),
        }

    def _send(self, process: subprocess.Popen, rate: float, done, seconds: float) -> int:
        """Publish images until ``done`` or for some seconds; give their number."""
        started, sent = time.monotonic(), 0
        with self._arrived:
            while not done() and time.monotonic() - started < seconds:
                if process.poll() is not None:
                    raise RuntimeError(f'the node ended with {process.returncode}; see above')
                self._image.header.stamp = self.get_clock().now().to_msg()
                self._images.publish(self._image)
                sent += 1
                # The clock of the camera: sent at its rate, whatever happens meanwhile.
                while (pause := started + sent / rate - time.monotonic()) > 0:
                    self._arrived.wait(pause)
        return sent

    def _on_result(self, result: ReferringSegmentation) -> None:
        stamp = result.header.stamp
        age = 1e-9 * self.get_clock().now().nanoseconds - (stamp.sec + 1e-9 * stamp.nanosec)
        with self._arrived:
            self._latencies.append(age)
            self._arrived.notify()

    def _ask(self, until: float) -> None:
        """Set a parameter some times a second, and keep the longest that it took."""
        request = SetParameters.Request(
            parameters=[Parameter('threshold', value=0.5).to_parameter_msg()]
        )
        pause = threading.Event()
        while time.monotonic() < until:
            started, answered = time.monotonic(), threading.Event()
            self._set.call_async(request).add_done_callback(lambda _, set=answered.set: set())
            answered.wait(_PATIENCE)
            self._slowest = max(self._slowest, time.monotonic() - started)
            pause.wait(0.25)


def _cpu_seconds(process: int) -> float:
    """Give the processor time that a process has used, from Linux's /proc."""
    fields = Path(f'/proc/{process}/stat').read_text().rpartition(')')[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


def main() -> None:
    """Measure what the command line says, as JSON, and print the figures as JSON."""
    print(json.dumps(bench_node(**json.loads(sys.argv[1]))))
