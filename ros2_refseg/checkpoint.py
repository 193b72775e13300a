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

"""Checkpoints: a safetensors file with weights, configuration, vocabulary and what was measured."""

import hashlib
import json
import math
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from ros2_refseg.atomic_files import write_atomically
from ros2_refseg.bundled import bundled_checkpoints
from ros2_refseg.cefnet import CEFNet, CEFNetConfig
from ros2_refseg.confidence import Calibration
from ros2_refseg.data.vocabulary import Vocabulary

FORMAT = 'ros2_refseg-2'
"""Changes when weights of an older version no longer fit the network."""


class CheckpointError(ValueError):
    """A checkpoint cannot be used; the message names it and says why."""


@dataclass(frozen=True)
class Checkpoint:
    """
    A trained network and what it has to know.

    :ivar network: in float32, evaluation mode, on the CPU.
    :ivar vocabulary: the words it was trained on.
    :ivar training: how and on what it was trained, as it was configured.
    :ivar scores: what evaluation measured, by data set.
    :ivar calibration: what turns its answers into probabilities; None until it was calibrated.
    :ivar int8_ranges: what its convolutions are given, lowest and highest, by their names in the
        exported network; None until ``refseg quantize`` found them.
    """

    network: CEFNet
    vocabulary: Vocabulary
    training: dict[str, Any] = field(default_factory=dict)
    scores: dict[str, Any] = field(default_factory=dict)
    calibration: Calibration | None = None
    int8_ranges: Mapping[str, tuple[float, float]] | None = None

    def save(self, path: Path | str) -> None:
        """
        Write weights in half precision with everything else as metadata, all or nothing.

        :raises CheckpointError: for weights that are no finite numbers in half precision.
        """
        weights = {
            name: tensor.half() if tensor.is_floating_point() else tensor
            for name, tensor in self.network.state_dict().items()
        }
        refuse_infinite(weights, f"'{path}' is not written: the network")
        metadata = {
            'format': FORMAT,
            'config': json.dumps(self.network.config.to_dict()),
            'vocabulary': json.dumps(self.vocabulary.words, ensure_ascii=False),
            'training': json.dumps(self.training),
            'scores': json.dumps(self.scores),
        }
        if self.calibration is not None:
            metadata['calibration'] = json.dumps(self.calibration.to_dict())
        if self.int8_ranges is not None:
            metadata['int8_ranges'] = json.dumps(self.int8_ranges)
        content = {name: tensor.contiguous() for name, tensor in weights.items()}
        write_atomically(Path(path), save(content, metadata))

    @classmethod
    def load(cls, path: Path | str, leave_out: Collection[str] = ()) -> 'Checkpoint':
        """
        Read a checkpoint. Nothing in the file is executed: safetensors and JSON only.

        :param leave_out: calibration or int8_ranges, where it is about to be made anew.
        :raises CheckpointError: no such file, not a safetensors file, a foreign one (no
            configuration of ours), or weights that are infinite or do not fit the configuration.
        """
        path = Path(path)
        try:
            with safe_open(path, framework='pt') as file:
                metadata = file.metadata() or {}
                weights = {name: file.get_tensor(name) for name in file.keys()}
        except FileNotFoundError as error:
            raise CheckpointError(_no_file(path)) from error
        except (OSError, SafetensorError) as error:
            raise CheckpointError(
                f"'{path}' is not a readable safetensors file: {error}"
            ) from error
        found = metadata.get('format')
        if found != FORMAT:
            what = ('a checkpoint of another version of ros2_refseg'
                    if str(found).startswith('ros2_refseg-') else 'not a CEFNet checkpoint')
            raise CheckpointError(
                f"'{path}' is {what}: its metadata says format {found!r}, expected {FORMAT!r}; "
                "make one with 'refseg train'"
            )
        try:
            config = CEFNetConfig.from_dict(json.loads(metadata['config']))
            vocabulary = Vocabulary(tuple(json.loads(metadata['vocabulary'])))
            training, scores = json.loads(metadata['training']), json.loads(metadata['scores'])
            network = CEFNet(config)
            network.load_state_dict(weights)
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise CheckpointError(f"'{path}' does not fit its own metadata: {error}") from error
        refuse_infinite(weights, f"'{path}'")
        if len(vocabulary) != config.vocabulary_size:
            raise CheckpointError(
                f"'{path}' holds {len(vocabulary)} words and padding, but embeddings for "
                f'{config.vocabulary_size}'
            )
        for part in leave_out:
            metadata.pop(part, None)
        return cls(
            network.eval(), vocabulary, training, scores,
            _read_calibration(path, metadata, config.presence), _read_int8_ranges(path, metadata),
        )


