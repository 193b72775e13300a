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

"""Each equation of the paper against a naive transcription of it, in double precision."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ros2_refseg.cefnet import attention, coattention
from ros2_refseg.cefnet.coattention import (
    PYRAMID_BINS,
    AsymmetricCoAttention,
    PyramidPooling,
    VanillaCoAttention,
    pyramid_matrix,
)
from ros2_refseg.cefnet.config import CEFNetConfig
from ros2_refseg.cefnet.decoder import BoundaryEnhancement, Decoder, SpatialTransformer
from ros2_refseg.cefnet.fusion import LanguageFusion
from ros2_refseg.cefnet.language import PADDING_ID, Language, LanguageEncoder
from ros2_refseg.cefnet.loss import ReferringLoss, dice_loss
from ros2_refseg.cefnet.multimodal import (
    Linguistic,
    LinguisticContext,
    MultimodalFeature,
    spatial_coordinates,
)
from ros2_refseg.cefnet.network import Prediction

SIZES = [(1, 5), (1, 1), (5, 5), (8, 8), (7, 12), (20, 13)]
CLOSE = {'rtol': 1e-9, 'atol': 1e-9}


@pytest.fixture(autouse=True)
def _double_precision():
    torch.manual_seed(0)
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def random_language(lengths: list[int], channels: int, sentence_channels: int) -> Language:
    longest = max(lengths)
    present = torch.arange(longest) < torch.tensor(lengths)[:, None]
    return Language(
        torch.randn(len(lengths), longest, channels), present,
        torch.randn(len(lengths), sentence_channels),
    )


def columns(features: Tensor) -> Tensor:
    """Flatten CxHxW to the paper's C x HW matrix."""
    return features.flatten(1)


def whole(linguistic: Linguistic, b: int) -> Tensor:
    """Give the paper's matrix L, C x HW."""
    return (linguistic.shares[b] @ linguistic.words[b]).T


def random_linguistic(channels: int, positions: int) -> Linguistic:
    return Linguistic(torch.randn(2, 4, channels), torch.randn(2, positions, 4).softmax(2))


@pytest.mark.parametrize('height, width', SIZES)
def test_spatial_coordinates_are_those_of_each_cell(height, width):
    coordinates = spatial_coordinates(height, width, like=torch.empty(0))[0]
    for row in range(height):
        for column in range(width):
            x_min, x_max = 2 * column / width - 1, 2 * (column + 1) / width - 1
            y_min, y_max = 2 * row / height - 1, 2 * (row + 1) / height - 1
            expected = torch.tensor([
                x_min, y_min, x_max, y_max, (x_min + x_max) / 2, (y_min + y_max) / 2,
                1 / width, 1 / height,
            ])
            torch.testing.assert_close(coordinates[:, row, column], expected, **CLOSE)


@pytest.mark.parametrize('height, width', SIZES)
def test_equation_1_projects_the_concatenation(height, width):
    layer = MultimodalFeature(visual_channels=6, sentence_channels=4, channels=5).eval()
    norm = layer.norm
    for values in (norm.running_mean, norm.weight, norm.bias):
        nn.init.normal_(values)
    nn.init.uniform_(norm.running_var, 0.5, 2)
    visual, sentence = torch.randn(2, 6, height, width), torch.randn(2, 4)
    weight = layer.projection.weight.flatten(1)
    place = spatial_coordinates(height, width, like=visual)[0]
    result = layer(visual, sentence)
    for b in range(2):
        for row in range(height):
            for column in range(width):
                concatenated = torch.cat(
                    [visual[b, :, row, column], sentence[b], place[:, row, column]]
                )
                normalised = (weight @ concatenated - norm.running_mean) / (
                    norm.running_var + norm.eps).sqrt()
                torch.testing.assert_close(
                    result[b, :, row, column], (normalised * norm.weight + norm.bias).relu(),
                    **CLOSE
                )


