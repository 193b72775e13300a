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


"""Parameters as a table: one entry gives the descriptor, the checks, and the README's row."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor
from rclpy.exceptions import InvalidParameterTypeException, InvalidParameterValueException
from rclpy.node import Node

# Parameters that rclpy itself declares or reads.
_BUILT_IN = re.compile(r'use_sim_time|start_type_description_service|qos_overrides\..*')

_TYPE_NAMES = {
    bool: 'boolean', int: 'integer', float: 'double', str: 'string', list: 'string array'
}


class ParameterError(ValueError):
    """A parameter that cannot be met; the message names it, its value and the way out."""

    def __init__(self, name: str, problem: str):
        """``problem`` names the value and the way out."""
        super().__init__(f'parameter {name!r}: {problem}')


@dataclass(frozen=True)
class ParameterSpec:
    """
    One parameter of a node.

    ``minimum`` and ``maximum`` (both or none) bound a number, ``choices`` lists all values of a
    string, ``check`` gives the problem of a value or None. A ``dynamic`` parameter takes any type.
    """

    name: str
    default: Any
    description: str
    read_only: bool = False
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    check: Callable[[Any], str | None] | None = None
    dynamic: bool = False

    @property
    def type_name(self) -> str:
        """Name the type as `ros2 param describe` does."""
        return 'string or integer' if self.dynamic else _TYPE_NAMES[type(self.default)]

    @property
    def constraint(self) -> str:
        """Say in words which values are admitted; empty where all are."""
        if self.choices:
            return 'one of ' + ', '.join(self.choices)
        if self.minimum is not None:
            return f'from {self.minimum} to {self.maximum}'
        return ''

    def descriptor(self) -> ParameterDescriptor:
        """Describe the parameter to ROS 2 tools."""
        descriptor = ParameterDescriptor(
            name=self.name,
            description=self.description,
            additional_constraints='' if self.minimum is not None else self.constraint,
            read_only=self.read_only,
            dynamic_typing=self.dynamic,
        )
        if self.minimum is not None:
            if isinstance(self.default, int):
                bounds = IntegerRange(from_value=self.minimum, to_value=self.maximum)
                descriptor.integer_range = [bounds]
            else:
                bounds = FloatingPointRange(from_value=self.minimum, to_value=self.maximum)
                descriptor.floating_point_range = [bounds]
        return descriptor

    def validate(self, value: Any) -> None:
        """Raise ParameterError for a value of the right type that is not admitted."""
        if self.choices and value not in self.choices:
            raise ParameterError(self.name, f'{value!r} is not {self.constraint}')
        problem = self.check(value) if self.check else None
        if problem:
            raise ParameterError(self.name, problem)


def declare_parameters(node: Node, specs: Iterable[ParameterSpec]) -> dict[str, Any]:
    """
    Declare all parameters and return their values.

    Raises ParameterError for the first value that is not admitted, and warns of parameters in files
    or on the command line that the node does not have, which rclpy passes over in silence.
    """
    specs = {spec.name: spec for spec in specs}
    values = {}
    for name, spec in specs.items():
        given = _overrides(node).get(name)
        try:
            value = node.declare_parameter(name, spec.default, spec.descriptor()).value
        except InvalidParameterTypeException:
            hint = '; write it with a decimal point' if isinstance(spec.default, float) else ''
            raise ParameterError(
                name, f'{given.value!r} is no {spec.type_name}, which it has to be{hint}'
            ) from None
        except InvalidParameterValueException:
            raise ParameterError(
                name, f'{given.value!r} is out of range; it has to be {spec.constraint}'
            ) from None
        if value is None:  # rclpy's reading of [], whose type ROS 2 cannot tell
            raise ParameterError(name, "[] has no type; write an empty list as ['']")
        spec.validate(value)
        values[name] = value
    unknown = [name for name in _overrides(node) if name not in specs]
    for name in (name for name in unknown if not _BUILT_IN.fullmatch(name)):
        node.get_logger().warning(
            f'parameter {name!r} was given but {node.get_name()} has no such parameter, so it has '
            f'no effect; there are: {", ".join(specs)}'
        )
    return values


def _overrides(node: Node) -> dict:
    # rclpy has no public way to ask for values that were given but not declared.
    return getattr(node, '_parameter_overrides', {})
