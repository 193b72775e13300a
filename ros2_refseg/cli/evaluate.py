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

"""``refseg eval``: score a network."""

import argparse
import json
from pathlib import Path

from ros2_refseg.cli.options import add_command, add_network_options, add_split_options
from ros2_refseg.tables import scores_table


def add_to(commands: argparse._SubParsersAction) -> None:
    """Add the command ``eval``."""
    parser = add_command(
        commands, 'eval', 'Score a network on a data set.',
        'refseg eval --checkpoint acm --data data/tabletop --split test --json scores.json',
    )
    add_network_options(parser)
    parser.add_argument(
        '--data', type=Path, required=True, help='folder in the REFER layout, or with ReferIt'
    )
    add_split_options(parser)
    parser.add_argument(
        '--shuffled', action='store_true',
        help='ask for another object of the same image: how far words matter',
    )
    parser.add_argument('--json', type=Path, help='write the scores to a file')
    parser.set_defaults(run=_eval)


def _eval(args: argparse.Namespace) -> None:
    from ros2_refseg.data.joint import open_dataset
    from ros2_refseg.evaluation import evaluate
    from ros2_refseg.segmenter import PRECISIONS, Segmenter

    segmenter = Segmenter.load(args.checkpoint, args.device, args.precision, 'torch')
    scores = evaluate(
        segmenter.network, segmenter.vocabulary, open_dataset(args.data, args.split, args.split_by),
        PRECISIONS[segmenter.precision], args.threshold, args.shuffled,
        calibration=segmenter.calibration, found_threshold=args.found_threshold,
        pieces=args.pieces,
    )
    print(scores_table(scores))
    if args.json:
        args.json.parent.mkdir(parents=True, exist_ok=True)
        args.json.write_text(json.dumps(scores, indent=2) + '\n')
        print(f'written: {args.json}')
