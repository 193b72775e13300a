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

"""The co-attention between what is seen and what is said (paper, Sec. 3.1, Eq. 3-8)."""

from functools import cache

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ros2_refseg.cefnet.attention import attend
from ros2_refseg.cefnet.multimodal import Linguistic, flatten_positions, unflatten_positions

PYRAMID_BINS = (1, 3, 6, 8)

_HEADROOM = 64.0  # a power of two, with which floats are divided and multiplied exactly


class VanillaCoAttention(nn.Module):
    """
    VCM, Eq. 3-5: both modalities updated by one affinity matrix over all pairs of positions.

    A = (W_m M)^T (W_l L); M~ = M softmax(A)^T; L~ = L softmax(A^T)^T, the softmax over rows as in
    the paper (the published code normalises columns). L being a mix of T words, so is A: the
    affinities of all positions to the words, mixed by each position's shares. The products over
    C1 and C channels become products over T words, and the HWxHW matrix is never stored: each
    update is one ``attend``, exact and with linear memory, forward and backward.
    """

    def __init__(self, channels: int, attention_channels: int) -> None:
        super().__init__()
        self.out_channels = channels
        self.w_m = nn.Conv2d(channels, attention_channels, 1, bias=False)
        self.w_l = nn.Conv2d(channels, attention_channels, 1, bias=False)

    def forward(self, multimodal: Tensor, linguistic: Linguistic) -> tuple[Tensor, Tensor]:
        """Update M, BxCxHxW, and L to M~ and L~, each BxCxHxW."""
        m_rows, shares = flatten_positions(multimodal), linguistic.shares
        words = F.linear(linguistic.words, self.w_l.weight.flatten(1)) @ self.w_m.weight.flatten(1)
        # (W_m M)^T (W_l E), BxHWxT. Unscaled affinities come near to half precision's limit, so
        # what fused kernels do in full precision is left to them.
        to_words = m_rows @ (words / _HEADROOM).transpose(1, 2)
        m_updated = attend(to_words, shares, m_rows, _HEADROOM)
        l_updated = attend(shares, to_words, shares, _HEADROOM) @ linguistic.words
        return (
            unflatten_positions(m_updated, multimodal), unflatten_positions(l_updated, multimodal)
        )


class PyramidPooling(nn.Module):
    """
    PPM: average pooling to bins of 1x1, 3x3, 6x6 and 8x8, N = 110 cells in all (Sec. 3.1).

    Pooling is linear, so all four are one product with a matrix that depends on the size alone:
    faster than four poolings, and in terms that every runtime for exported networks knows.
    """

    def forward(self, rows: Tensor, height: int, width: int) -> Tensor:
        """Pool BxHWxC to BxNxC."""
        return pyramid_matrix(int(height), int(width), rows.dtype, rows.device) @ rows


@cache  # for good: a CUDA graph goes on reading the matrix that it was recorded with
def pyramid_matrix(
    height: int, width: int, dtype: torch.dtype, device: torch.device
) -> Tensor:
    """Give the NxHW matrix whose rows average a map's positions over the cells of the pyramid."""
    # A tensor made in inference mode could never be used in training.
    with torch.inference_mode(False), torch.no_grad():
        return torch.cat([
            # torch.kron, but that it fails for a map of one row.
            torch.einsum(
                'iy,jx->ijyx', _bin_averages(height, bins), _bin_averages(width, bins)
            ).reshape(bins * bins, height * width)
            for bins in PYRAMID_BINS
        ]).to(device, dtype)


def _bin_averages(length: int, bins: int) -> Tensor:
    return F.adaptive_avg_pool1d(torch.eye(length, dtype=torch.float64), bins).T


class AsymmetricCoAttention(nn.Module):
    """
    ACM, Eq. 6-8: the affinities of each modality to its own pyramid, added and shared.

    SA_m = PPM(W1_m M)^T (W2_m M), SA_l likewise; A3 = softmax((SA_m + SA_l)^T) over the N cells;
    M~ = A3 PPM(W3_m M)^T and L~ = A3 PPM(W3_l L)^T. The sum of two dot products is the dot product
    of the concatenations, so all of it is one attention call. Scores are scaled by C1^-0.5, which
    the paper does not say: unscaled, the softmax saturates at the start.
    """

    def __init__(self, channels: int, attention_channels: int) -> None:
        super().__init__()
        self.out_channels = attention_channels
        self.scale = attention_channels ** -0.5
        # W1, W2 and W3 of a modality, applied as one convolution; those of L are applied to words.
        self.w_m = nn.Conv2d(channels, 3 * attention_channels, 1, bias=False)
        self.w_l = nn.Conv2d(channels, 3 * attention_channels, 1, bias=False)
        self.pool = PyramidPooling()

    def forward(self, multimodal: Tensor, linguistic: Linguistic) -> tuple[Tensor, Tensor]:
        """Update M, BxCxHxW, and L to M~ and L~, each BxC1xHxW."""
        m_key, m_query, m_value = flatten_positions(self.w_m(multimodal)).chunk(3, dim=2)
        words = F.linear(linguistic.words, self.w_l.weight.flatten(1))
        word_key, word_query, word_value = words.chunk(3, dim=2)
        pooled = self.pool(
            torch.cat([m_key, m_value, linguistic.shares], dim=2), *multimodal.shape[-2:]
        )
        pooled_key, pooled_value = pooled[..., :2 * self.out_channels].chunk(2, dim=2)
        pooled_shares = pooled[..., 2 * self.out_channels:]
        updated = attend(
            torch.cat([m_query, linguistic.shares @ word_query], dim=2),
            torch.cat([pooled_key, pooled_shares @ word_key], dim=2),
            torch.cat([pooled_value, pooled_shares @ word_value], dim=2),
            scale=self.scale,
        )
        m_rows, l_rows = updated.chunk(2, dim=2)
        return (
            unflatten_positions(m_rows, multimodal),
            unflatten_positions(l_rows, multimodal),
        )


COATTENTION = {'acm': AsymmetricCoAttention, 'vcm': VanillaCoAttention}
