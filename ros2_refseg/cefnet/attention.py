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

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

LARGEST_BLOCK = 2 ** 20
"""Scores of an image that are stored at once on the CPU (4 MiB in fp32): 1024 x 1024."""

FUSED_WIDTH = 256
"""The widest head of PyTorch's fastest fused kernel."""


def attend(query: Tensor, key: Tensor, value: Tensor, scale: float = 1.0) -> Tensor:
    """
    Give softmax(scale * query key^T) value; memory grows with N + M, not N M, in training as well.

    On CUDA a fused kernel does it. On the CPU PyTorch's fused kernel takes up to three times as
    long as two matrix products, so these are taken, over blocks of queries where N M is large;
    backward computes a block's scores again instead of keeping them.

    :param query: BxNxC.
    :param key: BxMxC.
    :param value: BxMxD.
    :return: BxNxD.
    """
    if query.is_cuda:
        return _fused(query, key, value, scale)
    rows = max(LARGEST_BLOCK // key.shape[1], 1)
    if query.shape[1] <= rows or torch.jit.is_tracing():  # an exported network has its own planner
        return _explicit(query, key, value, scale)
    blocks = query.split(rows, dim=1)
    if torch.is_grad_enabled():
        return torch.cat([
            checkpoint(_explicit, block, key, value, scale, use_reentrant=False)
            for block in blocks
        ], dim=1)
    # Written to their place: small results between large scores would fragment the heap.
    attended = query.new_empty(*query.shape[:2], value.shape[-1])
    for place, block in zip(attended.split(rows, dim=1), blocks, strict=True):
        place.copy_(_explicit(block, key, value, scale))
    return attended


def _explicit(query: Tensor, key: Tensor, value: Tensor, scale: float) -> Tensor:
    return ((query * scale) @ key.transpose(1, 2)).softmax(dim=-1) @ value


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
    return F.pad(features.contiguous(), (0, width - features.shape[-1]))
