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
    _add_import(sources)
    tabletop = add_command(
        sources, 'tabletop', 'Draw tables with the simulator, in the REFER layout.',
        'refseg data tabletop --out data/tabletop --scenes 6000 --seed 1',
    )
    tabletop.add_argument('--out', type=Path, required=True, help='folder to make')
    tabletop.add_argument('--scenes', type=int, required=True, help='number of scenes')
    tabletop.add_argument(
        '--level', choices=('simple', 'household'), default='simple',
        help='simple: ten kinds of things that stand apart, meant by what and where they are; '
        'household: more kinds, patterns, materials, things in and on each other, and sentences as '
        'people say them, some of which mean nothing in view',
    )
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
    counted = '1 problem' if problems == 1 else f'{problems} problems'
    if problems:
        print(counted)
    elif any(report.missing_splits for report in reports):
        print('nothing is missing but the splits noted above')
    else:
        print('nothing is missing')
    return 1 if problems else 0


def _add_import(sources: argparse._SubParsersAction) -> None:
    parser = add_command(
        sources, 'import',
        'Make a data set of your own pictures, from what labelme wrote beside them or from a table '
        'of sentences; docs/own_data.md tells how.', 'refseg data import photos --out data/mine',
    )
    parser.add_argument('folder', type=Path, help='the pictures, and the JSON files of labelme')
    parser.add_argument('--out', type=Path, required=True, help='folder to make')
    parser.add_argument(
        '--sentences', type=Path,
        help='CSV or JSON with the columns image, sentence, and annotation or mask',
    )
    parser.add_argument('--coco', type=Path, help='COCO instances that have the annotations')
    parser.add_argument('--val', type=float, default=0.1, help='share of the split val')
    parser.add_argument('--test', type=float, default=0.1, help='share of the split test')
    parser.add_argument('--skip', action='store_true', help='leave out what has a problem')
    parser.set_defaults(run=_data_import)


def _data_import(args: argparse.Namespace) -> None:
    from ros2_refseg.data.importing import import_folder

    if args.coco and not args.sentences:
        raise ValueError('--coco has masks only; name the table of their sentences (--sentences)')
    result = import_folder(
        args.folder, args.out, args.sentences, args.coco, args.val, args.test, args.skip)
    for problem in result.problems:
        print(f'left out: {problem}')
    for note in result.notes:
        print(f'note: {note}')
    for split, (pictures, sentences) in result.counts.items():
        print(f'{split}: {pictures:,} pictures with {sentences:,} sentences')
    print(f'written: {args.out}')


def _data_tabletop(args: argparse.Namespace) -> None:
    try:
        from ros2_refseg.data.tabletop.generate import generate

        generate(
            args.out, args.scenes, args.seed, args.split, args.workers, args.width, args.height,
            args.level,
        )
    except RuntimeError as error:  # OpenGL is missing or fails, or MUJOCO_GL names none
        raise ValueError(f'the tabletop simulator cannot draw: {error}') from error
