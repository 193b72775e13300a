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

"""What stands on a table: objects, camera, lights and table drawn at random."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from ros2_refseg.data.tabletop.effects import Effects
from ros2_refseg.data.tabletop.materials import Look
from ros2_refseg.data.tabletop.palette import (
    COLOURS,
    nominal_colour,
    sample_colour,
    sample_table_texture,
)
from ros2_refseg.data.tabletop.poses import Pose, standing
from ros2_refseg.data.tabletop.shapes import KINDS

SIZES = {'small': 0.82, 'large': 1.28}
"""Scale of a size's objects; with the jitter, large is at least 1.44 times small."""
SIZE_JITTER = 0.04

OBJECTS = (3, 8)
"""Fewest and most objects on a table."""
GAP = 0.012
"""Smallest distance between two footprints in metres."""
LARGEST_OVERLAP = 0.30
"""Largest share of an object's box in the image that another object's box may cover."""
LARGEST_CROP = 0.12
"""Largest share of an object's box that may lie outside of the image."""
SMALLEST_CONTRAST = 0.28
"""Smallest distance in RGB (each in [0, 1]) between an object's colour and the table's."""


@dataclass(frozen=True)
class Crowding:
    """
    How much objects may be in each other's way, and in the camera's.

    :ivar overlap: largest share of an object's box in the image that another's may cover.
    :ivar crop: largest share of an object's box that may lie outside of the image.
    :ivar spread: share of the image's width and height, around its middle, where objects stand.
    :ivar tries: places tried for an object before it is left out.
    :ivar nearest: smallest distance in metres to the camera along its axis.
    """

    overlap: float = LARGEST_OVERLAP
    crop: float = LARGEST_CROP
    spread: float = 1.0
    tries: int = 60
    nearest: float = 0.0


AIRY = Crowding()
"""Nothing is really hidden."""


class Standing(Protocol):
    """
    What stands on the table by itself: an ``Item``, or a ``Group`` of the level 'household'.

    ``radius`` of the footprint and ``height`` in metres; ``things`` are the objects in it.
    """

    x: float
    y: float
    yaw: float
    radius: float
    height: float
    things: tuple[Any, ...]


@dataclass(frozen=True)
class Item:
    """One object: what it is, its colour and scale, and where it stands (metres, radians)."""

    kind: str
    colour: str
    size: str
    rgb: tuple[float, float, float]
    scale: tuple[float, float]
    x: float = 0.0
    y: float = 0.0
    yaw: float = 0.0

    @property
    def things(self) -> 'tuple[Item]':
        """What stands here: the object alone."""
        return (self,)

    @property
    def pose(self) -> Pose:
        """Where the object is in the frame of what stands here."""
        return Pose()

    @property
    def look(self) -> Look:
        """What it looks like."""
        return Look(self.colour, self.rgb)

    @property
    def factors(self) -> tuple[float, float, float]:
        """Scale along x, y and z."""
        return self.scale[0], self.scale[0], self.scale[1]

    def truth(self, first: int) -> dict[str, Any]:
        """Give what a ``VisibleObject`` says of it; ``first`` is its id."""
        return {'kind': self.kind, 'colour': self.colour, 'size': self.size,
                'scale': self.scale[0]}

    @property
    def radius(self) -> float:
        """Radius of the footprint in metres."""
        return KINDS[self.kind].radius * self.scale[0]

    @property
    def height(self) -> float:
        """Height in metres."""
        return KINDS[self.kind].height * self.scale[1]


@dataclass(frozen=True)
class Camera:
    """A pinhole camera; ``rotation`` has the axes right, up and backward as its columns."""

    position: np.ndarray
    rotation: np.ndarray
    fovy: float
    width: int
    height: int

    @property
    def focal(self) -> float:
        """Focal length in pixels, the same in both directions."""
        return self.height / (2.0 * np.tan(np.radians(self.fovy) / 2.0))

    @property
    def intrinsics(self) -> np.ndarray:
        """The 3x3 matrix in pixels; the centre of the first pixel is (0, 0)."""
        return np.array([[self.focal, 0.0, (self.width - 1) / 2.0],
                         [0.0, self.focal, (self.height - 1) / 2.0],
                         [0.0, 0.0, 1.0]])

    def project(self, points: np.ndarray) -> np.ndarray:
        """Give column, row (pixels) and depth along the optical axis (metres) of (..., 3)."""
        local = (points - self.position) @ self.rotation
        depth = -local[..., 2]
        column = self.focal * local[..., 0] / depth + (self.width - 1) / 2.0
        row = -self.focal * local[..., 1] / depth + (self.height - 1) / 2.0
        return np.stack([column, row, depth], axis=-1)

    def ground(self, column: float, row: float) -> np.ndarray | None:
        """Give x, y of the table's point at a pixel; None above the horizon."""
        ray = self.rotation @ np.array([(column - (self.width - 1) / 2.0) / self.focal,
                                        -(row - (self.height - 1) / 2.0) / self.focal, -1.0])
        if ray[2] > -1e-3:
            return None
        return (self.position - ray * self.position[2] / ray[2])[:2]


