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

"""What differs between the levels of the simulator besides the table: kinds and sentences."""

from collections.abc import Callable

from ros2_refseg.data.tabletop import grammar, sentences
from ros2_refseg.data.tabletop.household_words import HOUSEHOLD_KINDS
from ros2_refseg.data.tabletop.shapes import KINDS
from ros2_refseg.data.tabletop.simulator import Level
from ros2_refseg.data.tabletop.view import Description

CATEGORIES: dict[Level, tuple[str, ...]] = {
    'simple': tuple(KINDS), 'household': tuple(HOUSEHOLD_KINDS)}
"""The kinds of thing, in the order of their category ids."""

DESCRIBE: dict[Level, Callable[..., list[Description]]] = {
    'simple': sentences.describe, 'household': grammar.describe}
"""What gives the sentences: of (objects, width, height, rng, per_object=4)."""
