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

"""The client of the demo: asks for a thing, and prints and scores every answer of the node."""

import argparse
import json
import os
import signal
import time
from collections import OrderedDict, deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import rclpy
from builtin_interfaces.msg import Time
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions
from rclpy.utilities import remove_ros_args
from sensor_msgs.msg import Image
from std_msgs.msg import String

from ros2_refseg.data.vocabulary import tokenize
from ros2_refseg.metrics import intersection_over_union
from ros2_refseg.msg import ReferringSegmentation
from ros2_refseg.nodes.image_conversion import image_pixels
from ros2_refseg.nodes.processes import find_sibling, resident_memory
from ros2_refseg.nodes.topics import TopicSpec

QUERY = TopicSpec('/referring_query', String, 'the sentence', depth=10)
RESULT = TopicSpec('/refseg/result', ReferringSegmentation, 'the answers', depth=10)
OVERLAY = TopicSpec('/refseg/overlay', Image, 'the picture of an answer')
LABELS = TopicSpec('/camera/truth/labels', Image, 'what each pixel shows', depth=10)
SCENE = TopicSpec('/camera/truth/scene', String, 'objects and true sentences', depth=10)

_KEPT_FRAMES = 100  # images whose truth is kept for a late answer: 10 s of the demo's camera
_OVERLAY_PERIOD = 1.0  # s between two pictures on the disk
_RATE_WINDOW = 10  # answers over which the rate in a line is taken
_REMINDER_PERIOD = 15.0  # s without an answer until the client says what it waits for

Scene = dict[str, Any]


class Truth:
    """What the simulator says about the last images, by their stamps."""

    def __init__(self):
        self._labels: OrderedDict[tuple[int, int], Image] = OrderedDict()
        self._scenes: OrderedDict[tuple[int, int], Scene] = OrderedDict()

    def add_labels(self, message: Image) -> None:
        """Keep the labels of an image."""
        self._keep(self._labels, _key(message.header.stamp), message)

    def add_scene(self, message: String) -> None:
        """Keep the scene of an image."""
        scene = json.loads(message.data)
        self._keep(self._scenes, (scene['stamp']['sec'], scene['stamp']['nanosec']), scene)

    @staticmethod
    def _keep(store: OrderedDict, key: tuple[int, int], value: Any) -> None:
        store[key] = value
        if len(store) > _KEPT_FRAMES:
            store.popitem(last=False)

    def newest_scene(self) -> Scene | None:
        """Give the scene of the newest image; None before the first."""
        return next(reversed(self._scenes.values()), None)

    def scene(self, stamp: Time) -> Scene | None:
        """Give the scene of the image with this stamp; None where it is unknown."""
        return self._scenes.get(_key(stamp))

    def labels(self, stamp: Time) -> Image | None:
        """Give the labels, mono16, of the image with this stamp; None where they are unknown."""
        return self._labels.get(_key(stamp))


class Target:
    """
    The object that the sentence means, followed through the scenes.

    Each scene lists only some of the sentences that are true of it. One that names an object by its
    attributes alone stays true while the object is in view; one that speaks of positions holds only
    in the scenes that list it.
    """

    def __init__(self, sentence: str):
        """Follow what ``sentence`` means; unknown until a scene lists it."""
        self.sentence = sentence
        self._words = _content_words(sentence)
        self._followed: Scene | None = None  # the object as its scene describes it

    def read_as(self, word: str, known: str) -> None:
        """Take a word with a typing error for the one that the network took it for."""
        self._words = [known if said == word else said for said in self._words]

    def object_id(self, scene: Scene) -> int | None:
        """Give the id of the object that is meant in a scene; None where that is not known."""
        objects = {thing['id']: thing for thing in scene['objects']}
        for entry in scene['sentences']:
            listed = _content_words(entry['sentence']) == self._words
            if listed and entry['object_id'] in objects:
                by_attribute = entry['form'] == 'attribute'
                self._followed = objects[entry['object_id']] if by_attribute else None
                return entry['object_id']
        if self._followed is None:
            return None
        thing = objects.get(self._followed['id'])
        same = thing is not None and all(
            thing[name] == self._followed[name] for name in ('kind', 'colour', 'size')
        )
        return thing['id'] if same else None


def choose_sentence(scene: Scene) -> str | None:
    """Choose a true sentence: of the largest object that one by attributes is listed for."""
    pixels = {thing['id']: thing['pixels'] for thing in scene['objects']}
    entries = [entry for entry in scene['sentences'] if entry['form'] == 'attribute']
    best = max(entries, key=lambda entry: pixels.get(entry['object_id'], 0), default=None)
    return best['sentence'] if best else None


