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


"""The README's ROS API is what the code says."""

import subprocess
import sys
from pathlib import Path

import pytest

from ros2_refseg.nodes import api

README = Path(__file__).parents[2] / 'README.md'


def test_readme_has_the_api_as_it_is():
    text = README.read_text(encoding='utf-8')
    assert api.rewrite(text) == text, f'run: {api.COMMAND}'


def test_the_command_that_the_readme_names_works():
    """It is the one of CONTRIBUTING.md, and is run in the root."""
    root = README.parent
    assert f'`{api.COMMAND}`' in (root / 'CONTRIBUTING.md').read_text(encoding='utf-8')
    printing = api.COMMAND.replace(' ../README.md', '').replace('python', sys.executable, 1)
    finished = subprocess.run(
        printing, shell=True, cwd=root, capture_output=True, text=True, check=True
    )
    assert finished.stdout == f'{api.api()}\n'


def test_api_names_every_topic_and_parameter():
    text = api.api()
    for name in ('~/mask', '~/boundary', '~/overlay', '~/result', '/diagnostics', 'max_rate'):
        assert f'`{name}`' in text


def test_text_without_marks_is_refused():
    with pytest.raises(ValueError, match='ROS API'):
        api.rewrite('no marks')