@dataclass(frozen=True)
class Light:
    """A directional light; the first one of a scene casts the shadows."""

    direction: np.ndarray
    rgb: np.ndarray


@dataclass(frozen=True)
class Layout:
    """
    Everything that a picture of a table is made of.

    ``items`` stand on the table; what is put into or onto them belongs to them.
    """

    items: tuple[Standing, ...]
    camera: Camera
    lights: tuple[Light, ...]
    ambient: np.ndarray
    table_size: tuple[float, float]
    table_texture: np.ndarray
    floor: tuple[float, float, float]
    gloss: float
    crowding: Crowding = AIRY
    effects: Effects | None = None

    @property
    def things(self) -> tuple[Any, ...]:
        """Every object, also those in or on others; the one numbered ``i`` has the id ``i + 1``."""
        return tuple(thing for item in self.items for thing in item.things)

    def poses(self, stands: np.ndarray) -> list[Pose]:
        """Give where each thing is when the items stand at x, y (metres) and yaw: (items, 3)."""
        return [standing(*stand).at(thing.pose)
                for item, stand in zip(self.items, stands, strict=True) for thing in item.things]

    def truths(self) -> list[dict[str, Any]]:
        """Give what ``VisibleObject`` says of each thing, whatever the camera sees of it."""
        truths = []
        for item in self.items:
            first = len(truths) + 1
            truths += [thing.truth(first) for thing in item.things]
        return truths


def sample_layout(rng: np.random.Generator, width: int, height: int) -> Layout:
    """Draw a table on which ``OBJECTS`` objects are in view of a ``width`` x ``height`` camera."""
    texture = sample_table_texture(rng)
    table_size = (rng.uniform(0.55, 0.85), rng.uniform(0.50, 0.75))
    ambient, lights = sample_lights(rng)
    floor = tuple(rng.uniform(0.15, 0.75) * rng.uniform(0.85, 1.15, 3))
    while True:
        count = int(rng.integers(OBJECTS[0], OBJECTS[1] + 1))
        camera = _sample_camera(rng, count, width, height)
        items = _sample_items(rng, count, texture.mean(axis=(0, 1)) / 255.0)
        placed = place(rng, items, camera, table_size)
        if len(placed) >= OBJECTS[0]:
            return Layout(tuple(placed), camera, lights, ambient, table_size, texture, floor,
                          gloss=rng.uniform(0.05, 0.5))


def place(
    rng: np.random.Generator, items: list[Standing], camera: Camera,
    table_size: tuple[float, float], crowding: Crowding = AIRY,
) -> list[Standing]:
    """Find free and visible places; items that find none are left out."""
    placed: list[Standing] = []
    boxes: list[np.ndarray] = []
    for item in items:
        def free(spot: np.ndarray, item: Standing = item) -> bool:
            return all(np.hypot(spot[0] - other.x, spot[1] - other.y)
                       >= item.radius + other.radius + GAP for other in placed)

        spot = find_spot(rng, item, camera, table_size, free, boxes,
                         tries=crowding.tries, crowding=crowding)
        if spot is not None:
            placed.append(replace(item, x=float(spot[0]), y=float(spot[1])))
            boxes.append(projected_box(camera, spot, item))
    return placed


def find_spot(
    rng: np.random.Generator, item: Standing, camera: Camera, table_size: tuple[float, float],
    free: Callable[[np.ndarray], bool], boxes: Sequence[np.ndarray], tries: int,
    crowding: Crowding = AIRY,
) -> np.ndarray | None:
    """
    Draw a place x, y (metres) on the table for an item; None after ``tries`` in vain.

    There ``free`` is true, and the item is in view and hides little of the other items, whose
    boxes in the image are ``boxes``, and they little of it.
    """
    edge = (1.0 - crowding.spread) / 2.0 * np.array([camera.width, camera.height])
    for _ in range(tries):
        spot = camera.ground(rng.uniform(edge[0], camera.width - edge[0]),
                             rng.uniform(edge[1], camera.height - edge[1]))
        if spot is None or np.any(np.abs(spot) > np.array(table_size) - item.radius):
            continue
        if not free(spot):
            continue
        nearest = camera.project(np.array([*spot, item.height]))[2] - item.radius
        if nearest < crowding.nearest:
            continue
        box = projected_box(camera, spot, item)
        if (_cropped(box, camera) <= crowding.crop
                and all(_overlap(box, other) <= crowding.overlap for other in boxes)):
            return spot
    return None


_CIRCLE = np.stack([np.cos(np.arange(8) * np.pi / 4), np.sin(np.arange(8) * np.pi / 4)], axis=1)


