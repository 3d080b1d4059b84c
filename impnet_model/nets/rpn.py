"""The region proposal network, on the first half of the channels (Impression Network, Sec. 3.3; R-FCN, Sec. 2.1)."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from impnet_model.nets.anchors import base_anchors, grid_anchors
from impnet_model.nets.box_coder import clip, decode
from impnet_model.nets.nms import nms_sorted

DELTA_STD = (0.1, 0.1, 0.4, 0.4)
"""Standard deviations by which the box targets of the RPN are divided in training."""


class RPNOutput(NamedTuple):
    """What the RPN says at each cell, A anchors a cell."""

    logits: Tensor
    """`(B, 2A, H, W)`: first A background, then A foreground."""
    deltas: Tensor
    """`(B, 4A, H, W)`: box offsets divided by `DELTA_STD`, anchor by anchor."""

    def foreground(self) -> Tensor:
        """The probability `(B, A, H, W)` that an object is at an anchor."""
        batch, channels, height, width = self.logits.shape
        pairs = self.logits.float().reshape(batch, 2, channels // 2, height, width)
        return torch.softmax(pairs, dim=1)[:, 1]


class RPN(nn.Module):
    """Two 1x1 convolutions; no 3x3 before them.

    stride: of the features, and the base size of the anchors; before_nms and after_nms: boxes kept by score and by NMS.
    """

    base: Tensor

    def __init__(
        self,
        in_channels: int = 512,
        stride: int = 16,
        scales: Sequence[float] = (8, 16, 32),
        ratios: Sequence[float] = (0.5, 1.0, 2.0),
        before_nms: int = 6000,
        after_nms: int = 300,
        nms_threshold: float = 0.7,
    ) -> None:
        super().__init__()
        self.in_channels, self.stride = in_channels, stride
        self.before_nms, self.after_nms, self.nms_threshold = before_nms, after_nms, nms_threshold
        self.register_buffer("base", base_anchors(stride, scales, ratios), persistent=False)
        n_anchors = len(scales) * len(ratios)
        self.cls_score = nn.Conv2d(in_channels, 2 * n_anchors, 1)
        self.bbox_pred = nn.Conv2d(in_channels, 4 * n_anchors, 1)
        for conv in (self.cls_score, self.bbox_pred):
            nn.init.normal_(conv.weight, std=0.01)
            if conv.bias is not None:
                nn.init.zeros_(conv.bias)

    def forward(self, features: Tensor) -> RPNOutput:
        """Logits and offsets for features `(B, in_channels, H, W)`."""
        return RPNOutput(self.cls_score(features), self.bbox_pred(features))

    @torch.no_grad()
    def propose(self, foreground: Tensor, deltas: Tensor, height: int, width: int) -> list[Tensor]:
        """For each image at most `after_nms` boxes `(n, 4)` in pixels of the resized image, best first.

        foreground `(B, A, H, W)`: probabilities; deltas `(B, 4A, H, W)`: as in `RPNOutput`; height, width: of the
        resized images. Cells that reach beyond the image have no vote. No gradient flows through proposals.
        """
        std = foreground.new_tensor(DELTA_STD)
        rows, columns = foreground.shape[2:]
        anchors = grid_anchors(self.base, rows, columns, self.stride)
        offsets = deltas.float().permute(0, 2, 3, 1).reshape(len(foreground), -1, 4) * std  # (B, H*W*A, 4)
        scores = foreground.permute(0, 2, 3, 1).clone()  # (B, H, W, A)
        scores[:, height // self.stride :] = -1
        scores[:, :, width // self.stride :] = -1
        return [
            proposals(
                s, anchors, d, height, width, before=self.before_nms, after=self.after_nms, threshold=self.nms_threshold
            )
            for s, d in zip(scores.flatten(1), offsets, strict=True)
        ]


def proposals(
    scores: Tensor,
    anchors: Tensor,
    deltas: Tensor,
    height: int,
    width: int,
    *,
    before: int,
    after: int,
    threshold: float,
) -> Tensor:
    """At most `after` boxes `(n, 4)`, best first, of one image of `height x width` pixels.

    scores `(N,)`; anchors `(N, 4)`; deltas `(N, 4)`, not normalised. The `before` best boxes, cut to the image, go
    through NMS at `threshold`.
    """
    order = scores.argsort(descending=True, stable=True)[:before]
    boxes = clip(decode(anchors[order], deltas[order]), height, width)
    return boxes[nms_sorted(boxes, threshold, after)]
