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

"""Scores as Markdown: for the terminal, and to be pasted into a model card."""

from collections.abc import Iterable, Sequence
from typing import Any

from ros2_refseg.metrics import PRECISION_THRESHOLDS

# As in the paper's Tables 1 and 3: these, in per cent with two decimals.
MEASURES = {
    **{f'prec@{x}': f'prec@{x}' for x in PRECISION_THRESHOLDS},
    'overall_iou': 'overall IoU',
    'mean_iou': 'mean IoU',
}


def markdown_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Make a table whose first column is text and whose others are figures."""
    lines = [columns, ['---', *['---:'] * (len(columns) - 1)], *rows]
    return '\n'.join(f'| {" | ".join(line)} |' for line in lines)


def scores_table(scores: dict[str, Any]) -> str:
    """
    Make from what ``evaluate`` gives the row of the paper's Table 1, the buckets of its Table 2,
    the kinds of sentences and, where there are any, what became of those without a target.
    """
    rows = [(f'{scores["data"]} {scores["split"]}', scores['all'])]
    rows += [(_words(length), score) for length, score in scores['by_length'].items()]
    rows += list(scores['by_form'].items())
    text = markdown_table(
        ['sentences', 'count', *MEASURES.values()],
        [[name, str(score['samples']), *_measures(score)] for name, score in rows],
    )
    if not scores['absent']['samples']:
        return text
    outcomes = (('present', 'rightly_found', 'in view: something found'),
                ('absent', 'rightly_empty', 'not in view: nothing found'))
    return text + '\n\n' + markdown_table(
        ['target', 'count', 'right'],
        [[name, str(scores[kind]['samples']), percent(scores[kind][right])]
         for kind, right, name in outcomes if scores[kind]['samples']],
    )


def percent(value: float) -> str:
    """Write a share in per cent, as the paper does."""
    return f'{100 * value:.2f}'


def _measures(score: dict[str, Any]) -> list[str]:
    return [percent(score[name]) if score['samples'] else '-' for name in MEASURES]


def _words(length: str) -> str:
    return '1 word' if length == '1' else f'{length} words'
