"""How the four numbers of a box are meant: their convention, and the scale that they are in."""

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vidkit.boxes import Boxes, from_inclusive, from_xywh, to_inclusive, to_xywh
from vidkit.data.index import Index
from vidkit.errors import PredictionError
from vidkit.predictions.raw import ByRow, Layout, RawPredictions
from vidkit.predictions.read_options import BOX_CONVENTIONS, BoxConvention, ReadOptions, Scale
from vidkit.predictions.reading_report import Understood

_WNID = re.compile(r"n\d{8}")  # a class with one comes from ImageNet's XML, whose corners are inclusive
_OF_LAYOUT: dict[tuple[Layout, bool], BoxConvention] = {
    ("corners", True): "inclusive",
    ("corners", False): "exclusive",
    ("xywh", True): "xywh-inclusive",
    ("xywh", False): "xywh",
}
_NORMALISED_UP_TO = 1.5  # of the frame's side: boxes may reach beyond the frame
_OUTSIDE_BY = 1.2  # times the frame's side
_ASPECT_ERROR = 0.05
_SAMPLE = 200_000


@dataclass(frozen=True, eq=False)
class BoxBinding:
    """`box (D, 4)` in vidkit's convention, and how the file's numbers were understood."""

    box: Boxes
    convention: Understood
    scale: Understood
    warnings: tuple[str, ...] = ()


