"""The R-FCN head, on the second half of the channels (Impression Network, Sec. 3.3; R-FCN, Sec. 2.2)."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from impnet_model.nets.roi_pooling import ps_roi_pool

DELTA_STD = (0.1, 0.1, 0.2, 0.2)
"""Standard deviations by which the box targets of R-FCN are divided in training."""


class RoIOutput(NamedTuple):
    """What R-FCN says of N regions, K classes."""

    logits: Tensor
    """`(N, K + 1)`, background first."""
    deltas: Tensor
    """`(N, 8)`: four offsets for background, never used, and four for all classes, divided by `DELTA_STD`."""

    def foreground_deltas(self) -> Tensor:
        """The offsets `(N, 4)`, no longer normalised, that move each region to its object."""
        return self.deltas[:, 4:].float() * self.deltas.new_tensor(DELTA_STD, dtype=torch.float32)


class RFCN(nn.Module):
    """Position-sensitive score maps by two 1x1 convolutions, pooled over `bins x bins` and averaged.

    Boxes are class-agnostic: one box for a region whatever its class.
    """

    def __init__(self, n_classes: int = 30, in_channels: int = 512, stride: int = 16, bins: int = 7) -> None:
        super().__init__()
        self.n_classes, self.in_channels, self.stride, self.bins = n_classes, in_channels, stride, bins
        self.cls = nn.Conv2d(in_channels, (n_classes + 1) * bins * bins, 1)
        self.bbox = nn.Conv2d(in_channels, 8 * bins * bins, 1)
        for conv in (self.cls, self.bbox):
            nn.init.normal_(conv.weight, std=0.01)
            if conv.bias is not None:
                nn.init.zeros_(conv.bias)

    def maps(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """The score maps of classes and boxes for features `(B, in_channels, H, W)`."""
        return self.cls(features), self.bbox(features)

    def pool(self, maps: tuple[Tensor, Tensor], rois: Tensor) -> RoIOutput:
        """What the maps say of rois `(N, 5)`: image of the batch and box in pixels of the resized image."""
        logits, deltas = (ps_roi_pool(each, rois, 1 / self.stride, self.bins).mean(dim=(2, 3)) for each in maps)
        return RoIOutput(logits, deltas)

    def forward(self, features: Tensor, rois: Tensor) -> RoIOutput:
        """Classes and boxes of rois `(N, 5)` on features `(B, in_channels, H, W)`."""
        return self.pool(self.maps(features), rois)
