"""A feature that is carried from frame to frame: by bilinear warping, or in whole cells with the rest remembered.

Bilinear warping, the paper's, averages neighbouring cells at each step. Moved by whole cells, a feature stays as sharp
as it was computed; how far its content then lies off its place is kept beside it, and given to the boxes at the end.
"""

from typing import Literal, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import grid_sample

from impnet_model.flows.field import FlowField
from impnet_model.flows.warp import flow_warp

Warp = Literal["bilinear", "cells"]


class Carried(NamedTuple):
    """A feature, and what is left of the ways that it was moved."""

    feature: Tensor
    """`(B, C, h, w)`."""
    remainder: Tensor | None
    """`(B, 2, h, w)` in cells, x first: what is seen at a cell lies by so much before it, so boxes move against it.
    None where the feature lies where it belongs."""


def carried_along(carried: Carried, field: FlowField, warp: Warp) -> Carried:
    """W: what is carried, moved along the flow and multiplied by the scale map.

    cells: each cell takes the one that flow and remainder lead to, rounded; what is cut off is the new remainder. The
    flow then has no gradient, the feature has.
    """
    taken, remainder = way_of(carried, field, warp)
    moved = flow_warp(carried.feature, taken) if warp == "bilinear" else moved_by_cells(carried.feature, taken)
    return Carried(moved if field.scale is None else moved * field.scale, remainder)


def way_of(carried: Carried, field: FlowField, warp: Warp) -> tuple[Tensor, Tensor | None]:
    """From where each cell takes what is carried, `(B, 2, h, w)` in cells, and the remainder that this leaves."""
    if warp == "bilinear":
        return field.flow, None
    way = field.flow.detach().float()
    if carried.remainder is not None:
        way = way + _at_nearest(carried.remainder, way)
    whole = way.round()
    return whole, way - whole


def fused_remainders(remainder: Tensor | None, weight: Tensor, gate: float) -> tuple[Tensor | None, Tensor | None]:
    """The remainders of the task feature and of the new impression, where an impression with this one was fused.

    weight: `w_k (B, 1, h, w)`. The keyframe's own feature has none, so the mean of Eq. 3 and 4 is what is left of it.
    """
    if remainder is None:
        return None, None
    task = (1 - weight.float()) * remainder  # as Eq. 3
    return task, gate * task  # as Eq. 4


def moved_by_cells(feature: Tensor, whole: Tensor) -> Tensor:
    """`(B, C, h, w)`: at cell p the feature at `p + whole(p)`, copied; zero where that lies outside the map.

    whole `(B, 2, h, w)`: whole numbers, x first.
    """
    batch, channels, height, width = feature.shape
    x = torch.arange(width, device=whole.device) + whole[:, 0].long()  # (B, h, w)
    y = torch.arange(height, device=whole.device)[:, None] + whole[:, 1].long()
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    place = torch.where(inside, y * width + x, 0).view(batch, 1, -1).expand(-1, channels, -1)
    taken = feature.flatten(2).gather(2, place).view(batch, channels, height, width)
    return taken * inside[:, None]


def _at_nearest(remainder: Tensor, way: Tensor) -> Tensor:
    """The remainder at the cell that is nearest to where the way leads, at the map's border beyond it."""
    height, width = way.shape[2:]
    x = torch.arange(width, device=way.device) + way[:, 0]
    y = torch.arange(height, device=way.device)[:, None] + way[:, 1]
    grid = torch.stack([(2 * x + 1) / width - 1, (2 * y + 1) / height - 1], dim=-1)
    return grid_sample(remainder.float(), grid, mode="nearest", padding_mode="border", align_corners=False)
