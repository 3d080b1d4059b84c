"""Boxes that name their image and category by id, as COCO's annotations do → the boxes of each video."""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from vidkit.data.readers.found_boxes import FoundBoxes
from vidkit.data.readers.free_attributes import numeric
from vidkit.data.readers.json_fields import JsonFields, in_part, is_number
from vidkit.data.readers.json_lists import Id, new_id
from vidkit.data.readers.track_numbers import track_numbers
from vidkit.errors import AnnotationError

MOST_ATTRIBUTES = 64
"""Each becomes a column over all boxes."""
_NO_ATTRIBUTE = frozenset(
    {
        *("id", "image_id", "video_id", "category_id", "instance_id", "track_id", "track", "bbox", "area"),
        *("segmentation", "iscrowd", "ignore", "occluded", "is_occluded", "generated"),
    }
)
"""Fields with a column of their own, or with no meaning here: other numbers become attributes."""
_TRACKS = ("instance_id", "track_id", "track")
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
    generated: list[bool] = field(default_factory=list)
    area: array[float] = field(default_factory=lambda: array("d"))  # as stated, NaN where it isn't
    attributes: dict[str, array[float]] = field(default_factory=dict)  # other fields that are numbers, NaN where absent
    ids: set[Id] = field(default_factory=set)

    def add(self, fields: JsonFields) -> None:
        """Add one annotation; an AnnotationError where it isn't one."""
        if "id" in fields.values:
            self.ids.add(new_id(fields, self.ids))
        self._add_attributes(fields)
        self.corners.extend(fields.corners())
        self.image.append(fields.id("image_id"))
        self.category.append(fields.id("category_id"))
        track = next((name for name in _TRACKS if fields.values.get(name) is not None), None)
        self.track.append(None if track is None else fields.id(track))
        self.crowd.append(fields.flag("iscrowd"))
        self.ignored.append(self.crowd[-1] or fields.flag("ignore"))
        self.occluded.append(any(fields.flag(name) for name in _OCCLUDED if name in fields.values))
        self.generated.append(fields.flag("generated"))
        area = fields.values.get("area")
        self.area.append(area if is_number(area) else math.nan)  # type: ignore[arg-type]

    def _add_attributes(self, fields: JsonFields) -> None:
        """Keep fields beyond COCO's that are numbers; call it before the box is added."""
        before = len(self.image)
        found = {} if fields.values.keys() <= _NO_ATTRIBUTE else numeric(fields.values, _NO_ATTRIBUTE)
        for name in found:
            if name not in self.attributes:
                self.attributes[name] = array("d", [math.nan]) * before
        if len(self.attributes) > MOST_ATTRIBUTES:
            what = f"one of more than {MOST_ATTRIBUTES} fields beyond COCO's that are numbers"
            raise AnnotationError(f"{fields.place}: {what}")
        for name, column in self.attributes.items():
            column.append(found.get(name, math.nan))

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
        flags = (self.crowd, self.ignored, self.occluded, self.generated)
        crowd, ignored, occluded, generated = (np.array(column, np.bool_) for column in flags)
        box = np.frombuffer(self.corners, np.float64).reshape(-1, 4)
        attributes = {name: np.frombuffer(column, np.float64) for name, column in self.attributes.items()}
        attributes |= self._areas(box)
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
                generated=generated[rows],
                attributes={
                    name: column[rows] for name, column in attributes.items() if not np.isnan(column[rows]).all()
                },
            )
            for rows in (order[start:end] for start, end in pairwise(ends))
        ]

    def _areas(self, box: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
        """The areas, where any is stated that isn't the box's own: that of a mask, say."""
        of_boxes = (box[:, 2] - box[:, 0]) * (box[:, 3] - box[:, 1])
        stated = np.frombuffer(self.area, np.float64)
        areas = np.where(np.isnan(stated), of_boxes, stated)
        return {} if np.array_equal(areas, of_boxes) else {"area": areas}

    def _check(self, name: str, keys: list[Id], known: Mapping[Id, object]) -> None:
        for row, key in enumerate(keys):
            if key not in known:
                found = f"{name} {in_part(key)}"
                raise AnnotationError(f"{self.place}: annotations[{row}]: {found}; wanted that of one in the file")

    def _places(self, rows: NDArray[np.int64]) -> Callable[[int], str]:
        return lambda row: f"{self.place}: annotations[{rows[row]}]"
