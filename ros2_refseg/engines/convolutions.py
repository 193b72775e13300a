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

"""
Convolutions of an OpenVINO model written anew: the same results, but for rounding, from less work.

Wide 3x3 convolutions take most of a network's time. Winograd's minimal filtering (A. Lavin and
S. Gray, "Fast Algorithms for Convolutional Neural Networks", CVPR 2016) makes a tile of 4x4 results
as A^T [(G g G^T) * (B^T d B)] A, of the 3x3 filter g and the 6x6 inputs d under the tile: 36
products for each pair of channels instead of 144. OpenVINO has no such kernels for x86, but the
matrix products that it has do as well. Rounding costs some four of single precision's 24 bits.
"""

import numpy as np

MIN_CHANNELS = 64
"""In narrower layers moving the tiles about takes longer than the products saved."""

MIN_TILES = 16
"""For fewer tiles reading the filters, four times as many numbers, takes longer."""

LARGEST_BAND = 2 ** 22
"""Numbers under the tiles of a map that are laid out at once: 16 MiB."""

TILE = 4

_B = np.array([[4, 0, -5, 0, 1, 0], [0, -4, -4, 1, 1, 0], [0, 4, -4, -1, 1, 0],
               [0, -2, -1, 2, 1, 0], [0, 2, -1, -2, 1, 0], [0, 4, 0, -5, 0, 1]])
_G = np.array([[1 / 4, 0, 0], [-1 / 6, -1 / 6, -1 / 6], [-1 / 6, 1 / 6, -1 / 6],
               [1 / 24, 1 / 12, 1 / 6], [1 / 24, -1 / 12, 1 / 6], [0, 0, 1]])
_A = np.array([[1, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1]])
TO_INPUTS, TO_FILTERS, TO_RESULTS = (np.kron(matrix, matrix) for matrix in (_B, _G, _A))
"""B^T, G and A^T for tiles whose rows lie one after the other: 36x36, 36x9 and 16x36."""


