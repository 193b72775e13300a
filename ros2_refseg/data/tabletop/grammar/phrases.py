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

"""From meanings to noun phrases: which words stand before the noun, which after it."""

from dataclasses import dataclass, replace
from functools import singledispatchmethod

from ros2_refseg.data.tabletop.grammar import lexicon
from ros2_refseg.data.tabletop.grammar.lexicon import Wording
from ros2_refseg.data.tabletop.grammar.meanings import (
    All,
    Coloured,
    Empty,
    GroupMeaning,
    MadeOf,
    Meaning,
    Named,
    Not,
    Patterned,
    TwoColoured,
)
from ros2_refseg.data.tabletop.grammar.nouns import NOUNS
from ros2_refseg.data.tabletop.grammar.pick import Picker
from ros2_refseg.data.tabletop.grammar.places import (
    AtEdge,
    InCorner,
    InHalf,
    InMiddle,
    MiddleOfThree,
    OnSide,
)
from ros2_refseg.data.tabletop.grammar.rankings import ByDistance, Other, Rank, Sized
from ros2_refseg.data.tabletop.grammar.relations import Between, Related
from ros2_refseg.data.tabletop.grammar.scene import SLIM, Scene
from ros2_refseg.data.tabletop.grammar.truth import TRUE
from ros2_refseg.data.tabletop.household_words import CLEAR

MASS_NOUNS = ('food', 'cutlery')
_LOOSE = ('in', 'on', 'holds inside', 'holds on top', 'under')
"""Relations that make "the" right for the other thing too: "the apple in the bowl" (of two)."""


@dataclass(frozen=True)
class Phrase:
    """A noun phrase, mostly without its article."""

    head: str
    pre: tuple[str, ...] = ()
    tails: tuple[str, ...] = ()
    has_article: bool = False
    has_place: bool = False

    @property
    def text(self) -> str:
        """The phrase as words."""
        return ' '.join(filter(None, (*self.pre, self.head, *self.tails)))

    @property
    def many(self) -> str | None:
        """The phrase in the plural; None where the noun has none."""
        if self.head in MASS_NOUNS or not self.head:
            return None
        return replace(self, head=plural(self.head)).text


def says_where(words: str) -> bool:
    """Tell whether words can stand alone after "is" or "standing"."""
    return words.split()[0] in lexicon.PLACE_STARTS


def plural(noun: str) -> str:
    """Give the plural of a noun."""
    if noun.startswith('piece of'):
        return noun.replace('piece', 'pieces', 1)
    return noun + ('es' if noun.endswith(('x', 'sh', 's')) else 's')


def with_article(text: str, article: str, head: str = '') -> str:
    """Put "the" or "a" (which may become "an", or nothing) before a phrase with a noun."""
    if article == 'a':
        # "A food" and "a one" are no English.
        if head in MASS_NOUNS or text.split()[0] == 'one':
            return text
        if text[0] in 'aeiou' and not text.startswith('utensil'):
            article = 'an'
    return f'{article} {text}'


