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

"""The launch files, run by ROS 2's own launch; skipped where that is not installed."""

import asyncio
import os
from pathlib import Path

import pytest

pytest.importorskip('launch_ros', reason='launch comes with a ROS 2 distribution, not from wheels')

from launch import LaunchContext, LaunchDescription, LaunchService
from launch.actions import (
    ExecuteProcess,
    IncludeLaunchDescription,
    RegisterEventHandler,
    Shutdown,
)
from launch.event_handlers import OnProcessExit, OnProcessIO
from launch.events.process import ProcessExited
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.utilities import normalize_to_list_of_substitutions, perform_substitutions
from launch_ros.actions import Node
from launch_ros.utilities import evaluate_parameters

LAUNCH = Path(__file__).resolve().parent.parent.parent / 'launch'


def nodes_of(file, **arguments):
    """Give the nodes that a launch file makes of its arguments, by executable, and the context."""
    context = LaunchContext(argv=[])
    context.launch_configurations.update(arguments)
    found = {}

    def visit(entity):
        if isinstance(entity, Node):
            found[entity.node_executable] = entity
            return
        for child in entity.visit(context) or ():
            visit(child)

    source = PythonLaunchDescriptionSource(str(LAUNCH / file))
    visit(source.get_launch_description(context))
    return found, context


def parameters_of(node, context):
    """Give the parameters that a node gets besides those of a file."""
    merged = {}
    for entry in evaluate_parameters(context, node._Node__parameters):
        if isinstance(entry, dict):
            merged.update(entry)
    return merged


def remappings_of(node, context):
    """Give the names that a node gets in place of others."""
    return {
        perform_substitutions(context, list(old)): perform_substitutions(context, list(new))
        for old, new in node._Node__remappings
    }


def namespace_of(node, context):
    """Give the namespace that a node is started in."""
    namespace = normalize_to_list_of_substitutions(node._Node__node_namespace)
    return perform_substitutions(context, namespace)


def test_nothing_replaces_the_file_unless_given():
    """Without arguments all parameters are those of params_file, and RViz stays away."""
    nodes, context = nodes_of('refseg.launch.py')
    assert list(nodes) == ['refseg_node']
    assert parameters_of(nodes['refseg_node'], context) == {}


def test_arguments_become_parameters_of_their_type():
    """Strings stay strings, whatever they look like; use_sim_time is a boolean."""
    nodes, context = nodes_of(
        'refseg.launch.py', checkpoint='1', device='cuda:0', coattention='vcm', use_sim_time='true'
    )
    assert parameters_of(nodes['refseg_node'], context) == {
        'checkpoint': '1',
        'device': 'cuda:0',
        'coattention': 'vcm',
        'use_sim_time': True,
    }


@pytest.mark.parametrize(
    ('argument', 'parameters'),
    [({}, {}), ({'use_sim_time': 'True'}, {'use_sim_time': True})],
)
def test_rviz_takes_the_clock_that_was_asked_for(argument, parameters):
    """Unless one was, a SetParameter around the launch file holds."""
    nodes, context = nodes_of('refseg.launch.py', use_rviz='true', **argument)
    assert parameters_of(nodes['rviz2'], context) == parameters


def test_rviz_follows_the_topics():
    """RViz reads relative names as the node does, in its namespace, and finds its outputs there."""
    nodes, context = nodes_of(
        'refseg.launch.py', use_rviz='true', namespace='left', image_topic='arm/image'
    )
    assert remappings_of(nodes['rviz2'], context) == {
        '/camera/image_raw': 'arm/image',
        '/refseg/overlay': 'refseg/overlay',
        '/refseg/mask': 'refseg/mask',
        '/refseg/boundary': 'refseg/boundary',
    }
    for node in (nodes['rviz2'], nodes['refseg_node']):
        assert namespace_of(node, context) == 'left'


def test_demo_starts_camera_and_node():
    """The demo has both, and a webcam's number reaches the camera as it is."""
    nodes, context = nodes_of(
        'demo.launch.py', source='0', level='household', rate='5', image_topic='/arm/image',
        use_rviz='false'
    )
    assert set(nodes) == {'refseg_camera', 'refseg_node'}
    assert parameters_of(nodes['refseg_camera'], context) == {
        'source': '0',
        'level': 'household',
        'rate': 5.0,
    }
    assert remappings_of(nodes['refseg_camera'], context) == {
        'camera/image_raw': '/arm/image',
        'camera/camera_info': '/arm/camera_info',
        'camera/truth/labels': '/camera/truth/labels',
        'camera/truth/scene': '/camera/truth/scene',
    }
    assert remappings_of(nodes['refseg_node'], context)['~/image'] == '/arm/image'


@pytest.mark.parametrize(
    ('image_topic', 'camera_info'),
    [('image_raw', 'camera_info'), ('arm/image', 'arm/camera_info'), ('/image', '/camera_info')],
)
def test_demo_has_camera_and_node_in_one_namespace(image_topic, camera_info):
    """Relative names mean the same for both, and the calibration stands beside its images."""
    nodes, context = nodes_of(
        'demo.launch.py', namespace='head', image_topic=image_topic, use_rviz='false'
    )
    camera, node = nodes['refseg_camera'], nodes['refseg_node']
    assert namespace_of(camera, context) == namespace_of(node, context) == 'head'
    remapped = remappings_of(camera, context)
    assert remapped['camera/image_raw'] == remappings_of(node, context)['~/image'] == image_topic
    assert remapped['camera/camera_info'] == camera_info