@pytest.mark.parametrize('height, width', SIZES)
def test_equation_2_weighs_each_positions_words(height, width):
    layer = LinguisticContext(embedding_channels=3, channels=5)
    nn.init.normal_(layer.norm.weight)
    nn.init.normal_(layer.norm.bias)
    language = random_language([4, 2], 3, 1)
    multimodal = torch.randn(2, 5, height, width)
    result = layer(multimodal, language)
    assert not result.shares[1, :, 2:].any()
    for b, length in enumerate([4, 2]):
        lin = whole(result, b).unflatten(1, (height, width))
        projected = layer.projection(language.words[b, :length])
        e = F.layer_norm(projected, (5,), layer.norm.weight, layer.norm.bias)
        for row in range(height):
            for column in range(width):
                m_p = multimodal[b, :, row, column]
                scores = torch.stack([(m_p * e_t).sum() / 5 ** 0.5 for e_t in e]).exp()
                l_p = sum(e_t * score for e_t, score in zip(e, scores, strict=True)) / scores.sum()
                torch.testing.assert_close(lin[:, row, column], l_p, **CLOSE)


@pytest.mark.parametrize('height, width', SIZES)
def test_equations_3_to_5_vanilla_coattention(height, width):
    layer = VanillaCoAttention(channels=6, attention_channels=4)
    w_m, w_l = layer.w_m.weight.flatten(1), layer.w_l.weight.flatten(1)
    multimodal = torch.randn(2, 6, height, width)
    linguistic = random_linguistic(6, height * width)
    updated_m, updated_l = layer(multimodal, linguistic)
    for b in range(2):
        m, lin = columns(multimodal[b]), whole(linguistic, b)
        a = (w_m @ m).T @ (w_l @ lin)
        assert a.shape == (height * width, height * width)
        a_1, a_2 = a.softmax(dim=1), a.T.softmax(dim=1)
        torch.testing.assert_close(columns(updated_m[b]), m @ a_1.T, **CLOSE)
        torch.testing.assert_close(columns(updated_l[b]), lin @ a_2.T, **CLOSE)


