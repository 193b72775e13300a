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

"""The ablation: its rows, its arithmetic, and that nothing is done twice."""

import json
import os
import subprocess
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from ros2_refseg import ablation
from ros2_refseg.ablation import VARIANTS, Ablation, ablation_tables, mean_and_spread
from ros2_refseg.cefnet import CEFNet, CEFNetConfig
from ros2_refseg.checkpoint import FORMAT
from ros2_refseg.cli import main
from ros2_refseg.training_config import TrainingConfig

CONFIG = TrainingConfig(
    model={
        'preset': 'edge', 'image_size': 32, 'channels': 8, 'attention_channels': 8,
        'decoder_channels': 8,
    },
    weights=None, iterations=1, images_per_batch=2, workers=0,
)


def test_the_rows_of_table_3_are_different_networks():
    sizes = {}
    for variant, fields in VARIANTS.items():
        network = CEFNet(CEFNetConfig.from_preset('edge', vocabulary_size=5, **fields))
        sizes[variant] = sum(weight.numel() for weight in network.parameters())
    assert list(sizes) == ['DFN', 'EFN', 'EFN+VCM', 'EFN+ACM', 'EFN+VCM+BEM', 'EFN+ACM+BEM']
    assert sizes['DFN'] == sizes['EFN'] < sizes['EFN+VCM'] < sizes['EFN+VCM+BEM']
    assert sizes['EFN+ACM'] < sizes['EFN+ACM+BEM']


def test_mean_and_spread_over_the_seeds():
    assert mean_and_spread([0.5, 0.6, 0.7]) == '60.00 ± 10.00'
    assert mean_and_spread([0.123456]) == '12.35'
    summary = dict.fromkeys(
        ('prec@0.5', 'prec@0.6', 'prec@0.7', 'prec@0.8', 'prec@0.9', 'mean_iou'), 0.25
    )
    runs = {seed: {**summary, 'overall_iou': iou} for seed, iou in ((1, 0.4), (2, 0.5))}
    assert ablation_tables({'testA': {'DFN': runs}}).splitlines()[-1] == (
        '| DFN | 2 | 25.00 ± 0.00 | 25.00 ± 0.00 | 25.00 ± 0.00 | 25.00 ± 0.00 | 25.00 ± 0.00 '
        '| 45.00 ± 7.07 | 25.00 ± 0.00 |'
    )


@pytest.fixture
def two_variants(monkeypatch):
    monkeypatch.setattr(
        ablation, 'VARIANTS', {name: VARIANTS[name] for name in ('DFN', 'EFN+ACM+BEM')}
    )


@pytest.fixture
def trained(monkeypatch) -> list[str]:
    """Note the runs that are trained, in order; the third one is interrupted at its first try."""
    runs = []

    class NotedTrainer(ablation.Trainer):
        def run(self):
            runs.append(self.out.name)
            if len(runs) == 3:
                raise KeyboardInterrupt
            return super().run()

    monkeypatch.setattr(ablation, 'Trainer', NotedTrainer)
    return runs


def test_an_interrupted_ablation_goes_on_and_repeats_nothing(
    squares, tmp_path, two_variants, trained, capsys
):
    (tmp_path / 'config.yaml').write_text(yaml.safe_dump(CONFIG.to_dict()))
    out = tmp_path / 'ablation'
    command = ['ablate', str(tmp_path / 'config.yaml'), '--data', str(squares), '--out', str(out),
               '--seeds', '1,2', '--device', 'cpu']
    assert main(command) == 130
    partial = json.loads((out / 'ablation.json').read_text())['scores']['val']
    assert {variant: list(runs) for variant, runs in partial.items()} == {
        'DFN': ['1'], 'EFN+ACM+BEM': ['1'],
    }, 'all variants have their turn before the next seed'
    capsys.readouterr()

    assert main(command) == 0
    assert trained == ['DFN-1', 'EFN+ACM+BEM-1', 'DFN-2', 'DFN-2', 'EFN+ACM+BEM-2']
    table = (out / 'ablation.md').read_text().strip()
    assert table in capsys.readouterr().out
    assert table.splitlines()[0].startswith('| val | seeds | prec@0.5 |')
    assert [line.split(' | ')[:2] for line in table.splitlines()[2:]] == [
        ['| DFN', '2'], ['| EFN+ACM+BEM', '2'],
    ]
    assert not list(out.glob('*/state.pt')), 'finished runs keep the checkpoint alone'

    # Another split is evaluated, not trained for.
    assert 'train' in Ablation(CONFIG, squares, out, [1], ['val', 'train'], 'cpu').run()
    assert len(trained) == 5
    with pytest.raises(ValueError, match='holds a finished run with another iterations'):
        Ablation(replace(CONFIG, iterations=2), squares, out, [1], device='cpu').run()
    scores = out / 'DFN-1/scores.json'
    scores.write_text(scores.read_text().replace(FORMAT, 'ros2_refseg-1'))
    with pytest.raises(ValueError, match='finished run with another version of the network'):
        Ablation(CONFIG, squares, out, [1], device='cpu').run()


