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

"""Attention in blocks and by fused kernels: the same as the softmax of the whole matrix."""

import pytest
import torch

from ros2_refseg.cefnet import attention


def inputs(batch: int = 2) -> tuple[torch.Tensor, ...]:
    """Give query, key, value (twice as wide as the key) and which keys are present."""
    torch.manual_seed(0)
    query, key, value = (
        torch.randn(batch, count, width, requires_grad=True)
        for count, width in ((37, 8), (23, 8), (23, 16))
    )
    present = torch.arange(23) < torch.tensor([[23], [5]])
    return query, key, value, present


def whole(query, key, value, present=None, scale=1.0):
    """Store the whole matrix."""
    scores = scale * query @ key.transpose(1, 2)
    if present is not None:
        scores[~present[:, None, :].expand_as(scores)] = float('-inf')
    return scores.softmax(2) @ value


@pytest.mark.parametrize('masked', [False, True])
@pytest.mark.parametrize('largest_block', [10, 23 * 5, 10 ** 6])
def test_blocks_change_neither_result_nor_gradient(monkeypatch, largest_block, masked):
    monkeypatch.setattr(attention, 'LARGEST_BLOCK', largest_block)
    *tensors, present = inputs()
    weight = torch.randn(2, 37, 16)
    results = []
    for attend in (attention.attend, whole):
        result = attend(*tensors, present if masked else None, scale=0.7)
        results.append((result, *torch.autograd.grad((result * weight).sum(), tensors)))
    for ours, expected in zip(*results, strict=True):
        assert torch.allclose(ours, expected, atol=1e-5)
    with torch.no_grad():
        ours = attention.attend(*tensors, present if masked else None, scale=0.7)
    assert torch.allclose(ours, results[1][0], atol=1e-5)


def test_no_block_stores_more_than_it_may(monkeypatch):
    monkeypatch.setattr(attention, 'LARGEST_BLOCK', 100)
    seen = []
    explicit = attention._explicit
    monkeypatch.setattr(attention, '_explicit', lambda query, key, *others: (
        seen.append(query.shape[1] * key.shape[1]), explicit(query, key, *others)
    )[1])
    attention.attend(*inputs()[:3])
    assert len(seen) == 10 and max(seen) <= 100


@pytest.mark.parametrize('masked', [False, True])
def test_heads_for_fused_kernels_change_nothing(masked):
    """What CUDA is given, computed on the CPU."""
    *tensors, present = inputs()
    present = present if masked else None
    fused = attention._fused(*tensors, present, 0.7)
    assert torch.allclose(fused, whole(*tensors, present, 0.7), atol=1e-5)
