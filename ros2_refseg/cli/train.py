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

"""``refseg train``: train a network."""

import argparse
from pathlib import Path

from ros2_refseg.cli.options import add_command, add_device_option


def add_to(commands: argparse._SubParsersAction) -> None:
    """Add the command ``train``."""
    parser = add_command(
        commands, 'train', 'Train a network; the same command again resumes an interrupted run.',
        'refseg train config/train/tabletop_start.yaml --data data/tabletop --out runs/start',
    )
    parser.add_argument('config', type=Path, help='YAML file with the fields of TrainingConfig')
    parser.add_argument(
        '--data', type=Path, required=True, action='append',
        help='data set with a split train; a split val is scored on the way. Several together: '
        'once for each, and what one of them holds out is left out of the others',
    )
    parser.add_argument(
        '--out', type=Path, help='folder of the run (default: runs/ and the name of CONFIG)'
    )
    add_device_option(parser)
    parser.set_defaults(run=_train)


def _train(args: argparse.Namespace) -> None:
    from ros2_refseg.distributed import is_first_process, process_group
    from ros2_refseg.training import Trainer
    from ros2_refseg.training_config import TrainingConfig

    config = TrainingConfig.load(args.config)
    out = args.out or Path('runs') / args.config.stem
    with process_group(args.device) as device:
        trainer = Trainer(config, args.data, out, str(device))
        if is_first_process():
            print(trainer.dataset.describe())
        checkpoint = trainer.run()
        if is_first_process():
            print(f'checkpoint: {checkpoint}')
