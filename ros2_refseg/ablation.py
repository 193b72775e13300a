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

"""The paper's Table 3: what each part of the network is worth, trained at equal budget."""

import json
import statistics
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ros2_refseg.atomic_files import write_atomically
from ros2_refseg.checkpoint import FORMAT, Checkpoint, choose_device
from ros2_refseg.data.dataset import ReferringDataset
from ros2_refseg.data.joint import open_datasets
from ros2_refseg.distributed import from_first_process, is_first_process
from ros2_refseg.evaluation import evaluate
from ros2_refseg.segmenter import PRECISIONS
from ros2_refseg.tables import MEASURES, markdown_table, percent
from ros2_refseg.training import Trainer
from ros2_refseg.training_config import TrainingConfig

VARIANTS: dict[str, dict[str, Any]] = {
    'DFN': {'fusion': 'decoder', 'coattention': 'none', 'boundary': False},
    'EFN': {'fusion': 'encoder', 'coattention': 'none', 'boundary': False},
    'EFN+VCM': {'fusion': 'encoder', 'coattention': 'vcm', 'boundary': False},
    'EFN+ACM': {'fusion': 'encoder', 'coattention': 'acm', 'boundary': False},
    'EFN+VCM+BEM': {'fusion': 'encoder', 'coattention': 'vcm', 'boundary': True},
    'EFN+ACM+BEM': {'fusion': 'encoder', 'coattention': 'acm', 'boundary': True},
}
"""The rows of Table 3: the fields of CEFNetConfig in which they differ."""

Scores = dict[str, dict[str, dict[int, dict[str, Any]]]]
"""What SegmentationScore.summary gives, by split, variant and seed."""


class Ablation:
    """
    Trains every variant with every seed, from one configuration.

    The folder holds a training run for each (``EFN-1``, say), ``ablation.json`` and
    ``ablation.md``, the tables, both brought up to date after every run. All variants have their
    turn before the next seed, so that what is there early compares them all. Started again with
    the same folder it repeats no finished run and goes on with the interrupted one; a run on other
    data, as far as names and counts tell, is refused.
    """

    def __init__(
        self,
        config: TrainingConfig,
        data: Path | str | Sequence[Path | str],
        out: Path | str,
        seeds: Sequence[int] = (1, 2, 3),
        splits: Sequence[str] = ('val',),
        device: str = 'auto',
    ) -> None:
        """
        Plan the runs.

        :param data: data sets as Trainer takes them.
        :param splits: to score the finished networks on.
        :raises ValueError: for data or a split that is not there, or a configuration that would
            give the variants unequal starts.
        """
        if config.init_from:
            raise ValueError(
                f'init_from: {config.init_from}: its weights fit some variants and not others, '
                'which would not start equal; leave it out'
            )
        self.config, self.data, self.out = config, data, Path(out)
        self.device = choose_device(device)
        self.seeds = list(seeds)
        # Opened first: a split that is not there is better missed now than after a training run.
        self.datasets = {split: open_datasets(data, split) for split in splits}
        self._said = {
            'training': _describe(open_datasets(data, config.train_split)),
            **{split: _describe(dataset) for split, dataset in self.datasets.items()},
        }
        self.scores: Scores = {split: {} for split in splits}

    def run(self) -> str:
        """Run what has not been run, and give the tables."""
        for seed in self.seeds:
            for variant in VARIANTS:
                for split, summary in self._scores_of(variant, seed).items():
                    self.scores[split].setdefault(variant, {})[seed] = summary
                if is_first_process():
                    self._write()
        return ablation_tables(self.scores)

    def _scores_of(self, variant: str, seed: int) -> dict[str, dict[str, Any]]:
        """Give a run's scores by split, training and evaluating only where that is to be done."""
        folder = self.out / f'{variant}-{seed}'
        model = {**self.config.model, **VARIANTS[variant]}
        config = replace(self.config, model=model, seed=seed)
        finished = from_first_process(
            lambda: _read_finished(folder / 'scores.json', config, self._said))
        if finished is None:
            Trainer(config, self.data, folder, str(self.device)).run()
            finished = {'data': {}, 'scores': {}}
        return from_first_process(lambda: self._complete(folder, config, finished))

    def _complete(
        self, folder: Path, config: TrainingConfig, finished: dict[str, Any]
    ) -> dict[str, dict[str, Any]]:
        """Evaluate a trained network on the splits that were not evaluated before."""
        scores = finished['scores']
        missing = [split for split in self.datasets if split not in scores]
        if missing:
            checkpoint = Checkpoint.load(folder / 'checkpoint.safetensors')
            network = checkpoint.network.to(self.device)
            for split in missing:
                scores[split] = evaluate(
                    network, checkpoint.vocabulary, self.datasets[split],
                    PRECISIONS[config.precision],
                )['all']
            _write_json(folder / 'scores.json', {
                'format': FORMAT, 'config': config.to_dict(),
                'data': {**finished['data'], **self._said}, 'scores': scores,
            })
            # The checkpoint stays; the optimiser's state, several times its size, is done with.
            (folder / 'state.pt').unlink(missing_ok=True)
        return {split: scores[split] for split in self.datasets}

    def _write(self) -> None:
        _write_json(self.out / 'ablation.json', {
            'config': self.config.to_dict(), 'seeds': self.seeds, 'scores': self.scores,
        })
        write_atomically(self.out / 'ablation.md', ablation_tables(self.scores).encode() + b'\n')


def ablation_tables(scores: Scores) -> str:
    """Make a table in Markdown for each split: mean and standard deviation over the seeds."""
    tables = []
    for split, variants in scores.items():
        rows = [
            [variant, str(len(by_seed)), *(
                mean_and_spread([summary[name] for summary in by_seed.values()])
                for name in MEASURES
            )]
            for variant, by_seed in variants.items()
        ]
        tables.append(markdown_table([split, 'seeds', *MEASURES.values()], rows))
    return '\n\n'.join(tables)


def mean_and_spread(values: Sequence[float]) -> str:
    """Write shares in per cent as their mean and, of several, their sample standard deviation."""
    mean = percent(statistics.fmean(values))
    return f'{mean} ± {percent(statistics.stdev(values))}' if len(values) > 1 else mean


def _describe(dataset: ReferringDataset) -> dict[str, Any]:
    """Say which data a figure is of, in JSON types."""
    return {
        'split': dataset.split, 'name': dataset.name,
        'references': len(dataset.references), 'sentences': len(dataset),
    }


def _read_finished(
    path: Path, config: TrainingConfig, data: dict[str, dict[str, Any]]
) -> dict[str, Any] | None:
    """
    Read what a finished run wrote, None where there is none.

    :raises ValueError: when it was of another configuration, version or of other data.
    """
    if not path.is_file():
        return None
    finished = json.loads(path.read_text())
    changed = config.changed_since(finished['config'])
    if finished.get('format') != FORMAT:
        changed.append('version of the network')
    noted = finished.get('data', {})
    for part in ('training', *finished['scores']):
        if part in data and noted.get(part) != data[part]:
            changed.append(f'data set ({part}: {_say(noted.get(part))}; now: {_say(data[part])})')
    if changed:
        raise ValueError(
            f"'{path.parent}' holds a finished run with another {', '.join(changed)}; give another "
            '--out, or delete that folder to start over'
        )
    return finished


def _say(data: dict[str, Any] | None) -> str:
    if data is None:
        return 'not noted'
    return '{name} {split}, {references} references, {sentences} sentences'.format(**data)


def _write_json(path: Path, content: dict[str, Any]) -> None:
    write_atomically(path, json.dumps(content, indent=2).encode() + b'\n')
