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


"""Checking data sets before hours are spent on training: what is there, and what is missing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ros2_refseg.data.dataset import ReferringDataset, is_training_split
from ros2_refseg.data.pictures import identify_image, walk
from ros2_refseg.data.published import Published, Size, find_published
from ros2_refseg.data.refer import ReferDataset, list_references, split_by_of
from ros2_refseg.data.referit import QUERIES_DEPTH as DEPTH
from ros2_refseg.data.referit import ReferItDataset, find_queries

LISTED = 5
"""So many missing files are named; the rest is counted."""


@dataclass
class Report:
    """What was found of one data set; it can be trained on if there are no ``problems``."""

    path: Path
    title: str = 'data set'
    sizes: dict[str, Size] = field(default_factory=dict)
    published: Published | None = None
    found: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def missing_splits(self) -> list[str]:
        """Name the splits that were published and are not there."""
        published = self.published.splits if self.published else ()
        return [split for split in published if split not in self.sizes]

    def format(self) -> str:
        """Write it for a terminal."""
        lines = [f'{self.title}: {self.path}']
        if self.sizes:
            header = f'{"split":9}{"images":>9}{"references":>12}{"sentences":>11}'
            lines.append(f'  {header}   published')
        for split, size in self.sizes.items():
            published = '-'
            if self.published and split in self.published.splits:
                expected = self.published.splits[split]
                published = 'the same' if size == expected else ' / '.join(
                    f'{number:,}' for number in expected)
            lines.append(f'  {split:9}{size.images:9,}{size.references:12,}{size.sentences:11,}'
                         f'   {published}')
        lines += [f'  {entry}' for entry in self.found]
        lines += [f'  note: {entry}' for entry in self.notes]
        lines += [f'  PROBLEM: {entry}' for entry in self.problems]
        return '\n'.join(lines)


def check_data(data: Path | str, tried: int = 100) -> list[Report]:
    """
    Look at every data set in a folder: one in the REFER layout, a root of several, or ReferIt.

    :param tried: pictures and masks to read of each, evenly spread.
    :raises FileNotFoundError: when there is none at all.
    """
    data = Path(data)
    if not data.exists():
        raise FileNotFoundError(f'no folder {data}')
    reports = [report for path in _refer_folders(data) for report in _check_folder(path, tried)]
    if data.is_dir():
        try:
            queries = find_queries(data)
        except FileNotFoundError:
            pass
        else:
            reports.append(_check(
                queries, lambda split: ReferItDataset(data, split, allow_missing=True), tried))
    if not reports:
        raise FileNotFoundError(
            f'no data set in {data}: looked in it and {DEPTH} folders down for the REFER layout '
            '(refs(<split_by>).p and instances.json) and for ReferIt (referit_query_<split>.json)')
    return reports


def _refer_folders(data: Path) -> list[Path]:
    """List what may be data sets in the REFER layout, complete or not; a file is one itself."""
    if data.is_file():
        return [data]
    return [folder for folder, names in walk([data], DEPTH)
            if 'instances.json' in names or list_references(folder)]


def _check_folder(path: Path, tried: int) -> list[Report]:
    files = [path] if path.is_file() else list_references(path)
    if not files:
        return [Report(path, problems=[
            f'missing: the references; looked for refs(<split_by>).p, grefs(<split_by>).json and '
            f'refs.json in {path}'])]
    return [
        _check(file, lambda split, file=file: ReferDataset(file, split, allow_missing=True), tried)
        for file in files]


def _check(path: Path, open_split: Callable[[str], ReferringDataset], tried: int) -> Report:
    report = Report(path)
    try:
        dataset = open_split('all')
    except (ValueError, OSError) as error:
        report.problems.append(str(error))
        return report
    report.published = find_published(dataset.name, split_by_of(path))
    report.title = report.published.title if report.published else f'data set {dataset.name}'
    _count(report, dataset)
    if isinstance(dataset, ReferItDataset):
        _count_double_splits(report, dataset, open_split)
    _compare_with_published(report)
    _check_pictures(report, dataset, tried)
    _check_masks(report, dataset, tried)
    if not any(is_training_split(split) for split in report.sizes):
        report.notes.append('there is no split train: good for refseg eval only')
    elif 'val' not in report.sizes:
        report.notes.append('there is no split val: training will not score itself on the way')
    return report


def _count(report: Report, dataset: ReferringDataset) -> None:
    for split in sorted(dataset.splits, key=_order):
        size = _size_of(dataset, split)
        if size.sentences:
            report.sizes[split] = size
    absent = sum(len(reference.sentences) for reference in dataset.references if reference.absent)
    if absent:
        report.found.append(f'{absent:,} of the sentences speak of what the picture does not show')
    if dataset.wordless:
        report.notes.append(
            f'{len(dataset.wordless):,} sentences without a word are left out, the first is '
            f'{dataset.wordless[0][1]!r}')
    seen = {is_training: {
        identify_image(dataset.image_of(reference).path) for reference in dataset.references
        if is_training_split(reference.split) == is_training} for is_training in (True, False)}
    shared = len(seen[True] & seen[False])
    if shared:
        report.notes.append(
            f'{shared:,} pictures are in a split to train on and in another one as well')


def _size_of(dataset: ReferringDataset, split: str) -> Size:
    rows = [reference for reference, _ in (*dataset.samples, *dataset.wordless)
            if reference.split == split]
    return Size(len({reference.image_id for reference in rows}),
                len({reference.ref_id for reference in rows}), len(rows))


def _count_double_splits(
    report: Report, dataset: ReferItDataset, open_split: Callable[[str], ReferringDataset],
) -> None:
    """Count the splits that 'all' leaves out; they have files of their own that may be damaged."""
    for split in sorted(dataset.double_splits):
        try:
            report.sizes[split] = _size_of(open_split(split), split)
        except (ValueError, OSError) as error:
            report.problems.append(f'split {split}: {error}')
    report.sizes = {split: report.sizes[split] for split in sorted(report.sizes, key=_order)}


def _order(split: str) -> int:
    known = ('train', 'trainval', 'val')
    return known.index(split) if split in known else len(known)


def _compare_with_published(report: Report) -> None:
    if report.published and any(
            size != report.published.splits.get(split) for split, size in report.sizes.items()):
        report.notes.append('this is not the whole data set as it was published, or not that one')
    if report.missing_splits:
        report.notes.append(
            f'of the splits that were published, {", ".join(report.missing_splits)} '
            f'{"is" if len(report.missing_splits) == 1 else "are"} not there')


def _check_pictures(report: Report, dataset: ReferringDataset, tried: int) -> None:
    there = len(dataset.images) - len(dataset.missing)
    report.found.append(f'{there:,} of {len(dataset.images):,} pictures are there')
    if dataset.missing:
        report.problems.append(_missing('pictures', dataset.missing, dataset.places))
    missing = set(dataset.missing)
    images = [image for image in dataset.images if str(image.path) not in missing]
    _try(report, 'pictures', images, tried, dataset.read_image)


def _check_masks(report: Report, dataset: ReferringDataset, tried: int) -> None:
    references = [reference for reference in dataset.references if not reference.absent]
    if isinstance(dataset, ReferItDataset):
        missing = dataset.missing_masks()
        report.found.append(
            f'{len(references) - len(missing):,} of {len(references):,} masks are there')
        if missing:
            report.problems.append(_missing('masks', missing, dataset.places))
        gone = set(missing)
        references = [reference for reference in references
                      if f'{reference.annotation["id"]}.mat' not in gone]
    _try(report, 'masks', references, tried, dataset.mask)


def _missing(what: str, names: Sequence[str], places: str) -> str:
    more = f' and {len(names) - LISTED:,} more' if len(names) > LISTED else ''
    return f'missing {what}: {", ".join(names[:LISTED])}{more}; looked in {places}'


def _try(report: Report, what: str, things: Sequence, tried: int, read: Callable) -> None:
    """Read some things, evenly spread; an empty mask is read but no use."""
    if not things or not tried:
        return
    chosen = np.unique(np.linspace(0, len(things) - 1, tried).round().astype(int))
    empty, failures = 0, []
    for number in chosen:
        try:
            empty += not read(things[number]).any()
        except ValueError as error:
            failures.append(str(error))
    report.found.append(f'{len(chosen) - len(failures)} of {len(chosen)} {what} tried can be read')
    if empty and what == 'masks':
        report.problems.append(f'{empty} of {len(chosen)} masks tried are empty')
    more = f' ({len(failures) - 1} more of these)' if len(failures) > 1 else ''
    if failures:
        report.problems.append(failures[0] + more)
