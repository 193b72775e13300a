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


"""What the node `refseg` publishes about a frame: only what somebody subscribes to."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from builtin_interfaces.msg import Duration
from geometry_msgs.msg import Point
from rclpy.node import Node
from sensor_msgs.msg import Image, RegionOfInterest
from std_msgs.msg import Header

from ros2_refseg.msg import ReferringSegmentation, WordCorrection
from ros2_refseg.nodes.image_conversion import array_to_image
from ros2_refseg.nodes.refseg_parameters import MAX_QUERIES
from ros2_refseg.nodes.topics import Report, TopicSpec
from ros2_refseg.overlay import draw_overlay
from ros2_refseg.segmenter import Segmentation

OUTPUTS = (
    TopicSpec('~/mask', Image, 'mono8, 255 where the thing meant is; all 0 when it is not found'),
    TopicSpec('~/boundary', Image, 'mono8, probability of its boundary times 255; all 0 likewise'),
    TopicSpec('~/overlay', Image, 'bgr8, the camera image with the answer drawn in'),
    TopicSpec(
        '~/result', ReferringSegmentation,
        'everything about the frame and one sentence in one message; one for each sentence',
        depth=MAX_QUERIES,
    ),
)
"""Outputs; size, stamp and frame_id are those of the input image."""

_SECOND = 10**9  # ns


@dataclass(frozen=True)
class Timing:
    """How long one frame took, in seconds."""

    processing: float  # from the begin of the conversion until everything was published
    conversion: float  # message to RGB
    inference: float  # RGB to masks
    publishing: float  # masks to messages, with what else is asked for, and into the middleware
    latency: float  # age of the image then: the node's clock minus the stamp


@dataclass(frozen=True)
class Progress:
    """When one frame's stages were done, by `time.monotonic`."""

    started: float
    converted: float
    answered: float


class Outputs:
    """The publishers of the four outputs."""

    def __init__(self, node: Node, report: Report):
        """Advertise all; ``report`` gets a line for subscriptions whose QoS does not match."""
        self._clock = node.get_clock()
        self._publishers = {spec.name: spec.advertise(node, report) for spec in OUTPUTS}

    def demanded(self) -> frozenset[str]:
        """Names of the outputs that have a subscriber now."""
        return frozenset(
            name
            for name, publisher in self._publishers.items()
            if publisher.get_subscription_count() > 0
        )

    def publish(
        self,
        demanded: frozenset[str],
        header: Header,
        rgb: np.ndarray,
        segmentations: Sequence[Segmentation],
        progress: Progress,
    ) -> Timing:
        """
        Publish the demanded outputs of one frame.

        ``header`` is the input's, ``rgb`` the converted image. Each of the ``segmentations`` gives
        a result; mask, boundary and overlay are of the first.
        """
        for segmentation in segmentations:
            outputs = demanded if segmentation is segmentations[0] else demanded & {'~/result'}
            self._publish_maps(outputs, header, segmentation, progress.started)
        if '~/overlay' in demanded:  # last: it is for the eye, and takes longest to make
            overlay = cv2.cvtColor(draw_overlay(rgb, segmentations[0]), cv2.COLOR_RGB2BGR)
            self._publishers['~/overlay'].publish(array_to_image(overlay, 'bgr8', header))
        now = time.monotonic()
        return Timing(
            processing=now - progress.started,
            conversion=progress.converted - progress.started,
            inference=progress.answered - progress.converted,
            publishing=now - progress.answered,
            latency=self._age(header) * 1e-9,
        )

    def _publish_maps(
        self, demanded: frozenset[str], header: Header, segmentation: Segmentation, started: float
    ) -> None:
        mask = boundary = None
        if demanded & {'~/mask', '~/result'}:
            mask = array_to_image(segmentation.mask, 'mono8', header)
        if demanded & {'~/boundary', '~/result'}:
            boundary = array_to_image(segmentation.boundary_map, 'mono8', header)
        if '~/mask' in demanded:
            self._publishers['~/mask'].publish(mask)
        if '~/boundary' in demanded:
            self._publishers['~/boundary'].publish(boundary)
        if '~/result' in demanded:
            result = result_message(header, segmentation, mask, boundary)
            result.processing_time = _duration(int((time.monotonic() - started) * 1e9))
            result.latency = _duration(self._age(header))
            self._publishers['~/result'].publish(result)

    def _age(self, header: Header) -> int:
        """Nanoseconds since the stamp; negative where the camera's clock is ahead."""
        # By hand, because rclpy's Time refuses the negative stamps that a broken driver writes.
        return self._clock.now().nanoseconds - (header.stamp.sec * _SECOND + header.stamp.nanosec)


def _duration(nanoseconds: int) -> Duration:
    """Make a duration, as near as its 32 bits for the seconds allow."""
    seconds, rest = divmod(nanoseconds, _SECOND)
    return Duration(sec=min(max(seconds, -(2**31)), 2**31 - 1), nanosec=rest)


def result_message(
    header: Header, segmentation: Segmentation, mask: Image, boundary: Image
) -> ReferringSegmentation:
    """Make the result message of a frame, but for its two times."""
    x, y, width, height = (int(value) for value in segmentation.box)
    area, centroid = 0, Point()
    if segmentation.found:
        inside = segmentation.mask[y:y + height, x:x + width]
        moments = cv2.moments(inside, binaryImage=True)
        area = int(moments['m00'])
        centroid = Point(x=x + moments['m10'] / area, y=y + moments['m01'] / area)
    return ReferringSegmentation(
        header=header,
        query=segmentation.sentence,
        unknown_words=list(segmentation.unknown_words),
        corrections=[
            WordCorrection(word=word, read_as=known) for word, known in segmentation.corrections
        ],
        found=bool(segmentation.found),
        score=float(segmentation.score),
        calibrated=segmentation.calibrated,
        roi=RegionOfInterest(x_offset=x, y_offset=y, width=width, height=height),
        area=area,
        centroid=centroid,
        mask=mask,
        boundary=boundary,
    )
