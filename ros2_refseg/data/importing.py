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
Importing pictures of your own, with masks and sentences, into the REFER layout.

What labelme wrote is read by ``labelme``, tables of sentences by ``sentence_table``; what they give
is checked here first and then written.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from ros2_refseg.data.labelme import read_labelme
from ros2_refseg.data.own_picture import (
    SPLITS,
    OwnPicture,
    Saying,
    require_word,
    split_of_folder,
)
from ros2_refseg.data.refer import NewReference, ReferWriter, encode_mask
from ros2_refseg.data.sentence_table import read_sentences
from ros2_refseg.data.vocabulary import MAX_WORDS, tokenize

SPLIT_BY = 'refseg'
JPEG_QUALITY = 95

KEPT_AS_THEY_ARE = ('.jpg', '.jpeg', '.png')
LISTED = 20
"""So many problems are named; the rest is counted."""


@dataclass
class ImportResult:
    """What was written, and what whoever imports should know."""

    counts: dict[str, tuple[int, int]]
    """Pictures and sentences of each split."""
    notes: list[str]
    problems: list[str]
    """What was skipped."""


def import_folder(
    folder: Path, out: Path, sentences: Path | None = None, coco: Path | None = None,
    val: float = 0.1, test: float = 0.1, skip: bool = False,
) -> ImportResult:
    """
    Write the pictures of a folder as a data set named like the folder ``out``.

    What is said of them is read from labelme's JSON files in it and below, and from the table
    ``sentences``, whose masks may be annotations of ``coco``; see read_labelme and read_sentences.

    A picture's split is the one it comes with, or that of its folder if that is called train, val
    or test; of the others about the shares ``val`` and ``test`` are held out. A hash of its name
    decides on each by itself, so that more pictures do not move those of an earlier import.

    :param skip: leave out what has a problem; otherwise nothing is written if there is any.
    :raises ValueError: listing the problems, and when nothing is left to write.
    :raises FileNotFoundError: when a folder or file is not there.
    :raises FileExistsError: when ``out`` exists and is not empty.
    """
    if val < 0 or test < 0 or val + test >= 1:
        raise ValueError(f'val {val} and test {test} leave nothing to train on')
    if not folder.is_dir():
        raise FileNotFoundError(f'no folder {folder}')
    problems: list[str] = []
    pictures = read_labelme(folder, problems)
    if sentences:
        pictures += read_sentences(sentences, folder, coco, problems)
    pictures = _merge(pictures)
    if not pictures and not problems:
        raise ValueError(
            f'nothing is said of the pictures in {folder}: it holds no JSON file of labelme, '
            + (f'and {sentences} no row' if sentences else 'and no table is given (--sentences)'))
    ready = [entry for entry in (_prepare(picture, problems) for picture in pictures) if entry]
    problems += _double_names(ready)
    if problems and not skip:
        more = f'\n  and {len(problems) - LISTED} more' if len(problems) > LISTED else ''
        raise ValueError(
            f'{len(problems)} things to mend before anything is written (--skip leaves them out):'
            '\n  ' + '\n  '.join(problems[:LISTED]) + more)
    if not ready:
        raise ValueError('no picture with a sentence is left to write')
    categories = sorted({reference.category for entry in ready for reference in entry.references
                         if reference.rle})
    writer = ReferWriter(out, out.resolve().name, SPLIT_BY, categories)
    splits = _choose_splits(ready, val, test)
    for entry, split in zip(ready, splits, strict=True):
        writer.add(entry.name, entry.encode(), entry.size, split, entry.references)
    writer.close()
    return ImportResult(_count(ready, splits), _notes(pictures, ready), problems)


def _merge(pictures: Sequence[OwnPicture]) -> list[OwnPicture]:
    """
    Put together what several files say of the same picture.

    Files of labelme that name one picture may hold different ones; a file that holds none speaks of
    the one that others hold, if they agree.
    """
    digests: defaultdict[Path, set[str]] = defaultdict(set)
    for picture in pictures:
        if picture.content:
            digests[picture.path.resolve()].add(picture.digest)
    known: dict[tuple[Path, str], OwnPicture] = {}
    for other in pictures:
        path, digest = other.path.resolve(), other.digest
        if not digest and len(digests[path]) == 1:
            (digest,) = digests[path]
        same = known.setdefault((path, digest), other)
        if same is not other:
            same.content, same.digest = same.content or other.content, digest
            same.sayings += other.sayings
            same.split, same.size = other.split or same.split, same.size or other.size
    return list(known.values())


