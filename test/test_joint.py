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


"""Several data sets as one: nothing that is to be tested on is trained on."""

import shlex
from pathlib import Path
from shutil import copyfile, copytree, rmtree

import cv2
import numpy as np
import pytest
import yaml
from small_data import write_referit

from ros2_refseg.checkpoint import Checkpoint
from ros2_refseg.cli import build_parser, main
from ros2_refseg.data.dataset import UnknownSplitError
from ros2_refseg.data.joint import JointDataset, open_dataset, open_datasets
from ros2_refseg.data.pictures import identify_image
from ros2_refseg.data.refer import NewReference, ReferWriter, encode_mask
from ros2_refseg.data.samples import ImageSamples
from ros2_refseg.data.vocabulary import Vocabulary
from ros2_refseg.training_config import TrainingConfig

RECIPES = Path(__file__).resolve().parent.parent / 'config' / 'train'
COCO = 'COCO_train2014_{:012d}.jpg'.format


def write(out: Path, name: str, split_by: str, splits: dict[str, list[int]]) -> Path:
    """Write a data set of COCO pictures by their numbers; the number places the mask."""
    writer = ReferWriter(out, name, split_by, ['cat'])
    for split, numbers in splits.items():
        for number in numbers:
            mask = np.zeros((20, 30), np.uint8)
            mask[number:number + 3, number:number + 5] = 1
            picture = np.full((20, 30, 3), 10 * number, np.uint8)
            writer.add(
                COCO(number), cv2.imencode('.jpg', picture)[1].tobytes(), (20, 30), split,
                [NewReference('cat', encode_mask(mask), [
                    (f'{name} cat {number}', ''), (f'another {number}', '')])])
    writer.close()
    return out


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    """Give three data sets that share pictures; the second's are named as in COCO 2017."""
    paths = [
        write(tmp_path / 'a', 'refcoco', 'unc', {
            'train': [1, 2, 3, 4], 'val': [5], 'testA': [6], 'testB': [7]}),
        write(tmp_path / 'b', 'refcoco+', 'unc', {'train': [1, 2, 5], 'val': [3], 'testA': [8]}),
        write(tmp_path / 'c', 'refcocog', 'umd', {'train': [6, 7, 8, 9], 'val': [4], 'test': [2]}),
    ]
    folder = paths[1] / 'images' / 'refcoco+'
    for path in folder.iterdir():
        path.rename(folder / path.name[-16:])
    return paths


def numbers(dataset) -> list[int]:
    """Give the numbers of a data set's pictures."""
    return [int(image.path.stem[-12:]) for image in dataset.images]


def test_training_leaves_out_what_the_others_hold_out(paths):
    joint = open_datasets(paths, 'train')
    # 1 of the first two; of the third 9 alone. 2, 3, 4 and 5 to 8 are tested on somewhere.
    assert numbers(joint) == [1, 1, 9]
    assert joint.left_out == [(3, 6), (2, 4), (3, 6)]
    held_out = set().union(*(open_dataset(path).held_out_images() for path in paths))
    assert held_out == joint.held_out_images() == {f'COCO {number}' for number in range(2, 9)}
    assert joint.describe().startswith(
        'refcoco train: 8 sentences about 4 references in 4 images; 3 images with 6 sentences of '
        'them left out')
    assert joint.describe().endswith(
        'refcoco, refcoco+, refcocog train: 6 sentences about 3 references in 3 images')


def test_a_data_set_keeps_what_it_shares_with_itself(tmp_path):
    path = write(tmp_path / 'g', 'refcocog', 'google', {'train': [1, 2], 'val': [2]})
    alone = write(tmp_path / 'h', 'refcoco', 'unc', {'train': [1, 2], 'val': [3]})
    assert numbers(open_datasets([path, alone])) == [1, 2, 1]


def test_other_splits_are_joined_whole_where_they_are(paths):
    assert numbers(open_datasets(paths, 'val')) == [5, 3, 4]
    assert numbers(open_datasets(paths, 'testB')) == [7]
    with pytest.raises(UnknownSplitError, match="no split 'testC'"):
        open_datasets(paths, 'testC')


def test_a_data_set_that_cannot_be_trained_on_is_not_passed_over(paths, tmp_path):
    only = write(tmp_path / 'd', 'mine', 'refseg', {'test': [1]})
    with pytest.raises(UnknownSplitError, match=r"mine.* no split 'train'; it has: test"):
        open_datasets([*paths, only])


def test_joined_references_keep_their_masks_pictures_and_sentences(paths):
    joint = open_datasets(paths, 'all')
    assert len(joint.images) == len({image.id for image in joint.images}) == 18
    assert [reference.ref_id for reference in joint.references] == list(range(18))
    for image in joint.images:
        (reference,) = image.references
        number = int(image.path.stem[-12:])
        assert joint.image_of(reference) is image
        assert [sentence.split()[-1] for sentence in reference.sentences] == [str(number)] * 2
        assert np.argwhere(joint.mask(reference))[0].tolist() == [number, number]
        assert abs(int(joint.read_image(image)[0, 0, 0]) - 10 * number) <= 2
    assert len(joint) == len(joint.samples) == 36