def naive_pyramid(features: Tensor) -> Tensor:
    """Average CxHxW over the cells of every grid, to C x N."""
    _, height, width = features.shape
    cells = []
    for bins in PYRAMID_BINS:
        for i in range(bins):
            for j in range(bins):
                rows = slice(i * height // bins, -(-(i + 1) * height // bins))
                cols = slice(j * width // bins, -(-(j + 1) * width // bins))
                cells.append(features[:, rows, cols].mean(dim=(1, 2)))
    return torch.stack(cells, dim=1)


@pytest.mark.parametrize('height, width', SIZES)
def test_pyramid_pooling(height, width):
    features = torch.randn(2, 3, height, width)
    rows = features.flatten(2).transpose(1, 2)
    # What it remembers of this must not round the next.
    PyramidPooling()(rows.float(), height, width)
    pooled = PyramidPooling()(rows, height, width)
    assert pooled.shape == (2, 110, 3)
    for b in range(2):
        torch.testing.assert_close(pooled[b].T, naive_pyramid(features[b]), **CLOSE)


def test_a_pyramids_matrix_stays_for_the_graphs_that_read_it():
    place = torch.float64, torch.device('cpu')
    first = pyramid_matrix(2, 3, *place)
    for height in range(3, 100):
        pyramid_matrix(height, 2, *place)
    assert pyramid_matrix(2, 3, *place) is first


@pytest.mark.parametrize('height, width', SIZES)
def test_equations_6_to_8_asymmetric_coattention(height, width):
    c1 = 4
    layer = AsymmetricCoAttention(channels=6, attention_channels=c1)
    w1_m, w2_m, w3_m = layer.w_m.weight.flatten(1).chunk(3)
    w1_l, w2_l, w3_l = layer.w_l.weight.flatten(1).chunk(3)
    multimodal = torch.randn(2, 6, height, width)
    linguistic = random_linguistic(6, height * width)
    updated_m, updated_l = layer(multimodal, linguistic)

    def ppm(matrix: Tensor) -> Tensor:
        return naive_pyramid(matrix.unflatten(1, (height, width)))

    for b in range(2):
        m, lin = columns(multimodal[b]), whole(linguistic, b)
        sa_m = ppm(w1_m @ m).T @ (w2_m @ m)
        sa_l = ppm(w1_l @ lin).T @ (w2_l @ lin)
        a_3 = ((sa_m + sa_l).T / c1 ** 0.5).softmax(dim=1)
        assert a_3.shape == (height * width, 110)
        torch.testing.assert_close(columns(updated_m[b]), ppm(w3_m @ m) @ a_3.T, **CLOSE)
        torch.testing.assert_close(columns(updated_l[b]), ppm(w3_l @ lin) @ a_3.T, **CLOSE)


@pytest.mark.parametrize('kind, stored', [
    (AsymmetricCoAttention, True), (VanillaCoAttention, False)])
def test_what_a_gpu_computes_is_the_same(kind, stored, monkeypatch):
    """ACM's scores, of 110 keys and scaled down, may be stored in half precision, VCM's not."""
    layer = kind(channels=6, attention_channels=4)
    given = torch.randn(2, 6, 5, 4), random_linguistic(6, 20)
    expected, fused, calls = layer(*given), attention._fused, []
    monkeypatch.setattr(
        attention, '_fused', lambda *tensors: (calls.append(0), fused(*tensors))[1])
    monkeypatch.setattr(coattention, 'attend', attention._on_cuda)
    for result, wanted in zip(layer(*given), expected, strict=True):
        torch.testing.assert_close(result, wanted, **CLOSE)
    assert stored is not bool(calls)
    key = torch.randn(1, attention.FEW_KEYS + 1, 8)
    attention._on_cuda(key, key, key, 0.5)
    assert calls, 'scores of many keys are never stored'


@pytest.mark.parametrize('skip', [False, True])
@pytest.mark.parametrize('coattention', ['acm', 'vcm', 'none'])
def test_fusion_adds_what_is_normalised(coattention, skip):
    config = CEFNetConfig.from_preset(
        'edge', vocabulary_size=9, coattention=coattention, channels=8, attention_channels=4,
        embedding_channels=3, hidden_channels=2, separable=False, skip=skip,
    )
    fusion = LanguageFusion(16, config).eval()
    visual, language = torch.randn(2, 16, 6, 9), random_language([3, 5], 3, 4)
    m = fusion.multimodal(visual, language.sentence)
    if coattention != 'none':
        updated = fusion.coattention(m, fusion.context(m, language))
        m = torch.cat([*updated, m] if skip else updated, dim=1)
    f = fusion.fuse(m)
    expected = visual / visual.norm(dim=1, keepdim=True) + f / f.norm(dim=1, keepdim=True)
    torch.testing.assert_close(fusion(visual, language), expected, **CLOSE)


def test_spatial_transformer_starts_as_the_identity():
    features = torch.randn(2, 4, 7, 10)
    torch.testing.assert_close(
        SpatialTransformer(4)(features), features, rtol=0, atol=1e-6
    )


def test_spatial_transformer_samples_where_its_transform_points():
    transformer = SpatialTransformer(3)
    # Shift by two cells to the right: x' = x + 4 / W in coordinates of [-1, 1].
    with torch.no_grad():
        transformer.affine.bias.copy_(torch.tensor([1.0, 0.0, 4 / 10, 0.0, 1.0, 0.0]))
    features = torch.randn(1, 3, 6, 10)
    shifted = transformer(features)
    torch.testing.assert_close(shifted[..., :8], features[..., 2:], rtol=0, atol=1e-5)
    assert not shifted[..., 8:].any()


def test_spatial_transformer_places_cells_in_full_precision():
    transformer = SpatialTransformer(2).float()
    with torch.no_grad():
        transformer.affine.bias.copy_(torch.tensor([1.0, 0.0, -0.2503, 0.0, 1.0, 0.0]))
    features = torch.arange(256, dtype=torch.float32).expand(1, 2, 4, 256)
    exact = transformer(features)
    with torch.autocast('cpu', torch.bfloat16):
        torch.testing.assert_close(transformer(features), exact, rtol=0, atol=1e-3)
    # Weights in half precision, as on CUDA: 0.2503 is 0.25 there.
    halved = transformer.bfloat16()(features.bfloat16())
    assert halved.dtype == torch.bfloat16
    torch.testing.assert_close(halved.float(), exact, rtol=0, atol=1)


@pytest.mark.parametrize('size, finer', [((5, 5), (10, 10)), ((4, 7), (4, 7)), ((3, 5), (6, 9))])
def test_equations_9_to_11_boundary_enhancement(size, finer):
    layer = BoundaryEnhancement(channels=4).eval()
    nn.init.normal_(layer.stn.affine.bias)
    s, d = torch.randn(2, 4, *size), torch.randn(2, 4, *finer)

    def up(features: Tensor) -> Tensor:
        return F.interpolate(features, size=finer, mode='bilinear', align_corners=False)

    stn = layer.stn(s)
    assert not torch.allclose(stn, s)
    b = s - stn
    b_tilde = layer.boundary(torch.cat([up(b), d], dim=1))
    refined = layer.refine(torch.cat([b_tilde + up(stn), up(s)], dim=1))
    for result, wanted in zip(layer(s, d), (refined, b_tilde, stn), strict=True):
        torch.testing.assert_close(result, wanted, rtol=1e-6, atol=1e-6)


def test_the_decoder_shows_what_each_step_makes_of_the_last():
    config = CEFNetConfig.from_preset('edge', vocabulary_size=9, decoder_channels=4)
    decoder = Decoder((2, 3, 5), config).eval()
    decoder.training = True  # its batch norms stay in evaluation mode
    encoded = [torch.randn(2, width, *size) for width, size in (
        (2, (8, 12)), (3, (4, 6)), (5, (2, 3)))]
    d_1, d_2, s = (lateral(e) for lateral, e in zip(decoder.lateral, encoded, strict=True))
    shown = decoder(encoded, sentences=2)
    for scale, d in enumerate((d_2, d_1)):
        step = decoder.steps[scale]
        s, b_tilde, stn = step(s, d)
        torch.testing.assert_close(shown.masks[scale], decoder.mask_logits[scale](s))
        torch.testing.assert_close(shown.boundaries[scale], step.boundary_logits(b_tilde))
        torch.testing.assert_close(shown.transformed[scale], step.transformed_logits(stn))


@pytest.mark.parametrize('length', [1, 2, 6])
def test_language_encoder_is_a_bidirectional_gru(length):
    encoder = LanguageEncoder(vocabulary_size=20, embedding_channels=5, hidden_channels=3)
    ids = torch.randint(1, 20, (2, length))
    reference = nn.GRU(5, 3, batch_first=True, bidirectional=True)
    for direction, gru in (('', encoder.forward_gru), ('_reverse', encoder.backward_gru)):
        for name, weight in gru.named_parameters():
            getattr(reference, name + direction).data.copy_(weight)
    language = encoder(ids)
    _, final = reference(language.words)
    torch.testing.assert_close(language.sentence, torch.cat([final[0], final[1]], 1), **CLOSE)
    norm = encoder.norm
    embedded = F.layer_norm(encoder.embedding.weight[ids], (5,), norm.weight, norm.bias)
    torch.testing.assert_close(language.words, embedded, **CLOSE)


def test_padding_changes_nothing_in_the_language():
    encoder = LanguageEncoder(vocabulary_size=20, embedding_channels=5, hidden_channels=3)
    ids = torch.tensor([[7, 3, 9]])
    padded = F.pad(ids, (0, 4), value=PADDING_ID)
    bare, filled = encoder(ids), encoder(padded)
    torch.testing.assert_close(bare.sentence, filled.sentence, **CLOSE)
    torch.testing.assert_close(bare.words, filled.words[:, :3], **CLOSE)
    assert filled.present.tolist() == [[True] * 3 + [False] * 4]
    context = LinguisticContext(embedding_channels=5, channels=4)
    multimodal = torch.randn(1, 4, 6, 5)
    torch.testing.assert_close(
        whole(context(multimodal, bare), 0), whole(context(multimodal, filled), 0), **CLOSE
    )


def test_loss_sums_the_cross_entropy_of_twelve_outputs():
    sizes = [(2, 3), (2, 3), (4, 6), (8, 12)]
    prediction = Prediction(*(
        [torch.randn(2, 1, *size) for size in sizes] for _ in range(3)
    ))
    mask = (torch.rand(2, 1, 16, 24) > 0.7).double()
    contour = (torch.rand(2, 1, 16, 24) > 0.9).double()
    terms = ReferringLoss()(prediction, mask, contour)

    def naive(logits: list[Tensor], truth: Tensor) -> Tensor:
        total = 0
        for scale in logits:
            block = truth.shape[2] // scale.shape[2]
            target = F.avg_pool2d(truth, block)
            p = scale.float().sigmoid().double()
            total += -(target * p.log() + (1 - target) * (1 - p).log()).mean()
        return total

    expected = naive(prediction.masks, mask) + naive(prediction.boundaries, contour)
    expected += naive(prediction.transformed, mask)
    torch.testing.assert_close(terms.total.double(), expected, rtol=1e-5, atol=1e-5)


def test_dice_of_a_perfect_and_of_an_opposite_answer():
    truth = torch.zeros(1, 1, 10, 10)
    truth[..., :5] = 1
    certain = (truth * 2 - 1) * 50
    assert dice_loss(certain, truth).item() == pytest.approx(0, abs=1e-6)
    assert dice_loss(-certain, truth).item() == pytest.approx(1, abs=0.01)
