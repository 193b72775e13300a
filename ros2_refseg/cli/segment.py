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

"""``refseg segment``: a picture and a sentence in, a mask out."""

import argparse
from pathlib import Path

from ros2_refseg.cli.options import add_command, add_network_options
from ros2_refseg.data.vocabulary import MAX_WORDS, words_left_out


def add_to(commands: argparse._SubParsersAction) -> None:
    """Add the command ``segment``."""
    parser = add_command(
        commands, 'segment', 'Segment what a sentence means in a picture.',
        'refseg segment table.jpg "the red mug on the left" --out overlay.png',
    )
    parser.add_argument('image', type=Path, help='picture in any format that OpenCV reads')
    parser.add_argument('sentence', help='what to segment')
    add_network_options(parser, 'auto, fp32, bf16, fp16 (CUDA) or int8 (openvino)')
    # Another backend has to convert the network first: for a stream of pictures that pays.
    parser.add_argument('--backend', default='torch', help='torch, openvino or auto')
    parser.add_argument('--out', type=Path, help='write the picture with the result drawn into it')
    parser.add_argument('--mask', type=Path, help='write the mask, 255 inside and 0 outside')
    parser.set_defaults(run=_segment)


def _segment(args: argparse.Namespace) -> None:
    import cv2

    from ros2_refseg.overlay import draw_overlay
    from ros2_refseg.segmenter import Segmenter

    picture = cv2.imread(str(args.image), cv2.IMREAD_COLOR)
    if picture is None:
        raise ValueError(f"'{args.image}' is not a readable picture")
    image = cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)
    segmenter = Segmenter.load(args.checkpoint, args.device, args.precision, args.backend)
    segmenter.threshold, segmenter.pieces = args.threshold, args.pieces
    segmenter.found_threshold = args.found_threshold
    result = segmenter.segment(image, args.sentence)
    for word, known in result.corrections:
        print(f'{word!r} read as {known!r}')
    if result.unknown_words:
        print(f'unknown words: {", ".join(result.unknown_words)}')
    if words_left_out(args.sentence):
        print(f'only the first {MAX_WORDS} words are read')
    meaning = 'probability that the mask is right' if result.calibrated else 'not calibrated'
    score = f'score {result.score:.2f} ({meaning})'
    if result.found:
        x, y, width, height = result.box
        print(f'found, {score}, {int((result.mask > 0).sum())} pixels in the box '
              f'x {x}, y {y}, width {width}, height {height}')
    else:
        print(f'not found; {score}')
    for path, pixels in (
        (args.out, cv2.cvtColor(draw_overlay(image, result), cv2.COLOR_RGB2BGR)),
        (args.mask, result.mask),
    ):
        if path:
            _write_picture(path, pixels)


def _write_picture(path: Path, pixels) -> None:
    import cv2

    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        written = cv2.imwrite(str(path), pixels)
    except cv2.error as error:  # a suffix that no encoder knows
        raise ValueError(f"'{path}' cannot be written: {error.err}; try a .png") from error
    if not written:
        raise OSError(f"'{path}' could not be written")
    print(f'written: {path}')
