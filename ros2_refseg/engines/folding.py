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
from ros2_refseg.cefnet.layers import normalised_convolutions


def fold_batch_norms(network: CEFNet) -> CEFNet:
    """Give a copy of a network whose batch norms are part of its convolutions, for inference."""
    folded = copy.deepcopy(network).eval().requires_grad_(False)
    for parent, convolution, norm in normalised_convolutions(folded):
        setattr(parent, convolution, fuse_conv_bn_eval(
            getattr(parent, convolution), getattr(parent, norm)))
        setattr(parent, norm, nn.Identity())
    return folded
