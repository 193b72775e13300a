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

"""Shapes of what the level 'household' adds from desk, workshop, fruit bowl and toy box."""

import numpy as np

from ros2_refseg.data.tabletop.household_words import HOUSEHOLD_KINDS as WORDS
from ros2_refseg.data.tabletop.shapes import (
    ACROSS,
    FLAT,
    LYING,
    Kind,
    Mesh,
    Part,
    arc,
    extrude,
    lathe,
    loft,
    merged,
    placed,
    ring,
    tube,
)


def _pen() -> Kind:
    return Kind(
        words=WORDS['pen'], radius=0.078, height=0.017,
        parts=(Part('mesh', mesh='pen'), Part('mesh', mesh='pen_cap', paint='shade'),
               Part('mesh', mesh='pen_tip', paint='dark'),
               Part('box', (0.018, 0.0018, 0.0010), (0.054, 0, 0.0168), paint='metal')),
        meshes={
            'pen': lambda: loft([(-0.062, 0.0075, 0.0055, 0.0055), (-0.050, 0.0075, 0.0075, 0.0075),
                                 (0.030, 0.0075, 0.0075, 0.0075)]),
            'pen_cap': lambda: loft([(0.028, 0.008, 0.0080, 0.008), (0.074, 0.008, 0.0080, 0.008),
                                     (0.078, 0.008, 0.0055, 0.005)]),
            'pen_tip': lambda: loft([(-0.078, 0.0075, 0.0010, 0.0010),
                                     (-0.062, 0.0075, 0.0050, 0.0050)])})


def _hammer() -> Kind:
    return Kind(
        words=WORDS['hammer'], radius=0.108, height=0.034,
        parts=(Part('mesh', mesh='hammer'), Part('mesh', mesh='hammer_head', paint='steel')),
        meshes={
            'hammer': lambda: loft([
                (-0.100, 0.017, 0.008, 0.006), (-0.060, 0.017, 0.008, 0.007),
                (0.000, 0.014, 0.009, 0.008), (0.060, 0.013, 0.012, 0.010),
                (0.100, 0.013, 0.012, 0.010), (0.104, 0.013, 0.008, 0.007)]),
            'hammer_head': lambda: placed(
                # The face, the middle around the handle, and the peen.
                loft([(-0.044, 0.017, 0.017, 0.017), (-0.028, 0.017, 0.017, 0.017),
                      (-0.024, 0.017, 0.011, 0.012), (-0.012, 0.017, 0.012, 0.013),
                      (0.012, 0.017, 0.012, 0.013), (0.042, 0.017, 0.003, 0.011)]),
                (-0.082, 0, 0), ACROSS)})


def _screwdriver() -> Kind:
    return Kind(
        words=WORDS['screwdriver'], radius=0.100, height=0.030,
        parts=(Part('mesh', mesh='screwdriver'), Part('mesh', mesh='screwdriver_shaft',
                                                      paint='steel')),
        meshes={
            'screwdriver': lambda: loft([
                (0.006, 0.014, 0.008, 0.008), (0.016, 0.014, 0.010, 0.010),
                (0.028, 0.015, 0.014, 0.014), (0.070, 0.015, 0.015, 0.015),
                (0.092, 0.015, 0.013, 0.013), (0.099, 0.015, 0.007, 0.007)]),
            'screwdriver_shaft': lambda: loft([
                (-0.100, 0.003, 0.0055, 0.0012), (-0.086, 0.004, 0.0055, 0.0020),
                (-0.078, 0.005, 0.0038, 0.0038), (0.010, 0.014, 0.0038, 0.0038)])})


def _banana() -> Kind:
    # A banana lies on its side: its bend is seen from above.
    path = arc((0, 0.066), (0.088, 0.098), 205, 335)
    radii = np.array([0.006, 0.013, 0.0165, 0.018, 0.0185, 0.018, 0.0165, 0.012, 0.007])

    def lay(part: Mesh) -> Mesh:
        return placed(part, (0, 0, 0.0185), FLAT)

    return Kind(
        words=WORDS['banana'], radius=0.096, height=0.037,
        parts=(Part('mesh', mesh='banana'), Part('mesh', mesh='banana_ends', paint='stem')),
        meshes={
            'banana': lambda: lay(tube(path, radii)),
            'banana_ends': lambda: lay(merged(
                tube(np.array([path[0] + (-0.004, 0.014), path[0]]), np.array([0.004, 0.0062])),
                tube(np.array([path[-1], path[-1] + (0.002, 0.006)]), np.array([0.0072, 0.004]))))})


def _apple() -> Kind:
    return Kind(
        words=WORDS['apple'], radius=0.039, height=0.080,
        parts=(Part('mesh', mesh='apple'), Part('mesh', mesh='apple_stem', paint='stem'),
               Part('mesh', mesh='apple_leaf', paint='leaf')),
        meshes={
            'apple': lambda: lathe([
                (0, 0.005), (0.010, 0.002), (0.018, 0.002), (0.028, 0.013), (0.036, 0.030),
                (0.039, 0.045), (0.035, 0.060), (0.024, 0.068), (0.013, 0.068), (0.005, 0.063),
                (0, 0.058)]),
            'apple_stem': lambda: tube(
                np.array([(0, 0.058), (0.001, 0.070), (0.005, 0.080)]), np.full(3, 0.0024)),
            'apple_leaf': lambda: loft([
                (0.001, 0.070, 0.001, 0.001), (0.010, 0.074, 0.006, 0.001),
                (0.022, 0.073, 0.001, 0.001)])})


