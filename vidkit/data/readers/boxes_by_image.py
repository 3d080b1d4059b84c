"""Boxes that name their image and category by id, as COCO's annotations do → the boxes of each video."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from vidkit.data.readers.found_boxes import FoundBoxes
from vidkit.data.readers.json_fields import JsonFields, in_part
from vidkit.data.readers.json_lists import Id
from vidkit.data.readers.track_numbers import track_numbers
from vidkit.errors import AnnotationError

_TRACKS = ("track_id", "instance_id", "track")
_OCCLUDED = ("occluded", "is_occluded")


@dataclass
class BoxesByImage:
    """N boxes in the order of the file, which is at `place`; each list holds N, `corners` 4 N."""

    place: str
    corners: array[float] = field(default_factory=lambda: array("d"))
    image: list[Id] = field(default_factory=list)
    category: list[Id] = field(default_factory=list)
    track: list[Id | None] = field(default_factory=list)
    crowd: list[bool] = field(default_factory=list)
    ignored: list[bool] = field(default_factory=list)
    occluded: list[bool] = field(default_factory=list)

    def add(self, fields: JsonFields) -> None:
        """Add one annotation; an AnnotationError where it isn't one."""
        self.corners.extend(fields.corners())
        self.image.append(fields.id("image_id"))
        self.category.append(fields.id("category_id"))
        track = next((name for name in _TRACKS if fields.values.get(name) is not None), None)
        self.track.append(None if track is None else fields.id(track))
        self.crowd.append(fields.flag("iscrowd"))
        self.ignored.append(self.crowd[-1] or fields.flag("ignore"))
        self.occluded.append(any(fields.flag(name) for name in _OCCLUDED if name in fields.values))

    def by_video(
        self, at: Mapping[Id, tuple[int, int]], class_row: Mapping[Id, int], n_videos: int
    ) -> list[FoundBoxes]:
        """The boxes of each of the videos, in the order of the file.

        `at` tells the video and the frame's row of each image, `class_row` the class of each category. Raises
        AnnotationError for boxes of other images or categories.
        """
        self._check("image_id", self.image, at)
        self._check("category_id", self.category, class_row)
        where = np.array([at[key] for key in self.image], np.int64).reshape(-1, 2)
        columns = (np.array(column, np.bool_) for column in (self.crowd, self.ignored, self.occluded))
        crowd, ignored, occluded = columns
        box = np.frombuffer(self.corners, np.float64).reshape(-1, 4)
        class_id = np.array([class_row[key] for key in self.category], np.int64)
        order = np.argsort(where[:, 0], kind="stable")
        ends = np.searchsorted(where[order, 0], np.arange(n_videos + 1))
        return [
            FoundBoxes(
                place=self._places(rows),
                frame=where[rows, 1],
                box=box[rows],
                class_id=class_id[rows],
                track=track_numbers([self.track[row] for row in rows]),
                occluded=occluded[rows],
                ignored=ignored[rows],
                crowd=crowd[rows],
            )
            for rows in (order[start:end] for start, end in pairwise(ends))
        ]

    def _check(self, name: str, keys: list[Id], known: Mapping[Id, object]) -> None:
        for row, key in enumerate(keys):
            if key not in known:
                found = f"{name} {in_part(key)}"
                raise AnnotationError(f"{self.place}: annotations[{row}]: {found}; wanted that of one in the file")

    def _places(self, rows: NDArray[np.int64]) -> Callable[[int], str]:
        return lambda row: f"{self.place}: annotations[{rows[row]}]"
