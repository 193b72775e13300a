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

"""Shapes of what the level 'household' adds from kitchen and living room."""

import numpy as np

from ros2_refseg.data.tabletop.household_words import HOUSEHOLD_KINDS as WORDS
from ros2_refseg.data.tabletop.shapes import Kind, Mesh, Part, arc, lathe, loft, placed, tube


def _glass() -> Kind:
    return Kind(
        words=WORDS['glass'], radius=0.041, height=0.115,
        parts=(Part('mesh', mesh='glass'),),
        meshes={'glass': lambda: lathe([
            (0, 0), (0.030, 0), (0.032, 0.003), (0.041, 0.113), (0.040, 0.115), (0.037, 0.115),
            (0.036, 0.112), (0.028, 0.012), (0, 0.010)])})


def _vase() -> Kind:
    return Kind(
        words=WORDS['vase'], radius=0.056, height=0.200, parts=(Part('mesh', mesh='vase'),),
        meshes={'vase': lambda: lathe([
            (0, 0), (0.032, 0), (0.035, 0.006), (0.048, 0.035), (0.056, 0.070), (0.053, 0.100),
            (0.036, 0.132), (0.023, 0.155), (0.021, 0.170), (0.028, 0.188), (0.040, 0.199),
            (0.037, 0.200), (0.024, 0.190), (0.017, 0.172), (0.017, 0.140), (0, 0.120)])})


PAN_CENTRE = -0.055
"""x of the middle of the pan proper; its handle reaches in the other direction."""


def _pan() -> Kind:
    return Kind(
        words=WORDS['pan'], radius=0.143, height=0.044,
        parts=(Part('mesh', mesh='pan'), Part('mesh', mesh='pan_handle', paint='dark')),
        meshes={
            'pan': lambda: placed(lathe([
                (0, 0), (0.072, 0), (0.076, 0.004), (0.087, 0.038), (0.087, 0.041),
                (0.083, 0.041), (0.072, 0.008), (0, 0.006)]), (PAN_CENTRE, 0, 0)),
            'pan_handle': lambda: loft([
                (0.024, 0.033, 0.010, 0.005), (0.050, 0.036, 0.009, 0.006),
                (0.100, 0.037, 0.011, 0.007), (0.138, 0.036, 0.012, 0.007),
                (0.143, 0.036, 0.006, 0.004)])})


def _basket() -> Kind:
    return Kind(
        words=WORDS['basket'], radius=0.101, height=0.168,
        parts=(Part('mesh', mesh='basket'), Part('mesh', mesh='basket_handle', paint='shade')),
        meshes={
            'basket': lambda: lathe([
                (0, 0), (0.074, 0), (0.079, 0.004), (0.096, 0.070), (0.100, 0.072),
                (0.100, 0.079), (0.088, 0.079), (0.088, 0.072), (0.071, 0.011), (0, 0.009)]),
            'basket_handle': lambda: tube(
                arc((0, 0.070), (0.094, 0.092), 0, 180), np.full(9, 0.0065))})


def _oval_bowl() -> Mesh:
    """Make the hollow end of a spoon around the origin, its edge upwards."""
    vertices, faces = lathe([
        (0, 0), (0.010, 0.0015), (0.017, 0.006), (0.021, 0.013), (0.0185, 0.013),
        (0.015, 0.0075), (0.008, 0.004), (0, 0.003)])
    return vertices * [1.45, 1.0, 1.0], faces


def _spoon() -> Kind:
    return Kind(
        words=WORDS['spoon'], radius=0.100, height=0.020,
        parts=(Part('mesh', mesh='spoon_bowl'), Part('mesh', mesh='spoon_handle')),
        meshes={
            'spoon_bowl': lambda: placed(_oval_bowl(), (-0.069, 0, 0)),
            'spoon_handle': lambda: loft([
                (-0.044, 0.0115, 0.0050, 0.0025), (-0.020, 0.014, 0.0050, 0.0030),
                (0.030, 0.010, 0.0060, 0.0030), (0.080, 0.005, 0.0085, 0.0032),
                (0.096, 0.004, 0.0075, 0.0030), (0.0995, 0.004, 0.0040, 0.0020)])})


def _fork() -> Kind:
    tines = {f'fork_tine{n}': lambda y=y: placed(loft([
        (-0.099, 0.009, 0.0016, 0.0016), (-0.085, 0.004, 0.0028, 0.0024),
        (-0.065, 0.006, 0.0028, 0.0025)]), (0, y, 0)) for n, y in enumerate((-0.0105, 0, 0.0105))}
    return Kind(
        words=WORDS['fork'], radius=0.100, height=0.018,
        parts=(Part('mesh', mesh='fork_handle'), *(Part('mesh', mesh=name) for name in tines)),
        meshes={
            'fork_handle': lambda: loft([
                (-0.071, 0.005, 0.0133, 0.0028), (-0.058, 0.006, 0.0125, 0.0030),
                (-0.044, 0.011, 0.0055, 0.0030), (-0.020, 0.014, 0.0048, 0.0030),
                (0.030, 0.010, 0.0060, 0.0030), (0.080, 0.005, 0.0085, 0.0032),
                (0.096, 0.004, 0.0075, 0.0030), (0.0995, 0.004, 0.0040, 0.0020)]),
            **tines})


def _candle() -> Kind:
    return Kind(
        words=WORDS['candle'], radius=0.026, height=0.148,
        parts=(Part('mesh', mesh='candle'),
               Part('cylinder', (0.0020, 0.006), (0, 0, 0.116), paint='dark'),
               Part('mesh', mesh='candle_flame', paint='flame')),
        meshes={
            'candle': lambda: lathe([
                (0, 0), (0.026, 0), (0.026, 0.110), (0.024, 0.112), (0.021, 0.109), (0, 0.107)]),
            'candle_flame': lambda: lathe([
                (0, 0.118), (0.006, 0.120), (0.009, 0.127), (0.007, 0.135), (0.003, 0.143),
                (0, 0.148)])})


def _lamp() -> Kind:
    return Kind(
        words=WORDS['lamp'], radius=0.074, height=0.215,
        parts=(Part('mesh', mesh='lamp'), Part('mesh', mesh='lamp_foot', paint='steel')),
        meshes={
            'lamp': lambda: lathe([
                (0, 0.122), (0.074, 0.120), (0.073, 0.123), (0.043, 0.213), (0.041, 0.215),
                (0.037, 0.211), (0, 0.205)]),
            'lamp_foot': lambda: lathe([
                (0, 0), (0.048, 0), (0.050, 0.005), (0.046, 0.011), (0.012, 0.016),
                (0.007, 0.024), (0.007, 0.128), (0, 0.128)])})


KITCHEN: dict[str, Kind] = {kind.words[0]: kind for kind in (
    _glass(), _vase(), _pan(), _basket(), _spoon(), _fork(), _candle(), _lamp())}