class DemoClient(Node):
    """Publishes a sentence and prints a line for each result; ``done`` turns true at the last."""

    def __init__(self, sentence: str | None, frames: int | None, overlay: Path):
        """``sentence``: None for one that the simulator says is true; ``frames``: None for all."""
        super().__init__('refseg_demo')
        self.done = False
        self._choose = sentence is None
        self._frames = frames
        self._overlay_path = overlay
        self._truth = Truth()
        self._target = Target(sentence.strip()) if sentence else None
        self._asked = False
        self._overlay: Image | None = None
        self._overlay_written = 0.0
        self._count = 0
        self._first_arrival = 0.0
        self._arrivals: deque[float] = deque(maxlen=_RATE_WINDOW + 1)
        self._compared = 0
        self._overlap_sum = 0.0
        self._memory: tuple[int, int] | None = None
        self._reminded = time.monotonic()
        report = self.get_logger().warning
        self._query = QUERY.advertise(self, report)
        RESULT.subscribe(self, self._on_result, report)
        OVERLAY.subscribe(self, self._on_overlay, report)
        LABELS.subscribe(self, self._truth.add_labels, report)
        SCENE.subscribe(self, self._on_scene, report)
        self.create_timer(0.2, self._on_time)

    def _on_scene(self, message: String) -> None:
        self._truth.add_scene(message)
        scene = self._truth.newest_scene()
        lost = self._target is not None and self._target.object_id(scene) is None
        if self._choose and (self._target is None or lost):
            sentence = choose_sentence(scene)
            if sentence:
                self._target = Target(sentence)
                self._target.object_id(scene)
                self._asked = False
                self._ask()

    def _ask(self) -> None:
        """Publish the sentence as soon as the node listens."""
        if self._target and not self._asked and self._query.get_subscription_count():
            self._query.publish(String(data=self._target.sentence))
            self._asked = True

    def _on_time(self) -> None:
        self._ask()
        now = time.monotonic()
        newest = self._arrivals[-1] if self._arrivals else 0.0
        if now - newest > _REMINDER_PERIOD < now - self._reminded:
            self._reminded = now
            if self._target is None:
                missing = 'a picture of the tabletop'
            elif not self._asked:
                missing = f'the node on {self._query.topic_name}'
            else:
                missing = f'an answer to {self._target.sentence!r}'
            print(f'still waiting for {missing} ...', flush=True)

    def _on_overlay(self, message: Image) -> None:
        self._overlay = message
        if time.monotonic() - self._overlay_written >= _OVERLAY_PERIOD:
            self.write_overlay()

    def write_overlay(self) -> None:
        """Write the newest overlay; whoever reads the file meanwhile finds a whole picture."""
        if self._overlay is None:
            return
        self._overlay_path.parent.mkdir(parents=True, exist_ok=True)
        partial = self._overlay_path.with_name(f'.{self._overlay_path.name}')
        encoded, data = cv2.imencode(self._overlay_path.suffix, image_pixels(self._overlay))
        if encoded:
            partial.write_bytes(data)
            partial.replace(self._overlay_path)
        self._overlay_written = time.monotonic()

    def _on_result(self, result: ReferringSegmentation) -> None:
        if self.done or self._target is None or result.query != self._target.sentence:
            return  # an answer to the sentence before this one
        now = time.monotonic()
        self._first_arrival = self._first_arrival or now
        self._arrivals.append(now)
        self._count += 1
        for error in result.corrections:
            self._target.read_as(error.word, error.read_as)
        overlap = self._overlap(result)
        if overlap is not None:
            self._compared += 1
            self._overlap_sum += overlap
        print(self._line(result, overlap), flush=True)
        if self._count % _RATE_WINDOW == 1:
            self._measure_memory()
        self.done = self._frames is not None and self._count >= self._frames

    def _overlap(self, result: ReferringSegmentation) -> float | None:
        """Give the IoU with the truth of the same stamp; None where there is none to compare."""
        scene = self._truth.scene(result.header.stamp)
        labels = self._truth.labels(result.header.stamp)
        if scene is None or labels is None:
            return None
        object_id = self._target.object_id(scene)
        if object_id is None:
            return None
        return intersection_over_union(image_pixels(result.mask), image_pixels(labels) == object_id)

    def _line(self, result: ReferringSegmentation, overlap: float | None) -> str:
        roi = result.roi
        latency = result.latency.sec + result.latency.nanosec * 1e-9
        elapsed = self._arrivals[-1] - self._arrivals[0]
        rate = (len(self._arrivals) - 1) / elapsed if elapsed > 0 else 0.0
        read = ', '.join(f'{error.word} read as {error.read_as}' for error in result.corrections)
        return '  '.join(
            (
                f'{result.query!r} ({read})' if read else repr(result.query),
                'found    ' if result.found else 'not found',
                f'score {result.score:.2f}',
                f'box {roi.x_offset:4d},{roi.y_offset:4d} {roi.width:4d}x{roi.height:<4d}',
                'IoU    -' if overlap is None else f'IoU {overlap:.2f}',
                f'latency {latency * 1000:5.0f} ms',
                f'{rate:5.1f} Hz',
            )
        )

    def _measure_memory(self) -> None:
        process = find_sibling('refseg_node')
        if process is not None:
            self._memory = resident_memory(process)

    def summary(self) -> str:
        """Say how many answers a second there were, how good, and the node's memory."""
        self._measure_memory()
        elapsed = self._arrivals[-1] - self._first_arrival if self._count else 0.0
        rate = f'{(self._count - 1) / elapsed:.1f} results/s' if elapsed > 0 else 'no rate'
        parts = [f'{self._count} results in {elapsed:.1f} s', rate]
        scene = self._truth.newest_scene()
        if self._compared:
            mean = self._overlap_sum / self._compared
            parts.append(f'mean IoU {mean:.2f} of {self._compared} compared with the truth')
        elif scene and scene['sentences'] and self._target:
            true = ', '.join(repr(entry['sentence']) for entry in scene['sentences'][:3])
            parts.append(f'no IoU: the simulator did not list this sentence as true, but {true}')
        if self._memory:
            now, peak = (value / 2**20 for value in self._memory)
            parts.append(f"the node's resident memory {now:.0f} MB (at most {peak:.0f} MB)")
        return ', '.join(parts)

    @property
    def answered(self) -> bool:
        """Whether there was a result."""
        return self._count > 0


