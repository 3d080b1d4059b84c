"""Seq-NMS on top of any detector (Han et al., "Seq-NMS for Video Object Detection"; FGFA's settings).

Boxes of one class in adjacent frames that overlap are linked. Again and again the chain with the largest sum of scores
is taken, its boxes are given the chain's mean score, and what overlaps them in their frames is dropped. What is left
goes through ordinary NMS. The whole video is needed first, so this is for offline use.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from impnet_model.detectors.around import Around
from impnet_model.detectors.engine import Frame
from impnet_model.detectors.stages import Stages
from impnet_model.nets.box_coder import iou
from impnet_model.nets.nms import nms
from vidkit.boxes import to_inclusive
from vidkit.detections import Detections
from vidkit.errors import DetectorError
from vidkit.harness.detector import Detector, DetectorContext, Measuring, OracleDetector
from vidkit.harness.plugins import make

CPU = torch.device("cpu")
Array = NDArray[np.floating[Any]]


def seq_nms_on(context: DetectorContext, *, base: str, base_options: str = "") -> Detector:
    """Seq-NMS on top of any installed detector, with the detections as it gives them; ours have an option of that name.

    base_options: options of the base, with commas between them. `--option seq_nms=true` of our own detectors is better
    where it can be had: they then give all they have, before any NMS.
    """
    detector, _ = make(base, context, [text for text in base_options.split(",") if text])
    if isinstance(detector, OracleDetector):
        raise DetectorError(
            f"detector {base!r} looks at the ground truth; Seq-NMS goes on top of those that look at frames"
        )
    return SeqNMS(detector)


@dataclass(frozen=True)
class SeqNMS(Around):
    """Any detector, its detections of a video rescored along time; `inner` best gives all it has, before any NMS."""

    inner: Detector
    link: float = 0.5
    suppress: float = 0.3
    least: float = 0.01
    final_nms: float = 0.3
    stages: Stages = field(default_factory=Stages)

    @property
    def name(self) -> str:
        """The method's name and Seq-NMS's."""
        return f"{self.inner.name}+seq-nms"

    def detect(self, frames: Iterable[Frame]) -> Iterator[Detections]:
        """Yield the detections of each frame, once the whole video was seen."""
        raw = list(self.inner.detect(frames))
        with self.stages.time("postprocess", CPU):
            parts = self._rescored(raw)
        yield from (_joined(each, part) for each, part in zip(raw, parts, strict=True))

    def _rescored(self, raw: list[Detections]) -> list[list[tuple[Array, Array, int]]]:
        """For each frame what is left of the boxes of each class, with the new scores and the class."""
        classes = sorted({int(class_id) for each in raw for class_id in each.class_ids})
        parts: list[list[tuple[Array, Array, int]]] = [[] for _ in raw]
        for class_id in classes:
            chosen = [each.class_ids == class_id for each in raw]
            boxes = [to_inclusive(each.boxes[mask].astype(np.float64)) for each, mask in zip(raw, chosen, strict=True)]
            scores = [each.scores[mask].astype(np.float64) for each, mask in zip(raw, chosen, strict=True)]
            for t, (kept, rescored) in enumerate(seq_nms(boxes, scores, self.link, self.suppress, self.least)):
                last = final(boxes[t][kept], rescored, self.final_nms)
                parts[t].append((raw[t].boxes[chosen[t]][kept][last], rescored[last], class_id))
        return parts

    def measurements(self) -> Mapping[str, float]:
        """What the inner detector measured so far, with the seconds of Seq-NMS added to its postprocessing."""
        inner = self.inner.measurements() if isinstance(self.inner, Measuring) else {}
        own = self.stages.measurements(CPU)["postprocess_seconds"]
        return {**inner, "postprocess_seconds": inner.get("postprocess_seconds", 0.0) + own}


def _joined(raw: Detections, parts: list[tuple[Array, Array, int]]) -> Detections:
    """The detections of a frame, made of those of each class, best first."""
    scores = np.concatenate([score for _, score, _ in parts]) if parts else np.zeros(0)
    order = np.argsort(-scores, kind="stable")
    boxes = np.concatenate([box for box, _, _ in parts]) if parts else raw.boxes[:0]
    class_ids = np.concatenate([np.full(len(score), c, np.int64) for _, score, c in parts]) if parts else raw.class_ids
    return replace(raw, boxes=boxes[order], scores=scores[order].astype(np.float32), class_ids=class_ids[order])


def final(boxes: Array, scores: Array, threshold: float) -> NDArray[np.int64]:
    """The positions that ordinary NMS keeps among boxes of one class and frame, best first."""
    return np.asarray(nms(torch.from_numpy(boxes), torch.from_numpy(scores), threshold).numpy())


def seq_nms(
    boxes: list[Array], scores: list[Array], link: float = 0.5, suppress: float = 0.3, least: float = 0.01
) -> list[tuple[NDArray[np.int64], Array]]:
    """For each frame the positions of the boxes that are left, ascending, and their new scores.

    boxes: for each frame `(n, 4)`, inclusive corners, of one class; scores: `(n,)`. Adjacent boxes are linked at an IoU
    of `link` or more; it ends when the best chain sums to less than `least` or no links are left.
    """
    links = [_iou(a, b) >= link for a, b in pairwise(boxes)]
    overlaps = [_iou(each, each) >= suppress for each in boxes]
    scores = [each.copy() for each in scores]
    kept = [np.ones(len(each), bool) for each in boxes]
    chains = Chains(scores, links)
    while any(each.any() for each in links):
        start, path, total = chains.best()
        if total < least:
            break
        for t, box in enumerate(path, start=start):
            gone = overlaps[t][box] & kept[t]
            scores[t][gone] = 0
            scores[t][box] = total / len(path)
            kept[t] &= ~gone
            kept[t][box] = True
            chains.used[t][box] = True
            if t < len(links):
                links[t][gone] = False
            if t > 0:
                links[t - 1][:, gone] = False
        chains.update(start, start + len(path))
    return [(np.flatnonzero(keep), score[keep]) for keep, score in zip(kept, scores, strict=True)]


class Chains:
    """The best chain of linked boxes that ends at each box, by dynamic programming from the first frame on."""

    def __init__(self, scores: list[Array], links: list[NDArray[np.bool_]]) -> None:
        self.scores, self.links = scores, links
        self.used = [np.zeros(len(each), bool) for each in scores]
        self.total = [np.full(len(each), np.nan) for each in scores]
        self.parent = [np.full(len(each), -1) for each in scores]
        self.update(0, len(scores))

    def update(self, start: int, stop: int) -> None:
        """Renew frames `start … stop - 1` and those after them as far as they change."""
        for t in range(start, len(self.scores)):
            total, parent = self._ending_at(t)
            if t > stop and np.array_equal(total, self.total[t]) and np.array_equal(parent, self.parent[t]):
                return
            self.total[t], self.parent[t] = total, parent

    def _ending_at(self, t: int) -> tuple[Array, NDArray[np.int64]]:
        alone = np.where(self.used[t], 0.0, self.scores[t])
        nowhere = np.full(len(alone), -1)
        if t == 0 or not self.links[t - 1].any():
            return alone, nowhere
        sums = np.where(self.links[t - 1], self.total[t - 1][:, None] + self.scores[t], -np.inf)
        parent = sums.argmax(axis=0)
        longer = sums[parent, np.arange(len(alone))]
        return np.where(longer > alone, longer, alone), np.where(longer > alone, parent, nowhere)

    def best(self) -> tuple[int, list[int], float]:
        """First frame, boxes and sum of the best chain; of equal ones that which ends first."""
        ends = [float(each.max(initial=-np.inf)) for each in self.total]
        t = int(np.argmax(ends))
        box = int(self.total[t].argmax())
        path = [box]
        while self.parent[t][box] >= 0:
            box = int(self.parent[t][box])
            t -= 1
            path.append(box)
        return t, path[::-1], max(ends)


def _iou(a: Array, b: Array) -> Array:
    return np.asarray(iou(torch.from_numpy(a), torch.from_numpy(b)).numpy())
