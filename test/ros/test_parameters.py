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


"""Parameters of the running node: they work at once, or are refused with a reason."""

import shutil
from pathlib import Path

import pytest
import yaml
from harness import picture
from ros2_refseg.msg import ReferringSegmentation
from sensor_msgs.msg import Image
from std_msgs.msg import String

from ros2_refseg.nodes.refseg_parameters import REFSEG_PARAMETERS

CONFIG = Path(__file__).parents[2] / 'config' / 'refseg.yaml'
NAMES = sorted(spec.name for spec in REFSEG_PARAMETERS)

REFUSED = [
    ({'threshold': 1.5}, ['threshold', '1.5', '1.0']),
    ({'threshold': float('nan')}, ['threshold', 'nan']),
    ({'boundary_threshold': -0.1}, ['boundary_threshold', '-0.1', '0.0']),
    ({'found_threshold': 1.5}, ['found_threshold', '1.5', '1.0']),
    ({'pieces': 'both'}, ["'pieces'", "'both'", 'auto, all, surest']),
    ({'max_rate': -1.0}, ['max_rate', '-1.0', '0.0']),
    ({'coattention': 'gcn'}, ["'coattention'", "'gcn'", 'acm, vcm']),
    ({'coattention': 'vcm'}, ["'coattention'", "'vcm'", "set 'checkpoint' to ''"]),
    ({'checkpoint': 'no.safetensors'}, ["'checkpoint'", "'no.safetensors'", 'bundled ones']),
    ({'checkpoint': 'x' * 300}, ["'checkpoint'", 'xxx', 'cannot be read']),
    ({'query': 'x' * 10_000}, ["'query'", '10000 characters', '1000']),
    ({'query': '...'}, ["'query'", "'...'", 'no word']),
    ({'device': 'cpu'}, ['device', 'read-only']),
    ({'precision': 'bf16'}, ['precision', 'read-only']),
    ({'image_transport': 'compressed'}, ['image_transport', 'read-only']),
]


@pytest.mark.parametrize(('values', 'words'), REFUSED, ids=['-'.join(v) for v, _ in REFUSED])
def test_bad_values_are_refused_with_their_reason(values, words, node, tester):
    (name,) = values
    before = tester.get_parameter('refseg', name)
    (result,) = tester.try_parameters('refseg', **values)
    assert not result.successful
    for word in words:
        assert word in result.reason
    assert tester.get_parameter('refseg', name) == before


def test_broken_and_foreign_checkpoints_are_refused(node, tester, tmp_path):
    broken = tmp_path / 'broken.safetensors'
    broken.write_bytes(b'no checkpoint at all')
    (result,) = tester.try_parameters('refseg', checkpoint=str(broken))
    assert not result.successful
    assert "parameter 'checkpoint'" in result.reason and str(broken) in result.reason


def test_thresholds_work_at_once(node, tester):
    images = tester.publisher(Image, '/refseg/image')
    with tester.listen(ReferringSegmentation, '/refseg/result') as results:
        for number, (threshold, found) in enumerate(((0.0, True), (1.0, False), (0.0, True))):
            tester.set_parameters('refseg', query='the red mug', threshold=threshold)
            answer = tester.send_until_answered(images, picture(number), results)
            assert answer.found == found


def test_the_network_can_be_changed_while_it_runs(node, tester, checkpoints):
    images = tester.publisher(Image, '/refseg/image')
    try:
        tester.set_parameters('refseg', checkpoint=str(checkpoints['vcm']), query='the red mug')
        tester.diagnostics(lambda *status: status[2]['coattention'] == 'vcm')
        with tester.listen(ReferringSegmentation, '/refseg/result') as results:
            tester.send_until_answered(images, picture(1), results)
        node.wait_for_line("has the co-attention 'vcm'; the parameter 'coattention' .* no effect")
    finally:
        tester.set_parameters('refseg', checkpoint=str(checkpoints['acm']))


def test_a_file_that_was_replaced_is_read_anew(node, tester, checkpoints, tmp_path):
    """Training replaces its checkpoint in place; setting the same path again takes the new one."""
    path = tmp_path / 'checkpoint.safetensors'
    shutil.copy(checkpoints['acm'], path)
    try:
        tester.set_parameters('refseg', checkpoint=str(path))
        loaded = node.count_lines(f'network {path}')
        tester.set_parameters('refseg', checkpoint=str(path))
        shutil.copy(checkpoints['vcm'], path)
        tester.set_parameters('refseg', checkpoint=str(path))
        tester.diagnostics(lambda *status: status[2]['coattention'] == 'vcm')
        assert node.count_lines(f'network {path}') == loaded + 1, 'only what was replaced is read'
        path.unlink()
        (result,) = tester.try_parameters('refseg', checkpoint=str(path))
        assert not result.successful and 'no file' in result.reason
    finally:
        tester.set_parameters('refseg', checkpoint=str(checkpoints['acm']))


def test_a_calibrated_network_brings_its_own_threshold(node, tester, checkpoints):
    """It is 0.4 in this checkpoint, and all scores are 0.5."""
    images = tester.publisher(Image, '/refseg/image')
    try:
        tester.set_parameters(
            'refseg', checkpoint=str(checkpoints['calibrated']), query='the red mug', threshold=0.0
        )
        tester.diagnostics(lambda *status: status[2]['score'] == 'calibrated')
        with tester.listen(ReferringSegmentation, '/refseg/result') as results:
            for number, (limit, found) in enumerate(((-1.0, True), (0.6, False), (-1.0, True))):
                tester.set_parameters('refseg', found_threshold=limit)
                answer = tester.send_until_answered(images, picture(number), results)
                assert answer.calibrated and answer.score == 0.5
                assert answer.found == found == bool(answer.area)
    finally:
        tester.set_parameters('refseg', checkpoint=str(checkpoints['acm']))


def test_query_parameter_is_the_sentence_in_force(node, tester):
    sentences = tester.publisher(String, '/referring_query')
    tester.wait_for_subscriber(sentences)
    sentences.publish(String(data='the blue bowl'))
    tester.diagnostics(lambda *status: status[2]['query'] == 'the blue bowl')
    assert tester.get_parameter('refseg', 'query') == 'the blue bowl'


def test_parameter_file_lists_exactly_the_declared_parameters_and_their_defaults(node, tester):
    text = CONFIG.read_text(encoding='utf-8')
    values = yaml.safe_load(text)['/**']['ros__parameters']
    declared = tester.list_parameters('refseg')
    built_in = {'use_sim_time', 'start_type_description_service'}
    assert sorted(values) == NAMES == sorted(set(declared) - built_in)
    assert values == {spec.name: spec.default for spec in REFSEG_PARAMETERS}
    for spec in REFSEG_PARAMETERS:
        above = text.partition(f'\n    {spec.name}:')[0].splitlines()[-1]
        assert above.strip().startswith('#'), f'{spec.name} has no comment'


def test_descriptors(node, tester):
    described = {d.name: d for d in tester.describe_parameters('refseg', NAMES)}
    for spec in REFSEG_PARAMETERS:
        descriptor = described[spec.name]
        assert descriptor.description == spec.description
        assert descriptor.read_only == spec.read_only
        if spec.minimum is not None:
            (bounds,) = descriptor.floating_point_range
            assert (bounds.from_value, bounds.to_value) == (spec.minimum, spec.maximum)
