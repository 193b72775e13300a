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

"""``refseg ablate``: what each part of the network is worth."""

import argparse
from pathlib import Path

from ros2_refseg.cli.options import add_command, add_device_option


def add_to(commands: argparse._SubParsersAction) -> None:
    """Add the command ``ablate``."""
    parser = add_command(
        commands, 'ablate',
        "Train the paper's Table 3 (DFN, EFN, +VCM, +ACM, +BEM each) at equal budget and print it; "
        'the same command again goes on where it was.',
        'refseg ablate config/train/tabletop_ablation.yaml --data data/tabletop '
        '--out runs/ablation',
    )
    parser.add_argument(
        'config', type=Path,
        help="YAML file as for train; the variants' own fields and the seed are replaced",
    )
    parser.add_argument(
        '--data', type=Path, required=True, action='append',
        help='data set with the split to train on and those to score; once for each, as in train',
    )
    parser.add_argument('--out', type=Path, required=True, help='folder of all runs')
    parser.add_argument(
        '--seeds', type=_numbers, default='1,2,3', help='a network of each kind for each of these'
    )
    parser.add_argument('--iterations', type=int, help="instead of the configuration's")
    parser.add_argument(
        '--split', action='append',
        help='split to score (default: val); several: once for each',
    )
    add_device_option(parser)
    parser.set_defaults(run=_ablate)


def _ablate(args: argparse.Namespace) -> None:
    from dataclasses import replace

    from ros2_refseg.ablation import Ablation
    from ros2_refseg.distributed import is_first_process, process_group
    from ros2_refseg.training_config import TrainingConfig

    config = TrainingConfig.load(args.config)
    if args.iterations is not None:
        config = replace(config, iterations=args.iterations)
    with process_group(args.device) as device:
        tables = Ablation(
            config, args.data, args.out, args.seeds, args.split or ['val'], str(device)
        ).run()
        if is_first_process():
            print(f'{tables}\nwritten: {args.out / "ablation.md"}, {args.out / "ablation.json"}')


def _numbers(text: str) -> list[int]:
    return [int(number) for number in text.split(',')]
