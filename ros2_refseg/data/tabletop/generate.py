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

"""Generating a data set: many tables, each with its picture, masks and sentences."""

import multiprocessing
import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from ros2_refseg.data.refer import NewReference, NewSentence, ReferWriter, encode_mask
from ros2_refseg.data.tabletop.levels import CATEGORIES, DESCRIBE
from ros2_refseg.data.tabletop.simulator import LEVELS, Level, Tabletop

NAME, SPLIT_BY = 'tabletop', 'refseg'
SPLITS = ('train', 'val', 'test')
SPLIT_CYCLE = 20
"""Of so many scenes in a row one goes to val and one to test when no split is named."""
JPEG_QUALITY = 92
ATTEMPTS = 3
NUMBERS_A_SCENE = 100
"""The thing k of scene i is annotation 100 i + k, whatever else is in view and spoken of."""


@dataclass(frozen=True)
class _Job:
    seed: int
    index: int
    width: int
    height: int
    level: Level


@dataclass(frozen=True)
class _Scene:
    index: int
    picture: bytes
    references: list[NewReference]


def generate(
    out: Path | str, scenes: int, seed: int, split: str | None = None, workers: int = 2,
    width: int = 320, height: int = 240, level: Level = 'simple',
) -> None:
    """
    Write ``scenes`` tables to ``out`` in the REFER layout, pictures ``width`` x ``height`` pixels.

    The same ``seed`` gives the same bytes on the same machine, however many ``workers`` (processes)
    draw. Without a ``split`` 90 % of the scenes are train, 5 % val and 5 % test. Each ``level`` has
    its own tables and sentences, see ``Tabletop``; household sentences may mean nothing in view
    (a reference without an object), and their tokens are free of the typing errors in the text.

    :raises FileExistsError: when ``out`` exists and is not empty.
    :raises ValueError: on an unknown split or level or a number that is too small.
    :raises RuntimeError: without a working OpenGL.
    :raises ChildProcessError: when the processes that draw die again and again.
    """
    if level not in LEVELS:
        raise ValueError(f'level is {level!r}; it must be one of {", ".join(LEVELS)}')
    if split not in (None, *SPLITS):
        raise ValueError(f'split is {split!r}; it must be one of {", ".join(SPLITS)}')
    for name, value in (('scenes', scenes), ('workers', workers), ('width', width),
                        ('height', height)):
        if value < 1:
            raise ValueError(f'{name} is {value}; it must be at least 1')
    if seed < 0:
        raise ValueError(f'seed is {seed}; it must not be negative')
    writer = ReferWriter(out, NAME, SPLIT_BY, CATEGORIES[level])
    jobs = [_Job(seed, index, width, height, level) for index in range(scenes)]
    start = time.monotonic()
    for scene in tqdm(_draw_all(jobs, min(workers, scenes)), total=scenes, unit='scene'):
        writer.add(f'{NAME}_{scene.index:06d}.jpg', scene.picture, (height, width),
                   split or _split_of(scene.index), scene.references)
    writer.close()
    seconds = time.monotonic() - start
    print(f'{scenes} scenes with {writer.sentence_count} sentences in {seconds:.1f} s '
          f'({scenes / seconds:.1f} scenes/s), written to {out}')


def _split_of(index: int) -> str:
    return {SPLIT_CYCLE - 2: 'val', SPLIT_CYCLE - 1: 'test'}.get(index % SPLIT_CYCLE, 'train')


def _draw_all(jobs: list[_Job], workers: int) -> Iterator[_Scene]:
    """
    Draw scenes in other processes, and once more what was under way when one of them died.

    A crash in one of the libraries, seen once in thousands of scenes, must not cost a data set.

    :raises ChildProcessError: when processes die ATTEMPTS times without bringing a scene.
    """
    # Spawned, not forked: OpenGL contexts do not survive a fork.
    context = multiprocessing.get_context('spawn')
    done = failed = 0
    while done < len(jobs):
        before = done
        try:
            with ProcessPoolExecutor(workers, context, _start_worker) as pool:
                for scene in pool.map(_draw, jobs[done:], chunksize=4):
                    done += 1
                    yield scene
        except BrokenProcessPool as error:
            failed = 1 if done > before else failed + 1
            if failed == ATTEMPTS:
                raise ChildProcessError(
                    f'the processes that drew scenes from number {done} on died {failed} times: '
                    'killed for want of memory or by the system, or by a fault in OpenGL, of which '
                    'MUJOCO_GL chooses another (egl, osmesa)'
                ) from error


_simulators: dict[tuple[int, int, Level], Tabletop] = {}


def _start_worker() -> None:
    # Ctrl-C reaches the whole group; the parent alone answers it and ends the workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # The scenes share the cores; threads within one would only get in each other's way.
    os.environ.setdefault('LP_NUM_THREADS', '1')
    cv2.setNumThreads(1)


def _draw(job: _Job) -> _Scene:
    """Draw one scene; a worker keeps its simulator, and with it the OpenGL context."""
    wanted = job.width, job.height, job.level
    if wanted not in _simulators:
        _simulators[wanted] = Tabletop(*wanted)
    simulator = _simulators[wanted]
    simulator.new_scene((job.seed, job.index))
    view = simulator.render()
    rng = np.random.default_rng(np.random.SeedSequence((job.seed, job.index, 1)))
    sentences: dict[int | None, list[NewSentence]] = {}
    for description in DESCRIBE[job.level](view.objects, job.width, job.height, rng):
        sentences.setdefault(description.object_id, []).append(
            NewSentence(description.sentence, description.form, description.clean))
    references = [
        NewReference(thing.kind, encode_mask(view.labels == thing.id), sentences[thing.id],
                     NUMBERS_A_SCENE * job.index + thing.id)
        for thing in view.objects if thing.id in sentences]
    if None in sentences:
        references.append(NewReference('', None, sentences[None]))
    _, picture = cv2.imencode('.jpg', cv2.cvtColor(view.image, cv2.COLOR_RGB2BGR),
                              [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    return _Scene(job.index, picture.tobytes(), references)
