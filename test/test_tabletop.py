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

"""The simulator: what it draws, how it moves, and the data sets it writes."""

import colorsys
import hashlib
import importlib
import os
import re
import signal
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from ros2_refseg.data.refer import ReferDataset
from ros2_refseg.data.tabletop import Tabletop, View, generate, rendering
from ros2_refseg.data.tabletop.household_kinds import mesh_of
from ros2_refseg.data.tabletop.layout import sample_layout
from ros2_refseg.data.tabletop.motion import SPEED, Motion, segment_distance
from ros2_refseg.data.tabletop.palette import COLOURS
from ros2_refseg.data.tabletop.shapes import KINDS

WIDTH, HEIGHT = 320, 240
SCENES = 16

# The package's name of it is the function.
generating = importlib.import_module('ros2_refseg.data.tabletop.generate')
_draw = generating._draw


@pytest.fixture(scope='module')
def tabletop():
    """Give one simulator to all tests of this module, as a worker does to its scenes."""
    with Tabletop(WIDTH, HEIGHT) as simulator:
        yield simulator


@pytest.fixture(scope='module')
def views(tabletop) -> list[View]:
    """Give the first views of some tables, and some later ones of tables in motion."""
    views = []
    for seed in range(SCENES):
        tabletop.new_scene(seed)
        if seed % 4 == 0:
            tabletop.step(3.0)
        views.append(tabletop.render())
    return views


def test_enough_kinds_colours_and_sizes(tabletop):
    layouts = [sample_layout(np.random.default_rng(seed), 32, 24) for seed in range(60)]
    items = [item for layout in layouts for item in layout.items]
    assert len(KINDS) >= 8 and {item.kind for item in items} == set(KINDS)
    assert len(COLOURS) >= 9 and {item.colour for item in items} == set(COLOURS)
    assert {len(layout.items) for layout in layouts} == set(range(3, 9))
    small = max(item.scale[0] for item in items if item.size == 'small')
    large = min(item.scale[0] for item in items if item.size == 'large')
    assert large > 1.4 * small
    # Sentences are only needed where objects share their kind or their colour.
    for name in ('kind', 'colour'):
        shared = sum(count for layout in layouts for count in Counter(
            getattr(item, name) for item in layout.items).values() if count > 1)
        assert shared > 0.4 * len(items)


def test_a_seed_gives_the_same_table_for_good():
    """Networks were trained on these tables, and their figures name the seeds."""
    layout = sample_layout(np.random.default_rng(7), WIDTH, HEIGHT)
    motion = Motion(layout.items, layout.camera, layout.table_size, np.random.default_rng(7))
    motion.advance(5.0)
    numbers = [*layout.camera.position, *layout.camera.rotation.ravel(), *layout.ambient,
               *motion.poses().ravel(), layout.gloss, *layout.table_texture.mean(axis=(0, 1))]
    for item in layout.items:
        numbers += [item.x, item.y, item.yaw, *item.scale, *item.rgb]
    text = ' '.join([*(f'{item.size} {item.colour} {item.kind}' for item in layout.items),
                     *(f'{number:.4f}' for number in numbers)])
    assert hashlib.sha256(text.encode()).hexdigest()[:16] == '9feaa934a290d5f6'


def test_objects_stand_apart_on_the_table():
    for seed in range(25):
        layout = sample_layout(np.random.default_rng(seed), WIDTH, HEIGHT)
        for number, item in enumerate(layout.items):
            assert abs(item.x) + item.radius <= layout.table_size[0]
            assert abs(item.y) + item.radius <= layout.table_size[1]
            for other in layout.items[number + 1:]:
                assert np.hypot(item.x - other.x, item.y - other.y) > item.radius + other.radius


@pytest.mark.parametrize('kind', KINDS)
def test_shapes_stay_within_their_footprint(kind):
    for number, part in enumerate(KINDS[kind].parts):
        if part.mesh:
            corners, faces = mesh_of(kind, number)
            assert faces.max() < len(corners)
            edges = np.sort(np.vstack([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]))
            # Closed: every edge belongs to two triangles.
            assert set(np.unique(edges, axis=0, return_counts=True)[1]) == {2}
        else:
            half = np.array(part.size if part.shape == 'box' else
                            [part.size[0], part.size[0], part.size[-1]])
            # What is round reaches as far as half its box, not as the box's corners.
            ends = [-1, 1] if part.shape == 'box' else [-np.sqrt(0.5), np.sqrt(0.5)]
            corners = np.array(part.position) + half * np.stack(
                np.meshgrid(ends, ends, [-1, 1]), axis=-1).reshape(-1, 3)
        reach = np.hypot(corners[:, 0], corners[:, 1]).max()
        assert reach <= KINDS[kind].radius + 1e-3
        assert corners[:, 2].max() <= KINDS[kind].height + 1e-3
        assert corners[:, 2].min() > -1e-9


