"""N_task: the detection network, RPN and R-FCN (Impression Network, Sec. 3.3, "Detection network")."""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from impnet_model.nets.box_coder import clip, decode
from impnet_model.nets.nms import nms_by_class
from impnet_model.nets.rfcn import RFCN, RoIOutput
from impnet_model.nets.rpn import RPN


class View(NamedTuple):
    """The images that features were computed on."""

    height: int
    """Of the resized image."""
    width: int
    """Of the resized image."""
    scale: float
    """Pixels of the resized image for each pixel of the frame."""


@dataclass(frozen=True)
class PostProcessing:
    """From scores of regions to detections: what is above the threshold, NMS class by class, the best of all classes.

    nms_threshold None: no NMS, and no limit either, as Seq-NMS wants it.
    """

    score_threshold: float = 1e-3
    nms_threshold: float | None = 0.3
    limit: int = 300


class Found(NamedTuple):
    """Detections of one image, best first."""

    boxes: Tensor
    """`(N, 4)` in pixels of the frame, corners inclusive."""
    scores: Tensor
    """`(N,)`."""
    labels: Tensor
    """`(N,)`, from 0, without background."""


class Scored(NamedTuple):
    """What the networks say of one image."""

    regions: Tensor
    """`(N, 4)`, proposed by the RPN, in pixels of the resized image."""
    output: RoIOutput


class RFCNTask(nn.Module):
    """N_task: RPN on the first half of the channels, R-FCN on the second."""

    def __init__(self, rpn: RPN, rfcn: RFCN) -> None:
        super().__init__()
        if rpn.stride != rfcn.stride:
            raise ValueError(f"RPN has stride {rpn.stride}, R-FCN {rfcn.stride}; wanted the same")
        self.rpn, self.rfcn = rpn, rfcn
        self.in_channels, self.stride = rpn.in_channels + rfcn.in_channels, rpn.stride

    def split(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """The channels of the RPN and those of R-FCN."""
        return features[:, : self.rpn.in_channels], features[:, self.rpn.in_channels :]

    def detect(self, features: Tensor, view: View, rules: PostProcessing) -> list[Found]:
        """The detections of each image of features `(B, in_channels, H, W)`."""
        return [self.select(scored, view, rules) for scored in self.score(features, view)]

    def score(self, features: Tensor, view: View) -> list[Scored]:
        """The regions of each image of features `(B, in_channels, H, W)`, and what R-FCN says of them."""
        for_rpn, for_rfcn = self.split(features)
        anchors = self.rpn(for_rpn)
        proposed = self.rpn.propose(anchors.foreground(), anchors.deltas, view.height, view.width)
        output = self.rfcn(for_rfcn, with_image_index(proposed))
        counts = [len(boxes) for boxes in proposed]
        return [
            Scored(boxes, RoIOutput(logits, deltas))
            for logits, deltas, boxes in zip(
                output.logits.split(counts), output.deltas.split(counts), proposed, strict=True
            )
        ]

    def select(self, scored: Scored, view: View, rules: PostProcessing) -> Found:
        """The detections of one image."""
        return post_process(scored.output, scored.regions, view, rules)


def with_image_index(boxes: list[Tensor]) -> Tensor:
    """Boxes `(n, 4)` of several images as one `(N, 5)`, the image's place in the batch first."""
    return torch.cat([torch.cat([each.new_full((len(each), 1), i), each], dim=1) for i, each in enumerate(boxes)])


def post_process(output: RoIOutput, regions: Tensor, view: View, rules: PostProcessing) -> Found:
    """The detections of one image from what R-FCN says of its regions `(N, 4)`.

    Boxes are divided by the scale before NMS, as in the published code.
    """
    scores = torch.softmax(output.logits.float(), dim=1)[:, 1:]  # (N, K)
    boxes = clip(decode(regions, output.foreground_deltas()), view.height, view.width) / view.scale
    kept = scores > rules.score_threshold
    if rules.nms_threshold is not None:
        kept = nms_by_class(boxes, scores, kept, rules.nms_threshold)
    row, label = kept.nonzero().unbind(1)
    found = scores[row, label]
    order = found.argsort(descending=True, stable=True)
    if rules.nms_threshold is not None:
        order = order[: rules.limit]
    return Found(boxes[row[order]], found[order], label[order])
