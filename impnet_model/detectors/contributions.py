"""How much each keyframe contributes to a task feature, by the weight maps in use (Sec. 3.1, Fig. 4 and 6)."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from impnet_model.data.images import Image
from impnet_model.flows.warp import flow_warp
from vidkit.harness.detector import KeyframeWeights

MOST_KEYFRAMES = 64
"""So many keyframes are told apart; the last of them stands for all that are older."""


class Fusion(NamedTuple):
    """How a keyframe was fused with the impression."""

    weight: Tensor
    """`w_k (1, 1, h, w)`, Eq. 2."""
    flow: Tensor
    """`(1, 2, h, w)`, in cells: the impression was warped to the keyframe along it."""


class Keyframe(NamedTuple):
    """A keyframe, and how it was fused; None for the first of a video."""

    frame: int
    """Its place in the video, from 0."""
    image: Image
    fusion: Fusion | None


def keyframe_weights(keyframes: Iterable[Keyframe], gate: float, stride: int) -> Iterator[KeyframeWeights]:
    """Yield for each keyframe of one video its weight map and the mean shares of itself and those before it.

    Beside the impression a map for each keyframe is carried, of the share that it has in each cell. These maps are
    warped along the same flows and fused with the same weights and gate (Eq. 3, 4). The scale map of the flow network
    is left out: it scales channels, all keyframes alike. Where the impression came from outside the map nothing came,
    so the shares there don't sum to 1; their means are divided by the sum.
    """
    impression = torch.empty(0)
    for frame, image, fusion in keyframes:
        if fusion is None:
            height, width = (-(-side // stride) for side in image.pixels.shape[2:])
            task = impression = image.pixels.new_ones(1, 1, height, width, dtype=torch.float32)  # Eq. 1
        else:
            task, impression = fused_shares(impression, fusion, gate)
        weight = task[0, 0].cpu().numpy()
        yield KeyframeWeights(frame, weight, mean_shares(task), stride / image.scale)


def fused_shares(impression: Tensor, fusion: Fusion, gate: float) -> tuple[Tensor, Tensor]:
    """The shares `(1, n + 1, h, w)` in task feature and new impression, the newest keyframe first.

    impression `(1, n, h, w)`: the shares in the old one. There are at most MOST_KEYFRAMES in what comes back.
    """
    weight = fusion.weight.float()
    warped = flow_warp(impression, fusion.flow.float())
    task = torch.cat([weight, (1 - weight) * warped], dim=1)  # Eq. 3
    if task.shape[1] > MOST_KEYFRAMES:
        older = task[:, MOST_KEYFRAMES - 1 :].sum(dim=1, keepdim=True)
        task = torch.cat([task[:, : MOST_KEYFRAMES - 1], older], dim=1)
    new = gate * task
    new[:, :1] += 1 - gate  # Eq. 4
    return task, new


def mean_shares(task: Tensor) -> NDArray[np.float32]:
    """The mean of each keyframe's shares `(1, n, h, w)` over the map, `(n,)`, so that they sum to 1."""
    sums = task[0].double().sum(dim=(1, 2))
    total = sums.sum()
    if total == 0:  # all weight on an impression from outside the map: there is no feature to have a share in
        sums, total = sums.index_fill(0, sums.new_zeros(1, dtype=torch.long), 1.0), sums.new_ones(())
    return np.asarray((sums / total).float().cpu().numpy())
