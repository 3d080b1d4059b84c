"""Flow over several frames, composed of the flows between adjacent ones (FGFA-fast, Table 3)."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from impnet_model.flows.warp import flow_warp


class AdjacentFlows(NamedTuple):
    """The flows between a frame and the one before it, `(1, 2, h, w)` each; zeros for the first frame of a video."""

    forward: Tensor
    """From the frame before into this one."""
    backward: Tensor
    """From this one into the frame before."""


def compose(first: Tensor, second: Tensor) -> Tensor:
    """The flow `(B, 2, h, w)` that follows `first` and then `second`, which is read where `first` leads."""
    return first + flow_warp(second, first)


def composed(window: Sequence[AdjacentFlows], centre: int) -> list[Tensor]:
    """The flow from the window's centre into each of its frames; a frame that is repeated is the same object.

    `M(t → t+n)(p) = M(t → t+n-1)(p) + M(t+n-1 → t+n)(p + M(t → t+n-1)(p))`, outwards in both directions.
    """
    still = torch.zeros_like(window[centre].forward)
    after, before = [still], [still]
    for left, right in zip(window[centre:], window[centre + 1 :], strict=False):
        after.append(after[-1] if left is right else compose(after[-1], right.forward))
    for left, right in zip(window[centre - 1 :: -1] if centre else [], window[centre:0:-1], strict=True):
        before.append(before[-1] if left is right else compose(before[-1], right.backward))
    return before[:0:-1] + after
