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


"""The camera node's sources other than the simulator, and what its truth says."""

import json
import threading
import time
from importlib.util import find_spec

import cv2
import numpy as np
import pytest
from harness import NodeProcess
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.logging import get_logger
from rclpy.qos import ReliabilityPolicy
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import String

from ros2_refseg.nodes.camera_node import CameraNode
from ros2_refseg.nodes.camera_sources import SourceError, SourceSettings, open_source
from ros2_refseg.nodes.image_conversion import image_pixels, image_to_rgb

COLOURS = [(250, 0, 0), (0, 250, 0), (0, 0, 250)]


def settings(**changes):
    values = {
        'width': 0, 'height': 0, 'rate': 10.0, 'level': 'simple', 'seed': 0, 'loop': False,
        **changes,
    }
    return SourceSettings(**values)


def plain(colour, width=32, height=24):
    return np.full((height, width, 3), colour, np.uint8)


def write(path, rgb):
    cv2.imwrite(str(path), rgb[..., ::-1])


def colours_of(source):
    """Read a source to its end; gives the colour of each picture."""
    found = []
    while (frame := source.read()) is not None:
        found.append(tuple(int(value) for value in frame.image.mean(axis=(0, 1)).round()))
    source.close()
    return found


@pytest.fixture
def folder(tmp_path):
    for number, colour in enumerate(COLOURS):
        write(tmp_path / f'{number}.png', plain(colour))
    (tmp_path / 'notes.txt').write_text('no image')
    return tmp_path


def test_folder_in_order_of_names(folder):
    source = open_source(str(folder), settings(), get_logger('test'))
    assert colours_of(source) == COLOURS


def test_folder_passes_over_broken_and_vanished_images(folder, capfd):
    (folder / '1.png').write_bytes(b'broken')
    source = open_source(str(folder), settings(), get_logger('test'))
    (folder / '2.png').unlink()
    assert colours_of(source) == [COLOURS[0]]
    log = ''.join(capfd.readouterr())
    assert "1.png' cannot be read as an image" in log
    assert "2.png' cannot be read as an image" in log


def test_folder_loops(folder):
    source = open_source(str(folder), settings(loop=True), get_logger('test'))
    assert [tuple(source.read().image[0, 0]) for _ in range(7)] == (COLOURS * 3)[:7]


def test_looping_folder_names_a_broken_image_once(folder, capfd):
    (folder / '1.png').write_bytes(b'broken')
    source = open_source(str(folder), settings(loop=True), get_logger('test'))
    for _ in range(7):
        source.read()
    assert ''.join(capfd.readouterr()).count("1.png' cannot be read as an image") == 1


def test_looping_folder_whose_images_vanish_ends(folder):
    source = open_source(str(folder), settings(loop=True), get_logger('test'))
    for path in folder.glob('*.png'):
        path.unlink()
    assert len(colours_of(source)) == 1


def test_image_in_another_size(folder):
    source = open_source(str(folder / '0.png'), settings(width=64), get_logger('test'))
    for _ in range(3):
        assert source.read().image.shape == (24, 64, 3)


@pytest.mark.parametrize('loop', [False, True])
def test_video(tmp_path, loop):
    path = tmp_path / 'video.avi'
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*'MJPG'), 10, (32, 24))
    if not writer.isOpened():
        pytest.skip('needs an OpenCV that writes video')
    for colour in COLOURS:
        writer.write(plain(colour)[..., ::-1].copy())
    writer.release()
    source = open_source(str(path), settings(loop=loop), get_logger('test'))
    frames = [source.read() for _ in range(5)]
    brightest = [int(frame.image.mean(axis=(0, 1)).argmax()) for frame in frames if frame]
    assert brightest == ([0, 1, 2, 0, 1] if loop else [0, 1, 2])


@pytest.mark.parametrize(
    ('source', 'words'),
    [
        ('nowhere.png', "no file or folder 'nowhere.png'"),
        ('', "no file or folder ''"),
        ('99', 'webcam 99 cannot be opened'),
        (99, 'webcam 99 cannot be opened'),
        ('EMPTY', 'has no image that can be read'),
        ('EMPTY/broken.png', 'cannot be read as an image'),
        ('EMPTY/broken.mp4', 'cannot be read as an image or a video'),
    ],
)
def test_bad_sources_are_named(source, words, tmp_path):
    if isinstance(source, str) and source.startswith('EMPTY'):
        source = source.replace('EMPTY', str(tmp_path))
        for name in ('broken.png', 'broken.mp4'):
            (tmp_path / name).write_bytes(b'broken')
    with pytest.raises(SourceError, match=words):
        open_source(source, settings(), get_logger('test'))


