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


"""A subscription that matches every publisher, and loses nothing where that can be had."""

import dataclasses
from collections.abc import Callable

from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rclpy.qos import ReliabilityPolicy

from ros2_refseg.nodes.topics import TopicSpec


class AdaptiveSubscription:
    """
    Best effort, and reliable as long as every publisher of the topic is.

    Best effort alone matches every camera, but an image travels in hundreds of parts and is lost
    with any of them: on one machine with Fast DDS as it comes, of 6 MB images hardly one arrives.
    This side keeps one image, so a slow network never lets them queue up here; a camera that keeps
    all it has sent until it arrives can be held up by a bad link, as by any reliable subscriber.
    """

    def __init__(self, node: Node, spec: TopicSpec, callback: Callable):
        """Subscribe; ``spec`` says best effort. Callbacks have a group of their own."""
        self._node = node
        self._spec = spec
        self._callback = callback
        self._group = MutuallyExclusiveCallbackGroup()
        self._other_types: tuple[str, ...] = ()
        self._subscribe(reliable=False)
        self._topic_name = self._subscription.topic_name  # which a destroyed one cannot tell
        # In the same group, so that no image is being taken while the subscription changes.
        node.create_timer(
            1.0,
            self._adapt,
            callback_group=self._group,
            clock=Clock(clock_type=ClockType.STEADY_TIME),
        )

    @property
    def topic_name(self) -> str:
        """Name the topic, resolved."""
        return self._topic_name

    @property
    def type_name(self) -> str:
        """Name the type that is taken."""
        return self._spec.full_type_name

    @property
    def reliability(self) -> str:
        """Name the present reliability: 'best effort' or 'reliable'."""
        return 'reliable' if self._reliable else 'best effort'

    @property
    def other_types(self) -> tuple[str, ...]:
        """Types that the topic is published with, if none of its publishers has this one's."""
        return self._other_types

    def _adapt(self) -> None:
        found = self._node.get_publishers_info_by_topic(self.topic_name)
        # ROS 2 matches publishers by name and type: one of another type is never heard.
        publishers = [each for each in found if each.topic_type == self._spec.full_type_name]
        others = () if publishers else {each.topic_type for each in found}
        self._other_types = tuple(sorted(others))
        reliable = bool(publishers) and all(
            publisher.qos_profile.reliability == ReliabilityPolicy.RELIABLE
            for publisher in publishers
        )
        if publishers and reliable != self._reliable:
            self._node.destroy_subscription(self._subscription)
            self._subscribe(reliable)

    def _subscribe(self, reliable: bool) -> None:
        self._reliable = reliable
        # A mismatch is mended within a second, so it is not reported.
        self._subscription = dataclasses.replace(self._spec, reliable=reliable).subscribe(
            self._node, self._callback, report=None, callback_group=self._group
        )