def bind_boxes(
    raw: RawPredictions, row: NDArray[np.integer[Any]], index: Index, options: ReadOptions, place: str
) -> BoxBinding:
    """The boxes in vidkit's convention, in pixels of the frames; `row` is the frame of each detection.

    Raises PredictionError for boxes that need the size of a frame where the index doesn't know it, and for a network's
    input whose shape isn't that of the frame it should be of.
    """
    convention, found = _convention(raw, index, options)
    some = slice(None, None, max(len(row) // _SAMPLE, 1))  # enough for a guess
    corners = from_xywh(raw.box.astype(np.float64)) if convention.startswith("xywh") else raw.box
    scale, scale_found = _scale(raw, corners[some], _sizes(index, row[some]), options)
    if scale == "network":
        corners = _from_network(raw, corners, _sizes(index, row), row, place)
    elif scale == "normalised":
        size = _sizes(index, row)
        _wants_size(size, row, place)
        corners = corners.astype(np.float64) * np.tile(size, 2)
        convention = "exclusive"  # a fraction of a side has no last pixel
        found = Understood(BOX_CONVENTIONS[convention], found.how, "normalised boxes are continuous")
    boxes: Boxes = corners if corners.dtype.kind == "f" else corners.astype(np.float64)
    if convention.endswith("inclusive"):
        boxes = from_inclusive(boxes.astype(np.float64))
    return BoxBinding(boxes, found, scale_found, _doubts(boxes[some], _sizes(index, row[some]), convention))


def _sizes(index: Index, row: NDArray[np.integer[Any]]) -> NDArray[np.int32]:
    """Width and height `(D, 2)` of the frames of detections; 0 where there is no such frame."""
    if not index.n_frames:
        return np.zeros((len(row), 2), np.int32)
    sizes = index.video_size[index.frame_video[np.maximum(row, 0)]]
    return np.where((row >= 0)[:, None], sizes, np.int32(0))


def _convention(raw: RawPredictions, index: Index, options: ReadOptions) -> tuple[BoxConvention, Understood]:
    if options.boxes is not None:
        return options.boxes, Understood(BOX_CONVENTIONS[options.boxes], "given")
    if raw.boxes is not None:
        return raw.boxes, Understood(BOX_CONVENTIONS[raw.boxes], "format", raw.boxes_evidence)
    inclusive = _has_inclusive_corners(index)
    convention = _OF_LAYOUT[raw.layout, inclusive]
    whose = "the classes have ImageNet's ids: inclusive" if inclusive else "the classes have no ImageNet ids: exclusive"
    why = f"the format has the annotation's own numbers; {whose}"
    return convention, Understood(BOX_CONVENTIONS[convention], "guessed", why)


def _has_inclusive_corners(index: Index) -> bool:
    """Whether the annotations behind an index count corners inclusive.

    ImageNet's XML does; COCO's and MOT's width and height don't. Tools that turn the XML into COCO's form take
    width = x2 - x1 and so keep its numbers, and detectors that are trained on them answer in them.
    """
    return any(_WNID.fullmatch(c.wnid) for c in index.classes)


def _scale(
    raw: RawPredictions, corners: Boxes, size: NDArray[np.int32], options: ReadOptions
) -> tuple[Scale, Understood]:
    if options.scale is not None:
        return options.scale, Understood(options.scale, "given")
    if raw.scale is not None:
        return raw.scale, Understood(raw.scale, "format", raw.scale_evidence)
    finite = corners[np.isfinite(corners).all(axis=1)]
    if not len(finite):
        return "pixels", Understood("pixels", "guessed", "no boxes")
    largest = float(np.abs(finite).max())
    if largest <= _NORMALISED_UP_TO and not np.array_equal(finite, np.floor(finite)):
        return "normalised", Understood("normalised", "guessed", f"no coordinate is beyond {largest:.3g}")
    return "pixels", Understood(
        "pixels", "guessed", f"coordinates reach {largest:.6g}, frames {int(size.max(initial=0))}"
    )


def _from_network(
    raw: RawPredictions, corners: Boxes, size: NDArray[np.int32], row: NDArray[np.integer[Any]], place: str
) -> Boxes:
    """Boxes of the network's input in pixels of the frame, each axis by its own ratio, in the file's precision.

    That is how MEGA's `BoxList.resize` does it: the ratio is rounded to the boxes' float32 first.
    """
    if raw.network_size is None or not isinstance(raw.frame, ByRow):
        raise PredictionError(f"{place}: --scale network, but the file doesn't tell the size of the network's input")
    _wants_size(size, row, place)
    inside = row >= 0
    network = raw.network_size[raw.frame.row]
    ratio = np.where(inside[:, None], size, network) / network
    off = np.abs(ratio[:, 0] / ratio[:, 1] - 1) > _ASPECT_ERROR if len(ratio) else np.zeros(0, bool)
    if off.any():
        d = int(np.flatnonzero(off)[0])
        raise PredictionError(
            f"{place}: entry {raw.frame.row[d]} has a network input of {network[d, 0]} x {network[d, 1]}, its frame is "
            f"{size[d, 0]} x {size[d, 1]}, of another shape: the entries aren't these frames; give the list that the "
            "detector ran over: --frame-list"
        )
    return np.asarray(corners * np.tile(ratio, 2).astype(corners.dtype))


def _wants_size(size: NDArray[np.int32], row: NDArray[np.integer[Any]], place: str) -> None:
    if (size[row >= 0] <= 0).any():
        raise PredictionError(f"{place}: its boxes need the size of each frame, which the index doesn't know")


def _doubts(boxes: Boxes, size: NDArray[np.int32], convention: BoxConvention) -> tuple[str, ...]:
    """Warnings about boxes that hardly fit their frames."""
    known = (size > 0).all(axis=1) & np.isfinite(boxes).all(axis=1)
    if not known.any():
        return ()
    inside, sides = boxes[known], size[known]
    warnings = []
    beyond = float((inside[:, 2:] > _OUTSIDE_BY * sides).any(axis=1).mean())
    if beyond > 0.05:
        warnings.append(
            f"{beyond:.0%} of the boxes reach more than a fifth beyond their frame: corners taken for widths, or boxes "
            "in the scale of a network's input? --boxes and --scale say otherwise"
        )
    negative = float((inside[:, 2:] < inside[:, :2]).any(axis=1).mean())
    if negative > 0.05 and not convention.startswith("xywh"):
        warnings.append(f"{negative:.0%} of the boxes end before they begin: x y width height? --boxes xywh says so")
    if float(np.abs(inside).max()) <= _NORMALISED_UP_TO and len(inside) >= 10:
        warnings.append("all boxes lie within the first pixels of their frames: normalised? --scale normalised says so")
    return tuple(warnings)


def in_own_numbers(boxes: Boxes, index: Index, layout: Layout) -> Boxes:
    """The boxes as float64 in the numbers of the index's own annotations, which most formats have.

    The opposite of what `bind_boxes` does for a format that doesn't have a convention of its own.
    """
    corners: Boxes = boxes.astype(np.float64)
    if _has_inclusive_corners(index):
        corners = to_inclusive(corners)
    return to_xywh(corners) if layout == "xywh" else corners
