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
How things are put: several wordings for every trait, place, comparison and relation.

A wording has up to three slots. ``pre`` words stand before the noun, ``tail`` ones after it, and
``is_`` ones also after "that is" (or "that isn't"). The commonest come first. In ``around`` the
words before and after the noun belong together: "the second mug from the left". In ``among`` a
plural follows: "the bigger one of the two mugs".
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Wording:
    """Ways to say one thing, by their place in the phrase."""

    pre: tuple[str, ...] = ()
    tail: tuple[str, ...] = ()
    is_: tuple[str, ...] = ()
    around: tuple[tuple[str, str], ...] = ()
    among: tuple[str, ...] = ()


def _split(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(','))


COLOUR_WORDS: dict[str, tuple[str, ...]] = {
    'purple': ('purple', 'violet'), 'gray': ('gray', 'grey'),
    'clear': ('clear', 'transparent', 'see-through', 'colorless')}
"""Names of colours that have several; the others have their own."""

METAL_GRAY = ('silver', 'gray', 'grey')
"""What people call the gray of bare metal."""

COLOUR = Wording(pre=('{c}', '{c} colored', '{c} coloured'),
                 tail=('in {c}', 'the {c} one', 'with {c} color', 'of {c} color'),
                 is_=('{c}', 'colored {c}'))

PATTERN_WORDS: dict[str, Wording] = {
    'striped': Wording(
        _split('striped, stripy, stripey'),
        _split('with stripes, with stripes on it, that has stripes, with a striped pattern'),
        _split('striped, stripy')),
    'checkered': Wording(
        _split('checkered, checked, chequered, checkerboard, plaid'),
        _split('with a checkered pattern, with checks, with squares on it, '
               'with a checkerboard pattern, that has checks, with checkers'),
        _split('checkered, checked')),
    'dotted': Wording(
        _split('dotted, spotted, polka dot, polka dotted, dotty'),
        _split('with dots, with spots, with polka dots, that has dots, with dots on it, '
               'with a dotted pattern'),
        _split('dotted, spotted')),
    'plain': Wording(
        _split('plain, solid colored, unpatterned, single colored'),
        _split('without a pattern, with no pattern, without any pattern, of one color'),
        _split('plain')),
    '': Wording(
        _split('patterned'), _split('with a pattern, that has a pattern, with a pattern on it'),
        _split('patterned')),
}

LACKING_PATTERN: dict[str, tuple[str, ...]] = {
    'striped': _split('without stripes, with no stripes, that has no stripes, without any stripes'),
    'checkered': _split('without checks, with no checks, without a checkered pattern'),
    'dotted': _split('without dots, with no dots, with no spots, that has no dots'),
    'plain': _split('with a pattern'),
    '': _split('without a pattern, with no pattern, that has no pattern'),
}

TWO_COLOURS: dict[str, Wording] = {
    'striped': Wording(
        ('{a} and {b} striped', 'striped {a} and {b}'),
        ('with {a} and {b} stripes', 'striped in {a} and {b}'),
        ('striped in {a} and {b}',), (('{a}', 'with {b} stripes'),)),
    'checkered': Wording(
        ('{a} and {b} checkered', '{a} and {b} checked'),
        ('with {a} and {b} squares', 'with {a} and {b} checks'),
        ('checkered in {a} and {b}',), (('{a} and {b}', 'with checks'),)),
    'dotted': Wording(
        ('{a} and {b} dotted',), ('with {a} and {b} dots',), ('dotted in {a} and {b}',),
        (('{a}', 'with {b} dots'), ('{a}', 'with {b} spots'), ('{a}', 'with {b} polka dots'))),
}
"""A pattern with both of its colours, the main one first."""

MATERIAL_WORDS: dict[str, Wording] = {
    'wooden': Wording(_split('wooden, wood'), _split('made of wood, made out of wood, of wood'),
                      _split('wooden, made of wood, made from wood')),
    'metal': Wording(_split('metal, metallic, steel'),
                     _split('made of metal, made out of metal, of metal'),
                     _split('metal, made of metal, metallic, made of steel')),
    'glass': Wording(_split('glass, transparent, see-through'),
                     _split('made of glass, you can see through, made out of glass'),
                     _split('made of glass, transparent, see-through')),
    'clear glass': Wording(_split('glass'), _split('made of glass, made out of glass'),
                           _split('made of glass')),
}
"""Of what is called clear, "transparent" says nothing more, but "glass" does."""

