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

"""Samples and training on a small data set drawn for the purpose."""

import os
import re
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
import yaml

from ros2_refseg.cefnet.loss import dice_loss
from ros2_refseg.checkpoint import Checkpoint, CheckpointError
from ros2_refseg.confidence import STATISTICS, Calibration
from ros2_refseg.data.image_words import ImageWords, collate_words
from ros2_refseg.data.refer import (
    NewReference,
    NewSentence,
    ReferDataset,
    ReferWriter,
    encode_mask,
)
from ros2_refseg.data.samples import ImageSamples, ResumableBatches, collate, contour_of
from ros2_refseg.data.vocabulary import UNKNOWN_ID, Vocabulary
from ros2_refseg.objectives import _mean_over, presence_loss
from ros2_refseg.training import (
    Trainer,
    copy_matching_weights,
    fix_norms,
    foreground_weight_at,
    learning_rate_factor,
)
from ros2_refseg.training_config import TrainingConfig
from ros2_refseg.training_progress import DataWait

ROOT = Path(__file__).resolve().parent.parent
TINY = {
    'model': {
        'preset': 'edge', 'image_size': 64, 'channels': 16, 'attention_channels': 8,
        'decoder_channels': 8,
    },
    'weights': None, 'iterations': 6, 'images_per_batch': 2, 'sentences_per_image': 2,
    'optimizer': 'adamw', 'learning_rate': 2e-3, 'schedule': 'one_cycle', 'dice_weight': 1.0,
    'foreground_weight': 3.0, 'foreground_until': 0.5, 'coarse_image_size': 48, 'coarse_until': 0.5,
    'workers': 0, 'checkpoint_every': 2, 'validate_every': 4, 'seed': 3,
}


def test_contour_is_a_band_of_2_pixels_on_both_sides_at_320():
    mask = np.zeros((320, 320), np.uint8)
    mask[100:200, 100:200] = 1
    row = contour_of(mask)[150]
    assert np.flatnonzero(row).tolist() == [98, 99, 100, 101, 198, 199, 200, 201]


def test_contour_of_a_small_picture_is_what_touches_the_edge():
    mask = np.zeros((64, 64), np.uint8)
    mask[20:30, 20:30] = 1
    assert np.flatnonzero(contour_of(mask)[25]).tolist() == [19, 20, 29, 30]


@pytest.mark.parametrize('value', [0, 1])
def test_a_mask_without_an_edge_has_no_contour(value):
    assert not contour_of(np.full((40, 40), value, np.uint8)).any()


def test_an_item_shows_different_objects_of_one_image(squares):
    dataset = ReferDataset(squares, 'train')
    vocabulary = Vocabulary.from_sentences(sentence for _, sentence in dataset.samples)
    samples = ImageSamples(dataset, vocabulary, sentences_per_image=2, unknown_rate=0)
    item = samples[0, (1, 2), 64]
    assert item['image'].shape == (3, 64, 64) and item['image'].dtype == torch.uint8
    assert item['masks'].shape == item['contours'].shape == (2, 64, 64)
    assert not (item['masks'][0] & item['masks'][1]).any()
    for words, mask in zip(item['words'], item['masks'], strict=True):
        shown = item['image'].numpy()[:, mask > 0].mean(axis=1)
        said = 0 if vocabulary.encode('red')[0] in words else 2
        assert shown.argmax() == said and shown[said] > 190


def test_an_item_follows_from_what_it_is_asked_for(squares):
    dataset = ReferDataset(squares, 'train')
    vocabulary = Vocabulary.from_sentences(sentence for _, sentence in dataset.samples)
    samples = ImageSamples(dataset, vocabulary, sentences_per_image=2, unknown_rate=0.5)
    one, same = (collate([samples[3, (7, 5), 48]]) for _ in range(2))
    assert all(torch.equal(one[name], same[name]) for name in one)
    seeds = [collate([samples[3, (7, seed), 48]])['words'].tolist() for seed in range(20)]
    assert len({str(words) for words in seeds}) > 5
    assert any(UNKNOWN_ID in row for words in seeds for row in words)


