"""Slices: the groups of a breakdown, by what an index tells of its instances, frames, videos and classes.

Two kinds of attributes: a detection has a video, a frame, a class and an area of its own; motion, occlusion, the length
of a track are known of ground truth alone, and the protocol's rule for unmatched detections decides there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import pairwise, product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vidkit.boxes import Boxes, to_inclusive, without_rounding
from vidkit.data.index import Index
from vidkit.errors import ChoiceError, did_you_mean
from vidkit.evaluation.motion_iou import motion_of, track_length
from vidkit.evaluation.protocols import AREA_NAMES, MOTION_NAMES, Protocol

Bins = Mapping[str, Sequence[float]]
"""Edges for attributes that are numbers: {"motion": (0.7, 0.9)}."""

BOXES_AT_ONCE = 16_384
"""Boxes whose areas are computed in one step: few enough for a processor's cache."""

FEW_VALUES = 12
"""A column of numbers with no more distinct values than this is broken down by value, another one by its quartiles."""


@dataclass(frozen=True, eq=False)
class Group:
    """Some of the ground truth, by what isn't known of detections, and a range of areas."""

    name: str
    kept: NDArray[np.bool_] | None = None  # (N,) None: all
    counted: NDArray[np.bool_] | None = None  # (N,) what counts for the group's share; None: all
    with_empty: bool = True  # whether a frame without objects counts as one object of the group
    area: tuple[float, float] | None = None  # closed; None: any

    def shared(self, index: Index) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """How many objects of the group, and of all, each frame holds, `(F,)`; a frame without objects counts as one.

        The sums of the two over the frames of a cell are the group's share in that cell.
        """
        every, empty = np.diff(index.instance_start), empty_frames(index)
        inside = every if self.counted is None else _by_frame(self.counted, index)
        return inside + empty * self.with_empty, every + empty

    def cross(self, other: Group) -> Group:
        """Return the group of what is in both."""
        return Group(
            name=f"{self.name}/{other.name}",
            kept=_both(self.kept, other.kept),
            counted=_both(self.counted, other.counted),
            with_empty=self.with_empty and other.with_empty,
            area=self.area or other.area,
        )


@dataclass(frozen=True, eq=False)
class Cells:
    """A partition of the frames into cells: videos, or the values of a frame's attribute."""

    names: tuple[str, ...]
    of_frame: NDArray[np.int64]  # (F,)
    of_one_video: bool = False  # whether no cell has frames of two videos

    def cross(self, other: Cells) -> Cells:
        """Return the partition into cells that are the same in both."""
        names = tuple(f"{a}/{b}" for a, b in product(self.names, other.names))
        of_one_video = self.of_one_video or other.of_one_video
        return Cells(names, self.of_frame * len(other.names) + other.of_frame, of_one_video)


@dataclass(frozen=True, eq=False)
class Breakdown:
    """One `by`: groups of ground truth, inside each cell of a partition of the frames, class by class or together."""

    by: str
    groups: tuple[Group, ...] = (Group(""),)
    cells: Cells | None = None
    by_class: bool = False


def breakdown(by: str, index: Index, protocol: Protocol, bins: Bins | None = None) -> Breakdown:
    """Return the breakdown named `by`: an attribute, or several as in "motion x area".

    Raises ChoiceError for an attribute that the index doesn't have, AnnotationError where track ids are missing.
    """
    of_truth: dict[str, tuple[float, ...] | None] = {}
    parts: list[Cells] = []
    names = attribute_names(by)
    if len(set(names)) < len(names):
        raise ChoiceError(f"{by!r}: crosses an attribute with itself")
    for name in names:
        edges = _edges(name, bins or {})
        if name == "class":
            continue
        if name == "video":
            parts.append(Cells(index.video_name, index.frame_video.astype(np.int64), of_one_video=True))
        elif (frames := _frame_column(name, index)) is not None:
            parts.append(_cells(name, frames, edges))
        else:
            of_truth[name] = edges
    cells = reduce(Cells.cross, parts) if parts else None
    groups = [_groups(name, index, protocol, edges, cells) for name, edges in of_truth.items()]
    return Breakdown(
        by=" x ".join(names),
        groups=tuple(reduce(Group.cross, combination) for combination in product(*groups)) if groups else (Group(""),),
        cells=cells,
        by_class="class" in names,
    )


def refuse_unused(bins: Bins, breakdowns: Iterable[str]) -> None:
    """Raise ChoiceError if `bins` has edges for an attribute that no breakdown uses."""
    used = {name for by in breakdowns for name in attribute_names(by)}
    if unused := [name for name in bins if _ALIASES.get(name, name) not in used]:
        raise ChoiceError(f"bins for {', '.join(unused)}, but nothing is broken down by that; used: {sorted(used)}")


