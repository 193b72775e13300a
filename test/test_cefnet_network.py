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

"""The network as a whole: every backbone and variant, shapes, padding, several sentences."""

import pytest
import torch
import torchvision
from torch import nn

from ros2_refseg.cefnet import CEFNet, CEFNetConfig, stretch
from ros2_refseg.cefnet.backbone import ResNetEncoder
from ros2_refseg.cefnet.config import BACKBONES, COATTENTIONS, FUSIONS
from ros2_refseg.cefnet.language import PADDING_ID as NETWORK_PADDING_ID
from ros2_refseg.cefnet.layers import normalised_convolutions
from ros2_refseg.cefnet.loss import ReferringLoss
from ros2_refseg.data.vocabulary import PADDING_ID


def small(**changes) -> CEFNet:
    torch.manual_seed(0)
    widths = {
        'embedding_channels': 8, 'hidden_channels': 4, 'channels': 16, 'attention_channels': 8,
        'decoder_channels': 8, 'image_size': 64,
    }
    config = CEFNetConfig.from_preset('edge', vocabulary_size=30, **{**widths, **changes})
    return CEFNet(config).eval()


def test_convolutions_before_norms_are_found_also_where_gpus_share_their_norms():
    network = small()
    names = [(name, norm) for _, name, norm in normalised_convolutions(network)]
    assert ('projection', 'norm') in names and len(names) > 30
    shared = nn.SyncBatchNorm.convert_sync_batchnorm(network)
    assert [(name, norm) for _, name, norm in normalised_convolutions(shared)] == names


def test_padding_has_one_number():
    assert NETWORK_PADDING_ID == PADDING_ID


