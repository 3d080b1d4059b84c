"""Equal to the reference: arrays that the published code (run on MXNet), torchvision or plain loops made.

Needs --golden DIR. Bounds are what a torch network was found to keep. Where both sides went through a deep network in
float32, the golden array itself is off the same network in float64 by 1.6e-6 (features), 2.5e-6 (their warp) and 1.8e-5
(FGFA); there the bound leaves room for both sides' rounding, and the step alone, fed golden input, has a tighter one.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from impnet_model.detectors.seq_nms import final, seq_nms
from impnet_model.flows.flownet_s import FlowNetS
from impnet_model.flows.warp import flow_warp
from impnet_model.nets.aggregation import QualityNetwork, aggregate, cosine_weights, key_weight
from impnet_model.nets.anchors import base_anchors, grid_anchors
from impnet_model.nets.box_coder import decode, encode, iou
from impnet_model.nets.build import RESNET101
from impnet_model.nets.network import ImpressionNetwork
from impnet_model.nets.nms import nms, nms_by_class
from impnet_model.nets.roi_pooling import ps_roi_pool
from impnet_model.nets.rpn import RPN
from impnet_model.nets.task_network import RFCNTask
from impnet_model.nets.wirings import deep_feature_flow
from impnet_model.training.assignment import anchor_targets, class_and_box_loss, hard_examples, region_targets
from impnet_model.weights import tensor_names
from tests.impnet_model.golden_weights import fill, rule

Read = Callable[[str], Any]
Compare = Callable[..., None]


def tensor(array: Any) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array))


@pytest.fixture(scope="module")
def dff(golden_dir: Path) -> ImpressionNetwork:
    network = deep_feature_flow(RESNET101).eval()
    fill(network, tensor_names.mxnet_network(RESNET101.blocks, True, True, False), rule(golden_dir))
    return network


def propose(task: RFCNTask, features: Tensor, z: Any) -> Tensor:
    """The proposals, survivors repeated cyclically to as many rows as the golden array has."""
    height, width = (int(side) for side in z["im_info"][0, :2])
    anchors = task.rpn(task.split(features)[0])
    (boxes,) = task.rpn.propose(anchors.foreground(), anchors.deltas, height, width)
    return boxes[torch.arange(len(z["rois"])) % len(boxes)]


def check_heads(name: str, task: RFCNTask, features: Tensor, z: Any, compare: Compare) -> None:
    """Class probabilities and box offsets of DFF's test graph, on its own regions."""
    for_rfcn = task.split(features)[1]
    output = task.rfcn(for_rfcn, tensor(z["rois"]))
    compare(f"{name}: class probabilities", torch.softmax(output.logits, 1), z["cls_prob"][0], 2e-6, unit=1.0)
    compare(f"{name}: box offsets", output.deltas, z["bbox_pred"][0], 4e-6)


@torch.inference_mode()
def test_dff_key_graph(golden: Read, dff: ImpressionNetwork, compare: Compare) -> None:
    z = golden("dff_net_mxnet_key.npz")
    features = dff.feature(tensor(z["data_key"]))
    compare("key: features", features, z["feat_conv_3x3_relu"], 3e-6)
    assert isinstance(dff.task, RFCNTask)
    rpn = dff.task.rpn(dff.task.split(features)[0])
    compare("key: RPN scores", rpn.logits, z["rpn_cls_score"], 4e-6)
    compare("key: RPN offsets", rpn.deltas, z["rpn_bbox_pred"], 4e-6)
    n = z["rpn_cls_prob"].shape[1] // 2
    compare("key: RPN probabilities", rpn.foreground(), z["rpn_cls_prob"][:, n:], 1e-5)
    stored = tensor(z["feat_conv_3x3_relu"])
    compare("key: proposals on golden features (px)", propose(dff.task, stored, z), z["rois"][:, 1:], 1e-4, unit=1.0)
    check_heads("key", dff.task, features, z, compare)