def test_views_are_complete_and_true(views):
    shares = []
    for view in views:
        assert view.image.shape == (HEIGHT, WIDTH, 3) and view.image.dtype == np.uint8
        assert view.labels.shape == (HEIGHT, WIDTH) and view.labels.dtype == np.uint16
        assert set(np.unique(view.labels)) - {0} == {thing.id for thing in view.objects}
        for thing in view.objects:
            rows, columns = np.nonzero(view.labels == thing.id)
            assert thing.pixels == rows.size
            assert thing.box == (columns.min(), rows.min(), np.ptp(columns) + 1, np.ptp(rows) + 1)
            assert thing.centroid == pytest.approx((columns.mean(), rows.mean()))
            shares.append(rows.size / view.labels.size)
    assert 0.02 < np.median(shares) < 0.05


def test_new_scenes_hide_no_object(tabletop):
    for seed in range(100, 115):
        tabletop.new_scene(seed)
        view = tabletop.render()
        assert 3 <= len(view.objects) == len(tabletop.layout.items) <= 8
        assert min(thing.pixels for thing in view.objects) >= 0.004 * WIDTH * HEIGHT


HUES = {'red': (345, 15), 'orange': (12, 42), 'yellow': (42, 66), 'green': (90, 160),
        'blue': (195, 240), 'purple': (250, 305), 'pink': (310, 360), 'brown': (5, 40)}
"""Hues in degrees between which a colour is rendered under every light."""


def test_objects_have_the_colour_that_is_said(views):
    seen = set()
    for view in views:
        for thing in view.objects:
            # A can is half metal from above.
            if thing.kind == 'can':
                continue
            red, green, blue = np.median(view.image[view.labels == thing.id], axis=0) / 255
            hue, saturation, value = colorsys.rgb_to_hsv(red, green, blue)
            seen.add(thing.colour)
            if thing.colour == 'black':
                assert value < 0.2
            elif thing.colour == 'white':
                assert saturation < 0.25 and value > 0.3
            else:
                low, high = HUES[thing.colour]
                assert saturation > 0.25
                assert (360 * hue - low) % 360 <= (high - low) % 360, (thing, 360 * hue)
    assert seen == set(COLOURS)


def test_intrinsics_agree_with_the_picture(tabletop):
    checked = 0
    for seed in range(200, 214):
        tabletop.new_scene(seed)
        view = tabletop.render()
        for thing in view.objects:
            left, top, width, height = thing.box
            inside = left > 0 and top > 0 and left + width < WIDTH and top + height < HEIGHT
            whole = thing.pixels > 0.97 * np.pi / 4 * width * height
            if thing.kind != 'ball' or not inside or not whole:
                continue
            item = tabletop.layout.items[thing.id - 1]
            camera = tabletop.layout.camera
            ray = camera.rotation.T @ (
                np.array([item.x, item.y, item.height / 2]) - camera.position)
            column, row, depth = view.intrinsics @ (ray * [1, -1, -1])
            assert thing.depth == pytest.approx(depth)
            np.testing.assert_allclose(
                thing.centroid, (column / depth, row / depth), atol=0.04 * width)
            checked += 1
    assert checked >= 3


def test_scenes_leave_nothing_behind(tabletop):
    """A scene looks the same whatever was drawn before in the same OpenGL context."""
    tabletop.new_scene(5)
    tabletop.step(2.0)
    here = tabletop.render()
    for seed in (8, 9):
        tabletop.new_scene(seed)
    tabletop.new_scene(5)
    first = tabletop.render()
    tabletop.step(2.0)
    again = tabletop.render()
    np.testing.assert_array_equal(here.image, again.image)
    np.testing.assert_array_equal(here.labels, again.labels)
    assert (first.labels != again.labels).any()


def test_machine_without_opengl(monkeypatch):
    monkeypatch.delenv('MUJOCO_GL')
    monkeypatch.setattr(rendering.ctypes.util, 'find_library', lambda name: None)
    assert rendering._choose_backend() is None
    with pytest.raises(RuntimeError, match='apt-get install libosmesa6'):
        Tabletop()


def test_empty_table():
    with Tabletop(32, 24) as empty:
        for act in (empty.render, lambda: empty.step(0.1)):
            with pytest.raises(RuntimeError, match='call new_scene'):
                act()


