"""W: bilinear warping of a feature map along a flow field (Impression Network, Sec. 3.1; Deep Feature Flow, Eq. 3)."""

import torch
from torch import Tensor
from torch.nn.functional import grid_sample, pad


def flow_warp(feature: Tensor, flow: Tensor) -> Tensor:
    """`(B, C, H, W)`: at position p the feature at `p + flow(p)`.

    feature `(B, C, H, W)`; flow `(B, 2, H, W)`, x component first, in cells of the feature map. Cell centres are the
    whole numbers (align_corners), values are interpolated bilinearly, and each of the four taps that falls outside the
    map counts as zero. Differentiable in both. The geometry is computed in float32 at least, whatever the feature's
    precision: a half-precision grid would be off by hundredths of a cell.

    Raises ValueError if the shapes don't agree.
    """
    if feature.ndim != 4 or flow.shape != (feature.shape[0], 2, *feature.shape[2:]):
        raise ValueError(f"flow_warp: feature {tuple(feature.shape)}, flow {tuple(flow.shape)}; wanted BCHW, B2HW")
    precise = torch.promote_types(torch.promote_types(feature.dtype, flow.dtype), torch.float32)
    height, width = feature.shape[2:]
    flow = flow.to(precise)
    x = torch.arange(width, device=flow.device, dtype=precise) + flow[:, 0]  # (B, H, W)
    y = torch.arange(height, device=flow.device, dtype=precise)[:, None] + flow[:, 1]
    # A side of one cell has no length to normalise by; a second cell of zeros is what lies outside anyway.
    source = pad(feature.to(precise), (0, int(width == 1), 0, int(height == 1)))
    grid = torch.stack([_normalised(x, source.shape[3]), _normalised(y, source.shape[2])], dim=-1)  # (B, H, W, 2)
    warped = grid_sample(source, grid, mode="bilinear", padding_mode="zeros", align_corners=True)
    return warped.to(feature.dtype)


def _normalised(position: Tensor, size: int) -> Tensor:
    """Positions in cells as grid_sample wants them: -1 at the first cell, 1 at the last."""
    return position / ((size - 1) / 2) - 1
