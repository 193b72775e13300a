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

"""The supervision: mask, boundary and STN output at four scales (paper, Sec. 3.2 and 4.2)."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ros2_refseg.cefnet.decoder import Prediction


@dataclass(frozen=True)
class LossTerms:
    """
    Losses of a batch, each summed over the scales and averaged over pixels.

    :ivar total: what is minimised, the sum of the others.
    """

    mask: Tensor
    boundary: Tensor
    transformed: Tensor
    dice: Tensor

    @property
    def total(self) -> Tensor:
        return self.mask + self.boundary + self.transformed + self.dice


class ReferringLoss(nn.Module):
    """
    Binary cross entropy of the twelve outputs, unit weights, as in the paper.

    A network that starts from random weights needs help to leave the empty mask: foreground
    pixels can weigh more, and a Dice term on the masks can be added; the paper's recipe, from
    pretrained weights, has neither.
    """

    def __init__(self, dice_weight: float = 0.0) -> None:
        super().__init__()
        self.dice_weight = dice_weight

    def forward(
        self, prediction: Prediction, mask: Tensor, contour: Tensor, foreground_weight: float = 1.0
    ) -> LossTerms:
        """
        Compare logits with the truth, averaged over each logit's area to its resolution.

        :param mask: Bx1xHxW in {0, 1}, at the network's size.
        :param contour: Bx1xHxW in {0, 1}: pixels near the mask's edge.
        :param foreground_weight: weight of a foreground pixel against a background one.
        """
        weight = mask.new_full((), foreground_weight)  # new_tensor would wait for the GPU

        def cross_entropy(logits: list[Tensor], truth: Tensor) -> Tensor:
            terms = [
                F.binary_cross_entropy_with_logits(
                    scale.float(), _at_resolution_of(scale, truth), pos_weight=weight
                )
                for scale in logits
            ]
            return torch.stack(terms).sum() if terms else truth.new_zeros(())

        dice = mask.new_zeros(())
        if self.dice_weight:
            dice = self.dice_weight * torch.stack([
                dice_loss(scale.float(), _at_resolution_of(scale, mask))
                for scale in prediction.masks
            ]).sum()
        return LossTerms(
            mask=cross_entropy(prediction.masks, mask),
            boundary=cross_entropy(prediction.boundaries, contour),
            transformed=cross_entropy(prediction.transformed, mask),
            dice=dice,
        )


def dice_loss(logits: Tensor, truth: Tensor) -> Tensor:
    """
    Give 1 - Dice of Bx1xHxW logits and their truth, the mean over the batch, in [0, 1].

    Where the truth is empty, because the target is absent, it falls to zero with what is predicted.
    """
    probability = logits.sigmoid()
    overlap = (probability * truth).sum((1, 2, 3))
    # One pixel's worth of smoothing keeps value and gradient finite where both are empty.
    return (1 - (2 * overlap + 1) / (probability.sum((1, 2, 3)) + truth.sum((1, 2, 3)) + 1)).mean()


def _at_resolution_of(logits: Tensor, truth: Tensor) -> Tensor:
    return F.adaptive_avg_pool2d(truth, logits.shape[-2:])
