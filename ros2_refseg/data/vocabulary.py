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

"""Words and their numbers: how a sentence becomes what the network reads."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from ros2_refseg.data.spelling import Correction, Speller

PADDING_ID = 0  # cefnet.language says the same; this module must not import torch
UNKNOWN_ID = 1
FIRST_WORD_ID = 2

MAX_WORDS = 20
"""Words read of a sentence; the data sets of the field are cut there too."""

MISSPELT_BELOW = 0.01
"""A word rarer than this share of another one, from which it is one typing error, is one itself."""
MISSPELT_ONCE_BELOW = 0.1
"""The same share for a word seen once, from which it could hardly be learned."""

_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")


def tokenize(sentence: str) -> list[str]:
    """
    Split a sentence into lower-cased words.

    A word is a run of letters and digits of any script, with inner apostrophes; everything else
    separates. A sentence without a word gives an empty list.
    """
    return _WORD.findall(sentence.lower().replace('\N{RIGHT SINGLE QUOTATION MARK}', "'"))


def understood(word_ids: Sequence[int]) -> bool:
    """Tell whether a word of an encoded sentence is known; otherwise nothing is found."""
    return any(word_id != UNKNOWN_ID for word_id in word_ids)


@dataclass(frozen=True)
class Vocabulary:
    """
    The words a network was trained on; word ``i`` has the number ``i + FIRST_WORD_ID``.

    Training, evaluation and the robot read sentences through it, and so alike: a known word is
    itself, one with a typing error is the word that was meant (see ``Speller``), and any other is
    unknown.
    """

    words: tuple[str, ...]

    def __post_init__(self) -> None:
        """
        Check the words, which may come from a file.

        :raises ValueError: for one that is no text, or stands there twice and has two numbers.
        """
        for word in self.words:
            if not isinstance(word, str):
                raise ValueError(f'the vocabulary has {word!r}, which is no word')
        if len(self._ids) < len(self.words):
            word, count = Counter(self.words).most_common(1)[0]
            raise ValueError(f'the vocabulary has {word!r} {count} times; each word is there once')

    @classmethod
    def from_sentences(cls, sentences: Iterable[str]) -> 'Vocabulary':
        """
        Collect the words of sentences, in alphabetical order.

        What people type holds typing errors, as in RefCOCO's sentences; those are not learned as
        words of their own but left out (see ``MISSPELT_BELOW``), and so read as what was meant. One
        that would be read as another word, or as none since several are as near, is learned.
        """
        counts = Counter(word for text in sentences for word in tokenize(text))
        near = Speller(counts).near
        meant = {
            word: {other for other in near(word) if _is_misspelling(count, counts[other])}
            for word, count in counts.items()
        }
        words: set[str] = set()
        more = {word for word, others in meant.items() if not others}
        while more:
            words |= more
            # Each word more can be as near to one that is left out as what was meant by that.
            speller = Speller(words)
            more = {
                word for word in counts.keys() - words if speller.meant(word) not in meant[word]
            }
        return cls(tuple(sorted(words)))

    @cached_property
    def _ids(self) -> dict[str, int]:
        return {word: index for index, word in enumerate(self.words, FIRST_WORD_ID)}

    @cached_property
    def _speller(self) -> Speller:
        return Speller(self.words)

    def __len__(self) -> int:
        """Count the embeddings a network needs: the words, padding and unknown."""
        return len(self.words) + FIRST_WORD_ID

    def __contains__(self, word: str) -> bool:
        return word in self._ids

    def encode(self, sentence: str) -> list[int]:
        """
        Give the numbers of a sentence's first ``MAX_WORDS`` words; unknown ones are 1.

        :raises ValueError: when the sentence holds no word at all.
        """
        words = _words_read(sentence)
        if not words:
            raise ValueError(f'sentence {sentence[:40]!r} holds no word; say what to segment')
        return [self._ids.get(self._read(word), UNKNOWN_ID) for word in words]

    def unknown_words(self, sentence: str) -> tuple[str, ...]:
        """List the words of a sentence that the network never saw, in order, each once."""
        words = dict.fromkeys(_words_read(sentence))
        return tuple(word for word in words if self._read(word) is None)

    def corrections(self, sentence: str) -> tuple[Correction, ...]:
        """List the words of a sentence that are read as another one, in order, each once."""
        words = dict.fromkeys(_words_read(sentence))
        read = ((word, self._read(word)) for word in words)
        return tuple(Correction(word, known) for word, known in read if known not in (word, None))

    def _read(self, word: str) -> str | None:
        return word if word in self._ids else self._speller.meant(word)


def words_left_out(sentence: str) -> list[str]:
    """List the words of a sentence after its first ``MAX_WORDS``, which are not read."""
    return tokenize(sentence)[MAX_WORDS:]


def _is_misspelling(count: int, count_of_other: int) -> bool:
    return count < (MISSPELT_ONCE_BELOW if count == 1 else MISSPELT_BELOW) * count_of_other


def _words_read(sentence: str) -> list[str]:
    return tokenize(sentence)[:MAX_WORDS]
