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
Start a camera without a driver and the node `refseg` on it, with RViz where it is installed.

    ros2 launch ros2_refseg demo.launch.py
    ros2 topic echo --once --full-length /camera/truth/scene          # what one can ask for
    ros2 topic pub --once /referring_query std_msgs/msg/String "{data: 'the red mug'}"

The launch ends as soon as one of its processes does, but for an RViz that fails, for instance
without a screen that it can draw on. refseg.launch.py's arguments go to the node.
"""

import os

from launch import LaunchContext, LaunchDescription, LaunchDescriptionEntity
from launch.actions import (
    DeclareLaunchArgument,
    IncludeLaunchDescription,
    OpaqueFunction,
    RegisterEventHandler,
    SetEnvironmentVariable,
    Shutdown,
)
from launch.event_handlers import OnProcessExit
from launch.events.process import ProcessExited
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import (
    EnvironmentVariable,
    LaunchConfiguration,
    PathJoinSubstitution,
)
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue
from launch_ros.substitutions import FindPackageShare

SHARE = FindPackageShare('ros2_refseg')

# Fast DDS reads its settings from the file that this variable names; its name changed after Jazzy.
OLD_FAST_DDS = os.environ.get('ROS_DISTRO') in ('humble', 'iron', 'jazzy')
FAST_DDS_VARIABLE = f'{"FASTRTPS" if OLD_FAST_DDS else "FASTDDS"}_DEFAULT_PROFILES_FILE'

# There a profile's transports are used beside that of localhost, and would reach the network.
KEPT_ON_LOCALHOST = (
    os.environ.get('ROS_DISTRO') == 'humble' and os.environ.get('ROS_LOCALHOST_ONLY') == '1'
)

ARGUMENTS = [
    DeclareLaunchArgument(
        'source',
        default_value='tabletop',
        description='What the camera shows: tabletop (the simulator), an image file, a folder of '
        'images, a video file, or the number of a webcam.',
    ),
    DeclareLaunchArgument(
        'level',
        default_value='simple',
        choices=['simple', 'household'],
        description='What is on the simulated table: ten kinds of things that stand apart, or a '
        'household with patterns, materials, things in and on each other.',
    ),
    DeclareLaunchArgument(
        'rate',
        default_value='10.0',
        description='Images that the camera publishes in a second.',
    ),
    DeclareLaunchArgument(
        'image_topic',
        default_value='/camera/image_raw',
        description='Topic on which the camera publishes and from which the node takes images. '
        'Its camera_info stands beside it.',
    ),
    DeclareLaunchArgument(
        'namespace',
        default_value='',
        description='Namespace of the camera, of the node and of its outputs. Topics given with a '
        'leading slash stay as they are.',
    ),
    DeclareLaunchArgument(
        'use_rviz',
        default_value='auto',
        choices=['true', 'false', 'auto'],
        description='Start RViz as well, with camera, overlay, mask and boundary; auto: where it '
        'is installed and there is a display. The camera is shown where it publishes raw images.',
    ),
]


def set_up_fast_dds() -> list[LaunchDescriptionEntity]:
    """Make images fit into shared memory, unless the user has settings: fastdds.xml says why."""
    if KEPT_ON_LOCALHOST:
        return []
    return [
        SetEnvironmentVariable(
            FAST_DDS_VARIABLE,
            EnvironmentVariable(
                FAST_DDS_VARIABLE,
                default_value=PathJoinSubstitution([SHARE, 'config', 'fastdds.xml']),
            ),
        )
    ]


def start_camera(context: LaunchContext) -> list[LaunchDescriptionEntity]:
    """
    Make the camera in the node's namespace, so that relative names mean the same for both.

    The truth stays where refseg_demo_client looks for it.
    """
    image_topic = LaunchConfiguration('image_topic').perform(context)
    folder, slash, _ = image_topic.rpartition('/')
    return [
        Node(
            package='ros2_refseg',
            executable='refseg_camera',
            name='refseg_camera',
            namespace=LaunchConfiguration('namespace'),
            parameters=[
                {
                    'source': ParameterValue(LaunchConfiguration('source'), value_type=str),
                    'level': ParameterValue(LaunchConfiguration('level'), value_type=str),
                    'rate': ParameterValue(LaunchConfiguration('rate'), value_type=float),
                }
            ],
            remappings=[
                ('camera/image_raw', image_topic),
                ('camera/camera_info', f'{folder}{slash}camera_info'),
                ('camera/truth/labels', '/camera/truth/labels'),
                ('camera/truth/scene', '/camera/truth/scene'),
            ],
            output='screen',
        )
    ]


def end_together(event: ProcessExited, _: LaunchContext) -> list[LaunchDescriptionEntity]:
    """End the launch with a process of the demo; those of a launch around it come here as well."""
    node = event.action
    if not isinstance(node, Node) or node.node_package not in ('ros2_refseg', 'rviz2'):
        return []
    if node.node_package == 'rviz2' and event.returncode != 0:
        return []
    return [Shutdown(reason=f'{node.node_executable} ended')]


def generate_launch_description() -> LaunchDescription:
    """Describe the launch; `ros2 launch --show-args` prints the arguments."""
    camera = OpaqueFunction(function=start_camera)
    refseg = IncludeLaunchDescription(
        PythonLaunchDescriptionSource(PathJoinSubstitution([SHARE, 'launch', 'refseg.launch.py']))
    )
    ending = RegisterEventHandler(OnProcessExit(on_exit=end_together))
    return LaunchDescription([*ARGUMENTS, *set_up_fast_dds(), ending, camera, refseg])
