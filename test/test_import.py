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


"""``refseg data import``: labelme's files and tables of sentences become a data set."""

import base64
import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from ros2_refseg.cli import main
from ros2_refseg.data.check import check_data
from ros2_refseg.data.importing import import_folder
from ros2_refseg.data.refer import ReferDataset, encode_mask

HEIGHT, WIDTH = 40, 60


def write_picture(path: Path, orientation: int = 1, shade: int = 0) -> None:
    """Write a JPEG whose left half is white, stored as a camera held in another way would."""
    path.parent.mkdir(parents=True, exist_ok=True)
    upright = np.full((HEIGHT, WIDTH, 3), shade, np.uint8)
    upright[:, :WIDTH // 2] = 255
    stored = np.rot90(upright) if orientation == 6 else upright
    content = bytearray(cv2.imencode('.jpg', stored)[1].tobytes())
    if orientation != 1:
        # An APP1 segment with one TIFF entry, the orientation.
        tiff = (b'MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0' + bytes([orientation])
                + b'\0\0\0\0\0\0')
        content[2:2] = b'\xff\xe1' + (8 + len(tiff)).to_bytes(2, 'big') + b'Exif\0\0' + tiff
    path.write_bytes(content)


def write_labelme(path: Path, shapes: list[dict], picture: str, **fields) -> None:
    """Write a file of labelme."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {'version': '5.5.0', 'flags': {}, 'shapes': shapes, 'imagePath': picture,
               'imageData': None, 'imageHeight': HEIGHT, 'imageWidth': WIDTH, **fields}
    path.write_text(json.dumps(content))


def shape(label: str, kind: str, points: list, **fields) -> dict:
    """Give a shape of labelme."""
    return {'label': label, 'shape_type': kind, 'points': points, 'group_id': None,
            'description': '', 'flags': {}, 'mask': None, **fields}


def box(left: int, top: int, right: int, bottom: int) -> np.ndarray:
    """Give the mask of a box."""
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[top:bottom, left:right] = 1
    return mask


def masks_by_sentence(data: Path, split: str = 'all') -> dict[str, np.ndarray]:
    """Give each sentence's mask."""
    dataset = ReferDataset(data, split)
    return {sentence: dataset.mask(reference) for reference, sentence in dataset.samples}


def test_every_shape_of_labelme(tmp_path):
    bitmap = np.zeros((6, 9), np.uint8)
    bitmap[1:, 2:] = 255
    encoded = base64.b64encode(cv2.imencode('.png', bitmap)[1]).decode()
    write_picture(tmp_path / 'photos' / 'my table.jpg')
    write_labelme(tmp_path / 'photos' / 'my table.json', [
        shape('mug', 'polygon', [[5, 5], [15, 5], [15, 15], [5, 15]],
              description='the red mug; a mug\nmug on the left'),
        shape('bowl', 'rectangle', [[30, 20], [20, 10]]),
        shape('ball', 'circle', [[45, 20], [45, 25]]),
        shape('cloth', 'mask', [[50, 30], [58, 35]], mask=encoded),
        shape('stick', 'rectangle', [[0, 0], [4, 2]], group_id=1),
        shape('stick', 'rectangle', [[0, 6], [4, 8]], group_id=1),
        shape('sponge', 'rectangle', [[30, 30], [34, 34]], group_id=2),
    ], 'my table.jpg')
    result = import_folder(tmp_path / 'photos', tmp_path / 'mine', val=0, test=0)
    assert result.counts == {'train': (1, 8)} and not result.notes and not result.problems
    masks = masks_by_sentence(tmp_path / 'mine')
    for sentence in ('the red mug', 'a mug', 'mug on the left'):
        np.testing.assert_array_equal(masks[sentence], box(5, 5, 15, 15))
    np.testing.assert_array_equal(masks['bowl'], box(20, 10, 30, 20))
    assert masks['ball'].sum() == pytest.approx(np.pi * 25, rel=0.05)
    assert masks['ball'][20, 41] and not masks['ball'][20, 51]
    np.testing.assert_array_equal(masks['cloth'], box(52, 31, 59, 36))
    np.testing.assert_array_equal(masks['stick'], box(0, 0, 4, 2) | box(0, 6, 4, 8))
    dataset = ReferDataset(tmp_path / 'mine')
    assert dataset.name == 'mine'
    assert [reference.category for reference in dataset.references][:2] == ['mug', 'thing']
    assert dataset.images[0].path.name == 'my table.jpg'
    (report,) = check_data(tmp_path / 'mine')
    assert not report.problems


def test_the_picture_is_found_where_labelme_says_or_inside_the_file(tmp_path):
    write_picture(tmp_path / 'pictures' / 'a.jpg')
    write_picture(tmp_path / 'photos' / 'b.jpg')
    inside = base64.b64encode((tmp_path / 'photos' / 'b.jpg').read_bytes()).decode()
    (tmp_path / 'photos' / 'b.jpg').unlink()
    mug = [shape('mug', 'rectangle', [[5, 5], [15, 15]])]
    write_labelme(tmp_path / 'photos' / 'a.json', mug, '..\\pictures\\a.jpg')
    write_labelme(tmp_path / 'photos' / 'b.json', mug, 'b.jpg', imageData=inside)
    (tmp_path / 'photos' / 'notes.json').write_text('{"not": "of labelme"}')
    result = import_folder(tmp_path / 'photos', tmp_path / 'mine', val=0, test=0)
    assert result.counts == {'train': (2, 2)}
    dataset = ReferDataset(tmp_path / 'mine')
    assert dataset.read_image(dataset.images[1]).shape == (HEIGHT, WIDTH, 3)


def embedded(shade: int) -> str:
    """Give a grey picture as labelme stores it within its file."""
    picture = np.full((HEIGHT, WIDTH, 3), shade, np.uint8)
    return base64.b64encode(cv2.imencode('.png', picture)[1]).decode()


@pytest.mark.parametrize('beside', [False, True])
def test_pictures_within_files_are_told_apart_by_what_they_show(tmp_path, beside):
    photos = tmp_path / 'photos'
    left = [shape('left', 'rectangle', [[0, 0], [10, 10]])]
    right = [shape('right', 'rectangle', [[40, 0], [50, 10]])]
    again = [shape('middle', 'rectangle', [[20, 0], [30, 10]])]
    write_labelme(photos / '1.json', left, 'image.png', imageData=embedded(50))
    write_labelme(photos / '2.json', right, 'image.png', imageData=embedded(90))
    write_labelme(photos / '3.json', again, 'image.png', imageData=embedded(50))
    if beside:
        write_picture(photos / 'image.png')
    import_folder(photos, tmp_path / 'mine', val=0, test=0)
    dataset = ReferDataset(tmp_path / 'mine')
    assert [(image.path.name, dataset.read_image(image)[0, 0, 0],
             [reference.sentences for reference in image.references]) for image in dataset.images
            ] == [('1.png', 50, [['left'], ['middle']]), ('2.png', 90, [['right']])]


def test_what_else_is_said_of_a_picture_is_of_the_one_within_the_file(tmp_path):
    photos = tmp_path / 'photos'
    write_picture(photos / 'a.png')
    write_labelme(photos / 'a.json', [shape('mug', 'rectangle', [[5, 5], [15, 15]])], 'a.png')
    write_labelme(photos / 'more.json', [shape('pot', 'rectangle', [[5, 5], [15, 15]])], 'a.png',
                  imageData=embedded(50))
    (tmp_path / 'said.csv').write_text('image,sentence\na.png,the kettle\n')
    import_folder(photos, tmp_path / 'mine', tmp_path / 'said.csv', val=0, test=0)
    dataset = ReferDataset(tmp_path / 'mine')
    (image,) = dataset.images
    assert image.path.name == 'a.png' and dataset.read_image(image)[0, 0, 0] == 50
    assert [reference.sentences for reference in image.references] == [
        ['mug'], ['pot'], ['the kettle']]


@pytest.mark.parametrize('orientation', [3, 6])
def test_photographs_that_are_turned_by_exif_are_written_upright(tmp_path, orientation):
    write_picture(tmp_path / 'photos' / 'a.jpg', orientation)
    upright = cv2.imread(str(tmp_path / 'photos' / 'a.jpg'))
    height, width = upright.shape[:2]
    write_labelme(
        tmp_path / 'photos' / 'a.json', [shape('wall', 'rectangle', [[0, 0], [10, 10]])], 'a.jpg',
        imageHeight=height, imageWidth=width)
    import_folder(tmp_path / 'photos', tmp_path / 'mine', val=0, test=0)
    dataset = ReferDataset(tmp_path / 'mine')
    pixels = dataset.read_image(dataset.images[0])
    assert np.abs(pixels[..., ::-1].astype(int) - upright).max() < 20
    assert (dataset.images[0].height, dataset.images[0].width) == (height, width)


def write_coco(folder: Path) -> None:
    """Write two pictures, one in a folder below, and COCO instances of three objects."""
    write_picture(folder / 'my table.jpg')
    write_picture(folder / 'kitchen' / 'b.jpg', shade=50)
    square = [20.0, 10.0, 30.0, 10.0, 30.0, 20.0, 20.0, 20.0]
    (folder / 'instances.json').write_text(json.dumps({
        'images': [{'id': 1, 'file_name': 'my table.jpg', 'height': HEIGHT, 'width': WIDTH},
                   {'id': 2, 'file_name': 'kitchen/b.jpg', 'height': HEIGHT, 'width': WIDTH}],
        'annotations': [
            {'id': 7, 'image_id': 1, 'category_id': 3, 'segmentation': [square]},
            {'id': 8, 'image_id': 2, 'category_id': 3,
             'segmentation': encode_mask(box(1, 2, 3, 4))},
            {'id': 9, 'image_id': 2, 'category_id': 3, 'bbox': [1, 1, 2, 2], 'segmentation': []}],
        'categories': [{'id': 3, 'name': 'mug'}]}))


@pytest.mark.parametrize('delimiter', [',', ';', '\t'])
def test_a_table_of_sentences_with_masks_of_coco(tmp_path, delimiter):
    write_coco(tmp_path / 'photos')
    rows = [['Image', 'Annotation', 'Sentence'], ['my table.jpg', '7', '"the mug, the red one"'],
            ['', '7', 'red mug'], ['', '8', 'mug by the sink'], ['kitchen/b.jpg', '', 'the kettle']]
    text = '\ufeff' + '\n'.join(delimiter.join(row) for row in rows)
    (tmp_path / 'said.csv').write_text(text)
    result = import_folder(
        tmp_path / 'photos', tmp_path / 'mine', tmp_path / 'said.csv',
        tmp_path / 'photos' / 'instances.json', val=0, test=0)
    assert result.counts == {'train': (2, 4)}
    assert result.notes == ['1 sentences have no target: nothing in their picture is meant']
    masks = masks_by_sentence(tmp_path / 'mine')
    np.testing.assert_array_equal(masks['the mug, the red one'], box(20, 10, 30, 20))
    np.testing.assert_array_equal(masks['mug by the sink'], box(1, 2, 3, 4))
    assert not masks['the kettle'].any()
    dataset = ReferDataset(tmp_path / 'mine')
    assert [(reference.category, reference.absent, len(reference.sentences))
            for reference in dataset.references] == [
                ('mug', False, 2), ('mug', False, 1), ('', True, 1)]
    assert [image.path.name for image in dataset.images] == ['my table.jpg', 'kitchen_b.jpg']


def test_a_table_in_json_with_masks_that_are_pictures(tmp_path):
    write_picture(tmp_path / 'photos' / 'a.jpg')
    cv2.imwrite(str(tmp_path / 'photos' / 'a_mug.png'), 200 * box(3, 4, 9, 9))
    (tmp_path / 'said.json').write_text(json.dumps([
        {'image': 'a.jpg', 'mask': 'a_mug.png', 'sentence': ['the mug', 'left one'],
         'category': 'mug', 'split': 'val'}]))
    result = import_folder(tmp_path / 'photos', tmp_path / 'mine', tmp_path / 'said.json')
    assert result.counts == {'val': (1, 2)}
    masks = masks_by_sentence(tmp_path / 'mine', 'val')
    np.testing.assert_array_equal(masks['left one'], box(3, 4, 9, 9))


@pytest.mark.parametrize('suffix', ['jpg', 'JPEG'])
def test_masks_in_jpeg_do_not_grow(tmp_path, suffix):
    write_picture(tmp_path / 'photos' / 'a.jpg')
    disc = cv2.circle(np.zeros((HEIGHT, WIDTH), np.uint8), (30, 20), 11, 255, cv2.FILLED)
    mask = tmp_path / 'photos' / f'mask.{suffix}'
    mask.write_bytes(cv2.imencode('.jpg', disc, [cv2.IMWRITE_JPEG_QUALITY, 80])[1].tobytes())
    assert (cv2.imread(str(mask)) > 0).any(axis=2).sum() > 1.1 * (disc > 0).sum()
    (tmp_path / 'said.csv').write_text(f'image,mask,sentence\na.jpg,mask.{suffix},the disc\n')
    import_folder(tmp_path / 'photos', tmp_path / 'mine', tmp_path / 'said.csv', val=0, test=0)
    read = masks_by_sentence(tmp_path / 'mine')['the disc']
    assert (read != (disc > 0)).sum() <= 0.02 * (disc > 0).sum()


def test_masks_of_16_bits_or_with_a_transparent_ground(tmp_path):
    write_picture(tmp_path / 'photos' / 'a.jpg')
    numbers = 3 * box(3, 4, 9, 9).astype(np.uint16)
    cv2.imwrite(str(tmp_path / 'photos' / 'numbers.png'), numbers)
    white = np.full((HEIGHT, WIDTH, 4), 255, np.uint8)
    white[..., 3] *= box(20, 10, 30, 20)
    cv2.imwrite(str(tmp_path / 'photos' / 'white.png'), white)
    (tmp_path / 'said.csv').write_text(
        'image,mask,sentence\na.jpg,numbers.png,the mug\na.jpg,white.png,the bowl\n')
    import_folder(tmp_path / 'photos', tmp_path / 'mine', tmp_path / 'said.csv', val=0, test=0)
    masks = masks_by_sentence(tmp_path / 'mine')
    np.testing.assert_array_equal(masks['the mug'], box(3, 4, 9, 9))
    np.testing.assert_array_equal(masks['the bowl'], box(20, 10, 30, 20))


def test_a_mask_that_is_the_picture_is_refused(tmp_path):
    write_picture(tmp_path / 'photos' / 'a.jpg')
    write_picture(tmp_path / 'photos' / 'masks' / 'a.jpg')
    (tmp_path / 'said.csv').write_text('image,mask,sentence\na.jpg,a.jpg,the mug\n')
    with pytest.raises(ValueError, match=r'row 2: the mask a\.jpg is the picture itself; name its'):
        import_folder(tmp_path / 'photos', tmp_path / 'mine', tmp_path / 'said.csv')


@pytest.mark.parametrize('folder, table', [
    ('photos', 'said.csv'), ('photos', '{here}/said.csv'), ('{here}/photos', 'said.csv')])
def test_pictures_with_one_name_stay_apart(tmp_path, monkeypatch, folder, table):
    monkeypatch.chdir(tmp_path)
    for split, shade in (('train', 0), ('val', 99)):
        write_picture(tmp_path / 'photos' / split / '1.jpg', shade=shade)
    (tmp_path / 'said.csv').write_text(
        'image,sentence\nphotos/train/1.jpg,the mug\nphotos/val/1.jpg,the bowl\n')
    here = str(tmp_path)
    result = import_folder(
        Path(folder.format(here=here)), Path('mine'), Path(table.format(here=here)))
    assert result.counts == {'train': (1, 1), 'val': (1, 1)}
    (image,) = ReferDataset('mine', 'val').images
    assert image.path.name == 'val_1.jpg'
    assert ReferDataset('mine', 'val').read_image(image)[0, -1].mean() > 50


def test_a_row_that_says_nothing_takes_no_other_along(tmp_path):
    write_coco(tmp_path / 'photos')
    (tmp_path / 'said.csv').write_text(
        'image,annotation,sentence\n,7,red mug\n,7,\nmy table.jpg,,the kettle\n'
        'my table.jpg,,!!\n')
    result = import_folder(
        tmp_path / 'photos', tmp_path / 'mine', tmp_path / 'said.csv',
        tmp_path / 'photos' / 'instances.json', val=0, test=0, skip=True)
    assert result.problems == ["said.csv, row 3: the sentence '' holds no word",
                               "said.csv, row 5: the sentence '!!' holds no word"]
    assert set(masks_by_sentence(tmp_path / 'mine')) == {'red mug', 'the kettle'}


def test_an_annotation_of_a_namesake_in_another_folder_is_refused(tmp_path):
    photos = tmp_path / 'photos'
    write_coco(photos)
    write_picture(photos / 'hall' / 'b.jpg')
    coco = json.loads((photos / 'instances.json').read_text())
    coco['images'].append({**coco['images'][1], 'id': 3, 'file_name': 'hall\\b.jpg'})
    (photos / 'instances.json').write_text(json.dumps(coco))
    table = tmp_path / 'said.csv'
    # Annotation 8 is of kitchen/b.jpg; folders above may be called otherwise.
    table.write_text('image,annotation,sentence\nhall/b.jpg,8,the mug\n')
    problem = r'annotation 8 is one of kitchen/b\.jpg, not of hall/b\.jpg'
    with pytest.raises(ValueError, match=problem):
        import_folder(photos, tmp_path / 'mine', table, photos / 'instances.json')
    table.write_text('image,annotation,sentence\nphotos/kitchen/b.jpg,8,the mug\n')
    result = import_folder(photos, tmp_path / 'mine', table, photos / 'instances.json')
    assert result.counts == {'train': (1, 1)}


@pytest.mark.parametrize('part', ['images', 'annotations'])
def test_numbers_that_stand_twice_in_a_file_of_coco_are_refused(tmp_path, part):
    photos = tmp_path / 'photos'
    write_coco(photos)
    coco = json.loads((photos / 'instances.json').read_text())
    coco[part].append({**coco[part][1], 'id': coco[part][0]['id']})
    (photos / 'instances.json').write_text(json.dumps(coco))
    (tmp_path / 'said.csv').write_text('annotation,sentence\n7,red mug\n')
    with pytest.raises(ValueError, match=rf'has 2 {part} with the number \d; were two files put'):
        import_folder(photos, tmp_path / 'mine', tmp_path / 'said.csv', photos / 'instances.json')


def test_an_empty_file_of_coco_is_not_asked_for_again(tmp_path):
    photos = tmp_path / 'photos'
    write_coco(photos)
    (photos / 'instances.json').write_text('{"images": [], "annotations": []}')
    (tmp_path / 'said.csv').write_text('annotation,sentence\n7,red mug\n')
    with pytest.raises(ValueError, match='row 2: there is no annotation 7 in the file of --coco'):
        import_folder(photos, tmp_path / 'mine', tmp_path / 'said.csv', photos / 'instances.json')


def test_a_table_adds_to_what_labelme_wrote(tmp_path):
    write_picture(tmp_path / 'photos' / 'a.jpg')
    write_labelme(tmp_path / 'photos' / 'a.json',
                  [shape('mug', 'rectangle', [[5, 5], [15, 15]])], 'a.jpg')
    (tmp_path / 'said.csv').write_text('image,sentence\na.jpg,the kettle\n')
    result = import_folder(
        tmp_path / 'photos', tmp_path / 'mine', tmp_path / 'said.csv', val=0, test=0)
    assert result.counts == {'train': (1, 2)}
    assert {sentence: mask.any() for sentence, mask in masks_by_sentence(tmp_path / 'mine').items()
            } == {'mug': True, 'the kettle': False}


def test_splits_follow_folders_and_names(tmp_path):
    mug = [shape('mug', 'rectangle', [[5, 5], [15, 15]])]
    for name in [*(f'{number}' for number in range(20)), 'test/a', 'val/b', 'train/c']:
        write_picture(tmp_path / 'photos' / f'{name}.jpg')
        write_labelme(tmp_path / 'photos' / f'{name}.json', mug, Path(name).name + '.jpg')
    first = import_folder(tmp_path / 'photos', tmp_path / 'one', val=0.2, test=0.1)
    assert sum(pictures for pictures, _ in first.counts.values()) == 23
    assert all(pictures > 1 for pictures, _ in first.counts.values())
    for number in range(20, 30):
        write_picture(tmp_path / 'photos' / f'{number}.jpg')
        write_labelme(tmp_path / 'photos' / f'{number}.json', mug, f'{number}.jpg')
    import_folder(tmp_path / 'photos', tmp_path / 'two', val=0.2, test=0.1)
    for split, own in (('train', 'train_c'), ('val', 'val_b'), ('test', 'test_a')):
        one, two = ({image.path.stem for image in ReferDataset(tmp_path / name, split).images}
                    for name in ('one', 'two'))
        assert own in one and one <= two and all(
            name == own or int(name) >= 20 for name in two - one)


def test_few_pictures_are_split_as_well(tmp_path):
    mug = [shape('mug', 'rectangle', [[5, 5], [15, 15]])]
    for number in range(10):
        write_picture(tmp_path / 'photos' / f'{number}.jpg')
        write_labelme(tmp_path / 'photos' / f'{number}.json', mug, f'{number}.jpg')
    counts = import_folder(tmp_path / 'photos', tmp_path / 'mine').counts
    assert set(counts) == {'train', 'val', 'test'}


def test_the_folder_of_a_picture_is_its_split_wherever_its_labels_are(tmp_path):
    mug = [shape('mug', 'rectangle', [[5, 5], [15, 15]])]
    for split in ('train', 'val'):
        write_picture(tmp_path / 'photos' / split / f'{split}.jpg')
        write_labelme(tmp_path / 'photos' / 'labels' / f'{split}.json', mug,
                      f'../{split}/{split}.jpg')
    result = import_folder(tmp_path / 'photos', tmp_path / 'mine')
    assert result.counts == {'train': (1, 1), 'val': (1, 1)}


def test_problems_are_listed_and_nothing_is_written_unless_skipped(tmp_path, capsys):
    photos = tmp_path / 'photos'
    write_coco(photos)
    (photos / 'broken.jpg').write_bytes(b'no picture')
    write_labelme(photos / 'line.json', [
        shape('cable', 'line', [[1, 1], [9, 9]]), shape('cup', 'rectangle', [[5, 5], [15, 15]]),
        shape('far', 'rectangle', [[500, 500], [600, 600]]),
        shape('!!', 'circle', [[9, 9], [5, 5]]),
    ], 'my table.jpg')
    write_labelme(photos / 'gone.json', [shape('mug', 'circle', [[9, 9], [5, 5]])], 'gone.jpg')
    write_labelme(photos / 'other.json', [shape('mug', 'circle', [[9, 9], [5, 5]])],
                  'kitchen/b.jpg', imageHeight=99)
    (photos / 'cut.json').write_text('{"shapes": [')
    (tmp_path / 'said.csv').write_text(
        'image,annotation,sentence\n,7,red mug\n,77,the pot\nmy table.jpg,8,the pan\n,9,a box\n'
        'no.jpg,,the cat\n,,the dog\nbroken.jpg,,the fox\n,7,the mug, the red one\n')
    arguments = ['data', 'import', str(photos), '--out', str(tmp_path / 'mine'), '--sentences',
                 str(tmp_path / 'said.csv'), '--coco', str(photos / 'instances.json')]
    assert main(arguments) == 2
    said = capsys.readouterr().err
    assert said.startswith('refseg data: 13 things to mend before anything is written')
    for problem in (
        "line.json, shape 'cable': a line of 2 points has no area",
        "line.json, shape 'far': the mask is empty, or outside the picture",
        "line.json, shape '!!': the sentence '!!' holds no word",
        'gone.jpg: No such file or directory', 'cut.json is not as labelme writes it',
        'the picture is 60x40, its masks are for 60x99',
        'row 3: there is no annotation 77', 'row 4: annotation 8 is one of kitchen/b.jpg, not of',
        'row 5: annotation 9 is a box without a segmentation', 'row 6: no file no.jpg in',
        'row 7: the column image is empty', 'broken.jpg: no picture that OpenCV can read',
        'row 9: it has more columns than the first row',
    ):
        assert problem in said
    assert not (tmp_path / 'mine').exists()

    assert main([*arguments, '--skip', '--val', '0', '--test', '0']) == 0
    printed = capsys.readouterr().out
    assert printed.count('left out: ') == 13
    assert 'train: 1 pictures with 2 sentences' in printed
    assert set(masks_by_sentence(tmp_path / 'mine')) == {'red mug', 'cup'}


def test_what_no_network_can_learn_is_pointed_out(tmp_path):
    write_picture(tmp_path / 'photos' / 'a.jpg')
    write_picture(tmp_path / 'photos' / 'b.jpg')
    write_labelme(tmp_path / 'photos' / 'a.json', [
        shape('Mug', 'rectangle', [[5, 5], [15, 15]]), shape('mug', 'circle', [[30, 30], [30, 35]]),
        shape('thing', 'circle', [[50, 30], [50, 35]], description='so ' * 25)], 'a.jpg')
    write_labelme(tmp_path / 'photos' / 'b.json', [], 'b.jpg')
    notes = import_folder(tmp_path / 'photos', tmp_path / 'mine', val=0, test=0).notes
    assert notes == [
        '1 pictures have no sentence and are left out',
        '1 sentences have over 20 words, the rest of which is not read',
        "1 sentences are said of more than one thing in a picture, as 'mug' in a.jpg: no network "
        'can tell which one is meant']


@pytest.mark.parametrize('text, message', [
    (b'image,words\n', 'has no column sentence; it has: image, words'),
    ('image,sentence\na.jpg,caf\xe9\n'.encode('latin1'), 'is not in UTF-8'),
    (b'', 'has no column sentence'),
    (b'image,annotation_id,sentence\na.jpg,7,the mug\n',
     'no column may be called annotation_id; known are image, sentence, annotation, mask'),
    (b'image,sentence,Sentence \na.jpg,the mug,the red mug\n', 'has 2 columns sentence; a row'),
    (b'image,sentence\na.jpg,"the mug\na.jpg,the pot\n', 'from line 2 on: unexpected end of data'),
])
def test_tables_that_are_none(tmp_path, text, message):
    write_picture(tmp_path / 'photos' / 'a.jpg')
    (tmp_path / 'said.csv').write_bytes(text)
    with pytest.raises(ValueError, match=message):
        import_folder(tmp_path / 'photos', tmp_path / 'mine', tmp_path / 'said.csv')


def test_json_has_the_names_of_columns_as_csv_has_them(tmp_path):
    write_coco(tmp_path / 'photos')
    coco = tmp_path / 'photos' / 'instances.json'
    (tmp_path / 'said.json').write_text('[{"Annotation": 7, "Sentence": "red mug"}]')
    import_folder(
        tmp_path / 'photos', tmp_path / 'mine', tmp_path / 'said.json', coco, val=0, test=0)
    assert masks_by_sentence(tmp_path / 'mine')['red mug'].any()
    (tmp_path / 'said.json').write_text('[{"image": "my table.jpg", "sentence": "red mug"}]')
    with pytest.raises(ValueError, match='has no column annotation; it has: image, sentence'):
        import_folder(tmp_path / 'photos', tmp_path / 'more', tmp_path / 'said.json', coco)
    (tmp_path / 'said.json').write_text('[{"annotation": 7, "sentence": "a", "Sentence": "b"}]')
    with pytest.raises(ValueError, match='has 2 columns sentence; a row says one sentence'):
        import_folder(tmp_path / 'photos', tmp_path / 'more', tmp_path / 'said.json', coco)


def test_rows_and_annotations_that_lack_something_are_named(tmp_path):
    photos = tmp_path / 'photos'
    write_coco(photos)
    coco = json.loads((photos / 'instances.json').read_text())
    del coco['images'][1]['height']
    coco['annotations'].append({**coco['annotations'][0], 'id': 10, 'image_id': 3})
    (photos / 'instances.json').write_text(json.dumps(coco))
    (tmp_path / 'said.csv').write_text(
        'image,sentence,annotation,split\n,a pot,10,\n,a pan,8,\nmy table.jpg,red mug\n'
        ',red mug,7,Training\n')
    with pytest.raises(ValueError) as error:
        import_folder(photos, tmp_path / 'mine', tmp_path / 'said.csv', photos / 'instances.json')
    for problem in (
        'row 2: annotation 10 is one of image 3, which the file of --coco does not have',
        'row 3: image 2 in the file of --coco lacks its height',
        'row 4: it has fewer columns than the first row',
        "row 5: split 'Training' is none of train, val, test",
    ):
        assert problem in str(error.value)
    (tmp_path / 'said.json').write_text('[{"image": "my table.jpg", "sentence": null}]')
    with pytest.raises(ValueError, match="row 1: the sentence '' holds no word"):
        import_folder(photos, tmp_path / 'mine', tmp_path / 'said.json')


@pytest.mark.parametrize('part, field, value, problem', [
    ('images', 'file_name', 7, '7 is no text, which a name must be'),
    ('categories', 'name', ['mug'], r"\['mug'\] is no text, which a name must be"),
    ('annotations', 'image_id', [1], r'row 2: annotation 7 is one of image \[1\], which the file'),
    ('images', 'height', '40', "row 2: the file of --coco: the height of my table.jpg is '40'; it"),
    ('images', 'width', None, 'the width of my table.jpg is None; it must be a whole number'),
])
def test_entries_of_other_types_are_named(tmp_path, part, field, value, problem):
    photos = tmp_path / 'photos'
    write_coco(photos)
    coco = json.loads((photos / 'instances.json').read_text())
    coco[part][0][field] = value
    (photos / 'instances.json').write_text(json.dumps(coco))
    (tmp_path / 'said.csv').write_text('annotation,sentence\n7,red mug\n')
    with pytest.raises(ValueError, match=problem):
        import_folder(photos, tmp_path / 'mine', tmp_path / 'said.csv', photos / 'instances.json')


def test_whole_floats_and_unusable_categories_do_no_harm(tmp_path):
    photos = tmp_path / 'photos'
    write_coco(photos)
    coco = json.loads((photos / 'instances.json').read_text())
    coco['images'][0].update(height=float(HEIGHT), width=float(WIDTH))
    coco['annotations'][0].update(category_id=[3], image_id=1.0)
    (photos / 'instances.json').write_text(json.dumps(coco))
    (tmp_path / 'said.csv').write_text('annotation,sentence\n7,red mug\n8,mug by the sink\n')
    import_folder(photos, tmp_path / 'mine', tmp_path / 'said.csv', photos / 'instances.json',
                  val=0, test=0)
    assert {reference.category for reference in ReferDataset(tmp_path / 'mine').references} == {
        'thing', 'mug'}


@pytest.mark.parametrize('label', [7, ['mug'], None])
def test_a_label_that_is_no_text_is_named(tmp_path, label):
    write_picture(tmp_path / 'photos' / 'a.jpg')
    write_labelme(tmp_path / 'photos' / 'a.json', [
        shape(label, 'rectangle', [[5, 5], [15, 15]], description='the mug')], 'a.jpg')
    with pytest.raises(ValueError, match=r'a\.json is not as labelme writes it: .* is no text'):
        import_folder(tmp_path / 'photos', tmp_path / 'mine')


def test_wrong_arguments(tmp_path, capsys):
    write_picture(tmp_path / 'photos' / 'a.jpg')
    with pytest.raises(FileNotFoundError, match='no folder'):
        import_folder(tmp_path / 'none', tmp_path / 'mine')
    with pytest.raises(FileNotFoundError, match=r'no file .*said\.csv'):
        import_folder(tmp_path / 'photos', tmp_path / 'mine', tmp_path / 'said.csv')
    with pytest.raises(ValueError, match='leave nothing to train on'):
        import_folder(tmp_path / 'photos', tmp_path / 'mine', val=0.6, test=0.5)
    assert main(['data', 'import', str(tmp_path / 'photos'), '--out', str(tmp_path / 'mine')]) == 2
    assert 'it holds no JSON file of labelme, and no table is given' in capsys.readouterr().err
    assert main(['data', 'import', str(tmp_path / 'photos'), '--out', str(tmp_path / 'mine'),
                 '--coco', 'x.json']) == 2
    assert '--coco has masks only' in capsys.readouterr().err
