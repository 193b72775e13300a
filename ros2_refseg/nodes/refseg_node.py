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


"""Entry point of the executable `refseg_node`."""

from collections.abc import Sequence
from typing import Any

from rclpy.exceptions import InvalidHandle
from rclpy.executors import MultiThreadedExecutor
from rclpy.logging import get_logger
from rclpy.node import Node

from ros2_refseg.nodes.running import run_node

_EXECUTOR_THREADS = 3  # images, diagnostics, and parameters with sentences


class _Executor(MultiThreadedExecutor):
    """An executor that passes over an image whose subscription is gone before it is taken."""

    def _take_subscription(self, subscription: Any) -> Any:
        # rclpy does so itself from Iron on. In Humble the error would end the node, whenever the
        # image subscription changes its QoS at the wrong moment (ros2/rclpy#1150).
        try:
            return super()._take_subscription(subscription)
        except InvalidHandle:
            return None


def _make_node() -> Node:
    get_logger('refseg').info('starting')
    # Imported only after rclpy has taken over the signals: torch takes seconds, and a Ctrl-C
    # meanwhile ends the process without a traceback.
    from ros2_refseg.nodes.segmentation_node import SegmentationNode

    return SegmentationNode()


def main(args: Sequence[str] | None = None) -> int:
    """Run the node `refseg`; returns the exit code."""
    return run_node(
        'refseg', _make_node, lambda: _Executor(num_threads=_EXECUTOR_THREADS), args
    )
