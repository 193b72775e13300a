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

"""What the package promises about itself: metadata, licence, direction of imports, launch files."""

import ast
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).resolve().parent.parent
MODULES = sorted((ROOT / 'ros2_refseg').rglob('*.py'))
SOURCES = [
    ROOT / 'setup.py',
    ROOT / 'CMakeLists.txt',
    *MODULES,
    *(
        path
        for folder in ('test', 'launch', 'scripts', '.ci')
        for path in sorted((ROOT / folder).rglob('*'))
        if path.is_file() and (path.suffix in ('.py', '.sh') or path.read_bytes()[:2] == b'#!')
    ),
]
LAUNCH_ARGUMENTS = {
    'refseg.launch.py': {
        'coattention', 'checkpoint', 'device', 'image_topic', 'query_topic', 'params_file',
        'namespace', 'use_sim_time', 'log_level', 'use_rviz', 'rviz_config',
    },
    'demo.launch.py': {'source', 'level', 'rate', 'image_topic', 'namespace', 'use_rviz'},
}  # fmt: skip
# The packages of ROS 2 that can be imported.
ROS_PACKAGES = re.compile(r'rclpy|ament_index_python|launch\w*|rcl_interfaces|cv_bridge|\w+_msgs')


def name(path):
    """Name a file relative to the repository, for the test ids."""
    return str(path.relative_to(ROOT))


def imported(path):
    """List what a Python file imports, with full dotted names."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module)
    return names


def declared_arguments(path):
    """Give the keyword arguments of each DeclareLaunchArgument in a launch file, by name."""
    return {
        node.args[0].value: {keyword.arg: keyword.value for keyword in node.keywords}
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and getattr(node.func, 'id', '') == 'DeclareLaunchArgument'
    }


def manifest():
    """Parse package.xml."""
    return ElementTree.parse(ROOT / 'package.xml').getroot()


def test_one_version():
    """package.xml, setup.py and the newest entry of the change log agree."""
    version = manifest().findtext('version')
    assert f"version='{version}'" in (ROOT / 'setup.py').read_text()
    entries = re.findall(
        r'^(\d+\.\d+\.\d+) \(\d{4}-\d\d-\d\d\)$', (ROOT / 'CHANGELOG.rst').read_text(), re.M
    )
    assert entries[0] == version


def test_manifest_is_complete():
    """REP-149, format 3, for a package with messages."""
    root = manifest()
    assert root.get('format') == '3'
    assert root.findtext('name') == 'ros2_refseg'
    assert root.findtext('license') == 'Apache-2.0'
    assert root.find('license').get('file') == 'LICENSE'
    assert len(root.findtext('description').split()) > 10
    assert root.find('maintainer').get('email')
    assert root.findtext('member_of_group') == 'rosidl_interface_packages'
    assert root.findtext('export/build_type') == 'ament_cmake'


def test_manifest_names_what_is_imported():
    """Every ROS 2 package that the nodes and launch files import is a dependency."""
    depends = {
        element.text for tag in ('depend', 'exec_depend') for element in manifest().findall(tag)
    }
    used = {
        module.split('.')[0]
        for path in [*MODULES, *(ROOT / 'launch').glob('*.py')]
        for module in imported(path)
    }
    assert {module for module in used if ROS_PACKAGES.fullmatch(module)} <= depends


def test_message_dependencies_agree():
    """The message's packages are in package.xml and in CMakeLists.txt."""
    message = (ROOT / 'msg/ReferringSegmentation.msg').read_text()
    packages = set(re.findall(r'^(\w+)/\w+', message, re.M))
    assert packages <= {element.text for element in manifest().findall('depend')}
    cmake = (ROOT / 'CMakeLists.txt').read_text()
    generated = re.search(r'DEPENDENCIES ([\w ]+)', cmake).group(1).split()
    assert packages == set(generated)
    assert all(f'find_package({package} REQUIRED)' in cmake for package in packages)


FIELDS = {'ReferringSegmentation': 14, 'WordCorrection': 2}


