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


"""Confidence: what a calibration makes of probability maps, and how it is fitted."""

import dataclasses

import numpy as np
import pytest

from ros2_refseg.calibration import (
    Answers,
    calibrate,
    choose_threshold,
    collect_answers,
    expected_calibration_error,
    fit_logistic,
    roc_auc,
)
from ros2_refseg.cefnet import CEFNet, CEFNetConfig
from ros2_refseg.checkpoint import Checkpoint
from ros2_refseg.cli import main
from ros2_refseg.confidence import STATISTICS, Calibration, decide, sigmoid, statistics_of
from ros2_refseg.data.refer import NewReference, ReferDataset, ReferWriter, encode_mask
from ros2_refseg.data.vocabulary import Vocabulary
from ros2_refseg.engines import PackedAnswer
from ros2_refseg.segmenter import Segmenter

CALIBRATION = Calibration({'expected_iou': 2.0, 'one_piece': 1.0}, -2.0, 0.6)


def picture_of(inside: float, outside: float = 0.0, shape=(40, 60)) -> np.ndarray:
    """Make a map with a rectangle of one probability in another one."""
    probability = np.full(shape, outside, np.float32)
    probability[10:20, 10:30] = inside
    return probability


def made_up_answers(count: int = 4000, seed: int = 0) -> tuple[Answers, np.ndarray]:
    """Make answers of which a known logistic law says how likely each is right."""
    rng = np.random.default_rng(seed)
    statistics = np.column_stack([rng.normal(1, 2, count), rng.uniform(0.4, 1, count)])
    chance = sigmoid(statistics @ [1.5, 3.0] - 3.0)
    right = rng.random(count) < chance
    absent = ~right & (rng.random(count) < 0.5)
    empty = absent & (rng.random(count) < 0.2)
    return Answers(statistics, right, absent, empty, np.arange(count) // 10), chance


def test_a_doubtful_map_says_less_than_a_sure_one():
    sure, doubtful, spilt = (
        statistics_of(picture_of(*values)) for values in ((0.97,), (0.6,), (0.97, 0.2))
    )
    assert sure[0] > doubtful[0] and sure[0] > spilt[0]
    assert sure[1] == doubtful[1] == spilt[1] == 1


def test_expected_iou_is_the_iou_that_the_probabilities_promise():
    probability = picture_of(0.8, 0.1)
    pixels, others = 200, probability.size - 200
    expected = 0.8 * pixels / (pixels + 0.1 * others)
    assert sigmoid(statistics_of(probability)[0]) == pytest.approx(expected, rel=1e-4)


def test_two_things_lit_up_are_two_pieces():
    probability = picture_of(0.9)
    probability[30:35, 40:60] = 0.9  # half as large as the first
    assert statistics_of(probability)[1] == pytest.approx(2 / 3)


@pytest.mark.parametrize('probability', [
    np.zeros((5, 7), np.float32), np.ones((5, 7), np.float32), np.full((1, 1), 0.5, np.float32),
    np.full((1, 2000), 0.3, np.float32), np.ones((900, 1400), np.float32),
    np.full((5, 7), np.nan, np.float32),
])
def test_statistics_of_any_map_are_finite(probability):
    for presence in (None, 0.3, np.inf, -np.inf, np.nan):
        statistics = statistics_of(probability, presence)
        assert len(statistics) == len(STATISTICS) - (presence is None)
        assert np.isfinite(statistics).all()


def test_statistics_hardly_depend_on_the_size_of_the_image():
    small = picture_of(0.8, 0.05, (240, 320))
    large = np.kron(small, np.ones((4, 4), np.float32))
    assert statistics_of(large) == pytest.approx(statistics_of(small), abs=0.05)


def test_without_calibration_any_mask_is_found_and_the_score_is_its_mean():
    decision = decide(picture_of(0.7, 0.2))
    assert decision.found and decision.score == pytest.approx(0.7)
    assert decision.inside.sum() == 200
    nothing = decide(picture_of(0.4))
    assert not nothing.found and nothing.score == 0 and not nothing.inside.any()


def test_a_calibrated_score_below_the_threshold_empties_the_mask_and_is_still_told():
    doubtful, sure = (decide(picture_of(value), CALIBRATION) for value in (0.55, 0.97))
    assert sure.found and sure.inside.sum() == 200 and sure.score > 0.9
    assert not doubtful.found and not doubtful.inside.any() and 0 < doubtful.score < 0.6
    shown = decide(picture_of(0.55), CALIBRATION, found_threshold=0.0)
    assert shown.found and shown.score == doubtful.score


def test_what_is_hardly_in_view_lowers_the_score_of_the_same_mask():
    weights = {**CALIBRATION.weights, 'presence': 1.0}
    calibration = dataclasses.replace(CALIBRATION, weights=weights)
    scores = [decide(picture_of(0.97), calibration, presence=logit).score
              for logit in (np.nan, -2.0, 0.0, 2.0)]
    assert scores == sorted(set(scores))
    without = decide(picture_of(0.97), CALIBRATION).score
    assert scores[2] == pytest.approx(without)
    assert not decide(picture_of(0.97), calibration, presence=-9.0).found


def test_the_threshold_for_found_works_without_calibration_too():
    assert not decide(picture_of(0.7), found_threshold=0.8).found
    assert decide(picture_of(0.7), found_threshold=0.6).found


def test_an_empty_mask_is_never_found():
    assert not decide(picture_of(0.9), CALIBRATION, threshold=0.95, found_threshold=0.0).found


def two_things(first: float, second: float) -> np.ndarray:
    """Make a map with a thing of 20x10 pixels and one of 20x5, of one probability each."""
    probability = picture_of(first, 0.1)
    probability[30:35, 40:60] = second
    return probability


def test_the_surest_piece_is_kept_where_it_is_asked_for():
    probability = two_things(0.8, 0.9)
    everything, surest = (decide(probability, pieces=pieces) for pieces in ('all', 'surest'))
    assert (everything.inside.sum(), everything.pieces) == (300, 'all')
    assert (surest.inside.sum(), surest.pieces) == (100, 'surest')
    assert surest.inside[30:35, 40:60].all()
    assert decide(two_things(0.9, 0.8), pieces='surest').inside.sum() == 200


def test_the_calibration_says_which_pieces_are_kept():
    calibrations = (None, CALIBRATION, dataclasses.replace(CALIBRATION, pieces='surest'))
    kept = [decide(two_things(0.9, 0.8), calibration, found_threshold=0.0).inside.sum()
            for calibration in calibrations]
    assert kept == [300, 300, 200]
    insisting = decide(two_things(0.9, 0.8), calibrations[2], found_threshold=0.0, pieces='all')
    assert insisting.inside.sum() == 300


def test_pieces_that_touch_at_a_corner_are_one():
    probability = np.zeros((4, 4), np.float32)
    probability[:2, :2], probability[2:, 2:] = 0.9, 0.8
    assert decide(probability, pieces='surest').inside.sum() == 8


def test_the_surest_piece_is_none_of_what_overflowed():
    probability = two_things(0.9, 0.8)
    probability[0, 0] = np.nan
    assert decide(probability, pieces='surest').inside.sum() == 200


def test_pieces_that_do_not_exist_are_refused():
    with pytest.raises(ValueError, match="'largest' is none of auto, all, surest"):
        decide(two_things(0.9, 0.8), pieces='largest')


def test_of_an_empty_mask_no_piece_is_kept():
    assert not decide(picture_of(0.4), pieces='surest').inside.any()


def test_the_calibrated_score_does_not_follow_the_cut_of_the_mask():
    scores = {decide(picture_of(0.8, 0.3), CALIBRATION, cut).score for cut in (0.2, 0.5, 0.7)}
    assert len(scores) == 1


@pytest.mark.parametrize('change', [
    {'weights': {'expected_iou': 1.0}}, {'weights': [1, 2]}, {'intercept': float('nan')},
    {'intercept': '1'}, {'found_threshold': 1.5}, {'found_threshold': True},
    {'weights': {'expected_iou': 1.0, 'one_piece': None}}, {'pieces': 'auto'}, {'pieces': 1},
    {'weights': {'expected_iou': 1.0, 'presence': 1.0}},
])
def test_what_is_no_calibration_is_refused(change):
    with pytest.raises(ValueError, match='calibration: '):
        dataclasses.replace(CALIBRATION, **change)


def test_fit_finds_the_law_that_the_answers_follow():
    answers, chance = made_up_answers()
    weights, intercept = fit_logistic(answers.statistics, answers.right)
    fitted = sigmoid(answers.statistics @ weights + intercept)
    assert np.abs(fitted - chance).max() < 0.06


def test_fit_survives_answers_that_one_statistic_separates():
    statistics = np.column_stack([np.linspace(-1, 1, 40), np.ones(40)])
    weights, _ = fit_logistic(statistics, statistics[:, 0] > 0)
    assert np.isfinite(weights).all() and weights[0] > 1


def test_calibration_makes_scores_reliable():
    answers, _ = made_up_answers()
    # What a network says of itself before: sure of everything.
    before = sigmoid(answers.statistics[:, 0] + 2)
    calibration = calibrate(answers)
    after = calibration.score(answers.statistics)
    assert expected_calibration_error(after, answers.right) < 0.03
    assert expected_calibration_error(before, answers.right) > 0.1
    measured = calibration.measured
    assert measured['calibration_error'] < 0.03
    assert measured['auc_right'] == pytest.approx(roc_auc(after, answers.right), abs=0.01)
    assert measured['brier'] == pytest.approx(np.mean((after - answers.right) ** 2), abs=0.01)
    assert (measured['answers'], measured['absent']) == (4000, answers.absent.sum())


def test_the_threshold_balances_masks_for_nothing_and_withheld_ones():
    answers, _ = made_up_answers()
    scores = calibrate(answers).score(answers.statistics)

    def errors(limit: float) -> float:
        found = (scores >= limit) & ~answers.empty
        return found[answers.absent].mean() + (~found[answers.right]).mean()

    chosen = choose_threshold(scores, answers)
    limits = np.unique(scores)
    by_limit = np.array([errors(limit) for limit in limits])
    # Of 836 absent and 2247 right ones: a standard error of their sum is about 0.014.
    assert min(by_limit) < errors(chosen) < min(by_limit) + 0.02
    assert chosen < limits[np.argmin(by_limit)]
    assert (by_limit[limits < chosen - 0.02] > errors(chosen)).all(), 'no lower one is as good'


@pytest.mark.parametrize('share', [0.3, 0.85, 1.0])
def test_the_threshold_keeps_the_share_that_was_asked_for(share):
    answers, _ = made_up_answers()
    scores = calibrate(answers).score(answers.statistics)
    limit = choose_threshold(scores, answers, rightly_empty=share)

    def rightly_empty(limit: float) -> float:
        return ((scores < limit) | answers.empty)[answers.absent].mean()

    assert rightly_empty(limit) >= share
    lower = scores[scores < limit].max()
    assert rightly_empty(lower - 1e-9) < share or lower == scores.min()


def test_without_absent_targets_any_mask_is_found():
    answers, _ = made_up_answers(500)
    present = dataclasses.replace(answers, absent=np.zeros(500, bool), empty=np.zeros(500, bool))
    calibration = calibrate(present)
    assert calibration.found_threshold == 0
    assert calibration.measured['auc_present'] is calibration.measured['rightly_empty'] is None


@pytest.mark.parametrize('right, pictures, problem', [
    (True, 100, 'all of 500 answers'), (False, 100, 'none of 500 answers'),
    (None, 4, 'answers about 4 pictures'),
])
def test_answers_that_teach_nothing_are_refused(right, pictures, problem):
    answers, _ = made_up_answers(500)
    if right is not None:
        answers = dataclasses.replace(answers, right=np.full(500, right))
    answers = dataclasses.replace(answers, image=np.arange(500) % pictures)
    with pytest.raises(ValueError, match=problem):
        calibrate(answers)


@pytest.mark.parametrize('scores, positive, auc', [
    ([0.1, 0.2, 0.8, 0.9], [0, 0, 1, 1], 1.0), ([0.9, 0.8, 0.2, 0.1], [0, 0, 1, 1], 0.0),
    ([0.5, 0.5, 0.5, 0.5], [0, 1, 0, 1], 0.5), ([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1], 0.75),
    ([0.1, 0.4], [1, 1], None),
])
def test_roc_auc(scores, positive, auc):
    assert roc_auc(np.array(scores), np.array(positive, bool)) == auc


def test_expected_calibration_error():
    scores = np.array([0.25, 0.25, 0.25, 0.25, 1.0])
    assert expected_calibration_error(scores, np.array([1, 0, 0, 0, 1], bool)) == 0
    assert expected_calibration_error(scores, np.array([1, 1, 1, 1, 0], bool)) == \
        pytest.approx((4 * 0.75 + 1) / 5)


@pytest.fixture(scope='module')
def squares(tmp_path_factory):
    """Write six pictures with half of each meant, and a sentence about nothing."""
    import cv2

    folder = tmp_path_factory.mktemp('confidence') / 'squares'
    writer = ReferWriter(folder, 'squares', 'unc', ['square'])
    for number in range(6):
        pixels = np.random.default_rng(number).integers(0, 256, (32, 48, 3), np.uint8)
        mask = np.zeros((32, 48), np.uint8)
        mask[:, :24] = 1
        writer.add(
            f'{number}.png', cv2.imencode('.png', pixels)[1].tobytes(), (32, 48), 'val',
            [NewReference('square', encode_mask(mask), [('left', ''), ('the left square', '')]),
             NewReference('square', encode_mask(1 - mask), [('right', '')]),
             NewReference('', None, [('the dragon', 'absent')])],
        )
    writer.close()
    return folder


@pytest.fixture(scope='module')
def network(tmp_path_factory):
    """Save a small network that answers "left" by something that is sometimes right."""
    import torch

    vocabulary = Vocabulary(('dragon', 'left', 'right', 'square', 'the'))
    torch.manual_seed(3)
    config = CEFNetConfig.from_preset('edge', vocabulary_size=len(vocabulary), image_size=32)
    path = tmp_path_factory.mktemp('network') / 'net.safetensors'
    Checkpoint(CEFNet(config), vocabulary, {'iterations': 1}, {'val': {'x': 1}}).save(path)
    return path


def test_collect_answers_tells_right_wrong_and_absent(squares, network, monkeypatch):
    loaded = Checkpoint.load(network)
    dataset = ReferDataset(squares, 'val')
    # The network says "left half" to everything.
    said = np.tile(np.where(np.arange(48) < 24, 0.9, 0.1).astype(np.float32), (32, 1))
    monkeypatch.setattr(loaded.network, 'segment', _always(said))
    answers = collect_answers(loaded.network, loaded.vocabulary, dataset, progress=False)
    assert len(answers.right) == 24 and len(np.unique(answers.image)) == 6
    assert answers.right.sum() == 12 and answers.absent.sum() == 6
    assert not (answers.right & answers.absent).any() and not answers.empty.any()
    assert answers.statistics[0] == pytest.approx(statistics_of(said))
    # Of the sentences about a picture, the last one is about nothing.
    monkeypatch.setattr(loaded.network, 'segment', _always(said, [2.0, 1.0, 3.0, -1.0]))
    answers = collect_answers(loaded.network, loaded.vocabulary, dataset, progress=False)
    assert answers.statistics[0] == pytest.approx(statistics_of(said, 2.0))
    assert set(answers.statistics[answers.absent, 2]) == {-1.0}
    calibration = calibrate(answers)
    assert calibration.weights['presence'] > 0 and calibration.measured['auc_present'] > 0.99


def test_the_pieces_with_which_more_answers_are_right_are_kept(squares, network, monkeypatch):
    loaded = Checkpoint.load(network)
    dataset = ReferDataset(squares, 'val')
    # The left half is meant, and some of the right one is half meant; all pieces together have an
    # IoU of 24 to 45 and then of 22 to 47 columns.
    for left, right, pieces in ((24, slice(26, 47), 'all'), (22, slice(25, 48), 'surest')):
        said = np.full((32, 48), 0.1, np.float32)
        said[:, :left], said[:, right] = 0.9, 0.8
        monkeypatch.setattr(loaded.network, 'segment', _always(said))
        answers = collect_answers(loaded.network, loaded.vocabulary, dataset, progress=False)
        assert answers.right.sum() == 12 and answers.pieces == pieces


def _always(said: np.ndarray, sure: list[float] | None = None):
    import torch

    def segment(pixels, language):
        presence = None if sure is None else torch.tensor(sure[:len(language.sentence)])
        maps = torch.from_numpy(said).expand(len(language.sentence), -1, -1)
        return maps, maps, presence

    return segment


def test_command_writes_a_checkpoint_that_the_segmenter_obeys(
    squares, network, tmp_path, capsys, monkeypatch
):
    said = np.tile(np.where(np.arange(48) < 24, 0.9, 0.1).astype(np.float32), (32, 1))
    monkeypatch.setattr(CEFNet, 'segment', lambda _, *args: _always(said)(*args))
    out = tmp_path / 'calibrated.safetensors'
    command = ['calibrate', '--checkpoint', str(network), '--data', str(squares), '--out', str(out)]
    assert main([*command, '--device', 'cpu']) == 0
    printed = capsys.readouterr().out
    assert '| squares val, cross-validated | value |' in printed
    assert '| sentences | 24 |' in printed and f'written: {out}' in printed
    before, after = Checkpoint.load(network), Checkpoint.load(out)
    assert before.calibration is None
    assert after.calibration.measured['right'] == 12
    assert (after.training, after.scores) == (before.training, before.scores)
    segmenter = Segmenter.load(out, 'cpu', backend='torch')
    answer = PackedAnswer(np.stack([said * 255, said * 255]).astype(np.uint8))
    monkeypatch.setattr(segmenter.engine, 'segment', lambda *_: [answer])
    image = np.zeros((32, 48, 3), np.uint8)
    result = segmenter.segment(image, 'the left square')
    # Half of all answers are right, and all maps are alike.
    assert result.calibrated and result.score == pytest.approx(0.5, abs=0.02)
    segmenter.found_threshold = 0.9
    result = segmenter.segment(image, 'the left square')
    assert not result.found and not result.mask.any() and not result.boundary.any()
    assert result.score == pytest.approx(0.5, abs=0.02) and result.probability.max() > 0.8


def test_command_refuses_a_share_that_is_none(network, squares, capsys):
    command = ['calibrate', '--checkpoint', str(network), '--data', str(squares)]
    assert main([*command, '--rightly-empty', '85']) == 2
    assert '--rightly-empty 85.0 is no share' in capsys.readouterr().err
