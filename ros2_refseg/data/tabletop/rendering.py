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

"""Off-screen rendering of a layout with MuJoCo: the image and the objects' labels."""

import ctypes.util
import os
import weakref
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from ros2_refseg.data.tabletop.household_kinds import HOUSEHOLD, mesh_of
from ros2_refseg.data.tabletop.layout import Item, Layout
from ros2_refseg.data.tabletop.materials import (
    Look,
    is_covered,
    normals,
    rgba,
    texture,
    wrapping,
)


def _choose_backend() -> str | None:
    """Take EGL where a graphics device is, else OSMesa, else EGL in software."""
    device = any(Path('/dev').glob('nvidia[0-9]*')) or any(Path('/dev/dri').glob('renderD*'))
    libraries = {'egl': 'EGL', 'osmesa': 'OSMesa'}
    for backend in ('egl', 'osmesa') if device else ('osmesa', 'egl'):
        if ctypes.util.find_library(libraries[backend]):
            return backend
    return None


# MuJoCo reads this variable once, when it is imported.
if 'MUJOCO_GL' not in os.environ and (_backend := _choose_backend()):
    os.environ['MUJOCO_GL'] = _backend

import mujoco  # noqa: E402

FONT_SCALE = 50
"""Smallest font of MuJoCo's contexts; nothing is written, and it loads fastest."""
SHADOW_MAP = 1024
"""Edge of the shadow map in texels."""
MAX_GEOMS = 500


@contextmanager
def _failures_of_opengl() -> Iterator[None]:
    try:
        yield
    except (mujoco.FatalError, ImportError) as error:
        raise RuntimeError(
            f"OpenGL of MUJOCO_GL={os.environ['MUJOCO_GL']} does not work here: {error}"
        ) from error


class OffscreenRenderer:
    """
    One OpenGL context that outlives the scenes drawn in it.

    Making a context costs more than drawing, so each scene only gets its meshes and textures
    uploaded anew. A context belongs to the thread that made it.

    :raises RuntimeError: when there is no off-screen OpenGL, or none that works.
    """

    def __init__(self, width: int, height: int) -> None:
        if 'MUJOCO_GL' not in os.environ:
            raise RuntimeError(
                'found neither OSMesa nor EGL, and the tabletop simulator needs one of them to '
                'draw without a screen; on Debian and Ubuntu: apt-get install libosmesa6, or '
                'libegl1 libgl1-mesa-dri where there is no such package any more')
        self._width, self._height = width, height
        with _failures_of_opengl():
            self._gl = mujoco.GLContext(width, height)
        self._drawing: mujoco.MjrContext | None = None
        self._viewport = mujoco.MjrRect(0, 0, width, height)
        self._option = mujoco.MjvOption()
        self._camera = mujoco.MjvCamera()
        self._camera.type = mujoco.mjtCamera.mjCAMERA_FIXED
        self._camera.fixedcamid = 0
        # OpenGL libraries must be let go of before the interpreter tears its modules down.
        self._free = weakref.finalize(self, self._gl.free)

    def load(self, model: 'mujoco.MjModel') -> None:
        """Upload a scene; it replaces the one before."""
        self._gl.make_current()
        if self._drawing is not None:
            self._drawing.free()
        with _failures_of_opengl():
            self._drawing = mujoco.MjrContext(model, FONT_SCALE)
        mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN.value, self._drawing)
        self._model = model
        self._scene = mujoco.MjvScene(model, MAX_GEOMS)

    def update(self, data: 'mujoco.MjData') -> None:
        """Take over where everything is now."""
        mujoco.mjv_updateScene(self._model, data, self._option, None, self._camera,
                               mujoco.mjtCatBit.mjCAT_ALL.value, self._scene)

    def image(self) -> np.ndarray:
        """Draw the picture: uint8 (H, W, 3), RGB."""
        return self._read()

    def bodies(self, shown: Collection[int] | None = None) -> np.ndarray:
        """
        Draw what is where: uint16 (H, W), the body's number in the model, 0 the world.

        With ``shown`` these bodies alone are there, and hide each other only.
        """
        hidden = [] if shown is None else [
            geom for geom in self._scene.geoms[:self._scene.ngeom]
            if geom.segid >= 0 and self._model.geom_bodyid[geom.objid] not in shown]
        numbers = [geom.segid for geom in hidden]
        for geom in hidden:
            geom.segid = -1
        try:
            return self._bodies()
        finally:
            for geom, number in zip(hidden, numbers, strict=True):
                geom.segid = number

    def _bodies(self) -> np.ndarray:
        flags = self._scene.flags
        flags[mujoco.mjtRndFlag.mjRND_SEGMENT] = flags[mujoco.mjtRndFlag.mjRND_IDCOLOR] = 1
        try:
            pixels = self._read()
        finally:
            flags[mujoco.mjtRndFlag.mjRND_SEGMENT] = flags[mujoco.mjtRndFlag.mjRND_IDCOLOR] = 0
        # MAX_GEOMS fits into the first two bytes of the number that is drawn as a colour.
        drawn = pixels[..., 0] | pixels[..., 1].astype(np.uint16) << 8
        body_of = np.zeros(self._scene.ngeom + 1, np.uint16)
        for geom in self._scene.geoms[:self._scene.ngeom]:
            if geom.segid >= 0:
                body_of[geom.segid + 1] = self._model.geom_bodyid[geom.objid]
        return body_of[drawn]

    def _read(self) -> np.ndarray:
        self._gl.make_current()
        mujoco.mjr_render(self._viewport, self._scene, self._drawing)
        pixels = np.empty((self._height, self._width, 3), np.uint8)
        mujoco.mjr_readPixels(pixels, None, self._viewport, self._drawing)
        return pixels[::-1]

    def close(self) -> None:
        """Free the context; the renderer cannot be used afterwards."""
        if self._free.alive:
            if self._drawing is not None:
                self._gl.make_current()
                self._drawing.free()
                self._drawing = None
            self._free()


