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

"""From a meaning to a sentence: noun phrase, request, what people leave out, typing errors."""

import re

from ros2_refseg.data.tabletop.grammar.lexicon import DETERMINERS, WHAT_IS
from ros2_refseg.data.tabletop.grammar.meanings import All, Meaning, Trait
from ros2_refseg.data.tabletop.grammar.phrases import (
    Phrase,
    Speaker,
    says_where,
    with_article,
)
from ros2_refseg.data.tabletop.grammar.pick import Picker
from ros2_refseg.data.tabletop.grammar.requests import request
from ros2_refseg.data.tabletop.grammar.scene import Scene
from ros2_refseg.data.tabletop.grammar.typing_errors import mistype
from ros2_refseg.data.tabletop.grammar.vocabulary import WORDS
from ros2_refseg.data.tabletop.view import Description
from ros2_refseg.data.vocabulary import MAX_WORDS, Vocabulary, tokenize

REQUESTS, TERSE, INDEFINITE, TYPOS = 0.22, 0.25, 0.15, 0.06
"""Shares of requests; of sentences without articles; of "a" where it will do; of typing errors."""
QUESTIONS, WITHOUT_NOUN = 0.05, 0.4
"""Shares of places asked about: "which mug is behind the box", and "what is in the bowl"."""

_VOCABULARY = Vocabulary(tuple(sorted(WORDS)))
_ARTICLES = re.compile(r'(?<!all )\b(the|an|a) ')


def speak(
    meaning: Meaning, form: str, object_id: int | None, scene: Scene, pick: Picker,
) -> Description | None:
    """Say a meaning in one of many ways; None where it takes more words than are read."""
    heads = (pick.any(('one', 'one', '')),) if form == 'ellipsis' else ()
    phrase = Speaker(scene, pick, heads).phrase(meaning)
    text = phrase.text
    asks = _question(phrase, pick)
    is_request = form != 'ellipsis' and not text.startswith('not') and pick.chance(REQUESTS)
    terse = pick.chance(0.6 if form == 'ellipsis' else TERSE)
    terse &= not phrase.has_article
    if not (phrase.has_article or heads == ('',)):
        # "A one" is no English.
        text = with_article(text, 'the' if phrase.text.startswith('one') else
                            _article(meaning, pick), phrase.head)
    if asks is not None and pick.chance(QUESTIONS if phrase.head else WITHOUT_NOUN):
        text, is_request = asks, False
        form = form if form == 'ellipsis' else 'request'
    if terse:
        text = _ARTICLES.sub('', text)
    if is_request:
        text = request(text, phrase.head, pick)
        form = 'request'
    if len(tokenize(text)) > MAX_WORDS:
        return None
    if object_id is None:
        return Description(text, None, 'absent')
    if pick.chance(TYPOS):
        wrong = mistype(text, _VOCABULARY, pick)
        if wrong is not None:
            return Description(wrong, object_id, 'typo', text)
    return Description(text, object_id, form)


def _question(phrase: Phrase, pick: Picker) -> str | None:
    """Ask what is in a place, or which thing is, if a place is what the phrase ends with."""
    if len(phrase.tails) != 1 or not says_where(phrase.tails[0]):
        return None
    place = phrase.tails[0]
    if not phrase.head:
        return None if phrase.pre else pick.any(WHAT_IS).format(place)
    return f'which {" ".join((*phrase.pre, phrase.head))} is {place}'


def _article(meaning: Meaning, pick: Picker) -> str:
    """Choose another one than "the" where a thing is named by what it is, not by where."""
    if not (isinstance(meaning, All) and all(isinstance(part, Trait) for part in meaning.parts)):
        return 'the'
    return 'a' if pick.chance(INDEFINITE) else pick.weighted(DETERMINERS)
