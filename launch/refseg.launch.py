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

"""
Start the node `refseg` on a camera that is running already, with RViz if asked.

    ros2 launch ros2_refseg refseg.launch.py image_topic:=/head_camera/image_raw
    ros2 topic pub --once /referring_query std_msgs/msg/String "{data: 'the red mug'}"
"""

import os

from ament_index_python.packages import PackageNotFoundError, get_package_prefix
from launch import LaunchContext, LaunchDescription, LaunchDescriptionEntity
from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue
from launch_ros.substitutions import FindPackageShare

SHARE = FindPackageShare('ros2_refseg')

# Launch arguments that replace a parameter of params_file, with the parameter's type: it keeps a
# checkpoint named `1` or `on` a string.
PARAMETERS = {'checkpoint': str, 'coattention': str, 'device': str, 'use_sim_time': bool}

ARGUMENTS = [
    DeclareLaunchArgument(
        'coattention',
        default_value='',
        choices=['', 'acm', 'vcm'],
        description='Bundled network to use: acm is asymmetric, vcm is vanilla. '
        'Empty: as params_file says.',
    ),
    DeclareLaunchArgument(
        'checkpoint',
        default_value='',
        description='A .safetensors file or the name of a bundled network, in place of '
        'coattention. Empty: as params_file says.',
    ),
    DeclareLaunchArgument(
        'device',
        default_value='',
        description='Where the network runs: auto, cpu, cuda or cuda:N. '
        'Empty: as params_file says.',
    ),
    DeclareLaunchArgument(
        'image_topic',
        default_value='/camera/image_raw',
        description='Topic of the camera images; its /compressed is taken where the parameter '
        'image_transport says so.',
    ),
    DeclareLaunchArgument(
        'query_topic',
        default_value='/referring_query',
        description='Topic of the sentences (std_msgs/String).',
    ),
    DeclareLaunchArgument(
        'params_file',
        default_value=PathJoinSubstitution([SHARE, 'config', 'refseg.yaml']),
        description='File with the parameters of the node.',
    ),
    DeclareLaunchArgument(
        'namespace',
        default_value='',
        description='Namespace of the node and of its outputs, for a machine with several cameras. '
        'Topics given with a leading slash stay as they are.',
    ),
    DeclareLaunchArgument(
        'use_sim_time',
        default_value='',
        choices=['', 'true', 'false', 'True', 'False'],
        description='Take the time from /clock: for a simulator, and for a recording played with '
        '--clock. Empty: as params_file says.',
    ),
    DeclareLaunchArgument(
        'log_level',
        default_value='info',
        description='Lowest severity of the log lines that the node writes: debug, info, warn, '
        'error or fatal, or one for a logger (refseg:=debug).',
    ),
    DeclareLaunchArgument(
        'use_rviz',
        default_value='false',
        choices=['true', 'false', 'auto'],
        description='Start RViz as well, with camera, overlay, mask and boundary; auto: where it '
        'is installed and there is a display. The camera is shown where it publishes raw images.',
    ),
    DeclareLaunchArgument(
        'rviz_config',
        default_value=PathJoinSubstitution([SHARE, 'config', 'refseg.rviz']),
        description='Configuration of RViz.',
    ),
]


def given_parameters(context: LaunchContext, *names: str) -> dict[str, ParameterValue]:
    """Give the parameters of the arguments that were not left empty."""
    return {
        name: ParameterValue(LaunchConfiguration(name), value_type=PARAMETERS[name])
        for name in names
        if LaunchConfiguration(name).perform(context)
    }


def start_node(context: LaunchContext) -> list[LaunchDescriptionEntity]:
    """Make the node; an argument that was left empty leaves its parameter to params_file."""
    return [
        Node(
            package='ros2_refseg',
            executable='refseg_node',
            name='refseg',
            namespace=LaunchConfiguration('namespace'),
            parameters=[LaunchConfiguration('params_file'), given_parameters(context, *PARAMETERS)],
            remappings=[
                ('~/image', LaunchConfiguration('image_topic')),
                ('/referring_query', LaunchConfiguration('query_topic')),
            ],
            arguments=['--ros-args', '--log-level', LaunchConfiguration('log_level')],
            output='screen',
        )
    ]


def wants_rviz(context: LaunchContext) -> bool:
    """Tell whether to start RViz: as the argument says, or where it can run."""
    choice = LaunchConfiguration('use_rviz').perform(context)
    if choice != 'auto':
        return choice == 'true'
    try:
        get_package_prefix('rviz2')
    except PackageNotFoundError:
        return False
    return bool(os.environ.get('DISPLAY') or os.environ.get('WAYLAND_DISPLAY'))


def start_rviz(context: LaunchContext) -> list[LaunchDescriptionEntity]:
    """
    Make RViz if wanted; the topics in its configuration are remapped to those of this launch.

    It runs in the node's namespace, so that relative names mean the same for both.
    """
    if not wants_rviz(context):
        return []
    outputs = [f'refseg/{output}' for output in ('overlay', 'mask', 'boundary')]
    return [
        Node(
            package='rviz2',
            executable='rviz2',
            namespace=LaunchConfiguration('namespace'),
            arguments=['-d', LaunchConfiguration('rviz_config')],
            parameters=[given_parameters(context, 'use_sim_time')],
            remappings=[
                ('/camera/image_raw', LaunchConfiguration('image_topic')),
                *((f'/{output}', output) for output in outputs),
            ],
            output='screen',
        )
    ]


def generate_launch_description() -> LaunchDescription:
    """Describe the launch; `ros2 launch --show-args` prints the arguments."""
    return LaunchDescription(
        [
            *ARGUMENTS,
            OpaqueFunction(function=start_node),
            OpaqueFunction(function=start_rviz),
        ]
    )
