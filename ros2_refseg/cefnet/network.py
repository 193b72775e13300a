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

"""CEFNet, the encoder fusion network with co-attention embedding (paper, Fig. 2)."""

from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ros2_refseg.cefnet.backbone import ResNetEncoder
from ros2_refseg.cefnet.config import CEFNetConfig
from ros2_refseg.cefnet.decoder import Decoder, Prediction
from ros2_refseg.cefnet.fusion import LanguageFusion
from ros2_refseg.cefnet.language import Language, LanguageEncoder
from ros2_refseg.cefnet.presence import PresenceClassifier

# ImageNet's statistics, which torchvision's pretrained encoders expect; of RGB in 0 .. 255.
_MEAN = (123.675, 116.28, 103.53)
_STANDARD_DEVIATION = (58.395, 57.12, 57.375)


class CEFNet(nn.Module):
    """An image and a sentence in, the mask and the boundary of what is meant out."""

    def __init__(self, config: CEFNetConfig, imagenet: bool = False) -> None:
        """
        Build the network with random weights.

        :param imagenet: start the visual encoder from torchvision's ImageNet weights.
        """
        super().__init__()
        self.config = config
        self.register_buffer('mean', torch.tensor(_MEAN).view(3, 1, 1), persistent=False)
        self.register_buffer(
            'standard_deviation', torch.tensor(_STANDARD_DEVIATION).view(3, 1, 1), persistent=False
        )
        self.language = LanguageEncoder(
            config.vocabulary_size, config.embedding_channels, config.hidden_channels
        )
        self.encoder = ResNetEncoder(config.backbone, imagenet)
        self.fusions = nn.ModuleList(
            LanguageFusion(width, config) for width in self.encoder.channels[2:]
        )
        self.decoder = Decoder(self.encoder.channels, config)
        self.presence = PresenceClassifier(self.encoder.channels[-1]) if config.presence else None

    def forward(self, image: Tensor, language: Language) -> Prediction:
        """
        Segment what each sentence means.

        :param image: Bx3xHxW, RGB in 0 .. 255, uint8 or float.
        :param language: K*B encoded sentences, K for each image in turn; what no sentence changes
            is computed once an image.
        :return: logits at four scales, in evaluation mode at the finest alone, K*B of each.
        """
        normalised = (image - self.mean) / self.standard_deviation
        # In full precision up to here, also where the weights have been made half.
        e1, e2, e3 = self.encoder.before_language(normalised.to(self.encoder.conv1[0].weight.dtype))

        encoded = [e1, e2]
        e = e3
        blocks = (self.encoder.res4, self.encoder.res5, None)
        for fusion, next_block in zip(self.fusions, blocks, strict=True):
            fused = fusion(e, language)
            encoded.append(fused)
            if next_block is not None:
                # EFN: language goes on through the encoder. DFN: the encoder never hears of it.
                e = next_block(fused if self.config.fusion == 'encoder' else e)
        prediction = self.decoder(encoded, language.sentence.shape[0])
        if self.presence is None:
            return prediction
        return replace(prediction, presence=self.presence(encoded[-1], prediction.masks[-1]))

    def segment(
        self, image: Tensor, language: Language
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """
        Give the probabilities of mask and boundary at the size of the images given.

        Images are stretched to the network's size; the logits of SM_1 and BM_1 are resized back
        bilinearly, and only then anything is cut (cutting first inflates small masks).

        :param image: Bx3xHxW, RGB in 0 .. 255, uint8 or float, any size.
        :return: two K*BxHxW float tensors; boundaries are zero without boundary enhancement. Then
            the logits of presence, K*B, or None without a classifier of that.
        """
        size = image.shape[-2:]
        prediction = self(stretch(image, self.config.image_size), language)
        mask = _probability(prediction.masks[-1], size)
        if not prediction.boundaries:
            return mask, torch.zeros_like(mask), prediction.presence
        return mask, _probability(prediction.boundaries[-1], size), prediction.presence


def stretch(image: Tensor, side: int) -> Tensor:
    """
    Stretch Bx3xHxW images to a square of ``side`` pixels, smoothing where they shrink.

    Images are shown to the network by this function alone, in training as on the robot.
    """
    if image.is_cuda:
        image = image.float()  # there is no kernel for uint8 there
    return F.interpolate(
        image, size=(side, side), mode='bilinear', align_corners=False, antialias=True
    )


def _probability(logits: Tensor, size: tuple[int, int]) -> Tensor:
    logits = F.interpolate(logits.float(), size=size, mode='bilinear', align_corners=False)
    return logits.sigmoid().squeeze(1)
