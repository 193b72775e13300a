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

"""Building blocks that fusion and decoder share."""

from collections.abc import Iterator

from torch import Tensor, nn
from torch.nn import functional as F


def conv3x3(in_channels: int, out_channels: int, separable: bool = False) -> nn.Sequential:
    """
    Make a 3x3 convolution that keeps the size, with batch norm and ReLU.

    ``separable`` splits it into a depth-wise 3x3 and a 1x1 convolution, at a ninth of the weights.
    """
    if separable:
        convolution = [
            nn.Conv2d(in_channels, in_channels, 3, padding=1, groups=in_channels, bias=False),
            nn.Conv2d(in_channels, out_channels, 1, bias=False),
        ]
    else:
        convolution = [nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False)]
    return nn.Sequential(*convolution, nn.BatchNorm2d(out_channels), nn.ReLU(inplace=True))


def normalised_convolutions(module: nn.Module) -> Iterator[tuple[nn.Module, str, str]]:
    """
    Give the convolutions that a batch norm follows: their parent, their name and the norm's.

    A batch norm follows the convolution that stands before it in its parent, as in torchvision's
    ResNets, in ``conv3x3`` and in ``MultimodalFeature``.
    """
    for parent in list(module.modules()):
        before = None
        for name, child in list(parent.named_children()):
            if isinstance(child, (nn.BatchNorm2d, nn.SyncBatchNorm)) and before is not None:
                yield parent, before, name
            before = name if isinstance(child, nn.Conv2d) else None


def for_each_sentence(features: Tensor, sentences: int) -> Tensor:
    """
    Give every sentence its image's features: BxCxHxW to (K*B)xCxHxW for K sentences an image.

    Sentences of one image lie side by side. One image's features are not copied but shared.
    """
    if len(features) == sentences:
        return features
    if len(features) == 1:
        return features.expand(sentences, -1, -1, -1)
    return features.repeat_interleave(sentences // len(features), dim=0)


def resize_like(features: Tensor, reference: Tensor) -> Tensor:
    """Resize BxCxHxW features bilinearly to the height and width of another feature map."""
    size = reference.shape[-2:]
    if features.shape[-2:] == size:
        return features
    return F.interpolate(features, size=size, mode='bilinear', align_corners=False)
