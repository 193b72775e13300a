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


"""ReferIt as it lies on disk: query files, sizes, pictures and MATLAB masks."""

from pathlib import Path

import numpy as np
import pytest
import scipy.io
from small_data import region, write_referit

from ros2_refseg.data.joint import open_dataset
from ros2_refseg.data.referit import ReferItDataset


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Give a folder as github ronghanghu/text_objseg lays it out."""
    root = tmp_path / 'exp-referit'
    write_referit(
        root / 'data', root / 'referit-dataset' / 'images', root / 'referit-dataset' / 'mask')
    return root


@pytest.mark.parametrize('queries, pictures, masks, opened', [
    ('data', 'referit-dataset/images', 'referit-dataset/mask', '.'),
    ('data', 'referit-dataset/images', 'referit-dataset/mask', 'data'),
    ('referit', 'images/referit/images', 'images/referit/mask', 'referit'),
    ('referit/splits/referit', 'referit/images', 'referit/mask', 'referit'),
    ('referit', 'saiapr_tc-12/00/images', 'saiapr_tc-12/00/segmentation_masks', 'referit'),
])
def test_the_layouts_that_people_have(tmp_path, queries, pictures, masks, opened):
    write_referit(tmp_path / queries, tmp_path / pictures, tmp_path / masks)
    dataset = open_dataset(tmp_path / opened, 'all')
    assert isinstance(dataset, ReferItDataset) and dataset.name == 'referit'
    assert len(dataset.images) == 3 and len(dataset.references) == 4
    for reference in dataset.references:
        np.testing.assert_array_equal(
            dataset.mask(reference), region(reference.annotation['id']))
        image = dataset.image_of(reference)
        assert dataset.read_image(image).shape == (image.height, image.width, 3)


def test_what_a_split_holds(data):
    train = ReferItDataset(data)
    assert train.splits == ['train', 'val', 'trainval', 'test']
    assert [sentence for _, sentence in train.samples] == [
        'sky', 'Top part', 'the man on the left']
    assert [sentence for _, sentence in train.wordless] == ['...']
    first, second = train.references
    assert (first.split, first.category, first.absent) == ('train', '', False)
    assert first.image_id == second.image_id and first.ref_id != second.ref_id
    assert first.tokens == [['sky'], ['top', 'part']]
    assert train.read_image(train.images[0])[0, 0].tolist() == pytest.approx([7, 0, 0], abs=2)
    assert len(ReferItDataset(data, 'trainval')) == 4
    assert [image.path.name for image in ReferItDataset(data, 'test').images] == ['9.jpg']
    names = {Path(name).name for name in train.held_out_images()}
    assert names == {'712.jpg', '9.jpg'}


@pytest.mark.parametrize('gone', [(), ('trainval',), ('train', 'val'), ('train',), ('val',)])
def test_all_holds_every_reference_once(data, gone):
    for split in gone:
        (data / 'data' / f'referit_query_{split}.json').unlink()
    dataset = ReferItDataset(data, 'all')
    regions = [reference.annotation['id'] for reference in dataset.references]
    assert sorted(regions) == ['712_1', '7_1', '7_2', '9_3']


def test_mistakes_are_named(data, tmp_path):
    with pytest.raises(ValueError, match="no split 'testA'; it has: train, val, trainval, test"):
        open_dataset(data, 'testA')
    masks = data / 'referit-dataset' / 'mask'
    dataset = ReferItDataset(data, 'test')
    bottle = dataset.references[0]
    (masks / '9_3.mat').write_bytes((masks / '9_3.mat').read_bytes()[:150])
    with pytest.raises(ValueError, match=r'9_3\.mat is no readable MATLAB file'):
        dataset.mask(bottle)
    scipy.io.savemat(masks / '9_3.mat', {'mask': np.zeros((3, 3))})
    with pytest.raises(ValueError, match=r'9_3\.mat holds no segimg_t'):
        dataset.mask(bottle)
    scipy.io.savemat(masks / '9_3.mat', {'segimg_t': np.zeros((3, 4))})
    with pytest.raises(ValueError, match=r'9_3\.mat is \(4, 3\) pixels, its picture \(48, 36\)'):
        dataset.mask(bottle)
    (masks / '9_3.mat').unlink()
    with pytest.raises(FileNotFoundError, match=(
            r'1 masks are missing, the first one is 9_3\.mat; looked in .*images\*')):
        open_dataset(data, 'test')
    with pytest.raises(ValueError, match=r'no mask 9_3\.mat; looked in'):
        ReferItDataset(data, 'test', allow_missing=True).mask(bottle)
    assert len(open_dataset(data)) == 3, 'masks of another split are not wanted'
    (data / 'referit-dataset' / 'images' / '9.jpg').unlink()
    with pytest.raises(FileNotFoundError, match=r'1 pictures are missing, the first one is 9\.jpg'):
        open_dataset(data, 'test')
    (data / 'data' / 'referit_imsize.json').unlink()
    with pytest.raises(FileNotFoundError, match=r'no file .*referit_imsize\.json'):
        open_dataset(data)
    with pytest.raises(FileNotFoundError, match='is no REFER data set'):
        open_dataset(data / 'referit-dataset')


@pytest.mark.parametrize('content', ['[1, 2]', '{"no number": ["sky"]}', '{"7_1": 3}', '{"7_1"'])
def test_damaged_queries(data, content):
    (data / 'data' / 'referit_query_train.json').write_text(content)
    with pytest.raises(ValueError, match=r'not those of ReferIt|no readable JSON|is no <image>'):
        ReferItDataset(data)
