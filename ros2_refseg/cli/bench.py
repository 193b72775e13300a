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

"""``refseg bench``: speed of the network, memory of the attention, latency of the node."""

import argparse
import json
import subprocess
import sys
from pathlib import Path

from ros2_refseg.bundled import DEFAULT
from ros2_refseg.cli.options import (
    add_command,
    add_device_option,
    positive_integer,
    positive_number,
)


def add_to(commands: argparse._SubParsersAction) -> None:
    """Add the command ``bench`` with what it can measure."""
    parser = commands.add_parser('bench', help='Measure speed, memory and latency.')
    subjects = parser.add_subparsers(dest='subject', required=True, metavar='SUBJECT')
    _add_model(subjects)
    _add_attention(subjects)
    _add_node(subjects)
    table = add_command(
        subjects, 'table', 'Print what was measured before.',
        'refseg bench table docs/benchmarks/*.json',
    )
    table.add_argument('reports', type=Path, nargs='+', help='files that --json wrote')
    table.set_defaults(run=_table)


def _add_model(subjects: argparse._SubParsersAction) -> None:
    parser = add_command(
        subjects, 'model', 'Engines side by side, from a uint8 image to a uint8 mask.',
        'refseg bench model --preset edge paper --coattention acm --size 320 --json model.json',
    )
    parser.add_argument(
        '--checkpoint', help='a trained network instead of presets; needed for --data'
    )
    parser.add_argument('--preset', nargs='+', default=['edge'], help='edge, paper')
    parser.add_argument('--coattention', nargs='+', default=['acm'], help='acm, vcm, none')
    parser.add_argument(
        '--size', type=positive_integer, nargs='+', default=[320], help="network's side, pixels"
    )
    parser.add_argument('--image', default='640x480', help="the camera's, WIDTHxHEIGHT in pixels")
    parser.add_argument(
        '--repeats', type=positive_integer, default=30, help='rounds that count'
    )
    parser.add_argument(
        '--everything', action='store_true',
        help='ONNX Runtime, torch.compile and imitated bf16 too; CPU only',
    )
    parser.add_argument('--data', type=Path, help='REFER data set to compare IoU of engines on')
    parser.add_argument('--split', default='test', help='split of --data')
    parser.add_argument(
        '--samples', type=positive_integer, default=500, help='sentences of --data'
    )
    add_device_option(parser)
    _add_outputs(parser)
    parser.set_defaults(run=_model)


def _add_attention(subjects: argparse._SubParsersAction) -> None:
    parser = add_command(
        subjects, 'attention', "Memory and time of the co-attentions, the paper's Table 5.",
        'refseg bench attention --json attention.json',
    )
    parser.add_argument(
        '--size', type=positive_integer, nargs='+', help='sides of the maps (default: 20 40 96)'
    )
    parser.add_argument('--backward', action='store_true', help='with the gradient, as in training')
    add_device_option(parser)
    _add_outputs(parser)
    parser.set_defaults(run=_attention)


def _add_node(subjects: argparse._SubParsersAction) -> None:
    parser = add_command(
        subjects, 'node', 'From the stamp of an image to its result, over DDS between processes.',
        'refseg bench node --image 640x480 1280x720 --seconds 20 --json node.json',
    )
    parser.add_argument('--checkpoint', default=DEFAULT, help='what the node is given')
    parser.add_argument('--backend', default='auto', help='what the node is given')
    parser.add_argument(
        '--image', nargs='+', default=['640x480', '1280x720'], help='WIDTHxHEIGHT in pixels'
    )
    parser.add_argument('--rate', type=positive_number, default=30.0, help='images a second')
    parser.add_argument(
        '--seconds', type=positive_number, default=20.0, help='of each size of image'
    )
    add_device_option(parser)
    _add_outputs(parser)
    parser.set_defaults(run=_node)


def _add_outputs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('--json', type=Path, help='write what was measured to a file')
    parser.add_argument('--plot', type=Path, help='draw it, to a .png (needs matplotlib)')


