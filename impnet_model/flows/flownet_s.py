"""F: FlowNet-S with a scale map (Impression Network, Sec. 3.3, "Flow network"; Deep Feature Flow, Sec. 5).

The flow tells, for each position of the *current* image, where to sample in the *other* one (a keyframe). The network
sees both images side by side, current first, at half size; its last feature map is pooled to the stride of the
features, and two heads read the flow and the scale map off it (docs/decisions.md, 0.2 to 0.4).
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, leaky_relu

from impnet_model.flows.field import FlowField

FLOW_UNIT = 20.0
"""FlowNet-S is trained on flow divided by 20, in pixels of its own input."""


class FlowNetS(nn.Module):
    """FlowNet-S: two images `(B, 3, H, W)` → flow `(B, 2, h, w)`, scale `(B, scale_channels, h, w)`.

    h = ceil(H / stride), w = ceil(W / stride). stride: of the features to warp. widths: of the six encoder levels;
    up_widths: of the four decoder levels. input_pool: the images are averaged over squares of so many pixels first,
    2 in the paper, 1 for frames that are small already. scale_channels: channels of the features, 0 for no scale map.

    Raises ValueError where the stride can't be reached from the quarter size of the last level.
    """

    def __init__(
        self,
        scale_channels: int = 1024,
        stride: int = 16,
        input_pool: int = 2,
        widths: Sequence[int] = (64, 128, 256, 512, 512, 1024),
        up_widths: Sequence[int] = (512, 256, 128, 64),
    ) -> None:
        super().__init__()
        if input_pool not in (1, 2) or stride % (4 * input_pool) or len(widths) != 6 or len(up_widths) != 4:
            raise ValueError(
                f"flow network: stride {stride}, input_pool {input_pool}, widths {widths}, up_widths {up_widths}; "
                "wanted input_pool 1 or 2, a stride that is a multiple of 4 x input_pool, six widths, four up_widths"
            )
        self.stride, self.out_channels, self.input_pool = stride, scale_channels, input_pool
        self.output_pool = stride // (4 * input_pool)
        self.cells_per_unit = FLOW_UNIT * input_pool / stride  # 20 x 2 / 16 = 2.5 in the paper's wiring
        w1, w2, w3, w4, w5, w6 = widths
        u5, u4, u3, u2 = up_widths
        d6, d5, d4, d3, d2 = w6, w5 + u5 + 2, w4 + u4 + 2, w3 + u3 + 2, w2 + u2 + 2  # decoder levels: 1024 … 194

        self.conv1 = nn.Conv2d(6, w1, 7, 2, 3)
        self.conv2 = nn.Conv2d(w1, w2, 5, 2, 2)
        self.conv3 = nn.Conv2d(w2, w3, 5, 2, 2)
        self.conv3_1 = nn.Conv2d(w3, w3, 3, 1, 1)
        self.conv4 = nn.Conv2d(w3, w4, 3, 2, 1)
        self.conv4_1 = nn.Conv2d(w4, w4, 3, 1, 1)
        self.conv5 = nn.Conv2d(w4, w5, 3, 2, 1)
        self.conv5_1 = nn.Conv2d(w5, w5, 3, 1, 1)
        self.conv6 = nn.Conv2d(w5, w6, 3, 2, 1)
        self.conv6_1 = nn.Conv2d(w6, w6, 3, 1, 1)

        self.flow6 = nn.Conv2d(d6, 2, 3, 1, 1)
        self.flow5 = nn.Conv2d(d5, 2, 3, 1, 1)
        self.flow4 = nn.Conv2d(d4, 2, 3, 1, 1)
        self.flow3 = nn.Conv2d(d3, 2, 3, 1, 1)
        self.flow2 = nn.Conv2d(d2, 2, 3, 1, 1)
        self.deconv5 = nn.ConvTranspose2d(d6, u5, 4, 2, 1)
        self.deconv4 = nn.ConvTranspose2d(d5, u4, 4, 2, 1)
        self.deconv3 = nn.ConvTranspose2d(d4, u3, 4, 2, 1)
        self.deconv2 = nn.ConvTranspose2d(d3, u2, 4, 2, 1)
        self.upflow6 = nn.ConvTranspose2d(2, 2, 4, 2, 1)
        self.upflow5 = nn.ConvTranspose2d(2, 2, 4, 2, 1)
        self.upflow4 = nn.ConvTranspose2d(2, 2, 4, 2, 1)
        self.upflow3 = nn.ConvTranspose2d(2, 2, 4, 2, 1)
        self.scale = _scale_head(d2, scale_channels) if scale_channels else None
        self._initialise()

    def forward(self, current: Tensor, other: Tensor) -> FlowField:
        """The flow from `current` into `other`; both in grey levels minus the mean, `(B, 3, H, W)`."""
        last = self.last_level(self.prepare(current, other))
        if self.output_pool > 1:
            last = avg_pool2d(last, self.output_pool, ceil_mode=True)
        flow = self.flow2(last) * self.cells_per_unit
        return FlowField(flow, self.scale(last) if self.scale is not None else None)

    def prepare(self, current: Tensor, other: Tensor) -> Tensor:
        """The network's input `(B, 6, H', W')`: both images in 0 … 1 minus the mean, pooled (ceil)."""
        pair = torch.cat([current, other], dim=1).div_(255)
        return avg_pool2d(pair, 2, ceil_mode=True) if self.input_pool == 2 else pair

    def last_level(self, pair: Tensor) -> Tensor:
        """The decoder's last level at a quarter of the input's size, from which the flow is read."""
        return self.decode(pair)[-1]

    def decode(self, pair: Tensor) -> list[Tensor]:
        """The five decoder levels, coarse to fine: at 1/64, 1/32, 1/16, 1/8 and 1/4 of the input's size."""
        c2 = _leaky(self.conv2(_leaky(self.conv1(pair))))
        c3 = _leaky(self.conv3_1(_leaky(self.conv3(c2))))
        c4 = _leaky(self.conv4_1(_leaky(self.conv4(c3))))
        c5 = _leaky(self.conv5_1(_leaky(self.conv5(c4))))
        level6 = _leaky(self.conv6_1(_leaky(self.conv6(c5))))
        level5 = _join(c5, self.deconv5(level6), self.upflow6(self.flow6(level6)))
        level4 = _join(c4, self.deconv4(level5), self.upflow5(self.flow5(level5)))
        level3 = _join(c3, self.deconv3(level4), self.upflow4(self.flow4(level4)))
        level2 = _join(c2, self.deconv2(level3), self.upflow3(self.flow3(level3)))
        return [level6, level5, level4, level3, level2]

    def pyramid(self, pair: Tensor) -> list[Tensor]:
        """The raw flow (pixels of the input / 20) read off each level, coarse to fine: for training F alone."""
        heads = (self.flow6, self.flow5, self.flow4, self.flow3, self.flow2)
        return [head(level) for head, level in zip(heads, self.decode(pair), strict=True)]

    def _initialise(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
                nn.init.kaiming_normal_(module.weight, a=0.1, mode="fan_in")
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        if self.scale is not None and self.scale.bias is not None:
            nn.init.zeros_(self.scale.weight)
            nn.init.ones_(self.scale.bias)


def _scale_head(inputs: int, channels: int) -> nn.Conv2d:
    """The 1x1 convolution of the scale map, to be zero weights and fixed biases of one: at first, S = 1."""
    head = nn.Conv2d(inputs, channels, 1)
    if head.bias is not None:
        head.bias.requires_grad_(False)
    return head


def _leaky(x: Tensor) -> Tensor:
    return leaky_relu(x, 0.1)


def _join(skip: Tensor, up: Tensor, flow: Tensor) -> Tensor:
    """The next decoder level; where the skip's size is odd the upsampled maps lose their last row or column."""
    height, width = skip.shape[2:]
    return torch.cat([skip, _leaky(up)[..., :height, :width], flow[..., :height, :width]], dim=1)
