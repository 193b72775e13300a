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

"""The multi-modal feature M and the linguistic context L of every position (Eq. 1 and 2)."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ros2_refseg.cefnet.language import Language
from ros2_refseg.cefnet.layers import for_each_sentence

COORDINATES = 8


def spatial_coordinates(height: int, width: int, like: Tensor) -> Tensor:
    """
    Give the 8-D coordinates s_p of every cell as 1x8xHxW.

    x_min y_min x_max y_max x_c y_c of the cell in [-1, 1], then 1/W and 1/H (BRINet, the paper's
    reference [16]).
    """
    options = {'device': like.device, 'dtype': like.dtype}
    x = torch.arange(width, **options) * (2 / width) - 1
    y = torch.arange(height, **options) * (2 / height) - 1
    y, x = torch.meshgrid(y, x, indexing='ij')
    return torch.stack([
        x, y, x + 2 / width, y + 2 / height, x + 1 / width, y + 1 / height,
        torch.full_like(x, 1 / width), torch.full_like(x, 1 / height),
    ]).unsqueeze(0)


class MultimodalFeature(nn.Module):
    """
    Eq. 1: m_p = w [e_p, h_T, s_p], visual feature, sentence and coordinates projected as one.

    The projection has a batch norm and an activation after it, as M has in the published code
    (there a 3x3 convolution with PReLU and L2 norm): a linear M is a sum of picture and sentence,
    and does not say whether the two fit.
    """

    def __init__(self, visual_channels: int, sentence_channels: int, channels: int) -> None:
        super().__init__()
        self.split = (visual_channels, sentence_channels, COORDINATES)
        # Without a bias, until fold_batch_norms makes the norm a part of it.
        self.projection = nn.Conv2d(sum(self.split), channels, 1, bias=False)
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, visual: Tensor, sentence: Tensor) -> Tensor:
        """
        Combine BxC_vxHxW visual features and K*Bx2C_h sentences to M, K*BxCxHxW.

        The projection of a concatenation is the sum of its parts' projections, so the sentence,
        the same at every position, and the coordinates, the same for every sentence, are projected
        once instead of being copied to every position.
        """
        of_visual, of_sentence, of_place = self.projection.weight.split(self.split, dim=1)
        place = spatial_coordinates(*visual.shape[-2:], like=visual)
        projected = (
            for_each_sentence(
                F.conv2d(visual, of_visual, self.projection.bias) + F.conv2d(place, of_place),
                sentence.shape[0],
            )
            + F.linear(sentence, of_sentence.flatten(1))[:, :, None, None]
        )
        return F.relu(self.norm(projected), inplace=True)


@dataclass(frozen=True)
class Linguistic:
    """
    L of Eq. 2 in its two factors: l_p = sum_t shares_pt words_t.

    A sentence has T words, at most 20, and a map hundreds or thousands of positions: whatever is
    linear in L is computed for the words and mixed afterwards, with the same result.

    :ivar words: BxTxC, the embeddings e_t at M's width.
    :ivar shares: BxHWxT in [0, 1], a position's weights of the words; 0 for padding.
    """

    words: Tensor
    shares: Tensor


class LinguisticContext(nn.Module):
    """
    Eq. 2: l_p = sum_t e_t softmax_t(m_p . e_t), each position's own view of the words.

    Words are normalised (the published code has batch and L2 norm; batch norm would see the
    padding) and scores scaled by C^-0.5: with large scores the softmax picks the same word
    everywhere and passes no gradient on.
    """

    def __init__(self, embedding_channels: int, channels: int) -> None:
        super().__init__()
        # The embeddings come to M's width by a projection of this stage's own.
        self.projection = nn.Linear(embedding_channels, channels)
        self.norm = nn.LayerNorm(channels)
        self.scale = channels ** -0.5

    def forward(self, multimodal: Tensor, language: Language) -> Linguistic:
        """Give L for M, BxCxHxW; padding takes no part in the softmax."""
        words = self.norm(self.projection(language.words))
        scores = flatten_positions(multimodal) @ (words * self.scale).transpose(1, 2)
        shares = scores.masked_fill(~language.present[:, None, :], float('-inf')).softmax(dim=-1)
        return Linguistic(words, shares.to(scores.dtype))  # autocast makes it float32


def flatten_positions(features: Tensor) -> Tensor:
    """Turn BxCxHxW into BxHWxC, a row a position."""
    return features.flatten(2).transpose(1, 2)


def unflatten_positions(rows: Tensor, like: Tensor) -> Tensor:
    """Turn BxHWxC back into BxCxHxW with the height and width of ``like``."""
    return rows.transpose(1, 2).unflatten(2, like.shape[-2:])
