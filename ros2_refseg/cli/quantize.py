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

"""``refseg quantize``: ranges for int8, for CPUs that are made for it."""

import argparse
from pathlib import Path

from ros2_refseg.cli.options import add_command, add_split_options


def add_to(commands: argparse._SubParsersAction) -> None:
    """Add the command ``quantize``."""
    parser = add_command(
        commands, 'quantize',
        'Find what ranges of numbers a checkpoint needs in int8, which CPUs with VNNI multiply '
        'fastest, and write them into it.',
        'refseg quantize --checkpoint runs/acm/checkpoint.safetensors --data data/tabletop',
    )
    parser.add_argument('--checkpoint', required=True, help='.safetensors file, or acm or vcm')
    parser.add_argument(
        '--data', type=Path, required=True,
        help='data set of images like those that the robot sees; masks are not looked at',
    )
    add_split_options(parser)
    parser.add_argument('--out', type=Path, help='checkpoint to write (default: the one read)')
    parser.add_argument('--samples', type=int, default=300, help='sentences of --data to watch')
    parser.set_defaults(run=_quantize)


def _quantize(args: argparse.Namespace) -> None:
    if args.samples < 1:
        raise ValueError(f'--samples {args.samples} is no number of sentences; give 1 or more')

    from ros2_refseg.checkpoint import Checkpoint, resolve_checkpoint
    from ros2_refseg.data.joint import open_dataset
    from ros2_refseg.quantization import quantize

    path = resolve_checkpoint(args.checkpoint)
    dataset = open_dataset(args.data, args.split, args.split_by)
    try:
        checkpoint = Checkpoint.load(path, leave_out=['int8_ranges'])
        quantized = quantize(checkpoint, dataset, args.samples)
    except ImportError as error:
        raise ValueError(f'{error}; pip install openvino onnx') from error
    quantized.save(args.out or path)
    print(f'written: {args.out or path}, with {len(quantized.int8_ranges)} ranges')
