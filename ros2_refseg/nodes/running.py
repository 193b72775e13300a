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


"""Life and death of a node process: errors at the start, signals, clean ends."""

from collections.abc import Callable, Sequence
from typing import Protocol

import rclpy
from rclpy.executors import Executor, ExternalShutdownException
from rclpy.logging import get_logger

from ros2_refseg.nodes.parameters import ParameterError


class ClosableNode(Protocol):
    """A node that has to end something, a thread or a device, before it is destroyed."""

    def close(self) -> None:
        """Stop and wait until all has stopped."""

    def destroy_node(self) -> None:
        """Free what ROS 2 holds."""


def run_node(
    name: str,
    make_node: Callable[[], ClosableNode],
    make_executor: Callable[[], Executor],
    args: Sequence[str] | None = None,
) -> int:
    """
    Run a node until SIGINT, SIGTERM or its own shutdown.

    Returns the exit code: 0, or 1 when a parameter cannot be met, which is logged as one line.
    """
    rclpy.init(args=args)
    executor = make_executor()
    node = None
    try:
        node = make_node()
        executor.add_node(node)
        executor.spin()
    except ParameterError as error:
        get_logger(name).fatal(str(error))
        return 1
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    except Exception:
        if rclpy.ok():
            raise
        # A signal came while the node was made, and rclpy could only fail: that is no error.
    finally:
        if node is not None:
            node.close()
            node.destroy_node()
        rclpy.try_shutdown()
    return 0
