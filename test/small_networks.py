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

"""Networks small enough to be made where a test wants one."""

import torch

from ros2_refseg.cefnet import CEFNet, CEFNetConfig


def make_network(**changes) -> CEFNet:
    """Make a small network whose answers have edges and whose batch norms have seen something."""
    torch.manual_seed(0)
    network = CEFNet(
        CEFNetConfig.from_preset('edge', vocabulary_size=6, **{'image_size': 64, **changes})
    ).eval()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.8, 1.2)
    with torch.no_grad():
        network.decoder.mask_logits[-1].weight.mul_(200)
        if network.presence is not None:
            network.presence.classifier[-1].weight.mul_(20)
    return network