def test_batches_cover_every_image_once_an_epoch_and_resume_where_they_were():
    def batches(first_step: int) -> list:
        return list(ResumableBatches(6, 2, 9, 1, first_step, lambda step: 32 if step < 4 else 64))

    whole = batches(0)
    assert batches(5) == whole[5:]
    for epoch in range(3):
        indices = [index for batch in whole[3 * epoch:3 * epoch + 3] for index, _, _ in batch]
        assert sorted(indices) == list(range(6))
    assert [batch[0][2] for batch in whole] == [32] * 4 + [64] * 5
    assert whole[:3] != whole[3:6]


def test_an_absent_target_is_an_empty_mask_without_contour(typos_and_absent):
    samples = ImageSamples(ReferDataset(typos_and_absent), Vocabulary(('cat',)), 2, 0)
    item = samples[0, (1, 2), 64]
    assert item['masks'].shape == (2, 64, 64)
    assert not item['masks'].any() and not item['contours'].any()


def test_no_word_of_a_sentence_without_a_target_is_unknown(typos_and_absent, tmp_path):
    writer = ReferWriter(tmp_path, 'plates', 'refseg', ['plate'])
    encoded = cv2.imencode('.png', np.full((60, 80, 3), 128, np.uint8))[1].tobytes()
    mask = np.zeros((60, 80), np.uint8)
    mask[5:30, 5:30] = 1
    writer.add('0.png', encoded, (60, 80), 'train', [
        NewReference('plate', encode_mask(mask), [NewSentence('the full plate')]),
        NewReference('', None, [NewSentence('the empty plate')]),
    ])
    writer.close()
    dataset = ReferDataset(tmp_path)
    vocabulary = Vocabulary(('empty', 'full', 'plate', 'the'))
    whole = ImageSamples(dataset, vocabulary, 2, 0)
    dropped = ImageSamples(dataset, vocabulary, 2, 0.5)
    unknown = 0
    for seed in range(20):
        item, same = dropped[0, (1, seed), 32], whole[0, (1, seed), 32]
        np.testing.assert_array_equal(item['masks'], same['masks'])
        for words, meant, mask in zip(item['words'], same['words'], item['masks'], strict=True):
            unknown += np.count_nonzero(words == UNKNOWN_ID)
            assert mask.any() or words.tolist() == meant.tolist()
            assert set(words) <= {*meant, UNKNOWN_ID}
    assert 15 < unknown < 45, 'half of the three words that mean something, 20 times'


def test_a_stage_can_be_trained_on_some_kinds_of_sentence(typos_and_absent, tmp_path):
    writer = ReferWriter(tmp_path, 'mixed', 'refseg', [])
    encoded = cv2.imencode('.png', np.full((60, 80, 3), 128, np.uint8))[1].tobytes()
    writer.add('both.png', encoded, (60, 80), 'train', [
        NewReference('', None, [NewSentence('cat', 'attribute'), NewSentence('dog', 'size')]),
    ])
    writer.add('one.png', encoded, (60, 80), 'train', [
        NewReference('', None, [NewSentence('dog', 'size')]),
    ])
    writer.close()
    dataset, vocabulary = ReferDataset(tmp_path), Vocabulary(('cat', 'dog'))
    samples = ImageSamples(dataset, vocabulary, 4, 0, forms=['attribute'])
    assert [image.path.name for image in samples.images] == ['both.png']
    assert {*np.concatenate(samples[0, (0, 0), 32]['words'])} == set(vocabulary.encode('cat'))
    message = "forms: 'mixed' has no sentence of atribute; it has: attribute, size"
    for make in (partial(ImageSamples, sentences_per_image=2, unknown_rate=0), ImageWords):
        with pytest.raises(ValueError, match=message):
            make(dataset, vocabulary, forms=['size', 'atribute'])


def test_absent_targets_are_learned_and_typing_errors_are_no_words(typos_and_absent, tmp_path):
    config = TrainingConfig(**{**TINY, 'iterations': 12, 'validate_every': 12})
    trainer = Trainer(config, typos_and_absent, tmp_path, 'cpu')
    assert set(trainer.vocabulary.words) == {'the', 'purple', 'cat'}
    seen = losses(trainer)
    assert np.isfinite(seen).all() and seen[-1] < seen[0]
    assert 0 <= trainer.scores['val'].pop('rightly_empty') <= 1
    assert trainer.scores['val'] == {'samples': 0}


