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

"""Sentences that are true of a view and mean exactly one of its objects."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ros2_refseg.data.tabletop.shapes import KINDS
from ros2_refseg.data.tabletop.view import SMALLEST_SHARE, Description, View, VisibleObject

SIZE_WORDS = {'small': ('small', 'little'), 'large': ('large', 'big')}
ANYTHING = ('thing', 'object')

COMMANDS = (
    'find {}', 'pick up {}', 'please pick up {}', 'grab {}', 'give me {}', 'show me {}',
    'look at {}', 'where is {}', 'take {}', 'i want {}')

# Shares of the image's width or height.
HALF_MARGIN = 0.08
"""Distance from the image's middle line at which an object is surely on one side of it."""
RUNNER_UP_MARGIN = 0.10
"""Distance between an outermost object and the next one."""
CENTRE = 0.12
"""Distance from the image's centre within which an object is in the middle."""
OFF_CENTRE = 0.24
"""Distance from the image's centre beyond which an object is not in the middle."""
DEPTH_MARGIN = 0.07
"""Distance in metres, along the optical axis, between the nearest object and the next one."""
EDGE_MARGIN = 0.04
"""How much lower in the image the nearer object's bottom edge must be."""


USUAL = {'pattern': 'plain', 'second_colour': '', 'material': 'plain', 'support': 0,
         'container': 0}
"""What objects are unless they are said to be something else."""


@dataclass(frozen=True)
class Noun:
    """What a noun phrase asks for; None where it does not care."""

    kind: str | None = None
    colour: str | None = None
    size: str | None = None

    def fits(self, thing: VisibleObject) -> bool:
        """Tell whether the phrase is true of an object."""
        return (self.kind in (None, thing.kind) and self.colour in (None, thing.colour)
                and self.size in (None, thing.size))

    @property
    def has_attribute(self) -> bool:
        """Whether the phrase names a colour or a size."""
        return self.colour is not None or self.size is not None


@dataclass(frozen=True)
class _Spot:
    """Where an object is: shares of the image's width and height; metres."""

    thing: VisibleObject
    across: float
    down: float
    bottom: float
    depth: float


@dataclass(frozen=True)
class _Candidate:
    noun: Noun
    phrases: tuple[str, ...]
    form: str
    weight: float


def describe(
    objects: Sequence[VisibleObject], width: int, height: int, rng: np.random.Generator,
    per_object: int = 4,
) -> list[Description]:
    """
    Give up to ``per_object`` sentences for each object of a ``width`` x ``height`` view.

    Each is true and means one object only, by clear margins. Objects with few visible pixels get
    no sentence, but count where they would make one ambiguous.
    """
    spots = [_Spot(thing, thing.centroid[0] / width, thing.centroid[1] / height,
                   (thing.box[1] + thing.box[3]) / height, thing.depth) for thing in objects]
    smallest = SMALLEST_SHARE * width * height
    candidates: dict[int, list[_Candidate]] = {
        thing.id: [] for thing in objects if thing.pixels >= smallest}
    for noun in _nouns(objects):
        group = [spot for spot in spots if noun.fits(spot.thing)]
        for target, candidate in _candidates(noun, group):
            if target.id in candidates:
                candidates[target.id].append(candidate)
    descriptions = []
    used: set[str] = set()
    for object_id, choices in candidates.items():
        for candidate in _choose(choices, per_object, rng):
            sentence = _speak(candidate, rng)
            if sentence not in used:
                used.add(sentence)
                descriptions.append(Description(sentence, object_id, candidate.form))
    return descriptions


def scene_json(view: View, descriptions: Sequence[Description]) -> dict:
    """
    Give a view's truth as plain JSON types: its objects, and sentences about it.

    What only a household table has (pattern, material, what a thing rests on or lies in) is listed
    where it is out of the ordinary. A sentence that means nothing in view has ``object_id`` null.
    """
    return {
        'objects': [{
            'id': thing.id, 'kind': thing.kind, 'colour': thing.colour, 'size': thing.size,
            'box': list(thing.box), 'pixels': thing.pixels,
            'centroid': [round(value, 2) for value in thing.centroid],
            **{name: getattr(thing, name) for name, usual in USUAL.items()
               if getattr(thing, name) != usual},
        } for thing in view.objects],
        'sentences': [{
            'sentence': description.sentence, 'object_id': description.object_id,
            'form': description.form,
        } for description in descriptions],
    }


