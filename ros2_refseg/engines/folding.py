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

"""Batch norms folded into the convolutions before them: the same network in fewer passes."""

import copy

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from ros2_refseg.cefnet import CEFNet


def fold_batch_norms(network: CEFNet) -> CEFNet:
    """
    Give a copy of a network whose batch norms are part of its convolutions, for inference only.

    A batch norm follows the convolution that stands before it in its module, as in torchvision's
    ResNets and in ``conv3x3``.
    """
    folded = copy.deepcopy(network).eval().requires_grad_(False)
    for module in list(folded.modules()):
        before = None
        for name, child in list(module.named_children()):
            if isinstance(child, nn.BatchNorm2d) and before is not None:
                conv_name, convolution = before
                setattr(module, conv_name, fuse_conv_bn_eval(convolution, child))
                setattr(module, name, nn.Identity())
            before = (name, child) if isinstance(child, nn.Conv2d) else None
    return folded
