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
The ROS API as Markdown, made of the tables that the nodes are made of.

    (cd docs && python -m ros2_refseg.nodes.api)                prints it
    (cd docs && python -m ros2_refseg.nodes.api ../README.md)   writes it between the two marks

It does not work in the repository's root, where the source hides the built package.
"""

import sys
from collections.abc import Iterable
from pathlib import Path

from ros2_refseg.nodes.camera_node import CAMERA_PARAMETERS, CAMERA_TOPICS
from ros2_refseg.nodes.diagnostics import DIAGNOSTICS
from ros2_refseg.nodes.outputs import OUTPUTS
from ros2_refseg.nodes.parameters import ParameterSpec
from ros2_refseg.nodes.refseg_parameters import REFSEG_PARAMETERS
from ros2_refseg.nodes.segmentation_node import IMAGE, QUERY, compressed
from ros2_refseg.nodes.topics import TopicSpec

COMMAND = '(cd docs && python -m ros2_refseg.nodes.api ../README.md)'
BEGIN = f'<!-- ROS API: written by {COMMAND} -->'
END = '<!-- end of the ROS API -->'


def topic_table(rows: Iterable[tuple[str, TopicSpec]]) -> str:
    """Make a table of (direction, topic) rows."""
    lines = ['| | topic | type | QoS | what |', '|---|---|---|---|---|']
    lines += [
        f'| {way} | `{spec.name}` | {spec.type_name} | {spec.qos_name} | {spec.description} |'
        for way, spec in rows
    ]
    return '\n'.join(lines)


def parameter_table(specs: Iterable[ParameterSpec]) -> str:
    """Make a table of parameters; those that hold from start to end are marked."""
    lines = ['| parameter | type | default | values | set | what |', '|---|---|---|---|---|---|']
    for spec in specs:
        default = repr(spec.default).lower() if isinstance(spec.default, bool) else spec.default
        default = "''" if default == '' else default
        when = 'at the start' if spec.read_only else 'any time'
        lines.append(
            f'| `{spec.name}` | {spec.type_name} | {default} | {spec.constraint} | {when} '
            f'| {spec.description} |'
        )
    return '\n'.join(lines)


def api() -> str:
    """Make the whole section, without a heading of its own."""
    refseg = [('in', spec) for spec in (IMAGE, compressed(IMAGE, IMAGE.name), QUERY)]
    refseg += [('out', spec) for spec in (*OUTPUTS, DIAGNOSTICS)]
    return '\n\n'.join(
        (
            '### Node `refseg`, executable `refseg_node`',
            topic_table(refseg),
            parameter_table(REFSEG_PARAMETERS),
            '### Node `refseg_camera`, executable `refseg_camera`',
            topic_table([('out', spec) for spec in CAMERA_TOPICS]),
            parameter_table(CAMERA_PARAMETERS),
        )
    )


def rewrite(text: str) -> str:
    """Put the API between the marks of a text; raises ValueError where there are none."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f'no line {BEGIN!r} followed by {END!r}')
    return f'{before}{BEGIN}\n\n{api()}\n\n{END}{after}'


def main() -> None:
    """Print the API, or write it into the file that is named."""
    if len(sys.argv) == 1:
        print(api())
    for name in sys.argv[1:]:
        path = Path(name)
        path.write_text(rewrite(path.read_text(encoding='utf-8')), encoding='utf-8')


if __name__ == '__main__':
    main()
