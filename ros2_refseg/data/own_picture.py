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
