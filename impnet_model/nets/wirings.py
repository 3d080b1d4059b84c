"""The wiring: one function for each row of Tables 1 and 3, from the numbers of `build` to a network."""

from torch import nn

from impnet_model.data.images import CAFFE, TORCHVISION
from impnet_model.flows.flownet_s import FlowNetS
from impnet_model.methods import part_of
from impnet_model.nets.aggregation import EmbeddingNetwork, FixedQuality, QualityNetwork
from impnet_model.nets.build import RESNET101, Build
from impnet_model.nets.feature_network import BasicBlock, Bottleneck, FixedBatchNorm, ResNetFeatures, group_norm
from impnet_model.nets.network import ImpressionNetwork
from impnet_model.nets.rfcn import RFCN
from impnet_model.nets.rpn import RPN
from impnet_model.nets.task_network import RFCNTask


def wired(method: str, build: Build) -> ImpressionNetwork:
    """The network of a method, by the name that checkpoints carry. Raises ChoiceError for an unknown one."""
    network: ImpressionNetwork = part_of(method, "wiring")(build)
    return network


def feature_network(build: Build) -> ResNetFeatures:
    """N_feat (Sec. 3.3)."""

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
    """F (Sec. 3.3), with or without the scale map."""
    return FlowNetS(
        build.channels if scale_map else 0,
        build.stride,
        build.flow_input_pool,
        build.flow_widths,
        build.flow_up_widths,
    )


def task_network(build: Build) -> RFCNTask:
    """N_task (Sec. 3.3): RPN on the first half of the channels, R-FCN on the second."""
    half = build.channels // 2
    rpn = RPN(half, build.stride, build.anchor_scales, build.anchor_ratios, build.before_nms, build.after_nms)
    return RFCNTask(rpn, RFCN(build.n_classes, build.channels - half, build.stride, build.bins))


def per_frame(build: Build = RESNET101) -> ImpressionNetwork:
    """The baseline of Table 1 (a): the feature and task networks on every frame."""
    return ImpressionNetwork(feature_network(build), task_network(build))


def deep_feature_flow(build: Build = RESNET101) -> ImpressionNetwork:
    """The network of Table 1 (b): sparse features, propagated, no aggregation."""
    return ImpressionNetwork(feature_network(build), task_network(build), flow_network(build))


def impression_fixed(build: Build = RESNET101) -> ImpressionNetwork:
    """The network of Table 1 (c): the impression with fixed weights of 0.5."""
    return ImpressionNetwork(
        feature_network(build), task_network(build), flow_network(build), FixedQuality(build.channels)
    )


def impression(build: Build = RESNET101) -> ImpressionNetwork:
    """The Impression Network, Table 1 (d): quality-aware weights."""
    return ImpressionNetwork(
        feature_network(build),
        task_network(build),
        flow_network(build),
        QualityNetwork(build.channels, build.quality_widths),
    )


def impression_frozen(build: Build = RESNET101) -> ImpressionNetwork:
    """The network of Table 1 (e): as (d), its feature and flow networks kept from training."""
    feature, flow = feature_network(build), flow_network(build)
    feature.requires_grad_(False)
    flow.requires_grad_(False)
    return ImpressionNetwork(feature, task_network(build), flow, QualityNetwork(build.channels, build.quality_widths))


def fgfa(build: Build = RESNET101) -> ImpressionNetwork:
    """The network of Table 3, FGFA and FGFA-fast: an embedding for the weights, no scale map."""
    width, outputs = build.embedding_widths
    return ImpressionNetwork(
        feature_network(build),
        task_network(build),
        flow_network(build, scale_map=False),
        embedding=EmbeddingNetwork(build.channels, width, outputs),
    )