def _model(args: argparse.Namespace) -> None:
    import torch

    from ros2_refseg.bench.model import bench_model
    from ros2_refseg.bench.timing import machine
    from ros2_refseg.cefnet import CEFNet, CEFNetConfig
    from ros2_refseg.checkpoint import Checkpoint, choose_device, resolve_checkpoint

    if args.data and not args.checkpoint:
        raise ValueError('--data needs --checkpoint: a preset has not learned anything')
    device = choose_device(args.device)
    facts, results, int8_ranges = machine(device), [], None
    if args.checkpoint:
        checkpoint = Checkpoint.load(resolve_checkpoint(args.checkpoint))
        networks, int8_ranges = [checkpoint.network], checkpoint.int8_ranges or {}
    else:
        torch.manual_seed(0)
        networks = (
            CEFNet(CEFNetConfig.from_preset(
                preset, vocabulary_size=1000, coattention=coattention, image_size=size
            ))
            for preset in args.preset for coattention in args.coattention for size in args.size
        )
    for network in networks:
        samples = ()
        if args.data:
            from ros2_refseg.bench.accuracy import samples_of
            from ros2_refseg.data.joint import open_dataset

            dataset = open_dataset(args.data, args.split)
            samples = samples_of(dataset, checkpoint.vocabulary, args.samples)
        results.append(bench_model(
            network, device, _size(args.image), args.repeats, args.everything, int8_ranges,
            samples,
        ))
    _report(args, {'machine': facts, 'model': results})


def _attention(args: argparse.Namespace) -> None:
    from ros2_refseg.bench.attention import SIZES, bench_attention
    from ros2_refseg.bench.timing import machine
    from ros2_refseg.checkpoint import choose_device

    device = choose_device(args.device)
    results = bench_attention(str(device), tuple(args.size or SIZES), args.backward)
    _report(args, {'machine': machine(device), 'attention': results})


def _node(args: argparse.Namespace) -> None:
    from ros2_refseg.bench.timing import machine
    from ros2_refseg.checkpoint import choose_device

    facts = machine(choose_device(args.device))
    results = [
        _in_ros({
            'checkpoint': args.checkpoint, 'device': args.device, 'backend': args.backend,
            'size': _size(image), 'rate': args.rate, 'seconds': args.seconds,
        })
        for image in args.image
    ]
    _report(args, {'machine': facts, 'node': results})


def _in_ros(arguments: dict) -> dict:
    """Run the part that needs ROS 2, which this command must not, in a process of its own."""
    # Without the current folder on its path: in a source tree the messages are elsewhere.
    code = ('import sys; sys.path[:] = [path for path in sys.path if path]; '
            'from ros2_refseg.nodes.benchmark import main; main()')
    finished = subprocess.run(
        [sys.executable, '-c', code, json.dumps(arguments)], stdout=subprocess.PIPE, text=True
    )
    if finished.returncode:
        raise ValueError('the node could not be measured, the reason is above; it needs ROS 2 and '
                         'this package built and sourced, see CONTRIBUTING.md')
    return json.loads(finished.stdout.splitlines()[-1])


def _table(args: argparse.Namespace) -> None:
    from ros2_refseg.bench.report import tables

    for path in args.reports:
        try:
            printed = tables(json.loads(path.read_text()))
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise ValueError(
                f"'{path}' is no report that refseg bench --json wrote: "
                f'{type(error).__name__}: {error}'
            ) from error
        print(f'{path}: {printed}')


def _report(args: argparse.Namespace, report: dict) -> None:
    from ros2_refseg.bench.report import plot, tables

    print(tables(report))
    if args.json:
        args.json.parent.mkdir(parents=True, exist_ok=True)
        args.json.write_text(json.dumps(report, indent=1) + '\n')
        print(f'written: {args.json}')
    if args.plot:
        plot(report, args.plot)
        print(f'written: {args.plot}')


def _size(image: str) -> tuple[int, int]:
    """Turn WIDTHxHEIGHT into height and width."""
    width, _, height = image.partition('x')
    if not (width.isdecimal() and height.isdecimal() and int(width) and int(height)):
        raise ValueError(f'--image {image!r} is not WIDTHxHEIGHT, as in 640x480')
    return int(height), int(width)
