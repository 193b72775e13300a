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

"""The visual encoder: a ResNet whose five blocks can be run one at a time (paper, Sec. 3.1)."""

import torchvision
from torch import Tensor, nn

_BUILDERS = {
    'resnet18': 'resnet18',
    'resnet34': 'resnet34',
    'resnet50': 'resnet50',
    'resnet101': 'resnet101',
    # The paper's reference [42] is Wide ResNet, and so is the published code.
    'wide101': 'wide_resnet101_2',
}


class ResNetEncoder(nn.Module):
    """
    ResNet blocks conv1, res2 .. res5, giving E1 .. E5 at strides 2, 4, 8, 16 and 16.

    The stride of res5 is 1 (and its dilation too), so as not to lose spatial details (Sec. 3.1).

    :ivar channels: widths of E1 .. E5.
    """

    def __init__(self, name: str, imagenet: bool = False) -> None:
        """
        Build the encoder.

        :param name: one of ``config.BACKBONES``.
        :param imagenet: start from torchvision's ImageNet weights, which it downloads once.
        """
        super().__init__()
        # The weights of the paper's time; torchvision replaces those that it calls DEFAULT.
        resnet = torchvision.models.get_model(
            _BUILDERS[name], weights='IMAGENET1K_V1' if imagenet else None
        )
        self.conv1 = nn.Sequential(resnet.conv1, resnet.bn1, resnet.relu)
        self.maxpool = resnet.maxpool
        self.res2, self.res3, self.res4 = resnet.layer1, resnet.layer2, resnet.layer3
        self.res5 = _without_stride(resnet.layer4)
        self.channels = (64, *(_width(block) for block in (self.res2, self.res3, self.res4)),
                         _width(self.res5))

    def before_language(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Give E1, E2 and E3 of a normalised Bx3xHxW image: the part no sentence changes."""
        e1 = self.conv1(image)
        e2 = self.res2(self.maxpool(e1))
        return e1, e2, self.res3(e2)


def _without_stride(block: nn.Sequential) -> nn.Sequential:
    for module in block[0].modules():
        if isinstance(module, nn.Conv2d) and module.stride == (2, 2):
            module.stride = (1, 1)
    return block


def _width(block: nn.Sequential) -> int:
    last = block[-1]
    return last.conv3.out_channels if hasattr(last, 'conv3') else last.conv2.out_channels
