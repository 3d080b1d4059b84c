"""The losses of the task network for features of images whose objects are known (R-FCN, Sec. 2.2; Faster R-CNN, Eq. 1).

All have weight 1. Each is the mean over the images of a batch, each image normalised by itself; so a batch can be dealt
out to passes and processes in any way.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from impnet_model.nets.anchors import grid_anchors
from impnet_model.nets.rfcn import RoIOutput
from impnet_model.nets.rpn import RPNOutput
from impnet_model.nets.task_network import RFCNTask, with_image_index
from impnet_model.training.assignment import (
    anchor_targets,
    class_and_box_loss,
    hard_examples,
    region_targets,
    sample_anchors,
)
from vidkit.number_ranges import check_ranges


@dataclass(frozen=True)
class Selection:
    """Which anchors and regions are learned from; the defaults are the published code's.

    Raises ValueError for a number outside its range.
    """

    anchors: int = 256
    """Anchors drawn in each image."""
    object_anchors: int = 128
    """At most so many of them objects."""
    object_iou: float = 0.7
    """From this overlap on an anchor is an object, besides the best of each object."""
    empty_iou: float = 0.3
    """Below it an anchor is background."""
    region_iou: float = 0.5
    """From this overlap on a region is an object."""
    regions: int = 128
    """Regions of largest loss that count (OHEM)."""

    def __post_init__(self) -> None:
        """Refuse numbers outside their range."""
        check_ranges(self, dict.fromkeys(("anchors", "object_anchors", "regions"), (1, 1_000_000)))
        check_ranges(self, dict.fromkeys(("object_iou", "empty_iou", "region_iou"), (0.0, 1.0)))


class Truth(NamedTuple):
    """What there is in one image."""

    boxes: Tensor
    """`(G, 4)`, inclusive corners in pixels of the resized image."""
    classes: Tensor
    """`(G,)` from 0."""
    height: int
    """Of the resized image, without what the batch was filled up with."""
    width: int
    seed: int
    """For the draw of anchors."""


NAMES = ("rpn_class", "rpn_box", "rfcn_class", "rfcn_box")


def task_losses(task: RFCNTask, features: Tensor, truths: Sequence[Truth], selection: Selection) -> dict[str, Tensor]:
    """The four losses, by their `NAMES`, for features `(B, C, h, w)` of B images."""
    for_rpn, for_rfcn = task.split(features)
    output = task.rpn(for_rpn)
    regions = proposals_and_objects(task, output, truths)
    rois = task.rfcn(for_rfcn, with_image_index(regions))
    counts = [len(each) for each in regions]
    rpn = rpn_losses_of(task, output, truths, selection)
    rfcn = [
        rfcn_losses_of(RoIOutput(logits, deltas), inside, truth, selection)
        for logits, deltas, inside, truth in zip(
            rois.logits.float().split(counts), rois.deltas.float().split(counts), regions, truths, strict=True
        )
    ]
    means = torch.stack([torch.stack([*a, *b]) for a, b in zip(rpn, rfcn, strict=True)]).mean(dim=0)  # (4,)
    return dict(zip(NAMES, means, strict=True))


def proposals_and_objects(task: RFCNTask, output: RPNOutput, truths: Sequence[Truth]) -> list[Tensor]:
    """For each image the regions `(n, 4)` that R-FCN learns from: what the RPN proposes, and the objects."""
    foreground, deltas = output.foreground().detach(), output.deltas.detach()
    return [
        torch.cat([*task.rpn.propose(foreground[i, None], deltas[i, None], truth.height, truth.width), truth.boxes])
        for i, truth in enumerate(truths)
    ]


def rpn_losses_of(
    task: RFCNTask, output: RPNOutput, truths: Sequence[Truth], selection: Selection
) -> list[tuple[Tensor, Tensor]]:
    """The RPN's two losses of each image."""
    batch, _, rows, columns = output.logits.shape
    grid = grid_anchors(task.rpn.base, rows, columns, task.stride)  # (N, 4), order (h, w, a)
    logits = output.logits.float().reshape(batch, 2, -1, rows, columns).permute(0, 3, 4, 2, 1).reshape(batch, -1, 2)
    deltas = output.deltas.float().permute(0, 2, 3, 1).reshape(batch, -1, 4)
    losses = []
    for i, truth in enumerate(truths):
        targets = anchor_targets(
            grid, truth.boxes, truth.height, truth.width, selection.object_iou, selection.empty_iou
        )
        generator = torch.Generator().manual_seed(truth.seed)
        drawn = sample_anchors(targets, generator, selection.anchors, selection.object_anchors)
        losses.append(class_and_box_loss(logits[i], deltas[i], drawn, selection.anchors))
    return losses


def rfcn_losses_of(output: RoIOutput, regions: Tensor, truth: Truth, selection: Selection) -> tuple[Tensor, Tensor]:
    """R-FCN's two losses of one image."""
    targets = region_targets(regions, truth.boxes, truth.classes, selection.region_iou)
    deltas = output.deltas[:, 4:]
    hardest = hard_examples(output.logits, deltas, targets, selection.regions)
    return class_and_box_loss(output.logits, deltas, hardest, selection.regions)
