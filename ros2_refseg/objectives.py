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
What a training run minimises: how well it refers, before that what its encoder sees in things, or
afterwards how well it tells whether what is meant is in view.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import Dataset

from ros2_refseg.cefnet import CEFNet
from ros2_refseg.cefnet.fusion import normalize
from ros2_refseg.cefnet.loss import ReferringLoss
from ros2_refseg.data.dataset import ReferringDataset
from ros2_refseg.data.image_words import ImageWords, collate_words
from ros2_refseg.data.samples import ImageSamples, collate
from ros2_refseg.data.vocabulary import UNKNOWN_ID, Vocabulary
from ros2_refseg.distributed import mean_over_processes
from ros2_refseg.segmenter import PRECISIONS
from ros2_refseg.training_config import TrainingConfig


class ReferringObjective(nn.Module):
    """From images and sentences to the loss of their masks: what the network is for."""

    collate = staticmethod(collate)

    def __init__(self, network: CEFNet, config: TrainingConfig) -> None:
        super().__init__()
        self.network, self.loss = network, ReferringLoss(config.dice_weight)
        self.precision = PRECISIONS[config.precision]

    @staticmethod
    def samples(
        dataset: ReferringDataset, vocabulary: Vocabulary, config: TrainingConfig
    ) -> Dataset:
        """Give what the batches are made of."""
        return ImageSamples(
            dataset, vocabulary, config.sentences_per_image, config.unknown_rate, config.forms)

    def forward(self, batch: dict[str, Tensor], foreground_weight: float) -> dict[str, Tensor]:
        """Give the loss, 'total', and its terms by name."""
        image = batch['image'].float().contiguous(memory_format=torch.channels_last)
        # In full precision, as on the robot: on CUDA autocast takes fp16 for a GRU.
        language = self.network.language(batch['words'])
        with torch.autocast(
            image.device.type, self.precision, enabled=self.precision != torch.float32
        ):
            prediction = self.network(image, language)
        terms = self.loss(
            prediction, batch['masks'].float(), batch['contours'].float(), foreground_weight
        )
        losses = {name: getattr(terms, name)
                  for name in ('total', 'mask', 'boundary', 'transformed', 'dice')}
        if prediction.presence is not None:
            losses['presence'] = presence_loss(prediction.presence, batch)
            losses['total'] = losses['total'] + losses['presence']
        return losses


def presence_loss(logits: Tensor, batch: dict[str, Tensor]) -> Tensor:
    """
    Give the cross entropy of B logits of presence, the mean over a batch of ``samples.collate``.

    A sentence of which a word is shown as unknown has none: it could mean something else, and since
    only sentences about what is in view have such words, they would give the answer away.
    """
    whole = (batch['words'] != UNKNOWN_ID).all(1)
    losses = F.binary_cross_entropy_with_logits(
        logits.float(), batch['in_view'].float(), reduction='none')
    return (losses * whole).mean()


class PresenceObjective(nn.Module):
    """
    From images and sentences to whether what they mean is in view; the network stays as it is.

    Its classifier of presence alone learns, from what the network answers at its best: in
    evaluation mode.
    """

    collate = staticmethod(collate)
    samples = staticmethod(ReferringObjective.samples)

    def __init__(self, network: CEFNet, config: TrainingConfig) -> None:
        super().__init__()
        if network.presence is None:
            raise ValueError(
                'objective: presence: the network has no classifier of that; give it one with '
                'presence: true in model')
        self.network = network
        self.precision = PRECISIONS[config.precision]
        network.requires_grad_(False)
        network.presence.requires_grad_(True)

    def train(self, mode: bool = True) -> 'PresenceObjective':
        super().train(mode)
        self.network.eval()
        self.network.presence.train(mode)
        return self

    def forward(self, batch: dict[str, Tensor], _: float) -> dict[str, Tensor]:
        """Give the loss, 'total'."""
        image = batch['image'].float().contiguous(memory_format=torch.channels_last)
        language = self.network.language(batch['words'])
        with torch.autocast(
            image.device.type, self.precision, enabled=self.precision != torch.float32
        ):
            presence = self.network(image, language).presence
        return {'total': presence_loss(presence, batch)}


