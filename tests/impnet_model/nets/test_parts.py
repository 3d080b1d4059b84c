"""The parts against naive loops, on random, empty, single, tied and degenerate input."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from impnet_model.data.images import CAFFE, GREY_MEAN, TORCHVISION, resize_bilinear, to_image
from impnet_model.data.resize import Resize
from impnet_model.detectors.inference import for_inference
from impnet_model.detectors.seq_nms import seq_nms
from impnet_model.flows.flownet_s import FlowNetS
from impnet_model.flows.warp import flow_warp
from impnet_model.flows.zero import ZeroFlow
from impnet_model.nets.aggregation import (
    FixedQuality,
    QualityNetwork,
    aggregate,
    check_gate,
    cosine_weights,
    key_weight,
)
from impnet_model.nets.anchors import base_anchors, grid_anchors
from impnet_model.nets.box_coder import clip, decode, encode, iou
from impnet_model.nets.build import BLOCKS, BUILDS, TINY, Build
from impnet_model.nets.feature_network import BasicBlock, Bottleneck, FixedBatchNorm, ResNetFeatures
from impnet_model.nets.network import ImpressionNetwork
from impnet_model.nets.nms import (
    _by_blocks,
    _kept_at_once,
    _kept_by_rank,
    nms,
    nms_by_class,
    nms_sorted,
    torchvision_nms,
)
from impnet_model.nets.rfcn import RFCN
from impnet_model.nets.roi_pooling import ps_roi_pool
from impnet_model.nets.rpn import DELTA_STD, RPN
from impnet_model.nets.task_network import PostProcessing, RFCNTask, View, post_process, with_image_index
from impnet_model.nets.wirings import feature_network, impression, impression_frozen, wired
from tests.impnet_model import oracles
from tests.impnet_model.makers import SMALL

CPU = torch.device("cpu")


def random(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def random_boxes(n: int, size: float = 100.0, seed: int = 0, whole: bool = False) -> torch.Tensor:
    rng = np.random.default_rng(seed)
    corner, sides = rng.uniform(-10, size, (n, 2)), rng.uniform(0, size / 2, (n, 2))
    boxes = np.concatenate([corner, corner + sides], axis=1)
    return torch.from_numpy(np.round(boxes) if whole else boxes).float()


# -- images ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("height", "width", "wanted"),
    [
        (720, 1280, (562, 1000, 0.78125)),
        (480, 640, (600, 800, 1.25)),
        (1280, 720, (1000, 562, 0.78125)),
        (600, 1000, (600, 1000, 1.0)),
        (1, 5000, (1, 1000, 0.2)),
    ],
)
def test_resize_rule(height: int, width: int, wanted: tuple[int, int, float]) -> None:
    assert Resize()(height, width) == pytest.approx(wanted)


def test_resize_rejects_an_impossible_rule() -> None:
    with pytest.raises(ValueError, match="shorter side 20"):
        Resize(20, 10)


@pytest.mark.parametrize(("height", "width", "shorter", "longer"), [(13, 17, 29, 99), (30, 40, 11, 13), (1, 1, 3, 9)])
def test_resizing_equals_the_loop(height: int, width: int, shorter: int, longer: int) -> None:
    image = np.random.default_rng(0).uniform(0, 255, (height, width, 3))
    h, w, scale = Resize(shorter, longer)(height, width)
    ours = resize_bilinear(torch.from_numpy(image).permute(2, 0, 1)[None], h, w, scale)[0].permute(1, 2, 0)
    np.testing.assert_allclose(ours.numpy(), oracles.resize_bilinear(image, h, w, scale), atol=1e-9)


def test_an_image_is_whole_grey_levels_minus_the_mean() -> None:
    frame = np.random.default_rng(0).integers(0, 256, (20, 30, 3)).astype(np.uint8)
    image = to_image(frame, Resize(31, 99), CPU, torch.float32)
    levels = image.pixels[0] + torch.tensor(GREY_MEAN)[:, None, None]
    torch.testing.assert_close(levels, levels.round(), atol=1e-4, rtol=0)
    assert (image.height, image.width, image.scale) == (20, 30, 31 / 20)


@pytest.mark.parametrize("change", [np.asfortranarray, lambda f: f[:, ::-1], lambda f: np.frombuffer(f, np.uint8)])
def test_frames_may_be_read_only_or_views(change: Any) -> None:
    frame = np.random.default_rng(0).integers(0, 256, (6, 8, 3)).astype(np.uint8)
    given = change(frame).reshape(6, 8, 3)
    plain = to_image(given.copy(order="C"), Resize(9, 99), CPU, torch.float32)
    assert torch.equal(to_image(given, Resize(9, 99), CPU, torch.float32).pixels, plain.pixels)


def test_pixel_pipelines() -> None:
    rgb = random(1, 3, 4, 5).abs() * 50
    canonical = rgb - torch.tensor(GREY_MEAN).view(1, 3, 1, 1)
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (TORCHVISION.mean, TORCHVISION.std))
    torch.testing.assert_close(TORCHVISION.from_canonical(canonical), (rgb / 255 - mean) / std, atol=1e-5, rtol=1e-5)
    assert CAFFE.from_canonical(canonical) is canonical


@pytest.mark.parametrize("bad", [np.zeros((4, 5), np.uint8), np.zeros((4, 5, 3)), np.zeros((0, 5, 3), np.uint8)])
def test_no_frame_no_image(bad: np.ndarray) -> None:
    with pytest.raises(ValueError, match="wanted uint8"):
        to_image(bad, Resize(), CPU, torch.float32)


# -- warp --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(7, 9), (1, 6), (6, 1), (1, 1), (2, 2)])
def test_warp_equals_the_loop(size: tuple[int, int]) -> None:
    feature, flow = random(2, 3, *size).double(), (random(2, 2, *size, seed=1) * 3).double()
    flow[0, :, 0, 0] = torch.tensor([30.0, -30.0])
    expected = np.stack([oracles.warp(f.numpy(), u.numpy()) for f, u in zip(feature, flow, strict=True)])
    np.testing.assert_allclose(flow_warp(feature, flow).numpy(), expected, atol=1e-12)


@pytest.mark.parametrize("size", [(38, 63), (1, 5), (5, 1), (1, 1)])
def test_zero_flow_changes_nothing(size: tuple[int, int]) -> None:
    feature = random(1, 4, *size)
    torch.testing.assert_close(flow_warp(feature, torch.zeros(1, 2, *size)), feature, atol=2e-5, rtol=0)
    precise = feature.double()
    torch.testing.assert_close(flow_warp(precise, torch.zeros(1, 2, *size).double()), precise, atol=1e-13, rtol=0)


def test_a_whole_number_of_cells_shifts() -> None:
    feature = random(1, 2, 5, 6).double()
    flow = torch.zeros(1, 2, 5, 6).double()
    flow[:, 0] = 2
    torch.testing.assert_close(flow_warp(feature, flow)[..., :4], feature[..., 2:])
    assert flow_warp(feature, flow)[..., 4:].abs().max() < 1e-12


def test_warp_keeps_half_precision_geometry_precise() -> None:
    feature, flow = random(1, 4, 38, 63).half(), random(1, 2, 38, 63).half()
    exact = flow_warp(feature.float(), flow.float())
    assert (flow_warp(feature, flow).float() - exact).abs().max() < 2e-3


def test_warp_gradients() -> None:
    feature, flow = random(1, 2, 4, 5).double().requires_grad_(), random(1, 2, 4, 5, seed=3).double().requires_grad_()
    assert torch.autograd.gradcheck(flow_warp, (feature, flow), eps=1e-7, atol=1e-5)


@pytest.mark.parametrize("flow", [torch.zeros(1, 2, 4, 4), torch.zeros(2, 2, 4, 5), torch.zeros(1, 3, 4, 5)])
def test_warp_rejects_other_shapes(flow: torch.Tensor) -> None:
    with pytest.raises(ValueError, match="flow_warp"):
        flow_warp(torch.zeros(1, 2, 4, 5), flow)


# -- feature network ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stride", [8, 16])
@pytest.mark.parametrize("size", [(33, 47), (64, 48), (17, 16)])
def test_feature_map_sizes(stride: int, size: tuple[int, int]) -> None:
    network = ResNetFeatures(BasicBlock, (1, 1, 1, 1), (8, 8, 8, 8), 8, 6, stride)
    assert network(torch.zeros(1, 3, *size)).shape == (1, 6, -(-size[0] // stride), -(-size[1] // stride))


def test_the_last_stage_is_dilated_in_all_its_blocks() -> None:
    network = feature_network(Build(blocks=BLOCKS[50]))
    convs = [m for m in network.layer4.modules() if isinstance(m, nn.Conv2d) and m.kernel_size == (3, 3)]
    assert [conv.dilation for conv in convs] == [(2, 2)] * 3
    assert all(conv.stride == (1, 1) for conv in network.layer4.modules() if isinstance(conv, nn.Conv2d))
    assert (network.feat_conv.dilation, network.feat_conv.padding, network.stride) == ((6, 6), (6, 6), 16)


@pytest.mark.parametrize(("placement", "strided"), [("caffe", "conv1"), ("torchvision", "conv2")])
def test_stride_placement(placement: str, strided: str) -> None:
    block = Bottleneck(8, 4, 2, 1, FixedBatchNorm, placement)
    assert {name: m.stride for name, m in block.named_children() if isinstance(m, nn.Conv2d)} == {
        name: (2, 2) if name == strided else (1, 1) for name in ("conv1", "conv2", "conv3")
    }


def test_fixed_batch_norm_is_fixed_while_training() -> None:
    norm = FixedBatchNorm(4).train()
    norm.running_mean += 1
    norm.running_var *= 4
    x = random(2, 4, 3, 3)
    torch.testing.assert_close(norm(x), (x - 1) / (4 + 1e-5) ** 0.5)
    assert set(dict(norm.named_parameters())) == {"weight", "bias"}


def test_published_depths_have_their_parameters() -> None:
    """ImageNet ResNets without classifier: 11.18, 21.28, 23.51 and 42.50 M parameters, without the 3x3 convolution."""
    for name, millions in (("resnet18", 11.18), ("resnet34", 21.28), ("resnet50", 23.51), ("resnet101", 42.50)):
        with torch.device("meta"):
            network = feature_network(BUILDS[name])
        own = sum(p.numel() for key, p in network.named_parameters() if not key.startswith("feat_conv"))
        assert own / 1e6 == pytest.approx(millions, abs=0.01)


def test_the_tiny_build_is_small() -> None:
    network = impression(TINY)
    assert 0.5e6 < sum(p.numel() for p in network.parameters()) < 2e6
    assert network.feature.stride == 8


def test_folded_batch_norm_computes_the_same() -> None:
    build = Build(blocks=(1, 1, 1, 1), widths=(8, 8, 8, 8), stem_width=8, channels=16, flow_widths=(4,) * 6)
    for bottleneck in (True, False):
        network = wired("per-frame", Build(**{**vars(build), "bottleneck": bottleneck})).eval()
        for norm in network.modules():
            if isinstance(norm, FixedBatchNorm):
                norm.running_mean.normal_(0, 0.5)
                norm.running_var.uniform_(0.5, 2)
                nn.init.uniform_(norm.weight, 0.5, 1.5)
        images = random(1, 3, 50, 40) * 50
        ready = for_inference(network, CPU)
        assert not any(isinstance(m, FixedBatchNorm) for m in ready.modules())
        with torch.inference_mode():
            expected, folded = network.feature(images), ready.feature(images)
        assert (expected - folded).abs().max() <= 5e-6 * expected.abs().max()
        assert any(isinstance(m, FixedBatchNorm) for m in network.modules())


# -- flow network ------------------------------------------------------------------------------------------------------


def small_flow(**numbers: int) -> FlowNetS:
    return FlowNetS(**{"scale_channels": 5, **numbers}, widths=(4, 4, 6, 6, 8, 8), up_widths=(6, 6, 4, 4)).eval()


@pytest.mark.parametrize(("stride", "pool"), [(16, 2), (8, 2), (8, 1), (16, 1)])
@pytest.mark.parametrize("size", [(65, 97), (64, 64), (150, 203), (16, 17)])
def test_flow_has_the_size_of_the_features(stride: int, pool: int, size: tuple[int, int]) -> None:
    flow, scale = small_flow(stride=stride, input_pool=pool)(*torch.zeros(2, 1, 3, *size))
    cells = (-(-size[0] // stride), -(-size[1] // stride))
    assert flow.shape == (1, 2, *cells)
    assert scale is not None
    assert scale.shape == (1, 5, *cells)


def test_the_scale_map_is_one_at_first_and_its_bias_is_never_learned() -> None:
    network = small_flow()
    _, scale = network(*(random(2, 1, 3, 64, 64) * 50))
    assert scale is not None
    assert (scale == 1).all()
    assert network.scale is not None
    assert network.scale.weight.requires_grad
    assert network.scale.bias is not None
    assert not network.scale.bias.requires_grad


def test_flow_units() -> None:
    assert FlowNetS(0).cells_per_unit == 2.5
    assert small_flow(stride=8, input_pool=1).cells_per_unit == 2.5
    assert small_flow(stride=8, input_pool=2).cells_per_unit == 5


def test_the_current_image_comes_first() -> None:
    network = small_flow()
    a, b = random(2, 1, 3, 32, 32) * 50
    pair = network.prepare(a, b)
    assert pair.shape == (1, 6, 16, 16)
    torch.testing.assert_close(pair[:, :3], nn.functional.avg_pool2d(a / 255, 2))


def test_flow_network_rejects_strides_it_cannot_reach() -> None:
    with pytest.raises(ValueError, match="stride 4"):
        FlowNetS(0, stride=4)


# -- aggregation -------------------------------------------------------------------------------------------------------


def test_equal_scores_give_the_mean() -> None:
    warped, feature = random(2, 1, 6, 4, 5)
    weight = key_weight(*[FixedQuality(6)(f) for f in (warped, feature)])
    task, impression_, _ = aggregate(warped, feature, weight)
    torch.testing.assert_close(task, (warped + feature) / 2)
    assert torch.equal(task, impression_)


def test_weights_sum_to_one_and_prefer_the_better() -> None:
    a, b = random(2, 1, 1, 4, 5)
    torch.testing.assert_close(key_weight(a, b) + key_weight(b, a), torch.ones(1, 1, 4, 5))
    assert (key_weight(a, a + 1) > 0.5).all()
    torch.testing.assert_close(key_weight(a, b), torch.sigmoid(b - a))


def test_gate_zero_remembers_the_keyframe_alone() -> None:
    warped, feature = random(2, 1, 6, 4, 5)
    assert torch.equal(aggregate(warped, feature, torch.full((1, 1, 4, 5), 0.3), 0.0).impression, feature)


def test_gate_between() -> None:
    warped, feature = random(2, 1, 6, 4, 5)
    task, impression_, _ = aggregate(warped, feature, torch.full((1, 1, 4, 5), 0.3), 0.25)
    torch.testing.assert_close(impression_, 0.75 * feature + 0.25 * task)


@pytest.mark.parametrize("gate", [-0.1, 1.5, float("nan")])
def test_gate_outside_is_refused(gate: float) -> None:
    with pytest.raises(ValueError, match="gate"):
        check_gate(gate)


def test_quality_network_scores_each_position() -> None:
    assert QualityNetwork(8, (6, 4))(random(2, 8, 5, 3)).shape == (2, 1, 5, 3)


def test_cosine_weights() -> None:
    e = random(3, 4, 2, 2).double()
    weights = cosine_weights(e, e[1:2])
    lengths = (e**2).sum(1, keepdim=True).sqrt()
    cosine = (e * e[1:2]).sum(1, keepdim=True) / lengths / lengths[1:2]
    torch.testing.assert_close(weights, torch.softmax(cosine, 0), atol=1e-8, rtol=0)
    assert weights.max() / weights.min() <= np.exp(2)
    torch.testing.assert_close(cosine_weights(torch.zeros_like(e), e[:1]), torch.full((3, 1, 2, 2), 1 / 3).double())


# -- boxes -------------------------------------------------------------------------------------------------------------


def test_anchors_equal_the_loop() -> None:
    for base, scales, ratios in ((16, [8, 16, 32], [0.5, 1, 2]), (8, [1.25, 2.5], [0.5, 1, 2, 3])):
        np.testing.assert_allclose(base_anchors(base, scales, ratios), oracles.base_anchors(base, scales, ratios))
    grid = grid_anchors(base_anchors(), 3, 2, 16).view(3, 2, 9, 4)
    np.testing.assert_allclose(grid[2, 1], base_anchors() + torch.tensor([16.0, 32, 16, 32]))


def test_coding_a_box_and_back() -> None:
    anchors, boxes = random_boxes(50).double(), random_boxes(50, seed=1).double()
    torch.testing.assert_close(decode(anchors, encode(anchors, boxes)), boxes)
    assert encode(anchors, anchors).abs().max() == 0


def test_clip() -> None:
    boxes = torch.tensor([[-5.0, -5, 500, 400], [3, 4, 5, 6]])
    assert clip(boxes, 200, 250).tolist() == [[0, 0, 249, 199], [3, 4, 5, 6]]


def test_iou_equals_the_loop() -> None:
    a, b = random_boxes(9).double(), random_boxes(7, seed=1).double()
    np.testing.assert_allclose(iou(a, b), [[oracles.iou(x, y) for y in b.numpy()] for x in a.numpy()])
    assert iou(a[:0], b).shape == (0, 7)


@pytest.mark.parametrize("n", [0, 1, 2, 60, 400])
@pytest.mark.parametrize("threshold", [0.0, 0.3, 0.7])
def test_nms_equals_the_loop(n: int, threshold: float) -> None:
    boxes = random_boxes(n, seed=n, whole=True).double()
    scores = torch.from_numpy(np.random.default_rng(n).integers(0, 20, n) / 20)  # many ties
    order = scores.argsort(descending=True, stable=True)
    for run in (nms_sorted, _by_blocks):
        ours = order[run(boxes[order], threshold)]
        assert ours.tolist() == oracles.nms(boxes.numpy(), scores.numpy(), threshold)


def test_nms_of_equal_boxes_keeps_the_first() -> None:
    boxes = torch.tensor([[0.0, 0, 9, 9]]).repeat(300, 1)
    assert nms(boxes, torch.linspace(0, 1, 300), 0.5).tolist() == [299]


def test_nms_stops_at_the_limit() -> None:
    boxes, scores = random_boxes(500, 1000.0), torch.rand(500, generator=torch.Generator().manual_seed(0))
    assert torch.equal(nms(boxes, scores, 0.5, 10), nms(boxes, scores, 0.5)[:10])


@pytest.mark.skipif(torchvision_nms() is None, reason="torchvision doesn't import here")
def test_nms_equals_torchvision() -> None:
    boxes, scores = random_boxes(2000, 300.0), torch.rand(2000, generator=torch.Generator().manual_seed(0))
    order = scores.argsort(descending=True)
    assert torch.equal(nms_sorted(boxes[order], 0.5), _by_blocks(boxes[order], 0.5))


@pytest.mark.parametrize("n", [0, 1, 40])
def test_nms_by_class_equals_the_loop(n: int) -> None:
    boxes = random_boxes(n, 40, seed=3)
    scores = torch.from_numpy(np.random.default_rng(1).integers(0, 30, (n, 4)) / 30)
    candidates = scores > 0.3
    overlaps = (iou(boxes, boxes) > 0.3).fill_diagonal_(False)
    for kept in (
        nms_by_class(boxes, scores, candidates, 0.3),
        _kept_by_rank(overlaps, scores, candidates),
        _kept_at_once(overlaps, scores, candidates),
    ):
        for c in range(4):
            rows = candidates[:, c].nonzero()[:, 0].numpy()
            expected = oracles.nms(boxes.double().numpy()[rows], scores[:, c].numpy()[rows], 0.3)
            assert sorted(rows[expected]) == kept[:, c].nonzero()[:, 0].tolist()


# -- RoI pooling and proposals -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("bins", [1, 3, 7])
def test_roi_pooling_equals_the_loop(bins: int) -> None:
    features = random(2, 2 * bins * bins, 9, 12)
    boxes = random_boxes(40, 150.0)
    degenerate = torch.tensor(
        [[0.5, 0.5, 0.5, 0.5], [2.5, 3.5, 1.0, 1.0], [-50, -50, -30, -30], [500, 500, 600, 600], [0, 0, 191, 143]]
    )
    boxes = torch.cat([boxes, degenerate, torch.full((1, 4), -0.5)])
    rois = torch.cat([torch.arange(len(boxes)).remainder(2)[:, None].float(), boxes], dim=1)
    expected = oracles.ps_roi_pool(features.double().numpy(), rois.numpy(), 1 / 16, bins)
    np.testing.assert_allclose(ps_roi_pool(features, rois, 1 / 16, bins), expected, atol=1e-6)
    assert ps_roi_pool(features, rois[:0], 1 / 16, bins).shape == (0, 2, bins, bins)


def test_roi_pooling_is_precise_where_sums_are_large() -> None:
    """Means of small regions beside huge values: differences of float32 sums would have no right digit left."""
    features = random(1, 9, 30, 40)
    features[:, :, :5] += 1e6
    rois = torch.tensor([[0.0, 400, 320, 480, 400]])
    expected = oracles.ps_roi_pool(features.double().numpy(), rois.numpy(), 1 / 16, 3)
    np.testing.assert_allclose(ps_roi_pool(features, rois, 1 / 16, 3), expected, atol=1e-6)


def test_roi_pooling_gradients() -> None:
    rois = torch.tensor([[0.0, 0, 0, 60, 40], [0, 20, 10, 90, 70]])
    features = random(1, 8, 5, 6).double().requires_grad_()
    assert torch.autograd.gradcheck(lambda f: ps_roi_pool(f, rois, 1 / 16, 2), (features,))


def test_roi_pooling_rejects_other_channels() -> None:
    with pytest.raises(ValueError, match="10 channels"):
        ps_roi_pool(torch.zeros(1, 10, 3, 3), torch.zeros(1, 5), 1.0, 3)


@pytest.mark.parametrize("size", [(60, 90), (64, 96), (70, 33)])
def test_proposals_equal_the_loop(size: tuple[int, int]) -> None:
    rpn = RPN(4, 16, (1, 2), (0.5, 1.0), before_nms=40, after_nms=12, nms_threshold=0.6)
    rows, columns = (-(-side // 16) for side in size)
    foreground, deltas = random(2, 4, rows, columns).sigmoid(), random(2, 16, rows, columns, seed=1)
    proposed = rpn.propose(foreground, deltas, *size)
    for image in range(2):
        raw = deltas[image].double().numpy() * np.tile(DELTA_STD, 4)[:, None, None]
        anchors = oracles.base_anchors(16, [1, 2], [0.5, 1])
        expected = oracles.proposals(foreground[image].double().numpy(), raw, anchors, 16, *size, 40, 12, 0.6)
        np.testing.assert_allclose(proposed[image], expected, atol=1e-4)


def test_no_gradient_flows_through_proposals() -> None:
    rpn = RPN(4)
    output = rpn(random(1, 4, 3, 4).requires_grad_())
    assert not rpn.propose(output.foreground(), output.deltas, 48, 64)[0].requires_grad


# -- task network ------------------------------------------------------------------------------------------------------


def small_task() -> RFCNTask:
    return RFCNTask(RPN(8, 16, after_nms=20), RFCN(4, 8, 16, 3)).eval()


def test_detections_are_sorted_inside_the_frame_and_capped() -> None:
    with torch.inference_mode():
        (found,) = small_task().detect(random(1, 16, 6, 8), View(90, 120, 0.5), PostProcessing(limit=7))
    assert len(found.boxes) == len(found.scores) == len(found.labels) == 7
    assert found.scores.tolist() == sorted(found.scores.tolist(), reverse=True)
    assert found.boxes.min() >= 0
    assert (found.boxes <= torch.tensor([238.0, 178, 238, 178])).all()
    assert set(found.labels.tolist()) <= set(range(4))


def test_post_processing_equals_the_loop() -> None:
    task = small_task()
    features, view = random(1, 16, 6, 8), View(90, 120, 0.5)
    with torch.inference_mode():
        a = task.rpn(features[:, :8])
        (regions,) = task.rpn.propose(a.foreground(), a.deltas, 90, 120)
        output = task.rfcn(features[:, 8:], torch.cat([torch.zeros(len(regions), 1), regions], 1))
        found = post_process(output, regions, view, PostProcessing())
        raw = post_process(output, regions, view, PostProcessing(nms_threshold=None, limit=1))
    assert len(raw.scores) == 4 * len(regions)
    rows = []
    for c in range(4):
        mine = (raw.labels == c).nonzero()[:, 0].numpy()
        kept = oracles.nms(raw.boxes.double().numpy()[mine], raw.scores.numpy()[mine], 0.3)
        rows += [(float(raw.scores[i]), c) for i in mine[kept]]
    assert sorted(zip(found.scores.tolist(), found.labels.tolist(), strict=True)) == sorted(rows)


# -- network -----------------------------------------------------------------------------------------------------------


def test_networks_that_do_not_fit_are_refused() -> None:
    feature = ResNetFeatures(BasicBlock, (1, 1, 1, 1), (8, 8, 8, 8), 8, 16, 16)
    with pytest.raises(ValueError, match="channels: the feature network gives 16, the task network is made for 8"):
        ImpressionNetwork(feature, RFCNTask(RPN(4), RFCN(2, 4)))
    with pytest.raises(ValueError, match="stride: the feature network gives 16, the flow network is made for 8"):
        ImpressionNetwork(feature, small_task(), ZeroFlow(8))
    with pytest.raises(ValueError, match="scale map"):
        ImpressionNetwork(feature, small_task(), small_flow())


def test_a_missing_network_is_named() -> None:
    network = wired("per-frame", TINY)
    with pytest.raises(ValueError, match="no flow network"):
        network.propagate(torch.zeros(1), torch.zeros(1), torch.zeros(1))
    with pytest.raises(ValueError, match="no quality network"):
        network.fuse(torch.zeros(1), torch.zeros(1))


def test_zero_flow_propagates_the_feature_as_it_is() -> None:
    base = impression(TINY)
    network = base.with_parts(flow=ZeroFlow(8))
    images, feature = torch.zeros(2, 1, 3, 40, 50), random(1, 128, 5, 7)
    torch.testing.assert_close(network.propagate(feature, *images), feature, atol=1e-6, rtol=0)


def test_the_frozen_ablation_trains_quality_and_task_alone() -> None:
    trained = {name.split(".")[0] for name, p in impression_frozen(TINY).named_parameters() if p.requires_grad}
    assert trained == {"quality", "task"}


@pytest.mark.parametrize("norm", ["fixed", "group"])
def test_gradients_reach_every_network_end_to_end(norm: str) -> None:
    """Sec. 3.2: the loss on the current frame trains N_feat, F with its scale map, N_q and N_task."""
    build = replace(SMALL, norm=norm)
    network = impression(build).train()
    assert isinstance(network.task, RFCNTask)
    old, current, new = random(3, 1, 3, 48, 64) * 50
    warped = network.propagate(network.feature(old), new, old)
    fused = network.fuse(warped, network.feature(new))
    features = network.propagate(fused.task, current, new)
    for_rpn, for_rfcn = network.task.split(features)
    anchors = network.task.rpn(for_rpn)
    (regions,) = network.task.rpn.propose(anchors.foreground(), anchors.deltas, 48, 64)
    output = network.task.rfcn(for_rfcn, with_image_index([regions]))
    loss = anchors.logits.square().sum() + anchors.deltas.square().sum()
    loss = loss + output.logits.square().sum() + output.deltas.square().sum()
    loss.backward()
    without = {name for name, p in network.named_parameters() if p.requires_grad and p.grad is None}
    assert without == set()
    trained = {name for name, p in network.named_parameters() if p.requires_grad}
    assert all(torch.isfinite(p.grad).all() for p in network.parameters() if p.grad is not None)
    assert "flow.scale.bias" not in trained
    assert {name.split(".")[0] for name in trained} == {"feature", "flow", "quality", "task"}


# -- Seq-NMS -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(6))
def test_seq_nms_equals_the_loop(seed: int) -> None:
    rng = np.random.default_rng(seed)
    boxes, scores = [], []
    for _ in range(int(rng.integers(1, 7))):
        n = int(rng.integers(0, 8))
        corner = rng.uniform(0, 30, (n, 2))
        boxes.append(np.concatenate([corner, corner + rng.uniform(15, 40, (n, 2))], axis=1))
        scores.append(rng.integers(1, 20, n) / 20 if seed % 2 else rng.uniform(0, 1, n))
    ours = seq_nms(boxes, scores)
    theirs = oracles.seq_nms(boxes, scores, 0.5, 0.3, 0.01)
    for (kept, rescored), frame in zip(ours, theirs, strict=True):
        assert kept.tolist() == sorted(frame)
        np.testing.assert_allclose(rescored, [frame[i] for i in sorted(frame)])


def test_seq_nms_of_nothing() -> None:
    assert seq_nms([], []) == []
    none = np.zeros((0, 4))
    assert [len(kept) for kept, _ in seq_nms([none, none], [np.zeros(0)] * 2)] == [0, 0]
