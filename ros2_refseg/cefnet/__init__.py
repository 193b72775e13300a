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

"""
CEFNet: referring image segmentation by encoder fusion with co-attention.

Feng et al., "Encoder Fusion Network with Co-Attention Embedding for Referring Image Segmentation",
CVPR 2021. Equation, section and table numbers in this package are that paper's.
"""

from ros2_refseg.cefnet.config import CEFNetConfig
from ros2_refseg.cefnet.language import Language
from ros2_refseg.cefnet.network import CEFNet, stretch

__all__ = ['CEFNet', 'CEFNetConfig', 'Language', 'stretch']
