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


"""``refseg calibrate``: make a network's score the probability of being right."""

import argparse
from dataclasses import replace
from pathlib import Path

from ros2_refseg.cli.options import add_command, add_device_option, add_split_options
from ros2_refseg.confidence import Calibration
from ros2_refseg.tables import markdown_table, percent


def add_to(commands: argparse._SubParsersAction) -> None:
    """Add the command ``calibrate``."""
    parser = add_command(
        commands, 'calibrate',
        'Fit what turns the answers of a network into probabilities of being right, choose from '
        'which one on a thing counts as found and which pieces of a mask to keep, and write all '
        'that into its checkpoint.',
        'refseg calibrate --checkpoint runs/acm/checkpoint.safetensors --data data/tabletop',
    )
    parser.add_argument('--checkpoint', required=True, help='.safetensors file, or acm or vcm')
    parser.add_argument(
        '--data', type=Path, required=True,
        help='data set that training never saw, with sentences that have no target in view',
    )
    add_split_options(parser)
    parser.add_argument('--out', type=Path, help='checkpoint to write (default: the one read)')
    parser.add_argument(
        '--rightly-empty', type=float, metavar='SHARE',
        help='choose the threshold at which this share of the sentences without a target gets no '
        'mask, 0 to 1 (default: few errors, masks for nothing and withheld right ones weighing '
        'alike, and in doubt the mask)',
    )
    add_device_option(parser)
    parser.add_argument('--precision', default='auto', help='auto, fp32, bf16 or fp16')
    parser.set_defaults(run=_calibrate)


def _calibrate(args: argparse.Namespace) -> None:
    if args.rightly_empty is not None and not 0 <= args.rightly_empty <= 1:
        raise ValueError(f'--rightly-empty {args.rightly_empty} is no share; give 0 to 1')

    from ros2_refseg.calibration import calibrate, collect_answers
    from ros2_refseg.checkpoint import Checkpoint, resolve_checkpoint
    from ros2_refseg.data.joint import open_dataset
    from ros2_refseg.segmenter import PRECISIONS, Segmenter

    dataset = open_dataset(args.data, args.split, args.split_by)
    path = resolve_checkpoint(args.checkpoint)
    loaded = Checkpoint.load(path, leave_out=['calibration'])
    segmenter = Segmenter(loaded.network, loaded.vocabulary, args.device, args.precision)
    answers = collect_answers(
        segmenter.network, segmenter.vocabulary, dataset, PRECISIONS[segmenter.precision]
    )
    calibration = calibrate(answers, args.rightly_empty)
    calibration = replace(calibration, measured={
        'data': dataset.name, 'split': dataset.split, **calibration.measured,
    })
    out = args.out or path
    replace(loaded, calibration=calibration).save(out)
    print(calibration_table(calibration))
    if not calibration.measured['absent']:
        print('\nNo sentence of this split lacks its target, so every mask counts as found.')
    print(f'written: {out}')


def calibration_table(calibration: Calibration) -> str:
    """Make the table of the model card from what ``calibrate`` measured."""
    measured = calibration.measured

    def share(name: str) -> str:
        return '-' if measured[name] is None else percent(measured[name])

    title = f'{measured["data"]} {measured["split"]}, cross-validated'
    return markdown_table([title, 'value'], [
        ['sentences', str(measured['answers'])],
        ['sentences without a target', str(measured['absent'])],
        ['ROC AUC, right answers against all others, %', share('auc_right')],
        ['ROC AUC, targets in view against absent ones, %', share('auc_present')],
        ['Brier score', f'{measured["brier"]:.3f}'],
        ['expected calibration error, %', share('calibration_error')],
        ['score from which a thing is found', f'{calibration.found_threshold:.3f}'],
        ['pieces of a mask kept', calibration.pieces],
        ['sentences without a target rightly empty, %', share('rightly_empty')],
        ['right masks withheld, %', share('right_withheld')],
        ['wrong masks of targets in view withheld, %', share('wrong_withheld')],
    ])