@pytest.mark.parametrize('seed', range(4))
def test_objects_move_slowly_and_never_touch(seed):
    layout = sample_layout(np.random.default_rng(seed), WIDTH, HEIGHT)
    items, step = layout.items, 0.1
    motions = [Motion(items, layout.camera, layout.table_size, np.random.default_rng(1))
               for _ in range(2)]
    before = start = motions[0].poses()
    for _ in range(300):
        for motion in motions:
            motion.advance(step)
        poses = motions[0].poses()
        np.testing.assert_array_equal(poses, motions[1].poses())
        # The fastest moment of a soft start and stop is 1.5 times the mean.
        assert np.hypot(*(poses - before)[:, :2].T).max() <= 1.51 * SPEED[1] * step
        for number, item in enumerate(items):
            for other in range(number):
                distance = np.hypot(*(poses[number] - poses[other])[:2])
                assert distance > item.radius + items[other].radius
        before = poses
    assert (np.hypot(*(before - start)[:, :2].T) > 0.05).sum() >= 2


def test_segment_distance():
    a, b = np.array([0.0, 0.0]), np.array([2.0, 0.0])
    assert segment_distance(a, b, np.array([1.0, -1.0]), np.array([1.0, 1.0])) == 0.0
    assert segment_distance(a, b, np.array([1.0, 1.0]), np.array([1.0, 3.0])) == 1.0
    assert segment_distance(a, b, np.array([5.0, 4.0]), np.array([5.0, 4.0])) == 5.0
    assert segment_distance(a, a, b, b) == 2.0


def test_generated_data_do_not_depend_on_the_workers(tmp_path, capfd):
    size = {'width': 96, 'height': 72}
    for workers in (1, 2):
        generate(tmp_path / str(workers), 20, seed=3, workers=workers, **size)
    assert re.search(r'20 scenes with \d+ sentences in .* scenes/s', capfd.readouterr().out)
    files = sorted(path.relative_to(tmp_path / '1') for path in (tmp_path / '1').rglob('*.*'))
    assert len(files) == 22
    for file in files:
        assert (tmp_path / '1' / file).read_bytes() == (tmp_path / '2' / file).read_bytes()

    data = ReferDataset(tmp_path / '1', 'all')
    splits = {reference.image_id: reference.split for reference in data.references}
    assert Counter(splits.values()) == {'train': 18, 'val': 1, 'test': 1}
    assert len(data) > 200
    with Tabletop(**size) as tabletop:
        tabletop.new_scene((3, 4))
        view = tabletop.render()
    image = data.images[4]
    # JPEG loses a little.
    assert np.abs(data.read_image(image).astype(int) - view.image).mean() < 5
    for reference, thing in zip(image.references, view.objects, strict=True):
        np.testing.assert_array_equal(data.mask(reference), view.labels == thing.id)
        assert reference.category == thing.kind


def _draw_or_die(job):
    """Draw as generate does; the first process that comes to scene 0, 6 or 7 dies instead."""
    died = Path(os.environ['REFSEG_TEST_DIED'], str(job.index))
    if job.index in (0, 6, 7) and not died.exists():
        died.touch()
        os.kill(os.getpid(), signal.SIGSEGV)
    return _draw(job)


@pytest.mark.parametrize('workers', [1, 2])
def test_a_crash_of_opengl_loses_no_data_set(workers, tmp_path, monkeypatch):
    size = {'width': 96, 'height': 72, 'workers': workers}
    generate(tmp_path / 'plain', 10, seed=3, **size)
    # However the deaths of two workers meet: the test is of what comes after.
    monkeypatch.setattr(generating, 'ATTEMPTS', 4)
    monkeypatch.setattr(generating, '_draw', _draw_or_die)
    (tmp_path / 'died').mkdir()
    monkeypatch.setenv('REFSEG_TEST_DIED', str(tmp_path / 'died'))
    generate(tmp_path / 'crashed', 10, seed=3, **size)
    assert len(list((tmp_path / 'died').iterdir())) == 3
    files = [path for path in (tmp_path / 'plain').rglob('*.*') if path.is_file()]
    for file in files:
        other = tmp_path / 'crashed' / file.relative_to(tmp_path / 'plain')
        assert other.read_bytes() == file.read_bytes()


def test_drawing_that_always_crashes_ends(tmp_path, monkeypatch):
    monkeypatch.setattr(generating, '_draw', _die)
    with pytest.raises(ChildProcessError, match='from number 0 on died 3 times'):
        generate(tmp_path / 'data', 2, seed=3, workers=1, width=96, height=72)


def _die(_):
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize(('arguments', 'message'), [
    ({'scenes': 0}, 'scenes is 0'), ({'workers': 0}, 'workers is 0'), ({'width': 0}, 'width is 0'),
    ({'seed': -1}, 'seed is -1'), ({'split': 'testA'}, "split is 'testA'")])
def test_generate_refuses(tmp_path: Path, arguments, message):
    with pytest.raises(ValueError, match=message):
        generate(tmp_path / 'data', **{'scenes': 1, 'seed': 0, **arguments})
    assert not (tmp_path / 'data').exists()
