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


"""The network that the parameters ask for, or an error that names the parameter at fault."""

from typing import Any

from rclpy.impl.rcutils_logger import RcutilsLogger

from ros2_refseg.checkpoint import CheckpointError, choose_device, resolve_checkpoint
from ros2_refseg.nodes.parameters import ParameterError
from ros2_refseg.segmenter import Segmenter


def load_segmenter(values: dict[str, Any], logger: RcutilsLogger) -> Segmenter:
    """
    Load the network that `checkpoint`, `coattention`, `device`, `precision` and `backend` ask for.

    Raises ParameterError for what cannot be met. `checkpoint` goes before `coattention`.
    """
    checkpoint, device = values['checkpoint'], values['device']
    try:
        choose_device(device)
    except ValueError as error:
        raise ParameterError('device', str(error)) from error
    try:
        segmenter = Segmenter.load(
            checkpoint or values['coattention'], device, values['precision'], values['backend']
        )
    except CheckpointError as error:
        raise ParameterError('checkpoint' if checkpoint else 'coattention', str(error)) from error
    except ValueError as error:  # all else that load takes from the parameters
        name = 'backend' if str(error).startswith('backend') else 'precision'
        raise ParameterError(name, str(error)) from error
    except (RuntimeError, MemoryError) as error:  # torch: no memory left, a broken driver
        raise ParameterError(
            'device', f'the network cannot be put on {device!r}: {error}'
        ) from error
    apply_decision(segmenter, values)
    if checkpoint and segmenter.config.coattention != values['coattention']:
        logger.info(
            f'checkpoint {checkpoint!r} has the co-attention {segmenter.config.coattention!r}; '
            f"the parameter 'coattention' ({values['coattention']!r}) has no effect"
        )
    return segmenter


def network_file(values: dict[str, Any]) -> tuple | None:
    """
    Identify the file that `checkpoint` and `coattention` mean, as it is now; None for no such file.

    Another network under the same path, as training writes it, has another identity.
    """
    try:
        path = resolve_checkpoint(values['checkpoint'] or values['coattention'])
        status = path.stat()
    except (CheckpointError, OSError):
        return None
    return path, status.st_ino, status.st_mtime_ns, status.st_size


def apply_decision(segmenter: Segmenter, values: dict[str, Any]) -> None:
    """Set what the parameters say of how probabilities become a mask; any time."""
    segmenter.threshold = values['threshold']
    segmenter.boundary_threshold = values['boundary_threshold']
    own = values['found_threshold'] < 0
    segmenter.found_threshold = None if own else values['found_threshold']
    segmenter.pieces = values['pieces']
