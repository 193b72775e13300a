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
Post-training quantisation: a network in int8, for CPUs that multiply that much faster than floats.

NNCF watches what the layers give for some images and sentences, and from that chooses the range of
numbers that each layer's 256 steps cover. Nothing is trained.

Convolutions become int8, since they take the time. What compares and places things stays in floats:
the affinities of co-attention and the six numbers of each spatial transformer, in which a 256th is
worth a pixel: rounding them loses accuracy and saves next to no time.
"""

import io
import os
import tempfile
from pathlib import Path

import torch

from ros2_refseg.checkpoint import Checkpoint, weights_hash
from ros2_refseg.data.dataset import ReferringDataset
from ros2_refseg.data.spread import spread_sentences
from ros2_refseg.engines import TorchEngine, quantized_path
from ros2_refseg.engines.openvino_engine import MADE_FROM, network_inputs, set_sentences
from ros2_refseg.export import export_logits

# In OpenVINO's model: layers by the names of our modules, which not every network has, and by type.
_IN_FLOATS = {'patterns': ['.*coattention.*', '.*stn.*'], 'types': ['MatMul']}


def quantize_checkpoint(path: Path, dataset: ReferringDataset, sentences: int) -> Path:
    """
    Write a checkpoint's network in int8 beside it, where ``OpenVINOEngine`` finds it.

    :param dataset: images like those that will be seen, with sentences; masks are not looked at.
    :param sentences: how many of its sentences to watch; a few hundred are enough.
    :return: the path of the OpenVINO model; its weights are beside it, as ``.bin``.
    :raises ImportError: without nncf, openvino or onnx.
    :raises CheckpointError: for a file that is no checkpoint.
    :raises ValueError: for a data set without sentences, or a folder that cannot be written to.
    """
    os.environ.setdefault('NNCF_CI', '1')  # NNCF's way not to report its use over the network
    import nncf
    import openvino

    checkpoint = Checkpoint.load(path)
    network, target = checkpoint.network, quantized_path(path)
    with _folder_beside(target) as folder:
        encoder = TorchEngine(network, torch.device('cpu'))
        inputs = [
            network_inputs(
                dataset.read_image(image),
                [encoder.encode(checkpoint.vocabulary.encode(sentence))],
                network.config,
            )
            for image, _, sentence in spread_sentences(dataset, sentences, absent=True)
        ]
        if not inputs:
            raise ValueError(f'{dataset.name} {dataset.split} has no sentences')
        model = openvino.Core().read_model(io.BytesIO(export_logits(network)))
        set_sentences(model, 1, network.config)
        quantized = nncf.quantize(
            model, nncf.Dataset(inputs), subset_size=len(inputs),
            ignored_scope=nncf.IgnoredScope(**_IN_FLOATS, validate=False),
        )
        quantized.set_rt_info(weights_hash(network), MADE_FROM)
        written = Path(folder) / target.name
        openvino.save_model(quantized, written)
        # A model is used as soon as it is there, so never beside another one's weights.
        target.unlink(missing_ok=True)
        for each in (written.with_suffix('.bin'), written):
            each.replace(path.parent / each.name)
    return target


def _folder_beside(target: Path) -> tempfile.TemporaryDirectory:
    try:
        return tempfile.TemporaryDirectory(dir=target.parent, prefix=f'.{target.name}-')
    except OSError as error:
        raise ValueError(
            f"'{target}' cannot be written ({error.strerror}); copy the checkpoint to a folder of "
            'yours and quantise it there'
        ) from error
