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


"""The node `refseg_camera`: a camera for demos and tests, with the truth where it is simulated."""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from rclpy.clock import Clock, ClockType
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header, String

from ros2_refseg.nodes.camera_sources import SourceError, SourceSettings, Truth, open_source
from ros2_refseg.nodes.image_conversion import array_to_image
from ros2_refseg.nodes.parameters import ParameterError, ParameterSpec, declare_parameters
from ros2_refseg.nodes.running import run_node
from ros2_refseg.nodes.topics import TopicSpec

CAMERA_PARAMETERS = (
    ParameterSpec(
        'source',
        'tabletop',
        'tabletop (a simulated table, objects moving), the path of an image, of a folder of images '
        'or of a video, or the number of a webcam.',
        read_only=True,
        dynamic=True,
    ),
    ParameterSpec(
        'rate', 10.0, 'Images a second, in Hz.', read_only=True, minimum=0.1, maximum=1000.0
    ),
    ParameterSpec(
        'width',
        0,
        "Width of the images in pixels; 0 is the source's own (tabletop: 640).",
        read_only=True,
        minimum=0,
        maximum=16384,
    ),
    ParameterSpec(
        'height',
        0,
        "Height of the images in pixels; 0 is the source's own (tabletop: 480).",
        read_only=True,
        minimum=0,
        maximum=16384,
    ),
    ParameterSpec(
        'frame_id',
        'camera_optical_frame',
        'Frame of the images: z forward, x right, y down (REP-103).',
        read_only=True,
    ),
    ParameterSpec(
        'level',
        'simple',
        'What is on the simulated table: simple (ten kinds of things that stand apart) or '
        'household (more kinds, patterns, materials, things in and on each other).',
        read_only=True,
        choices=('simple', 'household'),
    ),
    ParameterSpec(
        'seed',
        0,
        'Which table is simulated.',
        read_only=True,
        minimum=0,
        maximum=2**31 - 1,
    ),
    ParameterSpec('loop', True, 'Begin again at the end of a folder or video.', read_only=True),
)

# Reliable publishers match both kinds of subscriptions: best effort ones (REP-2003 sensor data, the
# node `refseg`) and reliable ones (RViz, recorders). Depth 1 never sends old images.
IMAGE_RAW = TopicSpec('camera/image_raw', Image, 'rgb8')
CAMERA_INFO = TopicSpec(
    'camera/camera_info', CameraInfo, 'calibration of the tabletop camera, else size only (k = 0)'
)
LABELS = TopicSpec(
    'camera/truth/labels',
    Image,
    'tabletop only: mono16, 0 background, k the object with the id k',
)
SCENE = TopicSpec(
    'camera/truth/scene',
    String,
    'tabletop only: JSON with stamp, frame_id, objects, and sentences that are true of the image',
)
CAMERA_TOPICS = (IMAGE_RAW, CAMERA_INFO, LABELS, SCENE)


class CameraNode(Node):
    """
    Publishes the pictures of a source at a rate.

    Raises ParameterError for a source that cannot be opened. Make and spin it in one thread.
    """

    def __init__(self, **node_options: Any):
        """``node_options`` go to rclpy's Node."""
        super().__init__('refseg_camera', **node_options)
        values = declare_parameters(self, CAMERA_PARAMETERS)
        settings = SourceSettings(
            **{name: values[name] for name in (
                'width', 'height', 'rate', 'level', 'seed', 'loop')}
        )
        try:
            self._source = open_source(values['source'], settings, self.get_logger())
        except SourceError as error:
            raise ParameterError('source', str(error)) from error
        self._frame_id = values['frame_id']
        report = self.get_logger().warning
        self._images = IMAGE_RAW.advertise(self, report)
        self._infos = CAMERA_INFO.advertise(self, report)
        if values['source'] == 'tabletop':
            self._labels = LABELS.advertise(self, report)
            self._scenes = SCENE.advertise(self, report)
        self.create_timer(
            1.0 / values['rate'], self._on_time, clock=Clock(clock_type=ClockType.STEADY_TIME)
        )
        self.get_logger().info(
            f'{values["source"]} to {self._images.topic_name} at {values["rate"]} Hz'
        )

    def close(self) -> None:
        """Close the source."""
        self._source.close()

    def _on_time(self) -> None:
        asked = self.get_clock().now()
        frame = self._source.read()
        if not self.context.ok():  # by Ctrl-C, while the picture was drawn
            return
        stamp = self.get_clock().now() if self._source.waits else asked
        header = Header(stamp=stamp.to_msg(), frame_id=self._frame_id)
        if frame is None:
            self.get_logger().info('the source has ended')
            self.context.try_shutdown()
            return
        if frame.truth is not None:
            self._publish_truth(header, frame.truth)
        self._infos.publish(camera_info(header, frame.image.shape, frame.truth))
        self._images.publish(array_to_image(frame.image, 'rgb8', header))

    def _publish_truth(self, header: Header, truth: Truth) -> None:
        """Publish before the image, so that whoever gets an answer has the truth already."""
        if self._labels.get_subscription_count():
            self._labels.publish(array_to_image(truth.labels, 'mono16', header))
        if self._scenes.get_subscription_count():
            scene = {
                'stamp': {'sec': header.stamp.sec, 'nanosec': header.stamp.nanosec},
                'frame_id': header.frame_id,
                **truth.scene(),
            }
            self._scenes.publish(String(data=json.dumps(scene)))


def camera_info(header: Header, shape: tuple[int, ...], truth: Truth | None) -> CameraInfo:
    """Make the calibration of an image: a pinhole without distortion, or none (k = 0)."""
    info = CameraInfo(header=header, height=shape[0], width=shape[1])
    if truth is not None:
        matrix = np.asarray(truth.intrinsics, float)
        info.distortion_model = 'plumb_bob'
        info.d = [0.0] * 5
        info.k = matrix.ravel()
        info.r = np.eye(3).ravel()
        info.p = np.hstack([matrix, np.zeros((3, 1))]).ravel()
    return info


def main(args: Sequence[str] | None = None) -> int:
    """Run the node; returns the exit code."""
    return run_node('refseg_camera', CameraNode, SingleThreadedExecutor, args)