@pytest.mark.parametrize(('message', 'count'), FIELDS.items())
def test_message_fields_are_documented(message, count):
    """Each field has a comment right above it."""
    lines = (ROOT / f'msg/{message}.msg').read_text().splitlines()
    fields = [number for number, line in enumerate(lines) if re.match(r'[\w/]+(\[\])? \w+$', line)]
    assert len(fields) == count
    assert all(lines[number - 1].startswith('# ') for number in fields)


@pytest.mark.parametrize('path', SOURCES, ids=name)
def test_licence_header(path):
    """Each source file says who may use it."""
    head = path.read_text()[:800]
    assert 'Licensed under the Apache License, Version 2.0' in head


@pytest.mark.parametrize('path', MODULES, ids=name)
def test_length(path):
    """A file that one reads in one sitting."""
    assert len(path.read_text().splitlines()) <= 400


@pytest.mark.parametrize('path', MODULES, ids=name)
def test_direction_of_imports(path):
    """Only nodes know ROS 2; the network knows torch and torchvision only."""
    parts = path.relative_to(ROOT / 'ros2_refseg').parts
    modules = imported(path)
    if parts[0] != 'nodes':
        assert not [m for m in modules if ROS_PACKAGES.fullmatch(m.split('.')[0])]
        assert not [m for m in modules if m.startswith(('ros2_refseg.nodes', 'ros2_refseg.msg'))]
    if parts[0] == 'cefnet':
        known = {'torch', 'torchvision', *sys.stdlib_module_names}
        others = {m for m in modules if m.split('.')[0] not in known}
        assert all(m.startswith('ros2_refseg.cefnet') for m in others)
    if parts == ('__init__.py',):
        assert not modules


@pytest.mark.parametrize('file', LAUNCH_ARGUMENTS)
def test_launch_arguments(file):
    """The arguments are the documented ones; each has a default and a description."""
    declared = declared_arguments(ROOT / 'launch' / file)
    assert set(declared) == LAUNCH_ARGUMENTS[file]
    assert all({'default_value', 'description'} <= set(keywords) for keywords in declared.values())


def test_rviz_shows_the_four_images():
    """The camera best effort, which matches any publisher; what the node publishes reliably."""
    yaml = pytest.importorskip('yaml')
    shown = yaml.safe_load((ROOT / 'config/refseg.rviz').read_text())
    topics = [display['Topic'] for display in shown['Visualization Manager']['Displays']]
    assert [topic['Value'] for topic in topics] == [
        '/camera/image_raw', '/refseg/overlay', '/refseg/mask', '/refseg/boundary'
    ]  # fmt: skip
    assert [topic['Reliability Policy'] for topic in topics] == ['Best Effort'] + ['Reliable'] * 3


def test_wheel_is_complete(tmp_path):
    """`pip install .` brings the modules, the networks, the training recipes and the command."""
    source = tmp_path / 'source'
    source.mkdir()
    # Built from links, so that setuptools leaves nothing in the repository.
    for item in (
        'setup.py',
        'pyproject.toml',
        'README.md',
        'LICENSE',
        'ros2_refseg',
        'model',
        'config',
    ):
        (source / item).symlink_to(ROOT / item)
    command = [sys.executable, '-m', 'pip', 'wheel', '--quiet', '--no-deps', '--no-build-isolation']
    subprocess.run([*command, '--wheel-dir', tmp_path, source], check=True, capture_output=True)
    (wheel,) = tmp_path.glob('*.whl')
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        entry_points = archive.read(next(n for n in names if n.endswith('entry_points.txt')))
    assert b'refseg = ros2_refseg.cli:main' in entry_points
    for path in MODULES:
        assert name(path) in names
    shared = [n.split('/data/share/ros2_refseg/')[-1] for n in names if '/data/share/' in n]
    expected = [*(ROOT / 'model').glob('*.safetensors'), *(ROOT / 'config/train').glob('*.yaml')]
    assert expected
    assert {name(path) for path in expected} <= set(shared)