def test_node_publishes_a_folder_and_ends_with_it(folder, tester):
    arguments = ('-p', f'source:={folder}', '-p', 'rate:=20.0', '-p', 'frame_id:=eye')
    with (
        tester.listen(
            Image, '/still/image_raw', reliability=ReliabilityPolicy.BEST_EFFORT
        ) as images,
        tester.listen(CameraInfo, '/still/camera_info', depth=100) as infos,
        NodeProcess(
            'refseg_camera',
            *arguments,
            '-r',
            'camera/image_raw:=still/image_raw',
            '-r',
            'camera/camera_info:=still/camera_info',
        ) as camera,
    ):
        image = images.wait()
        info = infos.wait(lambda message: message.header == image.header)
        assert (image.width, image.height, image.encoding) == (32, 24, 'rgb8')
        assert image.header.frame_id == 'eye'
        assert tuple(image_to_rgb(image)[0, 0]) in COLOURS
        assert (info.width, info.height) == (32, 24) and not any(info.k)
        assert camera.running


def test_node_ends_with_its_source(folder):
    with NodeProcess('refseg_camera', '-p', f'source:={folder}', '-p', 'loop:=false') as camera:
        camera.wait_for_line('the source has ended')
        assert camera.wait_for_end() == 0
    assert 'Traceback' not in camera.output


class FakeWebcam:
    """Takes the place of OpenCV's capture: its pictures are taken while they are waited for."""

    def __init__(self):
        """Open at once."""
        self.properties = {}
        self.taken = []  # ns, by the number that is the picture's grey

    def set(self, name, value):
        self.properties[name] = value

    def isOpened(self):  # noqa: N802  OpenCV's name
        return True

    def read(self):
        self.taken.append(time.time_ns())
        return True, plain(len(self.taken) - 1)

    def release(self):
        pass


def test_webcam_pictures_are_new_and_stamped_when_they_are_there(tester, monkeypatch):
    webcam = FakeWebcam()
    monkeypatch.setattr(cv2, 'VideoCapture', lambda number: webcam)
    context = Context()
    context.init(args=['--ros-args', '-r', '__ns:=/webcam', '-p', 'source:=0'])
    node = CameraNode(context=context)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)
    thread = threading.Thread(target=executor.spin)
    with tester.listen(Image, '/webcam/camera/image_raw') as images:
        thread.start()
        image = images.wait()
    executor.shutdown()
    thread.join()
    node.close()
    node.destroy_node()
    context.try_shutdown()
    assert webcam.properties[cv2.CAP_PROP_BUFFERSIZE] == 1, 'none waits in the driver'
    stamp = image.header.stamp.sec * 10**9 + image.header.stamp.nanosec
    assert stamp >= webcam.taken[image_to_rgb(image)[0, 0, 0]]


@pytest.mark.skipif(find_spec('mujoco') is None, reason='needs the simulator')
@pytest.mark.parametrize('level', ['simple', 'household'])
def test_tabletop_truth_fits_its_image(tester, level):
    with (
        tester.listen(Image, '/camera/image_raw', depth=50) as images,
        tester.listen(Image, '/camera/truth/labels', depth=50) as labels,
        tester.listen(String, '/camera/truth/scene', depth=50) as scenes,
        NodeProcess(
            'refseg_camera', '-p', 'width:=320', '-p', 'height:=240', '-p', f'level:={level}'
        ),
    ):
        scene = json.loads(scenes.wait().data)
        stamp = (scene['stamp']['sec'], scene['stamp']['nanosec'])
        image, truth = (
            inbox.wait(lambda m: (m.header.stamp.sec, m.header.stamp.nanosec) == stamp)
            for inbox in (images, labels)
        )
    assert (image.encoding, truth.encoding) == ('rgb8', 'mono16')
    assert scene['frame_id'] == image.header.frame_id == truth.header.frame_id
    pixels = image_pixels(truth)
    for thing in scene['objects']:
        assert np.count_nonzero(pixels == thing['id']) == thing['pixels']
    ids = {thing['id'] for thing in scene['objects']}
    meant = {s['object_id'] for s in scene['sentences'] if s['form'] != 'absent'}
    assert meant and meant <= ids
    assert any('pattern' in thing for thing in scene['objects']) == (level == 'household')
