"""What the detection head is trained on: targets of anchors and regions, hard examples (R-FCN, Sec. 2.2; OHEM).

The rules are those of the published R-FCN and DFF code. Boxes have inclusive corners, in pixels of the resized image,
as in `anchors`; `DELTA_STD` of `rpn` and `rfcn` normalises offsets. Labels are -1 where nothing is learned.
"""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, smooth_l1_loss

from impnet_model.nets import rfcn, rpn
from impnet_model.nets.box_coder import encode, iou


class Targets(NamedTuple):
    """What each of N anchors or regions is to say."""

    labels: Tensor
    """`(N,)` int64. Anchors: 1 object, 0 none. Regions: 0 background, then class ids plus 1. -1: ignored."""
    deltas: Tensor
    """`(N, 4)`: offsets to the object, normalised; zero where the label isn't positive."""


@torch.no_grad()
def anchor_targets(
    anchors: Tensor, boxes: Tensor, height: float, width: float, positive: float = 0.7, negative: float = 0.3
) -> Targets:
    """Labels and offsets of all anchors `(N, 4)` for the objects' boxes `(G, 4)` of one image.

    Anchors that reach beyond the image are ignored. Below an IoU of `negative` with every object the label is 0; from
    `positive` on, and for the best anchors of each object, all of equal rank, it is 1. An object that overlaps no
    inside anchor at all has every anchor without overlap as its best: a quirk of the published code, kept.
    """
    inside = (anchors[:, :2] >= 0).all(dim=1) & (anchors[:, 2] < width) & (anchors[:, 3] < height)
    labels = torch.full((len(anchors),), -1, dtype=torch.int64, device=anchors.device)
    deltas = anchors.new_zeros(len(anchors), 4)
    if len(boxes) == 0:
        labels[inside] = 0
        return Targets(labels, deltas)
    overlaps = iou(anchors[inside], boxes)  # (I, G)
    if not len(overlaps):
        return Targets(labels, deltas)
    best, of = overlaps.max(dim=1)
    found = torch.full_like(of, -1)
    found[best < negative] = 0
    found[(overlaps == overlaps.max(dim=0).values).any(dim=1)] = 1
    found[best >= positive] = 1
    labels[inside] = found
    offsets = encode(anchors[inside], boxes[of]) / anchors.new_tensor(rpn.DELTA_STD)
    deltas[inside] = torch.where(found[:, None] == 1, offsets, 0)
    return Targets(labels, deltas)


def sample_anchors(targets: Targets, generator: torch.Generator, total: int = 256, positives: int = 128) -> Targets:
    """The targets of `total` anchors drawn at random, at most `positives` of them objects; the rest is ignored.

    generator: of the CPU, whatever the targets' device.
    """
    labels = targets.labels.clone()
    objects = (labels == 1).nonzero()[:, 0]
    labels[_surplus(objects, positives, generator)] = -1
    others = (labels == 0).nonzero()[:, 0]
    labels[_surplus(others, total - int((labels == 1).sum()), generator)] = -1
    return Targets(labels, torch.where(labels[:, None] == 1, targets.deltas, 0))


def _surplus(rows: Tensor, limit: int, generator: torch.Generator) -> Tensor:
    """Which of the rows are too many, drawn at random."""
    order = torch.randperm(len(rows), generator=generator).to(rows.device)
    return rows[order[limit:]]


@torch.no_grad()
def region_targets(regions: Tensor, boxes: Tensor, classes: Tensor, foreground: float = 0.5) -> Targets:
    """Labels and offsets of regions `(N, 4)` for objects `boxes (G, 4)` of `classes (G,)`, from 0.

    A region belongs to the object that it overlaps most, if by an IoU of `foreground` at least; else to the background.
    Nothing is sampled: `hard_examples` chooses.
    """
    if len(boxes) == 0:
        return Targets(torch.zeros(len(regions), dtype=torch.int64, device=regions.device), torch.zeros_like(regions))
    best, of = iou(regions, boxes).max(dim=1)
    labels = torch.where(best >= foreground, classes[of] + 1, 0)
    offsets = encode(regions, boxes[of]) / regions.new_tensor(rfcn.DELTA_STD)
    return Targets(labels, torch.where(labels[:, None] > 0, offsets, 0))


@torch.no_grad()
def hard_examples(logits: Tensor, deltas: Tensor, targets: Targets, keep: int = 128) -> Targets:
    """The targets with all but the `keep` regions of largest loss ignored (online hard example mining).

    logits `(N, K + 1)`; deltas `(N, 4)`, the foreground's. A region's loss is cross entropy plus smooth L1.
    """
    losses = cross_entropy(logits, targets.labels, reduction="none") + _box_loss(deltas, targets).sum(dim=1)
    dropped = losses.argsort(descending=True, stable=True)[keep:]
    labels = targets.labels.clone()
    labels[dropped] = -1
    return Targets(labels, torch.where(labels[:, None] > 0, targets.deltas, 0))


def class_and_box_loss(logits: Tensor, deltas: Tensor, targets: Targets, total: int) -> tuple[Tensor, Tensor]:
    """The loss of class, the mean over anchors or regions that count, and of boxes, the sum over `total`.

    logits `(N, 2)` of anchors: background, object; `(N, K + 1)` of regions; deltas `(N, 4)`, the foreground's.
    """
    return _class_loss(logits, targets), _box_loss(deltas, targets).sum() / total


def _class_loss(logits: Tensor, targets: Targets) -> Tensor:
    """The mean cross entropy over labels of 0 and more; 0 if there are none."""
    total = cross_entropy(logits, targets.labels, ignore_index=-1, reduction="sum")
    return total / (targets.labels >= 0).sum().clamp(min=1)


def _box_loss(deltas: Tensor, targets: Targets) -> Tensor:
    """Smooth L1 (sigma 1) `(N, 4)` of the offsets, zero where no object is to be found."""
    return smooth_l1_loss(deltas, targets.deltas, reduction="none") * (targets.labels[:, None] > 0)
