"""Labels that seem to be other classes: detections that lie on objects, but hardly ever on those of their class."""

from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vidkit.boxes import Boxes
from vidkit.data.index import Index
from vidkit.predictions.nearest_truth import overlap_of_pairs, pairs_in_frames

_ON = 0.5  # IoU of a detection that lies on an object
_ENOUGH, _MOST = 3, 2 / 3  # objects of a label, and the share of them that one class must have
_SURE = 20_000  # detections, those of the highest scores


def mistaken_labels(
    row: NDArray[np.integer[Any]], box: Boxes, class_id: NDArray[np.int16], score: NDArray[Any], index: Index
) -> dict[int, int]:
    """The classes whose detections lie on objects of another class, and that class; {} where nothing speaks for it.

    Of each object the detection of the highest score on it counts. One class that is mostly taken for another is a
    detector's mistake; it is told only where such classes change places among themselves, or where all are others.
    """
    sure = np.argpartition(-score, _SURE)[:_SURE] if len(score) > _SURE else np.arange(len(score))
    sure = sure[np.argsort(-score[sure], kind="stable")]
    of = _classes_on_objects(row[sure], box[sure], class_id[sure], index)
    votes: dict[int, Counter[int]] = {}
    for mine, theirs in of:
        votes.setdefault(mine, Counter())[theirs] += 1
    most = {}
    for mine, counter in votes.items():
        theirs, n = counter.most_common(1)[0]
        if counter.total() >= _ENOUGH and n > _MOST * counter.total():
            most[mine] = theirs
    others = {mine: theirs for mine, theirs in most.items() if mine != theirs}
    changed_places = others.keys() == set(others.values())
    return others if others and (changed_places or len(others) == len(most)) else {}


def _classes_on_objects(
    row: NDArray[np.integer[Any]], box: Boxes, class_id: NDArray[np.int16], index: Index
) -> list[tuple[int, int]]:
    """The class of the first detection on each object that has one, and the object's; detections go by score."""
    detection, truth = pairs_in_frames(row, box, class_id, index)
    on = overlap_of_pairs(box, detection, truth, index) > _ON
    detection, truth = detection[on], truth[on]
    _, firsts = np.unique(truth, return_index=True)
    pairs = zip(class_id[detection[firsts]].tolist(), index.class_id[truth[firsts]].tolist(), strict=True)
    return list(pairs)