EMPTY = Wording(_split('empty'),
                _split('with nothing in it, without anything in it, that has nothing in it, '
                       'with nothing inside'), _split('empty'))
EMPTY_FLAT = Wording(_split('empty'),
                     _split('with nothing on it, without anything on it, that has nothing on it'),
                     _split('empty'))
NOT_EMPTY = _split('with something in it, that has something in it, with something inside, '
                   "that isn't empty, that is not empty")
NOT_EMPTY_FLAT = _split('with something on it, that has something on it, that is not empty')

SIZE_WORDS: dict[str, Wording] = {
    'small': Wording(_split('small, little, tiny, small-sized'), (), _split('small, little')),
    'medium': Wording(_split('medium, medium-sized, medium sized, mid-sized, middle-sized'),
                      _split('of medium size'), _split('medium sized')),
    'large': Wording(_split('big, large, huge, large-sized'), (), _split('big, large')),
}

UPRIGHT = ('bottle', 'can', 'vase', 'glass', 'candle', 'lamp', 'box')
ADJECTIVES: dict[str, dict[str, tuple[tuple[str, str, str], ...]]] = {
    'big': {'': (('big', 'bigger', 'biggest'), ('large', 'larger', 'largest')),
            'upright': (('tall', 'taller', 'tallest'),),
            'long': (('long', 'longer', 'longest'),)},
    'small': {'': (('small', 'smaller', 'smallest'), ('little', 'smaller', 'littlest'),
                   ('tiny', 'smaller', 'tiniest')),
              'upright': (('short', 'shorter', 'shortest'),),
              'long': (('short', 'shorter', 'shortest'),)},
}
"""Positive, comparative and superlative, for every kind and for upright and long ones."""

_SIDE = ('on the {d}', 'on the {d} side', 'to the {d}', 'at the {d}', 'on the {d} hand side',
         'on {d}', 'on the {d} side of the picture', 'on the {d} of the image',
         'on the {d} of the table', 'on the {d} side of the table', 'in the {d} half')
_BAND = ('at the {d}', 'near the {d}', 'at the {d} of the picture', 'at the {d} of the image',
         'in the {h} half', 'in the {h} part', 'at {d}', 'towards the {d}', 'in the {d} half')

ON_SIDE: dict[str, Wording] = {
    **{side: Wording((side, f'{side} hand', f'{side} side'), (side, f'on my {side}',),
                     tuple(words.format(d=side) for words in _SIDE))
       for side in ('left', 'right')},
    **{side: Wording((side,), (), tuple(words.format(d=side, h=half) for words in _BAND))
       for side, half in (('top', 'upper'), ('bottom', 'lower'))},
}
IN_HALF: dict[str, tuple[str, ...]] = {
    side: wording.is_ for side, wording in ON_SIDE.items()}

CORNER = Wording(
    ('{v} {h}', '{w} {h}', '{v}-{h}', '{v} {h} corner', '{z} {h}'),
    ('{v} {h}', '{v} {h} corner', '{z} {h}'),
    ('in the {v} {h} corner', 'at the {v} {h}', 'in the {v} {h}', 'in the {w} {h} corner',
     'in the {v} {h} corner of the image', 'on the {v} {h}', 'in the {w} {h}', 'at {v} {h}',
     'in the corner at the {v} {h}', 'in the {z} {h} corner', 'at the {z} {h}'))
CORNER_OTHER = {'top': 'upper', 'bottom': 'lower'}
CORNER_DEPTH = {'top': 'back', 'bottom': 'front'}

MIDDLE = Wording(
    _split('middle, center, central, centre'), _split('in middle, dead center'),
    _split('in the middle, in the center, in the centre, in the middle of the picture, '
           'in the center of the image, in the middle of the image, at the center, '
           'in the middle of the table, in the center of the table'))
MIDDLE_OF_THREE = Wording(
    _split('middle, center, centre'), (),
    _split('in the middle, in the middle of the row, in the center'),
    (('middle', 'of the three'), ('center', 'of the three')),
    _split('middle one of the three, middle one of the'))

AT_EDGE = ('at the {d} edge', 'near the {d} edge', 'at the {d} border', 'by the {d} edge',
           'at the {d} edge of the picture', 'close to the {d} edge', 'at the very {d}')

