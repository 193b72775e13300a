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

"""Words and their numbers."""

import pytest

from ros2_refseg.data.vocabulary import (
    FIRST_WORD_ID,
    MAX_WORDS,
    UNKNOWN_ID,
    Vocabulary,
    tokenize,
)


@pytest.mark.parametrize('sentence, words', [
    ('The red mug!', ['the', 'red', 'mug']),
    ("the mug that isn't red", ['the', 'mug', 'that', "isn't", 'red']),
    ('it isn\N{RIGHT SINGLE QUOTATION MARK}t', ['it', "isn't"]),
    ('2nd-from left', ['2nd', 'from', 'left']),
    ('die gr\N{LATIN SMALL LETTER U WITH DIAERESIS}ne Tasse',
     ['die', 'gr\N{LATIN SMALL LETTER U WITH DIAERESIS}ne', 'tasse']),
    ('snake_case', ['snake', 'case']),
    (' \t\n', []),
    ('?!...', []),
])
def test_tokenize(sentence, words):
    assert tokenize(sentence) == words


def test_numbers_follow_the_alphabet_after_padding_and_unknown():
    vocabulary = Vocabulary.from_sentences(['the red mug', 'The blue mug'])
    assert vocabulary.words == ('blue', 'mug', 'red', 'the')
    assert len(vocabulary) == 4 + FIRST_WORD_ID
    assert vocabulary.encode('the mug') == [FIRST_WORD_ID + 3, FIRST_WORD_ID + 1]


def test_unknown_words_get_their_own_number_and_are_named_once():
    vocabulary = Vocabulary(('mug', 'the'))
    assert vocabulary.encode('the vermilion mug')[1] == UNKNOWN_ID
    assert vocabulary.unknown_words('the vermilion roght roght Mug') == ('vermilion', 'roght')
    assert vocabulary.corrections('the vermilion roght Mug') == ()


def test_a_word_with_a_typing_error_is_read_as_the_word_meant():
    vocabulary = Vocabulary(('bottle', 'right', 'the'))
    sentence = 'the roght botle, roght vermilion'
    assert vocabulary.encode(sentence) == [*vocabulary.encode('the right bottle right'), UNKNOWN_ID]
    assert vocabulary.corrections(sentence) == (('roght', 'right'), ('botle', 'bottle'))
    assert vocabulary.unknown_words(sentence) == ('vermilion',)


def test_words_beyond_the_twentieth_are_not_corrected():
    vocabulary = Vocabulary(('right', 'word'))
    assert vocabulary.corrections('word ' * MAX_WORDS + 'roght') == ()


def test_misspelt_words_of_a_data_set_are_not_learned():
    sentences = ['the right mug'] * 300 + ['the rihgt mug'] * 2 + ['the light mug']
    vocabulary = Vocabulary.from_sentences(sentences)
    assert vocabulary.words == ('light', 'mug', 'right', 'the')
    assert vocabulary.corrections('the rihgt mug') == (('rihgt', 'right'),)


def test_rare_words_far_from_others_are_learned():
    vocabulary = Vocabulary.from_sentences(['the right mug'] * 300 + ['the vermilion mug'])
    assert 'vermilion' in vocabulary


def test_a_word_is_learned_unless_it_is_much_rarer_than_its_neighbour():
    for often, rarely, learned in ((10, 1, True), (11, 1, False), (290, 3, True), (310, 3, False)):
        sentences = ['tumbler'] * often + ['tumblar'] * rarely
        assert ('tumblar' in Vocabulary.from_sentences(sentences)) is learned


def test_a_word_that_would_not_be_read_as_what_it_was_taken_for_is_learned():
    # "plaze" is one error from two words, of which it is rare beside the one alone.
    sentences = ['plate'] * 200 + ['plane'] * 5 + ['plaze']
    vocabulary = Vocabulary.from_sentences(sentences)
    assert vocabulary.words == ('plane', 'plate', 'plaze')
    # "platze" would be read as "plate", if "plaze" were no word.
    vocabulary = Vocabulary.from_sentences([*sentences, 'platze', 'pplate'])
    assert vocabulary.words == ('plane', 'plate', 'platze', 'plaze')
    assert vocabulary.corrections('pplate') == (('pplate', 'plate'),)


def test_two_sentences_teach_a_word_where_there_are_few():
    vocabulary = Vocabulary.from_sentences(['the scanner'] * 30 + ['the spanner'] * 2)
    assert vocabulary.words == ('scanner', 'spanner', 'the')


def test_a_long_sentence_is_cut():
    vocabulary = Vocabulary(('word',))
    assert len(vocabulary.encode('word ' * 500)) == MAX_WORDS
    assert vocabulary.unknown_words('word ' * MAX_WORDS + 'late') == ()


@pytest.mark.parametrize('sentence', ['', '   ', '!?'])
def test_a_sentence_without_a_word_is_refused(sentence):
    with pytest.raises(ValueError, match='holds no word'):
        Vocabulary(('mug',)).encode(sentence)
