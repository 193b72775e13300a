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

"""What was measured, as tables and as a picture."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ros2_refseg.tables import markdown_table


def tables(report: Mapping[str, Any]) -> str:
    """Make the Markdown tables of a report, which has the keys model, attention or node."""
    parts = [f'{_machine(report["machine"])}\n']
    for result in report.get('model', ()):
        parts += [_title(result), _model(result)]
    if 'attention' in report:
        parts.append(_attention(report['attention']))
    if 'node' in report:
        parts.append(_node(report['node']))
    return '\n'.join(parts)


def plot(report: Mapping[str, Any], path: Path) -> None:
    """
    Draw the times of a report's candidates as bars with their spread.

    :raises ValueError: where matplotlib, the extra ``bench``, is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ValueError(f"--plot '{path}': {error}; pip install matplotlib") from error
    panels = _panels(report)
    figure = Figure(figsize=(9, 1 + 2.4 * len(panels)), layout='constrained')
    axes = figure.subplots(len(panels), squeeze=False)[:, 0]
    for axis, (title, unit, bars) in zip(axes, panels, strict=True):
        names = list(bars)
        values = [bars[name][0] for name in names]
        spread = [[max(bars[name][0] - bars[name][1], 0) for name in names],
                  [max(bars[name][2] - bars[name][0], 0) for name in names]]
        drawn = axis.barh(names, values, xerr=spread, color='#4477aa', ecolor='#333333')
        axis.bar_label(drawn, fmt=' %.1f', label_type='edge', padding=6)
        axis.invert_yaxis()
        axis.set_title(title, loc='left', fontsize=10)
        axis.set_xlabel(unit)
        axis.spines[['top', 'right']].set_visible(False)
    figure.suptitle(_machine(report['machine']), fontsize=8, x=0.01, ha='left')
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)


def _panels(report: Mapping[str, Any]) -> list[tuple[str, str, dict[str, tuple]]]:
    """Give title, unit and, by name, middle, lower and upper end of each panel's bars."""
    panels = []
    for result in report.get('model', ()):
        panels.append((_title(result), 'ms a frame, median and quartiles', {
            name: (times['p50'], times['p25'], times['p75'])
            for name, times in result['times_ms'].items()
        }))
    if 'attention' in report:
        panels.append(('peak memory of the attention', 'MB', {
            f'{method}, {size}': (row['peak_mb'],) * 3
            for size, methods in report['attention'].items()
            for method, row in methods.items() if 'peak_mb' in row
        }))
    if 'node' in report:
        panels.append(('from the stamp of an image to its result', 'ms, median and quartiles', {
            row['image']: tuple(row['latency_ms'][share] for share in ('p50', 'p25', 'p75'))
            for row in report['node'] if row['latency_ms']
        }))
    return panels


def _machine(facts: Mapping[str, Any]) -> str:
    shown = {name: value for name, value in facts.items() if value is not None}
    return ', '.join(f'{name} {value}' for name, value in shown.items())


def _title(result: Mapping[str, Any]) -> str:
    network = result['network']
    height, width = result['image']
    return (f'{network["backbone"]}, {network["coattention"]}, {network["image_size"]}x'
            f'{network["image_size"]}, from a {width}x{height} image')


def _model(result: Mapping[str, Any]) -> str:
    one = result['sentences_ms']['1']['p50']
    several = ', '.join(
        f'{count}: {times["p50"]} ms ({times["p50"] / one:.2f} times one)'
        for count, times in result['sentences_ms'].items()
    )
    peak = result['peak']
    lines = [
        _table(('engine', 'p50 ms', 'quartiles', 'p95', 'times as fast as plain'), (
            (name, times['p50'], f'{times["p25"]} to {times["p75"]}', times['p95'],
             result['faster_than_plain'][name])
            for name, times in result['times_ms'].items()
        )),
        *(f'not as wanted: {name}: {reason}' for name, reason in result['missing'].items()),
        f'\nsentences on one frame, {result["best"]}: {several}',
        f'{peak["gflop"]} GFLOP a frame at {peak["gflop_per_s"]} GFLOP/s, '
        f'{peak["percent"]} % of a matrix product at {peak["matrix_product_gflop_per_s"]}',
        'time by operation: ' + ', '.join(
            f'{name} {share} %' for name, share in result['profile_percent'].items()
        ),
    ]
    if 'accuracy' in result:
        lines.append('\n' + _table(
            ('engine', 'overall IoU', 'mean IoU', 'furthest probability'),
            ((name, *scores.values()) for name, scores in result['accuracy'].items()),
        ))
    return '\n'.join(lines) + '\n'


def _attention(sizes: Mapping[str, Any]) -> str:
    return _table(('features', 'method', 'peak MB', 'ms'), (
        (size, method, row.get('peak_mb', row.get('failed')), row.get('ms', ''))
        for size, methods in sizes.items() for method, row in methods.items()
    ))


def _node(rows: list[Mapping[str, Any]]) -> str:
    columns = ('images', 'latency p50 ms', 'p95', 'engine back to back', 'engine at this rate',
               'overhead over that', 'answered Hz', 'not answered', 'CPU of the node',
               'parameter set, slowest ms')
    return _table(columns, (
        (row['image'], row['latency_ms'].get('p50'), row['latency_ms'].get('p95'),
         row['engine_back_to_back_ms'], row['engine_ms'], row['overhead_ms'], row['rate'],
         row['not_answered'], f'{row["cpu_percent"]} %', row['slowest_parameter_ms'])
        for row in rows
    ))


def _table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    return markdown_table(columns, ([str(cell) for cell in row] for row in rows))
