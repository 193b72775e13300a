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

"""Options that several commands share."""

import argparse

from ros2_refseg.bundled import DEFAULT
from ros2_refseg.confidence import PIECES


class _HelpFormatter(argparse.ArgumentDefaultsHelpFormatter):
    """Shows the defaults that say something."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        return action.help if action.default in (None, False) else super()._get_help_string(action)


def add_command(
    commands: argparse._SubParsersAction, name: str, summary: str, example: str
) -> argparse.ArgumentParser:
    """Add a sub-command with a one-line summary and an example."""
    return commands.add_parser(
        name, help=summary, description=summary, epilog=f'example: {example}',
        formatter_class=_HelpFormatter,
    )


def positive_integer(text: str) -> int:
    """Read a whole number from 1 on, for argparse."""
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f'{text!r} is no whole number from 1 on')
    return int(text)


def positive_number(text: str) -> float:
    """Read a finite number above 0, for argparse."""
    number = _number(text)
    if not 0 < number < float('inf'):
        raise argparse.ArgumentTypeError(f'{text!r} is no number above 0')
    return number


def share(text: str) -> float:
    """Read a probability, a score or a share, from 0 to 1, for argparse."""
    number = _number(text)
    if not 0 <= number <= 1:
        raise argparse.ArgumentTypeError(f'{text!r} is no number from 0 to 1')
    return number


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float('nan')  # which is within no bounds


def add_network_options(
    parser: argparse.ArgumentParser, precisions: str = 'auto, fp32, bf16 or fp16'
) -> None:
    """Add what a Segmenter takes: network, device, and how its probabilities become a mask."""
    parser.add_argument(
        '--checkpoint', default=DEFAULT, help='bundled network (acm, vcm) or a .safetensors file'
    )
    add_device_option(parser)
    parser.add_argument('--precision', default='auto', help=precisions)
    parser.add_argument(
        '--threshold', type=share, default=0.5, help='probability at which the mask is cut'
    )
    parser.add_argument(
        '--pieces', default='auto', choices=PIECES,
        help='what to keep of a mask in several pieces; auto is as the network was calibrated',
    )
    parser.add_argument(
        '--found-threshold', type=share,
        help="score from which an answer counts as found, 0 for any mask (default: the network's)",
    )


def add_device_option(parser: argparse.ArgumentParser) -> None:
    """Add --device."""
    parser.add_argument('--device', default='auto', help='auto, cpu, cuda or cuda:N')


def add_split_options(parser: argparse.ArgumentParser) -> None:
    """Add --split and --split-by, the part of --data that is meant."""
    parser.add_argument('--split', default='val', help="train, val, test, testA ... or 'all'")
    parser.add_argument('--split-by', help='unc, google, umd ..., where there are several')