def breakdowns(by: str | Sequence[str], index: Index, protocol: Protocol, bins: Bins | None = None) -> list[Breakdown]:
    """Return the breakdowns of a list, or of one text with commas. Raises as `breakdown`, and as `refuse_unused`."""
    names = [name for name in by.split(",") if name.strip()] if isinstance(by, str) else list(by)
    found = [breakdown(name, index, protocol, bins) for name in names]
    refuse_unused(bins or {}, names)
    return found


def attribute_names(by: str) -> list[str]:
    """Return the attributes that a breakdown crosses: ["motion", "area"] for "motion x area"."""
    return [_ALIASES.get(name, name) for name in re.split(r"\s+x\s+|\s*[×*]\s*", by.strip())]


def known_attributes(index: Index) -> list[str]:
    """Return what an index can be broken down by."""
    added = (*index.added.instance, *index.added.frame)
    return [*BUILT_IN, *index.instance_attributes, *index.frame_attributes, *added]


def areas(box: Boxes, protocol: Protocol) -> NDArray[np.float64]:
    """Return the areas `(N,)` of vidkit's boxes by which the protocol groups them; negative for inverted boxes."""
    area = np.empty(len(box))
    for first in range(0, len(box), BOXES_AT_ONCE):
        rows = slice(first, first + BOXES_AT_ONCE)
        x1, y1, x2, y2 = to_inclusive(box[rows].astype(np.float64)).T
        width, height = x2 - x1, y2 - y1
        if protocol.area_pixel == 0:
            width, height = without_rounding(width), without_rounding(height)
        area[rows] = (width + protocol.area_pixel) * (height + protocol.area_pixel)
    return area


def empty_frames(index: Index) -> NDArray[np.bool_]:
    """Which frames `(F,)` are known to hold no object."""
    empty: NDArray[np.bool_] = np.diff(index.instance_start) == 0
    return empty if index.annotated is None else empty & index.annotated


_ALIASES = {"motion_iou": "motion", "class_id": "class", "videos": "video"}
BUILT_IN = (
    *("motion", "area", "class", "video", "occluded", "generated"),
    *("track_length", "track_id", "frame_number", "video_size"),
)


def _edges(name: str, bins: Bins) -> tuple[float, ...] | None:
    """Return the edges given for an attribute, checked; None if there are none."""
    given = next((edges for key, edges in bins.items() if _ALIASES.get(key, key) == name), None)
    if given is None:
        return None
    edges = tuple(float(edge) for edge in given)
    rising = all(low < high for low, high in pairwise(edges)) and bool(np.isfinite(edges).all())
    if not edges or not rising or name in ("class", "video"):
        raise ChoiceError(
            f"bins of {name}: {', '.join(map(str, edges))}: wanted rising numbers for an attribute of numbers"
        )
    return edges


def _refuse_edges(name: str, edges: Sequence[float] | None) -> None:
    if edges is not None:
        raise ChoiceError(f"bins for {name}, which isn't a number")


def _groups(
    name: str, index: Index, protocol: Protocol, edges: Sequence[float] | None, cells: Cells | None
) -> tuple[Group, ...]:
    if name == "motion":
        return _motion_groups(index, protocol, edges, cells)
    if name == "area":
        low, high = protocol.area_range or (-np.inf, np.inf)
        limits = [low, *(edges or protocol.area_edges), high]
        labels = _labels(limits[1:-1], AREA_NAMES)
        ranges = pairwise(limits)
        return (Group("all"), *(Group(label, area=both) for label, both in zip(labels, ranges, strict=True)))
    values = _instance_column(name, index)
    if values.dtype.kind not in "iuf":
        _refuse_edges(name, edges)
    if values.dtype.kind == "b":
        return (Group(name, values, values, False), Group(f"not {name}", ~values, ~values, True))
    if values.dtype.kind not in "iuf":
        return tuple(Group(str(value), values == value, values == value, False) for value in np.unique(values))
    return tuple(Group(label, inside, inside, with_zero) for label, inside, with_zero in _ranges(values, edges))


def _motion_groups(
    index: Index, protocol: Protocol, edges: Sequence[float] | None, cells: Cells | None
) -> tuple[Group, ...]:
    """All, and the ranges from slow to fast, closed at both ends, so that a value on an edge is in both.

    Objects whose motion can't be told, since the frames around weren't annotated, are a group of their own.
    """
    motion = motion_of(index)
    limits = [0.0, *(edges or protocol.motion_edges), 1.0]
    labels = _labels(limits[1:-1], MOTION_NAMES)
    everywhere = np.zeros(index.n_instances, bool)
    if protocol.lone_zero == "in every group":
        everywhere = (motion == 0) & _in_lone_cell(index, cells)
    groups = []
    for label, low, high in zip(labels, limits[:-1], limits[1:], strict=True):
        inside = (motion >= low) & (motion <= high)
        groups.append(Group(label, inside | everywhere, inside, low <= 0 <= high))
    unknown = np.isnan(motion)
    return (Group("all"), *reversed(groups), *([Group("unknown", unknown, unknown, False)] if unknown.any() else []))


