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

"""Every word that the grammar can say, without typing errors."""

import re
from collections.abc import Iterator
from dataclasses import astuple, is_dataclass

from ros2_refseg.data.tabletop.grammar import lexicon, requests
from ros2_refseg.data.tabletop.grammar.nouns import NOUNS
from ros2_refseg.data.tabletop.grammar.phrases import plural
from ros2_refseg.data.tabletop.household_words import HOUSEHOLD_COLOURS
from ros2_refseg.data.vocabulary import tokenize

_PLACE = re.compile(r'\{\w*\}')


def _texts(value: object) -> Iterator[str]:
    """Give every text within nested tuples, tables and wordings."""
    if isinstance(value, str):
        yield _PLACE.sub(' ', value)
    elif isinstance(value, dict):
        yield from _texts(tuple(value.values()))
    elif is_dataclass(value) and not isinstance(value, type):
        yield from _texts(astuple(value))
    elif isinstance(value, tuple):
        for part in value:
            yield from _texts(part)


def _words() -> frozenset[str]:
    nouns = [word.partition('|') for noun in NOUNS.values() for word in noun.words]
    tables = tuple(table for name, table in vars(lexicon).items() if name.isupper())
    texts = [*_texts(tables), *lexicon.DETERMINERS, *requests.PHRASES,
             *HOUSEHOLD_COLOURS,
             *(part for noun in nouns for part in (noun[0], noun[2], plural(noun[0]))),
             # What phrases.py itself puts between them.
             'the a an and both two of all than other one which is']
    return frozenset(word for text in texts for word in tokenize(_PLACE.sub(' ', text)))


WORDS = _words()
"""The words, lower-cased; see ``ros2_refseg.data.vocabulary.tokenize``."""
