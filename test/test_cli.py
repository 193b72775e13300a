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

"""The command refseg as a user types it."""

import json
import subprocess
import sys

import cv2
import numpy as np
import pytest

from ros2_refseg.cli import main


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / 'picture.png'
    cv2.imwrite(str(path), np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8))
    return path


@pytest.mark.parametrize('command', [
    [], ['segment'], ['train'], ['ablate'], ['eval'], ['data'], ['data', 'tabletop'],
    ['data', 'check'], ['data', 'import'], ['calibrate'], ['export'], ['quantize'],
    ['bench', 'model'],
])
def test_help(command, capsys):
    with pytest.raises(SystemExit) as stop:
        main([*command, '--help'])
    assert stop.value.code == 0
    assert 'None' not in capsys.readouterr().out


def test_segment_writes_overlay_and_mask(picture, tmp_path, capsys):
    overlay, mask = tmp_path / 'out/overlay.png', tmp_path / 'mask.png'
    assert main(['segment', str(picture), 'the red roght vermilion mug', '--device', 'cpu',
                 '--out', str(overlay), '--mask', str(mask)]) == 0
    printed = capsys.readouterr().out
    assert "'roght' read as 'right'\nunknown words: vermilion\n" in printed
    assert cv2.imread(str(overlay)).shape == (60, 80, 3)
    written = cv2.imread(str(mask), cv2.IMREAD_UNCHANGED)
    assert written.shape == (60, 80) and set(np.unique(written)) <= {0, 255}
    assert ('found, score' in printed) == bool(written.any())


@pytest.mark.parametrize('words', [20, 21])
def test_words_that_are_not_read_are_told(words, picture, capsys):
    assert main(['segment', str(picture), 'the ' * (words - 1) + 'mug', '--device', 'cpu']) == 0
    assert ('only the first 20 words are read' in capsys.readouterr().out) == (words > 20)


@pytest.mark.parametrize('arguments, message', [
    (['segment', 'missing.png', 'the mug'], "'missing.png' is not a readable picture"),
    (['segment', 'PICTURE', '!'], 'holds no word'),
    (['segment', 'PICTURE', 'the mug', '--checkpoint', 'x'], "no file 'x'; bundled ones: acm, vcm"),
    (['segment', 'PICTURE', 'the mug', '--device', 'tpu'], "'tpu' is none of"),
    (['segment', 'PICTURE', 'the mug', '--precision', 'fp12'], "precision 'fp12' is none of auto"),
    (['segment', 'PICTURE', 'the mug', '--out', 'x.what'], "'x.what' cannot be written"),
    (['train', 'none.yaml', '--data', 'd'], "no readable training configuration 'none.yaml'"),
    (['ablate', 'none.yaml', '--data', 'd', '--out', 'o'], "training configuration 'none.yaml'"),
    (['eval', '--data', 'nowhere'], 'nowhere'),
    (['data', 'tabletop', '--out', 'd', '--scenes', '0'], 'scenes'),
])
def test_a_mistake_is_one_line_that_names_it(arguments, message, picture, capsys, tmp_path,
                                             monkeypatch):
    monkeypatch.chdir(tmp_path)
    arguments = [str(picture) if word == 'PICTURE' else word for word in arguments]
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert message in error and error.startswith(f'refseg {arguments[0]}: ')
    assert error.count('\n') == 1


def test_a_package_that_is_missing_is_named(tmp_path):
    program = (
        "import sys; sys.modules['mujoco'] = None; from ros2_refseg.cli import main; "
        "sys.exit(main(['data', 'tabletop', '--out', 'd', '--scenes', '1']))"
    )
    run = subprocess.run(
        [sys.executable, '-c', program], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert run.returncode == 2 and run.stderr.count('\n') == 1
    assert run.stderr.startswith('refseg data: ') and 'mujoco' in run.stderr
    assert 'pip install' in run.stderr


def test_a_mask_that_would_be_withheld_can_be_asked_for(picture, capsys):
    command = ['segment', str(picture), 'the mug', '--threshold', '0', '--found-threshold']
    for threshold, said in ('0', 'found, score'), ('1', 'not found; score'):
        assert main([*command, threshold]) == 0
        assert capsys.readouterr().out.startswith(said)


@pytest.mark.parametrize('arguments', [
    ['segment', 'x.png', 'the mug', '--threshold', '60'],
    ['segment', 'x.png', 'the mug', '--threshold', 'nan'],
    ['eval', '--data', 'd', '--found-threshold', '-0.1'],
])
def test_a_probability_that_is_none_is_named_with_its_option(arguments, capsys):
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2
    option, value = arguments[-2:]
    assert f'argument {option}: {value!r} is no number from 0 to 1' in capsys.readouterr().err


def test_eval_prints_and_writes_the_same_scores(squares, tmp_path, capsys):
    scores = tmp_path / 'scores.json'
    assert main(['eval', '--device', 'cpu', '--data', str(squares), '--json', str(scores)]) == 0
    table = capsys.readouterr().out
    overall = json.loads(scores.read_text())['all']['overall_iou']
    assert '| squares val | 16 |' in table and f'| {100 * overall:.2f} |' in table
    assert '| 3 words | 8 |' in table
