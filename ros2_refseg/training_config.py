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

"""What a training run is told: one YAML file, one dataclass."""

import dataclasses
import typing
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import NoneType, UnionType
from typing import Any

import yaml

OBJECTIVES = ('referring', 'words', 'presence')
OPTIMIZERS = ('sgd', 'adamw')
SCHEDULES = ('step', 'one_cycle')
PRECISIONS = ('fp32', 'bf16')
KINDS = {
    int: 'a whole number', float: 'a number', str: 'a text', bool: 'true or false',
    dict: 'a mapping such as {preset: paper}', list: 'a list of texts such as [attribute]',
}
"""What the values of fields may be, in words."""
WITHOUT_EFFECT = ('workers', 'checkpoint_every', 'validate_every')
"""Fields that change nothing in what a run learns; they may differ when it is resumed."""


@dataclass(frozen=True)
class TrainingConfig:
    """
    A training run. The defaults are the paper's recipe (Sec. 4.2).

    :raises ValueError: naming the field, its value and what it may be.
    """

    model: dict[str, Any] = field(default_factory=lambda: {'preset': 'paper'})
    """The preset and the fields of CEFNetConfig that differ from it."""
    weights: str | None = 'imagenet'
    """Start of the visual encoder: imagenet (torchvision's, downloaded once) or null (random)."""
    init_from: str | None = None
    """Checkpoint whose weights to start from, wherever name and shape agree ..."""
    start_anew: list[str] | None = None
    """... but for these parts of the network, such as fusions, which start from random weights."""
    objective: str = 'referring'
    """referring: masks of what sentences mean; words: the encoder alone learns what things are
    called, for the runs that start from it; presence: the classifier alone learns whether what is
    meant is in view, of a network that is trained."""
    train_split: str = 'train'
    """Split to train on; of trainval, where there is one, nothing is scored on the way."""
    forms: list[str] | None = None
    """Kinds of sentence to train on, where the data set names them; null is all."""
    iterations: int = 200_000
    images_per_batch: int = 12
    sentences_per_image: int = 1
    optimizer: str = 'sgd'
    """sgd (momentum 0.9) or adamw."""
    learning_rate: float = 7.5e-4
    weight_decay: float = 5e-4
    schedule: str = 'step'
    """step: divided by 10 half-way; one_cycle: up over the first twentieth, down to zero."""
    gradient_clip: float | None = None
    """Largest norm of the gradient."""
    fixed_norms: bool = False
    """Keep the weights of convolutions that a batch norm follows directly at the norm of He et al.;
    AdamW lets them grow from run to run, and the larger they are the less a step turns them."""
    foreground_weight: float = 1.0
    """Weight of foreground pixels in the cross entropy at the start, ..."""
    foreground_until: float = 0.0
    """... decaying linearly to 1 over this share of the iterations."""
    dice_weight: float = 0.0
    """Weight of the Dice loss beside the cross entropy."""
    unknown_rate: float = 0.0
    """Share of words shown as unknown, so that the network learns to do without."""
    coarse_image_size: int | None = None
    """Side in pixels of the images of the first part of the run, for speed, ..."""
    coarse_until: float = 0.0
    """... which ends at this share of the iterations."""
    precision: str = 'fp32'
    """fp32 or bf16 (autocast)."""
    workers: int = 2
    """Processes that prepare batches."""
    checkpoint_every: int = 500
    """Iterations between two states that the run can be resumed from."""
    validate_every: int = 5_000
    """Iterations between two evaluations on the split ``val``."""
    seed: int = 0

    def __post_init__(self) -> None:
        for name, choices in (
            ('objective', OBJECTIVES), ('optimizer', OPTIMIZERS), ('schedule', SCHEDULES),
            ('precision', PRECISIONS), ('weights', ('imagenet', None)),
        ):
            if getattr(self, name) not in choices:
                raise ValueError(
                    f'{name}: {getattr(self, name)!r} is none of '
                    f'{", ".join("null" if choice is None else choice for choice in choices)}'
                )
        for name in ('iterations', 'images_per_batch', 'sentences_per_image', 'learning_rate',
                     'checkpoint_every', 'validate_every'):
            if not getattr(self, name) > 0:
                raise ValueError(f'{name}: {getattr(self, name)} is not above zero')
        for name in ('foreground_until', 'unknown_rate', 'coarse_until'):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f'{name}: {getattr(self, name)} is not within 0 and 1')
        side = self.coarse_image_size
        if side is None and self.coarse_until:
            raise ValueError(
                f'coarse_until: {self.coarse_until} without coarse_image_size, the side in pixels '
                'up to there; give both or neither')
        if side is not None and side < 32:
            raise ValueError(f'coarse_image_size: {side} is under 32, less than two res5 cells')
        if self.gradient_clip is not None and not self.gradient_clip > 0:
            raise ValueError(
                f'gradient_clip: {self.gradient_clip} is not above zero; null is no clipping')
        if self.start_anew and not self.init_from:
            raise ValueError('start_anew: without init_from everything starts anew; leave it out')
        if self.objective == 'presence' and not self.init_from:
            raise ValueError(
                'objective: presence: init_from, a trained network to learn it from, is missing')
        if self.seed < 0:
            raise ValueError(f'seed: {self.seed} is below zero')
        if 'vocabulary_size' in self.model:
            raise ValueError('model: vocabulary_size follows from the data; leave it out')

    @classmethod
    def load(cls, path: Path | str) -> 'TrainingConfig':
        """
        Read a YAML file whose keys are the fields of this class.

        :raises ValueError: for a missing file, broken YAML or a field that does not exist.
        """
        try:
            values = yaml.safe_load(Path(path).read_text())
        except OSError as error:
            raise ValueError(f"no readable training configuration '{path}': {error}") from error
        except yaml.YAMLError as error:
            raise ValueError(f"'{path}' is not valid YAML: {error}") from error
        if not isinstance(values, dict):
            raise ValueError(f"'{path}' holds no mapping of training options")
        known = {entry.name: entry.type for entry in dataclasses.fields(cls)}
        for name, value in values.items():
            if name not in known:
                raise ValueError(
                    f"'{path}': no training option {name!r}; there are {', '.join(known)}"
                )
            try:
                values[name] = _read_value(value, known[name])
            except ValueError as error:
                raise ValueError(f"'{path}': {name}: {error}") from None
        return cls(**values)

    def to_dict(self) -> dict[str, Any]:
        """Give every field, for a checkpoint."""
        return dataclasses.asdict(self)

    def changed_since(self, begun: dict[str, Any]) -> list[str]:
        """
        Name the fields that would have a run learn something else than it was begun with.

        :param begun: what to_dict gave then; fields that came later were at their defaults.
        """
        begun = {**TrainingConfig().to_dict(), **begun}
        return [name for name, value in self.to_dict().items()
                if name not in WITHOUT_EFFECT and value != begun[name]]


def _read_value(value: Any, annotation: Any) -> Any:
    """Give what YAML read for a field of the annotated type. :raises ValueError: if it is none."""
    kinds = typing.get_args(annotation) if isinstance(annotation, UnionType) else (annotation,)
    if value is None and NoneType in kinds:
        return None
    kind = typing.get_origin(kinds[0]) or kinds[0]
    # YAML reads 1e-3 as a string; a float is what was meant.
    if kind is float and isinstance(value, int | str) and not isinstance(value, bool):
        with suppress(ValueError):
            value = float(value)
    fits = isinstance(value, kind) and isinstance(value, bool) == (kind is bool)
    if not fits or (kind is list and not all(isinstance(entry, str) for entry in value)):
        raise ValueError(f'{value!r} is not {KINDS[kind]}')
    return value
