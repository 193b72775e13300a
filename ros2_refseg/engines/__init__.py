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
Engines: what runs a network on a stream of frames, as fast as the device allows.

All take the same image and the same encoded sentences and give the same answer, within rounding
(of which int8 does much); ``make_engine`` chooses.
"""

import numpy as np
import torch

from ros2_refseg.cefnet import CEFNet
from ros2_refseg.engines.answer import Answer, LogitsAnswer, PackedAnswer
from ros2_refseg.engines.cuda_engine import CudaEngine
from ros2_refseg.engines.int8 import Ranges
from ros2_refseg.engines.openvino_engine import OpenVINOEngine
from ros2_refseg.engines.torch_engine import PRECISIONS, Engine, TorchEngine

__all__ = [
    'BACKENDS', 'PRECISIONS', 'PRECISION_CHOICES', 'Answer', 'CudaEngine', 'Engine',
    'LogitsAnswer', 'OpenVINOEngine', 'PackedAnswer', 'TorchEngine', 'check_choice', 'make_engine',
]

BACKENDS = ('auto', 'torch', 'openvino')
PRECISION_CHOICES = ('auto', *PRECISIONS, 'int8')


def check_choice(device: torch.device, precision: str, backend: str) -> None:
    """
    Refuse what no engine can be, before a network is loaded.

    :raises ValueError: naming the value and what it may be.
    """
    if backend not in BACKENDS:
        raise ValueError(f'backend {backend!r} is none of {", ".join(BACKENDS)}')
    if precision not in PRECISION_CHOICES:
        raise ValueError(f'precision {precision!r} is none of {", ".join(PRECISION_CHOICES)}')
    if precision == 'fp16' and device.type == 'cpu':
        raise ValueError("'fp16' is for CUDA devices; on the CPU use 'fp32' or 'bf16'")
    if precision == 'int8' and (device.type != 'cpu' or backend == 'torch'):
        raise ValueError(
            "'int8' is for the backend 'openvino' on the device 'cpu'; here use 'auto'"
        )
    if backend == 'openvino' and device.type != 'cpu':
        raise ValueError(f"backend 'openvino' runs on the CPU; for {device} use 'torch'")


def make_engine(
    network: CEFNet,
    device: torch.device,
    precision: str = 'auto',
    backend: str = 'auto',
    int8_ranges: Ranges | None = None,
) -> Engine:
    """
    Make the engine for a device.

    On CUDA it is PyTorch's with a CUDA graph. On the CPU ``auto`` is OpenVINO where that is
    installed and works, else PyTorch; ``Engine.reason`` then says why.

    :param network: in evaluation mode, in float32 and on the device; it stays as it is.
    :param int8_ranges: the checkpoint's, for OpenVINO.
    :raises ValueError: for a choice that cannot be had.
    """
    check_choice(device, precision, backend)
    if device.type == 'cuda':
        return CudaEngine(network, device, precision)
    reason = ''
    if backend != 'torch':
        try:
            return OpenVINOEngine(network, precision, int8_ranges)
        except ImportError as error:
            # A newer onnx may bring a NumPy for which OpenCV and cv_bridge were not built.
            next_numpy = int(np.__version__.split('.')[0]) + 1
            reason = (
                f'{error}; pip install "numpy<{next_numpy}" openvino onnx makes the CPU several '
                'times faster'
            )
        except RuntimeError as error:
            reason = f'OpenVINO cannot run this network: {error}'
        if backend == 'openvino':
            raise ValueError(f"backend 'openvino': {reason}")
        if precision == 'int8':
            raise ValueError(f"'int8' is for the backend 'openvino': {reason}")
    return TorchEngine(network, device, precision, reason)
