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

"""One stage's fusion of language into visual features (paper, Sec. 3.1)."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ros2_refseg.cefnet.coattention import COATTENTION
from ros2_refseg.cefnet.config import CEFNetConfig
from ros2_refseg.cefnet.language import Language
from ros2_refseg.cefnet.layers import conv3x3, for_each_sentence
from ros2_refseg.cefnet.multimodal import LinguisticContext, MultimodalFeature


class LanguageFusion(nn.Module):
    """
    E -> E + F: M and L of Eq. 1-2, co-attention to M~ and L~, F = conv3x3 [M~, L~].

    Without co-attention F is made of M alone, the baselines EFN and DFN of Table 3; with
    ``config.skip`` it is made of M as well, F = conv3x3 [M~, L~, M].
    """

    def __init__(self, visual_channels: int, config: CEFNetConfig) -> None:
        super().__init__()
        self.multimodal = MultimodalFeature(
            visual_channels, 2 * config.hidden_channels, config.channels
        )
        if config.coattention == 'none':
            self.context = self.coattention = None
            fused_channels = config.channels
        else:
            self.context = LinguisticContext(config.embedding_channels, config.channels)
            self.coattention = COATTENTION[config.coattention](
                config.channels, config.attention_channels
            )
            fused_channels = 2 * self.coattention.out_channels
            if config.skip:
                fused_channels += config.channels
        self.skip = config.skip
        self.fuse = conv3x3(fused_channels, visual_channels, config.separable)

    def forward(self, visual: Tensor, language: Language) -> Tensor:
        """
        Fuse BxC_vxHxW visual features with K*B sentences, to K*BxC_vxHxW.

        "F is normalized and added to the encoder feature E": both are L2-normalised over channels,
        so that neither drowns the other; the next block's batch norm restores the scale.
        """
        multimodal = self.multimodal(visual, language.sentence)
        if self.coattention is not None:
            linguistic = self.context(multimodal, language)
            updated = self.coattention(multimodal, linguistic)
            multimodal = torch.cat([*updated, multimodal] if self.skip else updated, dim=1)
        fused = normalize(self.fuse(multimodal))
        return for_each_sentence(normalize(visual), language.sentence.shape[0]) + fused


def normalize(features: Tensor) -> Tensor:
    # torch's default epsilon is zero in half precision, and a position of zeros would become NaN.
    return F.normalize(features, dim=1, eps=1e-6)
