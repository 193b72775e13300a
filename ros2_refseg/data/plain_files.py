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


"""Reading files that come from outside: nothing in them is run."""

import io
import json
import pickle
from pathlib import Path
from typing import Any


class _PlainUnpickler(pickle.Unpickler):
    """Admits containers, text and numbers: a pickle from a stranger runs no code."""

    def find_class(self, module: str, name: str) -> Any:
        raise pickle.UnpicklingError(
            f'it asks for {module}.{name}, and only plain lists, dicts, text and numbers are read')

    def persistent_load(self, pid: Any) -> Any:
        raise pickle.UnpicklingError(
            'it refers to objects outside itself, and only plain lists, dicts, text and numbers '
            'are read')


def load_pickle(path: Path | str) -> Any:
    """
    Read a pickle of plain containers, text and numbers (also one that Python 2 wrote).

    :raises ValueError: when it is damaged or asks for anything else.
    """
    data = Path(path).read_bytes()
    try:
        try:
            return _PlainUnpickler(io.BytesIO(data), encoding='utf-8').load()
        except UnicodeDecodeError:
            # Python 2's str may hold anything; Latin-1 knows every byte.
            return _PlainUnpickler(io.BytesIO(data), encoding='latin1').load()
    except (pickle.UnpicklingError, EOFError, ValueError, TypeError, KeyError, IndexError,
            AttributeError, OverflowError, MemoryError, RecursionError) as error:
        reason = str(error) or type(error).__name__
        raise ValueError(f'{path} is no readable pickle of references: {reason}') from error


def load_json(path: Path | str) -> Any:
    """
    Read a JSON file.

    :raises FileNotFoundError: when there is none.
    :raises ValueError: when it is damaged.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f'no file {path}')
    try:
        return json.loads(path.read_text(encoding='utf-8'))
    except (ValueError, RecursionError) as error:
        raise ValueError(f'{path} is no readable JSON: {error}') from error
