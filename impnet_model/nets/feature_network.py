"""N_feat: a dilated ResNet and a 3x3 convolution (Impression Network, Sec. 3.3, "Feature network").

ResNet without its classifier; the last stage keeps the stride of the one before and dilates its convolutions larger
than 1x1 by 2, in *all* its blocks; then a 3x3 convolution, dilated by 6 and followed by ReLU as in the published R-FCN
and DFF code (docs/decisions.md, 0.1). Parameters carry torchvision's names, plus `feat_conv`.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import batch_norm

from impnet_model.data.images import CAFFE, Pixels
from impnet_model.nets.build import StridePlacement

MakeNorm = Callable[[int], nn.Module]


class FixedBatchNorm(nn.Module):
    """Batch norm with the statistics it was given, in training too; the statistics are never learned.

    Published detectors fix the statistics because a batch holds one or two images (docs/decisions.md, 0.9).
    """

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, channels: int, eps: float = 1e-5) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        """X `(B, C, H, W)` normalised, scaled and shifted, channel by channel."""
        return batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias, training=False, eps=self.eps)


def group_norm(channels: int) -> nn.Module:
    """A trainable norm for training from scratch: groups of 8 channels, independent of the batch."""
    return nn.GroupNorm(max(1, channels // 8), channels)


def _conv(inputs: int, outputs: int, kernel: int, stride: int = 1, dilation: int = 1) -> nn.Conv2d:
    padding = dilation * (kernel // 2)
    return nn.Conv2d(inputs, outputs, kernel, stride, padding, dilation, bias=False)


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut (ResNet-18 and 34)."""

    expansion = 1

    def __init__(
        self, inputs: int, width: int, stride: int, dilation: int, norm: MakeNorm, placement: StridePlacement
    ) -> None:
        super().__init__()
        self.conv1 = _conv(inputs, width, 3, stride, dilation)
        self.bn1 = norm(width)
        self.conv2 = _conv(width, width, 3, 1, dilation)
        self.bn2 = norm(width)
        self.downsample = _shortcut(inputs, width, stride, norm)

    def forward(self, x: Tensor) -> Tensor:
        """The block's output `(B, width, H / stride, W / stride)`."""
        y = self.bn1(self.conv1(x)).relu_()
        y = self.bn2(self.conv2(y))
        out: Tensor = y.add_(self.downsample(x)).relu_()
        return out


class Bottleneck(nn.Module):
    """1x1, 3x3, 1x1 and a shortcut (ResNet-50 and 101)."""

    expansion = 4

    def __init__(
        self, inputs: int, width: int, stride: int, dilation: int, norm: MakeNorm, placement: StridePlacement
    ) -> None:
        super().__init__()
        first, second = (stride, 1) if placement == "caffe" else (1, stride)
        self.conv1 = _conv(inputs, width, 1, first)
        self.bn1 = norm(width)
        self.conv2 = _conv(width, width, 3, second, dilation)
        self.bn2 = norm(width)
        self.conv3 = _conv(width, 4 * width, 1)
        self.bn3 = norm(4 * width)
        self.downsample = _shortcut(inputs, 4 * width, stride, norm)

    def forward(self, x: Tensor) -> Tensor:
        """The block's output `(B, 4 width, H / stride, W / stride)`."""
        y = self.bn1(self.conv1(x)).relu_()
        y = self.bn2(self.conv2(y)).relu_()
        y = self.bn3(self.conv3(y))
        out: Tensor = y.add_(self.downsample(x)).relu_()
        return out


def _shortcut(inputs: int, outputs: int, stride: int, norm: MakeNorm) -> nn.Module:
    if stride == 1 and inputs == outputs:
        return nn.Identity()
    return nn.Sequential(_conv(inputs, outputs, 1, stride), norm(outputs))


class ResNetFeatures(nn.Module):
    """N_feat: images `(B, 3, H, W)` → features `(B, out_channels, ceil(H / stride), ceil(W / stride))`.

    blocks: residual blocks in each of the four stages; widths: of their 3x3 convolutions. At stride 16 the last stage
    is dilated by 2; at stride 8 the last two are (for small images and small objects). pixels: the pipeline of the
    weights; images come in grey levels minus `images.GREY_MEAN`. feature_dilation and feature_std: of the
    3x3 convolution at the end and of its first weights, None for He's.

    Raises ValueError for a stride other than 8 and 16, or other than four stages.
    """

    def __init__(
        self,
        block: type[BasicBlock] | type[Bottleneck],
        blocks: Sequence[int],
        widths: Sequence[int] = (64, 128, 256, 512),
        stem_width: int = 64,
        out_channels: int = 1024,
        stride: int = 16,
        placement: StridePlacement = "caffe",
        pixels: Pixels = CAFFE,
        norm: MakeNorm = FixedBatchNorm,
        feature_dilation: int = 6,
        feature_std: float | None = 0.01,
    ) -> None:
        super().__init__()
        if stride not in (8, 16) or len(blocks) != 4 or len(widths) != 4:
            raise ValueError(f"stride {stride}, blocks {blocks}, widths {widths}; wanted stride 8 or 16, four stages")
        self.stride, self.out_channels, self.pixels = stride, out_channels, pixels
        self.conv1 = nn.Conv2d(3, stem_width, 7, 2, 3, bias=False)
        self.bn1 = norm(stem_width)
        self.maxpool = nn.MaxPool2d(3, 2, 1)

        def stage(inputs: int, index: int, stride: int, dilation: int) -> nn.Sequential:
            outputs = widths[index] * block.expansion
            first = block(inputs, widths[index], stride, dilation, norm, placement)
            rest = (block(outputs, widths[index], 1, dilation, norm, placement) for _ in range(blocks[index] - 1))
            return nn.Sequential(first, *rest)

        outputs = [stem_width, *(width * block.expansion for width in widths)]
        third = (2, 1) if stride == 16 else (1, 2)
        self.layer1 = stage(outputs[0], 0, 1, 1)
        self.layer2 = stage(outputs[1], 1, 2, 1)
        self.layer3 = stage(outputs[2], 2, *third)
        self.layer4 = stage(outputs[3], 3, 1, 2)
        self.feat_conv = nn.Conv2d(outputs[4], out_channels, 3, padding=feature_dilation, dilation=feature_dilation)
        _initialise(self, feature_std)

    def forward(self, images: Tensor) -> Tensor:
        """The features of images in grey levels minus the mean."""
        x = self.pixels.from_canonical(images)
        x = self.maxpool(self.bn1(self.conv1(x)).relu_())  # stride 4
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        features: Tensor = self.feat_conv(x).relu_()
        return features


def _initialise(network: ResNetFeatures, feature_std: float | None) -> None:
    """He's initialisation for the residual part, N(0, feature_std) for the 3x3 convolution at the end."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    if feature_std is not None:
        nn.init.normal_(network.feat_conv.weight, std=feature_std)
    if network.feat_conv.bias is not None:
        nn.init.zeros_(network.feat_conv.bias)
