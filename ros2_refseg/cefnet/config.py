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

"""What a CEFNet is made of, as one value that travels inside its checkpoint."""

import dataclasses
from dataclasses import dataclass
from typing import Any

BACKBONES = ('resnet18', 'resnet34', 'resnet50', 'resnet101', 'wide101')
FUSIONS = ('encoder', 'decoder')
COATTENTIONS = ('acm', 'vcm', 'none')


@dataclass(frozen=True)
class CEFNetConfig:
    """
    A network's structure. The defaults are the paper's model (Sec. 3 and 4.2).

    :raises ValueError: naming the field, its value and what it may be.
    """

    vocabulary_size: int
    """Word embeddings, padding and unknown included."""
    backbone: str = 'resnet101'
    """Visual encoder: resnet18 | resnet34 | resnet50 | resnet101 | wide101."""
    fusion: str = 'encoder'
    """Where language enters: in the encoder (EFN) or beside it, in the decoder (DFN, Table 3)."""
    coattention: str = 'acm'
    """Asymmetric (acm), vanilla (vcm) or no co-attention (none: Eq. 1 alone, Table 3)."""
    skip: bool = False
    """M goes into F beside what the co-attention makes of it and of L."""
    boundary: bool = True
    """Boundary enhancement in the decoder; without it the decoder is an FPN (Table 3)."""
    presence: bool = False
    """A classifier of whether what a sentence means is in view; needs sentences without a target
    in training."""
    image_size: int = 320
    """Side in pixels of the square that images are stretched to."""
    embedding_channels: int = 300
    """Width of a word embedding, C_e."""
    hidden_channels: int = 512
    """Width of the GRU's state in each direction, C_h."""
    channels: int = 512
    """Width of the multi-modal feature M and of the linguistic context L, C."""
    attention_channels: int = 256
    """Width of the co-attention's projections, C1."""
    decoder_channels: int = 256
    """Width of the decoder's features D_i, S_i and B_i."""
    separable: bool = False
    """Depth-wise separable 3x3 convolutions where the encoder's wide features meet the rest: in
    the fusion's F and in the decoder's laterals."""

    def __post_init__(self) -> None:
        for name, choices in (
            ('backbone', BACKBONES),
            ('fusion', FUSIONS),
            ('coattention', COATTENTIONS),
        ):
            if getattr(self, name) not in choices:
                raise ValueError(
                    f'{name}: {getattr(self, name)!r} is none of {", ".join(choices)}'
                )
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if field.type is int and (not isinstance(value, int) or value < 1):
                raise ValueError(f'{field.name}: {value!r} is not a positive whole number')
            if field.type is bool and not isinstance(value, bool):
                raise ValueError(f'{field.name}: {value!r} is not true or false')
        if self.image_size < 32:
            raise ValueError(f'image_size: {self.image_size} is under 32, less than two res5 cells')

    @classmethod
    def from_preset(cls, preset: str, **changes: Any) -> 'CEFNetConfig':
        """
        Give the preset ``paper`` or ``edge`` with fields changed.

        :raises ValueError: for an unknown preset or field, naming the known ones.
        """
        if preset not in PRESETS:
            raise ValueError(f'preset: {preset!r} is none of {", ".join(PRESETS)}')
        return cls.from_dict({**PRESETS[preset], **changes})

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> 'CEFNetConfig':
        """Build a configuration, refusing fields that a CEFNet does not have."""
        known = [field.name for field in dataclasses.fields(cls)]
        for name in values:
            if name not in known:
                raise ValueError(f'{name}: no such field of a CEFNet; it has {", ".join(known)}')
        return cls(**values)

    def to_dict(self) -> dict[str, Any]:
        """Give every field, for a checkpoint."""
        return dataclasses.asdict(self)


PRESETS: dict[str, dict[str, Any]] = {
    # The paper's model: ResNet-101, C = 512, C1 = 256.
    'paper': {},
    # A robot's model. ResNet-18 holds 11.2 of its 11.9 million weights, so that a half-precision
    # checkpoint stays under 24 MB; what surrounds it is narrow.
    'edge': {
        'backbone': 'resnet18',
        'embedding_channels': 64,
        'hidden_channels': 64,
        'channels': 96,
        'attention_channels': 64,
        'skip': True,
        'decoder_channels': 32,
        'separable': True,
    },
}