@dataclass
class _Ready:
    """A picture that passed: its name to write, size, references, and whether pixels are turned."""

    picture: OwnPicture
    name: str
    size: tuple[int, int]
    references: list[NewReference]
    as_it_is: bool

    def encode(self) -> bytes:
        content = self.picture.read()
        if self.as_it_is:
            return content
        pixels, _ = _decode(content, self.size)
        suffix = Path(self.name).suffix
        quality = [] if suffix == '.png' else [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
        return cv2.imencode(suffix, pixels, quality)[1].tobytes()


def _prepare(picture: OwnPicture, problems: list[str]) -> _Ready | None:
    """Read a picture and draw its masks; what cannot be goes to ``problems``."""
    if not picture.sayings:
        return None
    try:
        pixels, turned = _decode(picture.read(), picture.size)
    except (ValueError, OSError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        problems.append(f'{picture.name}: {reason} ({picture.path})')
        return None
    size = pixels.shape[:2]
    references = []
    for saying in picture.sayings:
        try:
            references.append(_reference(saying, size))
        except ValueError as error:
            problems.append(f'{saying.place}: {error}')
    if not references:
        return None
    suffix = Path(picture.name).suffix.lower()
    kept = suffix in KEPT_AS_THEY_ARE
    name = Path(picture.name).with_suffix(suffix if kept else '.png').as_posix()
    return _Ready(picture, name.replace('/', '_'), size, references, kept and not turned)


def _decode(content: bytes, size: tuple[int, int] | None) -> tuple[np.ndarray, bool]:
    """
    Decode a picture upright, or as it is stored if that is the ``size`` that is expected.

    :return: BGR pixels, and whether they differ from those that are stored (EXIF orientation).
    """
    data = np.frombuffer(content, np.uint8)
    upright = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
    if upright is None:
        raise ValueError('no picture that OpenCV can read; save it as JPEG or PNG')
    stored = cv2.imdecode(data, cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    for pixels in (upright, stored):
        if size in (None, pixels.shape[:2]):
            return pixels, not np.array_equal(pixels, stored)
    raise ValueError(
        f'the picture is {upright.shape[1]}x{upright.shape[0]}, its masks are for '
        f'{size[1]}x{size[0]}; were they drawn on another copy?')


def _reference(saying: Saying, size: tuple[int, int]) -> NewReference:
    for sentence in saying.sentences:
        require_word(sentence)
    if not saying.sentences:
        raise ValueError('there is no sentence')
    sentences = [(sentence, '') for sentence in saying.sentences]
    if saying.mask is None:
        return NewReference('', None, sentences)
    mask = saying.mask(*size)
    if not mask.any():
        raise ValueError('the mask is empty, or outside the picture')
    return NewReference(saying.category, encode_mask(mask), sentences)


def _double_names(ready: Sequence[_Ready]) -> list[str]:
    counts = Counter(entry.name for entry in ready)
    return [f'{name}: {count} pictures would have this name; rename all but one'
            for name, count in counts.items() if count > 1]


def _choose_splits(ready: Sequence[_Ready], val: float, test: float) -> list[str]:
    given = [entry.picture.split or split_of_folder(Path(entry.picture.name)) for entry in ready]
    free = {number: _share_of_name(entry.name)
            for number, (entry, split) in enumerate(zip(ready, given, strict=True)) if not split}
    for number, share in free.items():
        given[number] = 'val' if share < val else 'test' if share < val + test else 'train'
    # Of few pictures none may have come into a split that should have one.
    for split, wanted in (('val', val), ('test', test)):
        train = [number for number in free if given[number] == 'train']
        if train and round(wanted * len(free)) and not any(
                given[number] == split for number in free):
            given[min(train, key=free.get)] = split
    return given


def _share_of_name(name: str) -> float:
    """Give a picture's place between 0 and 1, which others that are added later do not change."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:6], 'big') / 2 ** 48


def _count(ready: Sequence[_Ready], splits: Sequence[str]) -> dict[str, tuple[int, int]]:
    counts = {}
    for split in SPLITS:
        entries = [entry for entry, of in zip(ready, splits, strict=True) if of == split]
        if entries:
            counts[split] = len(entries), sum(
                len(reference.sentences) for entry in entries for reference in entry.references)
    return counts


def _notes(pictures: Sequence[OwnPicture], ready: Sequence[_Ready]) -> list[str]:
    notes = []
    silent = sum(not picture.sayings for picture in pictures)
    if silent:
        notes.append(f'{silent} pictures have no sentence and are left out')
    absent = sum(len(reference.sentences) for entry in ready for reference in entry.references
                 if reference.rle is None)
    if absent:
        notes.append(f'{absent} sentences have no target: nothing in their picture is meant')
    said = [(entry, tokenize(sentence)) for entry in ready for reference in entry.references
            for sentence, _ in reference.sentences]
    long = sum(len(words) > MAX_WORDS for _, words in said)
    if long:
        notes.append(f'{long} sentences have over {MAX_WORDS} words, the rest of which is not read')
    twice = Counter((entry.name, ' '.join(words)) for entry, words in said)
    ambiguous = [key for key, count in twice.items() if count > 1]
    if ambiguous:
        name, sentence = ambiguous[0]
        notes.append(
            f'{len(ambiguous)} sentences are said of more than one thing in a picture, as '
            f'{sentence!r} in {name}: no network can tell which one is meant')
    return notes