@dataclass
class Speaker:
    """
    Puts meanings into words about a scene.

    ``heads`` replaces the nouns of phrases that name no kind: "one", or '' for none at all.
    """

    scene: Scene
    pick: Picker
    heads: tuple[str, ...] = ()

    def phrase(self, meaning: Meaning, anchor: bool = False) -> Phrase:
        """
        Word a meaning.

        An ``anchor`` is what another thing is related to: whatever can stand before its noun does,
        lest it seem to speak of the other thing.
        """
        if isinstance(meaning, Other):
            return self._other(meaning)
        if isinstance(meaning, GroupMeaning):
            return self._attach(self.phrase(meaning.base, anchor), meaning, anchor)
        parts = meaning.parts if isinstance(meaning, All) else (meaning,)
        inner = next((part for part in parts if isinstance(part, Named | GroupMeaning | All)),
                     Named('thing'))
        phrase = self._noun(inner, anchor) if isinstance(inner, Named) \
            else self.phrase(inner, anchor)
        for part in self._in_order([part for part in parts if part is not inner]):
            phrase = self._attach(phrase, part, anchor)
        return phrase

    def _noun(self, named: Named, anchor: bool) -> Phrase:
        words = NOUNS[named.noun].words
        if named.noun == 'thing':
            words = self.heads or (('thing', 'object') if anchor else words)
        head, _, tail = self.pick.common(words).partition('|')
        return Phrase(head, tails=(tail,) if tail else ())

    def _in_order(self, parts: list[Meaning]) -> list[Meaning]:
        """Sort parts so that those nearest to the noun come first, as people mostly do."""
        nearness = {MadeOf: 0, Patterned: 1, Coloured: 2, TwoColoured: 2, Empty: 3}
        if self.pick.chance(0.3):
            nearness |= {Patterned: 2, Coloured: 1}
        patterns = [part for part in parts if isinstance(part, Patterned)]
        # The two colours say the pattern as well.
        if any(isinstance(part, TwoColoured) for part in parts):
            parts = [part for part in parts if part not in patterns]
            parts = [(part, patterns[0]) if isinstance(part, TwoColoured) else part
                     for part in parts]
        if Coloured(CLEAR) in parts:
            parts = [MadeOf('clear glass') if part == MadeOf('glass') else part for part in parts]
        return sorted(parts, key=lambda part: nearness.get(
            type(part[0] if isinstance(part, tuple) else part), 4))

    def _other(self, meaning: Other) -> Phrase:
        phrase = self.phrase(meaning.base)
        known = self.phrase(meaning.known)
        form = self.pick.any(lexicon.OTHER)
        return Phrase(form.format(n=phrase.text, a=with_article(known.text, 'the')),
                      has_article=True)

    def _attach(self, phrase: Phrase, part: 'Meaning | tuple', anchor: bool) -> Phrase:
        """Add what a part says, before the noun or after it."""
        wording, is_place = self._wording(part, phrase)
        wording = _not_repeating(phrase, wording)
        # "Glass" alone would be a noun.
        if not phrase.head and (isinstance(part, MadeOf)
                                or not (wording.pre or wording.is_ or wording.around)):
            phrase = replace(phrase, head='one')
        slots: dict[str, float] = {}
        if wording.pre:
            slots['pre'] = 1.0 if is_place else 6.0
        second = is_place and phrase.has_place
        if wording.tail and not (second and (wording.pre or wording.is_)):
            slots['tail'] = 0.7
        if wording.is_:
            slots['is_'] = 1.6 if is_place else 0.4
        if wording.around:
            slots['around'] = 1.0
        if wording.among and phrase.many and not anchor and not self.heads:
            slots['among'] = 1.3
        if not phrase.head:
            # Without a noun there is nothing that "that is" could follow.
            slots.pop('tail', None)
        for slot in ('pre', 'around'):
            if slot in slots and (anchor or not (phrase.head or is_place)):
                slots = {slot: 1.0}
        slot = self.pick.weighted(slots)
        words = self.pick.common(getattr(wording, slot))
        if slot == 'pre':
            return replace(phrase, pre=(words, *phrase.pre))
        if slot == 'around':
            if not phrase.head and phrase.pre:
                phrase = replace(phrase, head='one')
            return replace(phrase, pre=(words[0], *phrase.pre), tails=(*phrase.tails, words[1]))
        if slot == 'among':
            return Phrase(f'{words} {phrase.many}')
        if slot == 'is_':
            words = words if second else self._clause(words, is_place, phrase)
        if second and not isinstance(part, Not):
            words = f'and {words}'
        return replace(phrase, tails=(*phrase.tails, words), has_place=is_place)

    def _clause(self, words: str, is_place: bool, phrase: Phrase) -> str:
        if not phrase.head or (is_place and not self.pick.chance(0.25)):
            return words
        is_rank = words.split()[0].endswith('est')
        if is_place and says_where(words) and not is_rank and self.pick.chance(0.4):
            return self.pick.common(lexicon.STANDING).format(words)
        return self.pick.common(lexicon.THAT_IS).format(words)

    @singledispatchmethod
    def _wording(self, part: object, phrase: Phrase) -> tuple[Wording, bool]:
        """Give the words of a part, and whether they say a place, which needs no "that is"."""
        raise TypeError(f'no words for a {type(part).__name__}')

    @_wording.register
    def _(self, part: tuple, phrase: Phrase) -> tuple[Wording, bool]:
        colours, pattern = part
        return _fill(lexicon.TWO_COLOURS[pattern.pattern], a=colours.first,
                     b=colours.second), False

    @_wording.register
    def _(self, part: Coloured, phrase: Phrase) -> tuple[Wording, bool]:
        names = lexicon.COLOUR_WORDS.get(part.colour, (part.colour,))
        if part.colour == 'gray' and self._all_metal(part):
            names = lexicon.METAL_GRAY
        name = self.pick.common(names)
        if part.colour == 'clear' or self.pick.chance(0.9):
            return Wording((name,), (), (name,)), False
        return _fill(lexicon.COLOUR, c=name), False

    def _all_metal(self, part: Coloured) -> bool:
        said = [thing for thing, truth in zip(self.scene.things, self.scene.truth(part),
                                              strict=True) if truth == TRUE]
        return bool(said) and all(thing.material == 'metal' for thing in said)

    @_wording.register
    def _(self, part: Patterned, phrase: Phrase) -> tuple[Wording, bool]:
        return lexicon.PATTERN_WORDS[part.pattern], False

    @_wording.register
    def _(self, part: MadeOf, phrase: Phrase) -> tuple[Wording, bool]:
        return lexicon.MATERIAL_WORDS[part.material], False

    @_wording.register
    def _(self, part: Empty, phrase: Phrase) -> tuple[Wording, bool]:
        return lexicon.EMPTY_FLAT if _is_flat(phrase) else lexicon.EMPTY, False

    @_wording.register
    def _(self, part: Sized, phrase: Phrase) -> tuple[Wording, bool]:
        wording = lexicon.SIZE_WORDS[part.size]
        axis = {'small': 'small', 'large': 'big'}.get(part.size)
        special = [triple[0] for triple in self._adjectives(axis, phrase)[1]] if axis else []
        if special and self.pick.chance(0.3):
            return Wording(tuple(special), (), tuple(special)), False
        return wording, False

    def _adjectives(self, axis: str, phrase: Phrase) -> tuple[tuple, tuple]:
        """Give the triples for any thing, and those for the kind that a phrase names."""
        table = lexicon.ADJECTIVES[axis]
        shape = ''
        for group, name in ((lexicon.UPRIGHT, 'upright'), (SLIM, 'long')):
            if any(phrase.head in NOUNS[kind].words for kind in group):
                shape = name
        return table[''], table[shape] if shape else ()

    @_wording.register
    def _(self, part: Rank, phrase: Phrase) -> tuple[Wording, bool]:
        if part.number > 1:
            number = str(part.number)
            ordinal = self.pick.common(lexicon.ORDINALS[part.number])
            return _fill(lexicon.NTH[part.axis], o=ordinal,
                         c=self.pick.any((number, lexicon.NUMBERS[part.number][0]))), True
        if part.axis not in lexicon.ADJECTIVES:
            return (lexicon.FIRST_OF_TWO if part.of == 2 else lexicon.FIRST)[part.axis], True
        common, special = self._adjectives(part.axis, phrase)
        triple = self.pick.any(special) if special and self.pick.chance(0.35) \
            else self.pick.common(common)
        if part.of == 2:
            word = triple[1]
            return Wording((word,), (), (word, f'{word} than the other one'), (),
                           (f'{word} one of the two', f'{word} of the two', f'{word} of the')
                           ), False
        word = triple[2]
        return Wording((word,), (), (f'the {word}',), (),
                       (f'{word} of the', f'{word} one of the', f'{word} of all the')), False

    @_wording.register
    def _(self, part: OnSide, phrase: Phrase) -> tuple[Wording, bool]:
        return lexicon.ON_SIDE[part.side], True

    @_wording.register
    def _(self, part: InHalf, phrase: Phrase) -> tuple[Wording, bool]:
        return Wording(is_=lexicon.IN_HALF[part.side]), True

    @_wording.register
    def _(self, part: InCorner, phrase: Phrase) -> tuple[Wording, bool]:
        return _fill(lexicon.CORNER, v=part.vertical, h=part.horizontal,
                     w=lexicon.CORNER_OTHER[part.vertical],
                     z=lexicon.CORNER_DEPTH[part.vertical]), True

    @_wording.register
    def _(self, part: InMiddle, phrase: Phrase) -> tuple[Wording, bool]:
        return lexicon.MIDDLE, True

    @_wording.register
    def _(self, part: MiddleOfThree, phrase: Phrase) -> tuple[Wording, bool]:
        return lexicon.MIDDLE_OF_THREE, True

    @_wording.register
    def _(self, part: AtEdge, phrase: Phrase) -> tuple[Wording, bool]:
        return Wording(is_=tuple(words.format(d=part.side) for words in lexicon.AT_EDGE)), True

    @_wording.register
    def _(self, part: Related, phrase: Phrase) -> tuple[Wording, bool]:
        anchor = self._anchor(part.anchor, part.relation in _LOOSE)
        return Wording(
            tail=tuple(words.format(anchor)
                       for words in lexicon.RELATION_TAILS.get(part.relation, ())),
            is_=tuple(words.format(anchor)
                      for words in lexicon.RELATION_WORDS.get(part.relation, ()))), True

    def _anchor(self, meaning: Meaning, loose: bool) -> str:
        phrase = replace(self, heads=()).phrase(meaning, anchor=True)
        several = sum(truth == TRUE for truth in self.scene.truth(meaning)) > 1
        indefinite = several and not (loose and self.pick.chance(0.5))
        return with_article(phrase.text, 'a' if indefinite else 'the', phrase.head)

    @_wording.register
    def _(self, part: ByDistance, phrase: Phrase) -> tuple[Wording, bool]:
        anchor = self._anchor(part.anchor, False)
        return Wording(is_=tuple(
            words.format(anchor) for words in lexicon.BY_DISTANCE[part.farthest])), True

    @_wording.register
    def _(self, part: Between, phrase: Phrase) -> tuple[Wording, bool]:
        if part.second is None:
            pair = replace(self, heads=()).phrase(part.first, anchor=True).many
            two = self.pick.any(('the two {}', 'the {}', 'both {}', 'two {}')).format(pair)
        else:
            ends = self.pick.shuffled((part.first, part.second))
            two = ' and '.join(self._anchor(end, False) for end in ends)
        return Wording(is_=tuple(words.format(two) for words in lexicon.BETWEEN)), True

    @_wording.register
    def _(self, part: Not, phrase: Phrase) -> tuple[Wording, bool]:
        inner = part.part
        if isinstance(inner, Empty):
            return Wording(tail=lexicon.NOT_EMPTY_FLAT if _is_flat(phrase)
                           else lexicon.NOT_EMPTY), True
        if isinstance(inner, Named):
            noun = self._noun(inner, True)
            said = (with_article(noun.text, 'a', noun.head),)
        else:
            said = self._wording(inner, phrase)[0].is_
        tails = tuple(words.format(self.pick.common(said)) for words in lexicon.THAT_IS_NOT)
        if isinstance(inner, Patterned):
            tails += lexicon.LACKING_PATTERN[inner.pattern]
        if isinstance(inner, Related) and inner.relation == 'in':
            anchor = self._anchor(inner.anchor, True)
            tails += tuple(words.format(anchor) for words in lexicon.NOT_IN)
        return Wording(tail=tails), True


def _is_flat(phrase: Phrase) -> bool:
    return phrase.head in ('plate', 'dish')


def _not_repeating(phrase: Phrase, wording: Wording) -> Wording:
    """Leave out what begins as a phrase ends: "thing to drink from from the left"."""
    end = phrase.text.split()[-1:]

    def keep(texts: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(text for text in texts if text.split()[:1] != end)

    return replace(wording, tail=keep(wording.tail), is_=keep(wording.is_), around=tuple(
        pair for pair in wording.around if keep(pair[1:])))


def _fill(wording: Wording, **values: str) -> Wording:
    """Put words into the places of a wording."""
    def fill(texts: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(text.format(**values) for text in texts)

    return Wording(fill(wording.pre), fill(wording.tail), fill(wording.is_),
                   tuple(fill(pair) for pair in wording.around), fill(wording.among))