@pytest.mark.parametrize(
    ('distribution', 'localhost_only', 'variable'),
    [
        ('humble', '1', None),
        ('humble', '0', 'FASTRTPS_DEFAULT_PROFILES_FILE'),
        ('jazzy', '1', 'FASTRTPS_DEFAULT_PROFILES_FILE'),
        ('kilted', '1', 'FASTDDS_DEFAULT_PROFILES_FILE'),
    ],
)
def test_demo_sets_up_shared_memory_where_that_keeps_to_this_machine(
    distribution, localhost_only, variable, monkeypatch
):
    """On Humble the file's transports would undo ROS_LOCALHOST_ONLY."""
    names = ('FASTRTPS_DEFAULT_PROFILES_FILE', 'FASTDDS_DEFAULT_PROFILES_FILE')
    for name in names:  # set first, so that what the launch sets is taken back in the end
        monkeypatch.setenv(name, '')
        monkeypatch.delenv(name)
    monkeypatch.setenv('ROS_DISTRO', distribution)
    monkeypatch.setenv('ROS_LOCALHOST_ONLY', localhost_only)
    nodes_of('demo.launch.py', use_rviz='false')
    assert [name for name in names if name in os.environ] == [variable] * (variable is not None)


@pytest.mark.parametrize(
    ('action', 'returncode', 'ends'),
    [
        (Node(package='ros2_refseg', executable='refseg_node'), 1, True),
        (Node(package='ros2_refseg', executable='refseg_camera'), 0, True),
        (Node(package='rviz2', executable='rviz2'), 0, True),
        (Node(package='rviz2', executable='rviz2'), -6, False),
        (Node(package='controller_manager', executable='spawner'), 0, False),
        (ExecuteProcess(cmd=['ros2', 'param', 'set']), 0, False),
    ],
)
def test_the_demo_ends_with_its_own_processes(action, returncode, ends):
    """Neither an RViz without a screen nor a process of the launch around it takes it along."""
    source = PythonLaunchDescriptionSource(str(LAUNCH / 'demo.launch.py'))
    context = LaunchContext(argv=[])
    (handler,) = (
        entity.event_handler
        for entity in source.get_launch_description(context).entities
        if isinstance(entity, RegisterEventHandler)
    )
    event = ProcessExited(
        action=action, name='', cmd=[], cwd=None, env=None, pid=1, returncode=returncode
    )
    assert handler.matches(event)
    shutdowns = [entity for entity in handler.handle(event, context) or () if entity]
    assert [type(entity) for entity in shutdowns] == [Shutdown] * ends


def test_the_compressed_topic_follows_the_image_topic(checkpoints, tmp_path):
    """A real launch: the node adds /compressed to what its image topic is remapped to."""
    parameters = tmp_path / 'parameters.yaml'
    parameters.write_text('/**:\n  ros__parameters:\n    image_transport: compressed\n')
    output = b''

    def on_output(event):
        nonlocal output
        output += event.text
        return [Shutdown()] if b'sentences from' in output else None

    description = LaunchDescription(
        [
            RegisterEventHandler(OnProcessIO(on_stdout=on_output, on_stderr=on_output)),
            IncludeLaunchDescription(
                PythonLaunchDescriptionSource(str(LAUNCH / 'refseg.launch.py')),
                launch_arguments=[
                    ('checkpoint', str(checkpoints['acm'])),
                    ('image_topic', 'arm/image'),
                    ('namespace', 'head'),
                    ('params_file', str(parameters)),
                ],
            ),
        ]
    )
    service = LaunchService(noninteractive=True)
    service.include_launch_description(description)
    asyncio.run(asyncio.wait_for(service.run_async(), timeout=300))
    assert 'images from /head/arm/image/compressed,' in output.decode()


def test_a_launched_node_names_the_bad_argument():
    """A real launch: the argument reaches the node, which ends with an error that names it."""
    output, codes = [], []
    description = LaunchDescription(
        [
            RegisterEventHandler(OnProcessIO(on_stderr=lambda event: output.append(event.text))),
            RegisterEventHandler(
                OnProcessExit(on_exit=lambda event, _: codes.append(event.returncode))
            ),
            IncludeLaunchDescription(
                PythonLaunchDescriptionSource(str(LAUNCH / 'refseg.launch.py')),
                launch_arguments=[('checkpoint', 'nowhere.safetensors'), ('device', 'cpu')],
            ),
        ]
    )
    service = LaunchService(noninteractive=True)
    service.include_launch_description(description)
    asyncio.run(asyncio.wait_for(service.run_async(), timeout=300))
    text = b''.join(output).decode()
    assert codes == [1]
    assert 'checkpoint' in text
    assert 'nowhere.safetensors' in text