def build_model(layout: Layout) -> 'mujoco.MjModel':
    """Make the MuJoCo model of a layout: body ``i + 1`` is thing ``i``, moved as a mocap body."""
    spec = mujoco.MjSpec()
    camera = layout.camera
    visual = spec.visual
    visual.global_.offwidth, visual.global_.offheight = camera.width, camera.height
    visual.quality.shadowsize, visual.quality.offsamples = SHADOW_MAP, 4
    visual.map.znear, visual.map.zfar, visual.map.shadowclip = 0.05, 12.0, 1.0
    visual.headlight.ambient = layout.ambient
    visual.headlight.diffuse = visual.headlight.specular = [0.0, 0.0, 0.0]
    spec.stat.extent = 1.0
    spec.stat.center = [0.0, 0.0, 0.0]
    for number, light in enumerate(layout.lights):
        spec.worldbody.add_light(
            type=mujoco.mjtLightType.mjLIGHT_DIRECTIONAL, castshadow=number == 0,
            pos=-1.5 * light.direction, dir=light.direction, ambient=[0.0, 0.0, 0.0],
            diffuse=light.rgb, specular=0.6 * light.rgb)
    quaternion = np.empty(4)
    mujoco.mju_mat2Quat(quaternion, camera.rotation.ravel())
    spec.worldbody.add_camera(pos=camera.position, quat=quaternion, fovy=camera.fovy)
    _add_table(spec, layout)
    stands = np.array([[item.x, item.y, item.yaw] for item in layout.items])
    for number, (thing, pose) in enumerate(zip(layout.things, layout.poses(stands), strict=True)):
        body = spec.worldbody.add_body(mocap=True, pos=pose.position, quat=pose.quaternion)
        _add_thing(spec, body, number, thing, layout.gloss)
    return spec.compile()


