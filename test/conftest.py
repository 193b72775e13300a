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

"""What all tests share: one import path for every way to start pytest, skips without ROS 2."""

import importlib
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# The built package holds the modules AND the generated message; the source folder of the same name
# lacks the message. `python -m pytest` puts the repository first on the path, so move it behind the
# built package: it remains for machines that train without ROS 2.
sys.path[:] = [entry for entry in sys.path if Path(entry or os.curdir).resolve() != ROOT]
sys.path.append(str(ROOT))

_MISSING_ROS = pytest.StashKey[str]()


def missing_ros() -> str:
    """Name the first ROS 2 module that cannot be imported and why; empty when all are there."""
    for module in ('rclpy', 'ros2_refseg.msg'):
        try:
            importlib.import_module(module)
        except ImportError as error:
            return f'{module} cannot be imported ({error}); scripts/test.sh sets ROS 2 up'
    return ''


def pytest_configure(config: pytest.Config) -> None:
    """Stop at once when ROS 2 was promised (scripts/test.sh) and is missing."""
    reason = missing_ros()
    if reason and os.environ.get('REFSEG_REQUIRE_ROS') == '1':
        raise pytest.UsageError(reason)
    config.stash[_MISSING_ROS] = reason


def pytest_pycollect_makemodule(
    module_path: Path, parent: pytest.Collector
) -> pytest.Module | None:
    """Skip the modules of test/ros, before they import rclpy, where ROS 2 is missing."""
    reason = parent.config.stash[_MISSING_ROS]
    if reason and module_path.parent.name == 'ros':
        return _SkippedModule.from_parent(parent, path=module_path)
    return None


class _SkippedModule(pytest.Module):
    def collect(self) -> list:
        pytest.skip(self.config.stash[_MISSING_ROS], allow_module_level=True)


@pytest.fixture(scope='session')
def tensorboard_curve() -> Callable[[Path], dict[int, float]]:
    """Give what reads the loss that TensorBoard shows at each step of the run in a folder."""
    def read(run: Path) -> dict[int, float]:
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

        events = EventAccumulator(str(run / 'tensorboard'))
        events.Reload()
        return {event.step: event.value for event in events.Scalars('loss/total')}

    return read


@pytest.fixture(scope='session')
def squares(tmp_path_factory) -> Path:
    """Draw a small REFER data set: a red and a blue square a picture, said by their colour."""
    import cv2
    import numpy as np

    from ros2_refseg.data.refer import NewReference, ReferWriter, encode_mask

    colours = {'red': (220, 30, 30), 'blue': (30, 30, 220)}
    folder = tmp_path_factory.mktemp('squares') / 'data'
    writer = ReferWriter(folder, 'squares', 'refseg', ['square'])
    rng = np.random.default_rng(0)
    for number in range(12):
        picture = np.full((60, 80, 3), 128, np.uint8)
        references = []
        for colour, left in zip(colours, rng.permutation([5, 45]), strict=True):
            top = int(rng.integers(5, 25))
            mask = np.zeros((60, 80), np.uint8)
            mask[top:top + 30, left:left + 30] = 1
            picture[mask > 0] = colours[colour]
            references.append(NewReference(
                'square', encode_mask(mask),
                [(f'the {colour} square', 'attribute'), (f'{colour} one', 'short')],
            ))
        encoded = cv2.imencode('.jpg', picture[..., ::-1])[1].tobytes()
        writer.add(f'{number}.jpg', encoded, (60, 80), 'train' if number < 8 else 'val', references)
    writer.close()
    return folder


@pytest.fixture(scope='session')
def typos_and_absent(tmp_path_factory) -> Path:
    """Draw grey pictures that hold nothing of what is said, one of them with a typing error."""
    import cv2
    import numpy as np

    from ros2_refseg.data.refer import NewReference, NewSentence, ReferWriter

    folder = tmp_path_factory.mktemp('absent') / 'data'
    writer = ReferWriter(folder, 'absent', 'refseg', [])
    encoded = cv2.imencode('.png', np.full((60, 80, 3), 128, np.uint8))[1].tobytes()
    for number in range(4):
        writer.add(f'{number}.png', encoded, (60, 80), 'val' if number == 3 else 'train', [
            NewReference('', None, [NewSentence('teh purple cat', 'typo', clean='the purple cat')]),
        ])
    writer.close()
    return folder
