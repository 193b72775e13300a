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


"""The demo's client: what it takes for true, what it refuses, whose memory it reads."""

import os
import re
import subprocess
import sys

import pytest

from ros2_refseg.nodes.demo_client import Target, choose_sentence, parse_arguments
from ros2_refseg.nodes.processes import find_sibling, resident_memory


def thing(number, kind='mug', colour='red', pixels=100):
    """Describe an object as the camera's scene does."""
    return {'id': number, 'kind': kind, 'colour': colour, 'size': 'small', 'pixels': pixels}


def scene(objects, *sentences):
    """Make a scene of objects and of (sentence, object id, form)."""
    keys = ('sentence', 'object_id', 'form')
    return {
        'objects': objects,
        'sentences': [dict(zip(keys, entry, strict=True)) for entry in sentences],
    }


def test_attributes_are_followed():
    """A sentence by attributes means its object in scenes that do not list it, articles or not."""
    target = Target('the red mug')
    assert target.object_id(scene([thing(1), thing(2, 'bowl')])) is None
    assert target.object_id(scene([thing(1)], ('red mug', 1, 'attribute'))) == 1
    assert target.object_id(scene([thing(1), thing(2, 'bowl')])) == 1


def test_a_typing_error_means_what_the_network_read():
    """Else there would be no truth to compare with."""
    target = Target('the yelow mug')
    listed = scene([thing(1, colour='yellow')], ('the yellow mug', 1, 'attribute'))
    assert target.object_id(listed) is None
    target.read_as('yelow', 'yellow')
    assert target.object_id(listed) == 1


def test_positions_hold_in_their_scene_only():
    """What moves does not stay the leftmost one."""
    target = Target('the leftmost mug')
    assert target.object_id(scene([thing(1)], ('the leftmost mug', 1, 'position'))) == 1
    assert target.object_id(scene([thing(1)])) is None


@pytest.mark.parametrize('objects', [[], [thing(1, 'bowl')], [thing(1, colour='blue')]])
def test_gone_objects_are_not_followed(objects):
    """Out of view, or another object under the same number: nothing to compare with."""
    target = Target('the red mug')
    target.object_id(scene([thing(1)], ('the red mug', 1, 'attribute')))
    assert target.object_id(scene(objects)) is None


def test_default_sentence():
    """The largest object with a sentence by attributes; none without one."""
    objects = [thing(1, pixels=10), thing(2, 'bowl', pixels=500), thing(3, 'box', pixels=900)]
    sentences = [('a', 1, 'attribute'), ('b', 2, 'attribute'), ('c', 3, 'position')]
    assert choose_sentence(scene(objects, *sentences)) == 'b'
    assert choose_sentence(scene(objects, sentences[2])) is None


@pytest.mark.parametrize(
    ('arguments', 'problem'),
    [
        (['--frames', '0'], '--frames 0'),
        (['--frames', 'x'], "'x'"),
        (['--overlay', 'picture'], '--overlay picture: .* try a .png'),
        (['--overlay', 'demo/x.what'], '--overlay demo/x.what: .* try a .png'),
        ([' '], 'blank'),
    ],
)
def test_bad_arguments(arguments, problem, capsys):
    """Each is named in the error."""
    with pytest.raises(SystemExit):
        parse_arguments(arguments)
    assert re.search(problem, capsys.readouterr().err)


def test_memory_of_a_sibling(tmp_path):
    """A program that our parent's shell started through another one is found, with its memory."""
    # This test is the parent; the shell starts a sleeper, and Python asks as its sibling.
    (tmp_path / 'refseg_sleeper').symlink_to('/bin/sleep')
    ask = (
        'from ros2_refseg.nodes.processes import find_sibling; '
        "print(find_sibling('refseg_sleeper'))"
    )
    script = f'"{tmp_path}/refseg_sleeper" 60 & "{sys.executable}" -c "{ask}"; echo $!; kill $!'
    output = subprocess.run(
        ['bash', '-c', script], capture_output=True, text=True, check=False, timeout=60
    ).stdout.split()
    assert output[0] == output[1]
    assert find_sibling('refseg_no_such_program') is None


def test_memory():
    """Resident memory and its peak are those of a Python process; an ended one has none."""
    now, peak = resident_memory(os.getpid())
    assert 2**20 < now <= peak < 2**40
    ended = subprocess.Popen(['true'])
    ended.wait()
    assert resident_memory(ended.pid) is None
