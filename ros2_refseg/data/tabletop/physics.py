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

"""Things put into and onto each other: MuJoCo lets them fall until they are at rest."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from ros2_refseg.data.tabletop.household_solids import (
    CARRIERS,
    LEANING,
    SOLIDS,
    UPRIGHT,
    extent,
    half_edges,
)
from ros2_refseg.data.tabletop.poses import Pose, matrix, multiply, turn
from ros2_refseg.data.tabletop.rendering import mujoco

TIME_STEP = 0.005
"""Seconds; the stiffest contact here takes four of them."""
LONGEST = 3.0
"""Seconds after which what still moves is given up."""
LOOK_EVERY = 20
"""Steps between two looks whether everything is at rest."""
REST_SPEED, REST_TURN = 0.010, 0.20
"""Metres and radians a second below which a thing is at rest."""
DENSITY = 500.0
"""Kilograms per cubic metre of every solid."""
DRAG = 0.002
"""Resistance, N s/m and N m s/rad: what rolls in a bowl comes to rest."""
INERTIA = 5e-6
"""Added to every thing's, in kg m^2: a thin one's own is too small for the time step."""
DROP = 0.004
"""Height in metres from which a thing falls."""
LARGEST_LEAN = np.radians(8.0)
"""Most that an upright thing may lean on what it stands on."""
DEEPEST = 0.002
"""Most in metres that two things may be in each other."""
SPACING = 1.0
"""Distance in metres between the groups, which know nothing of each other."""


@dataclass(frozen=True)
class Load:
    """A thing of a group; ``carrier`` is the number in the group of what carries it."""

    kind: str
    scale: float
    carrier: int = -1


@dataclass(frozen=True)
class Rest:
    """
    Where a thing came to rest, in the frame of the group's first thing.

    ``support`` and ``container`` are numbers in the group, -1 for none.
    """

    pose: Pose = field(default_factory=Pose)
    support: int = -1
    container: int = -1


def settle(
    groups: Sequence[Sequence[Load]], rng: np.random.Generator,
) -> list[list[Rest | None]]:
    """
    Let each group's things fall into and onto its first one, which stays where it is.

    Gives for each thing where it rests, or None where it does not rest in or on its carrier.
    """
    model = build_physics(groups, [_starts(group, rng) for group in groups])
    data = mujoco.MjData(model)
    _fall(model, data)
    results, first = [], 1
    for number, group in enumerate(groups):
        results.append(_rests(group, model, data, first, np.array([SPACING * number, 0, 0])))
        first += len(group)
    return results


def build_physics(
    groups: Sequence[Sequence[Load]], poses: Sequence[Sequence[Pose]],
) -> 'mujoco.MjModel':
    """Make the model of what may fall: the bodies are the groups' things, one after the other."""
    spec = mujoco.MjSpec()
    spec.option.timestep = TIME_STEP
    spec.option.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
    spec.option.iterations = 20
    spec.option.disableflags |= mujoco.mjtDisableBit.mjDSBL_AUTORESET
    spec.worldbody.add_geom(type=mujoco.mjtGeom.mjGEOM_PLANE, size=[50, 50, 1])
    for number, (group, places) in enumerate(zip(groups, poses, strict=True)):
        for load, start in zip(group, places, strict=True):
            body = spec.worldbody.add_body(
                pos=start.position + np.array([SPACING * number, 0, 0]), quat=start.quaternion)
            if load.carrier >= 0:
                joint = body.add_freejoint()
                joint.damping, joint.armature = [DRAG] * 3, INERTIA
            for solid in SOLIDS[load.kind]:
                size = np.zeros(3)
                size[:len(solid.size)] = np.array(solid.size) * load.scale
                body.add_geom(type=getattr(mujoco.mjtGeom, f'mjGEOM_{solid.shape.upper()}'),
                              size=size, pos=np.array(solid.position) * load.scale,
                              quat=solid.quaternion, density=DENSITY, friction=[0.8, 0.005, 1e-4],
                              solref=[4 * TIME_STEP, 1.0])
    return spec.compile()


def _starts(group: Sequence[Load], rng: np.random.Generator) -> list[Pose]:
    """Put every thing a little above where it should come to rest."""
    starts = [Pose()]
    filled = [0.0] * len(group)
    angles = rng.uniform(0, 2 * np.pi) + np.arange(len(group)) * 2.4
    for load, angle in zip(group[1:], angles, strict=False):
        carrier, below = group[load.carrier], starts[load.carrier]
        place = CARRIERS[carrier.kind]
        long, wide, high = (2 * load.scale * edge for edge in half_edges(load.kind))
        room = max(place.radius * carrier.scale - min(long, wide) / 2, 0.0)
        away = room * rng.uniform(0.4, 0.7)
        if not place.contains:
            away *= 0.9 if place.most > 1 else 0.3
        spot = np.array([place.x * carrier.scale + away * np.cos(angle), away * np.sin(angle), 0.0])
        quaternion = turn('z', rng.uniform(0, 2 * np.pi))
        floor = place.floor * carrier.scale + DROP
        if place.narrow:
            lean = np.pi / 2 + rng.uniform(-0.12, 0.12)
            quaternion = multiply(quaternion, turn('y', lean if rng.uniform() < 0.4 else -lean))
            spot = 0.4 * spot
            floor += long / 2 + 0.01
        elif place.contains and load.kind in LEANING:
            quaternion = multiply(quaternion, turn('y', -0.7))
            spot = matrix(quaternion) @ np.array([0.36 * long, 0, 0])
            floor += spot[2] + 0.02
        elif place.contains:
            floor += 0.2 * (place.rim - place.floor) * carrier.scale
            if load.kind not in UPRIGHT:
                quaternion = multiply(quaternion, turn('x', rng.normal(0.0, 0.3)))
        spot[2] = floor + filled[load.carrier]
        filled[load.carrier] += high
        starts.append(below.at(Pose(spot, quaternion)))
    return starts


