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

"""``refseg export``: a network for other runtimes."""

import argparse
from pathlib import Path

from ros2_refseg.bundled import DEFAULT
from ros2_refseg.cli.options import add_command


def add_to(commands: argparse._SubParsersAction) -> None:
    """Add the command ``export``."""
    parser = add_command(
        commands, 'export',
        'Write a network as ONNX: one file for frames, one for sentences, one that explains them.',
        'refseg export --checkpoint acm --out acm.onnx',
    )
    parser.add_argument(
        '--checkpoint', default=DEFAULT, help='bundled network (acm, vcm) or a .safetensors file'
    )
    parser.add_argument('--out', type=Path, required=True, help='the file for frames, *.onnx')
    parser.set_defaults(run=_export)


def _export(args: argparse.Namespace) -> None:
    from ros2_refseg.checkpoint import Checkpoint, resolve_checkpoint
    from ros2_refseg.export import export_checkpoint

    if args.out.suffix != '.onnx':
        raise ValueError(f"--out '{args.out}' does not end in .onnx")
    checkpoint = Checkpoint.load(resolve_checkpoint(args.checkpoint))
    try:
        written = export_checkpoint(checkpoint, args.out)
    except ImportError as error:
        raise ValueError(f'{error}; pip install onnx') from error
    for path in written:
        print(f'written: {path}')
