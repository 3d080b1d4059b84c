"""Boxes as offsets from other boxes, and their overlaps (R-CNN, Appendix C), inclusive corners as in `anchors`."""

import torch
from torch import Tensor


def encode(anchors: Tensor, boxes: Tensor) -> Tensor:
    """The offsets `(N, 4)` (dx, dy, dw, dh) that turn anchors `(N, 4)` into boxes `(N, 4)`."""
    x, y, w, h = _centre_and_size(anchors)
    to_x, to_y, to_w, to_h = _centre_and_size(boxes)
    return torch.stack([(to_x - x) / w, (to_y - y) / h, torch.log(to_w / w), torch.log(to_h / h)], dim=-1)


def decode(anchors: Tensor, deltas: Tensor) -> Tensor:
    """The boxes `(N, 4)` that lie at offsets `deltas (N, 4)` from the anchors `(N, 4)`."""
    x, y, w, h = _centre_and_size(anchors)
    dx, dy, dw, dh = deltas.unbind(-1)
    to_x, to_y = dx * w + x, dy * h + y
    half_w, half_h = 0.5 * (torch.exp(dw) * w - 1), 0.5 * (torch.exp(dh) * h - 1)
    return torch.stack([to_x - half_w, to_y - half_h, to_x + half_w, to_y + half_h], dim=-1)


def clip(boxes: Tensor, height: float, width: float) -> Tensor:
    """Boxes `(..., 4)` cut to an image: x in [0, width - 1], y in [0, height - 1]."""
    x = boxes[..., 0::2].clamp(0, max(width - 1, 0))
    y = boxes[..., 1::2].clamp(0, max(height - 1, 0))
    return torch.stack([x[..., 0], y[..., 0], x[..., 1], y[..., 1]], dim=-1)


def iou(a: Tensor, b: Tensor) -> Tensor:
    """The intersection over union `(N, M)` of boxes a `(N, 4)` and b `(M, 4)`; sides are x2 - x1 + 1."""
    x1, y1, x2, y2 = a.unbind(-1)
    u1, v1, u2, v2 = b.unbind(-1)
    width = (torch.minimum(x2[:, None], u2) - torch.maximum(x1[:, None], u1)).add_(1).clamp_(min=0)
    height = (torch.minimum(y2[:, None], v2) - torch.maximum(y1[:, None], v1)).add_(1).clamp_(min=0)
    intersection = width.mul_(height)
    area_a, area_b = (x2 - x1 + 1) * (y2 - y1 + 1), (u2 - u1 + 1) * (v2 - v1 + 1)
    return intersection / (area_a[:, None] + area_b - intersection)


def _centre_and_size(boxes: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    x1, y1, x2, y2 = boxes.unbind(-1)
    w, h = x2 - x1 + 1, y2 - y1 + 1
    return x1 + 0.5 * (w - 1), y1 + 0.5 * (h - 1), w, h