def _nouns(objects: Sequence[VisibleObject]) -> list[Noun]:
    """List the noun phrases worth trying; sizes only where a kind is there in both."""
    nouns = {Noun(): None}
    for thing in objects:
        nouns[Noun(thing.kind)] = nouns[Noun(None, thing.colour)] = None
        nouns[Noun(thing.kind, thing.colour)] = None
        if any(other.kind == thing.kind and other.size != thing.size for other in objects):
            nouns[Noun(thing.kind, None, thing.size)] = None
            nouns[Noun(thing.kind, thing.colour, thing.size)] = None
    return list(nouns)


def _candidates(
    noun: Noun, group: list[_Spot],
) -> Iterator[tuple[VisibleObject, _Candidate]]:
    if len(group) == 1 and noun != Noun():
        yield group[0].thing, _Candidate(noun, ('{}',), 'attribute', 2.0)
    form = 'both' if noun.has_attribute else 'position'
    # A position that is not needed is still true; people say it, but less often.
    weight = 1.0 if len(group) > 1 else 0.25
    for relation in RELATIONS:
        for target, phrases in relation(group):
            yield target.thing, _Candidate(noun, phrases, form, weight)


_Found = Iterator[tuple[_Spot, tuple[str, ...]]]


def _first(group: list[_Spot], key: Callable[[_Spot], float], margin: float) -> _Spot | None:
    """Give the one with the smallest key if the next one is farther than ``margin``."""
    if len(group) < 2:
        return None
    ordered = sorted(group, key=key)
    return ordered[0] if key(ordered[1]) - key(ordered[0]) >= margin else None


def _outermost(group: list[_Spot]) -> _Found:
    for key, phrases, pair in (
            (lambda spot: spot.across,
             ('the leftmost {n}', 'the {n} furthest to the left', 'the {n} on the far left'),
             ('the left {n}', 'the left one of the two {s}')),
            (lambda spot: -spot.across,
             ('the rightmost {n}', 'the {n} furthest to the right', 'the {n} on the far right'),
             ('the right {n}', 'the right one of the two {s}')),
            (lambda spot: spot.down,
             ('the topmost {n}', 'the {n} nearest to the top'), ('the upper {n}',)),
            (lambda spot: -spot.down,
             ('the bottommost {n}', 'the {n} nearest to the bottom'), ('the lower {n}',))):
        target = _first(group, key, RUNNER_UP_MARGIN)
        if target is not None:
            yield target, (*phrases, *(pair if len(group) == 2 else ()))


def _on_a_side(group: list[_Spot]) -> _Found:
    for key, phrases in (
            (lambda spot: spot.across, ('the {n} on the left', 'the {n} on the left side',
                                        'the {n} to the left')),
            (lambda spot: 1 - spot.across, ('the {n} on the right', 'the {n} on the right side',
                                            'the {n} to the right')),
            (lambda spot: spot.down, ('the {n} at the top', 'the {n} in the upper half')),
            (lambda spot: 1 - spot.down, ('the {n} at the bottom', 'the {n} in the lower half'))):
        inside = [spot for spot in group if key(spot) < 0.5 + HALF_MARGIN]
        if len(inside) == 1 and key(inside[0]) < 0.5 - HALF_MARGIN:
            yield inside[0], phrases


def _in_a_corner(group: list[_Spot]) -> _Found:
    for vertical, down in (('top', lambda spot: spot.down),
                           ('bottom', lambda spot: 1 - spot.down)):
        for horizontal, across in (('left', lambda spot: spot.across),
                                   ('right', lambda spot: 1 - spot.across)):
            inside = [spot for spot in group
                      if max(down(spot), across(spot)) < 0.5 + HALF_MARGIN]
            if len(inside) == 1 and max(down(inside[0]), across(inside[0])) < 0.5 - HALF_MARGIN:
                yield inside[0], (f'the {{n}} in the {vertical} {horizontal} corner',
                                  f'the {{n}} at the {vertical} {horizontal}',
                                  f'the {vertical} {horizontal} {{n}}')


