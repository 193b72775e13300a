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

"""The networks that ship with the package; without torch, so that ``--help`` is quick."""

import os
import sys
from pathlib import Path

BUNDLED = ('acm', 'vcm')
DEFAULT = 'acm'
"""The network that is taken where none is asked for; the other is as good."""


def bundled_checkpoints() -> dict[str, Path]:
    """
    Find the checkpoints that ship with the package, by name.

    They lie in ``model/`` of a source tree and in ``share/ros2_refseg/model`` of an installation,
    be it one of colcon's or of pip's.
    """
    package = Path(__file__).resolve().parent
    folders = [package.parent / 'model']
    prefixes = [*os.environ.get('AMENT_PREFIX_PATH', '').split(os.pathsep), sys.prefix]
    # An install prefix is some levels above lib/python3.x/site-packages/ros2_refseg.
    prefixes += [str(parent) for parent in Path(__file__).parents]
    folders += [Path(prefix) / 'share/ros2_refseg/model' for prefix in prefixes if prefix]
    found: dict[str, Path] = {}
    for name in BUNDLED:
        for folder in folders:
            file = folder / f'{name}.safetensors'
            if file.is_file():
                found[name] = file
                break
    return found