def test_dice_of_an_empty_target_pushes_what_is_there_away_and_no_more():
    truth = torch.zeros(1, 1, 8, 8)
    logits = torch.full((1, 1, 8, 8), -20.0)
    logits[..., 2, 2:4] = 2.0  # two pixels too many
    logits.requires_grad_()
    loss = dice_loss(logits, truth)
    loss.backward()
    assert 0 < loss.item() < 1
    assert (logits.grad[..., 2, 2:4] > 0.01).all()
    assert logits.grad.abs().sum() - logits.grad[..., 2, 2:4].sum() < 1e-6
    assert dice_loss(torch.full((1, 1, 8, 8), -20.0), truth).item() == pytest.approx(0, abs=1e-6)


def test_presence_is_learned_from_whole_sentences_alone():
    def loss(logits: list[float], words: list[list[int]]) -> float:
        batch = {'words': torch.tensor(words), 'in_view': torch.tensor([True, False])}
        return presence_loss(torch.tensor(logits), batch).item()

    assert loss([3.0, -3.0], [[5, 6], [7, 0]]) == pytest.approx(0.0486, abs=1e-3)
    assert loss([-3.0, 3.0], [[5, 6], [7, 0]]) == pytest.approx(3.0486, abs=1e-3)
    # A word shown as unknown would tell that the sentence is about something in view.
    assert loss([-3.0, -3.0], [[5, UNKNOWN_ID], [7, 0]]) == pytest.approx(0.0243, abs=1e-3)


@pytest.fixture(scope='module')
def dots(tmp_path_factory) -> Path:
    """Write pictures of a dot, and of each a sentence about a cup."""
    folder = tmp_path_factory.mktemp('dots') / 'data'
    writer = ReferWriter(folder, 'dots', 'unc', ['dot'])
    picture = cv2.imencode('.png', np.zeros((64, 64, 3), np.uint8))[1].tobytes()
    for number in range(4):
        mask = np.zeros((64, 64), np.uint8)
        mask[9 + number, 9] = 1
        writer.add(f'{number}.png', picture, (64, 64), 'train', [
            NewReference('dot', encode_mask(mask), [('the dot', '')]),
            NewReference('', None, [('the cup', 'absent')])])
    writer.close()
    return folder


def test_what_is_smaller_than_a_pixel_is_in_view_all_the_same(dots):
    dataset = ReferDataset(dots, 'train')
    samples = ImageSamples(dataset, Vocabulary(('cup', 'dot', 'the')), 2, 0.0)
    batch = collate([samples[0, (0, 0), 32]])
    assert not batch['masks'].any() and sorted(batch['in_view'].tolist()) == [False, True]


def test_a_run_that_cannot_teach_presence_says_so(
    squares, typos_and_absent, tmp_path, capsys
):
    present = {**TINY, 'model': {**TINY['model'], 'presence': True}}
    config = TrainingConfig(**present)
    for number, (data, told) in enumerate(((squares, True), (typos_and_absent, False))):
        start = Trainer(config, data, tmp_path / str(number), 'cpu').run()
        assert ('model: presence: no sentence to train on' in capsys.readouterr().out) is told
    alone = TrainingConfig(**{**present, 'objective': 'presence', 'init_from': str(start)})
    with pytest.raises(ValueError, match="presence: no sentence to train on of 'squares' lacks"):
        Trainer(alone, squares, tmp_path / 'alone', 'cpu')


def losses(trainer: Trainer) -> list[float]:
    seen = []
    step = trainer._train_step

    def recorded(batch):
        terms = step(batch)
        seen.append(terms['total'].item())
        return terms

    trainer._train_step = recorded
    trainer.run()
    return seen


# refseg with the loss of every step in its records; ITS_MOMENT says when it kills itself.
KILLED_REFSEG = """
import os, signal, sys
import torch
from ros2_refseg import training
from ros2_refseg.cli import main

def kill():
    os.kill(os.getpid(), signal.SIGKILL)

ITS_MOMENT
torch.set_num_threads(1)
torch.use_deterministic_algorithms(True)
training.LOG_EVERY = 1
main(sys.argv[1:])
"""
IN_STEP_8 = """
train_step = training.Trainer._train_step

def killed_in_step_8(trainer, batch):
    terms = train_step(trainer, batch)
    return kill() if trainer.step == 7 else terms

training.Trainer._train_step = killed_in_step_8
"""
# Files are written one after another: the state of step 3, a checkpoint, the state of step 6.
WHILE_WRITING_THE_STATE_OF_STEP_6 = """
files = []

def killed_in_the_third_file(file):
    files.append(file)
    return kill() if len(files) == 3 else None

os.fsync = killed_in_the_third_file
"""