def _read_calibration(
    path: Path, metadata: dict[str, str], presence: bool
) -> Calibration | None:
    if 'calibration' not in metadata:
        return None
    try:
        calibration = Calibration.from_dict(json.loads(metadata['calibration']))
        if 'presence' in calibration.weights and not presence:
            raise ValueError('it weighs presence, of which the network has no classifier')
        return calibration
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise CheckpointError(
            f"'{path}' has a damaged calibration, make a new one with 'refseg calibrate': {error}"
        ) from error


def _read_int8_ranges(
    path: Path, metadata: dict[str, str]
) -> dict[str, tuple[float, float]] | None:
    if 'int8_ranges' not in metadata:
        return None
    try:
        ranges = {name: (float(low), float(high))
                  for name, (low, high) in json.loads(metadata['int8_ranges']).items()}
        for name, (low, high) in ranges.items():
            if not -math.inf < low <= 0 < high < math.inf:
                raise ValueError(f'{name}: {low} to {high}')
    except (AttributeError, TypeError, ValueError, OverflowError, RecursionError) as error:
        raise CheckpointError(
            f"'{path}' has damaged int8 ranges, make new ones with 'refseg quantize': {error}"
        ) from error
    return ranges


def refuse_infinite(weights: dict[str, torch.Tensor], what: str) -> None:
    """
    Refuse weights that have overflowed, of which nothing but NaN would come.

    :raises CheckpointError: that begins with ``what`` and names the tensor.
    """
    for name, tensor in weights.items():
        if not tensor.isfinite().all():
            raise CheckpointError(f"{what} has weights that are no finite numbers, in '{name}'")


def weights_hash(network: CEFNet) -> str:
    """Give a hash of a network's structure and weights, to tell what was made from them."""
    digest = hashlib.sha256(json.dumps(network.config.to_dict()).encode())
    for name, tensor in network.state_dict().items():
        digest.update(name.encode())
        digest.update(tensor.cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:32]


def resolve_checkpoint(checkpoint: Path | str) -> Path:
    """
    Turn a bundled name or a path into the path of a file.

    :raises CheckpointError: when there is no such file, naming the bundled checkpoints, or none
        that this user may read.
    """
    bundled = bundled_checkpoints()
    if str(checkpoint) in bundled:
        return bundled[str(checkpoint)]
    try:
        path = Path(checkpoint).expanduser()
        if path.is_file():
            return path
    except (OSError, RuntimeError) as error:  # a folder that is closed to us, a name too long, ~who
        raise CheckpointError(f"'{checkpoint}' cannot be read: {error}") from error
    raise CheckpointError(_no_file(checkpoint))


def _no_file(checkpoint: Path | str) -> str:
    return f"no file '{checkpoint}'; bundled ones: {', '.join(bundled_checkpoints()) or 'none'}"


def choose_device(device: str) -> torch.device:
    """
    Turn auto, cpu, cuda or cuda:N into a device.

    :raises ValueError: for another name, or a CUDA device that this machine does not have.
    """
    if device == 'auto':
        return torch.device('cuda' if torch.cuda.is_available() else 'cpu')
    match = re.fullmatch(r'cpu|cuda(?::(\d+))?', device)
    if not match:
        raise ValueError(f'{device!r} is none of auto, cpu, cuda, cuda:N')
    if device != 'cpu':
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if int(match[1] or 0) >= count:
            raise ValueError(
                f'{device!r} asked for, but this machine has {count or "no"} CUDA '
                f"device{'s' if count > 1 else ''}; use 'cpu' or 'auto'"
            )
    return torch.device(device)
