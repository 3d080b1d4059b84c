"""How the four numbers of a box are meant: their convention, and the scale that they are in."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vidkit.boxes import Boxes, from_inclusive, from_xywh, to_inclusive, to_xywh
from vidkit.data.index import Index
from vidkit.errors import PredictionError
from vidkit.predictions.raw import ByRow, Layout, RawPredictions
from vidkit.predictions.read_options import BOX_CONVENTIONS, SCALES, BoxConvention, ReadOptions, Scale
from vidkit.predictions.reading_report import Understood
from vidkit.predictions.readings import Way, Ways

_WNID = re.compile(r"n\d{8}")  # a class with one comes from ImageNet's XML, whose corners are inclusive
_OF_LAYOUT: dict[tuple[Layout, bool], BoxConvention] = {
    ("corners", True): "inclusive",
    ("corners", False): "exclusive",
    ("xywh", True): "xywh-inclusive",
    ("xywh", False): "xywh",
}
_FLIPPED: dict[BoxConvention, BoxConvention] = {
    "exclusive": "xywh",
    "inclusive": "xywh-inclusive",
    "xywh": "exclusive",
    "xywh-inclusive": "inclusive",
}
_NORMALISED_UP_TO = 1.5  # of the frame's side: boxes may reach beyond the frame
_OUTSIDE_BY = 1.2  # times the frame's side
_OFTEN = 0.05  # of the boxes
_USUAL_SIDES: tuple[int, ...] = (
    *(300, 320, 384, 416, 448, 480, 512, 576, 600, 608, 640, 672, 704, 736, 768, 800, 896, 960, 1024),
    *(1088, 1152, 1280, 1333, 1536, 1920),
)
"""Sides that networks' inputs often have."""
_ASPECT_ERROR = 0.05
_SAMPLE = 200_000


@dataclass(frozen=True)
class BoxForm:
    """What the four numbers of a box are, the scale that they are in, and the number of a frame's first pixel."""

    convention: BoxConvention
    scale: Scale | tuple[int, int]
    first_pixel: int = 0


@dataclass(frozen=True, eq=False)
class BoxBinding:
    """How the boxes of a file may be meant; what is said of the convention and the scale of the taken way."""

    ways: Ways[BoxForm]
    convention: Understood
    scale: Understood


