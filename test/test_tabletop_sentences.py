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

"""Sentences about a view, checked by a reader of English that sees only the labels."""

import dataclasses
import json
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from ros2_refseg.cli import main
from ros2_refseg.data.refer import ReferDataset
from ros2_refseg.data.tabletop import (
    Description,
    Tabletop,
    View,
    describe,
    generate,
    grammar,
    scene_json,
)
from ros2_refseg.data.tabletop.palette import COLOURS
from ros2_refseg.data.tabletop.sentences import Noun, _Candidate, _speak
from ros2_refseg.data.vocabulary import tokenize

WIDTH, HEIGHT = 320, 240
SCENES = 24


@pytest.fixture(scope='module')
def views() -> list[View]:
    """Give the first views of some tables, and later ones of some tables in motion."""
    views = []
    with Tabletop(WIDTH, HEIGHT) as tabletop:
        for seed in range(SCENES):
            tabletop.new_scene(seed)
            if seed % 4 == 0:
                tabletop.step(3.0)
            views.append(tabletop.render())
    return views


HEADS = {
    'mug': 'mug', 'cup': 'mug', 'bowl': 'bowl', 'plate': 'plate', 'dish': 'plate',
    'bottle': 'bottle', 'can': 'can', 'tin': 'can', 'box': 'box', 'carton': 'box',
    'ball': 'ball', 'sphere': 'ball', 'cube': 'cube', 'block': 'cube', 'book': 'book',
    'teapot': 'teapot', 'pot': 'teapot', 'thing': None, 'object': None}
PLURALS = {**{head + 's': kind for head, kind in HEADS.items()},
           'dishes': 'plate', 'boxes': 'box'}
SIZES = {'small': 'small', 'little': 'small', 'large': 'large', 'big': 'large'}
COMMAND = re.compile(r'(please )?(find|pick up|grab|give me|show me|look at|where is|take|i want) ')


def understand(sentence: str) -> tuple[dict[str, str], str]:
    """Read a sentence: what it asks of kind, colour and size, and its words of position with N."""
    asked, place = {}, []
    words = COMMAND.sub('', sentence, count=1).replace('that is ', '').split()
    for word in words:
        if word in HEADS or word in PLURALS:
            kind = HEADS.get(word, PLURALS.get(word))
            if kind:
                asked['kind'] = kind
            place.append('N')
        elif word in COLOURS:
            asked['colour'] = word
        elif word in SIZES:
            asked['size'] = SIZES[word]
        elif word not in ('the', 'a', 'an'):
            place.append(word)
    return asked, ' '.join(place)


def places(view: View) -> dict[int, dict[str, float]]:
    """Measure where every object is, by its labels alone, as shares of the image."""
    measured = {}
    for number in np.unique(view.labels[view.labels > 0]):
        rows, columns = np.nonzero(view.labels == number)
        measured[int(number)] = {
            'left': columns.mean() / WIDTH, 'right': 1 - columns.mean() / WIDTH,
            'top': rows.mean() / HEIGHT, 'bottom': 1 - rows.mean() / HEIGHT,
            'back': rows.max() / HEIGHT, 'front': 1 - rows.max() / HEIGHT}
    return measured


def outermost(side: str, margin: float = 0.08):
    def meant(group):
        first, second = sorted(group, key=lambda number: group[number][side])[:2]
        clear = group[second][side] - group[first][side] > margin
        return [first] if clear else [first, second]
    return meant


def within(*sides: str):
    return lambda group: [number for number, place in group.items()
                          if all(place[side] < 0.5 for side in sides)]


def central(group):
    off = {number: max(abs(place['left'] - 0.5), abs(place['top'] - 0.5))
           for number, place in group.items()}
    return [number for number in off if off[number] < 0.2]


def middle_of_row(group):
    return [sorted(group, key=lambda number: group[number]['left'])[1]]


