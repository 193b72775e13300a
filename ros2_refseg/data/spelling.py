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


"""Typing errors: the known word that an unknown one was meant to be."""

import re
from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from ros2_refseg.data.common_words import COMMON_WORDS

SHORTEST = 4
"""Letters of the shortest words that are compared: below, any word is one letter from another."""

_DOUBLED_LETTERS = re.compile(r'(.)\1+')
_DOUBLES_BEFORE_ING = re.compile(r'(?:^|[^aeiou]|qu)[aeiou][^aeiouwxy]$')
"""Verbs of one syllable that end so double their last letter (sit, sitting); others may or not."""
_ONE_SYLLABLE = re.compile(r'(?:qu|[^aeiou])*[aeiou][^aeiou]*$')


class Correction(NamedTuple):
    """A word of a sentence, and the known word that it was read as."""

    word: str
    read_as: str


class Speller:
    """
    Reads an unknown word as the known one from which one typing error leads to it.

    A typing error is one letter too many, too few or wrong, or two neighbours swapped: a
    Damerau-Levenshtein distance of 1 (Damerau, "A technique for computer detection and correction
    of spelling errors", 1964). A word stays unknown when

    - it, or the known word, has fewer than SHORTEST letters, or it holds a digit,
    - it is a common English word or a form of one ("rugs" are no "mugs", and "folding" is no
      "holding"), or a form or the singular of a word that is known ("bottles" are more than a
      "bottle"),
    - several known words are as near, unless it is a swap away from exactly one of them, or else a
      doubled letter: "yelow" is "yellow" rather than "below".
    """

    def __init__(self, words: Iterable[str]) -> None:
        """Take the known words."""
        self._words = set(words)
        # Two words one error apart share what remains of them with one letter or none left out
        # (Garbe's symmetric deletion), so that few of many words have to be compared.
        self._sharing: defaultdict[str, set[str]] = defaultdict(set)
        for word in self._words:
            if len(word) >= SHORTEST:
                for part in _without_a_letter(word):
                    self._sharing[part].add(word)

    def meant(self, word: str) -> str | None:
        """Give the known word that an unknown one was meant to be; None where that is not clear."""
        near = self.near(word)
        swapped = [known for known in near if sorted(known) == sorted(word)]
        doubled = [known for known in near if _without_doubles(known) == _without_doubles(word)]
        for found in (near, swapped, doubled):
            if len(found) == 1:
                return found[0]
        return None

    def near(self, word: str) -> list[str]:
        """List the known words of which a word can be a misspelling."""
        if len(word) < SHORTEST or any(letter.isdigit() for letter in word) or self._proper(word):
            return []
        candidates = {
            known for part in _without_a_letter(word) for known in self._sharing.get(part, ())
        }
        return sorted(known for known in candidates if is_one_error(word, known))

    def _proper(self, word: str) -> bool:
        stems = _singulars(word) | _verbs(word)
        return bool(({word} | stems) & COMMON_WORDS or (stems | {_plural(word)}) & self._words)


def is_one_error(typed: str, meant: str) -> bool:
    """Tell whether two words differ by exactly one typing error."""
    if abs(len(typed) - len(meant)) > 1:
        return False
    while typed and meant and typed[0] == meant[0]:
        typed, meant = typed[1:], meant[1:]
    while typed and meant and typed[-1] == meant[-1]:
        typed, meant = typed[:-1], meant[:-1]
    swapped = len(typed) == 2 and typed == meant[::-1]
    return swapped or max(len(typed), len(meant)) == 1


def _without_a_letter(word: str) -> set[str]:
    return {word, *(word[:index] + word[index + 1:] for index in range(len(word)))}


def _without_doubles(word: str) -> str:
    return _DOUBLED_LETTERS.sub(r'\1', word)


def _singulars(word: str) -> set[str]:
    """Give what a word can be the plural of."""
    return {stem for stem in (word[:-1], word[:-2], f'{word[:-3]}y') if _plural(stem) == word}


def _plural(word: str) -> str:
    if word.endswith('y') and word[-2:-1] not in set('aeiou'):
        return f'{word[:-1]}ies'
    return f'{word}es' if word.endswith(('s', 'x', 'z', 'ch', 'sh')) else f'{word}s'


def _verbs(word: str) -> set[str]:
    """Give what a word can be the form in -ing of; forms of up to six letters are common words."""
    if len(word) <= 6 or not word.endswith('ing'):
        return set()
    stem = word[:-3]
    return {verb for verb in (stem, f'{stem}e', stem[:-1]) if word in _forms_in_ing(verb)}


def _forms_in_ing(verb: str) -> set[str]:
    if verb.endswith('e') and not verb.endswith(('ee', 'oe', 'ye')):
        return {f'{verb[:-1]}ing'}
    doubled = f'{verb}{verb[-1]}ing'
    if not _DOUBLES_BEFORE_ING.search(verb):
        return {f'{verb}ing'}
    return {doubled} if _ONE_SYLLABLE.match(verb) else {f'{verb}ing', doubled}
