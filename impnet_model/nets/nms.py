"""Greedy non-maximum suppression, exact, in plain torch; torchvision's compiled one where it is installed.

A box is dropped if a kept box that comes before it (by score) overlaps it by **more** than the threshold. Overlaps
count inclusive corners, as in `box_coder`.

Greedy suppression is the only solution of `kept[i] = not any(kept[j] and overlaps[j, i] for j before i)`. Iterated from
"all kept" it settles from the front: after t rounds every box is right whose chain of suppressors is at most t long.
So a handful of matrix products replace the loop over boxes.
"""

from collections.abc import Callable
from functools import cache

import numpy as np
import torch
from torch import Tensor

from impnet_model.nets.box_coder import iou

CompiledNMS = Callable[[Tensor, Tensor, float], Tensor]


def nms(boxes: Tensor, scores: Tensor, threshold: float, limit: int | None = None) -> Tensor:
    """The positions of the kept boxes, best first, at most `limit`; equal scores keep their order.

    boxes `(N, 4)`, scores `(N,)`.
    """
    order = scores.argsort(descending=True, stable=True)
    return order[nms_sorted(boxes[order], threshold, limit)]


def nms_sorted(boxes: Tensor, threshold: float, limit: int | None = None) -> Tensor:
    """The positions of the kept boxes among boxes `(N, 4)` that are sorted by falling score.

    torchvision's NMS is used where it imports. Plain torch works block by block and stops at `limit`: on a CPU blocks
    are small, so that little is computed in vain; a GPU takes all in one.
    """
    compiled = torchvision_nms()
    if compiled is not None and len(boxes):
        rank = torch.arange(len(boxes), 0, -1, device=boxes.device, dtype=boxes.dtype)
        return compiled(boxes + boxes.new_tensor([0, 0, 1, 1]), rank, threshold)[:limit]
    return _by_blocks(boxes, threshold, limit)


def _by_blocks(boxes: Tensor, threshold: float, limit: int | None = None) -> Tensor:
    """What `nms_sorted` does, in plain torch."""
    block = 128 if boxes.device.type == "cpu" else max(len(boxes), 1)
    wanted = len(boxes) if limit is None else limit
    kept, n_kept = [torch.zeros(0, dtype=torch.int64, device=boxes.device)], 0
    kept_boxes = boxes[:0]
    for start in range(0, len(boxes), block):
        if n_kept >= wanted:
            break
        here = boxes[start : start + block]
        free = ~(iou(kept_boxes, here) > threshold).any(dim=0)
        before = (iou(here, here) > threshold).triu(diagonal=1)
        alive = _settle(before[None], free[None])[0]
        positions = alive.nonzero()[:, 0]
        kept.append(positions + start)
        kept_boxes = torch.cat([kept_boxes, here[positions]])
        n_kept += len(positions)
    return torch.cat(kept)[:wanted]


def nms_by_class(boxes: Tensor, scores: Tensor, candidates: Tensor, threshold: float) -> Tensor:
    """Which candidates are kept `(N, C)`, each class by itself, the boxes shared by all classes.

    boxes `(N, 4)`; scores `(N, C)`; candidates `(N, C)` bool: the others neither survive nor suppress. Of equal scores
    the first row wins.
    """
    overlaps = (iou(boxes, boxes) > threshold).fill_diagonal_(False)  # (N, N)
    resolve = _kept_by_rank if boxes.device.type == "cpu" else _kept_at_once
    return resolve(overlaps, scores, candidates)


def _kept_by_rank(overlaps: Tensor, scores: Tensor, candidates: Tensor) -> Tensor:
    """Kept `(N, C)`: the greedy loop over ranks, for all classes in step. Fast where a step costs little."""
    order = torch.where(candidates, scores, -torch.inf).argsort(dim=0, descending=True, stable=True).numpy()
    free, clear = candidates.t().contiguous().numpy().copy(), (~overlaps).numpy()  # (C, N), (N, N)
    kept = np.zeros_like(free)
    classes = np.arange(len(free))
    for row in order[: int(free.sum(axis=1).max(initial=0))]:
        here = free[classes, row]
        kept[classes, row] = here
        free &= clear[row] | ~here[:, None]
    return torch.from_numpy(kept.T)


def _kept_at_once(overlaps: Tensor, scores: Tensor, candidates: Tensor) -> Tensor:
    """Kept `(N, C)`: all pairs of all classes together, for a GPU, where a step costs much."""
    first = torch.ones_like(overlaps).triu(diagonal=1)
    by_class = scores.t()  # (C, N)
    higher, same = by_class[:, :, None] > by_class[:, None, :], by_class[:, :, None] == by_class[:, None, :]
    before = overlaps & (higher | (same & first))  # (C, N, N): row j suppresses column i
    return _settle(before, candidates.t()).t()


def _settle(before: Tensor, free: Tensor) -> Tensor:
    """Kept `(C, N)`: free boxes that no kept box suppresses. before `(C, N, N)`: [c, j, i], j suppresses i."""
    weights = before.float()
    kept = free
    while True:
        suppressed = torch.bmm(kept.float()[:, None], weights)[:, 0] > 0
        settled = free & ~suppressed
        if torch.equal(settled, kept):
            return kept
        kept = settled


@cache
def torchvision_nms() -> CompiledNMS | None:
    """Torchvision's NMS, or None where torchvision is missing or doesn't fit the installed torch."""
    try:
        from torchvision.ops import nms as compiled
    except (ImportError, RuntimeError, AttributeError):
        return None
    function: CompiledNMS = compiled
    return function
