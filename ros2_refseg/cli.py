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

"""The command ``refseg``: segment a picture, train, evaluate, make data."""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from ros2_refseg.metrics import PRECISION_THRESHOLDS

# Torch and the simulator are imported by the commands that need them, so that --help is quick.


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; an error that the user can mend is one line on stderr and exit status 2."""
    parser = build_parser()
    args = parser.parse_args(arguments)
    try:
        args.run(args)
    except (ValueError, OSError) as error:
        print(f'refseg {args.command}: {error}', file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


def build_parser() -> argparse.ArgumentParser:
    """Make the parser with all sub-commands."""
    parser = argparse.ArgumentParser(
        prog='refseg', description='Referring image segmentation with CEFNet: say it, get its mask.'
    )
    commands = parser.add_subparsers(dest='command', required=True, metavar='COMMAND')
    _add_segment(commands)
    _add_train(commands)
    _add_eval(commands)
    _add_data(commands)
    return parser


class _HelpFormatter(argparse.ArgumentDefaultsHelpFormatter):
    """Shows the defaults that say something."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        return action.help if action.default in (None, False) else super()._get_help_string(action)


def _add_command(
    commands: argparse._SubParsersAction, name: str, summary: str, example: str
) -> argparse.ArgumentParser:
    return commands.add_parser(
        name, help=summary, description=summary, epilog=f'example: {example}',
        formatter_class=_HelpFormatter,
    )


def _add_network_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        '--checkpoint', default='acm', help='bundled network (acm, vcm) or a .safetensors file'
    )
    _add_device_option(parser)
    parser.add_argument('--precision', default='auto', help='auto, fp32, bf16 or fp16')
    parser.add_argument(
        '--threshold', type=float, default=0.5, help='probability at which the mask is cut'
    )


def _add_device_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('--device', default='auto', help='auto, cpu, cuda or cuda:N')


def _add_segment(commands: argparse._SubParsersAction) -> None:
    parser = _add_command(
        commands, 'segment', 'Segment what a sentence means in a picture.',
        'refseg segment table.jpg "the red mug on the left" --out overlay.png',
    )
    parser.add_argument('image', type=Path, help='picture in any format that OpenCV reads')
    parser.add_argument('sentence', help='what to segment')
    _add_network_options(parser)
    parser.add_argument('--out', type=Path, help='write the picture with the result drawn into it')
    parser.add_argument('--mask', type=Path, help='write the mask, 255 inside and 0 outside')
    parser.set_defaults(run=_segment)


def _segment(args: argparse.Namespace) -> None:
    import cv2

    from ros2_refseg.overlay import draw_overlay
    from ros2_refseg.segmenter import Segmenter

    picture = cv2.imread(str(args.image), cv2.IMREAD_COLOR)
    if picture is None:
        raise ValueError(f"'{args.image}' is not a readable picture")
    image = cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)
    segmenter = Segmenter.load(args.checkpoint, args.device, args.precision)
    segmenter.threshold = args.threshold
    result = segmenter.segment(image, args.sentence)
    if result.unknown_words:
        print(f'unknown words: {", ".join(result.unknown_words)}')
    if result.found:
        x, y, width, height = result.box
        print(f'found, score {result.score:.2f}, {int((result.mask > 0).sum())} pixels in the box '
              f'x {x}, y {y}, width {width}, height {height}')
    else:
        print('not found')
    for path, pixels in (
        (args.out, cv2.cvtColor(draw_overlay(image, result), cv2.COLOR_RGB2BGR)),
        (args.mask, result.mask),
    ):
        if path:
            _write_picture(path, pixels)


def _write_picture(path: Path, pixels) -> None:
    import cv2

    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        written = cv2.imwrite(str(path), pixels)
    except cv2.error as error:  # a suffix that no encoder knows
        raise ValueError(f"'{path}' cannot be written: {error.err}; try a .png") from error
    if not written:
        raise OSError(f"'{path}' could not be written")
    print(f'written: {path}')


