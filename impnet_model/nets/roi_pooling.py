"""Position-sensitive RoI pooling with Caffe's semantics (R-FCN, Sec. 2.2; Impression Network, Sec. 3.3: 7x7).

Not torchvision's `ps_roi_pool`, which rounds otherwise and never reads the last row and column. Each bin's mean is
read off four corners of an integral image, so a large box costs what a small one does. Sums are kept in float64: in
float32 the differences of large sums would lose five digits.
"""

import torch
from torch import Tensor


def ps_roi_pool(features: Tensor, rois: Tensor, scale: float, bins: int) -> Tensor:
    """`(N, D, bins, bins)`: bin (r, c) of output channel d is the mean of channel `(d * bins + r) * bins + c`.

    features `(B, D * bins * bins, H, W)`; rois `(N, 5)`: image of the batch, then x1, y1, x2, y2 in pixels, inclusive;
    scale: cells for each pixel. The box in cells reaches from `round(x1) * scale` to `(round(x2) + 1) *
    scale`, halves rounded away from zero, at least 0.1 cells; bin edges round outwards and are cut to the map; a bin
    without cells gives 0. In float32 at least, whatever the features' precision. Differentiable in the features.

    Raises ValueError if the channels aren't a multiple of `bins * bins`.
    """
    batch, channels, height, width = features.shape
    depth, rest = divmod(channels, bins * bins)
    if rest:
        raise ValueError(f"ps_roi_pool: {channels} channels; wanted a multiple of {bins} x {bins}")
    y1, y2 = _bin_edges(rois[:, 2], rois[:, 4], scale, bins, height)  # (N, bins) each
    x1, x2 = _bin_edges(rois[:, 1], rois[:, 3], scale, bins, width)
    table = _integral(features.view(batch, depth, bins * bins, height, width)).view(-1, depth)

    cell = torch.arange(bins * bins, device=rois.device).view(bins, bins)
    image = rois[:, 0].long()[:, None, None] * (height + 1)

    def corner(y: Tensor, x: Tensor) -> Tensor:
        row = ((image + y[:, :, None]) * (width + 1) + x[:, None, :]) * (bins * bins) + cell  # (N, bins, bins)
        return table.index_select(0, row.flatten())  # (N * bins * bins, D)

    total = corner(y2, x2) - corner(y1, x2) - corner(y2, x1) + corner(y1, x1)
    count = ((y2 - y1)[:, :, None] * (x2 - x1)[:, None, :]).clamp(min=1)  # an empty bin's total is 0
    mean = total.view(-1, bins, bins, depth) / count[..., None]
    return mean.permute(0, 3, 1, 2).to(torch.promote_types(features.dtype, torch.float32))


def _bin_edges(low: Tensor, high: Tensor, scale: float, bins: int, size: int) -> tuple[Tensor, Tensor]:
    """First cell and one past the last `(N, bins)` of each bin along one axis of `size` cells."""
    start = _round(low.float()) * scale
    end = (_round(high.float()) + 1) * scale
    step = (end - start).clamp(min=0.1) / bins
    index = torch.arange(bins, device=low.device, dtype=start.dtype)
    first = torch.floor(index * step[:, None] + start[:, None]).clamp(0, size).long()
    last = torch.ceil((index + 1) * step[:, None] + start[:, None]).clamp(0, size).long()
    return first, torch.maximum(first, last)


def _round(x: Tensor) -> Tensor:
    """Round half away from zero, as C does."""
    size = x.abs()
    whole = size.floor()
    return torch.copysign(whole + (size - whole >= 0.5), x)


def _integral(features: Tensor) -> Tensor:
    """`(B, H + 1, W + 1, bins², D)` float64: the sum over all cells above and to the left.

    Channels last: the sums then run over contiguous rows, and a corner is one row of memory.
    """
    batch, depth, cells, height, width = features.shape
    table = features.new_zeros((batch, height + 1, width + 1, cells, depth), dtype=torch.float64)
    table[:, 1:, 1:] = features.permute(0, 3, 4, 2, 1)
    return table.cumsum_(1).cumsum_(2)
