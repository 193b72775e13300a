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

"""
The command ``refseg``, one module for each sub-command.

Torch and the simulator are imported where a command runs, so that --help is quick.
"""

import argparse
import sys
from collections.abc import Sequence

from ros2_refseg.cli import (
    ablate,
    bench,
    calibrate,
    data,
    evaluate,
    export,
    quantize,
    segment,
    train,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Run a command and give its exit status: 0, or what the command says.

    An error that the user can mend is one line on stderr and exit status 2.
    """
    parser = build_parser()
    args = parser.parse_args(arguments)
    try:
        return args.run(args) or 0
    except ModuleNotFoundError as error:  # what only some commands need
        print(
            f'refseg {args.command}: {error}; install that package with pip, or, in a virtual '
            "environment, what all commands need: pip install '.[simulator,openvino,bench]' in the "
            'source folder', file=sys.stderr,
        )
        return 2
    except (ValueError, OSError) as error:
        print(f'refseg {args.command}: {error}', file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def build_parser() -> argparse.ArgumentParser:
    """Make the parser with all sub-commands."""
    parser = argparse.ArgumentParser(
        prog='refseg', description='Referring image segmentation with CEFNet: say it, get its mask.'
    )
    commands = parser.add_subparsers(dest='command', required=True, metavar='COMMAND')
    for command in (
        segment, train, ablate, evaluate, calibrate, data, export, quantize, bench
    ):
        command.add_to(commands)
    return parser
