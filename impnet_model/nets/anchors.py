"""Anchors of the region proposal network (Impression Network, Sec. 3.3: 9 of them; Faster R-CNN, Sec. 3.1.1).

Boxes here, as in all of the detection head, count **inclusive** corners in pixels of the resized image: the width of
`(x1, y1, x2, y2)` is `x2 - x1 + 1`, as in the published code that the head must equal. `detectors` converts them to
vidkit's convention.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor


def base_anchors(
    base: int = 16, scales: Sequence[float] = (8, 16, 32), ratios: Sequence[float] = (0.5, 1.0, 2.0)
) -> Tensor:
    """The anchors of the cell at the origin, `(len(ratios) * len(scales), 4)`, ratio-major.

    Widths and heights of a ratio (height / width) are rounded at the base size, then scaled.

    >>> base_anchors()[0]
    tensor([-84., -40.,  99.,  55.])
    """
    centre = (base - 1) / 2
    boxes = []
    for ratio in ratios:
        width = math.floor(math.sqrt(base * base / ratio) + 0.5)
        height = math.floor(width * ratio + 0.5)
        for scale in scales:
            dx, dy = (width * scale - 1) / 2, (height * scale - 1) / 2
            boxes.append((centre - dx, centre - dy, centre + dx, centre + dy))
    return torch.tensor(boxes)


def grid_anchors(base: Tensor, height: int, width: int, stride: int) -> Tensor:
    """Base anchors `(A, 4)` shifted to each cell of a map: `(height * width * A, 4)`, order (h, w, a)."""
    x = torch.arange(width, device=base.device, dtype=base.dtype) * stride
    y = torch.arange(height, device=base.device, dtype=base.dtype) * stride
    shift_y, shift_x = torch.meshgrid(y, x, indexing="ij")
    shifts = torch.stack([shift_x, shift_y, shift_x, shift_y], dim=-1)  # (H, W, 4)
    return (shifts[:, :, None] + base).reshape(-1, 4)