@torch.inference_mode()
def test_dff_current_graph(golden: Read, dff: ImpressionNetwork, compare: Compare) -> None:
    z = golden("dff_net_mxnet_cur.npz")
    current, key = tensor(z["data"]), tensor(z["data_key"])
    assert isinstance(dff.flow, FlowNetS)
    assert isinstance(dff.task, RFCNTask)
    compare("current: flow network's input", dff.flow.prepare(current, key), z["resize_data"], 1e-6)
    flow, scale = dff.flow(current, key)
    assert scale is not None
    compare("current: flow", flow, z["flow"], 4e-6)
    compare("current: flow before x2.5", flow / dff.flow.cells_per_unit, z["flow_raw"], 4e-6)
    shown = z["scale_map_ch0_32"].shape[1]
    compare("current: scale map", scale[:, :shown], z["scale_map_ch0_32"], 4e-6)
    features = dff.feature(key)
    warped = flow_warp(features, flow)
    shown = z["warped_ch0_128"].shape[1]
    compare("current: warped features", warped[:, :shown], z["warped_ch0_128"], 8e-6)
    with_golden_flow = flow_warp(features, tensor(z["flow"]))
    compare("current: features warped by the golden flow", with_golden_flow[:, :shown], z["warped_ch0_128"], 4e-6)
    features = dff.propagate(features, current, key)
    distance = torch.cdist(tensor(z["rois"][:, 1:]), propose(dff.task, features, z), p=torch.inf).amin(dim=1)
    # The features differ by rounding, so a near tie may be ordered otherwise: one region in a hundred is let off.
    compare("current: proposals, nearest (px)", distance.quantile(0.99), 0.0, 5e-3, unit=1.0)
    check_heads("current", dff.task, features, z, compare)


def test_warp_and_its_gradients(golden: Read, compare: Compare) -> None:
    z = golden("warp_mxnet.npz")
    feature, flow = tensor(z["feat"]).requires_grad_(), tensor(z["flow"]).requires_grad_()
    out = flow_warp(feature, flow)
    out.backward(tensor(z["grad_out"]))
    compare("warp", out.detach(), z["out"], 4e-6)
    compare("warp: gradient for the feature", feature.grad, z["grad_feat"], 4e-6)
    compare("warp: gradient for the flow", flow.grad, z["grad_flow"], 4e-6)


@torch.inference_mode()
def test_proposals(golden: Read, compare: Compare) -> None:
    z = golden("proposal_mxnet.npz")
    probability = tensor(z["cls_prob"])
    n = probability.shape[1] // 2
    height, width = int(z["im_info"][0]), int(z["im_info"][1])
    (boxes,) = RPN().propose(probability[:, n:], tensor(z["bbox_pred_normalised"]), height, width)
    rows = torch.arange(len(z["rois"])) % len(boxes)
    compare("proposals (px)", boxes[rows], z["rois"][:, 1:], 6.2e-5, unit=1.0)  # one unit in the last place


@torch.inference_mode()
def test_position_sensitive_roi_pooling(golden: Read, compare: Compare) -> None:
    z = golden("psroi_mxnet.npz")
    out = ps_roi_pool(tensor(z["feat"]), tensor(z["rois"]), float(z["spatial_scale"]), int(z["pooled"]))
    compare("RoI pooling", out, z["out"], 4e-7)


def test_anchors(golden: Read, compare: Compare) -> None:
    z = golden("anchors_dff.npz")
    base = base_anchors(int(z["stride"]), z["scales"].tolist(), z["ratios"].tolist())
    compare("base anchors", base, z["base_anchors_9"], 0.0)
    rows, columns = (int(n) for n in z["feat_hw"])
    (grid,) = (z[name] for name in z.files if name.startswith("anchors_"))
    compare("anchors of a map", grid_anchors(base, rows, columns, int(z["stride"])), grid, 0.0)


def test_box_coding(golden: Read, compare: Compare) -> None:
    z = golden("box_coding_dff.npz")
    anchors, boxes = tensor(z["ex"]), tensor(z["gt"])
    compare("box offsets", encode(anchors, boxes), z["delta"], 1e-12)
    compare("boxes from offsets", decode(anchors, tensor(z["delta"])), z["decoded"], 1e-12)
    compare("IoU", iou(anchors, boxes), z["iou"], 1e-12)


def test_nms_of_the_peers(golden: Read, compare: Compare) -> None:
    z = golden("nms_torchvision.npz")
    boxes, scores = tensor(z["boxes"]), tensor(z["scores"])
    for threshold, name in ((0.3, "keep_plus1_iou03"), (0.7, "keep_plus1_iou07")):
        compare(f"NMS at {threshold}, +1", nms(boxes, scores, threshold), z[name], 0.0)


def test_nms_of_torchvision(golden: Read, compare: Compare) -> None:
    """Without the +1: a box whose exclusive corners are (x2, y2) has the inclusive ones (x2 - 1, y2 - 1)."""
    z = golden("nms_torchvision.npz")
    boxes = tensor(z["boxes"]).double() - torch.tensor([0, 0, 1, 1], dtype=torch.float64)
    scores, labels = tensor(z["scores"]), tensor(z["labels"])
    compare("IoU of torchvision", iou(boxes[:20], boxes[:20]), z["iou_first20"], 1e-6)
    for threshold, name in ((0.3, "keep_iou03"), (0.7, "keep_iou07")):
        compare(f"NMS at {threshold}, torchvision's", nms(boxes, scores, threshold), z[name], 0.0)
    one_hot = torch.zeros(len(boxes), int(labels.max()) + 1, dtype=torch.bool)
    one_hot[torch.arange(len(boxes)), labels] = True
    kept = nms_by_class(boxes, scores[:, None] * one_hot, one_hot, 0.3).nonzero()[:, 0]
    compare("NMS by class", kept[scores[kept].argsort(descending=True)], z["batched_keep_iou03"], 0.0)


