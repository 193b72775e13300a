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

"""What things of the level 'household' can be: kinds, colours, patterns, materials, sizes."""

from ros2_refseg.data.tabletop.palette import COLOURS
from ros2_refseg.data.tabletop.shapes import KINDS

HOUSEHOLD_KINDS: dict[str, tuple[str, ...]] = {
    **{name: kind.words for name, kind in KINDS.items()},
    'glass': ('glass', 'tumbler'),
    'vase': ('vase',),
    'pan': ('pan', 'frying pan'),
    'basket': ('basket',),
    'spoon': ('spoon',),
    'fork': ('fork',),
    'pen': ('pen',),
    'hammer': ('hammer',),
    'screwdriver': ('screwdriver',),
    'banana': ('banana',),
    'apple': ('apple',),
    'lemon': ('lemon',),
    'carrot': ('carrot',),
    'donut': ('donut', 'doughnut'),
    'candle': ('candle',),
    'lamp': ('lamp', 'table lamp'),
    'car': ('car', 'toy car'),
    'hat': ('hat',),
}
"""Every kind's names, the first one being the category's."""

FRUIT = ('banana', 'apple', 'lemon')
CUTLERY = ('spoon', 'fork')
TOOLS = ('hammer', 'screwdriver')

CLEAR = 'clear'
"""Colour of glass without one; a person would say clear or transparent."""
HOUSEHOLD_COLOURS = (*COLOURS, 'gray', CLEAR)

PATTERNS = ('plain', 'striped', 'checkered', 'dotted')

MATERIALS = ('plain', 'wooden', 'metal', 'glass')

PERHAPS_MATERIALS: dict[str, tuple[str, ...]] = {
    'can': ('metal',), 'hammer': ('metal', 'wooden'), 'screwdriver': ('metal',),
    'pan': ('metal',), 'lamp': ('metal',), 'car': ('metal',), 'teapot': ('metal',),
    'pen': ('metal',), 'basket': ('wooden',), 'bottle': ('glass',), 'vase': ('glass',),
}
"""Materials that may be said of a kind though it is painted: then neither true nor false."""

SIZES = {'small': 0.72, 'medium': 1.0, 'large': 1.36}
"""Scale of a size's things among those of their kind."""
SIZE_JITTER = 0.04
"""Relative spread of a thing's scale around its size's."""