def test_figures_of_other_data_are_not_printed(
    squares, typos_and_absent, tmp_path, two_variants, trained
):
    out = tmp_path / 'ablation'
    Ablation(CONFIG, squares, out, [1], ['val'], 'cpu').run()
    with pytest.raises(ValueError, match=(
            r"DFN-1' holds a finished run with another data set \(training: squares train, 16 "
            r'references, 32 sentences; now: squares, absent train, 19 references, 35 sentences\), '
            r'data set \(val: squares val, 8 references, 16 sentences; now: .*give another --out')):
        Ablation(CONFIG, [squares, typos_and_absent], out, [1], ['val'], 'cpu').run()
    # A split that was not scored may be of any size, one that is scored later is noted as well.
    Ablation(CONFIG, squares, out, [1], ['train'], 'cpu').run()
    noted = json.loads((out / 'DFN-1/scores.json').read_text())['data']
    assert {part: data['split'] for part, data in noted.items()} == {
        'training': 'train', 'val': 'val', 'train': 'train'}
    scores = out / 'DFN-1/scores.json'
    scores.write_text(json.dumps({**json.loads(scores.read_text()), 'data': {}}))
    with pytest.raises(ValueError, match='training: not noted; now: squares train'):
        Ablation(CONFIG, squares, out, [1], ['val'], 'cpu').run()
    assert trained == ['DFN-1', 'EFN+ACM+BEM-1']


def gpu_batch(out: Path, *stages: str, **variables: str) -> subprocess.CompletedProcess:
    """Run the batch with a stand-in for Python."""
    script = Path(__file__).parent.parent / 'scripts/gpu_batch.sh'
    return subprocess.run([script, *stages], capture_output=True, text=True, env={
        **os.environ, 'BATCH_OUT': str(out), 'PYTHON': 'true', 'TOY': '', 'ITERATIONS': '',
        **variables})


@pytest.mark.parametrize('toy, side, iterations', [('', 320, 20000), ('1', 64, 4)])
def test_the_gpu_batch_trains_table_3_on_all_sentences(tmp_path, toy, side, iterations):
    assert gpu_batch(tmp_path, 'ablate', TOY=toy).returncode == 0
    config = TrainingConfig.load(tmp_path / 'tabletop_ablation.yaml')
    assert config.forms is None and config.init_from is None
    assert config.model == {'preset': 'edge', 'image_size': side}
    assert (config.iterations, config.checkpoint_every) == (iterations, 100)
    assert config.precision == 'bf16'


def test_the_gpu_batch_brings_back_what_there_is_when_it_fails(tmp_path):
    out, back = tmp_path / 'out', tmp_path / 'back'
    weights, report = os.urandom(16_000_000), {'machine': {'device': 'H100'}, 'attention': {}}
    for name, content in {
        'acm/checkpoint.safetensors': weights, 'acm/state.pt': b'large', 'scores_acm.md': b'73 %',
        'model.json': json.dumps(report).encode(), 'tables/tabletop/instances.json': b'large',
    }.items():
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_bytes(content)
    ended = gpu_batch(out, 'measure', 'acm', PYTHON='false', RETURN=str(back))
    assert ended.returncode == 1 and '73 %' in ended.stdout
    assert 'failed, reasons are above: attention attention_backward\n' in ended.stdout
    parts = [back / f'acm.safetensors.0{part}' for part in range(2)]
    assert b''.join(part.read_bytes() for part in parts) == weights
    with tarfile.open(back / 'reports.tar.gz') as reports:
        assert set(reports.getnames()) == {
            'model.json', 'scores_acm.md', 'tabletop_gpu_acm.yaml'}


def test_the_gpu_batch_ends_at_its_limit_and_goes_on(tmp_path):
    python, asked, out = tmp_path / 'python', tmp_path / 'asked', tmp_path / 'out'
    python.write_text(
        f'#!/bin/sh\necho "$@" >> {asked}\nmkdir -p {out}/acm\n'
        'case "$*" in *" calibrate "*) [ -z "$LIMIT" ] || exec sleep 100 ;; esac\n')
    python.chmod(0o755)
    ended = gpu_batch(out, 'acm', PYTHON=str(python), LIMIT='4')
    assert ended.returncode == 124
    assert 'all figures' in ended.stdout and '4 seconds are over' in ended.stdout
    assert not (out / 'calibration_acm.md').exists()
    ended = gpu_batch(out, 'acm', PYTHON=str(python))
    assert ended.returncode == 0
    commands = [line.split()[2] for line in asked.read_text().splitlines()]
    assert commands == ['train', 'calibrate', 'calibrate', 'eval']


def test_what_would_be_unfair_or_end_in_nothing_is_refused_first(squares, tmp_path):
    with pytest.raises(ValueError, match='init_from: acm: its weights fit some'):
        Ablation(replace(CONFIG, init_from='acm'), squares, tmp_path)
    with pytest.raises(ValueError, match="no split 'testA'"):
        Ablation(CONFIG, squares, tmp_path, splits=['testA'])