def test_training_samples_come_from_a_joint_data_set(paths):
    joint = JointDataset([open_dataset(path, 'val') for path in paths])
    vocabulary = Vocabulary.from_sentences(sentence for _, sentence in joint.samples)
    samples = ImageSamples(joint, vocabulary, sentences_per_image=2, unknown_rate=0)
    assert len(samples) == 3
    item = samples[2, (1, 1), 40]
    assert item['masks'].shape == (2, 40, 40) and item['masks'].any()


def test_one_path_is_that_data_set(paths):
    assert open_datasets(paths[0], 'val').name == open_datasets([paths[0]], 'val').name == 'refcoco'


@pytest.mark.parametrize(
    'recipe', sorted(RECIPES.glob('ref*.yaml')), ids=lambda path: path.stem)
def test_the_recipes_name_data_that_can_be_opened(recipe, tmp_path, monkeypatch):
    """The folders are those of docs/data_sets.md, RefCOCO's with two files of references."""
    data = tmp_path / 'data'
    for number, (name, *split_by) in enumerate([
        ('refcoco', 'unc', 'google'), ('refcoco+', 'unc'), ('refcocog', 'umd', 'google'),
    ]):
        out = write(tmp_path / name, name, split_by[0], {
            split: [3 * number + place] for place, split in enumerate(('train', 'val', 'test'))})
        for other in split_by[1:]:
            copyfile(out / name / f'refs({split_by[0]}).p', out / name / f'refs({other}).p')
        copytree(out, data, dirs_exist_ok=True)
    write_referit(data / 'referit', data / 'referit' / 'images', data / 'referit' / 'mask')
    monkeypatch.chdir(tmp_path)
    comments = [line[1:] for line in recipe.read_text().splitlines() if line.startswith('#')]
    commands = [line.split() for line in '\n'.join(comments).replace('\\\n', ' ').splitlines()
                if line.split()[:1] == ['refseg']]
    assert {command[1] for command in commands} >= {'train', 'eval'}
    for command in commands:
        args = build_parser().parse_args(shlex.split(' '.join(command[1:])))
        if args.command == 'train':
            assert len(open_datasets(args.data, TrainingConfig.load(recipe).train_split))
        elif args.command == 'eval':
            assert len(open_dataset(args.data, args.split, args.split_by))


def test_a_root_of_several_data_sets_is_refused(tmp_path):
    data = write(tmp_path / 'data', 'refcoco', 'unc', {'train': [1], 'val': [2]})
    write_referit(data / 'referit', data / 'referit' / 'images', data / 'referit' / 'mask')
    message = r'several data sets; .*data/refcoco, or .*data/referit for ReferIt'
    with pytest.raises(ValueError, match=message):
        open_dataset(data)
    rmtree(data / 'images')
    with pytest.raises(ValueError, match=message):
        open_dataset(data)
    with pytest.raises(FileNotFoundError, match='pictures are missing'):
        open_dataset(data / 'refcoco')
    assert open_dataset(data / 'referit').name == 'referit'


def test_pictures_of_coco_are_known_by_the_end_of_their_names():
    for name in (COCO(9), '000000000009.jpg', 'train2014_COCO_train2014_000000000009.jpg',
                 'val2017_000000000009.jpg'):
        assert identify_image(f'/pictures/{name}') == 'COCO 9'
    for name in ('IMG_202401011230.jpg', 'x000000000009.jpg', '000000000009.jpg.png'):
        assert identify_image(f'/pictures/{name}') == f'/pictures/{name}'


def train(folder: Path, data: list[Path], **options) -> Checkpoint:
    """Train the smallest network for an iteration, as a user does."""
    config = folder / 'tiny.yaml'
    config.write_text(yaml.safe_dump({
        'model': {'preset': 'edge', 'image_size': 32, 'channels': 8, 'attention_channels': 4,
                  'decoder_channels': 4},
        'weights': None, 'iterations': 1, 'images_per_batch': 2, 'workers': 0, **options}))
    named = [word for path in data for word in ('--data', str(path))]
    assert main(['train', str(config), *named, '--out', str(folder / 'run'),
                 '--device', 'cpu']) == 0
    return Checkpoint.load(folder / 'run' / 'checkpoint.safetensors')


def test_training_on_several_says_what_it_leaves_out(paths, tmp_path, capsys):
    checkpoint = train(tmp_path, paths)
    printed = capsys.readouterr().out
    assert '2 images with 4 sentences of them left out' in printed
    assert checkpoint.training['data'] == 'refcoco, refcoco+, refcocog'
    assert checkpoint.training['sentences'] == 6
    assert checkpoint.scores['val']['samples'] == 6, 'val of all three'


def test_training_on_train_and_val_scores_nothing_that_it_saw(tmp_path):
    folder = tmp_path / 'referit'
    write_referit(folder, folder / 'images', folder / 'mask')
    checkpoint = train(tmp_path, [folder], train_split='trainval')
    assert checkpoint.training['sentences'] == 4
    assert 'val' not in checkpoint.scores
