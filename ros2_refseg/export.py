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

"""The network as ONNX files, for runtimes other than PyTorch."""

import io
import json
import warnings
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ros2_refseg.atomic_files import write_atomically
from ros2_refseg.cefnet import CEFNet, Language
from ros2_refseg.checkpoint import Checkpoint
from ros2_refseg.data.vocabulary import MAX_WORDS

OPSET = 17
"""The ONNX operator set: the oldest that has all operators, for runtimes that lag behind."""

LANGUAGE_NAMES = ('words', 'present', 'sentence')


class SentenceGraph(nn.Module):
    """Word numbers KxT (int64, padded on the right with 0) to the three tensors of Language."""

    def __init__(self, network: CEFNet) -> None:
        super().__init__()
        self.language = network.language

    def forward(self, word_ids: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        encoded = self.language(word_ids)
        return encoded.words, encoded.present, encoded.sentence


class LogitsGraph(nn.Module):
    """
    A stretched image and K encoded sentences to the finest logits: what an engine runs a frame.

    Stretching and the way back are left to the engine, which has quicker code for them than an
    ONNX runtime (uint8 arithmetic, and only for the maps that somebody wants).
    """

    def __init__(self, network: CEFNet) -> None:
        super().__init__()
        self.network = network

    def forward(
        self, image: Tensor, words: Tensor, present: Tensor, sentence: Tensor
    ) -> tuple[Tensor, ...]:
        """
        Give logits of the mask and, with boundary enhancement, of the boundary: KxCxhxw.

        Then, where the network has a classifier of that, the K of presence.

        :param image: 1x3xSxS float, RGB in 0 .. 255, S the network's image size.
        """
        prediction = self.network(image, Language(words, present, sentence))
        if prediction.presence is None:
            return (prediction.finest(),)
        return prediction.finest(), prediction.presence


class FrameGraph(nn.Module):
    """
    A camera image of any size and K encoded sentences to probabilities: all that the robot runs.

    The stretch with antialiasing is linear, so it is written as two matrix products whose matrices
    the graph makes from the image's size: TensorRT has no antialiased resizing, and products run
    everywhere. As on CUDA, grey values are not rounded after it (on the CPU, in uint8, they are).
    """

    def __init__(self, network: CEFNet) -> None:
        super().__init__()
        self.logits = LogitsGraph(network)
        self.side = network.config.image_size

    def forward(
        self, image: Tensor, words: Tensor, present: Tensor, sentence: Tensor
    ) -> tuple[Tensor, ...]:
        """
        Give the probability of the mask and, with boundary enhancement, of the boundary: KxCxHxW.

        Then, where the network has a classifier of that, the K of presence.

        :param image: HxWx3 uint8, RGB.
        """
        height, width = image.shape[0], image.shape[1]
        pixels = image.permute(2, 0, 1).float()
        height_matrix, width_matrix = (
            stretch_matrix(length, self.side) for length in (height, width)
        )
        pixels = height_matrix @ pixels @ width_matrix.T
        logits, *presence = self.logits(pixels[None], words, present, sentence)
        resized = F.interpolate(
            logits, size=(height, width), mode='bilinear', align_corners=False)
        return resized.sigmoid(), *(each.sigmoid() for each in presence)


def stretch_matrix(length: int, side: int) -> Tensor:
    """
    Give the SxN matrix that resizes N pixels to S as torch's bilinear antialias does.

    A pixel of the result is the mean of those under a triangle, as wide as the pixel is in the
    source and at least one source pixel to each side.
    """
    step = torch.as_tensor(length, dtype=torch.float32) / side
    centres = (torch.arange(side, dtype=torch.float32) + 0.5) * step
    pixels = torch.arange(length) + 0.5
    distance = (pixels[None] - centres[:, None]).abs() / step.clamp(min=1)
    weights = (1 - distance).clamp(min=0)
    return weights / weights.sum(1, keepdim=True)


def export_checkpoint(checkpoint: Checkpoint, path: Path | str) -> tuple[Path, Path, Path]:
    """
    Write a network for other runtimes: what runs a frame, what runs a sentence, and how to call it.

    A sentence is encoded once and its tensors are given with each frame, so the text encoder is a
    file of its own: ``acm.onnx``, ``acm.text.onnx`` and ``acm.json`` for ``acm.onnx``. Image size,
    number of words and number of sentences are dynamic.

    :return: the paths of the three files.
    """
    path = Path(path)
    text_path, facts_path = path.with_suffix('.text.onnx'), path.with_suffix('.json')
    network = checkpoint.network.eval()
    outputs = ['mask', 'boundary'][:1 + network.config.boundary]
    words = example_sentences(network)
    write_atomically(text_path, to_onnx(
        SentenceGraph(network), (words,), ['word_ids'], LANGUAGE_NAMES,
        {'word_ids': {0: 'K', 1: 'T'}},
    ))
    image = torch.zeros((48, 64, 3), dtype=torch.uint8)
    write_atomically(path, to_onnx(
        FrameGraph(network), (image, *SentenceGraph(network)(words)), ['image', *LANGUAGE_NAMES],
        ['probability', 'presence'][:1 + network.config.presence],
        {'image': {0: 'H', 1: 'W'}, **DYNAMIC_LANGUAGE},
    ))
    facts = {
        'image': 'uint8 HxWx3, RGB, any size',
        'probability': f'float32 KxCxHxW in [0, 1], channels: {", ".join(outputs)}',
        **({'presence': 'float32 K in [0, 1], that what is meant is in view'}
           if network.config.presence else {}),
        'word_ids': f'int64 KxT, at most {MAX_WORDS} words, padded on the right with 0; an unknown '
                    'word is 1, the words of the vocabulary are 2, 3, ...',
        'config': network.config.to_dict(),
        'vocabulary': list(checkpoint.vocabulary.words),
        'scores': checkpoint.scores,
    }
    write_atomically(facts_path, json.dumps(facts, indent=1, ensure_ascii=False).encode())
    return path, text_path, facts_path


def export_logits(network: CEFNet) -> bytes:
    """Make the ONNX file of LogitsGraph, which engines run; words and sentences are dynamic."""
    side = network.config.image_size
    return to_onnx(
        LogitsGraph(network),
        (torch.zeros(1, 3, side, side), *SentenceGraph(network)(example_sentences(network))),
        ['image', *LANGUAGE_NAMES], ['logits', 'presence'][:1 + network.config.presence],
        DYNAMIC_LANGUAGE,
    )


DYNAMIC_LANGUAGE = {
    'words': {0: 'K', 1: 'T'}, 'present': {0: 'K', 1: 'T'}, 'sentence': {0: 'K'}
}


def example_sentences(network: CEFNet) -> Tensor:
    """Give word numbers to trace with: two sentences, since one would look like a constant."""
    return torch.ones((2, 4), dtype=torch.int64, device=network.mean.device)


@torch.no_grad()
def to_onnx(
    graph: nn.Module,
    example: tuple[Tensor, ...],
    inputs: Sequence[str],
    outputs: Sequence[str],
    dynamic: dict[str, dict[int, str]],
) -> bytes:
    """
    Trace a graph and give its ONNX file.

    PyTorch's TorchScript exporter takes half the time of the newer one, which an engine's first
    start waits for, and is in every torch that the package runs with.

    :raises ImportError: without the package onnx.
    """
    import onnx  # noqa: F401, said before torch has traced for seconds to find it missing

    file = io.BytesIO()
    with warnings.catch_warnings():
        # Of sizes that become constants, which those of the network are, and of its own age.
        warnings.simplefilter('ignore')
        torch.onnx.export(
            graph.eval(), example, file, input_names=list(inputs), output_names=list(outputs),
            dynamic_axes=dynamic, opset_version=OPSET, dynamo=False,
        )
    return file.getvalue()