def rewrite_convolutions(model, min_channels: int = MIN_CHANNELS) -> dict[str, int]:
    """
    Replace, in place, the 3x3 convolutions of an OpenVINO model that can be had for less.

    :param model: in single precision, with all shapes known.
    :param min_channels: the fewest channels, in and out, of a convolution that Winograd takes.
    :return: how many were replaced by which function.
    """
    fold_constants(model)
    replaced = {winograd.__name__: 0, tap_by_tap.__name__: 0}
    for node in model.get_ordered_ops():
        filters = _filters_of_3x3(node)
        if filters is None:
            continue
        batch, _, height, width = node.get_output_shape(0)
        tiles = batch * -(-height // TILE) * -(-width // TILE)
        if min(filters.shape[:2]) >= min_channels and tiles >= MIN_TILES:
            method = winograd
        elif len(filters) == 1:
            method = tap_by_tap
        else:
            continue
        replacement = method(node.input_value(0), filters)
        replacement.set_friendly_name(node.get_friendly_name())
        node.output(0).replace(replacement.output(0))
        replaced[method.__name__] += 1
    return replaced


def fold_constants(model) -> None:
    """Make constants, in place, of what follows from constants, as filters cut out of others."""
    from openvino.passes import ConstantFolding, Manager

    folding = Manager()
    folding.register_pass(ConstantFolding())
    folding.run_passes(model)


def winograd(features, filters: np.ndarray):
    """
    Convolve by Winograd's minimal filtering.

    :param features: the output of a node, BxCxHxW.
    :param filters: C'xCx3x3.
    :return: a node that gives BxC'xHxW.
    """
    from openvino import opset13 as ops

    batch, channels, height, width = features.get_shape()
    to_inputs, to_results = _constant(TO_INPUTS), _constant(TO_RESULTS)
    transformed = _constant(np.tensordot(
        TO_FILTERS, filters.reshape(*filters.shape[:2], 9), axes=(1, 2)).transpose(0, 2, 1))
    # Row 0 holds zeros, for what lies outside the map; images follow each other.
    rows = _reshape(ops.transpose(features, np.array([0, 2, 3, 1])), -1, channels)
    rows = ops.concat([_constant(np.zeros((1, channels))), rows], axis=0)

    def convolve(positions: np.ndarray):
        """Give Bx4Rx4TxC' for R rows of T tiles with inputs at 36xRxT positions."""
        points, *tiles = positions.shape
        of_image = np.arange(batch)[:, None, None] * (height * width)
        index = np.where(positions[:, None] > 0, positions[:, None] + of_image, 0)
        data = ops.gather(rows, ops.constant(index.reshape(-1).astype(np.int32)), np.array(0))
        data = ops.matmul(to_inputs, _reshape(data, points, -1), False, False)
        products = ops.matmul(_reshape(data, points, -1, channels), transformed, False, False)
        results = ops.matmul(to_results, _reshape(products, points, -1), False, False)
        results = _reshape(results, TILE, TILE, batch, *tiles, len(filters))
        results = ops.transpose(results, np.array([2, 3, 0, 4, 1, 5]))
        return _reshape(results, batch, tiles[0] * TILE, tiles[1] * TILE, len(filters))

    positions = covered_positions(height, width)
    a_row = positions[:, 0].size * batch * max(filters.shape[:2])
    tile_rows = positions.shape[1]
    bands = min(-(-tile_rows * a_row // LARGEST_BAND), tile_rows)
    results = [convolve(band) for band in np.array_split(positions, bands, axis=1)]
    results = ops.concat(results, axis=1) if bands > 1 else results[0]
    if height % TILE or width % TILE:
        results = ops.slice(results, np.array([0, 0]), np.array([height, width]),
                            np.array([1, 1]), np.array([1, 2]))
    return ops.transpose(results, np.array([0, 3, 1, 2]))


def tap_by_tap(features, filters: np.ndarray):
    """
    Convolve to one channel: each of the nine taps everywhere, then their sum.

    Kernels compute as many channels at once as a vector holds, and of one channel use only that.

    :param features: the output of a node, BxCxHxW.
    :param filters: 1xCx3x3.
    :return: a node that gives Bx1xHxW.
    """
    from openvino import opset13 as ops

    once = [1, 1]
    of_tap = filters[0].reshape(-1, 9).T[..., None, None]
    taps = ops.convolution(features, _constant(of_tap), once, [0, 0], [0, 0], once)
    shifts = np.eye(9).reshape(1, 9, 3, 3)
    return ops.convolution(taps, _constant(shifts), once, [1, 1], [1, 1], once)


def covered_positions(height: int, width: int) -> np.ndarray:
    """
    Give the positions of the inputs under every tile, 36 x rows of tiles x tiles a row.

    Positions count from 1, row by row; 0 is outside the map.
    """
    y, x = (
        np.arange(TILE + 2)[:, None] - 1 + np.arange(0, length, TILE)[None]
        for length in (height, width)
    )
    y, x = y[:, None, :, None], x[None, :, None, :]
    inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
    return np.where(inside, y * width + x + 1, 0).reshape(-1, *inside.shape[2:])


def _filters_of_3x3(node) -> np.ndarray | None:
    """Give the filters, C'xCx3x3, of a 3x3 convolution that keeps the size; None of others."""
    if node.get_type_name() != 'Convolution':
        return None
    filters, options = node.input_value(1).get_node(), node.get_attributes()
    if filters.get_type_name() != 'Constant' or list(filters.shape[2:]) != [3, 3] or any(
        list(options[name]) != [1, 1]
        for name in ('strides', 'dilations', 'pads_begin', 'pads_end')
    ):
        return None
    return filters.data


def _reshape(node, *shape: int):
    from openvino import opset13 as ops

    return ops.reshape(node, np.array(shape), special_zero=False)


def _constant(values: np.ndarray):
    from openvino import opset13 as ops

    return ops.constant(np.ascontiguousarray(values, np.float32))
