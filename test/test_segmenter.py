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

"""The segmenter: shapes and meaning of what it gives, and what it refuses."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch

from ros2_refseg.cefnet import CEFNet, CEFNetConfig
from ros2_refseg.confidence import Calibration
from ros2_refseg.data.vocabulary import Vocabulary
from ros2_refseg.engines import PackedAnswer
from ros2_refseg.overlay import BOUNDARY_COLOUR, caption_of, draw_overlay
from ros2_refseg.segmenter import SENTENCES_REMEMBERED, Segmentation, Segmenter, bounding_box

VOCABULARY = Vocabulary(('left', 'mug', 'red', 'the'))
# Sure of nothing, so that any threshold can be put above or below its scores.
CALIBRATION = Calibration({'expected_iou': 0.0, 'one_piece': 0.0}, 0.0, 0.4)


@pytest.fixture(scope='module')
def segmenter() -> Segmenter:
    torch.manual_seed(0)
    config = CEFNetConfig.from_preset('edge', vocabulary_size=len(VOCABULARY), image_size=64)
    return Segmenter(CEFNet(config), VOCABULARY, device='cpu', precision='fp32')


@pytest.fixture
def image() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (45, 70, 3), np.uint8)


def test_result_has_the_images_size_and_agrees_with_itself(segmenter, image, monkeypatch):
    median = float(np.median(segmenter.segment(image, 'the mug').probability))
    monkeypatch.setattr(segmenter, 'threshold', median)
    monkeypatch.setattr(segmenter, 'boundary_threshold', 0.4)
    result = segmenter.segment(image, 'the mug')
    for array in (result.mask, result.boundary, result.probability, result.boundary_probability):
        assert array.shape == (45, 70)
    inside = result.probability >= np.median(result.probability)
    assert np.array_equal(result.mask, np.where(inside, 255, 0))
    assert np.array_equal(
        result.boundary, np.where(result.boundary_probability >= 0.4, 255, 0)
    )
    assert result.found
    assert result.score == pytest.approx(result.probability[inside].mean())
    assert result.box == bounding_box(inside)


def test_nothing_above_the_threshold_is_not_found(segmenter, image, monkeypatch):
    monkeypatch.setattr(segmenter, 'threshold', 1.0)
    result = segmenter.segment(image, 'the mug')
    assert (result.found, result.score, result.box) == (False, 0.0, (0, 0, 0, 0))
    assert not result.mask.any()


def test_the_sentence_matters(segmenter, image):
    one, other = (segmenter.segment(image, words) for words in ('the mug', 'left red'))
    assert not np.allclose(one.probability, other.probability)


def test_a_sentence_is_encoded_once(segmenter, image):
    calls = []
    handle = segmenter.network.language.register_forward_hook(lambda *_: calls.append(1))
    for _ in range(3):
        segmenter.segment(image, 'the left mug')
    handle.remove()
    assert len(calls) == 1


def test_several_sentences_about_one_frame(segmenter, image, monkeypatch):
    monkeypatch.setattr(segmenter, 'threshold', 0.0)
    sentences = ['the mug', 'die Tasse', 'left red', 'the mug']
    together = segmenter.segment(image, sentences)
    assert [result.sentence for result in together] == sentences
    for result in together:
        alone = segmenter.segment(image, result.sentence)
        assert np.allclose(result.probability, alone.probability, atol=1e-5)
        assert result.found == alone.found == (result.sentence != 'die Tasse')
    assert segmenter.segment(image, []) == []


def test_the_boundary_is_not_computed_unless_somebody_looks(segmenter, image):
    result = segmenter.segment(image, 'the mug')
    assert 'boundary_probability' not in vars(result.answer)
    assert result.boundary.shape == image.shape[:2]
    assert 'boundary_probability' in vars(result.answer)


def test_not_every_sentence_is_remembered_for_ever(segmenter, image):
    for number in range(SENTENCES_REMEMBERED + 5):
        segmenter.segment(image[:2, :2], f'the mug {number}')
    assert len(segmenter._languages) == SENTENCES_REMEMBERED


def test_unknown_words_are_named(segmenter, image):
    result = segmenter.segment(image, 'the roght mug')
    assert result.unknown_words == ('roght',) and result.corrections == ()


def test_a_typing_error_is_read_as_the_word_meant_and_told(segmenter, image):
    result = segmenter.segment(image, 'the lfet mug')
    assert result.corrections == (('lfet', 'left'),) and result.unknown_words == ()
    expected = segmenter.segment(image, 'the left mug')
    assert np.array_equal(result.probability, expected.probability)
    assert result.sentence == 'the lfet mug'


def test_an_uncalibrated_network_says_so(segmenter, image):
    assert not segmenter.segment(image, 'the mug').calibrated


def test_a_calibrated_network_withholds_what_it_is_not_sure_of(segmenter, image, monkeypatch):
    calibrated = Segmenter(segmenter.network, VOCABULARY, 'cpu', 'fp32', calibration=CALIBRATION)
    median = float(np.median(segmenter.segment(image, 'the mug').probability))
    calibrated.threshold = calibrated.boundary_threshold = median
    result = calibrated.segment(image, 'the mug')
    assert result.calibrated and result.found and result.score == 0.5 and result.mask.any()
    calibrated.found_threshold = 0.6
    withheld = calibrated.segment(image, 'the mug')
    assert (withheld.found, withheld.score, withheld.box) == (False, 0.5, (0, 0, 0, 0))
    assert not withheld.mask.any() and not withheld.boundary.any()
    assert np.array_equal(withheld.probability, result.probability)
    calibrated.found_threshold = None
    assert calibrated.segment(image, 'the mug').found


def test_of_several_pieces_the_surest_can_be_kept_with_its_boundary(
    segmenter, image, monkeypatch
):
    maps = np.zeros((2, *image.shape[:2]), np.uint8)
    maps[0, 5:15, 5:15], maps[0, 25:40, 25:40] = 250, 200
    maps[1, 4:16, 4:16], maps[1, 24:41, 24:41] = 255, 255
    monkeypatch.setattr(segmenter.engine, 'segment', lambda *_: [PackedAnswer(maps)])
    everything = segmenter.segment(image, 'the mug')
    monkeypatch.setattr(segmenter, 'pieces', 'surest')
    surest = segmenter.segment(image, 'the mug')
    assert everything.box == (5, 5, 35, 35) and surest.box == (5, 5, 10, 10)
    for name in ('boundary', 'boundary_map'):
        assert (getattr(everything, name) > 0).sum() == 12 ** 2 + 17 ** 2
        assert (getattr(surest, name) > 0).sum() == 12 ** 2
    assert np.array_equal(surest.boundary_probability, everything.boundary_probability)


def test_a_calibrated_network_is_not_sure_of_unknown_words_either(segmenter, image):
    calibrated = Segmenter(segmenter.network, VOCABULARY, 'cpu', 'fp32', calibration=CALIBRATION)
    result = calibrated.segment(image, 'die Tasse')
    assert (result.found, result.score) == (False, 0.0)


def test_a_sentence_of_unknown_words_is_not_guessed_at(segmenter, image, monkeypatch):
    monkeypatch.setattr(segmenter, 'threshold', 0.0)
    result = segmenter.segment(image, 'die Tasse links')
    assert not result.found and not result.mask.any() and result.score == 0
    assert result.unknown_words == ('die', 'tasse', 'links')


@pytest.mark.parametrize('bad', [
    np.zeros((4, 4), np.uint8), np.zeros((4, 4, 4), np.uint8), np.zeros((4, 4, 3), np.float32),
    np.zeros((0, 4, 3), np.uint8),
])
def test_an_image_of_another_kind_is_refused(segmenter, bad):
    with pytest.raises(ValueError, match='expected uint8 HxWx3, RGB'):
        segmenter.segment(bad, 'the mug')


def test_a_sentence_without_a_word_is_refused(segmenter, image):
    with pytest.raises(ValueError, match='holds no word'):
        segmenter.segment(image, '...')


@pytest.mark.parametrize('shape', [(1, 1), (1, 500), (720, 1280)])
def test_any_size_is_taken(segmenter, shape):
    assert segmenter.segment(np.zeros((*shape, 3), np.uint8), 'the mug').mask.shape == shape


def test_a_view_that_is_not_contiguous_is_taken(segmenter, image):
    expected = segmenter.segment(np.ascontiguousarray(image[::-1, ::2]), 'the mug')
    result = segmenter.segment(image[::-1, ::2], 'the mug')
    assert np.array_equal(expected.probability, result.probability)


def test_bf16_agrees_with_fp32(segmenter, image):
    half = Segmenter(segmenter.network, VOCABULARY, 'cpu', 'bf16')
    difference = half.segment(image, 'the mug').probability
    difference = difference - segmenter.segment(image, 'the mug').probability
    assert np.abs(difference).max() < 0.05


@pytest.mark.parametrize('precision', ['int4', 'fp16'])
def test_a_precision_that_the_cpu_lacks_is_refused(segmenter, precision):
    with pytest.raises(ValueError, match=f"'{precision}'"):
        Segmenter(segmenter.network, VOCABULARY, 'cpu', precision)


def test_bounding_box():
    mask = np.zeros((10, 20), bool)
    assert bounding_box(mask) == (0, 0, 0, 0)
    mask[3, 5] = mask[7, 11] = True
    assert bounding_box(mask) == (5, 3, 7, 5)


def result_of(mask: np.ndarray, sentence: str) -> Segmentation:
    boundary = mask - cv2.erode(mask, np.ones((3, 3)))
    maps = PackedAnswer(np.stack([mask, boundary]))
    return Segmentation(
        sentence, mask, maps, 0.5, 1.0, bool(mask.any()), bounding_box(mask > 0), ()
    )


def test_overlay_keeps_what_is_meant_and_dims_the_rest():
    image = np.full((240, 320, 3), 200, np.uint8)
    mask = np.zeros((240, 320), np.uint8)
    mask[100:200, 100:200] = 255
    overlay = draw_overlay(image, result_of(mask, 'the mug'))
    assert (overlay[150, 150] == 200).all()
    assert (overlay[220, 20] < 100).all()
    assert (overlay[100, 150] == BOUNDARY_COLOUR).all()
    assert overlay[:15].max() > 200, 'a caption'
    assert (image == 200).all(), 'the input stays as it was'


def test_caption_tells_corrections_and_claims_no_probability_that_it_has_not():
    result = result_of(np.full((4, 4), 255, np.uint8), 'the roght mug')
    assert caption_of(result) == 'the roght mug: 1.00'
    result = replace(result, score=0.934, calibrated=True, corrections=(('roght', 'right'),))
    assert caption_of(result) == 'the roght mug (roght = right): 93 % sure'
    assert caption_of(replace(result, found=False)) == 'the roght mug (roght = right): not found'


@pytest.mark.parametrize('sentence', ['x' * 5000, 'gr\N{LATIN SMALL LETTER U WITH DIAERESIS}n', ''])
@pytest.mark.parametrize('shape', [(1, 1), (240, 320)])
def test_overlay_takes_any_sentence_and_size(sentence, shape):
    mask = np.zeros(shape, np.uint8)
    overlay = draw_overlay(np.zeros((*shape, 3), np.uint8), result_of(mask, sentence))
    assert overlay.shape == (*shape, 3)
