"""What an index holds and a form has no place for, in words."""

from collections.abc import Collection, Iterator

import numpy as np
from numpy.typing import NDArray

from vidkit.data.index import Index


def losses(index: Index, holds: Collection[str]) -> list[str]:
    """What is lost of `index` in a form that `holds` only this much, of `vidkit.data.writers.HOLDABLE`."""
    return [words for kind, words in _held(index) if kind not in holds]


def is_written(index: Index) -> NDArray[np.bool_]:
    """Which frames are written `(F,)`: those that were annotated; others would be taken for frames without objects."""
    return np.ones(index.n_frames, np.bool_) if index.annotated is None else index.annotated


def has_area(index: Index) -> NDArray[np.bool_]:
    """Which boxes have an area `(N,)`: others are refused by most who read these forms."""
    return np.asarray((index.box[:, 2:] > index.box[:, :2]).all(axis=1))


def _held(index: Index) -> Iterator[tuple[str, str]]:
    """Yield what is there, by kind; kinds that no form holds are called ""."""
    tracked, flat, hidden = (index.track_id >= 0).sum(), (~has_area(index)).sum(), (~is_written(index)).sum()
    wnids = sum(c.wnid != c.name for c in index.classes)
    counted = (
        ("tracks", tracked, "boxes' tracks"),
        ("occluded", index.occluded.sum(), "boxes' mark as occluded"),
        ("generated", index.generated.sum(), "boxes' mark as generated"),
        ("ignored", 0 if index.ignored is None else len(index.ignored.box), "ignored regions"),
        ("wnids", wnids, "classes' WordNet ids"),
        ("", flat, "boxes without area, left out"),
        ("", hidden, "frames that nobody annotated, left out"),
    )
    yield from ((kind, f"{count:,} {what}") for kind, count, what in counted if count)
    attributes = index.instance_attributes
    of_kind = {
        "numbers": [name for name, column in attributes.items() if column.dtype.kind != "S"],
        "": [name for name, column in attributes.items() if column.dtype.kind == "S"],
    }
    yield from ((kind, f"attributes of boxes: {', '.join(names)}") for kind, names in of_kind.items() if names)
    if index.frame_attributes:
        yield "", f"attributes of frames: {', '.join(index.frame_attributes)}"
    if index.motion_iou is not None:
        yield "", "motion IoU of a side file"