def _fall(model: 'mujoco.MjModel', data: 'mujoco.MjData') -> None:
    # A thing that a simulation loses does not come to rest, and is left out for that; MuJoCo would
    # say so on the terminal, and in a file in whatever folder this runs.
    mujoco.set_mju_user_warning(lambda _: None)
    try:
        for _ in range(int(LONGEST / TIME_STEP / LOOK_EVERY)):
            mujoco.mj_step(model, data, nstep=LOOK_EVERY)
            if not _moving(data.qvel.reshape(-1, 6)).any() and data.time > 0.3:
                break
    finally:
        mujoco.set_mju_user_warning(None)


def _moving(velocity: np.ndarray) -> np.ndarray:
    # Not a number counts as moving, too.
    return ~((np.linalg.norm(velocity[..., :3], axis=-1) < REST_SPEED)
             & (np.linalg.norm(velocity[..., 3:], axis=-1) < REST_TURN))


def _rests(
    group: Sequence[Load], model: 'mujoco.MjModel', data: 'mujoco.MjData', first: int,
    origin: np.ndarray,
) -> list[Rest | None]:
    """Judge a group whose bodies in the model begin at ``first``."""
    touching, jammed = _touching(model, data, first, len(group))
    rests: list[Rest | None] = [Rest()]
    lost = jammed - {0}
    for number, load in enumerate(group[1:], start=1):
        body = first + number
        pose = Pose(data.xpos[body] - origin, data.xquat[body].copy())
        carrier = rests[load.carrier]
        start = model.body_dofadr[body]
        placed = None
        if carrier is not None and number not in lost and not _moving(data.qvel[start:start + 6]):
            placed = _judge(group, number, pose, carrier.pose, touching)
        rests.append(placed)
        if placed is None:
            lost.add(number)
    # What touches a thing that is taken away may have rested on it.
    while spoilt := {a for pair in touching for a, b in (pair, pair[::-1])
                     if b in lost and a and a not in lost}:
        lost |= spoilt
    return [None if number in lost or (number and group[number].carrier in lost) else rest
            for number, rest in enumerate(rests)]


def _touching(
    model: 'mujoco.MjModel', data: 'mujoco.MjData', first: int, count: int,
) -> tuple[set[tuple[int, int]], set[int]]:
    """
    Give the pairs of numbers in a group that touch, the lower one first.

    And the numbers of the things that are squeezed into another one.
    """
    pairs, jammed = set(), set()
    for contact in data.contact[:data.ncon]:
        # The normal points from the first geom to the second.
        a, b = (int(model.geom_bodyid[geom]) - first for geom in contact.geom)
        if 0 <= a < count and 0 <= b < count:
            pairs.add((a, b) if contact.frame[2] >= 0 else (b, a))
            if contact.dist < -DEEPEST:
                jammed |= {a, b}
    return pairs, jammed


def _judge(
    group: Sequence[Load], number: int, pose: Pose, carrier: Pose, touching: set[tuple[int, int]],
) -> Rest | None:
    """Tell what a thing rests in or on; None if that is not its carrier."""
    load = group[number]
    place, scale = CARRIERS[group[load.carrier].kind], group[load.carrier].scale
    points = extent(load.kind, load.scale, pose) - carrier.position
    points = points @ matrix(carrier.quaternion) / scale
    middle = (points.min(axis=0) + points.max(axis=0)) / 2
    off = np.hypot(middle[0] - place.x, middle[1])
    lowest = points[:, 2].min()
    if place.contains:
        inside = off < 1.2 * place.radius and place.floor - 0.006 < lowest < 0.8 * place.rim
        return Rest(pose, load.carrier, load.carrier) if inside else None
    if lowest < place.floor - 0.006 or off > 1.4 * place.radius:
        return None
    upright = matrix(pose.quaternion)[2, 2] > np.cos(LARGEST_LEAN)
    if load.kind in UPRIGHT and not upright:
        return None
    below = [a for a, b in touching if b == number]
    if load.carrier in below:
        return Rest(pose, load.carrier)
    # What lies may lie on the other loads.
    return Rest(pose, below[0]) if below and load.kind not in UPRIGHT else None
