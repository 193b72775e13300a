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

"""The sentence: word embeddings and a bidirectional GRU over them (paper, Sec. 3.1)."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

PADDING_ID = 0
"""Word number that fills a batch's shorter sentences up, on the right."""


@dataclass(frozen=True)
class Language:
    """
    A batch of encoded sentences; computed once a sentence and good for any number of frames.

    :ivar words: BxTxC_e embeddings e_t.
    :ivar present: BxT, true where there is a word and not padding.
    :ivar sentence: Bx2C_h final state of both directions, h_T.
    """

    words: Tensor
    present: Tensor
    sentence: Tensor


class LanguageEncoder(nn.Module):
    """Word embeddings {e_t} and the Bi-GRU's context h_T of a sentence (paper, Sec. 3.1)."""

    def __init__(self, vocabulary_size: int, embedding_channels: int, hidden_channels: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(
            vocabulary_size, embedding_channels, padding_idx=PADDING_ID
        )
        # Batch norm would see the padding and fail on a single sentence.
        self.norm = nn.LayerNorm(embedding_channels)
        self.forward_gru = nn.GRU(embedding_channels, hidden_channels, batch_first=True)
        self.backward_gru = nn.GRU(embedding_channels, hidden_channels, batch_first=True)

    def forward(self, word_ids: Tensor) -> Language:
        """
        Encode BxT word numbers, padded on the right with ``PADDING_ID``.

        Padding changes nothing: the backward GRU reads each sentence from its own last word, and
        both final states are taken there. (Reversing instead of packing keeps it exportable.)
        """
        present = word_ids != PADDING_ID
        words = self.norm(self.embedding(word_ids))
        last = present.sum(1, keepdim=True) - 1
        steps = torch.arange(word_ids.shape[1], device=word_ids.device)
        reversed_steps = (last - steps).clamp(min=0)
        reversed_words = words.gather(1, reversed_steps.unsqueeze(-1).expand_as(words))
        sentence = torch.cat([
            _state_at(self.forward_gru(words)[0], last),
            _state_at(self.backward_gru(reversed_words)[0], last),
        ], dim=1)
        return Language(words, present, sentence)


def _state_at(states: Tensor, step: Tensor) -> Tensor:
    """Take from BxTxC states the one at each sentence's own step (Bx1)."""
    return states.gather(1, step.unsqueeze(-1).expand(-1, -1, states.shape[-1])).squeeze(1)