def _add_train(commands: argparse._SubParsersAction) -> None:
    parser = _add_command(
        commands, 'train', 'Train a network; the same command again resumes an interrupted run.',
        'refseg train config/train/tabletop_start.yaml --data data/tabletop --out runs/start',
    )
    parser.add_argument('config', type=Path, help='YAML file with the fields of TrainingConfig')
    parser.add_argument(
        '--data', type=Path, required=True,
        help='REFER data set with a split train; a split val is scored on the way',
    )
    parser.add_argument(
        '--out', type=Path, help='folder of the run (default: runs/ and the name of CONFIG)'
    )
    _add_device_option(parser)
    parser.set_defaults(run=_train)


def _train(args: argparse.Namespace) -> None:
    from ros2_refseg.training import Trainer
    from ros2_refseg.training_config import TrainingConfig

    out = args.out or Path('runs') / args.config.stem
    checkpoint = Trainer(TrainingConfig.load(args.config), args.data, out, args.device).run()
    print(f'written: {checkpoint}')


def _add_eval(commands: argparse._SubParsersAction) -> None:
    parser = _add_command(
        commands, 'eval', 'Score a network on a data set in the REFER layout.',
        'refseg eval --checkpoint acm --data data/tabletop --split test --json scores.json',
    )
    _add_network_options(parser)
    parser.add_argument(
        '--data', type=Path, required=True, help='folder with refs(...).p and instances.json'
    )
    parser.add_argument('--split', default='val', help="train, val, test, testA ... or 'all'")
    parser.add_argument('--split-by', help='unc, google, umd ..., where there are several')
    parser.add_argument(
        '--shuffled', action='store_true',
        help='ask for another object of the same image: how far words matter',
    )
    parser.add_argument('--json', type=Path, help='write the scores to a file')
    parser.set_defaults(run=_eval)


def _eval(args: argparse.Namespace) -> None:
    from ros2_refseg.data.refer import ReferDataset
    from ros2_refseg.evaluation import evaluate
    from ros2_refseg.segmenter import PRECISIONS, Segmenter

    segmenter = Segmenter.load(args.checkpoint, args.device, args.precision)
    scores = evaluate(
        segmenter.network, segmenter.vocabulary, ReferDataset(args.data, args.split, args.split_by),
        PRECISIONS[segmenter.precision], args.threshold, args.shuffled,
    )
    print(format_scores(scores))
    if args.json:
        args.json.parent.mkdir(parents=True, exist_ok=True)
        args.json.write_text(json.dumps(scores, indent=2) + '\n')
        print(f'written: {args.json}')


def format_scores(scores: dict) -> str:
    """Make the table that ``refseg eval`` prints, in per cent, from what ``evaluate`` gives."""
    precisions = [f'prec@{threshold}' for threshold in PRECISION_THRESHOLDS]
    columns = ['overall_iou', 'mean_iou', *precisions]
    lines = ['| sentences | count | overall IoU | mean IoU | '
             + ' | '.join(f'P@{threshold}' for threshold in PRECISION_THRESHOLDS) + ' |',
             '|---|' + '---:|' * (len(columns) + 1)]
    rows = [('all', scores['all'])]
    rows += [(f'{length} words', score) for length, score in scores['by_length'].items()]
    rows += list(scores['by_form'].items())
    for name, score in rows:
        cells = [f'{100 * score[column]:.1f}' for column in columns] if score['samples'] else []
        lines.append(f'| {" | ".join([name, str(score["samples"]), *cells])} |')
    return '\n'.join(lines)


def _add_data(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser('data', help='Make data to train on and to evaluate with.')
    sources = parser.add_subparsers(dest='source', required=True, metavar='SOURCE')
    tabletop = _add_command(
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


def _data_tabletop(args: argparse.Namespace) -> None:
    from ros2_refseg.data.tabletop.generate import generate

    generate(
        args.out, args.scenes, args.seed, args.split, args.workers, args.width, args.height
    )
