"""The wiring: the one file with the paper's numbers, and one function for each row of Tables 1 and 3."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from torch import nn

from impnet_model.data.images import CAFFE, TORCHVISION, Resize
from impnet_model.flows.flownet_s import FlowNetS
from impnet_model.nets.aggregation import EmbeddingNetwork, FixedQuality, QualityNetwork
from impnet_model.nets.feature_network import (
    BLOCKS,
    BasicBlock,
    Bottleneck,
    FixedBatchNorm,
    ResNetFeatures,
    StridePlacement,
    group_norm,
)
from impnet_model.nets.network import ImpressionNetwork
from impnet_model.nets.rfcn import RFCN
from impnet_model.nets.rpn import RPN
from impnet_model.nets.task_network import RFCNTask


@dataclass(frozen=True)
class Build:
    """The numbers of a build; the defaults are the paper's (Sec. 3.3, 4.1). Plain values: a checkpoint keeps them."""

    n_classes: int = 30
    blocks: tuple[int, ...] = BLOCKS[101]
    bottleneck: bool = True
    widths: tuple[int, ...] = (64, 128, 256, 512)
    stem_width: int = 64
    channels: int = 1024
    stride: int = 16
    placement: StridePlacement = "caffe"
    pixels: Literal["caffe", "torchvision"] = "caffe"
    norm: Literal["fixed", "group"] = "fixed"
    norm_eps: float = 1e-5
    feature_dilation: int = 6
    feature_std: float | None = 0.01
    flow_widths: tuple[int, ...] = (64, 128, 256, 512, 512, 1024)
    flow_up_widths: tuple[int, ...] = (512, 256, 128, 64)
    flow_input_pool: int = 2
    anchor_scales: tuple[float, ...] = (8, 16, 32)
    anchor_ratios: tuple[float, ...] = (0.5, 1.0, 2.0)
    before_nms: int = 6000
    after_nms: int = 300
    bins: int = 7
    quality_widths: tuple[int, int] = (256, 16)
    embedding_widths: tuple[int, int] = (512, 2048)
    shorter: int = 600
    longer: int = 1000

    def resize(self) -> Resize:
        """Return the size rule of the images."""
        return Resize(self.shorter, self.longer)


RESNET101 = Build()
RESNET50 = Build(blocks=BLOCKS[50])
RESNET34 = Build(blocks=BLOCKS[34], bottleneck=False)
RESNET18 = Build(blocks=BLOCKS[18], bottleneck=False)
TINY = Build(
    blocks=(1, 1, 2, 2),
    bottleneck=False,
    widths=(16, 32, 64, 96),
    stem_width=16,
    channels=128,
    stride=8,
    norm="group",
    feature_dilation=1,
    feature_std=None,
    flow_widths=(24, 48, 64, 96, 96, 96),
    flow_up_widths=(64, 48, 32, 24),
    anchor_scales=(1.25, 2.5, 5),
    before_nms=1000,
    after_nms=100,
    bins=3,
    quality_widths=(32, 16),
    embedding_widths=(64, 128),
    shorter=256,
    longer=448,
)
"""For small machines, frames and objects, trained from scratch: stride 8, group norm, anchors of 10 to 40 pixels.
About one and a half million parameters; numbers by trial, not from the paper."""

BUILDS = {"resnet101": RESNET101, "resnet50": RESNET50, "resnet34": RESNET34, "resnet18": RESNET18, "tiny": TINY}


def with_torchvision_weights(build: Build) -> Build:
    """Return the build as torchvision's ImageNet weights need it: stride on the 3x3, their pixel pipeline."""
    return replace(build, placement="torchvision", pixels="torchvision")


def feature_network(build: Build) -> ResNetFeatures:
    """Return N_feat (Sec. 3.3)."""

    def fixed(channels: int) -> nn.Module:
        return FixedBatchNorm(channels, build.norm_eps)

    return ResNetFeatures(
        Bottleneck if build.bottleneck else BasicBlock,
        build.blocks,
        build.widths,
        build.stem_width,
        build.channels,
        build.stride,
        build.placement,
        {"caffe": CAFFE, "torchvision": TORCHVISION}[build.pixels],
        {"fixed": fixed, "group": group_norm}[build.norm],
        build.feature_dilation,
        build.feature_std,
    )


def flow_network(build: Build, scale_map: bool = True) -> FlowNetS:
    """Return F (Sec. 3.3), with or without the scale map."""
    return FlowNetS(
        build.channels if scale_map else 0,
        build.stride,
        build.flow_input_pool,
        build.flow_widths,
        build.flow_up_widths,
    )


def task_network(build: Build) -> RFCNTask:
    """Return N_task (Sec. 3.3): RPN on the first half of the channels, R-FCN on the second."""
    half = build.channels // 2
    rpn = RPN(half, build.stride, build.anchor_scales, build.anchor_ratios, build.before_nms, build.after_nms)
    return RFCNTask(rpn, RFCN(build.n_classes, build.channels - half, build.stride, build.bins))


def per_frame(build: Build = RESNET101) -> ImpressionNetwork:
    """Return the baseline of Table 1 (a): the feature and task networks on every frame."""
    return ImpressionNetwork(feature_network(build), task_network(build))


def deep_feature_flow(build: Build = RESNET101) -> ImpressionNetwork:
    """Return the network of Table 1 (b): sparse features, propagated, no aggregation."""
    return ImpressionNetwork(feature_network(build), task_network(build), flow_network(build))


def impression_fixed(build: Build = RESNET101) -> ImpressionNetwork:
    """Return the network of Table 1 (c): the impression with fixed weights of 0.5."""
    return ImpressionNetwork(
        feature_network(build), task_network(build), flow_network(build), FixedQuality(build.channels)
    )


def impression(build: Build = RESNET101) -> ImpressionNetwork:
    """Return the Impression Network, Table 1 (d): quality-aware weights."""
    return ImpressionNetwork(
        feature_network(build),
        task_network(build),
        flow_network(build),
        QualityNetwork(build.channels, build.quality_widths),
    )


def impression_frozen(build: Build = RESNET101) -> ImpressionNetwork:
    """Return the network of Table 1 (e): as (d), its feature and flow networks kept from training."""
    feature, flow = feature_network(build), flow_network(build)
    feature.requires_grad_(False)
    flow.requires_grad_(False)
    return ImpressionNetwork(feature, task_network(build), flow, QualityNetwork(build.channels, build.quality_widths))


def fgfa(build: Build = RESNET101) -> ImpressionNetwork:
    """Return the network of Table 3, FGFA and FGFA-fast: an embedding for the weights, no scale map."""
    width, outputs = build.embedding_widths
    return ImpressionNetwork(
        feature_network(build),
        task_network(build),
        flow_network(build, scale_map=False),
        embedding=EmbeddingNetwork(build.channels, width, outputs),
    )


METHODS: dict[str, Callable[[Build], ImpressionNetwork]] = {
    "per-frame": per_frame,
    "dff": deep_feature_flow,
    "impression-fixed": impression_fixed,
    "impression": impression,
    "impression-frozen": impression_frozen,
    "fgfa": fgfa,
}
"""The wirings by the names that checkpoints carry."""
