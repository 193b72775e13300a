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

"""The engine for CPUs: the network as ONNX, executed by OpenVINO."""

import copy
import hashlib
import io
import json
import os
import platform
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

import ros2_refseg
from ros2_refseg.atomic_files import write_atomically
from ros2_refseg.cefnet import CEFNet, CEFNetConfig, Language, stretch
from ros2_refseg.checkpoint import weights_hash
from ros2_refseg.data.vocabulary import MAX_WORDS
from ros2_refseg.engines.answer import Answer, LogitsAnswer
from ros2_refseg.engines.convolutions import rewrite_convolutions
from ros2_refseg.engines.int8 import Ranges, cpu_is_made_for_int8, round_to_int8
from ros2_refseg.engines.torch_engine import Engine, as_batch, stack_full
from ros2_refseg.export import LANGUAGE_NAMES, OPSET, export_logits

# Files in the cache, the newest: converted networks, and code compiled from them for a precision
# and a number of sentences. A conversion takes seconds, a file is as large as the weights.
_KEPT = {'*.onnx': 4, '*.blob': 8}
# Ours, and OpenVINO's name of the arithmetic; with int8 that of the layers that stay in floats.
_PRECISIONS = {'fp32': 'f32', 'bf16': 'bf16', 'int8': 'f32'}


class OpenVINOEngine(Engine):
    """
    OpenVINO on the CPU, compiled for one number of sentences at a time.

    The stretch to the network's size and the way back are PyTorch's, as everywhere: its uint8
    arithmetic is quick, and maps that nobody looks at are never made.
    """

    name = 'openvino'

    def __init__(
        self, network: CEFNet, precision: str = 'auto', int8_ranges: Ranges | None = None
    ) -> None:
        """
        Convert a network, or take its conversion from the cache, and compile it.

        :param precision: fp32, bf16, int8, or auto: bf16 on a CPU that computes with it, int8 on
            another that is made for that, where there are ranges, else fp32.
        :param int8_ranges: of the numbers that int8 rounds, as ``refseg quantize`` finds them.
        :raises ImportError: where openvino is not installed, or onnx, for the conversion.
        :raises RuntimeError: where it cannot run the network.
        :raises ValueError: for int8 without ranges, or with those of another network.
        """
        import openvino

        self.device = torch.device('cpu')
        self._core = openvino.Core()
        self._config = network.config
        self._encoder = network.language
        self._options = {
            'PERFORMANCE_HINT': 'LATENCY',
            # As many threads as PyTorch takes, so that OMP_NUM_THREADS limits both; free to move,
            # since camera and middleware want the same cores.
            'INFERENCE_NUM_THREADS': torch.get_num_threads(),
            'ENABLE_CPU_PINNING': False,
        }
        self._ranges = int8_ranges
        self.precision = self._choose(precision)
        self._model = self._read(network)
        self._reads = input_names(self._model)
        self._requests: dict[int, openvino.InferRequest] = {}
        try:
            self._request(1)
        except (ValueError, RuntimeError) as error:
            if (precision, self.precision) != ('auto', 'int8'):
                raise
            self.precision, self.reason = 'fp32', f'int8 cannot be had: {error}'
            self._request(1)

    def segment(self, image: np.ndarray, languages: Sequence[Language]) -> list[Answer]:
        request = self._request(len(languages))
        inputs = network_inputs(image, languages, self._config)
        request.infer({name: inputs[name] for name in self._reads}, share_inputs=True)
        # The request's own memory holds the next frame's logits soon.
        logits, *presence = (
            torch.from_numpy(request.get_output_tensor(number).data.copy())
            for number in range(len(request.model_outputs))
        )
        return LogitsAnswer.of_all(logits, image.shape[:2], presence[0] if presence else None)

    def profile(
        self, image: np.ndarray, languages: Sequence[Language], frames: int
    ) -> dict[str, float]:
        """Give seconds by type of layer, summed over some frames, as OpenVINO counts them."""
        counting = copy.copy(self)
        counting._options = {**self._options, 'PERF_COUNT': True}
        counting._requests = {}
        counting.segment(image, languages)  # the first frame packs the weights
        seconds: dict[str, float] = defaultdict(float)
        for _ in range(frames):
            counting.segment(image, languages)
            for layer in counting._requests[len(languages)].get_profiling_info():
                seconds[layer.node_type] += layer.real_time.total_seconds()
        return dict(seconds)

    def _request(self, sentences: int):
        if sentences not in self._requests:
            set_sentences(self._model, sentences, self._config)
            model = self._model.clone()
            if self.precision == 'int8':
                round_to_int8(model, self._ranges)
            # On ARM OpenVINO has a library with kernels of this kind.
            elif self.precision == 'fp32' and platform.machine().lower() in ('x86_64', 'amd64'):
                rewrite_convolutions(model)
            options = {**self._options, 'INFERENCE_PRECISION_HINT': _PRECISIONS[self.precision]}
            compiled = self._core.compile_model(model, 'CPU', options)
            self._requests[sentences] = compiled.create_infer_request()
        return self._requests[sentences]

    def _choose(self, precision: str) -> str:
        if precision == 'int8' and not self._ranges:
            raise ValueError(
                "'int8' wants the ranges of its numbers in the checkpoint; 'refseg quantize' puts "
                'them there'
            )
        if precision != 'auto':
            return precision
        if computes_in_bf16(self._core):
            return 'bf16'
        return 'int8' if self._ranges and cpu_is_made_for_int8() else 'fp32'

    def _read(self, network: CEFNet):
        try:
            folder = cache_folder()
            path = folder / f'{fingerprint(network)}.onnx'
            if not path.is_file():
                self._convert_to(path, network)
            # Compiled code is kept there too, by OpenVINO itself.
            self._options['CACHE_DIR'] = str(folder)
            try:
                return self._core.read_model(path)
            except RuntimeError:  # damaged, as by a power cut
                self._convert_to(path, network)
                return self._core.read_model(path)
        except OSError:  # no place to write: convert at each start
            return self._core.read_model(io.BytesIO(export_logits(network)))

    @staticmethod
    def _convert_to(path: Path, network: CEFNet) -> None:
        write_atomically(path, export_logits(network))
        _forget_old(path.parent)


