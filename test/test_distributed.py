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

"""Two processes on one CPU train what one process trains, with torchrun and gloo."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml

from ros2_refseg.checkpoint import Checkpoint
from ros2_refseg.data.samples import ResumableBatches
from ros2_refseg.distributed import process_group
from ros2_refseg.training import Trainer
from ros2_refseg.training_config import TrainingConfig

ROOT = Path(__file__).resolve().parent.parent
CONFIG = {
    'model': {
        'preset': 'edge', 'image_size': 64, 'channels': 16, 'attention_channels': 8,
        'decoder_channels': 8,
    },
    'weights': None, 'iterations': 6, 'images_per_batch': 4, 'optimizer': 'sgd',
    'learning_rate': 2e-2, 'schedule': 'step', 'gradient_clip': 2.0, 'dice_weight': 1.0,
    'fixed_norms': True,
    'unknown_rate': 0.2, 'workers': 0, 'checkpoint_every': 2, 'validate_every': 6, 'seed': 3,
}
# refseg with the loss of every step in its records, that stops after step 4.
REFSEG = """
from ros2_refseg import training
from ros2_refseg.cli import main

train_step = training.Trainer._train_step

def until_step_4(trainer, batch):
    if trainer.step == 4:
        raise SystemExit
    return train_step(trainer, batch)

training.Trainer._train_step = until_step_4
training.LOG_EVERY = 1
raise SystemExit(main())
"""


@pytest.fixture(scope='module')
def runs(squares, tmp_path_factory):
    """Train in one process, and again with steps 3 and 4 of 6 in two."""
    folder = tmp_path_factory.mktemp('runs')
    config = TrainingConfig(**CONFIG)
    (folder / 'config.yaml').write_text(yaml.safe_dump(CONFIG))
    (folder / 'refseg.py').write_text(REFSEG)
    train_step = Trainer._train_step

    def until_step_2(trainer, batch):
        if trainer.step == 2:
            raise SystemExit
        return train_step(trainer, batch)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr('ros2_refseg.training.LOG_EVERY', 1)
        Trainer(config, squares, folder / 'one', 'cpu').run()
        with pytest.raises(SystemExit), patch.context() as inner:
            inner.setattr(Trainer, '_train_step', until_step_2)
            Trainer(config, squares, folder / 'two', 'cpu').run()
        torchrun = subprocess.run(
            [sys.executable, '-m', 'torch.distributed.run', '--standalone', '--nproc-per-node=2',
             'refseg.py', 'train', 'config.yaml', '--data', str(squares), '--out', 'two',
             '--device', 'cpu'],
            env={**os.environ, 'PYTHONPATH': str(ROOT), 'OMP_NUM_THREADS': '1'}, cwd=folder,
            capture_output=True, text=True,
        )
        assert torchrun.returncode == 0, torchrun.stderr
        resumed = Trainer(config, squares, folder / 'two', 'cpu')
        assert resumed.step == 4, 'two processes went on from step 2 to here'
        resumed.run()
    return folder


def test_two_processes_get_the_loss_of_one(runs, tensorboard_curve):
    one, two = (tensorboard_curve(runs / run) for run in ('one', 'two'))
    assert list(one) == list(two) == [1, 2, 3, 4, 5, 6]
    assert list(two.values()) == pytest.approx(list(one.values()), rel=1e-3)
    assert one[6] != pytest.approx(one[1], rel=1e-2), 'nothing was learned that could differ'


def test_two_processes_end_with_the_weights_of_one(runs):
    one, two = (Checkpoint.load(runs / run / 'checkpoint.safetensors') for run in ('one', 'two'))
    assert two.scores['val']['samples'] == one.scores['val']['samples'] == 16
    weights = two.network.state_dict()
    for name, weight in one.network.state_dict().items():
        torch.testing.assert_close(weights[name], weight, rtol=2e-2, atol=2e-3, msg=name)


def test_the_first_process_alone_writes(runs):
    starts = len(list((runs / 'two/tensorboard').iterdir()))
    assert starts == 3, 'one before, one with two processes, one after'


def test_parts_of_a_batch_make_the_batch():
    def batches(part: int, parts: int) -> list:
        return list(ResumableBatches(6, 4, 5, 1, 2, lambda step: 64, part, parts))

    for whole, *parts in zip(batches(0, 1), *(batches(part, 2) for part in range(2)), strict=True):
        assert whole == [item for part in parts for item in part]


def test_without_torchrun_a_device_is_what_it_was():
    with process_group('cpu') as device:
        assert device == torch.device('cpu')
    assert not torch.distributed.is_initialized()


def test_without_torchrun_the_gpu_that_is_named_is_the_current_one(monkeypatch):
    current = []
    monkeypatch.setattr('ros2_refseg.distributed.choose_device', torch.device)
    monkeypatch.setattr(torch.cuda, 'set_device', current.append)
    for name in ('cuda:1', 'cuda', 'cpu'):
        with process_group(name) as device:
            assert device == torch.device(name)
    assert current == [torch.device('cuda:1')]


def test_a_batch_that_cannot_be_shared_equally_is_refused(squares, tmp_path, monkeypatch):
    monkeypatch.setattr('ros2_refseg.training.process_count', lambda: 3)
    with pytest.raises(ValueError, match='images cannot be shared equally by 3'):
        Trainer(TrainingConfig(**CONFIG), squares, tmp_path, 'cpu')


def test_one_gpu_for_all_processes_is_refused(monkeypatch):
    monkeypatch.setenv('TORCHELASTIC_RUN_ID', 'test')
    with pytest.raises(ValueError, match="'cuda:0' is one GPU"), process_group('cuda:0'):
        pass