@pytest.fixture
def deterministic(monkeypatch):
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    monkeypatch.setattr('ros2_refseg.training.LOG_EVERY', 1)
    yield
    torch.use_deterministic_algorithms(False)
    torch.set_num_threads(threads)


@pytest.mark.parametrize('moment, last_state', [
    (IN_STEP_8, 6), (WHILE_WRITING_THE_STATE_OF_STEP_6, 3),
], ids=['in a step', 'while writing'])
def test_a_killed_run_goes_on_along_the_same_curve(
    moment, last_state, squares, tmp_path, deterministic, tensorboard_curve
):
    values = {**TINY, 'iterations': 10, 'unknown_rate': 0.3, 'checkpoint_every': 3}
    config = TrainingConfig(**values)
    Trainer(config, squares, tmp_path / 'whole', 'cpu').run()
    whole = tensorboard_curve(tmp_path / 'whole')
    assert list(whole) == list(range(1, 11))

    (tmp_path / 'config.yaml').write_text(yaml.safe_dump(values))
    (tmp_path / 'refseg.py').write_text(KILLED_REFSEG.replace('ITS_MOMENT', moment))
    killed = subprocess.run(
        [sys.executable, 'refseg.py', 'train', 'config.yaml', '--data', str(squares),
         '--out', 'cut', '--device', 'cpu'],
        env={**os.environ, 'PYTHONPATH': str(ROOT)}, cwd=tmp_path, capture_output=True, text=True,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    resumed = Trainer(config, squares, tmp_path / 'cut', 'cpu')
    assert resumed.step == last_state
    resumed.run()
    assert tensorboard_curve(tmp_path / 'cut') == whole
    one, other = (
        Checkpoint.load(tmp_path / run / 'checkpoint.safetensors').network.state_dict()
        for run in ('whole', 'cut')
    )
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_a_run_learns_and_leaves_a_checkpoint_that_says_how(squares, tmp_path):
    config = TrainingConfig(**{
        **TINY, 'iterations': 40, 'coarse_until': 0.0, 'validate_every': 40, 'checkpoint_every': 40,
    })
    trainer = Trainer(config, squares, tmp_path / 'run', 'cpu')
    seen = losses(trainer)
    assert np.mean(seen[-5:]) < 0.8 * np.mean(seen[:5])
    checkpoint = Checkpoint.load(tmp_path / 'run/checkpoint.safetensors')
    assert checkpoint.training['iterations'] == checkpoint.training['step'] == 40
    assert checkpoint.training['data'] == 'squares' and checkpoint.training['sentences'] == 32
    assert checkpoint.scores['val']['samples'] == 16
    assert set(checkpoint.vocabulary.words) == {'the', 'red', 'blue', 'square', 'one'}
    assert any((tmp_path / 'run/tensorboard').iterdir())


def test_a_run_whose_loss_is_no_number_ends_and_keeps_its_last_state(squares, tmp_path):
    config = TrainingConfig(**{
        **TINY, 'iterations': 20, 'checkpoint_every': 20, 'validate_every': 20,
    })
    out = tmp_path / 'run'
    Trainer(config, squares, out, 'cpu').run()
    state = (out / 'state.pt').read_bytes()
    trainer = Trainer(replace(config, seed=1), squares, tmp_path / 'other', 'cpu')
    with torch.no_grad():
        next(trainer.network.parameters()).fill_(torch.nan)
    trainer.out = out
    with pytest.raises(ValueError, match=r'the loss is nan after 20 iterations; .*learning_rate'):
        trainer.run()
    with pytest.raises(CheckpointError, match=r"state.pt' stays as it was"):
        trainer._save()
    assert (out / 'state.pt').read_bytes() == state


@pytest.mark.parametrize('workers', [0, 1])
def test_a_picture_that_cannot_be_read_ends_a_run_in_one_sentence(squares, tmp_path, workers):
    data = shutil.copytree(squares, tmp_path / 'data')
    for number in range(8):
        (data / 'images' / 'squares' / f'{number}.jpg').write_bytes(b'half a picture')
    (tmp_path / 'config.yaml').write_text(yaml.safe_dump({**TINY, 'workers': workers}))
    # In a process of its own: workers are forked, which a process full of threads may not survive.
    ended = subprocess.run(
        [sys.executable, '-m', 'ros2_refseg.cli', 'train', 'config.yaml', '--data', str(data),
         '--out', 'run', '--device', 'cpu'],
        env={**os.environ, 'PYTHONPATH': str(ROOT)}, cwd=tmp_path, capture_output=True, text=True,
    )
    assert ended.returncode == 2
    assert re.search(r'^refseg train: \S+/images/squares/\d\.jpg is no readable picture$',
                     ended.stderr, re.MULTILINE), ended.stderr
    assert 'Traceback' not in ended.stderr


def test_other_data_do_not_go_on_with_a_run(squares, typos_and_absent, tmp_path):
    config = TrainingConfig(**{**TINY, 'iterations': 1})
    Trainer(config, squares, tmp_path, 'cpu').run()
    with pytest.raises(ValueError, match='holds a run with another vocabulary'):
        Trainer(config, typos_and_absent, tmp_path, 'cpu')
    state = torch.load(tmp_path / 'state.pt', weights_only=True)
    torch.save({**state, 'data': ['squares', 1, 2]}, tmp_path / 'state.pt')
    with pytest.raises(ValueError, match=r'another data set \(it was begun with squares, 1 ref'):
        Trainer(config, squares, tmp_path, 'cpu')


def test_another_configuration_does_not_go_on_with_a_run(squares, tmp_path):
    config = TrainingConfig(**{**TINY, 'iterations': 1})
    Trainer(config, squares, tmp_path, 'cpu').run()
    with pytest.raises(ValueError, match='holds a run with another seed'):
        Trainer(TrainingConfig(**{**TINY, 'iterations': 1, 'seed': 9}), squares, tmp_path, 'cpu')
    patient = TrainingConfig(**{**TINY, 'iterations': 1, 'workers': 1, 'checkpoint_every': 9})
    assert Trainer(patient, squares, tmp_path, 'cpu').step == 1, 'what it learns is the same'


def test_a_run_of_another_version_does_not_go_on(squares, tmp_path):
    config = TrainingConfig(**{**TINY, 'iterations': 1})
    Trainer(config, squares, tmp_path, 'cpu').run()
    state = torch.load(tmp_path / 'state.pt', weights_only=True)
    del state['format']
    torch.save(state, tmp_path / 'state.pt')
    with pytest.raises(ValueError, match='another version of ros2_refseg began'):
        Trainer(config, squares, tmp_path, 'cpu')


def test_a_finished_run_started_again_keeps_the_calibration_made_since(squares, tmp_path):
    config = TrainingConfig(**TINY)
    path = Trainer(config, squares, tmp_path, 'cpu').run()
    calibration = Calibration(dict.fromkeys(STATISTICS[:2], 0.5), -0.5, 0.3)
    replace(Checkpoint.load(path), calibration=calibration).save(path)
    Trainer(config, squares, tmp_path, 'cpu').run()
    assert Checkpoint.load(path).calibration == calibration
    path.unlink()
    assert Trainer(config, squares, tmp_path, 'cpu').run().is_file()


def test_what_a_killed_run_had_half_written_goes(squares, tmp_path):
    half = tmp_path / '.state.pt.12.part'
    half.write_bytes(b'half')
    Trainer(TrainingConfig(**TINY), squares, tmp_path, 'cpu')
    assert not half.exists()


def test_starting_from_a_checkpoint_keeps_words_and_weights(squares, tmp_path, capsys):
    config = TrainingConfig(**{**TINY, 'iterations': 1})
    start = Trainer(config, squares, tmp_path / 'acm', 'cpu')
    path = start.run()
    model = {**TINY['model'], 'coattention': 'vcm'}
    trainer = Trainer(
        TrainingConfig(**{**TINY, 'model': model, 'init_from': str(path)}), squares,
        tmp_path / 'vcm', 'cpu',
    )
    loaded = Checkpoint.load(path)
    assert trainer.vocabulary == loaded.vocabulary
    weight = 'encoder.res5.1.conv2.weight'
    assert torch.equal(trainer.network.state_dict()[weight], loaded.network.state_dict()[weight])
    left = copy_matching_weights(loaded.network, trainer.network)
    assert left and all('.coattention.' in name or '.fuse.' in name for name in left)
    told = capsys.readouterr().out
    assert f'{len(left)} of {len(loaded.network.state_dict())} tensors' in told
    assert 'in fusions.0, fusions.1, fusions.2' in told


def test_parts_of_a_network_can_start_anew(squares, tmp_path):
    config = TrainingConfig(**{**TINY, 'iterations': 1})
    path = Trainer(config, squares, tmp_path / 'a', 'cpu').run()
    started = Checkpoint.load(path).network.state_dict()
    config = {**TINY, 'init_from': str(path), 'seed': 4}
    anew = Trainer(
        TrainingConfig(**config, start_anew=['fusions.1']), squares, tmp_path / 'b', 'cpu')
    changed = {'.'.join(name.split('.')[:2]) for name, value in anew.network.state_dict().items()
               if not torch.equal(value, started[name])}
    assert changed == {'fusions.1'}
    with pytest.raises(ValueError, match="start_anew: the network has no 'fusion'; it has lang"):
        Trainer(TrainingConfig(**config, start_anew=['fusion']), squares, tmp_path / 'c', 'cpu')


def test_fixed_norms_hold_what_a_batch_norm_follows_and_nothing_else(squares, tmp_path):
    config = TrainingConfig(**{**TINY, 'iterations': 3, 'fixed_norms': True})
    trainer = Trainer(config, squares, tmp_path, 'cpu')
    layers = (trainer.network.encoder.res3[0].conv1, trainer.network.decoder.steps[0].refine[0])
    free = trainer.network.decoder.mask_logits[-1].weight
    for layer in layers:
        torch.nn.init.normal_(layer.weight)
    kept = free.clone()
    image, words = torch.rand(2, 3, 64, 64) * 255, torch.tensor([[2, 3], [3, 2]])
    trainer.network(image, trainer.network.language(words))  # batch norms see their inputs

    def answer():
        with torch.no_grad():
            return trainer.network.eval()(image, trainer.network.language(words)).masks[-1]

    before = answer()
    fix_norms(trainer.network)
    torch.testing.assert_close(answer(), before, rtol=1e-2, atol=1e-2)
    assert torch.equal(free, kept)
    trainer.run()
    for layer in layers:
        # He et al.: a variance of 2 over the weights that go into one value.
        variance = layer.weight.detach().square().mean()
        assert variance == pytest.approx(2 / layer.weight[0].numel(), rel=1e-4)
    assert not torch.equal(free, kept)


def test_the_wait_for_data_is_measured_from_the_first_batch_on(monkeypatch):
    clock = [0.0]
    monkeypatch.setattr('time.perf_counter', lambda: clock[0])

    def batches():
        for seconds in (100, 3, 3, 3):
            clock[0] += seconds
            yield seconds

    wait = DataWait(torch.device('cpu'))
    for _ in wait.watch(batches()):
        clock[0] += 1
    assert wait.share() == pytest.approx(9 / 13)


@pytest.mark.parametrize('fixed_norms', [False, True])
def test_the_encoder_alone_learns_what_things_are_called(squares, tmp_path, fixed_norms):
    config = TrainingConfig(
        **{**TINY, 'objective': 'words', 'iterations': 25, 'fixed_norms': fixed_norms})
    trainer = Trainer(config, squares, tmp_path, 'cpu')
    before = {name: value.clone() for name, value in trainer.network.state_dict().items()}
    seen = losses(trainer)
    assert np.mean(seen[-5:]) < 0.8 * np.mean(seen[:5])
    changed = {name.split('.')[0] for name, value in trainer.network.state_dict().items()
               if not torch.equal(value, before[name])}
    assert changed == {'encoder'}
    encoder = trainer.network.encoder.res5.state_dict()
    assert all(torch.equal(value, before[f'encoder.res5.{name}'])
               for name, value in encoder.items())
    loaded = Checkpoint.load(tmp_path / 'checkpoint.safetensors')
    assert loaded.training['objective'] == 'words' and loaded.scores == {}


def test_the_classifier_of_presence_alone_learns_from_a_network_that_stays(dots, tmp_path):
    first = TrainingConfig(**{**TINY, 'iterations': 2})
    start = Trainer(first, dots, tmp_path / 'start', 'cpu').run()
    config = TrainingConfig(**{
        **TINY, 'model': {**TINY['model'], 'presence': True}, 'init_from': str(start),
        'objective': 'presence', 'iterations': 40, 'images_per_batch': 4, 'learning_rate': 5e-3,
        'fixed_norms': True})
    trainer = Trainer(config, dots, tmp_path / 'presence', 'cpu')
    before = {name: value.clone() for name, value in trainer.network.state_dict().items()}
    seen = losses(trainer)
    assert np.mean(seen[-10:]) < 0.9 * np.mean(seen[:10])
    changed = {name.split('.')[0] for name, value in trainer.network.state_dict().items()
               if not torch.equal(value, before[name])}
    assert changed == {'presence'}
    masks = Checkpoint.load(tmp_path / 'presence/checkpoint.safetensors').network.decoder
    expected = Checkpoint.load(start).network.decoder.state_dict()
    assert all(torch.equal(value, expected[name]) for name, value in masks.state_dict().items())


def test_presence_alone_is_taught_to_a_whole_network_with_a_classifier_of_it(
    squares, typos_and_absent, tmp_path
):
    with pytest.raises(ValueError, match='init_from, a trained network'):
        TrainingConfig(**{**TINY, 'objective': 'presence'})
    start = Trainer(TrainingConfig(**{**TINY, 'iterations': 1}), squares, tmp_path / 'start').run()
    alone = {**TINY, 'objective': 'presence', 'init_from': str(start)}
    with pytest.raises(ValueError, match='presence: true in model'):
        Trainer(TrainingConfig(**alone), typos_and_absent, tmp_path / 'none', 'cpu')
    wider = {**TINY['model'], 'presence': True, 'channels': 24}
    with pytest.raises(ValueError, match="the network stays as it is, but 'model' is another"):
        Trainer(TrainingConfig(**{**alone, 'model': wider}), typos_and_absent, tmp_path / 'wider')
    fitting = {**TINY['model'], 'presence': True}
    trainer = Trainer(TrainingConfig(**{**alone, 'model': fitting}), typos_and_absent,
                      tmp_path / 'fitting', 'cpu')
    # Words that the network never learned stay unknown.
    assert trainer.vocabulary == Checkpoint.load(start).vocabulary
    assert trainer.vocabulary.unknown_words(trainer.dataset.references[0].sentences[0])


def test_the_loss_of_words_is_that_of_one_process(squares, tmp_path, monkeypatch):
    config = TrainingConfig(**{**TINY, 'objective': 'words'})
    trainer = Trainer(config, squares, tmp_path, 'cpu')
    objective = trainer.objective.eval()
    samples = objective.samples(trainer.dataset, trainer.vocabulary, config)
    items = [samples[index, (0, 0), 64] for index in range(2)]
    items[0] = items[0][0], items[0][1][:1], items[0][2][:1]  # one thing beside the other's two
    with torch.no_grad():
        whole = objective(collate_words(items), 1.0)['total']
        monkeypatch.setattr(
            'ros2_refseg.objectives.mean_over_processes', lambda _: torch.tensor(3 / 2))
        parts = [objective(collate_words([item]), 1.0)['total'] for item in items]
    torch.testing.assert_close(sum(parts) / 2, whole)


def test_a_thing_is_averaged_where_it_is(squares):
    dataset = ReferDataset(squares)
    vocabulary = Vocabulary.from_sentences(sentence for _, sentence in dataset.samples)
    samples = ImageWords(dataset, vocabulary, None)
    batch = collate_words([samples[index, (0, 0), 32] for index in range(2)])
    assert batch['image'].shape == (2, 3, 32, 32)
    said = batch['words'].sum(-1)
    assert set(said.flatten().round(decimals=5).tolist()) <= {0.0, 1.0}
    assert torch.equal(batch['things'].flatten(2).sum(-1) > 0, said > 0)
    # Half of the cells at the left edge of a map of columns 0, 1, 2, 3; the right half; nothing.
    features = torch.arange(4.0).expand(1, 2, 4, 4)
    things = torch.zeros(1, 3, 8, 8)
    things[0, 0, :4, :2], things[0, 1, :, 4:] = 1, 1
    assert _mean_over(things, features).tolist() == [[[0, 0], [2.5, 2.5], [0, 0]]]


def test_of_what_is_said_of_things_the_rarer_word_counts_more(squares):
    dataset = ReferDataset(squares)
    vocabulary = Vocabulary.from_sentences(sentence for _, sentence in dataset.samples)
    _, _, shares = ImageWords(dataset, vocabulary, None)[0, (0, 0), 32]
    red, the = vocabulary.encode('red the')
    row = shares[shares[:, red] > 0][0]
    assert 0 < row[the] < row[red] / 2


def test_schedules():
    assert [learning_rate_factor('step', done) for done in (0, 0.49, 0.5, 1)] == [1, 1, 0.1, 0.1]
    one_cycle = [learning_rate_factor('one_cycle', done) for done in np.linspace(0, 1, 101)]
    assert one_cycle[0] < 0.05 and max(one_cycle) == 1.0 and one_cycle[-1] < 1e-6
    assert np.argmax(one_cycle) == 5
    config = TrainingConfig(foreground_weight=5.0, foreground_until=0.5)
    assert [foreground_weight_at(config, done) for done in (0, 0.25, 0.5, 1)] == [5, 3, 1, 1]


@pytest.mark.parametrize('text, message', [
    ('iterations: many', "iterations: 'many' is not a whole number"),
    ('learning_rate: fast', "learning_rate: 'fast' is not a number"),
    ('epochs: 3', "no training option 'epochs'"),
    ('optimizer: adam', "optimizer: 'adam' is none of sgd, adamw"),
    ('iterations: 0', 'iterations: 0 is not above zero'),
    ('coarse_until: 2.0', 'coarse_until: 2.0 is not within 0 and 1'),
    ('coarse_until: 0.5', 'coarse_until: 0.5 without coarse_image_size'),
    ('coarse_image_size: large', "coarse_image_size: 'large' is not a whole number"),
    ('coarse_image_size: 8', 'coarse_image_size: 8 is under 32'),
    ('gradient_clip: -1', 'gradient_clip: -1.0 is not above zero; null'),
    ('seed: -1', 'seed: -1 is below zero'),
    ('model: {vocabulary_size: 9}', 'vocabulary_size follows from the data'),
    ('gradient_clip: often', "gradient_clip: 'often' is not a number"),
    ('fixed_norms: 1', 'fixed_norms: 1 is not true or false'),
    ('iterations: true', 'iterations: True is not a whole number'),
    ('start_anew: [fusions]', 'start_anew: without init_from everything starts anew'),
    ('seed: null', 'seed: None is not a whole number'),
    ('model: edge', "model: 'edge' is not a mapping such as {preset: paper}"),
    ('forms: attribute', r"forms: 'attribute' is not a list of texts such as \[attribute\]"),
    ('forms: [1]', r'forms: \[1\] is not a list of texts'),
    ('init_from: 3', 'init_from: 3 is not a text'),
    ('- a list', 'holds no mapping'),
    ('a: [', 'is not valid YAML'),
])
def test_a_configuration_that_cannot_be_is_refused_by_name(tmp_path, text, message):
    path = tmp_path / 'config.yaml'
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        TrainingConfig.load(path)


@pytest.mark.parametrize(
    'path', sorted((ROOT / 'config/train').glob('*.yaml')), ids=lambda path: path.stem
)
def test_shipped_configurations_are_valid(path):
    from ros2_refseg.cefnet import CEFNetConfig

    config = TrainingConfig.load(path)
    model = dict(config.model)
    CEFNetConfig.from_preset(model.pop('preset'), vocabulary_size=10, **model)


def test_yaml_numbers_without_a_point_are_numbers(tmp_path):
    path = tmp_path / 'config.yaml'
    path.write_text('learning_rate: 1e-3\nweights: null\ngradient_clip: 2e0\n')
    config = TrainingConfig.load(path)
    assert (config.learning_rate, config.gradient_clip) == (1e-3, 2.0)
