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

"""Training: one loop for the paper's recipe and for networks that start from random weights."""

import io
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from ros2_refseg.atomic_files import write_atomically
from ros2_refseg.cefnet import CEFNet, CEFNetConfig
from ros2_refseg.cefnet.layers import normalised_convolutions
from ros2_refseg.checkpoint import (
    FORMAT,
    Checkpoint,
    choose_device,
    refuse_infinite,
    resolve_checkpoint,
)
from ros2_refseg.data.joint import open_datasets
from ros2_refseg.data.samples import ResumableBatches, of_forms
from ros2_refseg.data.vocabulary import Vocabulary
from ros2_refseg.distributed import (
    from_first_process,
    is_first_process,
    mean_over_processes,
    process_count,
    process_number,
    share_gradients,
    synchronise_batch_norm,
)
from ros2_refseg.evaluation import evaluate
from ros2_refseg.objectives import make_objective
from ros2_refseg.segmenter import PRECISIONS
from ros2_refseg.training_config import TrainingConfig
from ros2_refseg.training_progress import TrainingProgress

SGD_MOMENTUM = 0.9  # chosen here; the paper names none
WARM_UP = 0.05  # of the iterations, for the schedule one_cycle
VALIDATION_IMAGES = 100
LOG_EVERY = 20  # iterations; reading a loss makes the host wait for the device


