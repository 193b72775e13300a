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

"""``refseg data``: make, import and check data to train on and to evaluate with."""

import argparse
import os
from pathlib import Path

from ros2_refseg.cli.options import add_command


def add_to(commands: argparse._SubParsersAction) -> None:
    """Add the command ``data`` with its sources."""
    parser = commands.add_parser(
        'data', help='Make, import and check data to train on and to evaluate with.')
    sources = parser.add_subparsers(dest='source', required=True, metavar='SOURCE')
    _add_check(sources)
    tabletop = add_command(
        sources, 'tabletop', 'Draw tables with the simulator, in the REFER layout.',
        'refseg data tabletop --out data/tabletop --scenes 6000 --seed 1',
    )
    tabletop.add_argument('--out', type=Path, required=True, help='folder to make')
    tabletop.add_argument('--scenes', type=int, required=True, help='number of scenes')
    tabletop.add_argument('--seed', type=int, default=0, help='the same seed gives the same bytes')
    tabletop.add_argument(
        '--split', choices=('train', 'val', 'test'),
        help='split of all scenes; otherwise 90 %% are train, 5 %% val and 5 %% test',
    )
    tabletop.add_argument(
        '--workers', type=int, default=os.cpu_count() or 1, help='processes that draw'
    )
    tabletop.add_argument('--width', type=int, default=320, help='pixels')
    tabletop.add_argument('--height', type=int, default=240, help='pixels')
    tabletop.set_defaults(run=_data_tabletop)


def _add_check(sources: argparse._SubParsersAction) -> None:
    check = add_command(
        sources, 'check',
        'Say which data sets lie in a folder, what they hold and what is missing; exit status 1 if '
        'anything is.', 'refseg data check data/refcoco',
    )
    check.add_argument(
        'folder', type=Path, help='a data set, or a folder of several; or a refs(...).p')
    check.add_argument('--tried', type=int, default=100, help='pictures and masks to read of each')
    check.set_defaults(run=_data_check)


def _data_check(args: argparse.Namespace) -> int:
    from ros2_refseg.data.check import check_data

    reports = check_data(args.folder, args.tried)
    for report in reports:
        print(report.format())
    problems = sum(len(report.problems) for report in reports)
    print(f'{problems} problems' if problems else 'nothing is missing')
    return 1 if problems else 0


def _data_tabletop(args: argparse.Namespace) -> None:
    from ros2_refseg.data.tabletop.generate import generate

    generate(
        args.out, args.scenes, args.seed, args.split, args.workers, args.width, args.height
    )