def bind_boxes(raw: RawPredictions, row: NDArray[np.integer[Any]], index: Index, options: ReadOptions) -> BoxBinding:
    """How the boxes of a file may be meant; `row` is the frame of each detection, as far as it is known."""
    convention, found = _convention(raw, index, options)
    some = slice(None, None, max(len(row) // _SAMPLE, 1))  # enough for a guess
    box, sizes = raw.box[some], _sizes(index, row[some])
    corners = from_xywh(box.astype(np.float64)) if convention.startswith("xywh") else box
    scale, scale_found = _scale(raw, corners, sizes, options)
    if scale == "normalised":
        found = Understood(BOX_CONVENTIONS["exclusive"], found.how, "normalised boxes are continuous")
    first = raw.first_pixel if options.first_pixel is None else options.first_pixel
    form = BoxForm(convention, scale, first)
    how = "given" if options.boxes and options.scale else found.how
    ways = [Way(form, Understood(_told(form), how), "")]
    if raw.complete is None and scale in ("pixels", "normalised"):
        known = bool((sizes > 0).all())
        ways += [way for way in _others(form, raw, options) if way.take.scale == "pixels" or known]
        if known and scale == "pixels" and options.scale is None and _beyond(corners, sizes) > _OFTEN:
            ways += [_scaled(form, size) for size in _input_sizes(np.unique(sizes, axis=0))]
    return BoxBinding(Ways(tuple(ways)), _with_pixel(found, first), scale_found)


def _told(form: BoxForm) -> str:
    pixel = f", pixels counted from {form.first_pixel}" if form.first_pixel else ""
    scale = form.scale if isinstance(form.scale, str) else f"pixels of {_scale_said(form.scale)}"
    return f"boxes are {BOX_CONVENTIONS[form.convention].partition(' (')[0]}, in {scale}{pixel}"


def _with_pixel(found: Understood, first: int) -> Understood:
    return Understood(f"{found.value}, pixels counted from {first}", found.how, found.evidence) if first else found


def _others(form: BoxForm, raw: RawPredictions, options: ReadOptions) -> Iterator[Way[BoxForm]]:
    """The other ways to take boxes: corners for sides and the reverse, the other first pixel, the other scale."""
    if options.boxes is None:
        flipped = replace(form, convention=_FLIPPED[form.convention])
        yield Way(
            flipped,
            Understood(_told(flipped), "guessed"),
            f"--boxes {flipped.convention}",
            f"--boxes {form.convention}",
        )
    if options.first_pixel is None and form.scale == "pixels":
        moved = replace(form, first_pixel=1 - form.first_pixel)
        typed, unless = (f"--first-pixel {first}" for first in (moved.first_pixel, form.first_pixel))
        yield Way(moved, Understood(_told(moved), "guessed"), typed, unless, is_fine=True)
    if options.scale is None and raw.scale is None:
        yield _scaled(form, "pixels" if form.scale == "normalised" else "normalised")


def _scaled(form: BoxForm, scale: Scale | tuple[int, int]) -> Way[BoxForm]:
    other = replace(form, scale=scale)
    return Way(
        other,
        Understood(_told(other), "guessed"),
        f"--scale {_scale_said(scale)}",
        f"--scale {_scale_said(form.scale)}",
    )


def _scale_said(scale: Scale | tuple[int, int]) -> str:
    return scale if isinstance(scale, str) else f"{scale[0]}x{scale[1]}"


def _input_sizes(sizes: NDArray[np.int32]) -> list[tuple[int, int]]:
    """The sizes that frames are usually brought to for a network, by side or square; none for frames of two sizes."""
    if len(sizes) != 1:
        return []
    width, height = sizes[0].tolist()
    ratios = [side / of for side in _USUAL_SIDES for of in (max(width, height), min(width, height))]
    scaled = [(round(width * ratio), round(height * ratio)) for ratio in ratios]
    return list(dict.fromkeys([*scaled, *((side, side) for side in _USUAL_SIDES)]))


def _beyond(corners: Boxes, size: NDArray[np.int32]) -> float:
    """The share of boxes that reach more than a fifth beyond their frame."""
    with np.errstate(invalid="ignore"):
        return float((corners[:, 2:] > _OUTSIDE_BY * size).any(axis=1).mean()) if len(corners) else 0.0


def placed_boxes(
    form: BoxForm,
    raw: RawPredictions,
    row: NDArray[np.integer[Any]],
    index: Index,
    place: str,
    which: slice | NDArray[np.int64] = slice(None),
) -> Boxes:
    """The boxes `which` in vidkit's convention, in pixels of the frames; `row` is the frame of each.

    Raises PredictionError for boxes that need the size of a frame where the index doesn't know it, and for a network's
    input whose shape isn't that of the frame it should be of.
    """
    box, convention = raw.box[which], form.convention
    if form.first_pixel and form.scale == "pixels":
        off = [1, 1, 0, 0] if convention.startswith("xywh") else [1, 1, 1, 1]
        box = box.astype(np.float64) - form.first_pixel * np.array(off)
    corners = from_xywh(box.astype(np.float64)) if convention.startswith("xywh") else box
    if form.scale == "network":
        corners = _from_network(raw, corners, _sizes(index, row), row, which, place)
    elif form.scale != "pixels":
        size = _sizes(index, row)
        _wants_size(size, row, place)
        sides = np.ones(2) if form.scale == "normalised" else np.array(form.scale, np.float64)
        corners = corners.astype(np.float64) * np.tile(size / sides, 2)
        convention = "exclusive"  # a fraction of a side has no last pixel
    boxes: Boxes = corners if corners.dtype.kind == "f" else corners.astype(np.float64)
    return from_inclusive(boxes.astype(np.float64)) if convention.endswith("inclusive") else boxes


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
) -> tuple[Scale | tuple[int, int], Understood]:
    if options.scale is not None:
        return scale_named(options.scale), Understood(options.scale, "given")
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


def scale_named(text: str) -> Scale | tuple[int, int]:
    """A scale as options name it: one of `Scale`, or WIDTHxHEIGHT of the image that boxes are in pixels of."""
    sides = text.lower().split("x")
    if len(sides) == 2 and all(side.isdecimal() and int(side[:6]) > 0 for side in sides):
        return int(sides[0][:6]), int(sides[1][:6])
    for known in SCALES:
        if text == known:
            return known
    raise PredictionError(f"--scale {text}: wanted {', '.join(SCALES)} or WIDTHxHEIGHT, as 640x480")


def _from_network(
    raw: RawPredictions,
    corners: Boxes,
    size: NDArray[np.int32],
    row: NDArray[np.integer[Any]],
    which: slice | NDArray[np.int64],
    place: str,
) -> Boxes:
    """Boxes of the network's input in pixels of the frame, each axis by its own ratio, in the file's precision.

    That is how MEGA's `BoxList.resize` does it: the ratio is rounded to the boxes' float32 first.
    """
    if raw.network_size is None or not isinstance(raw.frame, ByRow):
        raise PredictionError(f"{place}: --scale network, but the file doesn't tell the size of the network's input")
    _wants_size(size, row, place)
    inside = row >= 0
    entry = raw.frame.row[which]
    network = raw.network_size[entry]
    ratio = np.where(inside[:, None], size, network) / network
    off = np.abs(ratio[:, 0] / ratio[:, 1] - 1) > _ASPECT_ERROR if len(ratio) else np.zeros(0, bool)
    if off.any():
        d = int(np.flatnonzero(off)[0])
        raise PredictionError(
            f"{place}: entry {entry[d]} has a network input of {network[d, 0]} x {network[d, 1]}, its frame is "
            f"{size[d, 0]} x {size[d, 1]}, of another shape: the entries aren't these frames; give the list that the "
            "detector ran over: --frame-list"
        )
    return np.asarray(corners * np.tile(ratio, 2).astype(corners.dtype))


def _wants_size(size: NDArray[np.int32], row: NDArray[np.integer[Any]], place: str) -> None:
    if (size[row >= 0] <= 0).any():
        raise PredictionError(f"{place}: its boxes need the size of each frame, which the index doesn't know")


def doubts_of(boxes: Boxes, row: NDArray[np.integer[Any]], index: Index, convention: BoxConvention) -> tuple[str, ...]:
    """Warnings about boxes that hardly fit their frames; `row` is the frame of each."""
    some = slice(None, None, max(len(row) // _SAMPLE, 1))
    boxes, size = boxes[some], _sizes(index, row[some])
    known = (size > 0).all(axis=1) & np.isfinite(boxes).all(axis=1)
    if not known.any():
        return ()
    inside, sides = boxes[known], size[known]
    warnings = []
    beyond = _beyond(inside, sides)
    if beyond > _OFTEN:
        warnings.append(
            f"{beyond:.0%} of the boxes reach more than a fifth beyond their frame: corners taken for widths, or boxes "
            "in the scale of a network's input? --boxes and --scale say otherwise"
        )
    negative = float((inside[:, 2:] < inside[:, :2]).any(axis=1).mean())
    if negative > _OFTEN and not convention.startswith("xywh"):
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