def _content_words(sentence: str) -> list[str]:
    """Give the words without articles: 'red mug' means what 'the red mug' means."""
    return [word for word in tokenize(sentence) if word not in ('the', 'a', 'an')]


def _key(stamp: Time) -> tuple[int, int]:
    return stamp.sec, stamp.nanosec


def parse_arguments(args: Sequence[str]) -> argparse.Namespace:
    """Read the command line; ``args`` without the program's name."""
    parser = argparse.ArgumentParser(
        prog='demo.sh',
        description='Set everything up, start a simulated camera and the node, ask for a thing on '
        'the table, and print a line for every answer. Ends with Ctrl-C.',
    )
    parser.add_argument(
        'sentence',
        nargs='?',
        metavar='SENTENCE',
        help='what to look for; left out: one that the simulator says is true',
    )
    parser.add_argument(
        '--frames', type=int, metavar='N', help='end after N results; left out: go on until Ctrl-C'
    )
    parser.add_argument(
        '--overlay',
        type=Path,
        default=Path('demo/overlay.png'),
        metavar='FILE',
        help='picture of the newest answer, written once a second (default: %(default)s)',
    )
    arguments = parser.parse_args(args)
    if arguments.frames is not None and arguments.frames < 1:
        parser.error(f'--frames {arguments.frames}: give 1 or more')
    if not cv2.haveImageWriter(f'x{arguments.overlay.suffix}'):
        parser.error(f'--overlay {arguments.overlay}: no kind of picture ends so; try a .png')
    if arguments.sentence is not None and not arguments.sentence.strip():
        parser.error('the sentence is blank; give words, or leave it out')
    return arguments


def main(args: Sequence[str] | None = None) -> int:
    """Run the client until the last frame, SIGINT or SIGTERM; exit code 1 without any result."""
    command_line = remove_ros_args(args)[1:]
    arguments = parse_arguments(command_line)
    rclpy.init(args=args, signal_handler_options=SignalHandlerOptions.NO)
    client = DemoClient(arguments.sentence, arguments.frames, arguments.overlay)
    ended: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda received, _: ended.append(received))
    try:
        while not client.done and not ended:
            rclpy.spin_once(client, timeout_sec=0.2)
        client.write_overlay()
        print(client.summary(), flush=True)
    except BrokenPipeError:
        # Nobody reads the lines any more, as with `demo.sh | head`: what remains goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    finally:
        client.destroy_node()
        rclpy.try_shutdown()
    return 0 if client.answered else 1
