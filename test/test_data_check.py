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


"""``refseg data check``: what is there, what is missing, and damage in one sentence each."""

import json
import pickle
from pathlib import Path

import cv2
import numpy as np
import pytest
import scipy.io
from small_data import write_referit

from ros2_refseg.cli import main
from ros2_refseg.data.check import check_data
from ros2_refseg.data.published import PUBLISHED, find_published
from ros2_refseg.data.refer import NewReference, ReferWriter, encode_mask

SAMPLES = Path(__file__).resolve().parents[2] / 'shared' / 'data'


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Give a small RefCOCO with its four splits, which may be damaged."""
    writer = ReferWriter(tmp_path / 'data', 'refcoco', 'unc', ['cat'])
    mask = np.zeros((20, 30), np.uint8)
    mask[5:10, 5:10] = 1
    picture = cv2.imencode('.jpg', np.zeros((20, 30, 3), np.uint8))[1].tobytes()
    for number, split in enumerate(['train'] * 7 + ['val', 'testA', 'testB']):
        references = [
            NewReference('cat', encode_mask(mask), [('cat', ''), ('the cat', '')]),
            NewReference('', None, [('the dog', '')])]
        writer.add(f'COCO_train2014_{number:012d}.jpg', picture, (20, 30), split, references)
    writer.close()
    return tmp_path / 'data'


def check(path: Path, capsys) -> tuple[int, str]:
    """Run the command; give its exit status and what it printed."""
    status = main(['data', 'check', str(path)])
    captured = capsys.readouterr()
    assert 'Traceback' not in captured.err
    return status, captured.out + captured.err


def test_a_whole_data_set(data, capsys):
    status, printed = check(data, capsys)
    assert status == 0
    lines = [' '.join(line.split()) for line in printed.splitlines()]
    assert lines[0].startswith('RefCOCO (UNC): ') and lines[0].endswith('refs(unc).p')
    assert lines[2:6] == [
        'train 7 14 21 16,994 / 42,404 / 120,624', 'val 1 2 3 1,500 / 3,811 / 10,834',
        'testA 1 2 3 750 / 1,975 / 5,657', 'testB 1 2 3 750 / 1,810 / 5,095']
    assert '10 of 10 pictures are there' in lines
    assert '10 of 10 masks tried can be read' in lines
    assert '10 of the sentences speak of what the picture does not show' in lines
    assert any(line.startswith('note: this is not the whole data set') for line in lines)
    assert lines[-1] == 'nothing is missing'


def test_missing_pictures_are_named_and_counted(data, capsys):
    for number in range(7):
        (data / 'images' / 'refcoco' / f'COCO_train2014_{number:012d}.jpg').unlink()
    status, printed = check(data / 'refcoco', capsys)
    assert status == 1
    assert '3 of 10 pictures are there' in printed
    assert ('PROBLEM: missing pictures: COCO_train2014_000000000000.jpg, ' in printed
            and ' and 2 more; looked in ' in printed and f'{data} (images*' in printed)


def test_missing_files_are_named_with_the_place(data, capsys):
    (data / 'refcoco' / 'instances.json').rename(data / 'annotations.json')
    status, printed = check(data, capsys)
    assert status == 1
    assert f'PROBLEM: no file {data}/refcoco/instances.json' in printed
    (data / 'annotations.json').rename(data / 'refcoco' / 'instances.json')
    (data / 'refcoco' / 'refs(unc).p').unlink()
    status, printed = check(data, capsys)
    assert status == 1
    assert 'missing: the references; looked for refs(<split_by>).p' in printed


class _Command:
    def __reduce__(self):
        return print, ('a pickle ran code',)


@pytest.mark.parametrize('damage, sentence', [
    (lambda whole: whole[:1000], 'is no readable pickle of references'),
    (lambda whole: pickle.dumps([_Command()], protocol=2), 'it asks for __builtin__.print'),
    (lambda whole: b'cposix\nsystem\n(S"echo ran"\ntR.', 'it asks for posix.system'),
    (lambda whole: pickle.dumps({'a': 1}), 'are not a REFER data set'),
    (lambda whole: b'<!DOCTYPE html>', 'is no readable pickle of references'),
])
def test_damaged_pickles_run_nothing(data, damage, sentence, capfd):
    path = data / 'refcoco' / 'refs(unc).p'
    path.write_bytes(damage(path.read_bytes()))
    status, printed = check(data, capfd)
    assert status == 1 and sentence in printed and 'refs(unc).p' in printed
    assert 'ran' not in printed.split()
    assert printed.count('PROBLEM') == 1


def test_damaged_masks_and_pictures(data, capsys):
    path = data / 'refcoco' / 'instances.json'
    instances = json.loads(path.read_text())
    instances['annotations'][3]['segmentation'] = []
    instances['annotations'][4]['segmentation'] = encode_mask(np.zeros((20, 30), np.uint8))
    path.write_text(json.dumps(instances))
    (data / 'images' / 'refcoco' / 'COCO_train2014_000000000001.jpg').write_bytes(b'half a pic')
    status, printed = check(data, capsys)
    assert status == 1
    assert '9 of 10 pictures tried can be read' in printed
    assert '9 of 10 masks tried can be read' in printed
    assert 'annotation 3 has no usable segmentation' in printed
    assert '1 of 10 masks tried are empty' in printed
    assert '000000000001.jpg is no readable picture' in printed


def test_the_folder_one_stands_in(data, monkeypatch, capsys):
    monkeypatch.chdir(data / 'refcoco')
    status, printed = check(Path(), capsys)
    assert status == 0 and 'RefCOCO (UNC)' in printed and '10 of 10 pictures are there' in printed


def test_wrong_folders(tmp_path, capsys):
    status, printed = check(tmp_path, capsys)
    assert status == 2 and printed.startswith(f'refseg data: no data set in {tmp_path}')
    assert printed.count('\n') == 1
    status, printed = check(tmp_path / 'none', capsys)
    assert (status, printed) == (2, f'refseg data: no folder {tmp_path}/none\n')


def test_pictures_in_two_splits_are_pointed_out(data):
    path = data / 'refcoco' / 'refs(unc).p'
    rows = pickle.loads(path.read_bytes())
    rows[1]['split'] = 'val'
    path.write_bytes(pickle.dumps(rows, protocol=2))
    (report,) = check_data(data)
    assert '1 pictures are in a split to train on and in another one as well' in report.notes


def test_several_data_sets_and_referit(data, capsys):
    write_referit(data / 'referit', data / 'referit' / 'images', data / 'referit' / 'mask')
    (data / 'refcoco' / 'refs(google).p').write_bytes(
        (data / 'refcoco' / 'refs(unc).p').read_bytes())
    reports = check_data(data)
    assert [report.title for report in reports] == [
        'data set refcoco', 'RefCOCO (UNC)', 'ReferIt']
    assert not any(report.problems for report in reports)
    referit = reports[2]
    assert referit.sizes == {
        'train': (1, 2, 4), 'trainval': (2, 3, 5), 'val': (1, 1, 1), 'test': (1, 1, 1)}
    assert list(referit.sizes) == ['train', 'trainval', 'val', 'test']
    assert '4 of 4 masks are there' in referit.found
    assert any("the first is '...'" in note for note in referit.notes)
    (data / 'referit' / 'mask' / '7_1.mat').unlink()
    scipy.io.savemat(data / 'referit' / 'mask' / '9_3.mat', {'segimg_t': np.zeros((3, 3))})
    problems = check_data(data)[2].problems
    assert problems[0].startswith('missing masks: 7_1.mat; looked in ')
    assert '9_3.mat is (3, 3) pixels' in problems[1]
    status, printed = check(data, capsys)
    assert status == 1 and printed.endswith('2 problems\n')


def test_splits_that_were_published_and_are_not_there_are_named(data, capsys):
    path = data / 'refcoco' / 'refs(unc).p'
    rows = pickle.loads(path.read_bytes())
    path.write_bytes(pickle.dumps([row for row in rows if 'test' not in row['split']], protocol=2))
    status, printed = check(data, capsys)
    assert status == 0
    assert 'note: of the splits that were published, testA, testB are not there' in printed
    assert printed.splitlines()[-1] == 'nothing is missing but the splits noted above'


def test_referit_s_split_to_train_on_is_looked_at_as_well(tmp_path, capsys):
    write_referit(tmp_path, tmp_path / 'images', tmp_path / 'mask')
    trainval = tmp_path / 'referit_query_trainval.json'
    whole = trainval.read_bytes()
    trainval.write_bytes(whole[:20])
    status, printed = check(tmp_path, capsys)
    assert status == 1 and 'PROBLEM: split trainval: ' in printed
    assert 'referit_query_trainval.json is no readable JSON' in printed
    trainval.unlink()
    status, printed = check(tmp_path, capsys)
    assert status == 0 and 'note: of the splits that were published, trainval is not' in printed
    assert printed.splitlines()[-1] == 'nothing is missing but the splits noted above'


def test_references_of_referit_count_once_also_without_train(tmp_path, capsys):
    write_referit(tmp_path, tmp_path / 'images', tmp_path / 'mask')
    (tmp_path / 'referit_query_train.json').unlink()
    (report,) = check_data(tmp_path)
    assert report.sizes == {'trainval': (2, 3, 5), 'val': (1, 1, 1), 'test': (1, 1, 1)}
    assert '4 of 4 masks are there' in report.found
    assert not any('as well' in note or 'no split val' in note for note in report.notes)
    (tmp_path / 'referit_query_val.json').write_text('{"712_1"')
    status, printed = check(tmp_path, capsys)
    assert status == 1 and 'PROBLEM: split val: ' in printed


def test_published_counts_add_up():
    """The totals that the papers give."""
    def total(name: str, split_by: str) -> list[int]:
        return [sum(column) for column in zip(*PUBLISHED[name, split_by].splits.values(),
                                              strict=True)]

    assert total('refcoco', 'unc') == [19_994, 50_000, 142_210]
    assert total('refcoco+', 'unc') == [19_992, 49_856, 141_564]
    train, val, trainval, _ = PUBLISHED['referit', ''].splits.values()
    assert [sum(sizes) for sizes in zip(train, val, strict=True)] == list(trainval)
    assert total('refcocog', 'umd') == [25_799, 49_822, 95_010]
    assert total('refcocog', 'google')[1:] == [49_822, 95_010]
    assert find_published('RefCOCO+', 'unc') is find_published('refcoco_plus', 'unc') is not None
    assert find_published('refcoco', 'google') is None


@pytest.mark.skipif(not SAMPLES.is_dir(), reason='no ../shared/data with samples of the data sets')
def test_real_samples(capsys):
    status, printed = check(SAMPLES, capsys)
    assert status == 0
    assert 'RefCOCO (UNC): ' in printed and '6 of 6 masks tried can be read' in printed
    assert 'data set refcoco3ds_sample' in printed and '5 of 5 pictures are there' in printed
