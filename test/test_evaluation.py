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

"""Evaluation, by a stand-in for a network that knows colours: what it gets right is known."""

import cv2
import numpy as np
import pytest
import torch

from ros2_refseg.calibration import collect_answers
from ros2_refseg.confidence import Calibration
from ros2_refseg.data.refer import NewReference, ReferDataset, ReferWriter, encode_mask
from ros2_refseg.data.vocabulary import Vocabulary
from ros2_refseg.evaluation import ask, bounds_of, evaluate, shuffle_sentences
from ros2_refseg.tables import scores_table

COLOURS = {'red': (220, 30, 30), 'blue': (30, 30, 220), 'green': (30, 220, 30)}
VOCABULARY = Vocabulary(('blue', 'green', 'one', 'red', 'square', 'the'))


class ColourNetwork:
    """Takes for the mask whatever has the colour that is named, with the probability 0.8."""

    def __init__(self):
        self.mean = torch.zeros(1)

    def language(self, words: torch.Tensor) -> list[tuple[int, int, int]]:
        numbers = {VOCABULARY.encode(name)[0]: colour for name, colour in COLOURS.items()}
        return [next(numbers[number] for number in row.tolist() if number in numbers)
                for row in words]

    def segment(self, image, colours):
        differences = torch.stack([
            (image[0].float() - torch.tensor(colour).view(3, 1, 1)).abs().amax(0)
            for colour in colours
        ])
        probability = torch.where(differences < 60, 0.8, 0.1)
        # It claims that all it is asked about is in view, but for what is green.
        presence = torch.tensor([-5.0 if colour[1] > 200 else 5.0 for colour in colours])
        return probability, torch.zeros_like(probability), presence


@pytest.fixture(scope='module')
def absent_too(tmp_path_factory):
    """
    Draw a red square in each of two pictures, a green one in the second; ask for green in both.

    What is said of green in the second one says there is none, which is wrong on purpose.
    """
    folder = tmp_path_factory.mktemp('absent') / 'data'
    writer = ReferWriter(folder, 'RefCOCOg', 'umd', ['square'])
    for number in range(2):
        picture = np.full((60, 80, 3), 128, np.uint8)
        mask = np.zeros((60, 80), np.uint8)
        mask[10:40, 10:40] = 1
        picture[mask > 0] = COLOURS['red']
        if number:
            picture[10:40, 50:60] = COLOURS['green']
        writer.add(
            f'{number}.png', cv2.imencode('.png', picture[..., ::-1])[1].tobytes(), (60, 80), 'val',
            [NewReference('square', encode_mask(mask), [('the one red red red square', 'long')]),
             NewReference('', None, [('the green one', 'absent')])],
        )
    writer.close()
    return ReferDataset(folder, 'val')


def test_masks_count_at_original_resolution(squares):
    dataset = ReferDataset(squares, 'val')
    # A mask of everything: the IoU of each square is its share of the picture.
    scores = evaluate(ColourNetwork(), VOCABULARY, dataset, threshold=0.0, progress=False)
    assert scores['all']['overall_iou'] == pytest.approx(900 / (60 * 80))
    scores = evaluate(ColourNetwork(), VOCABULARY, dataset, progress=False)
    assert scores['all']['overall_iou'] > 0.9, 'pictures are compressed'
    assert (scores['data'], scores['split']) == ('squares', 'val')
    assert scores['all']['samples'] == scores['present']['samples'] == len(dataset) == 16
    assert {name: score['samples'] for name, score in scores['by_form'].items()} == {
        'attribute': 8, 'short': 8,
    }
    assert {name: score['samples'] for name, score in scores['by_length'].items()} == {
        '1-2': 8, '3': 8,
    }
    assert scores['absent'] == {'samples': 0}


def test_sentences_without_a_target_count_apart(absent_too):
    scores = evaluate(ColourNetwork(), VOCABULARY, absent_too, progress=False)
    assert scores['all']['samples'] == 2 and scores['all']['overall_iou'] == 1
    assert scores['absent'] == {'samples': 2, 'rightly_empty': 0.5}
    assert scores['present'] == {'samples': 2, 'rightly_found': 1.0}
    assert set(scores['by_form']) == {'long'}
    assert list(scores['by_length']) == ['6-7'], "the paper's buckets for this data set"
    doubting = evaluate(
        ColourNetwork(), VOCABULARY, absent_too, progress=False, found_threshold=0.81,
    )
    assert doubting['absent']['rightly_empty'] == 1 and doubting['present']['rightly_found'] == 0
    blind = evaluate(ColourNetwork(), VOCABULARY, absent_too, threshold=0.9, progress=False)
    assert blind['absent']['rightly_empty'] == 1 and blind['present']['rightly_found'] == 0


def test_a_sentence_without_a_known_word_finds_nothing_as_on_the_robot(absent_too):
    class SeesRed(ColourNetwork):
        def language(self, words):
            return [COLOURS['red']] * len(words)

    scores = evaluate(SeesRed(), VOCABULARY, absent_too, progress=False)
    assert scores['absent']['rightly_empty'] == 0 and scores['all']['overall_iou'] == 1
    scores = evaluate(SeesRed(), Vocabulary(('mug',)), absent_too, progress=False)
    assert scores['absent']['rightly_empty'] == 1
    assert scores['present']['rightly_found'] == scores['all']['overall_iou'] == 0
    with pytest.raises(ValueError, match='no sentence of the data set has a word that the network'):
        collect_answers(SeesRed(), Vocabulary(('mug',)), absent_too, progress=False)


