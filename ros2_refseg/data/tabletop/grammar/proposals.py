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

"""Meanings to try for one object of a scene, one function for each kind of sentence."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass

from ros2_refseg.data.tabletop.grammar.meanings import (
    OPEN_KINDS,
    All,
    Coloured,
    Empty,
    MadeOf,
    Meaning,
    Named,
    Not,
    Patterned,
    Trait,
    TwoColoured,
)
from ros2_refseg.data.tabletop.grammar.nouns import GROUP_NOUNS, OWN_NOUNS
from ros2_refseg.data.tabletop.grammar.pick import Picker
from ros2_refseg.data.tabletop.grammar.places import (
    SIDES,
    AtEdge,
    InCorner,
    InHalf,
    InMiddle,
    MiddleOfThree,
    OnSide,
)
from ros2_refseg.data.tabletop.grammar.rankings import (
    DIRECTIONS,
    ByDistance,
    Other,
    Rank,
    Sized,
)
from ros2_refseg.data.tabletop.grammar.relations import Between, Related, related
from ros2_refseg.data.tabletop.grammar.scene import Scene
from ros2_refseg.data.tabletop.grammar.truth import FALSE, TRUE

RELATION_WEIGHTS = {
    'left of': 1.0, 'right of': 1.0, 'behind': 1.3, 'in front of': 1.3, 'next to': 1.0,
    'above': 0.3, 'below': 0.3, 'on': 4.0, 'in': 4.0, 'under': 3.0, 'holds inside': 3.0,
    'holds on top': 2.0, 'same colour': 0.3}
NEGATED_RELATIONS = ('on', 'in', 'next to', 'behind', 'in front of', 'left of', 'right of')


@dataclass(frozen=True)
class Proposer:
    """Makes up meanings that may well be true of one object, ``index``, and of no other."""

    scene: Scene
    index: int
    pick: Picker

    def base(self, traits: float = 0.35, thing: float = 0.15) -> All:
        """Name the object, often by more than its kind: each trait with a probability."""
        own = self.scene.things[self.index]
        if self.pick.chance(thing):
            noun = 'thing'
        elif GROUP_NOUNS[own.kind] and self.pick.chance(0.12):
            noun = self.pick.any(GROUP_NOUNS[own.kind])
        else:
            noun, *others = OWN_NOUNS[own.kind]
            if others and self.pick.chance(0.3):
                noun = self.pick.any(others)
        said = [trait for trait in self.traits() if self.pick.chance(traits)]
        flat = [part for group in said for part in group]
        # One colour is enough.
        if any(isinstance(part, TwoColoured) for part in flat):
            flat = [part for part in flat if not isinstance(part, Coloured)]
        return All((Named(noun), *dict.fromkeys(flat)))

    def traits(self) -> list[tuple[Trait, ...]]:
        """List what can be said of the object itself; some of it in two parts."""
        own = self.scene.things[self.index]
        traits: list[tuple[Trait, ...]] = [(Coloured(own.colour),)] if own.colour else []
        if own.pattern != 'plain':
            traits.append((Patterned(own.pattern),))
            if own.second_colour:
                traits.append((TwoColoured(own.colour, own.second_colour),
                               Patterned(own.pattern)))
        # "Glass glass" says nothing.
        if own.material != 'plain' and own.kind != own.material:
            traits.append((MadeOf(own.material),))
        return traits

    def others(self) -> list[int]:
        """List the other objects that are plain to see, in a random order."""
        return self.pick.shuffled([
            other for other in range(len(self.scene))
            if other != self.index and self.scene.plain_to_see[other]])

    def anchor(self, other: int, loose: bool) -> Meaning | None:
        """
        Name another object, so that no other thing could be meant.

        A ``loose`` name need not tell it from others: what it is related to does.
        """
        proposer = Proposer(self.scene, other, self.pick)
        if loose and self.pick.chance(0.5):
            return proposer.base(traits=0.0, thing=0.0)
        for traits in (0.1, 0.5, 0.9):
            meaning: Meaning = proposer.base(traits, thing=0.1 if traits > 0.1 else 0.0)
            if self.scene.meant(meaning) == other and meaning.parts != (Named('thing'),):
                return meaning
        if not _one_kind(meaning) or self.pick.chance(0.4):
            return None
        ranked = self.pick.any((
            Sized(meaning, self.scene.things[other].size),
            Rank(meaning, self.pick.any(('left', 'right', 'big', 'small'))),
            OnSide(meaning, self.pick.any(SIDES[:2]))))
        return ranked if self.scene.meant(ranked) == other else None

    def attribute(self) -> Meaning | None:
        """Say "the red mug": by kind, colour, or both."""
        named = Named('thing') if self.pick.chance(0.12) else self.base(0.0, 0.0).parts[0]
        colour = self.scene.things[self.index].colour
        # A kind alone is enough where there is just one of it.
        if named.noun != 'thing' and self.scene.meant(named) == self.index \
                and self.pick.chance(0.45):
            return All((named,))
        return All((named, Coloured(colour))) if colour else None

    def pattern(self) -> Meaning | None:
        """Say "the striped mug", "the one with the white dots"."""
        own = self.scene.things[self.index]
        base = self.base(0.15)
        if own.pattern == 'plain':
            # Plain is worth a word where others of the kind are not.
            peers = [thing for thing in self.scene.things
                     if thing.kind == own.kind and thing.pattern != 'plain']
            said: tuple[Trait, ...] = (Patterned('plain'),)
            if not peers or base.parts[0] == Named('thing'):
                return None
        elif self.pick.chance(0.1):
            said = (Patterned(''),)
        elif own.second_colour and self.pick.chance(0.4):
            said = (TwoColoured(own.colour, own.second_colour), Patterned(own.pattern))
            base = All(base.parts[:1])
        else:
            said = (Patterned(own.pattern),)
        return All(tuple(dict.fromkeys((*base.parts, *said)))) \
            if not _contradicts(base, said) else None

    def material(self) -> Meaning | None:
        """Say "the wooden bowl"."""
        own = self.scene.things[self.index]
        if own.material == 'plain' or own.kind == own.material:
            return None
        return All(tuple(dict.fromkeys((*self.base(0.15).parts, MadeOf(own.material)))))

    def size(self) -> Meaning | None:
        """Say "the big mug", among mugs."""
        base = self.base(0.25, thing=0.0)
        size = self.pick.any(('small', 'medium', 'large'))
        return Sized(base, size) if _one_kind(base) else None

    def comparative(self) -> Meaning | None:
        """Say "the bigger mug" of two, "the mug that is bigger than the red one"."""
        base = self.base(0.2, thing=0.05)
        if self.pick.chance(0.2):
            own = self.scene.things[self.index].kind
            for other in self.others():
                if self.scene.things[other].kind == own:
                    anchor = self.anchor(other, loose=False)
                    relation = self.pick.any(('bigger than', 'smaller than'))
                    return All((*base.parts, Related(relation, anchor))) if anchor else None
            return None
        axis = self.pick.any(('big', 'small', 'big', 'small', *DIRECTIONS))
        return Rank(base, axis, of=2) if axis in DIRECTIONS or _one_kind(base) else None

    def superlative(self) -> Meaning | None:
        """Say "the smallest box", "the second biggest", "the mug closest to the bowl"."""
        base = self.base(0.2, thing=0.3)
        if self.pick.chance(0.35):
            for other in self.others():
                if anchor := self.anchor(other, loose=False):
                    return ByDistance(base, anchor, self.pick.chance(0.3))
            return None
        axis = self.pick.any(('big', 'small'))
        return Rank(base, axis, 2 if self.pick.chance(0.12) else 1)

    def position(self) -> Meaning | None:
        """Say "the mug on the left", "the leftmost mug", "the nearest one", "in the corner"."""
        base = self.base(0.3, thing=0.2)
        manner = self.pick.weighted({
            'side': 3.0, 'first': 3.0, 'corner': 1.5, 'middle': 1.5, 'three': 1.0, 'edge': 0.6})
        if manner == 'three':
            return MiddleOfThree(base)
        if manner == 'edge':
            return All((*base.parts, AtEdge(self.pick.any(SIDES))))
        return self._placed(base, manner)

    def _placed(self, base: All, manner: str) -> Meaning:
        if manner == 'side':
            return OnSide(base, self.pick.any(SIDES))
        if manner == 'first':
            return Rank(base, self.pick.any(DIRECTIONS))
        if manner == 'corner':
            return InCorner(base, self.pick.any(SIDES[2:]), self.pick.any(SIDES[:2]))
        return InMiddle(base)

    def ordinal(self) -> Meaning | None:
        """Say "the second mug from the left"."""
        base = self.base(0.15, thing=0.25)
        group = sum(truth != FALSE for truth in self.scene.truth(base))
        if group < 3:
            return None
        axis = self.pick.any(('left', 'right', 'left', 'right', *DIRECTIONS))
        return Rank(base, axis, self.pick.any(range(2, min(group, 5) + 1)))

    def relation(self) -> Meaning | None:
        """Say "the cup behind the blue box", "the thing between the two cans"."""
        base = self.base(0.2, thing=0.25)
        if self.pick.chance(0.15):
            return self._between(base)
        own = self.scene.things[self.index]
        if own.kind in OPEN_KINDS and self.pick.chance(0.08):
            return All((*base.parts, Not(Empty())))
        found: dict[tuple[str, int], float] = {
            (name, other): weight for name, weight in RELATION_WEIGHTS.items()
            for other in self.others()
            if related(self.scene, name, self.index, other) == TRUE}
        if not found:
            return None
        name, other = self.pick.weighted(found)
        anchor = self.anchor(other, loose=name in (
            'on', 'in', 'under', 'holds inside', 'holds on top') or self.pick.chance(0.06))
        if anchor is None or (self.scene.meant(anchor) is None
                              and base.parts[0] in _parts(anchor)):
            return None
        if name == 'same colour':
            # Its colour is what the other thing says.
            base = All(base.parts[:1])
            if any(isinstance(part, Coloured | TwoColoured) for part in _parts(anchor)):
                return None
        first = Related(name, anchor)
        if self.pick.chance(0.08) and len(found) > 1:
            second, third = self.pick.weighted(found)
            more = self.anchor(third, loose=False)
            if third != other and second != name and more is not None:
                return All((*base.parts, first, Related(second, more)))
        return All((*base.parts, first))

    def _between(self, base: All) -> Meaning | None:
        around = self.others()
        for kind in dict.fromkeys(self.scene.things[other].kind for other in around):
            between = Between(Named(kind))
            if self.scene.truth(between)[self.index] == TRUE:
                return All((*base.parts, between))
        for first, second in itertools.combinations(around[:5], 2):
            ends = self.anchor(first, False), self.anchor(second, False)
            if None not in ends:
                between = Between(*ends)
                if self.scene.truth(between)[self.index] == TRUE:
                    return All((*base.parts, between))
        return None

    def negation(self) -> Meaning | None:
        """Say "the mug that isn't red", "the cup without anything in it", "the other mug"."""
        base = self.base(0.1, thing=0.05)
        own = self.scene.things[self.index]
        if own.kind in OPEN_KINDS and self.pick.chance(0.3):
            return All((*base.parts, Empty()))
        rivals = [other for other, truth in enumerate(self.scene.truth(base))
                  if truth == TRUE and other != self.index]
        if not rivals:
            return None
        rival = Proposer(self.scene, self.pick.any(rivals), self.pick)
        if len(rivals) == 1 and self.pick.chance(0.2):
            known = All((*base.parts[:1], *self.pick.any(rival.traits())))
            return Other(base, known)
        manner = self.pick.share()
        if manner < 0.6:
            return All((*base.parts, Not(self.pick.any(rival.traits())[-1])))
        if manner < 0.8:
            return All((*base.parts, Not(InHalf(self.pick.any(SIDES)))))
        found = {(name, other): RELATION_WEIGHTS[name] for name in NEGATED_RELATIONS
                 for other in rival.others()
                 if related(self.scene, name, rival.index, other) == TRUE}
        if not found:
            return None
        name, other = self.pick.weighted(found)
        anchor = self.anchor(other, loose=False) if other != self.index else None
        return All((*base.parts, Not(Related(name, anchor)))) if anchor else None

    def ellipsis(self) -> Meaning | None:
        """Say "left one", "the red one", "second from the left": no noun but "one", if any."""
        base = All((Named('thing'), *self.pick.any(self.traits()))) \
            if self.pick.chance(0.45) else All((Named('thing'),))
        bare = len(base.parts) == 1
        if not bare and self.pick.chance(0.6):
            return base
        manner = self.pick.weighted({'side': 3.0, 'first': 2.0, 'corner': 2.0, 'middle': 1.0,
                                     'big': 1.0, 'nth': 1.5, 'related': 2.0})
        if manner == 'big':
            return Rank(base, self.pick.any(('big', 'small')))
        if manner == 'nth':
            return Rank(base, self.pick.any(SIDES[:2]), self.pick.any((2, 3)))
        if manner != 'related':
            return self._placed(base, manner)
        for name in self.pick.shuffled(('in', 'on', 'behind', 'in front of', 'next to', 'under')):
            for other in self.others():
                if related(self.scene, name, self.index, other) == TRUE:
                    anchor = self.anchor(other, loose=False)
                    return All((*base.parts, Related(name, anchor))) if anchor else None
        return None


def _one_kind(meaning: Meaning) -> bool:
    """Tell whether a meaning names things of one kind, whose sizes compare."""
    return isinstance(meaning, All) and isinstance(meaning.parts[0], Named) and any(
        meaning.parts[0].noun in nouns for nouns in OWN_NOUNS.values())


def _parts(meaning: Meaning) -> tuple[Meaning, ...]:
    return meaning.parts if isinstance(meaning, All) else _parts(meaning.base)


def _contradicts(base: All, said: tuple[Trait, ...]) -> bool:
    """Tell whether two patterns would be said."""
    return any(isinstance(part, Patterned) and part not in said for part in base.parts)


Build = Callable[[Proposer], Meaning | None]

FORMS: dict[str, tuple[float, Build]] = {
    'attribute': (1.8, Proposer.attribute), 'pattern': (1.6, Proposer.pattern),
    'material': (1.6, Proposer.material), 'size': (1.6, Proposer.size),
    'comparative': (1.6, Proposer.comparative), 'superlative': (1.8, Proposer.superlative),
    'position': (2.6, Proposer.position), 'ordinal': (2.2, Proposer.ordinal),
    'relation': (3.2, Proposer.relation), 'negation': (1.8, Proposer.negation),
    'ellipsis': (2.6, Proposer.ellipsis),
}
"""How often each kind of sentence is tried, and how."""
