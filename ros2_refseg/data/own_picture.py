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


"""A picture of one's own and what is said about it, before it is written as a data set."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ros2_refseg.data.vocabulary import tokenize

SPLITS = ('train', 'val', 'test')
"""What pictures of one's own are divided into."""


@dataclass
class Saying:
    """Sentences and what they mean: ``mask`` draws it, given height and width; None is nothing."""

    place: str
    sentences: list[str]
    mask: Callable[[int, int], np.ndarray] | None = None
    category: str = 'thing'


@dataclass
class OwnPicture:
    """
    A picture and what is said about it.

    ``name`` is its path below the folder that is imported. Where it lies within another file,
    ``content`` reads it and ``digest`` tells it from other contents; ``size`` (height, width) is
    given where the masks tell it.
    """

    name: str
    path: Path
    content: Callable[[], bytes] | None = None
    digest: str = ''
    size: tuple[int, int] | None = None
    split: str = ''
    sayings: list[Saying] = field(default_factory=list)

    def read(self) -> bytes:
        """Read the file's bytes. :raises OSError: when it is not there."""
        return self.content() if self.content else self.path.read_bytes()


def located(path: Path) -> Path:
    """Give a file's one path, by the name that it has there even if that is a link."""
    return path.parent.resolve() / path.name


def path_below(path: Path, folder: Path) -> Path | None:
    """Give a file's path from a folder on; None for one that is not below."""
    path, folder = located(path), folder.resolve()
    return path.relative_to(folder) if path.is_relative_to(folder) else None


def split_of_folder(path: Path) -> str:
    """Give the split that a folder in a path is called; '' if none is."""
    return next((part for part in path.parts[:-1] if part in SPLITS), '')


def require_word(sentence: str) -> None:
    """Raise ValueError for a sentence without a word."""
    if not tokenize(sentence):
        raise ValueError(f'the sentence {sentence!r} holds no word')
