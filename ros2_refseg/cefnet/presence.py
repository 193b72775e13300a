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

"""Whether what a sentence means is in view at all: beside the paper, which takes that for given."""

from torch import Tensor, nn
from torch.nn import functional as F

HIDDEN_CHANNELS = 32

_STRIDE = 8  # of E5 against E1, at whose scale the mask is
_NO_PIXEL = 1e-3  # of a position, so that a mask without a pixel is not divided by nothing


class PresenceClassifier(nn.Module):
    """
    A no-target classifier, as that of Liu et al. ("GRES", CVPR 2023), of what lies under the mask.

    A network that half understands a sentence masks what comes nearest to it, the red mug for "the
    green mug", and the mask looks as sure as a right one. E5, into which the words have gone, says
    more: it is averaged over the mask.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.classifier = nn.Sequential(
            nn.LayerNorm(channels), nn.Linear(channels, HIDDEN_CHANNELS), nn.ReLU(inplace=True),
            nn.Linear(HIDDEN_CHANNELS, 1),
        )

    def forward(self, encoded: Tensor, mask: Tensor) -> Tensor:
        """
        Give the logits of presence, B.

        :param encoded: BxCxhxw, E5 after its fusion.
        :param mask: Bx1x8hx8w, logits of SM_1, up to 7 rows and columns less; what is wrong with
            them is not learned here.
        """
        cover = F.avg_pool2d(
            mask.detach().sigmoid(), _STRIDE, ceil_mode=True, count_include_pad=False
        ).to(encoded.dtype)
        # One product, without a weighted copy of all features.
        weights = cover.flatten(2) / (cover.sum((2, 3)).unsqueeze(1) + _NO_PIXEL)
        under_mask = (encoded.flatten(2) @ weights.transpose(1, 2)).squeeze(2)
        return self.classifier(under_mask).squeeze(1)
