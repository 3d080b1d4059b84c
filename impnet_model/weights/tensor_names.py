"""Names of published weights ↔ names of ours: ResNet of torchvision and Caffe/MXNet, FlowNet-S of four code bases.

Each function returns a dict from the name in the published file to the name in our network's state dict; KINDS has the
files they are for. No torch here.

| kind | file | fills |
|---|---|---|
| torchvision-resnet | torchvision's ImageNet state dict | the feature network, but its last 3x3 convolution |
| caffe-resnet | MXNet `.params`, or a state dict with those names | the same |
| pinard, mega, mmtracking | FlowNet-S state dicts | the flow network, but its scale map |
| mxnet-rfcn, mxnet-dff, mxnet-fgfa | `.params` of the published networks | a whole network |
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from impnet_model.nets.build import Build, with_torchvision_weights

CONVS = ("conv1", "conv2", "conv3", "conv3_1", "conv4", "conv4_1", "conv5", "conv5_1", "conv6", "conv6_1")
"""FlowNet-S's encoder; in MXNet's files the first is called flow_conv1."""


def torchvision_resnet(blocks: Sequence[int], bottleneck: bool) -> dict[str, str]:
    """The map for torchvision's ResNet; our feature network carries its names, all but the classifier."""
    return {name: name for name in _resnet_tensors(blocks, bottleneck)}


def caffe_resnet(blocks: Sequence[int]) -> dict[str, str]:
    """The map for the bottleneck ResNets of Caffe and MXNet (`res2a_branch2a_weight`, `bn2a_branch2a_gamma` …).

    Blocks of a stage are called a, b, c … in ResNet-50 and in stages of three, a, b1, b2 … in longer ones.
    """
    return {_caffe_name(name, blocks): name for name in _resnet_tensors(blocks, bottleneck=True)}


def _resnet_tensors(blocks: Sequence[int], bottleneck: bool) -> list[str]:
    names = ["conv1.weight", *_norm("bn1")]
    for stage, count in enumerate(blocks, start=1):
        for block in range(count):
            place = f"layer{stage}.{block}"
            for conv in range(1, 4 if bottleneck else 3):
                names += [f"{place}.conv{conv}.weight", *_norm(f"{place}.bn{conv}")]
            if block == 0 and (bottleneck or stage > 1):
                names += [f"{place}.downsample.0.weight", *_norm(f"{place}.downsample.1")]
    return names


def _norm(place: str) -> list[str]:
    return [f"{place}.{part}" for part in ("weight", "bias", "running_mean", "running_var")]


NORM_PARTS = {"weight": "gamma", "bias": "beta", "running_mean": "moving_mean", "running_var": "moving_var"}


def _caffe_name(name: str, blocks: Sequence[int]) -> str:
    place, part = name.rsplit(".", 1)
    if place == "conv1":
        return "conv1_weight"
    if place == "bn1":
        return f"bn_conv1_{NORM_PARTS[part]}"
    layer, block, *rest = place.split(".")
    stage = int(layer.removeprefix("layer"))
    stem = f"{stage + 1}{_block_letter(int(block), blocks[stage - 1], blocks[2] == 6)}"
    if rest[0] == "downsample":
        branch, is_norm = "branch1", rest[1] == "1"
    else:
        branch, is_norm = "branch2" + "abc"[int(rest[0][-1]) - 1], rest[0].startswith("bn")
    return f"bn{stem}_{branch}_{NORM_PARTS[part]}" if is_norm else f"res{stem}_{branch}_weight"


def _block_letter(block: int, count: int, letters_only: bool) -> str:
    if letters_only or count == 3:
        return "abcdefgh"[block]
    return "a" if block == 0 else f"b{block}"


def mxnet_flownet(scale_map: bool) -> dict[str, str]:
    """The map for the FlowNet-S inside DFF's and FGFA's networks."""
    layers = {"flow_conv1": "conv1"} | {name: name for name in CONVS[1:]}
    for level in (6, 5, 4, 3):
        layers[f"Convolution{7 - level}"] = f"flow{level}"
        layers[f"deconv{level - 1}"] = f"deconv{level - 1}"
        layers[f"upsample_flow{level}to{level - 1}"] = f"upflow{level}"
    layers["Convolution5"] = "flow2"
    if scale_map:
        layers["Convolution5_scale"] = "scale"
    return {f"{theirs}_{part}": f"{ours}.{part}" for theirs, ours in layers.items() for part in ("weight", "bias")}


