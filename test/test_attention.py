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
    """Give query, key, and value (twice as wide as the key)."""
    torch.manual_seed(0)
    return tuple(
        torch.randn(batch, count, width, requires_grad=True)
        for count, width in ((37, 8), (23, 8), (23, 16))
    )


def whole(query, key, value, scale=1.0):
    """Store the whole matrix."""
    return (scale * query @ key.transpose(1, 2)).softmax(2) @ value


@pytest.mark.parametrize('largest_block', [10, 23 * 5, 10 ** 6])
def test_blocks_change_neither_result_nor_gradient(monkeypatch, largest_block):
    monkeypatch.setattr(attention, 'LARGEST_BLOCK', largest_block)
    tensors = inputs()
    weight = torch.randn(2, 37, 16)
    results = []
    for attend in (attention.attend, whole):
        result = attend(*tensors, scale=0.7)
        results.append((result, *torch.autograd.grad((result * weight).sum(), tensors)))
    for ours, expected in zip(*results, strict=True):
        assert torch.allclose(ours, expected, atol=1e-5)
    with torch.no_grad():
        ours = attention.attend(*tensors, scale=0.7)
    assert torch.allclose(ours, results[1][0], atol=1e-5)


def test_blocks_under_autocast_are_as_exact_as_the_whole(monkeypatch):
    tensors = inputs()
    expected = torch.autograd.grad(whole(*tensors).square().sum(), tensors)
    errors = {}
    for largest_block in (23 * 5, 10 ** 6):
        monkeypatch.setattr(attention, 'LARGEST_BLOCK', largest_block)
        with torch.autocast('cpu', torch.bfloat16):
            result = attention.attend(*tensors)
        ours = torch.autograd.grad(result.float().square().sum(), tensors)
        assert [each.dtype for each in ours] == [torch.float32] * 3
        errors[largest_block] = max(
            (a - b).norm() / b.norm() for a, b in zip(ours, expected, strict=True))
    assert errors[23 * 5] < 1.5 * errors[10 ** 6] < 0.05


def test_no_block_stores_more_than_it_may(monkeypatch):
    monkeypatch.setattr(attention, 'LARGEST_BLOCK', 100)
    seen = []
    explicit = attention._explicit
    monkeypatch.setattr(attention, '_explicit', lambda query, key, *others: (
        seen.append(query.shape[1] * key.shape[1]), explicit(query, key, *others)
    )[1])
    attention.attend(*inputs())
    assert len(seen) == 10 and max(seen) <= 100


def test_fused_kernels_get_channels_side_by_side(monkeypatch):
    """From a map in torch's usual layout they come a plane each, and all scores would be stored."""
    given = []
    fused = attention.F.scaled_dot_product_attention
    monkeypatch.setattr(
        attention.F, 'scaled_dot_product_attention',
        lambda *tensors, **options: (given.extend(tensors), fused(*tensors, **options))[1],
    )
    planes = torch.randn(2, 16, 23).transpose(1, 2)
    attention._fused(planes, planes, planes, 1.0)
    assert len(given) == 3 and all(tensor.stride(-1) == 1 for tensor in given)


@pytest.mark.parametrize('widest', [8, 256])
@pytest.mark.parametrize('used', [8, 5])
def test_heads_and_zeros_for_fused_kernels_change_nothing(monkeypatch, widest, used):
    """What CUDA is given, computed on the CPU."""
    monkeypatch.setattr(attention, 'FUSED_WIDTH', widest)
    query, key, value = inputs()
    tensors = query[..., :used], key[..., :used], value
    assert torch.allclose(
        attention._fused(*tensors, 0.7), whole(*tensors, 0.7), atol=1e-5)
