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

"""Exact softmax attention in linear memory, the one call behind every equation with a softmax."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

LARGEST_BLOCK = 2 ** 20
"""Scores of an image that are stored at once on the CPU (4 MiB in fp32): 1024 x 1024."""

FUSED_WIDTH = 256
"""The widest head of PyTorch's fastest fused kernel."""

FEW_KEYS = 128
"""Keys up to which CUDA may store all scores: they take about as much room as the queries."""


def attend(query: Tensor, key: Tensor, value: Tensor, scale: float = 1.0) -> Tensor:
    """
    Give softmax(scale * query key^T) value; memory grows with N + M, not N M, in training as well.

    On CUDA a fused kernel does it where M is large. On the CPU PyTorch's fused kernel takes up to
    three times as long as two matrix products, so these are taken, over blocks of queries where N M
    is large; backward computes a block's scores again instead of keeping them.

    :param query: BxNxC.
    :param key: BxMxC.
    :param value: BxMxD.
    :return: BxNxD.
    """
    if query.is_cuda:
        return _on_cuda(query, key, value, scale)
    rows = max(LARGEST_BLOCK // key.shape[1], 1)
    if query.shape[1] <= rows or torch.jit.is_tracing():  # an exported network has its own planner
        return _explicit(query, key, value, scale)
    return _Blockwise.apply(query, key, value, scale, rows)


class _Blockwise(torch.autograd.Function):
    """
    Attention over blocks of ``rows`` queries.

    Results and gradients are written to places made beforehand: what each block left on the heap
    between the scores of two would keep the C library from using the room of scores again.
    """

    @staticmethod
    @torch.amp.custom_fwd(device_type='cpu')
    def forward(
        ctx: Any, query: Tensor, key: Tensor, value: Tensor, scale: float, rows: int
    ) -> Tensor:
        attended = query.new_empty(*query.shape[:2], value.shape[-1])
        for place, block in zip(attended.split(rows, 1), query.split(rows, 1), strict=True):
            place.copy_(_explicit(block, key, value, scale))
        ctx.save_for_backward(query, key, value, attended)
        ctx.scale, ctx.rows = scale, rows
        return attended

    @staticmethod
    @torch.autograd.function.once_differentiable
    @torch.amp.custom_bwd(device_type='cpu')
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        query, key, value, attended = ctx.saved_tensors
        of_query = torch.empty_like(query)
        # Sums over the blocks, which half a mantissa would not hold.
        of_key, of_value = (
            torch.zeros_like(each, dtype=torch.promote_types(each.dtype, torch.float32))
            for each in (key, value))
        blocks = (each.split(ctx.rows, 1) for each in (of_query, query, attended, gradient))
        for place, block, result, of_result in zip(*blocks, strict=True):
            shares = _shares(block, key, ctx.scale)
            of_value += shares.transpose(1, 2) @ of_result
            # The gradient of a softmax: what a share is told, less what all its row's are told.
            told = of_result @ value.transpose(1, 2) - (of_result * result).sum(-1, keepdim=True)
            of_scores = shares * told * ctx.scale
            place.copy_(of_scores @ key)
            of_key += of_scores.transpose(1, 2) @ block
        return of_query, of_key.to(key.dtype), of_value.to(value.dtype), None, None


def _explicit(query: Tensor, key: Tensor, value: Tensor, scale: float) -> Tensor:
    return _shares(query, key, scale) @ value


def _shares(query: Tensor, key: Tensor, scale: float) -> Tensor:
    return ((query * scale) @ key.transpose(1, 2)).softmax(dim=-1)


def _on_cuda(query: Tensor, key: Tensor, value: Tensor, scale: float) -> Tensor:
    # Of more channels than FUSED_WIDTH only slow kernels make one call, but two products are quick.
    # Scores that are scaled up may lie outside of half precision, in which these would store them.
    compute = _explicit if key.shape[1] <= FEW_KEYS and scale <= 1 else _fused
    return compute(query, key, value, scale)


def _fused(query: Tensor, key: Tensor, value: Tensor, scale: float) -> Tensor:
    # Fused kernels want a dimension of heads, channels side by side in memory, and the fastest one
    # keys and values of one width, a multiple of 8; else all scores are stored. A wide value is cut
    # into heads that share query and key; zeros fill up.
    heads, rest = divmod(value.shape[-1], max(FUSED_WIDTH, key.shape[-1]))
    heads = 1 if rest or not heads else heads
    value = value.contiguous().unflatten(2, (heads, -1))
    width = -(-max(key.shape[-1], value.shape[-1]) // 8) * 8
    attended = F.scaled_dot_product_attention(
        _filled(query, width).unsqueeze(1).expand(-1, heads, -1, -1),
        _filled(key, width).unsqueeze(1).expand(-1, heads, -1, -1),
        _filled(value, width).transpose(1, 2),
        scale=scale,
    )
    return attended[..., :value.shape[-1]].transpose(1, 2).flatten(2)


def _filled(features: Tensor, width: int) -> Tensor:
    missing, features = width - features.shape[-1], features.contiguous()
    return F.pad(features, (0, missing)) if missing else features  # by nothing it would copy
