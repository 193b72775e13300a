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


"""Node processes and a node that tests them, both over real DDS; all waits are for events."""

import array
import os
import re
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from ament_index_python.packages import get_package_prefix
from diagnostic_msgs.msg import DiagnosticArray
from rcl_interfaces.msg import Parameter as ParameterMessage
from rcl_interfaces.srv import DescribeParameters, GetParameters, ListParameters, SetParameters
from rclpy.context import Context
from rclpy.executors import MultiThreadedExecutor
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.qos import QoSProfile
from sensor_msgs.msg import Image
from std_msgs.msg import Header

try:
    from rclpy.event_handler import PublisherEventCallbacks, SubscriptionEventCallbacks
except ImportError:  # Humble
    from rclpy.qos_event import PublisherEventCallbacks, SubscriptionEventCallbacks

DEADLINE = 300.0
"""Seconds after which something that has to happen counts as never happening."""

SHORT = 0.5
"""Seconds to listen before sending once more what best effort may have lost."""


class NodeProcess:
    """An executable of the package, as `ros2 run` starts it, with its output."""

    def __init__(self, executable, *ros_arguments, domain=None):
        """
        Start it with arguments that go after --ros-args.

        ``domain``: another ROS_DOMAIN_ID than the tests', for a process that is to hear nobody.
        """
        path = Path(get_package_prefix('ros2_refseg'), 'lib', 'ros2_refseg', executable)
        environment = dict(os.environ)
        if domain is not None:
            environment['ROS_DOMAIN_ID'] = str(domain)
        self._process = subprocess.Popen(
            [sys.executable, path, '--ros-args', *ros_arguments],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._lines = []
        self._changed = threading.Condition()
        self._ended = False
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    @property
    def output(self):
        """All lines so far, as one string."""
        with self._changed:
            return ''.join(self._lines)

    @property
    def running(self):
        return self._process.poll() is None

    def count_lines(self, pattern):
        """Count the lines so far that match."""
        with self._changed:
            return sum(bool(re.search(pattern, line)) for line in self._lines)

    def wait_for_line(self, pattern):
        """Wait for a line that matches and return it."""
        with self._changed:
            found = self._changed.wait_for(lambda: self._find(pattern) or self._ended, DEADLINE)
        assert found, f'no line {pattern!r} in {DEADLINE} s:\n{self.output}'
        line = self._find(pattern)
        assert line, f'ended without a line {pattern!r}:\n{self.output}'
        return line

    def wait_for_end(self):
        """Wait for the end and return the exit code."""
        code = self._process.wait(DEADLINE)
        self._reader.join(DEADLINE)
        return code

    def stop(self, how=signal.SIGINT):
        """Stop it as Ctrl-C does (or otherwise) and return the exit code."""
        if self.running:
            self._process.send_signal(how)
        try:
            return self.wait_for_end()
        except subprocess.TimeoutExpired:
            self._process.kill()
            raise

    def resident_bytes(self):
        """Resident memory, from the kernel."""
        status = Path(f'/proc/{self._process.pid}/status').read_text(encoding='ascii')
        return int(re.search(r'VmRSS:\s+(\d+) kB', status).group(1)) * 1024

    def _find(self, pattern):
        return next((line for line in self._lines if re.search(pattern, line)), None)

    def _read(self):
        for line in self._process.stdout:
            with self._changed:
                self._lines.append(line)
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()


class Inbox:
    """Messages of one topic, in order; waiting for one is waiting for an event."""

    def __init__(self):
        """Start empty."""
        self._changed = threading.Condition()
        self.messages = []

    def add(self, message):
        with self._changed:
            self.messages.append(message)
            self._changed.notify_all()

    def clear(self):
        with self._changed:
            self.messages.clear()

    def find(self, predicate=lambda message: True, timeout=DEADLINE):
        """Wait for a message that fits; None after ``timeout`` seconds."""
        with self._changed:
            self._changed.wait_for(lambda: self._first(predicate), timeout)
            return self._first(predicate)

    def wait(self, predicate=lambda message: True):
        """Wait for a message that fits; fails at the deadline."""
        message = self.find(predicate)
        assert message is not None, f'none of {len(self.messages)} messages fits in {DEADLINE} s'
        return message

    def _first(self, predicate):
        return next((message for message in self.messages if predicate(message)), None)


class Tester:
    """A node in a context of its own, spun in a thread of its own."""

    def __init__(self):
        """Begin to spin."""
        self.context = Context()
        self.context.init()
        self.node = Node('tester', context=self.context)
        self._executor = MultiThreadedExecutor(num_threads=2, context=self.context)
        self._executor.add_node(self.node)
        self._thread = threading.Thread(target=self._executor.spin)
        self._thread.start()
        self._publishers = {}
        self._clients = {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._executor.shutdown()
        self._thread.join()
        self.node.destroy_node()
        self.context.try_shutdown()

    def publisher(self, message_type, topic):
        """Give the publisher of a topic: reliable, depth 1, which every subscription matches."""
        if topic not in self._publishers:
            self._publishers[topic] = self.node.create_publisher(message_type, topic, 1)
        return self._publishers[topic]

    def listen(self, message_type, topic, depth=10, **qos):
        """Subscribe, reliably unless ``qos`` says otherwise; a `with` block gets the Inbox."""
        return _Listening(self.node, message_type, topic, QoSProfile(depth=depth, **qos))

    @contextmanager
    def publishing(self, message_type, topic, **qos):
        """Give a publisher with a QoS of its own for a `with` block."""
        publisher = self.node.create_publisher(
            message_type,
            topic,
            QoSProfile(depth=1, **qos),
            event_callbacks=PublisherEventCallbacks(use_default_callbacks=False),
        )
        try:
            yield publisher
        finally:
            self.node.destroy_publisher(publisher)

    def wait_for_subscriber(self, publisher):
        until(lambda: publisher.get_subscription_count() > 0, f'a subscriber of {publisher.topic}')

    def call(self, service_type, name, request):
        """Call a service and wait for its answer."""
        if name not in self._clients:
            self._clients[name] = self.node.create_client(service_type, name)
        client = self._clients[name]
        assert client.wait_for_service(DEADLINE), f'no service {name}'
        done = threading.Event()
        future = client.call_async(request)
        future.add_done_callback(lambda _: done.set())
        assert done.wait(DEADLINE), f'no answer from {name}'
        return future.result()

    def try_parameters(self, node, **values):
        """Set parameters one by one; returns the results, in their order."""
        request = SetParameters.Request(
            parameters=[Parameter(name, value=v).to_parameter_msg() for name, v in values.items()]
        )
        return self.call(SetParameters, f'/{node}/set_parameters', request).results

    def set_parameters(self, node, **values):
        """Set parameters, all of which have to be taken."""
        for result in self.try_parameters(node, **values):
            assert result.successful, result.reason

    def get_parameter(self, node, name):
        answer = self.call(
            GetParameters, f'/{node}/get_parameters', GetParameters.Request(names=[name])
        )
        message = ParameterMessage(name=name, value=answer.values[0])
        return Parameter.from_parameter_msg(message).value

    def list_parameters(self, node):
        """Give the names of all parameters."""
        answer = self.call(
            ListParameters, f'/{node}/list_parameters', ListParameters.Request(depth=0)
        )
        return sorted(answer.result.names)

    def describe_parameters(self, node, names):
        """Give the descriptors of parameters."""
        request = DescribeParameters.Request(names=names)
        return self.call(DescribeParameters, f'/{node}/describe_parameters', request).descriptors

    def diagnostics(self, predicate, node='refseg'):
        """Wait for a status whose level, message and values fit, and return its values."""
        with self.listen(DiagnosticArray, '/diagnostics') as inbox:
            return _status(inbox.wait(lambda m: _fits(m, node, predicate)))[2]

    def send_until_reported(self, publisher, message, predicate, node='refseg'):
        """Publish a message again and again until a diagnostic status fits; returns its values."""
        self.wait_for_subscriber(publisher)
        deadline = time.monotonic() + DEADLINE
        with self.listen(DiagnosticArray, '/diagnostics') as inbox:
            while time.monotonic() < deadline:
                publisher.publish(message)
                fitting = inbox.find(lambda m: _fits(m, node, predicate), SHORT)
                if fitting is not None:
                    return _status(fitting)[2]
        raise AssertionError(f'no such diagnostic status in {DEADLINE} s')

    def send_until_answered(self, publisher, message, inbox, patience=SHORT):
        """Publish an image, again if it got lost, until its answer is here; returns that."""
        self.wait_for_subscriber(publisher)
        deadline = time.monotonic() + DEADLINE
        while time.monotonic() < deadline:
            publisher.publish(message)
            answer = inbox.find(lambda m: m.header == message.header, patience)
            if answer is not None:
                return answer
        raise AssertionError(f'no answer to {message.header} in {DEADLINE} s')


class _Listening:
    def __init__(self, node, message_type, topic, qos):
        self._node = node
        self._inbox = Inbox()
        # rclpy does not expect events to be destroyed while it spins in another thread.
        events = SubscriptionEventCallbacks(use_default_callbacks=False)
        self._subscription = node.create_subscription(
            message_type, topic, self._inbox.add, qos, event_callbacks=events
        )

    def __enter__(self):
        return self._inbox

    def __exit__(self, *_):
        self._node.destroy_subscription(self._subscription)


def until(condition, what):
    """Wait until a condition holds that nothing announces (DDS discovery has no event)."""
    tick = threading.Event()
    deadline = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < deadline, f'no {what} in {DEADLINE} s'
        tick.wait(0.02)


def header(number, frame_id='camera'):
    """Make a header whose stamp is told from all others by its number."""
    result = Header(frame_id=frame_id)
    result.stamp.sec, result.stamp.nanosec = 1_000_000 + number, 123_456_789
    return result


def picture(number, width=64, height=48, **fields):
    """Make a grey rgb8 image with the header of ``number``; ``fields`` overwrite its own."""
    data = array.array('B')
    data.frombytes(np.full(height * width * 3, 128, np.uint8).data)
    message = Image(
        header=header(number),
        height=height,
        width=width,
        encoding='rgb8',
        step=3 * width,
        data=data,
    )
    for name, value in fields.items():
        setattr(message, name, value)
    return message


def _fits(message, node, predicate):
    return message.status[0].name.startswith(f'{node}:') and predicate(*_status(message))


def _status(message):
    (status,) = message.status
    return status.level, status.message, {value.key: value.value for value in status.values}
