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


"""Topics as a table: one entry gives the endpoint, its QoS, and the README's row."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.qos import QoSProfile, ReliabilityPolicy, qos_policy_name_from_kind
from rclpy.subscription import Subscription

try:
    from rclpy.event_handler import (
        PublisherEventCallbacks,
        SubscriptionEventCallbacks,
        UnsupportedEventTypeError,
    )
except ImportError:  # Humble
    from rclpy.qos_event import (
        PublisherEventCallbacks,
        SubscriptionEventCallbacks,
        UnsupportedEventTypeError,
    )

Report = Callable[[str], None]


@dataclass(frozen=True)
class TopicSpec:
    """One topic of a node: volatile, keep-last ``depth``; ``message_type`` is the class."""

    name: str
    message_type: type
    description: str
    reliable: bool = True
    depth: int = 1

    @property
    def type_name(self) -> str:
        """Name the type as `ros2 topic info` does, without the `msg/` part."""
        return f'{self.message_type.__module__.split(".")[0]}/{self.message_type.__name__}'

    @property
    def full_type_name(self) -> str:
        """Name the type as the graph does: `sensor_msgs/msg/Image`."""
        return self.type_name.replace('/', '/msg/')

    @property
    def qos_name(self) -> str:
        """Say the QoS in words."""
        return f'{"reliable" if self.reliable else "best effort"}, depth {self.depth}'

    def qos(self) -> QoSProfile:
        """Make the QoS profile."""
        reliability = ReliabilityPolicy.RELIABLE if self.reliable else ReliabilityPolicy.BEST_EFFORT
        return QoSProfile(depth=self.depth, reliability=reliability)

    def subscribe(
        self, node: Node, callback: Callable, report: Report | None, **options: Any
    ) -> Subscription:
        """
        Subscribe; ``report`` gets a line for a publisher whose QoS does not match.

        Without a ``report`` the subscription has no QoS events at all, and only then may it be
        destroyed while an executor spins in other threads: rclpy does not expect that of events.
        """

        def on_incompatible(event: Any) -> None:
            policy = qos_policy_name_from_kind(event.last_policy_kind)
            report(
                f'a publisher on {node.resolve_topic_name(self.name)} does not match this '
                f'subscription ({self.qos_name}) in {policy}, so nothing of it arrives; compare '
                'both with `ros2 topic info -v`'
            )

        def create(**more: Any) -> Subscription:
            return node.create_subscription(
                self.message_type, self.name, callback, self.qos(), **options, **more
            )

        try:
            events = SubscriptionEventCallbacks(
                incompatible_qos=on_incompatible if report else None, use_default_callbacks=False
            )
            return create(event_callbacks=events)
        except UnsupportedEventTypeError:  # a middleware without this event
            return create()

    def advertise(self, node: Node, report: Report) -> Publisher:
        """Make the publisher; ``report`` gets a line for a subscriber whose QoS does not match."""

        def on_incompatible(event: Any) -> None:
            policy = qos_policy_name_from_kind(event.last_policy_kind)
            report(
                f'a subscription to {node.resolve_topic_name(self.name)} asks for more than this '
                f'publisher ({self.qos_name}, volatile) offers in {policy}, so it gets nothing; '
                'change the QoS of the subscription'
            )

        def create(**more: Any) -> Publisher:
            return node.create_publisher(self.message_type, self.name, self.qos(), **more)

        try:
            return create(event_callbacks=PublisherEventCallbacks(incompatible_qos=on_incompatible))
        except UnsupportedEventTypeError:  # a middleware without this event
            return create()