def projected_box(camera: Camera, spot: np.ndarray, item: Standing) -> np.ndarray:
    """Give left, top, right, bottom in pixels of an item's bounding cylinder at ``spot``."""
    rim = np.asarray(spot) + item.radius * _CIRCLE
    points = np.empty((2, 8, 3))
    points[..., :2] = rim
    points[0, :, 2], points[1, :, 2] = 0.0, item.height
    pixels = camera.project(points)[..., :2]
    return np.concatenate([pixels.min(axis=(0, 1)), pixels.max(axis=(0, 1))])


def _area(box: np.ndarray) -> float:
    return max(box[2] - box[0], 0.0) * max(box[3] - box[1], 0.0)


def _cropped(box: np.ndarray, camera: Camera) -> float:
    inside = np.clip(box, 0, [camera.width, camera.height] * 2)
    return 1.0 - _area(inside) / _area(box)


def _overlap(box: np.ndarray, other: np.ndarray) -> float:
    common = np.concatenate([np.maximum(box[:2], other[:2]), np.minimum(box[2:], other[2:])])
    return _area(common) / min(_area(box), _area(other))


def _sample_items(rng: np.random.Generator, count: int, table: np.ndarray) -> list[Item]:
    """
    Draw what stands on the table, before places.

    Few kinds and few colours are drawn first and the objects from these, so that most objects
    share their kind or their colour with another one and the sentence is needed to tell them.
    """
    names = [name for name in COLOURS
             if np.linalg.norm(nominal_colour(name) - table) > SMALLEST_CONTRAST]
    kinds = rng.choice(list(KINDS), size=rng.integers(2, max(3, count)), replace=False)
    colours = rng.choice(names, size=min(len(names), rng.integers(2, max(3, count))),
                         replace=False)
    items = []
    for _ in range(count):
        size = str(rng.choice(list(SIZES)))
        scale = SIZES[size] * rng.uniform(1 - SIZE_JITTER, 1 + SIZE_JITTER)
        stretch = rng.uniform(0.94, 1.06)
        colour = str(rng.choice(colours))
        items.append(Item(str(rng.choice(kinds)), colour, size, sample_colour(rng, colour),
                          (scale, scale * stretch), yaw=rng.uniform(0, 2 * np.pi)))
    return sorted(items, key=lambda item: -item.radius)


def _sample_camera(rng: np.random.Generator, count: int, width: int, height: int) -> Camera:
    """Look at the middle of the table so that ``count`` objects fill the image well."""
    fovy = rng.uniform(36.0, 56.0)
    view_width = rng.uniform(0.48, 0.60) + 0.025 * (count - OBJECTS[0])
    azimuth, elevation = rng.uniform(0, 2 * np.pi), np.radians(rng.uniform(34.0, 64.0))
    target = np.array([*rng.uniform(-0.12, 0.12, 2), 0.02])
    return look_at(target, azimuth, elevation, view_width, fovy, width, height)


def look_at(
    target: np.ndarray, azimuth: float, elevation: float, view_width: float, fovy: float,
    width: int, height: int,
) -> Camera:
    """
    Make a camera that sees ``view_width`` metres across at ``target`` (x, y, z in metres).

    It looks from the direction ``azimuth`` and ``elevation`` (radians); ``fovy`` is in degrees.
    """
    distance = view_width * height / (2.0 * width * np.tan(np.radians(fovy) / 2.0))
    backward = np.array([np.cos(elevation) * np.cos(azimuth),
                         np.cos(elevation) * np.sin(azimuth), np.sin(elevation)])
    right = np.array([-np.sin(azimuth), np.cos(azimuth), 0.0])
    rotation = np.stack([right, np.cross(backward, right), backward], axis=1)
    return Camera(target + distance * backward, rotation, fovy, width, height)


def sample_lights(rng: np.random.Generator) -> tuple[np.ndarray, tuple[Light, ...]]:
    """Draw ambient light and a key light with a weaker fill light, all of one temperature."""
    warmth = rng.uniform(-1.0, 1.0)
    tint = np.array([1.0 + 0.06 * warmth, 1.0, 1.0 - 0.10 * warmth])
    brightness = rng.uniform(0.85, 1.12)
    azimuth = rng.uniform(0, 2 * np.pi)
    shares = {'ambient': 0.42, 'key': rng.uniform(0.40, 0.55), 'fill': rng.uniform(0.12, 0.22)}
    lights = []
    for share, turn, elevation in (
            (shares['key'], 0.0, rng.uniform(45.0, 75.0)),
            (shares['fill'], rng.uniform(2.0, 4.3), rng.uniform(25.0, 50.0))):
        flat = np.cos(np.radians(elevation))
        direction = -np.array([flat * np.cos(azimuth + turn), flat * np.sin(azimuth + turn),
                               np.sin(np.radians(elevation))])
        lights.append(Light(direction, brightness * share * tint))
    return brightness * shares['ambient'] * tint, tuple(lights)