def mega_flownet(scale_map: bool) -> dict[str, str]:
    """The map for MEGA's FlowNet-S: MXNet's names with a dot; the scale map without its bias."""
    names = {f"{a.rpartition('_')[0]}.{a.rpartition('_')[2]}": b for a, b in mxnet_flownet(scale_map).items()}
    names.pop("Convolution5_scale.bias", None)
    return names


def pinard_flownet() -> dict[str, str]:
    """The map for FlowNetPytorch's FlowNetS without batch norm; heads and deconvolutions have no bias."""
    names = {f"{conv}.0.{part}": f"{conv}.{part}" for conv in CONVS for part in ("weight", "bias")}
    names |= {f"predict_flow{level}.weight": f"flow{level}.weight" for level in (6, 5, 4, 3, 2)}
    names |= {f"deconv{level}.0.weight": f"deconv{level}.weight" for level in (5, 4, 3, 2)}
    names |= {f"upsampled_flow{a}_to_{a - 1}.weight": f"upflow{a}.weight" for a in (6, 5, 4, 3)}
    return names


def mmtracking_flownet() -> dict[str, str]:
    """The map for mmtracking's FlowNetSimple; heads and deconvolutions have no bias."""
    names = {}
    for conv in CONVS:
        level, _, second = conv.partition("_")
        for part in ("weight", "bias"):
            names[f"{level}.{1 if second else 0}.conv.{part}"] = f"{conv}.{part}"
    names |= {f"predict_flow{level}.conv.weight": f"flow{level}.weight" for level in (6, 5, 4, 3)}
    names["predict_flow.conv.weight"] = "flow2.weight"
    names |= {f"deconv{level}.conv.weight": f"deconv{level}.weight" for level in (5, 4, 3, 2)}
    names |= {f"upsample_flow{level - 1}.conv.weight": f"upflow{level}.weight" for level in (6, 5, 4, 3)}
    return names


HEADS = {
    "rpn_cls_score": "task.rpn.cls_score",
    "rpn_bbox_pred": "task.rpn.bbox_pred",
    "rfcn_cls": "task.rfcn.cls",
    "rfcn_bbox": "task.rfcn.bbox",
    "feat_conv_3x3": "feature.feat_conv",
}
EMBEDDING = {"em_conv1": "embedding.0", "em_conv2": "embedding.2", "em_conv3": "embedding.4"}


def mxnet_network(blocks: Sequence[int], flow: bool, scale_map: bool, embedding: bool) -> dict[str, str]:
    """The map for a whole network of the published MXNet code: R-FCN, DFF (flow, scale map) or FGFA."""
    names = {theirs: f"feature.{ours}" for theirs, ours in caffe_resnet(blocks).items()}
    layers = HEADS | (EMBEDDING if embedding else {})
    names |= {f"{theirs}_{part}": f"{ours}.{part}" for theirs, ours in layers.items() for part in ("weight", "bias")}
    if flow:
        names |= {theirs: f"flow.{ours}" for theirs, ours in mxnet_flownet(scale_map).items()}
    return names


@dataclass(frozen=True)
class PublishedKind:
    """A kind of file: names in it → names of ours, the network it goes into, what else may be in it."""

    names: Callable[[Build], dict[str, str]]
    method: str
    ignored: str = r"$."  # nothing
    part: str = ""
    adapt: Callable[[Build], Build] = lambda build: build


KINDS = {
    "torchvision-resnet": PublishedKind(
        lambda build: torchvision_resnet(build.blocks, build.bottleneck),
        "impression",
        r"fc\.(weight|bias)|.*num_batches_tracked",
        "feature.",
        with_torchvision_weights,
    ),
    "caffe-resnet": PublishedKind(
        lambda build: caffe_resnet(build.blocks), "impression", r"fc1000_.*|fc1_.*", "feature."
    ),
    "pinard": PublishedKind(lambda build: pinard_flownet(), "impression", part="flow."),
    "mega": PublishedKind(lambda build: mega_flownet(False), "impression", r"Convolution5_scale\..*", "flow."),
    "mmtracking": PublishedKind(lambda build: mmtracking_flownet(), "impression", part="flow."),
    "mxnet-rfcn": PublishedKind(
        lambda build: mxnet_network(build.blocks, False, False, False), "per-frame", r"rfcn_bbox_.*_test"
    ),
    "mxnet-dff": PublishedKind(
        lambda build: mxnet_network(build.blocks, True, True, False), "dff", r"rfcn_bbox_.*_test"
    ),
    "mxnet-fgfa": PublishedKind(
        lambda build: mxnet_network(build.blocks, True, False, True),
        "fgfa",
        r"rfcn_bbox_.*_test",
        adapt=lambda build: replace(build, norm_eps=2e-5),
    ),
}