def _add_thing(
    spec: 'mujoco.MjSpec', body: 'mujoco.MjsBody', number: int, thing: Item, gloss: float,
) -> None:
    """Add the geoms, meshes and materials of one thing."""
    look, scale = thing.look, np.array(thing.factors)
    shine = {'metal': 0.9, 'glass': 1.0, 'wooden': 0.1}.get(look.material, gloss)
    material = spec.add_material(name=f'item{number}', specular=shine,
                                 shininess=0.85 if look.material in ('metal', 'glass') else 0.5)
    cover = _add_cover(spec, number, look, shine) if look.cover else None
    for index, part in enumerate(HOUSEHOLD[thing.kind].parts):
        covered = is_covered(thing.kind, part, look)
        # A label would hide the pattern.
        if part.paint == 'tint' and look.pattern != 'plain':
            continue
        common = {'rgba': rgba(look, part, covered), 'contype': 0, 'conaffinity': 0,
                  'material': (cover if covered else material).name}
        if covered or part.mesh:
            vertices, faces = mesh_of(thing.kind, index)
            name = f'{part.mesh or index}_{number}'
            shape = spec.add_mesh(
                name=name, uservert=(vertices * scale).ravel(), userface=faces.ravel(),
                inertia=mujoco.mjtMeshInertia.mjMESH_INERTIA_SHELL)
            if covered:
                shape.usertexcoord = wrapping(thing.kind, index, look.cover).ravel()
                shape.usernormal = normals(thing.kind, index).ravel()
                shape.userfacetexcoord = shape.userfacenormal = np.arange(faces.size)
            body.add_geom(type=mujoco.mjtGeom.mjGEOM_MESH, meshname=name, **common)
        else:
            body.add_geom(type=getattr(mujoco.mjtGeom, f'mjGEOM_{part.shape.upper()}'),
                          size=_scaled(part.shape, part.size, scale),
                          pos=np.array(part.position) * scale, **common)


def _add_cover(
    spec: 'mujoco.MjSpec', number: int, look: Look, shine: float,
) -> 'mujoco.MjsMaterial':
    """Add the textured material of a thing."""
    tile = texture(look)
    image = spec.add_texture(name=f'cover{number}', type=mujoco.mjtTexture.mjTEXTURE_2D,
                             width=tile.shape[1], height=tile.shape[0], nchannel=3)
    image.data = tile.tobytes()
    material = spec.add_material(name=f'cover{number}', specular=shine, shininess=0.5)
    material.textures[mujoco.mjtTextureRole.mjTEXROLE_RGB] = image.name
    return material


def _scaled(shape: str, size: tuple[float, ...], scale: np.ndarray) -> list[float]:
    if shape == 'box':
        return list(np.array(size) * scale)
    if shape == 'cylinder':
        return [size[0] * scale[0], size[1] * scale[2], 0.0]
    return [size[0] * scale[0], 0.0, 0.0]


def _add_table(spec: 'mujoco.MjSpec', layout: Layout) -> None:
    edge = layout.table_texture.shape[0]
    texture = spec.add_texture(name='table', type=mujoco.mjtTexture.mjTEXTURE_2D, width=edge,
                               height=edge, nchannel=3)
    texture.data = layout.table_texture.tobytes()
    material = spec.add_material(name='table', specular=0.1, shininess=0.2)
    material.textures[mujoco.mjtTextureRole.mjTEXROLE_RGB] = 'table'
    spec.worldbody.add_geom(
        type=mujoco.mjtGeom.mjGEOM_BOX, size=[*layout.table_size, 0.02], pos=[0, 0, -0.02],
        material='table', contype=0, conaffinity=0)
    spec.worldbody.add_geom(
        type=mujoco.mjtGeom.mjGEOM_PLANE, size=[8, 8, 1], pos=[0, 0, -0.75],
        rgba=[*layout.floor, 1.0], contype=0, conaffinity=0)