class WordObjective(nn.Module):
    """
    From images to the words that are said of each thing in them: pretraining of the visual encoder.

    Where ImageNet's weights cannot be had, the encoder learns what things are called and look like
    from the referring data themselves, several times as many pictures a second as with sentences,
    and from every thing in each. Words are linear in the means of E2 .. E4 over a thing, computed
    as the network does, without what language adds: in those of each stage by itself, so that what
    things are is known where language first enters, and in all together. Res5 costs as much as the
    other blocks and told no more; it stays as it is, as does all but the encoder.
    """

    collate = staticmethod(collate_words)

    def __init__(self, network: CEFNet, config: TrainingConfig) -> None:
        super().__init__()
        self.network = network
        self.precision = PRECISIONS[config.precision]
        words = network.config.vocabulary_size
        self.heads = nn.ModuleList(
            nn.Linear(width, words) for width in network.encoder.channels[1:4])
        network.requires_grad_(False)
        network.encoder.requires_grad_(True)
        network.encoder.res5.requires_grad_(False)

    @staticmethod
    def samples(
        dataset: ReferringDataset, vocabulary: Vocabulary, config: TrainingConfig
    ) -> Dataset:
        """Give what the batches are made of."""
        return ImageWords(dataset, vocabulary, config.forms)

    def forward(self, batch: dict[str, Tensor], _: float) -> dict[str, Tensor]:
        """
        Give the cross entropy of the words said, by stage and of all stages ('together').

        'total' is their mean. Each is a mean over the things; of several processes, the average of
        theirs is that mean.
        """
        image = batch['image'].float().contiguous(memory_format=torch.channels_last)
        with torch.autocast(
            image.device.type, self.precision, enabled=self.precision != torch.float32
        ):
            stages = self._words(image, batch['things'])
        # Processes may see unlike numbers of things; their losses are averaged as they are.
        count = mean_over_processes(batch['words'].any(-1).sum().float())
        losses = {
            # Of what only fills a picture's row up all words are 0; to leave it out by a mask, the
            # host would have to wait for the GPU.
            name: -(logits.float().log_softmax(-1) * batch['words']).sum() / count
            for name, logits in {**stages, 'together': sum(stages.values())}.items()
        }
        return {'total': sum(losses.values()) / len(losses), **losses}

    def _words(self, image: Tensor, things: Tensor) -> dict[str, Tensor]:
        """Give each stage's BxKxV logits of BxK things, shares in [0, 1] of places they cover."""
        encoder = self.network.encoder
        normalised = (image - self.network.mean) / self.network.standard_deviation
        _, e2, e3 = encoder.before_language(normalised)
        entry = normalize(e3) if self.network.config.fusion == 'encoder' else e3
        stages = {'e2': e2, 'e3': e3, 'e4': encoder.res4(entry)}
        return {name: head(_mean_over(things, features))
                for head, (name, features) in zip(self.heads, stages.items(), strict=True)}


def _mean_over(things: Tensor, features: Tensor) -> Tensor:
    """Average BxCxhxw features over each of BxK things, to BxKxC; zeros for one without a place."""
    cover = F.adaptive_avg_pool2d(things, features.shape[-2:]).flatten(2)
    cover = cover / cover.sum(-1, keepdim=True).clamp(min=1e-6)
    return cover.to(features.dtype) @ features.flatten(2).transpose(1, 2)


OBJECTIVES = {
    'referring': ReferringObjective, 'words': WordObjective, 'presence': PresenceObjective}


def make_objective(network: CEFNet, config: TrainingConfig) -> nn.Module:
    """
    Make the objective that a configuration names.

    :raises ValueError: where the network lacks what it would train.
    """
    return OBJECTIVES[config.objective](network, config)
