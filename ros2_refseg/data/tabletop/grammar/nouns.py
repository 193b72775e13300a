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

"""What nouns name: the kinds that a word is said of, those it is perhaps said of, and its words."""

from dataclasses import dataclass

from ros2_refseg.data.tabletop.household_words import CUTLERY, FRUIT, HOUSEHOLD_KINDS, TOOLS


@dataclass(frozen=True)
class Noun:
    """
    The sense of a noun.

    It names ``kinds`` (all of them where empty); of ``perhaps`` some people would say it as well.
    ``words`` mean the same, the commonest first; what follows a bar comes after the noun
    ('thing|to write with').
    """

    words: tuple[str, ...]
    kinds: frozenset[str] = frozenset()
    perhaps: frozenset[str] = frozenset()


def _noun(words: tuple[str, ...], *kinds: str, perhaps: tuple[str, ...] = ()) -> Noun:
    return Noun(words, frozenset(kinds), frozenset(perhaps))


_FOOD = (*FRUIT, 'carrot', 'donut')
_HOLLOW = ('mug', 'bowl', 'bottle', 'can', 'box', 'glass', 'vase', 'basket')

NOUNS: dict[str, Noun] = {
    'thing': Noun(('thing', 'object', 'one', 'item')),
    'mug': _noun(('mug', 'coffee mug'), 'mug'),
    'cup': _noun(('cup', 'coffee cup', 'tea cup'), 'mug', perhaps=('glass',)),
    'bowl': _noun(('bowl',), 'bowl'),
    'plate': _noun(('plate', 'dinner plate'), 'plate'),
    'dish': _noun(('dish',), 'plate', perhaps=('bowl', 'pan')),
    'bottle': _noun(('bottle',), 'bottle', perhaps=('vase',)),
    'can': _noun(('can', 'tin', 'soda can', 'tin can'), 'can'),
    'box': _noun(('box', 'carton', 'cardboard box'), 'box', perhaps=('cube',)),
    'ball': _noun(('ball', 'sphere'), 'ball'),
    'cube': _noun(('cube', 'block'), 'cube', perhaps=('box',)),
    'book': _noun(('book',), 'book'),
    'teapot': _noun(('teapot', 'tea pot'), 'teapot'),
    'kettle': _noun(('kettle', 'pot'), 'teapot', perhaps=('pan', 'vase')),
    'glass': _noun(('glass', 'tumbler', 'drinking glass'), 'glass'),
    'vase': _noun(('vase', 'flower vase'), 'vase', perhaps=('bottle',)),
    'pan': _noun(('pan', 'frying pan', 'skillet'), 'pan'),
    'basket': _noun(('basket', 'wicker basket', 'woven basket'), 'basket'),
    'spoon': _noun(('spoon',), 'spoon'),
    'fork': _noun(('fork',), 'fork'),
    'pen': _noun(('pen', 'ballpoint pen'), 'pen'),
    'hammer': _noun(('hammer',), 'hammer'),
    'screwdriver': _noun(('screwdriver', 'screw driver'), 'screwdriver'),
    'banana': _noun(('banana',), 'banana'),
    'apple': _noun(('apple',), 'apple'),
    'lemon': _noun(('lemon',), 'lemon'),
    'carrot': _noun(('carrot',), 'carrot'),
    'donut': _noun(('donut', 'doughnut'), 'donut'),
    'candle': _noun(('candle',), 'candle'),
    'lamp': _noun(('lamp', 'table lamp', 'desk lamp'), 'lamp', perhaps=('candle',)),
    'car': _noun(('car', 'toy car'), 'car'),
    'vehicle': _noun(('vehicle', 'toy vehicle'), 'car'),
    'hat': _noun(('hat',), 'hat'),
    'cap': _noun(('cap',), 'hat', perhaps=('bottle',)),
    'fruit': _noun(('fruit', 'piece of fruit'), *FRUIT, perhaps=('carrot',)),
    'vegetable': _noun(('vegetable', 'veggie'), 'carrot', perhaps=FRUIT),
    'food': _noun(('food item', 'food', 'thing|to eat', 'snack', 'thing|i can eat'), *_FOOD),
    'utensil': _noun(('utensil', 'piece of cutlery', 'eating utensil'), *CUTLERY, perhaps=('pan',)),
    'tool': _noun(('tool',), *TOOLS, perhaps=('pen', 'pan', *CUTLERY)),
    'toy': _noun(('toy',), 'car', perhaps=('ball', 'cube', 'hat')),
    'container': _noun(('container',), *_HOLLOW,
                       perhaps=('plate', 'teapot', 'pan', 'hat', 'cube')),
    'writer': _noun(('thing|to write with', 'thing|you write with', 'thing|i can write with'),
                    'pen'),
    'reading': _noun(('thing|to read',), 'book'),
    'drinker': _noun(('thing|to drink from', 'thing|you drink from'), 'mug', 'glass',
                     perhaps=('bottle', 'can', 'bowl', 'teapot', 'vase')),
    'nailer': _noun(('thing|to drive nails with', 'thing|for nails'), 'hammer',
                    perhaps=('screwdriver',)),
    'wearable': _noun(('thing|to wear', 'thing|you wear'), 'hat'),
    'round': _noun(('round thing', 'round object', 'round one'), 'ball',
                   perhaps=('apple', 'lemon', 'donut', 'plate', 'bowl', 'can', 'basket', 'teapot',
                            'pan', 'mug', 'glass', 'hat', 'vase', 'candle')),
    'long': _noun(('long thing', 'long object', 'long one'), 'pen', 'spoon', 'fork', 'hammer',
                  'screwdriver', 'carrot', perhaps=('banana', 'candle', 'bottle', 'pan', 'lamp')),
    'flat': _noun(('flat thing', 'flat object'), 'plate', 'book', perhaps=('pan', 'bowl', 'spoon',
                                                                          'fork', 'pen')),
}
"""Senses by name. Every kind has one of its own name."""

GROUPS = ('fruit', 'vegetable', 'food', 'utensil', 'tool', 'toy', 'container', 'writer',
          'reading', 'drinker', 'nailer', 'wearable', 'round', 'long', 'flat')
"""Nouns that say what a thing is for or what it belongs to."""

_missing = HOUSEHOLD_KINDS.keys() - NOUNS.keys()
if _missing:
    raise RuntimeError(f'kinds without a noun in grammar/nouns.py: {sorted(_missing)}')

OWN_NOUNS: dict[str, tuple[str, ...]] = {
    kind: tuple(name for name, noun in NOUNS.items()
                if noun.kinds == {kind} and name not in GROUPS)
    for kind in HOUSEHOLD_KINDS}
"""The nouns that name just one kind, by kind."""

GROUP_NOUNS: dict[str, tuple[str, ...]] = {
    kind: tuple(name for name in GROUPS if kind in NOUNS[name].kinds) for kind in HOUSEHOLD_KINDS}
"""The nouns of ``GROUPS`` that name a kind."""

CONFUSED: tuple[tuple[str, ...], ...] = (
    ('mug', 'glass', 'bowl', 'teapot', 'vase', 'bottle'), ('bowl', 'plate', 'pan', 'basket'),
    ('can', 'glass', 'candle', 'bottle'), ('box', 'cube', 'book'),
    ('ball', 'apple', 'lemon', 'donut'), ('spoon', 'fork', 'pen', 'screwdriver', 'hammer'),
    ('banana', 'carrot', 'lemon', 'apple'), ('lamp', 'hat', 'vase', 'candle'), ('car', 'box'))
"""Kinds that look alike: what is not there is best named among these."""
