"""The one file with the paper's numbers: what a network is built from (Sec. 3.3, 4.1). No torch here."""

from dataclasses import dataclass, replace
from typing import Literal

from impnet_model.data.resize import Resize
from vidkit.number_ranges import check_ranges

StridePlacement = Literal["caffe", "torchvision"]
"""Which convolution of a bottleneck strides: the first 1x1 (Caffe, MSRA) or the 3x3 (torchvision). Weights decide."""

BLOCKS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3)}
"""Blocks in the four stages of a ResNet, by its depth."""


FRACTIONS = {"norm_eps", "feature_std", "anchor_scales", "anchor_ratios"}
"""Numbers of a build that needn't be whole."""
_WIDTHS = ("widths", "stem_width", "channels", "flow_widths", "flow_up_widths", "quality_widths", "embedding_widths")
RANGES: dict[str, tuple[float, float]] = {
    "n_classes": (1, 2**15 - 1),
    "blocks": (1, 200),
    **dict.fromkeys(_WIDTHS, (1, 2**14)),
    "stride": (1, 64),
    "norm_eps": (0, 1),
    "feature_dilation": (1, 64),
    "feature_std": (0, 10),
    "flow_input_pool": (1, 16),
    "anchor_scales": (1e-3, 1e3),
    "anchor_ratios": (1e-3, 1e3),
    **dict.fromkeys(("before_nms", "after_nms"), (1, 10**6)),
    "bins": (1, 64),
    **dict.fromkeys(("shorter", "longer"), (1, 2**14)),
}
"""The least and the most that each number of a build may be."""


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

    def __post_init__(self) -> None:
        """Refuse numbers that no network has: a file or a setting may ask for terabytes with one of them."""
        check_ranges(self, RANGES)
        for name in RANGES.keys() - FRACTIONS:
            value = getattr(self, name)
            if any(each != int(each) for each in (value if isinstance(value, tuple) else (value,))):
                raise ValueError(f"{name} {value}: wanted whole numbers")

    def resize(self) -> Resize:
        """The size rule of the images."""
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

BuildName = Literal["resnet101", "resnet50", "resnet34", "resnet18", "tiny"]
BUILDS: dict[BuildName, Build] = {
    "resnet101": RESNET101,
    "resnet50": RESNET50,
    "resnet34": RESNET34,
    "resnet18": RESNET18,
    "tiny": TINY,
}


def with_torchvision_weights(build: Build) -> Build:
    """The build as torchvision's ImageNet weights need it: stride on the 3x3, their pixel pipeline."""
    return replace(build, placement="torchvision", pixels="torchvision")
