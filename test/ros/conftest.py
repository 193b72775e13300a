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


"""One ROS domain for this test run, the tester in it, and the node that most tests talk to."""

import os
from dataclasses import replace

import pytest

# Before any process of this run meets ROS 2: this machine only, and a domain of our own.
os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE'] = 'LOCALHOST'
os.environ['ROS_DOMAIN_ID'] = str(os.getpid() % 100 + 1)

# What needs ROS 2 is imported in the fixtures: without it, ../conftest.py skips the tests here.

WORDS = ('blue', 'bowl', 'left', 'mug', 'red', 'the')


@pytest.fixture(scope='session')
def checkpoints(tmp_path_factory):
    """Save untrained small networks that know WORDS: acm, vcm, and acm calibrated; by name."""
    import torch

    from ros2_refseg.cefnet import CEFNet, CEFNetConfig
    from ros2_refseg.checkpoint import Checkpoint
    from ros2_refseg.confidence import Calibration
    from ros2_refseg.data.vocabulary import Vocabulary

    folder = tmp_path_factory.mktemp('checkpoints')
    vocabulary = Vocabulary(WORDS)
    paths = {}
    for coattention in ('acm', 'vcm'):
        torch.manual_seed(0)
        config = CEFNetConfig.from_preset(
            'edge', vocabulary_size=len(vocabulary), coattention=coattention, image_size=64
        )
        paths[coattention] = folder / f'{coattention}.safetensors'
        Checkpoint(CEFNet(config), vocabulary).save(paths[coattention])
    # Half sure of everything, whatever it shows.
    half = Calibration({'expected_iou': 0.0, 'one_piece': 0.0}, 0.0, 0.4)
    paths['calibrated'] = folder / 'calibrated.safetensors'
    replace(Checkpoint.load(paths['acm']), calibration=half).save(paths['calibrated'])
    return paths


@pytest.fixture(scope='session')
def tester():
    """Give the other side: it publishes, subscribes and calls."""
    from harness import Tester

    with Tester() as tester:
        yield tester


@pytest.fixture(scope='session')
def node_process(checkpoints):
    """Start the node as users start it."""
    from harness import NodeProcess

    with NodeProcess('refseg_node', '-p', f'checkpoint:={checkpoints["acm"]}') as process:
        process.wait_for_line('images from /refseg/image')
        yield process


@pytest.fixture
def node(node_process, tester):
    """Give the running node with its defaults; it has to be alive after the test."""
    tester.set_parameters(
        'refseg',
        query='',
        threshold=0.5,
        boundary_threshold=0.5,
        queries=[''],
        found_threshold=-1.0,
        pieces='auto',
        max_rate=0.0,
    )
    yield node_process
    assert node_process.running, node_process.output