def computes_in_bf16(core) -> bool:
    """Tell whether the CPU computes with bf16, or OpenVINO would have to imitate it."""
    return 'BF16' in core.get_property('CPU', 'OPTIMIZATION_CAPABILITIES')


def set_sentences(model, sentences: int, config: CEFNetConfig) -> None:
    """Make OpenVINO's model of a LogitsGraph one that answers so many sentences."""
    shapes = {
        'words': [sentences, MAX_WORDS, config.embedding_channels],
        'present': [sentences, MAX_WORDS],
        'sentence': [sentences, 2 * config.hidden_channels],
    }
    model.reshape({name: shapes[name] for name in input_names(model) if name in shapes})


def network_inputs(
    image: np.ndarray, languages: Sequence[Language], config: CEFNetConfig
) -> dict[str, np.ndarray]:
    """Give what LogitsGraph takes: a uint8 HxWx3 image stretched, and sentences filled up."""
    language = stack_full(languages)
    pixels = stretch(as_batch(image), config.image_size).float()
    sentences = {name: getattr(language, name).numpy() for name in LANGUAGE_NAMES}
    return {'image': pixels.numpy(), **sentences}


def input_names(model) -> list[str]:
    """Name the inputs that a network reads: without co-attention the words' are missing."""
    return [port.any_name for port in model.inputs]


def cache_folder() -> Path:
    """
    Give the folder of converted networks, ``ros2_refseg`` in the user's cache (XDG).

    :raises OSError: where the user has no home, as in some containers.
    """
    try:
        cache = Path(os.environ.get('XDG_CACHE_HOME') or Path.home() / '.cache')
    except RuntimeError as error:
        raise FileNotFoundError(str(error)) from error
    return cache / 'ros2_refseg'


def fingerprint(network: CEFNet) -> str:
    """Give a hash of all that a conversion depends on: structure, weights, code and exporter."""
    digest = hashlib.sha256(
        json.dumps([weights_hash(network), OPSET, torch.__version__]).encode())
    package = Path(ros2_refseg.__file__).parent
    for source in (package / 'export.py', *sorted((package / 'cefnet').glob('*.py'))):
        digest.update(source.read_bytes())
    return digest.hexdigest()[:32]


def _forget_old(folder: Path) -> None:
    for pattern, kept in _KEPT.items():
        files = sorted(folder.glob(pattern), key=lambda path: path.stat().st_mtime, reverse=True)
        for path in files[kept:]:
            path.unlink(missing_ok=True)