def _in_the_middle(group: list[_Spot]) -> _Found:
    def off(spot: _Spot) -> float:
        return max(abs(spot.across - 0.5), abs(spot.down - 0.5))

    central = [spot for spot in group if off(spot) < OFF_CENTRE]
    if len(central) == 1 and off(central[0]) < CENTRE:
        # Of three or more, 'in the middle' may also mean the middle one of a row.
        short = ('the {n} in the middle', 'the {n} in the center') if len(group) < 3 else ()
        yield central[0], (*short, 'the {n} in the middle of the picture',
                           'the {n} in the center of the image')
    if len(group) == 3:
        row = sorted(group, key=lambda spot: spot.across)
        gaps = [row[1].across - row[0].across, row[2].across - row[1].across]
        downs = [spot.down for spot in group]
        if min(gaps) >= RUNNER_UP_MARGIN and max(downs) - min(downs) < 0.5 * sum(gaps):
            yield row[1], ('the middle one of the three {s}', 'the middle {n} of the three')


def _near_or_far(group: list[_Spot]) -> _Found:
    for sign, phrases in (
            (1, ('the closest {n}', 'the nearest {n}', 'the {n} closest to the camera',
                 'the {n} nearest to the camera', 'the {n} at the front', 'the {n} in the front')),
            (-1, ('the farthest {n}', 'the {n} furthest away', 'the {n} at the back',
                  'the {n} farthest from the camera', 'the {n} in the back'))):
        target = _first(group, lambda spot, sign=sign: sign * spot.depth, DEPTH_MARGIN)
        if target is not None and all(
                sign * (target.bottom - spot.bottom) >= EDGE_MARGIN
                for spot in group if spot is not target):
            yield target, phrases


RELATIONS = (_outermost, _on_a_side, _in_a_corner, _in_the_middle, _near_or_far)


def _choose(
    candidates: list[_Candidate], count: int, rng: np.random.Generator,
) -> list[_Candidate]:
    """Draw different candidates, at most half of them of one form while there are others."""
    order = rng.permutation(len(candidates))
    keys = rng.uniform(size=len(candidates)) ** (1.0 / np.array([c.weight for c in candidates]))
    ranked = [candidates[index] for index in sorted(order, key=lambda index: -keys[index])]
    chosen: list[_Candidate] = []
    for candidate in ranked:
        if len(chosen) == count:
            break
        if sum(other.form == candidate.form for other in chosen) < (count + 1) // 2:
            chosen.append(candidate)
    return chosen


def _pick(words: Sequence[str], rng: np.random.Generator) -> str:
    """Draw a word, the first one half of the time."""
    if len(words) == 1 or rng.uniform() < 0.5:
        return words[0]
    return words[1 + int(rng.integers(len(words) - 1))]


def _plural(word: str) -> str:
    return word + ('es' if word.endswith(('x', 'sh')) else 's')


def _noun_words(noun: Noun, rng: np.random.Generator) -> tuple[str, str, str]:
    """Give what precedes the noun, the noun itself, and a relative clause (each may be '')."""
    head = _pick(KINDS[noun.kind].words if noun.kind else ANYTHING, rng)
    size = _pick(SIZE_WORDS[noun.size], rng) if noun.size else ''
    if noun.colour and rng.uniform() < 0.08:
        return size, head, f'that is {noun.colour}'
    return ' '.join(filter(None, (size, noun.colour))), head, ''


def _speak(candidate: _Candidate, rng: np.random.Generator) -> str:
    """Put a candidate into words."""
    before, head, clause = _noun_words(candidate.noun, rng)
    phrase = candidate.phrases[int(rng.integers(len(candidate.phrases)))]
    if phrase == '{}':
        words = ' '.join(filter(None, ('the', before, head, clause)))
    else:
        # A place follows the noun, so the colour of the clause goes before it.
        said = ' '.join(filter(None, (before, clause.removeprefix('that is '))))
        words = phrase.format(n=f'{said} {head}'.strip(), s=f'{said} {_plural(head)}'.strip())
    manner = rng.uniform()
    if manner < 0.15:
        return COMMANDS[int(rng.integers(len(COMMANDS)))].format(words)
    if manner < 0.35:
        return words.removeprefix('the ')
    if manner < 0.42 and phrase == '{}':
        article = 'an' if words[4] in 'aeiou' else 'a'
        return f'{article} {words.removeprefix("the ")}'
    return words