def _lemon() -> Kind:
    return Kind(
        words=WORDS['lemon'], radius=0.046, height=0.060,
        parts=(Part('mesh', mesh='lemon'),),
        meshes={'lemon': lambda: placed(lathe([
            (0, -0.046), (0.006, -0.044), (0.010, -0.038), (0.020, -0.029), (0.028, -0.014),
            (0.030, 0.000), (0.028, 0.014), (0.020, 0.029), (0.010, 0.037), (0.006, 0.040),
            (0, 0.042)]), (0, 0, 0.030), LYING)})


def _carrot() -> Kind:
    return Kind(
        words=WORDS['carrot'], radius=0.102, height=0.036,
        parts=(Part('mesh', mesh='carrot'), Part('mesh', mesh='carrot_leaves', paint='leaf')),
        meshes={
            'carrot': lambda: loft([
                (-0.098, 0.003, 0.002, 0.002), (-0.070, 0.007, 0.0065, 0.0065),
                (-0.020, 0.012, 0.0115, 0.0115), (0.030, 0.016, 0.0160, 0.0160),
                (0.046, 0.016, 0.0150, 0.0150), (0.052, 0.016, 0.0080, 0.0080)]),
            'carrot_leaves': lambda: merged(*(loft([
                (0.048, 0.016, 0.004, 0.003), (0.068, 0.018 + rise, 0.005, 0.003),
                (0.098, 0.016 + 2 * rise, 0.007, 0.003)]) if y == 0 else placed(loft([
                    (0.000, 0.016, 0.004, 0.003), (0.030, 0.016 + rise, 0.007, 0.003),
                    (0.044, 0.014 + rise, 0.002, 0.002)]), (0.048, 0, 0), _about_z(y))
                for y, rise in ((0, 0.002), (-0.55, 0.004), (0.55, 0.000))))})


def _about_z(angle: float) -> np.ndarray:
    cosine, sine = np.cos(angle), np.sin(angle)
    return np.array([[cosine, -sine, 0.0], [sine, cosine, 0.0], [0.0, 0.0, 1.0]])


def _round(centre: tuple[float, float], radius: float, start: float, stop: float) -> list:
    """List points of a circle (radius, height) between two angles in degrees."""
    return [(float(r), float(z)) for r, z in arc(centre, (radius, radius), start, stop)]


def _donut() -> Kind:
    centre = (0.034, 0.018)
    return Kind(
        words=WORDS['donut'], radius=0.054, height=0.038,
        parts=(Part('mesh', mesh='donut'), Part('mesh', mesh='donut_dough', paint='dough')),
        meshes={
            'donut': lambda: ring(_round(centre, 0.0197, 12, 168)),
            'donut_dough': lambda: ring(_round(centre, 0.018, -90, 230)),
        })


def _car() -> Kind:
    def wheels() -> Mesh:
        wheel = placed(lathe([(0, -0.007), (0.013, -0.007), (0.014, 0.005), (0.012, 0.007),
                              (0, 0.007)]), (0, 0, 0), ACROSS @ LYING)
        return merged(*(placed(wheel, (x, y, 0.014))
                        for x in (-0.036, 0.036) for y in (-0.026, 0.026)))

    return Kind(
        words=WORDS['car'], radius=0.066, height=0.054,
        parts=(Part('mesh', mesh='car'), Part('mesh', mesh='car_windows', paint='dark'),
               Part('mesh', mesh='car_roof'), Part('mesh', mesh='car_wheels', paint='dark'),
               Part('box', (0.002, 0.005, 0.004), (0.0605, 0.017, 0.023), paint='paper'),
               Part('box', (0.002, 0.005, 0.004), (0.0605, -0.017, 0.023), paint='paper')),
        meshes={
            'car': lambda: extrude([
                (-0.060, 0.011), (0.060, 0.011), (0.061, 0.022), (0.058, 0.029), (0.028, 0.033),
                (-0.056, 0.034), (-0.061, 0.028)], 0.027),
            'car_windows': lambda: extrude([
                (-0.052, 0.033), (0.028, 0.033), (0.010, 0.051), (-0.040, 0.051)], 0.0235),
            'car_roof': lambda: extrude([
                (-0.039, 0.049), (0.010, 0.049), (0.006, 0.054), (-0.036, 0.054)], 0.0240),
            'car_wheels': wheels})


def _hat() -> Kind:
    return Kind(
        words=WORDS['hat'], radius=0.096, height=0.078,
        parts=(Part('mesh', mesh='hat'),
               Part('mesh', mesh='hat_band', paint='shade')),
        meshes={
            'hat': lambda: lathe([
                (0, 0.001), (0.060, 0), (0.096, 0.007), (0.096, 0.010), (0.060, 0.006),
                (0.055, 0.010), (0.052, 0.040), (0.047, 0.068), (0.040, 0.076), (0.026, 0.078),
                (0, 0.072)]),
            'hat_band': lambda: ring([
                (0.054, 0.010), (0.0565, 0.010), (0.0552, 0.026), (0.052, 0.026)])})


THINGS: dict[str, Kind] = {kind.words[0]: kind for kind in (
    _pen(), _hammer(), _screwdriver(), _banana(), _apple(), _lemon(), _carrot(), _donut(),
    _car(), _hat())}