MEANINGS: dict[str, tuple] = {'N': (None, list)}
"""What words of position mean: how many objects they speak of, and which of these they mean."""
for side in ('left', 'right', 'top', 'bottom'):
    far = {'left': 'furthest to the', 'right': 'furthest to the'}.get(side, 'nearest to the')
    MEANINGS[f'{side}most N'] = MEANINGS[f'N {far} {side}'.replace(' the', '')] = (
        None, outermost(side))
    MEANINGS[f'N on far {side}'] = (None, outermost(side))
    for words in (f'N on {side}', f'N on {side} side', f'N to {side}', f'N at {side}'):
        MEANINGS[words] = (None, within(side))
for side in ('left', 'right'):
    MEANINGS[f'{side} N'] = MEANINGS[f'{side} one of two N'] = (2, outermost(side))
MEANINGS['upper N'], MEANINGS['lower N'] = (2, outermost('top')), (2, outermost('bottom'))
MEANINGS['N in upper half'] = (None, within('top'))
MEANINGS['N in lower half'] = (None, within('bottom'))
for down in ('top', 'bottom'):
    for across in ('left', 'right'):
        for words in ('N in {} {} corner', 'N at {} {}', '{} {} N'):
            MEANINGS[words.format(down, across)] = (None, within(down, across))
for words in ('middle', 'center', 'middle of picture', 'center of image'):
    MEANINGS[f'N in {words}'] = (None, central)
MEANINGS['middle one of three N'] = MEANINGS['middle N of three'] = (3, middle_of_row)
for words in ('closest N', 'nearest N', 'N closest to camera', 'N nearest to camera',
              'N at front', 'N in front'):
    MEANINGS[words] = (None, outermost('front', 0.03))
for words in ('farthest N', 'N furthest away', 'N at back', 'N in back', 'N farthest from camera'):
    MEANINGS[words] = (None, outermost('back', 0.03))


def test_every_sentence_is_true_of_one_object_only(views):
    forms, spoken, per_object = Counter(), set(), []
    for seed, view in enumerate(views):
        measured = places(view)
        descriptions = describe(view.objects, WIDTH, HEIGHT, np.random.default_rng(seed))
        assert len({description.sentence for description in descriptions}) == len(descriptions)
        for description in descriptions:
            asked, place = understand(description.sentence)
            group = {thing.id: measured[thing.id] for thing in view.objects if all(
                getattr(thing, name) == value for name, value in asked.items())}
            count, meant = MEANINGS[place]
            assert count in (None, len(group)), description
            assert meant(group) == [description.object_id], (seed, description)
            positional, attributed = place != 'N', bool(asked.keys() - {'kind'})
            assert description.form == (
                ('both' if attributed else 'position') if positional else 'attribute')
            forms[description.form] += 1
            spoken.add(place)
        said = Counter(description.object_id for description in descriptions)
        per_object += [said[thing.id] for thing in view.objects
                       if thing.pixels >= 0.004 * WIDTH * HEIGHT]
    assert min(forms.values()) > 0.2 * sum(forms.values())
    assert max(per_object) == 4 and np.mean(per_object) > 3.5
    assert len(spoken) > 40


@pytest.mark.parametrize('phrase', ['{}', 'the leftmost {n}', 'the left one of the two {s}'])
@pytest.mark.parametrize('noun', [
    Noun('mug', 'red', 'small'), Noun('mug', 'red'), Noun('mug', None, 'small'), Noun(None, 'red')])
def test_all_that_a_noun_asks_for_is_said(noun, phrase):
    wanted = {name: value for name, value in vars(noun).items() if value}
    for seed in range(200):
        sentence = _speak(_Candidate(noun, (phrase,), 'both', 1.0), np.random.default_rng(seed))
        assert understand(sentence)[0] == wanted, sentence