@pytest.mark.parametrize('backbone', BACKBONES)
def test_encoder_strides_and_widths(backbone):
    encoder = small(backbone=backbone).encoder
    image = torch.randn(1, 3, 64, 96)
    with torch.inference_mode():
        e1, e2, e3 = encoder.before_language(image)
        e4 = encoder.res4(e3)
        e5 = encoder.res5(e4)
    wide = (256, 512, 1024, 2048)
    expected = (64, *((64, 128, 256, 512) if backbone in ('resnet18', 'resnet34') else wide))
    assert encoder.channels == expected
    encoded = zip((e1, e2, e3, e4, e5), expected, (2, 4, 8, 16, 16), strict=True)
    for e, channels, stride in encoded:
        assert e.shape == (1, channels, 64 // stride, 96 // stride)
    for module in encoder.res5.modules():
        if isinstance(module, nn.Conv2d):
            assert module.stride == (1, 1) and module.dilation == (1, 1)


def test_imagenets_weights_are_those_of_the_papers_time(monkeypatch):
    asked = []
    get_model = torchvision.models.get_model

    def without_a_download(name, weights):
        asked.append(torchvision.models.get_model_weights(name)[weights].name)
        return get_model(name)

    monkeypatch.setattr(torchvision.models, 'get_model', without_a_download)
    for backbone in BACKBONES:
        ResNetEncoder(backbone, imagenet=True)
    assert asked == ['IMAGENET1K_V1'] * len(BACKBONES)


@pytest.mark.parametrize('beside', [{'skip': True, 'presence': True}, {'skip': False}])
@pytest.mark.parametrize('boundary', [True, False])
@pytest.mark.parametrize('coattention', COATTENTIONS)
@pytest.mark.parametrize('fusion', FUSIONS)
def test_every_variant_learns_with_all_its_weights(fusion, coattention, boundary, beside):
    network = small(fusion=fusion, coattention=coattention, boundary=boundary, **beside).train()
    prediction = network(torch.rand(2, 3, 64, 64) * 255, network.language(
        torch.randint(2, 30, (2, 5))
    ))
    assert [tuple(mask.shape) for mask in prediction.masks] == [
        (2, 1, side, side) for side in (4, 8, 16, 32)
    ]
    assert len(prediction.boundaries) == len(prediction.transformed) == (4 if boundary else 0)
    mask = (torch.rand(2, 1, 64, 64) > 0.5).float()
    loss = ReferringLoss(dice_weight=1.0)(prediction, mask, mask).total
    if prediction.presence is not None:
        loss = loss + prediction.presence.square().sum()
    loss.backward()
    unused = [name for name, weight in network.named_parameters() if weight.grad is None]
    assert not unused


@pytest.mark.parametrize('side', [32, 37, 64, 100])
def test_presence_is_told_at_any_size(side):
    network = small(presence=True, image_size=side)
    language = network.language(torch.tensor([[3, 4], [5, 6]]))
    assert network(torch.rand(1, 3, side, side) * 255, language).presence.shape == (2,)


def test_presence_is_read_where_the_mask_is_and_leaves_that_alone():
    network = small(presence=True)
    encoded = nn.functional.normalize(torch.randn(2, 512, 4, 4), dim=1)
    mask = torch.full((2, 1, 32, 32), -20.0)
    mask[0, :, :8, -8:] = mask[1, :, -8:, :8] = 20.0
    mask.requires_grad_()
    presence = network.presence(encoded, mask)
    under_mask = torch.stack([encoded[0, :, 0, -1], encoded[1, :, -1, 0]])
    expected = network.presence.classifier(under_mask).squeeze(1)
    torch.testing.assert_close(presence, expected, rtol=0, atol=5e-3)
    presence.sum().backward()
    assert mask.grad is None, 'masks are not learned from it'


@pytest.mark.parametrize('boundary', [True, False])
def test_evaluation_computes_the_finest_logits_alone(boundary):
    network = small(boundary=boundary)
    image, words = torch.rand(2, 3, 64, 64) * 255, torch.randint(2, 30, (4, 5))
    with torch.inference_mode():
        alone = network(image, network.language(words))
        network.decoder.training = True  # its batch norms stay in evaluation mode
        all_scales = network(image, network.language(words))
    assert torch.equal(alone.finest(), all_scales.finest())
    assert [len(maps) for maps in (alone.masks, alone.boundaries, alone.transformed)] == [
        1, int(boundary), 0]
    assert len(all_scales.masks) == 4


def e5_after(network: CEFNet, image: torch.Tensor, words: list[list[int]]) -> torch.Tensor:
    seen = []
    handle = network.encoder.res5.register_forward_hook(lambda *args: seen.append(args[2]))
    with torch.inference_mode():
        network(image, network.language(torch.tensor(words)))
    handle.remove()
    return seen[0]


def test_language_reaches_the_encoder_in_efn_alone():
    image = torch.rand(1, 3, 64, 64) * 255
    for fusion, changes in (('encoder', True), ('decoder', False)):
        network = small(fusion=fusion)
        e5 = [e5_after(network, image, words) for words in ([[5, 6]], [[7, 8, 9]])]
        assert (not torch.allclose(*e5)) is changes


@pytest.mark.parametrize('coattention', ['acm', 'vcm'])
def test_padded_words_change_nothing(coattention):
    network = small(coattention=coattention)
    image = torch.rand(1, 3, 64, 64) * 255
    words = torch.tensor([[4, 9, 2]])
    padded = torch.tensor([[4, 9, 2, PADDING_ID, PADDING_ID, PADDING_ID]])
    with torch.inference_mode():
        bare = network.segment(image, network.language(words))
        filled = network.segment(image, network.language(padded))
    for one, other in zip(bare[:2], filled[:2], strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-5)


@pytest.mark.parametrize('coattention', ['acm', 'vcm'])
def test_several_sentences_about_an_image_are_as_good_as_one_at_a_time(coattention):
    network = small(coattention=coattention)
    images = torch.rand(2, 3, 48, 80) * 255
    words = torch.tensor([[4, 9, 2], [5, 0, 0], [6, 7, 0], [8, 8, 8]])
    with torch.inference_mode():
        together, *_ = network.segment(images, network.language(words))
        assert together.shape == (4, 48, 80)
        for row, image in enumerate((0, 0, 1, 1)):
            alone, *_ = network.segment(
                images[image:image + 1], network.language(words[row:row + 1])
            )
            torch.testing.assert_close(together[row], alone[0], rtol=0, atol=1e-5)


def test_answers_have_the_size_of_the_image():
    network = small()
    language = network.language(torch.tensor([[3]]))
    for height, width in ((1, 1), (480, 640), (33, 7)):
        with torch.inference_mode():
            mask, boundary, presence = network.segment(
                torch.zeros(1, 3, height, width, dtype=torch.uint8), language
            )
        for answer in (mask, boundary):
            assert answer.shape == (1, height, width) and presence is None
            assert 0 <= answer.min() and answer.max() <= 1


def test_shrinking_averages():
    stripes = torch.zeros(1, 3, 64, 64, dtype=torch.uint8)
    stripes[..., ::2] = 200
    assert (stretch(stripes, 16)[..., 1:-1].float() - 100).abs().max() <= 8


def test_paper_preset_is_the_papers_model():
    config = CEFNetConfig.from_preset('paper', vocabulary_size=10)
    assert (config.backbone, config.image_size, config.fusion) == ('resnet101', 320, 'encoder')
    assert (config.channels, config.attention_channels, config.boundary) == (512, 256, True)
    assert not config.skip, 'F = conv3x3 [M~, L~]'
    assert not config.presence, 'what a sentence means is in view'


@pytest.mark.parametrize('field, value', [
    ('backbone', 'vgg16'), ('coattention', 'cam'), ('fusion', 'both'), ('channels', 0),
    ('image_size', 16), ('depth', 3), ('skip', 'no'), ('boundary', 1), ('presence', 'yes'),
])
def test_a_configuration_that_cannot_be_is_refused_by_name(field, value):
    with pytest.raises(ValueError, match=field):
        CEFNetConfig.from_preset('edge', **{'vocabulary_size': 10, field: value})


def test_an_unknown_preset_names_the_known_ones():
    with pytest.raises(ValueError, match="'tiny' is none of paper, edge"):
        CEFNetConfig.from_preset('tiny', vocabulary_size=10)
