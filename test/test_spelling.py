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


"""Typing errors: what is read as another word, and what must not be."""

import pytest

from ros2_refseg.data.common_words import COMMON_WORDS
from ros2_refseg.data.spelling import SHORTEST, Speller, is_one_error

WORDS = (
    'ball', 'book', 'bottle', 'bottles', 'bowl', 'bowls', 'camera', 'cup', 'green', 'glass',
    "isn't", 'mugs', 'orange', 'plate', 'right', 'second', 'tin', 'white', 'yellow',
)


@pytest.mark.parametrize('typed, meant', [
    ('roght', 'right'),  # the paper's own failure, Fig. 6
    ('bottel', 'bottle'), ('lbottle', 'bottle'), ('bttle', 'bottle'), ('yelow', 'yellow'),
    ('yelllow', 'yellow'), ('whtie', 'white'), ('hwite', 'white'), ('glas', 'glass'),
    ('orenge', 'orange'), ('isnt', "isn't"), ('rightt', 'right'),
    ('bowlss', 'bowls'), ('bottlees', 'bottles'),
])
def test_one_typing_error_is_read_as_the_word_meant(typed, meant):
    assert Speller(WORDS).meant(typed) == meant


@pytest.mark.parametrize('typed', [
    'rug', 'rugs', 'boot', 'wall', 'place', 'night', 'light', 'plates', 'grass', 'while', 'bell',
])
def test_a_proper_word_is_not_another_one(typed):
    assert Speller(WORDS).meant(typed) is None


@pytest.mark.parametrize('typed', ['cu', 'tni', 'mgu', 'rihgtt', 'ritgh', '2nd', 'whit3', 'se2ond'])
def test_what_is_too_short_too_far_or_has_a_digit_is_left(typed):
    assert Speller(WORDS).meant(typed) is None


@pytest.mark.parametrize('typed, known', [
    ('folding', 'holding'), ('walking', 'talking'), ('cooking', 'looking'), ('fitting', 'sitting'),
    ('hanging', 'handing'), ('quitting', 'quilting'), ('beginning', 'begginning'),
    ('candies', 'candles'), ('berries', 'ferries'), ('pastries', 'pantries'),
])
def test_a_form_of_a_proper_word_is_not_another_one(typed, known):
    assert Speller([known, 'pastry']).meant(typed) is None


@pytest.mark.parametrize('typed, meant', [
    ('hoolding', 'holding'), ('droping', 'dropping'), ('leanning', 'leaning'),
    ('makking', 'making'), ('candys', 'candy'), ('candis', 'candies'), ('veggis', 'veggies'),
])
def test_what_no_proper_word_has_as_its_form_is_an_error(typed, meant):
    assert Speller([meant]).meant(typed) == meant


def test_singular_and_plural_are_not_errors_of_each_other():
    assert Speller(['wrenches', 'spatula']).meant('wrench') is None
    assert Speller(['wrenches', 'spatula']).meant('spatulas') is None
    assert Speller(['glasses']).meant('glass') is None


def test_between_two_words_none_is_chosen_unless_one_is_a_swap_away():
    speller = Speller(['bolt', 'bowl', 'stick', 'stack'])
    assert speller.near('bolw') == ['bolt', 'bowl']
    assert speller.meant('bolw') == 'bowl'
    assert Speller(WORDS).near('bottls') == ['bottle', 'bottles']
    assert speller.meant('stuck') is None and speller.meant('stxck') is None


def test_a_doubled_letter_decides_between_words_as_near():
    speller = Speller(['below', 'yellow', 'boom', 'bottom', 'bollw', 'bowl'])
    assert speller.near('yelow') == ['below', 'yellow'] and speller.meant('yelow') == 'yellow'
    assert speller.near('botom') == ['boom', 'bottom'] and speller.meant('botom') == 'bottom'
    assert speller.meant('bolw') == 'bowl'
    assert Speller(['coffee', 'cofee']).meant('coffe') is None


def test_other_alphabets():
    assert Speller(['\u0447\u0430\u0448\u043a\u0430']).meant(
        '\u0447\u0430\u0448\u043a') == '\u0447\u0430\u0448\u043a\u0430'


@pytest.mark.parametrize('one, other, apart', [
    ('abcd', 'abcd', False), ('abcd', 'abdc', True), ('abcd', 'abc', True), ('abc', 'abcd', True),
    ('abcd', 'abxd', True), ('abcd', 'dbca', False), ('abcd', 'ab', False), ('aab', 'ab', True),
    ('abcd', 'badc', False), ('ab', 'ba', True), ('a', '', True), ('', '', False),
])
def test_is_one_error(one, other, apart):
    assert is_one_error(one, other) is is_one_error(other, one) is apart


def test_near_finds_all_that_comparing_with_every_word_finds():
    words = sorted(word for word in COMMON_WORDS if len(word) >= SHORTEST)[::9]
    speller = Speller(words)
    for word in words[:40]:
        typed = word[:2] + 'zq'[len(word) % 2] + word[2:]
        assert speller.near(typed) == [known for known in words if is_one_error(typed, known)]


def test_common_words_are_sorted_out():
    assert all(word.isalpha() and word == word.lower() for word in COMMON_WORDS)
    assert {len(word) for word in COMMON_WORDS} == {3, 4, 5, 6}
