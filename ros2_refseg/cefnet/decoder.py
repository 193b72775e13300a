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

"""The decoder: boundary enhancement at four scales, or an FPN (paper, Sec. 3.2 and Table 3)."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ros2_refseg.cefnet.config import CEFNetConfig
from ros2_refseg.cefnet.layers import conv3x3, for_each_sentence, resize_like


@dataclass(frozen=True)
class Prediction:
    """
    Logits of the scales i = 4, 3, 2, 1, coarse to fine, each Bx1xH_ixW_i.

    A network in evaluation mode gives SM_1 and BM_1 alone, and presence: all that is read there.

    :ivar masks: SM_i before the sigmoid; the last one, SM_1, is the answer.
    :ivar boundaries: BM_i before the sigmoid; empty without boundary enhancement.
    :ivar transformed: what STN(S_{i+1}) says of the mask; empty without boundary enhancement.
    :ivar presence: one logit each, B, that what is meant is in view; None without a classifier of
        that.
    """

    masks: list[Tensor]
    boundaries: list[Tensor]
    transformed: list[Tensor]
    presence: Tensor | None = None

    def finest(self) -> Tensor:
        """Give SM_1 and, with boundary enhancement, BM_1 as the channels of one BxCxHxW."""
        return torch.cat([maps[-1] for maps in (self.masks, self.boundaries) if maps], dim=1)


class SpatialTransformer(nn.Module):
    """
    STN, the paper's reference [20]: resample a feature map by one global affine transform.

    The paper leaves the localisation network open: here two strided depth-wise convolutions,
    pooled to six numbers, the identity at the start.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.localisation = nn.Sequential(
            nn.Conv2d(channels, channels, 3, stride=2, padding=1, groups=channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels, channels, 3, stride=2, padding=1, groups=channels),
            nn.ReLU(inplace=True),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
        )
        self.affine = _FullPrecisionLinear(channels, 6)
        nn.init.zeros_(self.affine.weight)
        with torch.no_grad():
            self.affine.bias.copy_(torch.tensor([1.0, 0.0, 0.0, 0.0, 1.0, 0.0]))

    def forward(self, features: Tensor) -> Tensor:
        """Resample BxCxHxW to BxCxHxW; what the transform looks for outside is zero."""
        theta = self.affine(self.localisation(features)).unflatten(1, (2, 3))
        # F.affine_grid(theta, features.shape, align_corners=False), in a form that every runtime
        # for exported networks knows.
        with torch.autocast(features.device.type, enabled=False):
            grid = cell_centres(features) @ theta.transpose(1, 2)
        grid = grid.unflatten(1, features.shape[-2:])
        # Sampled in full precision: half a mantissa places a position only to a part of a pixel.
        sampled = F.grid_sample(features.float(), grid, align_corners=False)
        return sampled.to(features.dtype)


class _FullPrecisionLinear(nn.Linear):
    """Computes in float32 under autocast and with weights in half precision too."""

    def forward(self, features: Tensor) -> Tensor:
        with torch.autocast(features.device.type, enabled=False):
            return F.linear(features.float(), self.weight.float(), self.bias.float())


def cell_centres(features: Tensor) -> Tensor:
    """Give x, y and 1 of the centre of every cell of a BxCxHxW map, x and y in [-1, 1]: HWx3."""
    height, width = features.shape[-2:]
    options = {'device': features.device, 'dtype': torch.float32}
    x = (2 * torch.arange(width, **options) + 1) / width - 1
    y = (2 * torch.arange(height, **options) + 1) / height - 1
    y, x = torch.meshgrid(y, x, indexing='ij')
    return torch.stack([x, y, torch.ones_like(x)], dim=-1).flatten(0, 1)


class BoundaryEnhancement(nn.Module):
    """BEM, Eq. 9-11: one step of the decoder, from S_i and D_{i-1} to S_{i-1}."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.stn = SpatialTransformer(channels)
        self.boundary = conv3x3(2 * channels, channels)
        self.refine = conv3x3(2 * channels, channels)
        self.boundary_logits = nn.Conv2d(channels, 1, 3, padding=1)
        self.transformed_logits = nn.Conv2d(channels, 1, 3, padding=1)

    def forward(self, s: Tensor, d: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """
        Refine S_i (K*BxCxhxw, K sentences an image) by D_{i-1} (K*B or BxCxHxW).

        :return: S_{i-1} and B~_{i-1} (K*BxCxHxW), of which ``boundary_logits`` makes BM_{i-1}, and
            STN(S_i) (K*BxCxhxw), of which ``transformed_logits`` makes the mask that it shows.
        """
        transformed = self.stn(s)
        # Resizing is linear: that of B_i is the difference of these two.
        s_up, transformed_up = resize_like(s, d), resize_like(transformed, d)
        b_up = s_up - transformed_up  # Eq. 9
        boundary = self._boundary_features(b_up, d)  # Eq. 10
        refined = self.refine(torch.cat([boundary + transformed_up, s_up], dim=1))  # Eq. 11
        return refined, boundary, transformed

    def _boundary_features(self, b: Tensor, d: Tensor) -> Tensor:
        """
        Give conv3x3 [B, D], Eq. 10, as the sum of its two halves.

        So the half of a D_{i-1} that no sentence changed is computed once an image.
        """
        convolution, *normalisation = self.boundary
        of_b, of_d = convolution.weight.chunk(2, dim=1)
        of_b = F.conv2d(b, of_b, padding=1)
        of_d = F.conv2d(d, of_d, convolution.bias, padding=1)
        features = of_b + for_each_sentence(of_d, b.shape[0])
        for step in normalisation:
            features = step(features)
        return features


class Decoder(nn.Module):
    """D_i, a lateral 3x3 convolution of each E_i, refined from the coarsest scale to the finest."""

    def __init__(self, encoder_channels: tuple[int, ...], config: CEFNetConfig) -> None:
        super().__init__()
        channels = config.decoder_channels
        self.lateral = nn.ModuleList(
            conv3x3(width, channels, config.separable) for width in encoder_channels
        )
        steps = range(len(encoder_channels) - 1)
        self.boundary = config.boundary
        self.steps = nn.ModuleList(
            BoundaryEnhancement(channels) if config.boundary else conv3x3(channels, channels)
            for _ in steps
        )
        self.mask_logits = nn.ModuleList(nn.Conv2d(channels, 1, 3, padding=1) for _ in steps)

    def forward(self, encoded: list[Tensor], sentences: int) -> Prediction:
        """
        Decode E_1 .. E_5 (BxC_ixH_ixW_i) to logits at the scales of E_4 .. E_1.

        :param sentences: K*B for K sentences an image; maps that no sentence changed are B.
        """
        *finer, s = [lateral(e) for lateral, e in zip(self.lateral, encoded, strict=True)]
        s = for_each_sentence(s, sentences)
        prediction = Prediction([], [], [])
        scales = zip(reversed(finer), self.steps, self.mask_logits, strict=True)
        for d, step, mask_logits in scales:
            # Neither a CUDA graph nor PyTorch leaves out what nobody reads.
            wanted = self.training or d is finer[0]
            if self.boundary:
                s, boundary, transformed = step(s, d)
                if wanted:
                    prediction.boundaries.append(step.boundary_logits(boundary))
                if self.training:
                    prediction.transformed.append(step.transformed_logits(transformed))
            else:
                s = step(resize_like(s, d) + for_each_sentence(d, sentences))
            if wanted:
                prediction.masks.append(mask_logits(s))
        return prediction
