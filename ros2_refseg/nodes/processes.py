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

"""Processes of this machine and their memory, read from Linux's /proc."""

import os
from collections.abc import Iterator
from pathlib import Path


def find_sibling(executable: str) -> int | None:
    """
    Find a program that this process's parent started, itself or through others.

    ``executable``: name of the file it was started from. Returns its process id; None where there
    is none. Programs of others, and of another demo on the same machine, are not found.
    """
    parents = dict(_processes())
    ancestor = os.getppid()
    for process in parents:
        if executable in _names(process) and ancestor in _ancestors(process, parents):
            return process
    return None


def resident_memory(process: int) -> tuple[int, int] | None:
    """Give a process's resident memory and its peak in bytes; None when it has ended."""
    try:
        text = Path(f'/proc/{process}/status').read_text()
    except OSError:
        return None
    fields = dict(line.split(':', 1) for line in text.splitlines())
    if 'VmRSS' not in fields:  # a process that has ended and was not waited for
        return None
    now, peak = (int(fields[name].split()[0]) * 1024 for name in ('VmRSS', 'VmHWM'))
    return now, peak


def _processes() -> Iterator[tuple[int, int]]:
    """Yield each process's id and its parent's."""
    for folder in Path('/proc').iterdir():
        if folder.name.isdigit():
            try:
                # The name, in brackets, may hold blanks and brackets itself.
                fields = (folder / 'stat').read_text().rpartition(')')[2].split()
            except OSError:  # ended meanwhile
                continue
            yield int(folder.name), int(fields[1])


def _names(process: int) -> set[str]:
    """Give the file names among the first words of a command line, as `python3 FILE` has two."""
    try:
        words = Path(f'/proc/{process}/cmdline').read_bytes().split(b'\0')[:2]
    except OSError:
        return set()
    return {Path(os.fsdecode(word)).name for word in words if word}


def _ancestors(process: int, parents: dict[int, int]) -> set[int]:
    found: set[int] = set()
    while process in parents and parents[process] not in found:
        process = parents[process]
        found.add(process)
    return found