def test_hardly_visible_objects_are_not_spoken_of(views):
    view = views[1]
    whole = describe(view.objects, WIDTH, HEIGHT, np.random.default_rng(0))
    target = whole[0].object_id
    hidden = [thing if thing.id != target else
              type(thing)(**{**vars(thing), 'pixels': 50}) for thing in view.objects]
    rest = describe(hidden, WIDTH, HEIGHT, np.random.default_rng(0))
    assert rest and target not in {description.object_id for description in rest}


def test_a_household_data_set_has_absent_targets_and_clean_tokens(tmp_path):
    generate(tmp_path / 'data', 3, seed=1, split='val', workers=1, width=160, height=120,
             level='household')
    dataset = ReferDataset(tmp_path / 'data', 'val')
    forms = Counter(form for reference in dataset.references for form in reference.forms)
    assert set(forms) <= set(grammar.FORMS) and len(forms) > 6
    absent = [reference for reference in dataset.references if reference.absent]
    assert sum(len(reference.sentences) for reference in absent) == forms['absent'] > 0
    for reference in dataset.references:
        assert bool(dataset.mask(reference).any()) != reference.absent
        for form, sentence, tokens in zip(
                reference.forms, reference.sentences, reference.tokens, strict=True):
            assert set(tokens) <= grammar.WORDS
            assert (tokenize(sentence) != tokens) == (form == 'typo')


@pytest.mark.parametrize('seed, table', [
    (31337, 'hand_written_sentences.csv'), (777, 'more_hand_written_sentences.csv')])
def test_sentences_written_by_hand_still_find_their_things(seed, table, tmp_path):
    """By the commands of docs/sentences.md, whatever the grammar has come to say of the tables."""
    forty, out = tmp_path / 'forty', tmp_path / 'written'
    generate(forty, 40, seed=seed, split='test', level='household')
    sentences = Path(__file__).parents[1] / 'docs' / table
    assert main([
        'data', 'import', str(forty / 'images/tabletop'), '--sentences', str(sentences),
        '--coco', str(forty / 'tabletop/instances.json'), '--out', str(out),
    ]) == 0
    dataset = ReferDataset(out, 'test')
    said = [(reference, sentence) for reference in dataset.references
            for sentence in reference.sentences]
    assert len(said) == 200 and sum(reference.absent for reference, _ in said) == 20
    plain = {(reference.category, match[1]) for reference, sentence in said
             if (match := re.fullmatch(r'(?:the )?\w+ (mug|book|hat|ball|plate)', sentence))
             and not reference.absent}
    assert plain and all(kind == noun for kind, noun in plain)


def test_an_unknown_level_is_named(tmp_path):
    with pytest.raises(ValueError, match="level is 'hard'; it must be one of simple, household"):
        generate(tmp_path / 'data', 1, seed=0, level='hard')


def test_scene_json_lists_what_is_out_of_the_ordinary(views):
    view = views[0]
    thing = dataclasses.replace(view.objects[0], pattern='striped', second_colour='white',
                                support=view.objects[1].id)
    changed = dataclasses.replace(view, objects=[thing, *view.objects[1:]])
    scene = json.loads(json.dumps(scene_json(changed, [Description('a hat', None, 'absent')])))
    assert scene['objects'][0]['pattern'] == 'striped'
    assert scene['objects'][0]['support'] == view.objects[1].id
    assert 'material' not in scene['objects'][0] and 'pattern' not in scene['objects'][1]
    assert scene['sentences'] == [{'sentence': 'a hat', 'object_id': None, 'form': 'absent'}]


def test_scene_json_is_json(views):
    view = views[0]
    descriptions = describe(view.objects, WIDTH, HEIGHT, np.random.default_rng(0))
    scene = json.loads(json.dumps(scene_json(view, descriptions)))
    assert [entry['id'] for entry in scene['objects']] == [thing.id for thing in view.objects]
    assert set(scene['objects'][0]) == {
        'id', 'kind', 'colour', 'size', 'box', 'pixels', 'centroid'}
    assert scene['sentences'] == [{
        'sentence': description.sentence, 'object_id': description.object_id,
        'form': description.form} for description in descriptions]
