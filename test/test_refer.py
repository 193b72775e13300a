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

"""The REFER layout: what is written is read again, real data are read, damage is named."""

import json
import pickle
from pathlib import Path

import cv2
import numpy as np
import pytest
from pycocotools import mask as coco_mask

from ros2_refseg.data.pictures import identify_image
from ros2_refseg.data.plain_files import load_pickle
from ros2_refseg.data.refer import (
    NewReference,
    NewSentence,
    ReferDataset,
    ReferWriter,
    decode_mask,
    encode_mask,
)

SAMPLES = Path(__file__).resolve().parents[2] / 'shared' / 'data'
needs_samples = pytest.mark.skipif(
    not SAMPLES.is_dir(), reason='no ../shared/data with samples of the public data sets')

HEIGHT, WIDTH = 30, 40


def write_data(out: Path, scenes: int = 3) -> list[np.ndarray]:
    """Write scenes with one reference of two sentences each; give their masks."""
    rng = np.random.default_rng(0)
    masks = [(rng.uniform(size=(HEIGHT, WIDTH)) < 0.3).astype(np.uint8) for _ in range(scenes)]
    writer = ReferWriter(out, 'tabletop', 'refseg', ['mug', 'ball'])
    for index, mask in enumerate(masks):
        picture = np.full((HEIGHT, WIDTH, 3), (200, 10, 50 * index), np.uint8)
        writer.add(
            f'{index}.png', cv2.imencode('.png', picture[..., ::-1])[1].tobytes(),
            (HEIGHT, WIDTH), 'val' if index == 2 else 'train',
            [NewReference('ball', encode_mask(mask),
                          [('The red ball', 'attribute'), (f'ball {index}', 'position')])])
    writer.close()
    return masks


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Give the root of a small data set, which may be damaged."""
    write_data(tmp_path / 'data')
    return tmp_path / 'data'


def test_what_was_written_is_read(tmp_path):
    masks = write_data(tmp_path / 'data')
    data = ReferDataset(tmp_path / 'data', 'all')
    assert len(data) == len(data.samples) == 6
    assert [len(image.references) for image in data.images] == [1, 1, 1]
    for index, (reference, mask) in enumerate(zip(data.references, masks, strict=True)):
        assert reference.category == 'ball'
        assert reference.sentences == ['The red ball', f'ball {index}']
        assert reference.forms == ['attribute', 'position']
        np.testing.assert_array_equal(data.mask(reference), mask)
        image = data.image_of(reference)
        assert (image.height, image.width) == (HEIGHT, WIDTH)
        assert tuple(data.read_image(image)[0, 0]) == (200, 10, 50 * index)


def test_splits(data):
    assert len(ReferDataset(data, 'train')) == 4
    assert len(ReferDataset(data / 'tabletop', 'val', split_by='refseg')) == 2
    with pytest.raises(ValueError, match="no split 'testA'; it has: train, val"):
        ReferDataset(data, 'testA')


def test_pickle_has_the_fields_of_refer(data):
    path = data / 'tabletop' / 'refs(refseg).p'
    assert path.read_bytes()[:2] == b'\x80\x02'
    row = load_pickle(path)[1]
    assert row['sent_ids'] == [2, 3]
    assert row['sentences'][0] == {
        'sent_id': 2, 'sent': 'The red ball', 'raw': 'The red ball',
        'tokens': ['the', 'red', 'ball'], 'form': 'attribute'}
    assert {key: row[key] for key in ('ref_id', 'ann_id', 'image_id', 'category_id', 'split',
                                      'file_name')} == {
        'ref_id': 1, 'ann_id': 1, 'image_id': 1, 'category_id': 2, 'split': 'train',
        'file_name': '1.png'}


def test_objects_may_have_numbers_of_their_own_but_no_two_the_same(tmp_path):
    writer = ReferWriter(tmp_path / 'data', 'tabletop', 'refseg', ['mug'])
    picture = cv2.imencode('.png', np.zeros((HEIGHT, WIDTH, 3), np.uint8))[1].tobytes()
    whole = encode_mask(np.ones((HEIGHT, WIDTH), np.uint8))
    writer.add('0.png', picture, (HEIGHT, WIDTH), 'train', [
        NewReference('mug', whole, [('a mug', '')], 107)])
    with pytest.raises(ValueError, match='two objects have the number 107'):
        writer.add('1.png', picture, (HEIGHT, WIDTH), 'train', [
            NewReference('mug', whole, [('a mug', '')], 107)])
    writer.close()
    assert load_pickle(tmp_path / 'data/tabletop/refs(refseg).p')[0]['ann_id'] == 107


def test_nothing_meant_by_a_sentence_is_an_empty_mask(tmp_path):
    writer = ReferWriter(tmp_path / 'data', 'tabletop', 'refseg', ['mug'])
    picture = cv2.imencode('.png', np.zeros((HEIGHT, WIDTH, 3), np.uint8))[1].tobytes()
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[3:7, 5:9] = 1
    writer.add('0.png', picture, (HEIGHT, WIDTH), 'train', [
        NewReference('', None, [('the green ball', 'absent')]),
        NewReference('mug', encode_mask(mask), [
            NewSentence('teh mug', 'typo', clean='the mug'), NewSentence('a mug')])])
    writer.close()
    rows = load_pickle(tmp_path / 'data' / 'tabletop' / 'refs(refseg).p')
    assert [(row['ann_id'], row['category_id'], row.get('no_target')) for row in rows] == [
        (-1, -1, True), (0, 1, None)]
    data = ReferDataset(tmp_path / 'data')
    absent, mug = data.references
    assert absent.absent and absent.annotation is None and absent.category == ''
    assert absent.forms == ['absent']
    assert data.mask(absent).shape == (HEIGHT, WIDTH) and not data.mask(absent).any()
    assert not mug.absent and mug.annotation['id'] == 0
    np.testing.assert_array_equal(data.mask(mug), mask)
    assert mug.sentences == ['teh mug', 'a mug'] and mug.forms == ['typo', '']
    assert mug.tokens == [['the', 'mug'], ['a', 'mug']], 'without the typing error'


def test_several_objects_and_none_as_grefcoco_lists_them(data):
    path = data / 'tabletop' / 'refs(refseg).p'
    rows = load_pickle(path)
    for row, objects in zip(rows, ([0, 1], [-1], [2]), strict=True):
        row['ann_id'] = objects
        row['category_id'] = [2] * len(objects)
        row['split'] = 'train'
    path.write_bytes(pickle.dumps(rows, protocol=2))
    dataset = ReferDataset(data)
    both, none, one = dataset.references
    masks = [decode_mask(annotation['segmentation'], HEIGHT, WIDTH)
             for annotation in [*both.annotations, *one.annotations]]
    np.testing.assert_array_equal(dataset.mask(both), masks[0] | masks[1])
    assert none.absent and not dataset.mask(none).any()
    assert one.category == 'ball' and np.array_equal(dataset.mask(one), masks[2])


def test_same_calls_give_same_bytes(tmp_path):
    write_data(tmp_path / 'a')
    write_data(tmp_path / 'b')
    files = sorted(path.relative_to(tmp_path / 'a') for path in (tmp_path / 'a').rglob('*.*'))
    assert len(files) == 5
    for file in files:
        assert (tmp_path / 'a' / file).read_bytes() == (tmp_path / 'b' / file).read_bytes()


def test_writer_refuses_a_folder_in_use(tmp_path):
    (tmp_path / 'notes.txt').write_text('mine')
    with pytest.raises(FileExistsError, match='not an empty folder'):
        write_data(tmp_path)


def test_masks_of_every_coco_form():
    square = [10, 5, 20, 5, 20, 15, 10, 15]
    other = [30, 20, 35, 20, 35, 25, 30, 25]
    both = decode_mask([square, other], HEIGHT, WIDTH)
    assert both.sum() == 100 + 25
    np.testing.assert_array_equal(both[5:15, 10:20], 1)
    np.testing.assert_array_equal(decode_mask(square, HEIGHT, WIDTH),
                                  both * (np.arange(WIDTH) < 25))
    flat = both.ravel(order='F')
    changes = np.flatnonzero(np.diff(flat)) + 1
    counts = np.diff([0, *changes, flat.size]).tolist()
    plain = {'size': [HEIGHT, WIDTH], 'counts': counts}
    np.testing.assert_array_equal(decode_mask(plain, HEIGHT, WIDTH), both)
    np.testing.assert_array_equal(decode_mask(encode_mask(both), HEIGHT, WIDTH), both)
    # As RefCLEF has them.
    parts = [encode_mask(decode_mask(part, HEIGHT, WIDTH)) for part in (square, other)]
    np.testing.assert_array_equal(decode_mask(parts, HEIGHT, WIDTH), both)


@pytest.mark.parametrize('segmentation', [
    [], {}, 7, [[]], 'text', {'size': [5, 5], 'counts': [20, 5]},
    {'size': [HEIGHT, WIDTH], 'counts': 3}, {'size': [HEIGHT, WIDTH], 'counts': [20, 5]},
    {'size': [HEIGHT, WIDTH], 'counts': []}])
def test_no_segmentation(segmentation):
    with pytest.raises(ValueError):
        decode_mask(segmentation, HEIGHT, WIDTH)


class _Command:
    def __reduce__(self):
        return print, ('a pickle ran code',)


@pytest.mark.parametrize('sliver', [[], [12, 7], [12, 7, 3, 3]])
def test_parts_without_three_corners_are_passed_over(sliver):
    square = [10, 5, 20, 5, 20, 15, 10, 15]
    whole = decode_mask([square], HEIGHT, WIDTH)
    for parts in ([sliver, square], [square, sliver]):
        np.testing.assert_array_equal(decode_mask(parts, HEIGHT, WIDTH), whole)
    with pytest.raises(ValueError, match='no polygon has three corners'):
        decode_mask([sliver], HEIGHT, WIDTH)


@pytest.mark.parametrize('corner', [
    float('nan'), float('inf'), -float('inf'), 1e18, 10 * WIDTH + 1, -10 * WIDTH - 1])
def test_corners_that_would_take_all_memory_are_refused(corner):
    for place in range(6):
        polygon = [10.0, 5.0, 20.0, 5.0, 20.0, 15.0]
        polygon[place] = corner
        with pytest.raises(ValueError, match=r'a corner at \S+ in an image of \[30, 40\]'):
            decode_mask([[1, 1, 2, 1, 2, 2], polygon], HEIGHT, WIDTH)
    # Objects reach out of their picture, in places far.
    far = 10 * WIDTH
    mask = decode_mask([[-far, 0, far, 0, far, 5, -far, 5]], HEIGHT, WIDTH)
    assert mask[:5].all() and not mask[5:].any()


def test_masks_are_not_confused_by_numbers_given_twice(data):
    path = data / 'tabletop' / 'refs(refseg).p'
    rows = load_pickle(path)
    rows[1]['ref_id'] = rows[0]['ref_id'] = 7
    path.write_bytes(pickle.dumps(rows, protocol=2))
    with pytest.raises(ValueError, match=(
            r'refs\(refseg\)\.p: 1 ref_ids are those of several references each, the first one '
            'is 7; give every reference its own number')):
        ReferDataset(data)
    assert len(ReferDataset(data, 'val')) == 2, 'what is in another split does not matter'


@pytest.mark.parametrize('name', ['height', 'width'])
def test_sizes_of_pictures_are_whole_numbers(data, name):
    path = data / 'tabletop' / 'instances.json'
    instances = json.loads(path.read_text())
    size = instances['images'][1][name]
    instances['images'][1][name] = float(size)
    path.write_text(json.dumps(instances))
    dataset = ReferDataset(data)
    assert dataset.mask(dataset.references[1]).shape == (HEIGHT, WIDTH)
    for value in (None, str(size), size + 0.5, float('nan'), 0, -size, [size]):
        instances['images'][1][name] = value
        path.write_text(json.dumps(instances))
        with pytest.raises(ValueError) as told:
            ReferDataset(data)
        said = f'tabletop/instances.json: the {name} of 1.png is {value!r}; it must be a whole'
        assert said in str(told.value)


def test_pickle_runs_no_code(tmp_path, capsys):
    path = tmp_path / 'refs(evil).p'
    path.write_bytes(pickle.dumps([_Command()], protocol=2))
    with pytest.raises(ValueError, match=r'refs\(evil\)\.p .* asks for .*print'):
        load_pickle(path)
    assert capsys.readouterr().out == ''


@pytest.mark.parametrize('written', [
    # A list of one byte string, as Python 2 wrote its str: in Latin-1, in UTF-8, in protocol 0.
    b'\x80\x02]q\x00U\x04caf\xe9q\x01a.', b'\x80\x02]q\x00U\x05caf\xc3\xa9q\x01a.',
    b"(lp0\nS'caf\\xe9'\np1\na.", b'(lp0\nVcaf\xe9\np1\na.'])
def test_pickle_of_python_2(tmp_path, written):
    path = tmp_path / 'refs(old).p'
    path.write_bytes(written)
    assert load_pickle(path) == ['caf\N{LATIN SMALL LETTER E WITH ACUTE}']


def test_the_same_in_protocol_0_as_the_published_files(data):
    path = data / 'tabletop' / 'refs(refseg).p'
    before = ReferDataset(data).references
    path.write_bytes(pickle.dumps(load_pickle(path), protocol=0))
    assert ReferDataset(data).references == before


@pytest.mark.parametrize('damage', [
    lambda whole: whole[:len(whole) // 2], lambda whole: b'', lambda whole: b'no pickle',
    lambda whole: b'\x80\x63' + whole[2:]], ids=['truncated', 'empty', 'text', 'version'])
def test_damaged_pickle(data, damage):
    path = data / 'tabletop' / 'refs(refseg).p'
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ValueError, match=r'refs\(refseg\)\.p is no readable pickle'):
        ReferDataset(data)


@pytest.mark.parametrize('rows', [[{'no': 'fields'}], 3, {'a': 1}, ['text']])
def test_pickle_of_something_else(data, rows):
    (data / 'tabletop' / 'refs(refseg).p').write_bytes(pickle.dumps(rows, protocol=2))
    with pytest.raises(ValueError, match='not a REFER data set'):
        ReferDataset(data)


def test_damaged_instances(data):
    path = data / 'tabletop' / 'instances.json'
    path.write_text(path.read_text()[:100])
    with pytest.raises(ValueError, match=r'instances\.json is no readable JSON'):
        ReferDataset(data)


def test_damaged_mask_names_its_annotation(data):
    path = data / 'tabletop' / 'instances.json'
    instances = json.loads(path.read_text())
    instances['annotations'][1]['segmentation'] = []
    path.write_text(json.dumps(instances))
    dataset = ReferDataset(data)
    with pytest.raises(ValueError, match='annotation 1 has no usable segmentation'):
        dataset.mask(dataset.references[1])


def test_missing_and_damaged_pictures(data):
    (data / 'images' / 'tabletop' / '1.png').write_bytes(b'no picture')
    dataset = ReferDataset(data)
    with pytest.raises(ValueError, match=r'1\.png is no readable picture'):
        dataset.read_image(dataset.images[1])
    small = cv2.imencode('.png', np.zeros((3, 4, 3), np.uint8))[1]
    (data / 'images' / 'tabletop' / '1.png').write_bytes(small.tobytes())
    with pytest.raises(ValueError, match=r'is 4x3, but the data set says 40x30'):
        dataset.read_image(dataset.images[1])
    (data / 'images' / 'tabletop' / '1.png').unlink()
    with pytest.raises(FileNotFoundError, match=r'1 pictures are missing, the first one is 1\.png'):
        ReferDataset(data)


def test_wrong_folders(data, tmp_path):
    with pytest.raises(FileNotFoundError, match='no folder'):
        ReferDataset(tmp_path / 'nowhere')
    with pytest.raises(FileNotFoundError, match='no REFER data set'):
        ReferDataset(data / 'images')
    with pytest.raises(FileNotFoundError, match=r'no file .*refs\(unc\)\.p'):
        ReferDataset(data, split_by='unc')
    copy = data / 'tabletop' / 'refs(google).p'
    copy.write_bytes((data / 'tabletop' / 'refs(refseg).p').read_bytes())
    with pytest.raises(ValueError, match=r"from google, refseg, .* as in '.*refs\(google\)\.p'"):
        ReferDataset(data)
    (data / 'refcoco').mkdir()
    (data / 'refcoco' / 'instances.json').write_text('{}')
    with pytest.raises(ValueError, match=r'several data sets .*refcoco, tabletop'):
        ReferDataset(data)


COCO_NAME = 'COCO_train2014_000000000154.jpg'


@pytest.mark.parametrize('place', [
    f'images/mscoco/images/train2014/{COCO_NAME}', f'images/train2014/{COCO_NAME}',
    f'train2014/{COCO_NAME}', f'coco/images/train2014/{COCO_NAME}', f'refcoco/images/{COCO_NAME}',
    'images/train2017/000000000154.jpg'])
def test_folders_and_names_that_people_have_for_coco(tmp_path, place):
    writer = ReferWriter(tmp_path / 'data', 'refcoco', 'unc', ['person'])
    picture = cv2.imencode('.jpg', np.zeros((HEIGHT, WIDTH, 3), np.uint8))[1].tobytes()
    writer.add(COCO_NAME, picture, (HEIGHT, WIDTH), 'val', [
        NewReference('person', encode_mask(np.eye(HEIGHT, WIDTH, dtype=np.uint8)), [('one', '')])])
    writer.close()
    written = tmp_path / 'data' / 'images' / 'refcoco' / COCO_NAME
    path = tmp_path / 'data' / place
    # Somebody keeps the pictures on another drive.
    elsewhere = tmp_path / 'drive' / 'pictures'
    elsewhere.mkdir(parents=True)
    written.rename(elsewhere / path.name)
    written.parent.rmdir()
    path.parent.parent.mkdir(parents=True, exist_ok=True)
    path.parent.symlink_to(elsewhere)
    dataset = ReferDataset(tmp_path / 'data' / 'refcoco', 'val')
    assert dataset.images[0].path == path
    assert dataset.read_image(dataset.images[0]).shape == (HEIGHT, WIDTH, 3)
    assert dataset.held_out_images() == {'COCO 154'} == {identify_image(COCO_NAME)}


def test_folders_that_link_to_each_other_are_walked_once(data):
    (data / 'images' / 'again').symlink_to(data / 'images')
    assert len(ReferDataset(data, 'all').images) == 3


def test_the_folder_of_the_same_name_goes_first(data):
    other = data / 'images' / 'another'
    other.mkdir()
    (other / '0.png').write_bytes(b'of another data set')
    dataset = ReferDataset(data)
    assert dataset.images[0].path == data / 'images' / 'tabletop' / '0.png'


def test_a_picture_that_its_exif_entry_turns(data):
    path = data / 'images' / 'tabletop' / '1.jpg'
    pixels = np.zeros((WIDTH, HEIGHT, 3), np.uint8)
    pixels[:, :HEIGHT // 2] = 255
    turned = bytearray(cv2.imencode('.jpg', pixels)[1].tobytes())
    # An APP1 segment with one TIFF entry: orientation 6, to be shown turned by 90 degrees.
    tiff = b'MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0'
    turned[2:2] = b'\xff\xe1' + (8 + len(tiff)).to_bytes(2, 'big') + b'Exif\0\0' + tiff
    path.write_bytes(turned)
    instances = data / 'tabletop' / 'instances.json'
    instances.write_text(instances.read_text().replace('1.png', '1.jpg'))
    dataset = ReferDataset(data)
    upright = dataset.read_image(dataset.images[1])
    assert upright.shape == (HEIGHT, WIDTH, 3)
    assert upright[2].min() > 200 and upright[-3].max() < 50
    # Masks may as well have been drawn on the pixels as they are stored.
    instances.write_text(instances.read_text().replace(
        f'"1.jpg","height":{HEIGHT},"width":{WIDTH}', f'"1.jpg","height":{WIDTH},"width":{HEIGHT}'))
    dataset = ReferDataset(data)
    stored = dataset.read_image(dataset.images[1])
    assert stored.shape == (WIDTH, HEIGHT, 3) and stored[:, 2].min() > 200


def test_the_file_of_the_references_names_the_data_set_as_well(data):
    copy = data / 'tabletop' / 'refs(google).p'
    copy.write_bytes((data / 'tabletop' / 'refs(refseg).p').read_bytes())
    assert len(ReferDataset(copy, 'all')) == 6


def test_the_json_of_grefcoco_and_the_folder_one_stands_in(data, monkeypatch):
    path = data / 'tabletop' / 'refs(refseg).p'
    (data / 'tabletop' / 'grefs(unc).json').write_text(json.dumps(load_pickle(path)))
    with pytest.raises(ValueError, match='choose split_by from unc, refseg'):
        ReferDataset(data)
    monkeypatch.chdir(data / 'tabletop')
    dataset = ReferDataset('.', 'all', split_by='unc')
    assert (dataset.name, len(dataset)) == ('tabletop', 6)


def test_held_out_images(data):
    assert ReferDataset(data).held_out_images() == {
        str((data / 'images' / 'tabletop' / '2.png').resolve())}


@needs_samples
def test_refcoco():
    data = ReferDataset(SAMPLES / 'refcoco_sample', 'all', split_by='unc')
    assert (len(data.images), len(data.references)) == (5, 6)
    assert len(data) == sum(len(reference.sentences) for reference in data.references)
    for reference in data.references:
        image, mask = data.image_of(reference), data.mask(reference)
        assert image.path.parent.name == 'train2014'
        assert data.read_image(image).shape[:2] == mask.shape
        # COCO's boxes are those of the polygons, the masks' are whole pixels.
        box = coco_mask.toBbox(coco_mask.encode(np.asfortranarray(mask)))
        np.testing.assert_allclose(box, reference.annotation['bbox'], atol=2.5)
        assert mask.sum() == pytest.approx(reference.annotation['area'], rel=0.05)


@needs_samples
def test_refs_json_and_flat_polygons(tmp_path):
    source = SAMPLES / 'refcoco3ds_sample'
    data = ReferDataset(source)
    assert len(data.images) == 3
    for name in ('refs.json', 'instances.json', 'images8'):
        (tmp_path / name).symlink_to(source / name)
    same = ReferDataset(tmp_path)
    assert same.references == data.references
    for reference in data.references[::10]:
        assert data.mask(reference).sum() == pytest.approx(
            reference.annotation['area'], rel=0.1, abs=10)
