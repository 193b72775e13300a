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


"""Finding pictures in the folders that people keep them in, and telling which are the same."""

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

PICTURE_FOLDERS = (
    'images*', 'train20*', 'val20*', 'coco*', 'mscoco*', 'saiapr*', 'referit*', 'mask*')
"""Where pictures (and ReferIt's masks) are looked for: these and all folders below them."""

# COCO's numbers have six digits.
_COCO_NAME = re.compile(r'(?:^|(?<=_))(?:COCO_(?:train|val)2014_)?(0{6}\d{6})\.jpg$')


class FileFinder:
    """Finds files by name in every folder of ``PICTURE_FOLDERS`` that the given folders hold."""

    def __init__(self, roots: Iterable[Path], favourite: str = '') -> None:
        """
        Prepare to look.

        :param favourite: where several folders hold a file of one name, the one under a folder of
            this name goes first.
        """
        self._roots = list(dict.fromkeys(roots))
        self._favourite = favourite
        self._folders: list[Path] | None = None
        self._names: dict[str, Path] = {}

    @property
    def places(self) -> str:
        """Say where it looks."""
        patterns = ', '.join(PICTURE_FOLDERS)
        return f'{" and ".join(str(root) for root in self._roots)} ({patterns} and below)'

    def find(self, name: str) -> Path | None:
        """Give the path of a file, or None; COCO's 2014 pictures also by their names of 2017."""
        if self._folders is None:
            self._index()
        if name in self._names:
            return self._names[name] / name
        coco = _COCO_NAME.match(name)
        if coco and f'{coco[1]}.jpg' in self._names:
            return self._names[f'{coco[1]}.jpg'] / f'{coco[1]}.jpg'
        if '/' in name:
            paths = (folder / name for folder in self._folders)
            return next((path for path in paths if path.is_file()), None)
        return None

    def _index(self) -> None:
        # One listing of each folder: a look-up for each of 20,000 pictures in each of many folders
        # takes minutes on a network drive.
        starts = [start for root in self._roots for pattern in PICTURE_FOLDERS
                  for start in sorted(root.glob(pattern)) if start.is_dir()]
        self._folders = []
        for folder, names in walk(starts):
            self._folders.append(folder)
            favoured = folder.name == self._favourite
            for name in names:
                if name not in self._names or favoured:
                    self._names[name] = folder


def walk(starts: Iterable[Path], depth: int | None = None) -> Iterator[tuple[Path, list[str]]]:
    """List folders, those below (``depth`` deep) and their files; links are followed, once."""
    seen: set[str] = set()
    for start in starts:
        for folder, below, names in os.walk(start, followlinks=True):
            real = os.path.realpath(folder)
            if real in seen:
                below.clear()
                continue
            seen.add(real)
            below.sort()
            if depth is not None and len(Path(folder).relative_to(start).parts) >= depth:
                below.clear()
            yield Path(folder), names


def picture_size(entry: dict, place: str) -> tuple[int, int]:
    """
    Give the height and width, in pixels, that an entry of COCO's ``images`` in ``place`` says.

    :raises ValueError: when one of them is no whole number above 0; 480.0 will do.
    """
    size = []
    for name in ('height', 'width'):
        value = entry[name]
        whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
        if not whole or value <= 0:
            raise ValueError(
                f'{place}: the {name} of {entry["file_name"]} is {value!r}; it must be a whole '
                'number of pixels')
        size.append(int(value))
    return size[0], size[1]


def name_folder(path: Path) -> Path:
    """Give a folder a path that has its name and its parent's in it, which . and .. have not."""
    return path if path.name and path.name != '..' and path.parent.name else path.resolve()


def identify_image(path: Path | str) -> str:
    """Name a picture so that the same one has the same name in every data set that holds it."""
    # `refseg data import` puts the names of folders before a picture's own.
    coco = _COCO_NAME.search(Path(path).name)
    return f'COCO {int(coco[1])}' if coco else os.path.realpath(path)