def test_a_calibration_may_withhold_what_is_hardly_in_view(absent_too):
    calibration = Calibration({'expected_iou': 0.0, 'one_piece': 0.0, 'presence': 1.0}, 0.0, 0.5)
    scores = evaluate(
        ColourNetwork(), VOCABULARY, absent_too, progress=False, calibration=calibration)
    assert scores['absent']['rightly_empty'] == scores['present']['rightly_found'] == 1


def test_pieces_are_kept_as_asked_or_as_calibrated(absent_too):
    class HalfMeansTheCorner(ColourNetwork):
        def segment(self, image, colours):
            probability, *rest = super().segment(image, colours)
            probability[:, :6, 70:] = 0.6
            return probability, *rest

    def overall_iou(**options) -> float:
        scores = evaluate(
            HalfMeansTheCorner(), VOCABULARY, absent_too, progress=False, **options)
        return scores['all']['overall_iou']

    assert overall_iou() == overall_iou(pieces='all') == pytest.approx(900 / 960)
    assert overall_iou(pieces='surest') == 1
    calibration = Calibration({'expected_iou': 1.0, 'one_piece': 0.0}, 0.0, 0.0, pieces='surest')
    assert overall_iou(calibration=calibration) == 1
    assert overall_iou(calibration=calibration, pieces='all') == pytest.approx(900 / 960)


def test_every_sentence_is_asked_once_and_a_mask_is_decoded_once(squares, monkeypatch):
    dataset = ReferDataset(squares, 'val')
    decoded = []
    mask = dataset.mask
    monkeypatch.setattr(dataset, 'mask', lambda ref: decoded.append(ref.ref_id) or mask(ref))
    monkeypatch.setattr('ros2_refseg.evaluation.SENTENCES_AT_ONCE', 3)
    answers = list(ask(ColourNetwork(), VOCABULARY, dataset, progress=False))
    assert [(answer.reference.ref_id, answer.sentence) for answer in answers] == [
        (reference.ref_id, sentence) for reference, sentence in dataset.samples
    ]
    assert all(((a.probability > 0.5) == a.truth).mean() > 0.9 for a in answers)
    assert sorted(decoded) == sorted(reference.ref_id for reference in dataset.references)


def test_some_pictures_are_spread_over_all(squares):
    dataset = ReferDataset(squares, 'all')
    asked = {answer.reference.image_id for answer in ask(
        ColourNetwork(), VOCABULARY, dataset, max_images=3, progress=False)}
    assert asked == {dataset.images[number].id for number in (0, 5, 11)}


def test_shuffled_sentences_are_about_another_object(squares, absent_too):
    dataset = ReferDataset(squares, 'val')
    shuffled = shuffle_sentences(dataset)
    assert len(shuffled) == len(dataset)
    for reference in dataset.references:
        for number, sentence in enumerate(reference.sentences):
            assert ('red' in sentence) != ('red' in shuffled[reference.ref_id, number])
    scores = evaluate(ColourNetwork(), VOCABULARY, dataset, shuffled=True, progress=False)
    assert scores['all']['overall_iou'] == 0 and not scores['by_form']
    assert all('red' in sentence for sentence in shuffle_sentences(absent_too).values())


@pytest.mark.parametrize('name, bounds', [
    ('refcoco', (2, 3, 5, 20)), ('refcoco+', (2, 3, 5, 20)), ('refcocog', (5, 7, 10, 20)),
    ('refclef', (1, 2, 4, 20)), ('referit', (1, 2, 4, 20)), ('tabletop', (2, 3, 5, 20)),
])
def test_the_buckets_of_table_2_follow_from_the_name(name, bounds, squares):
    dataset = ReferDataset(squares, 'val')
    dataset.name = name
    assert bounds_of(dataset) == bounds


def test_the_tables_are_markdown_in_the_form_of_the_paper(absent_too):
    scores = evaluate(ColourNetwork(), VOCABULARY, absent_too, progress=False)
    assert scores_table(scores).splitlines() == [
        '| sentences | count | prec@0.5 | prec@0.6 | prec@0.7 | prec@0.8 | prec@0.9 | overall IoU '
        '| mean IoU |',
        '| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |',
        '| RefCOCOg val | 2 | 100.00 | 100.00 | 100.00 | 100.00 | 100.00 | 100.00 | 100.00 |',
        '| 6-7 words | 2 | 100.00 | 100.00 | 100.00 | 100.00 | 100.00 | 100.00 | 100.00 |',
        '| long | 2 | 100.00 | 100.00 | 100.00 | 100.00 | 100.00 | 100.00 | 100.00 |',
        '',
        '| target | count | right |',
        '| --- | ---: | ---: |',
        '| in view: something found | 2 | 100.00 |',
        '| not in view: nothing found | 2 | 50.00 |',
    ]
