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

from pathlib import Path

import pytest

from ros2_refseg.nodes import api

README = Path(__file__).parents[2] / 'README.md'


def test_readme_has_the_api_as_it_is():
    text = README.read_text(encoding='utf-8')
    assert api.rewrite(text) == text, 'run: python -m ros2_refseg.nodes.api README.md'


def test_api_names_every_topic_and_parameter():
    text = api.api()
    for name in ('~/mask', '~/boundary', '~/overlay', '~/result', '/diagnostics', 'max_rate'):
        assert f'`{name}`' in text


def test_text_without_marks_is_refused():
    with pytest.raises(ValueError, match='ROS API'):
        api.rewrite('no marks')