FIRST: dict[str, Wording] = {
    **{side: Wording(
        (f'{side}most', f'far {side}', f'{side} most', f'furthest {side}', f'farthest {side}',
         f'{side}-most'),
        (f'furthest {side}', f'all the way {side}', f'far {side}', f'farthest {side}'),
        (f'furthest to the {side}', f'on the far {side}', f'all the way to the {side}',
         f'farthest to the {side}', f'at the far {side}', f'all the way on the {side}',
         f'on the very {side}'),
        (('first', f'from the {side}'), ('last', f'on the {side}'), ('first', f'on the {side}')))
       for side in ('left', 'right')},
    'top': Wording(_split('topmost, uppermost, highest, top most'), (),
                   _split('nearest to the top, closest to the top, at the very top, highest up, '
                          'furthest up'),
                   (('first', 'from the top'),)),
    'bottom': Wording(_split('bottommost, lowest, bottom most, lowermost'), (),
                      _split('nearest to the bottom, closest to the bottom, at the very bottom, '
                             'lowest down, furthest down'),
                      (('first', 'from the bottom'),)),
    'near': Wording(_split('closest, nearest, front, frontmost, foremost, near'),
                    _split('in front'),
                    _split('closest to the camera, nearest to the camera, at the front, '
                           'in the front, closest to me, nearest to me, closest to us, '
                           'closest to you, nearest to you, in the foreground, nearest, closest, '
                           'nearest to the robot, closest to the robot, nearest to us, '
                           'closest to the viewer, nearest the camera, right in front, '
                           'on the near side'),
                    (('first', 'from the front'),)),
    'far': Wording(_split('farthest, furthest, back, rear, most distant, farthest away, '
                          'furthest away, rearmost, far'), _split('in back'),
                   _split('farthest from the camera, furthest away, at the back, in the back, '
                          'farthest away, furthest from me, farthest from me, in the background, '
                          'furthest back, farthest back, furthest from the camera, most distant, '
                          'furthest from us, farthest from you, all the way in the back, '
                          'furthest from the robot, in the rear, on the far side'),
                   (('first', 'from the back'),)),
}
"""The first one from somewhere."""

FIRST_OF_TWO: dict[str, Wording] = {
    **{side: Wording((side, f'{side} hand'), (), (f'on the {side}', f'further to the {side}'), (),
                     (f'{side} one of the two', f'{side} one of the',
                      f'{side} hand one of the two'))
       for side in ('left', 'right')},
    'top': Wording(_split('upper, top, higher'), (), _split('further up, higher up'), (),
                   _split('upper one of the two, upper of the two')),
    'bottom': Wording(_split('lower, bottom'), (), _split('further down, lower down'), (),
                      _split('lower one of the two, lower of the two')),
    'near': Wording(_split('closer, nearer, front'), (),
                    _split('closer, nearer, closer to the camera, nearer to me, closer to us'), (),
                    _split('closer one of the two, nearer of the two, front one of the two')),
    'far': Wording(_split('farther, further, back'), (),
                   _split('farther away, further away, farther from the camera, further back'), (),
                   _split('farther one of the two, further of the two, back one of the two')),
}

ORDINALS = {1: ('first', '1st'), 2: ('second', '2nd'), 3: ('third', '3rd'),
            4: ('fourth', '4th'), 5: ('fifth', '5th')}
NUMBERS = {2: ('two', '2'), 3: ('three', '3'), 4: ('four', '4'), 5: ('five', '5')}
NTH: dict[str, Wording] = {
    **{side: Wording((f'{{o}} {side}most',), ('number {c} from the ' + side,),
                     (f'{{o}} from the {side}', f'{{o}} from {side}'),
                     (('{o}', f'from the {side}'), ('{o}', f'from {side}'),
                      ('{o}', f'counting from the {side}'), ('{o}', f'from the {side} side')))
       for side in ('left', 'right')},
    **{side: Wording((), (), (f'{{o}} from the {side}',),
                     (('{o}', f'from the {side}'), ('{o}', f'from {side}'),
                      ('{o}', f'counting from the {side}')))
       for side in ('top', 'bottom')},
    'near': Wording(('{o} closest', '{o} nearest'), (), ('{o} closest to the camera',),
                    (('{o}', 'from the front'),)),
    'far': Wording(('{o} farthest', '{o} furthest'), (), ('{o} farthest from the camera',),
                   (('{o}', 'from the back'),)),
    'big': Wording(('{o} biggest', '{o} largest')),
    'small': Wording(('{o} smallest',)),
}

