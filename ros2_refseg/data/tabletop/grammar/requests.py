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

"""What people say around the thing that they mean: commands, questions, wishes, courtesies."""

import re

from ros2_refseg.data.tabletop.grammar.phrases import with_article
from ros2_refseg.data.tabletop.grammar.pick import Picker
from ros2_refseg.data.vocabulary import tokenize

_DO = ('find {}', 'pick up {}', 'grab {}', 'give me {}', 'show me {}', 'hand me {}', 'take {}',
       'get {}', 'get me {}', 'bring me {}', 'pass me {}', 'point to {}', 'point at {}', 'touch {}',
       'look at {}', 'select {}', 'fetch {}', 'segment {}', 'move {}', 'hold {}', 'pick {} up',
       'push {}', 'lift {}', 'reach for {}', 'locate {}', 'put {} away', 'hand {} to me',
       'bring {} here', 'give {} to me', 'highlight {}', 'track {}', 'go to {}', 'choose {}',
       'grasp {}', 'focus on {}', 'mark {}', 'pass over {}', 'let me have {}')
"""After "can you", "please" and the like."""

_ASK = ('where is {}', "where's {}", 'can you see {}', 'do you see {}', 'which one is {}',
        'i want {}', 'i need {}', "i'd like {}", 'i would like {}', "i'm looking for {}",
        'i am looking for {}', 'i mean {}', 'is there {}', 'have you seen {}', 'what about {}',
        'i would like to have {}', 'can i have {}', 'could i have {}', 'may i have {}',
        'could i get {}', "let's take {}", 'i want you to take {}', 'i need you to get {}',
        'how about {}', 'where did {} go', 'look for {}', 'i was talking about {}',
        'the thing i want is {}', 'do you know where {} is', 'tell me where {} is',
        'i meant {}')

_PLEASE = ('please {}', 'can you {}', 'could you {}', 'could you please {}', 'can you please {}',
           'would you {}', 'would you please {}', 'will you {}', 'i want you to {}', 'now {}',
           'i would like you to {}', 'you should {}', 'kindly {}', 'go and {}', 'just {}',
           'i need you to {}', 'try to {}', 'are you able to {}')

_MIND = ('would you mind passing me {}', 'would you mind giving me {}', 'do you mind handing me {}',
         'would you mind getting {}', 'would you mind picking up {}',
         'would you be so kind as to hand me {}')

_BEFORE = ('robot, ', 'hey robot, ', 'ok robot, ', 'hi, ', 'hey, ', 'ok, ', 'okay, ', 'excuse me, ',
           'hello robot, ', 'no, ', 'so, ')
_AFTER = (' please', ', please', ' for me', ', thanks', ' for me please', ' thank you', ' now',
          ', will you')
_ONCE = {'now', 'me', 'will'}
"""Words of the courtesies that must not be in the request as well."""

_DETERMINER = re.compile(r'^(the only|the|an?|this|that|my) ')

PHRASES = (*_DO, *_ASK, *_PLEASE, *_MIND, *_BEFORE, *_AFTER)
"""All of it, for the words in it."""


def request(noun_phrase: str, head: str, pick: Picker) -> str:
    """Ask for something, of which the noun is ``head``, in words of many kinds."""
    manner = pick.share()
    # "Put the mug farthest away away" says a word twice.
    do = [words for words in _DO if words.split()[-1] != noun_phrase.split()[-1]]
    if manner < 0.35:
        sentence = pick.any(do).format(noun_phrase)
    elif manner < 0.65:
        sentence = pick.any(_PLEASE).format(pick.any(do).format(noun_phrase))
    elif manner < 0.93:
        question = pick.any(_ASK)
        if question.startswith('is there'):
            # That it is there is not yet known.
            noun_phrase = with_article(_DETERMINER.sub('', noun_phrase), 'a', head)
        sentence = question.format(noun_phrase)
    else:
        sentence = pick.any(_MIND).format(noun_phrase)
    if pick.chance(0.12):
        sentence = pick.any(_BEFORE) + sentence
    # The courtesies end a request, not a statement.
    if 0.65 > manner and 'please' not in sentence and pick.chance(0.2):
        courtesy = pick.any(_AFTER)
        if not _ONCE.intersection(tokenize(courtesy), tokenize(sentence)):
            sentence += courtesy
    return sentence
