"""Boxes as labelling tools give them: taken down one by one, kept as columns."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vidkit.boxes import Boxes
from vidkit.errors import AnnotationError

MAX_FRAMES, MAX_BOXES, MAX_ATTRIBUTES = 1_000_000, 20_000_000, 64
KEPT, NOT_COUNTED, CROWD = 0, 1, 2
"""What a box is: ground truth; an object that needn't be found; a region that many detections may lie in."""
NO_ATTRIBUTES: Mapping[str, float] = {}
_TYPES: Mapping[str, type] = {
    **{"row": np.int64, "class_id": np.int64, "track": np.int32},
    **{"occluded": np.bool_, "generated": np.bool_, "kind": np.int8},
}


@dataclass(frozen=True, eq=False)
class Drawn:
    """N boxes of one video as columns."""

    row: NDArray[np.int64]  # of its frame among the frames of the video
    class_id: NDArray[np.int64]  # -1: of no class that is wanted
    box: Boxes  # (N, 4) vidkit's convention
    track: NDArray[np.int32]  # -1: none
    occluded: NDArray[np.bool_]
    generated: NDArray[np.bool_]
    kind: NDArray[np.int8]
    angle: NDArray[np.float64]  # degrees clockwise by which it is turned
    attributes: Mapping[str, NDArray[np.float64]]

    def at(self, which: NDArray[Any]) -> Drawn:
        """The boxes of these rows, or of this mask."""
        columns = {f.name: getattr(self, f.name)[which] for f in fields(self) if f.name != "attributes"}
        return Drawn(**columns, attributes={name: column[which] for name, column in self.attributes.items()})

    def by_image(self, images: int) -> tuple[Drawn, NDArray[np.int64]]:
        """The boxes sorted by `row`, which is the image, and where the boxes of each image start `(images + 1,)`."""
        drawn = self.at(np.argsort(self.row, kind="stable"))
        return drawn, np.searchsorted(drawn.row, np.arange(images + 1))

    def of_images(self, images: Sequence[int], starts: NDArray[np.int64]) -> Drawn:
        """The boxes of these images, which become the frames of a video; `starts` are those of `by_image`."""
        counts = (starts[1:] - starts[:-1])[list(images)]
        rows = np.repeat(np.arange(len(images)), counts)
        first = np.repeat(starts[list(images)] - np.cumsum(counts) + counts, counts)
        return replace(self.at(first + np.arange(len(rows))), row=rows)


class DrawnBoxes:
    """Boxes as they are read, one after the other: in arrays, since a million objects would be slow to keep."""

    def __init__(self, place: str) -> None:
        self._place = place
        self._whole = {name: array("q") for name in ("row", "class_id", "track", "occluded", "generated", "kind")}
        self._corners, self._angle = array("d"), array("d")
        self._attributes: dict[str, tuple[array[int], array[float]]] = {}  # which boxes have it, and its values
        self._add = tuple(column.append for column in self._whole.values())

    def add(
        self,
        row: int,
        class_id: int,
        corners: Sequence[float],
        track: int = -1,
        occluded: bool = False,
        generated: bool = False,
        kind: int = KEPT,
        angle: float = 0,
        attributes: Mapping[str, float] = NO_ATTRIBUTES,
    ) -> None:
        """Add a box: in frame `row`, `angle` in degrees clockwise. Raises AnnotationError for many attributes."""
        for name, value in attributes.items():
            if name not in self._attributes:
                if len(self._attributes) >= MAX_ATTRIBUTES:
                    raise AnnotationError(f"{self._place}: boxes have more than {MAX_ATTRIBUTES} attributes")
                self._attributes[name] = array("q"), array("d")
            which, values = self._attributes[name]
            which.append(len(self._angle))
            values.append(value)
        for append, value in zip(self._add, (row, class_id, track, occluded, generated, kind), strict=True):
            append(value)
        self._corners.extend(corners)
        self._angle.append(angle)

    def columns(self) -> Drawn:
        """All of them, in the order in which they were added."""
        attributes = {name: np.full(len(self._angle), np.nan) for name in sorted(self._attributes)}
        for name, column in attributes.items():
            which, values = self._attributes[name]
            column[np.array(which, np.int64)] = values
        whole: dict[str, NDArray[Any]] = {
            name: np.array(column, np.int64).astype(_TYPES[name]) for name, column in self._whole.items()
        }
        box, angle = np.array(self._corners, np.float64).reshape(-1, 4), np.array(self._angle, np.float64)
        return Drawn(**whole, box=box, angle=angle, attributes=attributes)
