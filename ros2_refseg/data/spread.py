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

"""Some sentences of a data set, to measure or calibrate on where all would take too long."""

from collections.abc import Iterator

import numpy as np

from ros2_refseg.data.dataset import Reference, ReferImage, ReferringDataset


def spread_sentences(
    dataset: ReferringDataset, count: int, absent: bool
) -> Iterator[tuple[ReferImage, Reference, str]]:
    """
    Give sentences spread evenly over a data set, each once; all if it has fewer.

    :param absent: also those about what their picture does not show.
    """
    asked = [
        (image, reference, sentence)
        for image in dataset.images for reference in image.references
        if absent or not reference.absent for sentence in reference.sentences
    ]
    for index in np.linspace(0, len(asked) - 1, min(count, len(asked))).astype(int):
        yield asked[index]