class Trainer:
    """
    A training run in a folder; started again with the same folder it goes on where it was.

    The folder holds ``state.pt`` (everything the run needs to go on), ``checkpoint.safetensors``
    (what the robot loads) and ``tensorboard/``. Both files are replaced whole, so a kill at any
    moment costs at most ``checkpoint_every`` iterations. Several processes (see distributed) share
    each batch equally and compute what one would; the first one alone reads and writes the folder.
    """

    def __init__(
        self, config: TrainingConfig, data: Path | str | Sequence[Path | str], out: Path | str,
        device: str = 'auto',
    ) -> None:
        """
        Prepare a run, resuming it if ``out`` holds one.

        :param data: data set, or several to train on together, with the split to train on; a split
            ``val`` is evaluated if it is there and no part of it.
        :raises ValueError: for a data set, checkpoint or device that is not there, a batch that the
            processes cannot share equally, or when ``out`` holds a run with another configuration
            or vocabulary, or of another version.
        """
        if config.images_per_batch % process_count():
            raise ValueError(
                f'images_per_batch: {config.images_per_batch} images cannot be shared equally by '
                f'{process_count()} processes; start as many as divide it'
            )
        self.config = config
        self.out = Path(out)
        self.device = choose_device(device)
        self.dataset = open_datasets(data, config.train_split)
        scored = (config.objective == 'referring' and config.train_split == 'train'
                  and 'val' in self.dataset.splits)
        self.validation = open_datasets(data, 'val') if scored else None
        torch.manual_seed(config.seed)
        self.vocabulary, self.network = self._build()
        self._check_presence()
        self.network = synchronise_batch_norm(self.network, self.device)
        self.objective = make_objective(self.network, config)
        self.objective.to(self.device, memory_format=torch.channels_last)
        self.optimizer = make_optimizer(self.objective, config)
        self.step = 0
        self.scores: dict[str, Any] = {}
        self._resume()
        self._shared = share_gradients(self.objective, self.device)

    def _build(self) -> tuple[Vocabulary, CEFNet]:
        start = None
        # The words that are meant: typing errors, where the data set knows them, are no words.
        sentences = (
            ' '.join(tokens) for reference in self.dataset.references
            for tokens in reference.tokens
        )
        if self.config.init_from:
            start = Checkpoint.load(resolve_checkpoint(self.config.init_from))
            # Known words keep their numbers, and so their embeddings.
            new = set(Vocabulary.from_sentences(sentences).words) - set(start.vocabulary.words)
            # Where the network stays as it is, new words stay unknown.
            added = () if self.config.objective == 'presence' else sorted(new)
            vocabulary = Vocabulary((*start.vocabulary.words, *added))
        else:
            vocabulary = Vocabulary.from_sentences(sentences)
        model = dict(self.config.model)
        network = CEFNet(
            CEFNetConfig.from_preset(
                model.pop('preset', 'paper'), vocabulary_size=len(vocabulary), **model
            ),
            imagenet=self.config.weights == 'imagenet' and start is None,
        )
        if start:
            self._take_over(start.network, network)
        return vocabulary, network

    def _check_presence(self) -> None:
        """Say, or for the objective presence refuse, that no sentence to train on is of nothing."""
        config = self.config
        if not self.network.config.presence or config.objective == 'words' or any(
                reference.absent and of_forms(reference, config.forms)
                for reference in self.dataset.references):
            return
        missing = (f"presence: no sentence to train on of '{self.dataset.name}' lacks its target, "
                   'so what is not in view cannot be learned')
        if config.objective == 'presence':
            raise ValueError(f'objective: {missing}')
        if is_first_process():
            print(f'model: {missing}; the rest can')

    def _take_over(self, start: CEFNet, network: CEFNet) -> None:
        left = copy_matching_weights(start, network, self.config.start_anew or ())
        parts = sorted({'.'.join(name.split('.')[:2]) for name in left})
        if self.config.objective == 'presence' and set(parts) - {'presence.classifier'}:
            raise ValueError(
                "objective: presence: the network stays as it is, but 'model' is another one than "
                f"that of '{self.config.init_from}', which differs in {', '.join(parts)}")
        if left and is_first_process():
            print(f"init_from: {len(left)} of {len(network.state_dict())} tensors start anew, in "
                  f"{', '.join(parts)}; the others are those of '{self.config.init_from}'")

    def _resume(self) -> None:
        # The folder may lie on the first process's machine alone.
        state = from_first_process(self._read_state)
        if state is None:
            return
        self.objective.load_state_dict(state['objective'])
        self.optimizer.load_state_dict(state['optimizer'])
        self.step, self.scores = state['step'], state['scores']

    def _read_state(self) -> dict[str, Any] | None:
        for part in self.out.glob('.*.part'):  # of a run that was killed while it wrote
            part.unlink(missing_ok=True)
        path = self.out / 'state.pt'
        if not path.is_file():
            return None
        state = torch.load(path, map_location='cpu', weights_only=True)
        if state.get('format') != FORMAT:
            raise ValueError(
                f"'{self.out}' holds a run that another version of ros2_refseg began, whose "
                'network was built differently; finish it with that version, or give another --out'
            )
        changed = self.config.changed_since(state['config'])
        if state['vocabulary'] != list(self.vocabulary.words):
            changed.append('vocabulary (are these the data it was begun with?)')
        elif state['data'] != self._data():
            changed.append(
                'data set (it was begun with {}, {} references, {} sentences)'.format(
                    *state['data']))
        if changed:
            raise ValueError(
                f"'{self.out}' holds a run with another {', '.join(changed)}; "
                'give another --out, or delete that folder to start over'
            )
        return state

    def _data(self) -> list[Any]:
        return [self.dataset.name, len(self.dataset.references), len(self.dataset)]

    def _save(self) -> None:
        state = self.out / 'state.pt'
        refuse_infinite(self.network.state_dict(), f"'{state}' stays as it was: the network")
        buffer = io.BytesIO()
        torch.save({
            'format': FORMAT, 'config': self.config.to_dict(), 'step': self.step,
            'scores': self.scores,
            'vocabulary': list(self.vocabulary.words), 'data': self._data(),
            'objective': self.objective.state_dict(), 'optimizer': self.optimizer.state_dict(),
        }, buffer)
        write_atomically(state, buffer.getvalue())

    def run(self) -> Path:
        """Train to the end and give the path of the checkpoint."""
        config, begun_at = self.config, self.step
        with TrainingProgress(self.out, self.step, config.iterations, self.device) as progress:
            for batch in progress.wait.watch(self._batches()):
                terms = self._train_step(batch)
                self.step += 1
                progress.advance()
                last = self.step == config.iterations
                if self.step % LOG_EVERY == 0 or last:
                    self._log(progress, terms)
                if is_first_process():
                    if self.step % config.validate_every == 0 or last:
                        self._validate(progress)
                    if self.step % config.checkpoint_every == 0 or last:
                        self._save()
        path = self.out / 'checkpoint.safetensors'
        if is_first_process():
            # That of a run that was at its end already may have been calibrated since.
            if self.step > begun_at or not path.is_file():
                self._write_checkpoint(path)
                print(progress.summary())
            else:
                print(f"the run in '{self.out}' was at its end already")
        return path

    def _batches(self) -> Iterator[dict[str, Tensor]]:
        try:
            yield from self._loader()
        except ValueError as error:
            # One that a worker process raised arrives as a traceback, which ends with it.
            raise ValueError(str(error).rpartition('\nValueError: ')[2].strip()) from None

    def _loader(self) -> DataLoader:
        config = self.config
        samples = self.objective.samples(self.dataset, self.vocabulary, config)
        batches = ResumableBatches(
            len(samples), config.images_per_batch, config.iterations, config.seed, self.step,
            self._image_size_at, process_number(), process_count(),
        )
        return DataLoader(
            samples, batch_sampler=batches, collate_fn=self.objective.collate,
            num_workers=config.workers, prefetch_factor=4 if config.workers else None,
            pin_memory=self.device.type == 'cuda', worker_init_fn=_single_thread,
        )

    def _image_size_at(self, step: int) -> int:
        if step < self.config.coarse_until * self.config.iterations:
            return self.config.coarse_image_size
        return self.network.config.image_size

    def _train_step(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        config, done = self.config, self.step / self.config.iterations
        for group in self.optimizer.param_groups:
            group['lr'] = config.learning_rate * learning_rate_factor(config.schedule, done)
        batch = {name: value.to(self.device, non_blocking=True) for name, value in batch.items()}
        self._shared.train()
        terms = self._shared(batch, foreground_weight_at(config, done))
        self.optimizer.zero_grad()
        terms['total'].backward()
        if config.gradient_clip:
            torch.nn.utils.clip_grad_norm_(self.objective.parameters(), config.gradient_clip)
        self.optimizer.step()
        if config.fixed_norms:
            fix_norms(self.network)
        return terms

    def _log(self, progress: TrainingProgress, terms: dict[str, Tensor]) -> None:
        values = torch.stack([loss.detach() for loss in terms.values()])
        losses = dict(zip(terms, mean_over_processes(values).tolist(), strict=True))
        if not math.isfinite(losses['total']):
            raise ValueError(
                f"the loss is {losses['total']} after {self.step} iterations; '{self.out}' keeps "
                "an earlier state. Start another run with a lower 'learning_rate' or in fp32"
            )
        progress.record(self.step, {
            **{f'loss/{name}': loss for name, loss in losses.items()},
            'learning_rate': self.optimizer.param_groups[0]['lr'],
            'data_wait': progress.wait.share(),
        })
        progress.show(losses['total'], self.scores.get('val', {}).get('overall_iou', math.nan))

    def _validate(self, progress: TrainingProgress) -> None:
        if self.validation is not None:
            self.network.eval()
            scores = evaluate(
                self.network, self.vocabulary, self.validation,
                PRECISIONS[self.config.precision], max_images=VALIDATION_IMAGES, progress=False,
            )
            # Of the sentences without a target, where there are any, there is but this one figure.
            empty = {name: scores['absent'][name] for name in scores['absent'] if name != 'samples'}
            self.scores['val'] = {**scores['all'], **empty}
            progress.record(self.step, {
                f'val/{name}': value for name, value in self.scores['val'].items()
            })
        self._write_checkpoint(self.out / 'checkpoint.safetensors')

    def _write_checkpoint(self, path: Path) -> None:
        training = {
            **self.config.to_dict(), 'step': self.step, 'data': self.dataset.name,
            'references': len(self.dataset.references), 'sentences': len(self.dataset),
        }
        Checkpoint(self.network, self.vocabulary, training, self.scores).save(path)


def make_optimizer(objective: nn.Module, config: TrainingConfig) -> torch.optim.Optimizer:
    """Make the optimiser that a configuration asks for, of what the objective trains."""
    parameters = [value for value in objective.parameters() if value.requires_grad]
    if config.optimizer == 'sgd':
        return torch.optim.SGD(
            parameters, config.learning_rate, SGD_MOMENTUM, weight_decay=config.weight_decay
        )
    return torch.optim.AdamW(
        parameters, config.learning_rate, weight_decay=config.weight_decay, fused=True
    )


@torch.no_grad()
def fix_norms(network: nn.Module) -> None:
    """
    Scale the trained convolutions that a batch norm follows: a variance of 2 over the fan-in.

    That is what He et al. (2015) start from. The batch norm takes the scale out again, and its
    statistics are scaled as well: what the network computes stays the same.
    """
    for parent, name, norm_name in normalised_convolutions(network):
        weight, norm = getattr(parent, name).weight, getattr(parent, norm_name)
        if not weight.requires_grad:
            continue
        factor = math.sqrt(2 * len(weight)) / weight.norm()
        weight.mul_(factor)
        norm.running_mean.mul_(factor)
        norm.running_var.mul_(factor.square())


def learning_rate_factor(schedule: str, done: float) -> float:
    """Give the factor of the learning rate when the share ``done`` of the run is behind it."""
    if schedule == 'step':
        return 1.0 if done < 0.5 else 0.1
    if done < WARM_UP:
        return max(done / WARM_UP, 0.01)
    return 0.5 * (1 + math.cos(math.pi * (done - WARM_UP) / (1 - WARM_UP)))


def foreground_weight_at(config: TrainingConfig, done: float) -> float:
    """Give the weight of foreground pixels when the share ``done`` of the run is behind it."""
    if done >= config.foreground_until:
        return 1.0
    return 1 + (config.foreground_weight - 1) * (1 - done / config.foreground_until)


def copy_matching_weights(
    source: CEFNet, target: CEFNet, start_anew: Sequence[str] = ()
) -> list[str]:
    """
    Copy the weights whose name and shape agree, and the embeddings of the words known before.

    :param start_anew: parts of the target, by their names, that are left as they are.
    :return: the names of the weights that were left as they are.
    :raises ValueError: for a part that the target does not have.
    """
    for part in start_anew:
        try:
            target.get_submodule(part)
        except AttributeError:
            known = ', '.join(name for name, _ in target.named_children())
            raise ValueError(
                f'start_anew: the network has no {part!r}; it has {known}, and parts of these such '
                'as encoder.res5') from None
    weights, ours = source.state_dict(), target.state_dict()
    left = []
    for name, tensor in ours.items():
        start = weights.get(name)
        if name.startswith(tuple(f'{part}.' for part in start_anew)):
            left.append(name)
        elif start is not None and start.shape == tensor.shape:
            tensor.copy_(start)
        elif name == 'language.embedding.weight' and start.shape[1] == tensor.shape[1]:
            tensor[:len(start)] = start
        else:
            left.append(name)
    return left


def _single_thread(_: int) -> None:
    # Its own threads would only take the cores from the training; torch sees to its own.
    cv2.setNumThreads(1)
