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

"""Typing errors: one edit in one word, which is read as the word that was meant."""

import string

from ros2_refseg.data.spelling import SHORTEST
from ros2_refseg.data.tabletop.grammar.pick import Picker
from ros2_refseg.data.vocabulary import Vocabulary, tokenize

_KEYBOARD = ('qwertyuiop', 'asdfghjkl', 'zxcvbnm')


def mistype(sentence: str, vocabulary: Vocabulary, pick: Picker) -> str | None:
    """
    Put one typing error into a sentence of known words; None where no word is long enough for one.

    The misspelt word is one edit (a letter lost, added, replaced or swapped with the next one)
    from its own word, as which the vocabulary reads it.
    """
    words = [word for word in dict.fromkeys(tokenize(sentence))
             if len(word) >= SHORTEST and word.isalpha()]
    for word in pick.shuffled(words):
        for _ in range(8):
            wrong = _edit(word, pick)
            if vocabulary.corrections(wrong) == ((wrong, word),):
                head, tail = _around(sentence, word)
                return head + wrong + tail
    return None


def _around(sentence: str, word: str) -> tuple[str, str]:
    """Split a sentence around the first place where a word stands whole."""
    start = -1
    while True:
        start = sentence.index(word, start + 1)
        end = start + len(word)
        before, after = sentence[start - 1:start], sentence[end:end + 1]
        if not before.isalpha() and not (after.isalpha() or after == "'"):
            return sentence[:start], sentence[end:]


def _edit(word: str, pick: Picker) -> str:
    place = pick.any(range(len(word)))
    head, letter, tail = word[:place], word[place], word[place + 1:]
    kind = pick.any(('lose', 'add', 'replace', 'swap'))
    if kind == 'lose':
        return head + tail
    if kind == 'swap':
        return head + tail[:1] + letter + tail[1:]
    row = next(row for row in _KEYBOARD if letter in row) if letter in string.ascii_lowercase \
        else string.ascii_lowercase
    near = row[max(row.find(letter) - 1, 0):row.find(letter) + 2]
    return head + (letter if kind == 'add' else '') + pick.any(near) + tail