@torch.inference_mode()
def test_flownet_of_pinard(golden: Read, golden_dir: Path, compare: Compare) -> None:
    z = golden("flownets_pinard.npz")
    network = FlowNetS(scale_channels=0).eval()
    without_bias = set(tensor_names.pinard_flownet().values())
    names = {a: b for a, b in tensor_names.mxnet_flownet(False).items() if b in without_bias}
    fill(network, names, rule(golden_dir))
    for level, flow in zip((6, 5, 4, 3, 2), network.pyramid(tensor(z["xa"])), strict=True):
        compare(f"FlowNet-S: flow{level}", flow, z[f"flow{level}_a"], 9e-6)
    compare("FlowNet-S: flow2, odd size", network.pyramid(tensor(z["xb"]))[-1], z["flow2_b"], 9e-6)


def test_average_pooling(golden: Read, compare: Compare) -> None:
    z = golden("avgpool_full_mxnet.npz")
    pooled = torch.nn.functional.avg_pool2d(tensor(z["x"]), 2, ceil_mode=True)
    compare("average pooling, ceil", pooled, z["out"], 1e-7)


def test_fgfa_weights(golden: Read, compare: Compare) -> None:
    z = golden("fgfa_weights_mxnet.npz")
    embed, feature, centre = tensor(z["embed"]), tensor(z["feat"]), int(z["cur_index"])
    weights = cosine_weights(embed, embed[centre : centre + 1])
    compare("FGFA weights", weights, z["weights"], 4e-7)
    compare("FGFA aggregated", (weights * feature).sum(0, keepdim=True), z["aggregated"], 4e-7)


@torch.inference_mode()
def test_fgfa_aggregation(golden: Read, golden_dir: Path, compare: Compare) -> None:
    z = golden("fgfa_aggregation_mxnet.npz")
    images, cached, centre = tensor(z["data_cache"]), tensor(z["feat_cache"]), int(z["center"])
    network = FlowNetS(scale_channels=0).eval()
    fill(network, tensor_names.mxnet_flownet(False), rule(golden_dir))
    flow, _ = network(images[centre : centre + 1].expand_as(images), images)
    compare("FGFA flow", flow, z["flow"], 4e-6)
    warped = flow_warp(cached, flow)
    channels = z["aggregated"].shape[1]
    features, embeddings = warped[:, :channels], warped[:, channels:]
    weights = cosine_weights(embeddings, embeddings[centre : centre + 1])
    compare("FGFA weights of warped embeddings", weights, z["weights"], 2e-5, unit=1.0)
    compare("FGFA aggregation", (weights * features).sum(0, keepdim=True), z["aggregated"], 6e-5, unit=1.0)
    warped = flow_warp(cached, tensor(z["flow"]))
    features, embeddings = warped[:, :channels], warped[:, channels:]
    weights = cosine_weights(embeddings, embeddings[centre : centre + 1])
    aggregated = (weights * features).sum(0, keepdim=True)
    compare("FGFA aggregation along the golden flow", aggregated, z["aggregated"], 2e-6, unit=1.0)


def test_impression_recurrence(golden: Read, compare: Compare) -> None:
    z = golden("impression_recurrence_numpy.npz")
    f, flow, scale = (tensor(z[name]) for name in ("f", "flow", "scale"))
    quality = QualityNetwork(f.shape[1], (len(z["b1"]), len(z["b2"]))).double()
    weights = [z["w1"], z["b1"], z["w2"][..., None, None], z["b2"], z["w3"][..., None, None], z["b3"]]
    quality.load_state_dict(dict(zip(quality.state_dict(), map(tensor, weights), strict=True)))
    gates = [name.removeprefix("task_g") for name in z.files if name.startswith("task_g")]
    with torch.inference_mode():
        for gate in gates:
            impression = task = f[:1]
            for k in range(1, len(f)):
                warped = flow_warp(impression, flow[k : k + 1]) * scale[k]
                w = key_weight(quality(warped), quality(f[k : k + 1]))
                task, impression, _ = aggregate(warped, f[k : k + 1], w, float(gate))
                for name, value in (("task", task), ("imp", impression), ("w", w[:, 0])):
                    compare(f"impression: {name}, g = {gate}", value[0], z[f"{name}_g{gate}"][k], 1e-13)


