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

"""Several processes that train one network: those that torchrun starts, on one machine or many."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from ros2_refseg.checkpoint import choose_device

T = TypeVar('T')

# The others wait while the first process evaluates; ten minutes, torch's own limit, may be short.
LONGEST_WAIT = timedelta(hours=2)


@contextmanager
def process_group(device: str = 'auto') -> Iterator[torch.device]:
    """
    Join the processes that torchrun started, if it did; give this one's device.

    Each process of a machine takes the GPU of its own number, or the CPU.

    :param device: auto, cpu or cuda; without torchrun also cuda:N.
    :raises ValueError: for a device that this machine does not have, or one GPU for many processes.
    """
    if not dist.is_torchelastic_launched():
        chosen = choose_device(device)
        if chosen.index is not None:
            # Otherwise what names no GPU opens a context, hundreds of MB, on the first one too.
            torch.cuda.set_device(chosen)
        yield chosen
        return
    if device.startswith('cuda:'):
        raise ValueError(f'{device!r} is one GPU; under torchrun each process takes one: use cuda')
    chosen = choose_device(device)
    if chosen.type == 'cuda':
        chosen = choose_device(f'cuda:{os.environ["LOCAL_RANK"]}')
        torch.cuda.set_device(chosen)
    dist.init_process_group('nccl' if chosen.type == 'cuda' else 'gloo', timeout=LONGEST_WAIT)
    try:
        yield chosen
    finally:
        dist.destroy_process_group()


def process_count() -> int:
    """Count the processes that train together."""
    return dist.get_world_size() if dist.is_initialized() else 1


def process_number() -> int:
    """Give this process's number; 0 evaluates, logs and writes for all."""
    return dist.get_rank() if dist.is_initialized() else 0


def is_first_process() -> bool:
    """Say whether this process is the one that evaluates, logs and writes."""
    return process_number() == 0


def from_first_process(make: Callable[[], T]) -> T:
    """Call a function in the first process and give its result to all of them."""
    box = [make() if is_first_process() else None]
    if process_count() > 1:
        dist.broadcast_object_list(box)
    return box[0]


def mean_over_processes(value: Tensor) -> Tensor:
    """Average a tensor over all processes; call it in each."""
    if process_count() > 1:
        value = value.clone()
        dist.all_reduce(value)
        value /= process_count()
    return value


def share_gradients(module: nn.Module, device: torch.device) -> nn.Module:
    """
    Average a module's gradients over all processes in each backward pass.

    The parameters start as those of the first process.
    """
    if process_count() == 1:
        return module
    return DistributedDataParallel(
        module, device_ids=[device] if device.type == 'cuda' else None
    )


def synchronise_batch_norm(network: nn.Module, device: torch.device) -> nn.Module:
    """
    Let batch norm see the images of all processes, where there are several.

    Otherwise its statistics, and with them the loss, would depend on how many processes share a
    batch: the paper's twelve images on six GPUs would be normalised two by two.
    """
    if process_count() == 1:
        return network
    if device.type == 'cuda':
        return nn.SyncBatchNorm.convert_sync_batchnorm(network)
    for name, child in network.named_children():
        if isinstance(child, nn.BatchNorm2d):
            synchronous = _SynchronousBatchNorm(child.num_features, child.eps, child.momentum)
            synchronous.load_state_dict(child.state_dict())
            setattr(network, name, synchronous)
        else:
            synchronise_batch_norm(child, device)
    return network


class _SynchronousBatchNorm(nn.BatchNorm2d):
    """Batch norm over equal parts of a batch in all processes; torch's own one needs a GPU."""

    def forward(self, features: Tensor) -> Tensor:
        if not self.training:
            return super().forward(features)
        values = features.float()
        mean = _mean_of_channels(values)
        centred = values - mean
        variance = _mean_of_channels(centred.square())
        with torch.no_grad():
            count = process_count() * values[:, 0].numel()
            self.num_batches_tracked += 1
            self.running_mean.lerp_(mean.flatten(), self.momentum)
            self.running_var.lerp_(variance.flatten() * count / (count - 1), self.momentum)
        scale = self.weight.view_as(mean) * (variance + self.eps).rsqrt()
        return (centred * scale + self.bias.view_as(mean)).to(features.dtype)


def _mean_of_channels(values: Tensor) -> Tensor:
    """Average BxCxHxW over all but the channels and over all processes, 1xCx1x1."""
    return _Sum.apply(values.mean((0, 2, 3), keepdim=True)) / process_count()


class _Sum(torch.autograd.Function):
    """The sum of a tensor over all processes; its gradient is the sum of theirs."""

    @staticmethod
    def forward(_: object, value: Tensor) -> Tensor:
        value = value.clone()
        dist.all_reduce(value)
        return value

    @staticmethod
    def backward(_: object, gradient: Tensor) -> Tensor:
        return _Sum.apply(gradient)
