"""Random cases with ignored regions: some that many detections may lie in, some objects that needn't be found."""

from dataclasses import replace

import numpy as np

from tests.evaluation.cases import boxes, case
from vidkit.boxes import from_inclusive, lossless_float
from vidkit.data.index import IgnoredRegions, Index
from vidkit.predictions.table import Predictions


def with_regions(seed: int, regular: bool = False, only_crowds: bool = False) -> tuple[Index, Predictions]:
    """A case of `cases` with regions, some of which are where detections are; some of any class unless `only_crowds`.

    Its ground truth has areas of its own, as COCO's masks have.
    """
    index, predictions = case(seed, regular)
    rng = np.random.default_rng(seed + 1_000_000)
    count = rng.integers(0, 4, index.n_frames).astype(np.int32)
    m = int(count.sum())
    box = lossless_float(from_inclusive(boxes(rng, m, regular)))
    near = np.flatnonzero(rng.random(m) < 0.5)
    if predictions.n_detections and len(near):
        box[near] = predictions.box[rng.integers(0, predictions.n_detections, len(near))]
    any_class = np.zeros(m, bool) if only_crowds else rng.random(m) < 0.3
    class_id = np.where(any_class, -1, rng.integers(0, index.n_classes, m)).astype(np.int16)
    crowd = np.ones(m, bool) if only_crowds else rng.random(m) < 0.5
    area = np.abs(index.box[:, 2:] - index.box[:, :2]).prod(axis=1) * rng.choice([0.3, 0.7, 1.0], index.n_instances)
    told = replace(
        index,
        ignored=IgnoredRegions(count, box, class_id, crowd),
        instance_attributes={"area": area.astype(np.float64)},
    )
    return told, replace(predictions, index_fingerprint=told.fingerprint)


def without_them(index: Index, predictions: Predictions, ignored: np.ndarray) -> tuple[Index, Predictions]:
    """The same without regions and without the detections `ignored (D,)`."""
    bare = replace(index, ignored=None)
    counts = np.bincount(predictions.detection_frame[~ignored], minlength=index.n_frames)
    left = replace(
        predictions,
        detection_start=np.concatenate([[0], np.cumsum(counts)]),
        box=predictions.box[~ignored],
        score=predictions.score[~ignored],
        class_id=predictions.class_id[~ignored],
        index_fingerprint=bare.fingerprint,
    )
    return bare, left