def test_names_of_published_weights(golden_dir: Path) -> None:
    """Every name of the reference's tables maps to the tensor that ours has for it, and back."""
    for needed in ("resnet101_key_map_torchvision_to_caffe.json", "flownets_keys.json", "dff_mxnet_param_shapes.json"):
        if not (golden_dir / needed).is_file():
            pytest.skip(f"{needed} is not in the golden folder")
    read = {path.name: json.loads(path.read_text()) for path in golden_dir.glob("*.json")}
    caffe = tensor_names.caffe_resnet(RESNET101.blocks)
    assert caffe == {b: a for a, b in read["resnet101_key_map_torchvision_to_caffe.json"].items()}
    tables = [
        tensor_names.mxnet_flownet(False),
        tensor_names.pinard_flownet(),
        tensor_names.mega_flownet(False),
        tensor_names.mmtracking_flownet(),
    ]
    for row in read["flownets_keys.json"]["map"]:
        for name, table in zip(row, tables, strict=True):
            ours = tables[0][row[0]]
            assert (table[name] == ours) if name is not None else (ours not in table.values())
    network = tensor_names.mxnet_network(RESNET101.blocks, True, True, False)
    shapes = {name: tuple(shape) for name, shape in read["dff_mxnet_param_shapes.json"].items()}
    state = deep_feature_flow(RESNET101).state_dict()
    assert {theirs: tuple(state[ours].shape) for theirs, ours in network.items()} == shapes
    assert set(network.values()) == set(state)


def test_seq_nms(golden: Read, compare: Compare) -> None:
    z = golden("seq_nms_fgfa.npz")
    n_frames = int(z["T"])
    for c in z["classes"].tolist():
        rows = [z[f"in_{c}_{t}"].reshape(-1, 5) for t in range(n_frames)]
        results = seq_nms([each[:, :4] for each in rows], [each[:, 4] for each in rows])
        for t, (kept, scores) in enumerate(results):
            out = np.column_stack([rows[t][kept, :4], scores])
            compare(f"Seq-NMS: class {c}", out, z[f"out_{c}_{t}"].reshape(-1, 5), 1e-12)
            last = out[final(out[:, :4], scores, 0.3)]
            compare(f"Seq-NMS, final: class {c}", last, z[f"final_{c}_{t}"].reshape(-1, 5), 1e-12)


def test_targets_of_anchors(golden: Read, compare: Compare) -> None:
    z = golden("rpn_targets_dff.npz")
    rows, columns = (int(n) for n in z["feat_hw"])
    base = base_anchors()
    anchors = grid_anchors(base, rows, columns, 16)
    targets = anchor_targets(anchors, tensor(z["gt_boxes"][:, :4]), *z["im_info"][:2].tolist())
    labels = targets.labels.view(rows, columns, len(base)).permute(2, 0, 1).flatten()  # theirs are in order (a, h, w)
    compare("labels of anchors", labels, z["label"][0], 0.0)
    deltas = targets.deltas.view(rows, columns, -1).permute(2, 0, 1)
    compare("offsets of anchors", deltas, z["bbox_target"][0] * z["bbox_weight"][0], 4e-7)


def test_targets_of_regions_and_hard_examples(golden: Read, compare: Compare) -> None:
    z = golden("rcnn_targets_ohem_dff.npz")
    objects = tensor(z["gt_boxes"])
    targets = region_targets(tensor(z["rois"][:, 1:]), objects[:, :4], objects[:, 4].long() - 1)
    compare("labels of regions", targets.labels, z["label"], 0.0)
    compare("offsets of regions", targets.deltas, z["bbox_target"][:, 4:], 4e-7)
    logits, deltas = tensor(z["cls_score"]).requires_grad_(), tensor(z["bbox_pred"])[:, 4:]
    hard = hard_examples(logits, deltas, targets)
    compare("labels after OHEM", hard.labels, z["label_ohem"], 0.0)
    compare("box weights after OHEM", (hard.labels > 0).float(), z["bbox_weight_ohem"][:, 4], 0.0)
    class_loss, box_loss = class_and_box_loss(logits, deltas, hard, 128)
    compare("class loss", class_loss.detach(), z["loss_cls_mean_over_kept"], 1e-6)
    compare("box loss", box_loss, z["loss_bbox_sum_over_128"], 1e-6)
    class_loss.backward()
    compare("gradient of the class loss", logits.grad, z["grad_cls_score"], 1e-6)


def test_smooth_l1(golden: Read, compare: Compare) -> None:
    z = golden("fgfa_weights_mxnet.npz")
    x = tensor(z["smooth_l1_x"])
    for sigma in (1, 3):
        loss = torch.nn.functional.smooth_l1_loss(x, torch.zeros_like(x), reduction="none", beta=1 / sigma**2)
        compare(f"smooth L1, sigma {sigma}", loss, z[f"smooth_l1_sigma{sigma}"], 4e-7)
