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


"""Small data sets in the formats of the published ones, written where a test wants them."""

import json
from pathlib import Path

import cv2
import numpy as np
import scipy.io

SIZES = {'7': (48, 36), '712': (36, 48), '9': (48, 36)}  # width, height
QUERIES = {
    'train': {'7_1': ['sky', 'Top part'], '7_2': ['...', 'the man on the left']},
    'val': {'712_1': ['green chair']},
    'test': {'9_3': ['water bottle']},
}


def region(name: str) -> np.ndarray:
    """Give a region's mask: a rectangle that its number places."""
    width, height = SIZES[name.split('_')[0]]
    mask = np.zeros((height, width), np.uint8)
    number = int(name.split('_')[1])
    mask[2 * number:20, 3 * number:30] = 1
    return mask


def write_referit(queries: Path, pictures: Path, masks: Path) -> None:
    """Write ReferIt's files into three folders."""
    for folder in (queries, pictures, masks):
        folder.mkdir(parents=True, exist_ok=True)
    splits = {**QUERIES, 'trainval': {**QUERIES['train'], **QUERIES['val']}}
    for split, sentences in splits.items():
        (queries / f'referit_query_{split}.json').write_text(json.dumps(sentences))
    (queries / 'referit_imsize.json').write_text(
        json.dumps({f'{name}.jpg': size for name, size in SIZES.items()}))
    (queries / 'referit_imcrop.json').write_text(json.dumps({'7.jpg': ['7_1', '7_2']}))
    for name in (name for split in QUERIES.values() for name in split):
        # Background is any label but 0.
        scipy.io.savemat(masks / f'{name}.mat', {'segimg_t': (1 - region(name)) * 5})
    for name, (width, height) in SIZES.items():
        picture = np.full((height, width, 3), (int(name) % 256, 0, 0), np.uint8)
        cv2.imwrite(str(pictures / f'{name}.jpg'), picture[..., ::-1])
