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

"""The ways to run a network that are compared: from the straightforward one to the engines."""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import torch
from torch import Tensor

from ros2_refseg.cefnet import CEFNet, Language
from ros2_refseg.engines import CudaEngine, Engine, OpenVINOEngine, TorchEngine
from ros2_refseg.engines.int8 import Ranges
from ros2_refseg.engines.openvino_engine import computes_in_bf16, network_inputs
from ros2_refseg.engines.torch_engine import PRECISIONS, as_batch, finest_logits
from ros2_refseg.export import LANGUAGE_NAMES, export_logits
from ros2_refseg.quantization import observe_ranges

PLAIN = 'plain PyTorch fp32'
"""The straightforward code that ratios are against: ``CEFNet.segment`` as it is, the sentence
encoded with every frame."""

Frame = Callable[[], object]  # answers one frame, from uint8 image to uint8 mask in host memory


def candidates(
    network: CEFNet,
    image: np.ndarray,
    word_ids: Sequence[int],
    device: torch.device,
    everything: bool = False,
    int8_ranges: Ranges | None = None,
) -> tuple[dict[str, Frame], dict[str, Engine], dict[str, str]]:
    """
    Make what can be run on this machine.

    :param everything: ONNX Runtime and torch.compile as well, which no engine uses and which take
        a minute to prepare, and bf16 on a CPU that imitates it, which takes long.
    :param int8_ranges: the checkpoint's; None for those of this image, which serve for the time.
    :return: by name what answers a frame; the engines among them; and what is missing and why.
    """
    network = network.to(device)
    frames: dict[str, Frame] = {PLAIN: lambda: _plain(network, image, word_ids)}
    engines: dict[str, Engine] = {}
    missing: dict[str, str] = {}

    def add(name: str, make: Callable[[], Engine]) -> None:
        try:
            engine = make()
            language = [engine.encode(word_ids)]
            engine.segment(image, language)  # some make ready, or fail, with their first frame
            frames[name] = lambda: mask_of(engine.segment(image, language)[0])
            engines[name] = engine
            if engine.reason:
                missing[name] = engine.reason
        except (ImportError, RuntimeError, ValueError) as error:
            missing[name] = str(error)

    add('torch fp32', lambda: TorchEngine(network, device, 'fp32'))
    if device.type == 'cuda':
        add('torch fp16', lambda: TorchEngine(network, device, 'fp16'))
        for precision in PRECISIONS:
            add(f'CUDA graph {precision}', lambda p=precision: CudaEngine(network, device, p))
        return frames, engines, missing
    add('openvino fp32', lambda: OpenVINOEngine(network, 'fp32'))
    if everything or not _imitates_bf16():
        add('torch bf16', lambda: TorchEngine(network, device, 'bf16'))
        add('openvino bf16', lambda: OpenVINOEngine(network, 'bf16'))
    add('openvino int8', lambda: _in_int8(network, image, word_ids, int8_ranges))
    if everything:
        for name, make in (('onnxruntime fp32', _onnx_runtime), ('torch.compile fp32', _compiled)):
            add(name, lambda make=make: make(network, device))
    return frames, engines, missing


def mask_of(answer) -> np.ndarray:
    """Cut an answer as the segmenter does."""
    return (answer.probability >= 0.5).astype(np.uint8)


def _imitates_bf16() -> bool:
    try:
        import openvino
    except ImportError:
        return False
    return not computes_in_bf16(openvino.Core())


def _in_int8(
    network: CEFNet, image: np.ndarray, word_ids: Sequence[int], ranges: Ranges | None
) -> Engine:
    if ranges is None:
        language = TorchEngine(network, torch.device('cpu')).encode(word_ids)
        ranges = observe_ranges(network, [network_inputs(image, [language], network.config)])
    return OpenVINOEngine(network, 'int8', ranges)


@torch.inference_mode()
def _plain(network: CEFNet, image: np.ndarray, word_ids: Sequence[int]) -> np.ndarray:
    device = network.mean.device
    language = network.language(torch.tensor([list(word_ids)], device=device))
    probability, *_ = network.segment(as_batch(image).to(device), language)
    return (probability >= 0.5).to(torch.uint8)[0].cpu().numpy()


def _onnx_runtime(network: CEFNet, device: torch.device) -> Engine:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(
        export_logits(network), options, providers=['CPUExecutionProvider']
    )

    def logits(pixels: Tensor, language: Language) -> tuple[Tensor, Tensor | None]:
        tensors = (pixels.float(), *(getattr(language, name) for name in LANGUAGE_NAMES))
        names = (each.name for each in session.get_inputs())
        maps, *presence = map(torch.from_numpy, session.run(
            None, {name: each.numpy() for name, each in zip(names, tensors, strict=True)}))
        return maps, presence[0] if presence else None

    return _Substitute(network, device, logits)


def _compiled(network: CEFNet, device: torch.device) -> Engine:
    return _Substitute(network, device, torch.compile(partial(finest_logits, network)))


class _Substitute(TorchEngine):
    """TorchEngine with another way to the logits, for comparison only."""

    def __init__(self, network: CEFNet, device: torch.device, logits: Callable) -> None:
        super().__init__(network, device, 'fp32')
        self._logits = logits