def _in_lone_cell(index: Index, cells: Cells | None) -> NDArray[np.bool_]:
    """Whether no frame of an instance's cell has more than one object, `(N,)`; without cells: no frame of the data."""
    cell = np.zeros(index.n_frames, np.int64) if cells is None else cells.of_frame
    crowded = np.bincount(cell, np.diff(index.instance_start) > 1) > 0
    return ~crowded[cell[index.instance_frame]]


def _instance_column(name: str, index: Index) -> NDArray[Any]:
    if name in index.instance_attributes:
        return _text(index.instance_attributes[name])
    if name in index.added.instance:
        return index.added.instance[name]
    if name == "track_length":
        return track_length(index)
    if name in ("occluded", "generated", "track_id"):
        column: NDArray[Any] = getattr(index, name)
        return column
    known = known_attributes(index)
    raise ChoiceError(f"no attribute {name!r} in this index{did_you_mean(name, known)}; there are {', '.join(known)}")


def _frame_column(name: str, index: Index) -> NDArray[Any] | None:
    """Return a column `(F,)` of the frames, None if there is none of this name."""
    if name == "video_size":
        sizes = np.array([f"{width}x{height}" for width, height in index.video_size])
        return sizes[index.frame_video] if len(sizes) else np.zeros(0, "<U1")
    if name == "frame_number":
        return index.frame_number
    if name in index.added.frame:
        return index.added.frame[name]
    return _text(index.frame_attributes[name]) if name in index.frame_attributes else None


def _text(values: NDArray[Any]) -> NDArray[Any]:
    """Return a column with text decoded, which files hold as UTF-8 bytes."""
    return np.char.decode(values, "utf-8") if values.dtype.kind == "S" else values


def _cells(name: str, values: NDArray[Any], edges: Sequence[float] | None) -> Cells:
    if values.dtype.kind not in "iuf":
        _refuse_edges(name, edges)
    if values.dtype.kind == "b":
        return Cells((f"not {name}", name), values.astype(np.int64))
    if values.dtype.kind not in "iuf":
        names, cell = np.unique(values, return_inverse=True)
        return Cells(tuple(map(str, names)), cell.reshape(-1))
    ranges = _ranges(values, edges)
    of_frame = np.zeros(len(values), np.int64)
    for number, (_, inside, _) in enumerate(ranges):
        of_frame[inside] = number
    return Cells(tuple(label for label, _, _ in ranges), of_frame)


def _ranges(values: NDArray[Any], edges: Sequence[float] | None) -> list[tuple[str, NDArray[np.bool_], bool]]:
    """Return label, members and whether 0 is inside, for each value or range [low, high) of a column of numbers.

    Where some have none, NaN, these are the last: "none".
    """
    unknown = np.isnan(values) if values.dtype.kind == "f" else np.zeros(len(values), bool)
    none = [("none", unknown, False)] if unknown.any() else []
    distinct = np.unique(values[~unknown])
    if edges is None and len(distinct) <= FEW_VALUES:
        return [*((f"{value:g}", values == value, bool(value == 0)) for value in distinct), *none]
    if edges is None:
        edges = [float(q) for q in np.unique(np.quantile(values[~unknown], (0.25, 0.5, 0.75)))]
    limits = [-np.inf, *edges, np.inf]
    ranges = [
        (label, (values >= low) & (values < high), low <= 0 < high)
        for label, low, high in zip(_labels(edges), limits[:-1], limits[1:], strict=True)
    ]
    return ranges + none


def _labels(edges: Sequence[float], three: Iterable[str] = ()) -> list[str]:
    names = list(three)
    if len(names) == len(edges) + 1:
        return names
    inner = [f"{low:g}-{high:g}" for low, high in pairwise(edges)]
    return [f"<{edges[0]:g}", *inner, f">={edges[-1]:g}"] if len(edges) else ["any"]


def _by_frame(chosen: NDArray[np.bool_], index: Index) -> NDArray[np.int64]:
    """The number of chosen instances in each frame `(F,)`."""
    return np.bincount(index.instance_frame[chosen], minlength=index.n_frames)


def _both(a: NDArray[np.bool_] | None, b: NDArray[np.bool_] | None) -> NDArray[np.bool_] | None:
    return b if a is None else a if b is None else a & b


def repeats_all(by: str, name: str) -> bool:
    """Return whether a group is all of the data once more, as the first of motion, of area and of their cross are."""
    return set(attribute_names(by)) <= {"motion", "area"} and set(name.split("/")) == {"all"}
