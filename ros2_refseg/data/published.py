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


"""How much the published data sets hold, to tell a whole copy from a part of one."""

from typing import NamedTuple


class Size(NamedTuple):
    """What a split holds."""

    images: int
    references: int
    sentences: int


class Published(NamedTuple):
    """A data set as it was published: its name, and what each split holds."""

    title: str
    splits: dict[str, Size]


# Images and references: the catalogue of TensorFlow Datasets, ref_coco. Sentences: what the field
# reports its scores over; those of RefCOCO+ add up to the paper's 141,564, those of RefCOCO to
# 142,210 where the paper says 142,209, those of RefCOCOg to 95,010 by both splits (the paper's
# 104,560 are Google's own release, before references without a usable object were dropped).
PUBLISHED: dict[tuple[str, str], Published] = {
    ('refcoco', 'unc'): Published('RefCOCO (UNC)', {
        'train': Size(16_994, 42_404, 120_624), 'val': Size(1_500, 3_811, 10_834),
        'testA': Size(750, 1_975, 5_657), 'testB': Size(750, 1_810, 5_095)}),
    ('refcoco+', 'unc'): Published('RefCOCO+ (UNC+)', {
        'train': Size(16_992, 42_278, 120_191), 'val': Size(1_500, 3_805, 10_758),
        'testA': Size(750, 1_975, 5_726), 'testB': Size(750, 1_798, 4_889)}),
    ('refcocog', 'umd'): Published('RefCOCOg (UMD)', {
        'train': Size(21_899, 42_226, 80_512), 'val': Size(1_300, 2_573, 4_896),
        'test': Size(2_600, 5_023, 9_602)}),
    ('refcocog', 'google'): Published("RefCOCOg (Google, the paper's G-Ref)", {
        'train': Size(24_698, 44_822, 85_474), 'val': Size(4_650, 5_000, 9_536)}),
    # Counted in the query files of github ronghanghu/text_objseg.
    ('referit', ''): Published('ReferIt', {
        'train': Size(8_995, 44_649, 54_134), 'val': Size(1_000, 4_866, 5_842),
        'trainval': Size(9_995, 49_515, 59_976), 'test': Size(9_994, 49_730, 60_105)}),
}

_OTHER_NAMES = {'refcocoplus': 'refcoco+', 'refcoco_plus': 'refcoco+', 'refcocop': 'refcoco+'}


def find_published(name: str, split_by: str) -> Published | None:
    """Find a data set by the name of its folder and who split it; None for any other."""
    name = name.lower()
    return PUBLISHED.get((_OTHER_NAMES.get(name, name), split_by))