RELATION_WORDS: dict[str, tuple[str, ...]] = {
    **{f'{side} of': (f'to the {side} of {{}}', f'{side} of {{}}', f'on the {side} of {{}}',
                      f'on the {side} side of {{}}',
                      f'{side} from {{}}', f'at the {side} of {{}}')
       for side in ('left', 'right')},
    'behind': ('behind {}', 'right behind {}', 'in back of {}', 'directly behind {}', 'beyond {}'),
    'in front of': ('in front of {}', 'right in front of {}', 'before {}',
                    'directly in front of {}', 'in the front of {}'),
    'next to': ('next to {}', 'beside {}', 'by {}', 'near {}', 'close to {}', 'right next to {}',
                'alongside {}', 'adjacent to {}', 'right by {}', 'near to {}'),
    'above': ('above {}', 'higher than {}'),
    'below': ('below {}', 'lower than {}'),
    'on': ('on {}', 'on top of {}', 'on {}', 'resting on {}', 'lying on {}', 'placed on {}',
           'sitting on top of {}', 'atop {}', 'stacked on {}', 'upon {}'),
    'in': ('in {}', 'inside {}', 'inside of {}', 'lying in {}', 'within {}', 'sitting in {}',
           'placed in {}', 'placed inside {}'),
    'under': ('under {}', 'underneath {}', 'beneath {}', 'below {}', 'right under {}'),
    'holds inside': ('holding {}',), 'holds on top': ('carrying {}',),
    'bigger than': ('bigger than {}', 'larger than {}'),
    'smaller than': ('smaller than {}',),
}
"""What follows "that is"."""

RELATION_TAILS: dict[str, tuple[str, ...]] = {
    'holds inside': ('with {} in it', 'with {}', 'that {} is in', '{} is in', 'with {} inside',
                     'containing {}', 'that contains {}', 'that has {} in it',
                     'that holds {}', 'with {} inside of it'),
    'holds on top': ('with {} on it', 'with {}', 'that {} is on', 'that {} sits on',
                     '{} is on', 'that {} is standing on', 'with {} on top', 'that has {} on it',
                     'supporting {}', 'with {} on top of it'),
    'same colour': ('of the same color as {}', 'with the same color as {}',
                    'that has the same color as {}', 'in the same color as {}'),
    'under': ('with {} on it', 'that {} is on', 'supporting {}', 'with {} on top'),
    'on': ('that lies on {}', 'that sits on {}', 'that stands on {}', 'that rests on {}',
           'someone put on {}'),
    'in': ('that lies in {}', 'that sits in {}', 'someone put in {}'),
}
NOT_IN = ('outside of {}', 'outside {}')

BY_DISTANCE = {False: ('closest to {}', 'nearest to {}', 'nearest {}'),
               True: ('farthest from {}', 'furthest from {}', 'farthest away from {}',
                      'furthest away from {}', 'most distant from {}')}
BETWEEN = ('between {}', 'in between {}', 'in the middle of {}', 'placed between {}')

THAT_IS = ('that is {}', "that's {}", 'which is {}', 'thats {}')
THAT_IS_NOT = ("that isn't {}", 'that is not {}', 'not {}', "which isn't {}", "that's not {}",
               'which is not {}', 'that isnt {}')
PLACE_STARTS = ('on', 'in', 'at', 'to', 'left', 'right', 'behind', 'next', 'between', 'beside',
                'by', 'near', 'inside', 'under', 'underneath', 'close', 'closest', 'nearest',
                'farthest', 'furthest')
"""First words of what says where a thing is, and nothing else."""
WHAT_IS = ("what's {}", 'what is {}', 'whatever is {}', "what's that {}")
"""Around a place without a noun."""
STANDING = ('standing {}', 'sitting {}', 'located {}', 'lying {}', 'placed {}')
"""Before a place."""
DETERMINERS = {'the': 0.93, 'that': 0.02, 'my': 0.015, 'this': 0.015, 'the only': 0.02}
"""Before a thing named by what it is, and how often."""
OTHER = ('the other {n}, not {a}', 'not {a}, the other {n}', 'the {n} other than {a}',
         'not {a} but the other {n}', 'the other {n}, not {a}', 'the {n} that is not {a}')
"""Of two of a kind the one that is not meant by {a}."""

