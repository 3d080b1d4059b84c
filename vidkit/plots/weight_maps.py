"""Keyframes under their weight maps, sorted by mean w, and the distribution of w (Impression Network, Fig. 4)."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from vidkit.data.frames import frame
from vidkit.data.index import Index
from vidkit.errors import ChoiceError, PredictionError
from vidkit.keyframes.map_statistics import KeyframeWeight, keyframe_weights
from vidkit.keyframes.weight_maps import WeightMaps
from vidkit.pictures.heat_maps import picture
from vidkit.plots.figure import COLOURS, COLUMN_WIDTH, LIMITED, SMALL, Drawing, note_below, sheet

GROUPS = ("lowest", "middle", "highest")
IN_A_ROW = 3
BINS = 40


@dataclass(frozen=True, eq=False)
class PicturedKeyframe:
    """A keyframe with what its picture needs."""

    summary: KeyframeWeight
    image: NDArray[np.uint8]  # (H, W, 3)
    weight: NDArray[np.float64]  # (h, w)
    cell: float  # pixels
    boxes: NDArray[np.floating[Any]]  # (n, 4), of its objects


def draw(
    run: str,
    maps: WeightMaps,
    index: Index,
    *,
    sort: Literal["objects", "map"] = "objects",
    no_pictures: bool = False,
    frames_root: Path | None = None,
    width: float = COLUMN_WIDTH,
) -> Drawing:
    """The figure of one run's recorded weight maps; `frames_root` is where its frames were moved to.

    sort: by the mean w at the keyframes' objects, where there are some, or over the whole map. Raises PredictionError
    for maps of another index, ChoiceError if no keyframe was fused, FrameError for a frame that can't be read.
    """
    _check_index(run, maps, index)
    keyframes = keyframe_weights(maps, index)
    if not keyframes:
        raise ChoiceError(f"{run}: no keyframe that was fused with another: its videos have one keyframe each")
    at_objects = sort == "objects" and any(len(each.at_objects) for each in keyframes)
    shown = {} if no_pictures else chosen(sorted_by_weight(keyframes, at_objects))
    pictures = {name: [_pictured(each, maps, index, frames_root) for each in group] for name, group in shown.items()}
    cells = np.concatenate([maps.map_of(each.keyframe).ravel() for each in keyframes])
    conditions = f"{run}; sorted by the mean w " + ("at objects (white)" if at_objects else "over the map")
    summary = _summary(keyframes, cells)
    columns = ("over", "number", "mean", "deviation")
    return Drawing(
        weights(keyframes, cells, pictures, conditions, maps.run.limited, width),
        weights_rows(keyframes, cells, at_objects),
        told={"run": run, "limited": maps.run.limited, "distributions": summary},
        notes=["the paper's, on ImageNet VID val: N(0.5, 0.016²)"],
        table=(columns, [[_shown(each[column]) for column in columns] for each in summary]),
    )


def _check_index(run: str, maps: WeightMaps, index: Index) -> None:
    if maps.index_fingerprint != index.fingerprint:
        raise PredictionError(
            f"{run}: its weight maps are of the index {maps.index_fingerprint}, this one is {index.fingerprint}"
        )
    if maps.n_keyframes and maps.frame[-1] >= index.n_frames:
        raise PredictionError(
            f"{run}: weight maps of frame row {maps.frame[-1]}; the index has {index.n_frames} frames"
        )


def _pictured(each: KeyframeWeight, maps: WeightMaps, index: Index, root: Path | None) -> PicturedKeyframe:
    row, cell = int(maps.frame[each.keyframe]), float(maps.cell[each.keyframe])
    boxes = index.box[index.instances_of(row)]
    return PicturedKeyframe(each, frame(index, row, root), maps.map_of(each.keyframe), cell, boxes)


def _summary(keyframes: Sequence[KeyframeWeight], cells: NDArray[np.floating[Any]]) -> list[dict[str, Any]]:
    """Number, mean and standard deviation of w: over cells, whole maps, and objects."""
    of = {"cells": cells, "whole maps": np.array([key.mean for key in keyframes]), "objects": _at_objects(keyframes)}
    return [
        {
            "over": name,
            "number": len(values),
            "mean": float(values.mean()) if len(values) else None,
            "deviation": float(values.std()) if len(values) else None,
        }
        for name, values in of.items()
    ]


def _shown(value: object) -> str:
    return "–" if value is None else f"{value:.4f}" if isinstance(value, float) else str(value)


def _at_objects(keyframes: Sequence[KeyframeWeight]) -> NDArray[np.float64]:
    """w at each object of these keyframes, `(n,)`."""
    return np.concatenate([np.zeros(0), *(each.at_objects for each in keyframes)])


def sorted_by_weight(keyframes: Sequence[KeyframeWeight], at_objects: bool) -> list[KeyframeWeight]:
    """The keyframes from the lowest mean w to the highest, over whole maps or over their objects.

    Of keyframes without objects nothing is known at objects: these are then left out.
    """
    if not at_objects:
        return sorted(keyframes, key=lambda each: each.mean)
    return sorted((each for each in keyframes if len(each.at_objects)), key=lambda each: each.mean_at_objects)


def chosen(keyframes: Sequence[KeyframeWeight]) -> dict[str, list[KeyframeWeight]]:
    """The keyframes to be shown, of the sorted ones: the lowest, those around the median, and the highest.

    Each is shown once: few keyframes fill the lowest first, then the highest.
    """
    n = len(keyframes)
    low = list(range(min(IN_A_ROW, n)))
    high = list(range(max(len(low), n - IN_A_ROW), n))
    start = max(len(low), (n - IN_A_ROW) // 2)
    middle = list(range(start, min(start + IN_A_ROW, n - len(high))))
    return {name: [keyframes[at] for at in places] for name, places in zip(GROUPS, (low, middle, high), strict=True)}


def weights(
    keyframes: Sequence[KeyframeWeight],
    cells: NDArray[np.floating[Any]],
    pictures: Mapping[str, Sequence[PicturedKeyframe]],
    conditions: str = "",
    limited: bool = False,
    width: float = COLUMN_WIDTH,
) -> Figure:
    """Pictures of some keyframes under their weight maps, a row for each group, above the distribution of w.

    keyframes: all of the run; cells: w in all cells of their maps. pictures: by name of the group, none to leave them
    out. Red is where the new keyframe counts more than the impression; all pictures have one scale. White boxes are
    objects.
    """
    rows = [(name, group) for name, group in pictures.items() if group]
    shape = max((each.image.shape[0] / each.image.shape[1] for _, group in rows for each in group), default=0.0)
    one = 0.29 * width * shape + 0.16  # inches of a picture with its title
    with sheet(width, one * len(rows) + 0.42 * width + 0.2) as figure:
        figure.set_layout_engine(ConstrainedLayoutEngine(w_pad=0.06, h_pad=0.02, wspace=0.02, hspace=0.02))
        grid = figure.add_gridspec(len(rows) + 1, IN_A_ROW, height_ratios=[*[one] * len(rows), 0.42 * width])
        reach = _reach([each for _, group in rows for each in group])
        for row, (name, group) in enumerate(rows):
            for column, each in enumerate(group):
                _draw_picture(figure.add_subplot(grid[row, column]), each, reach, name if column == 0 else "")
        _draw_distribution(figure.add_subplot(grid[-1, :]), keyframes, cells)
        said = f"above each: mean w | at its objects; red: w up to {0.5 + reach:.3f}, blue: down to {0.5 - reach:.3f}"
        said = said if rows else ""
        note_below(figure, "; ".join(part for part in (conditions, said) if part) + LIMITED * limited)
        return figure


def weights_rows(
    keyframes: Sequence[KeyframeWeight], cells: NDArray[np.floating[Any]], at_objects: bool
) -> list[dict[str, Any]]:
    """What `weights` draws: a row for each keyframe, sorted, and a row for each bin of the distributions.

    Of a keyframe: video, frame, mean, mean_at_objects, objects, lowest, highest, and the group in which it is
    pictured. Of a bin: low, high, and the shares of cells and of objects with a w in it. The others are empty.
    """
    ordered = sorted_by_weight(keyframes, at_objects)
    group_of = {each.keyframe: name for name, group in chosen(ordered).items() for each in group}
    left_out = [each for each in keyframes if at_objects and not len(each.at_objects)]
    empty = dict.fromkeys((*_OF_KEYFRAMES, *_OF_BINS), None)
    rows = [empty | _keyframe_row(each, group_of.get(each.keyframe)) for each in [*ordered, *left_out]]
    edges, of_cells, of_objects = distribution(keyframes, cells)
    for place, (share, objects) in enumerate(zip(of_cells, of_objects, strict=True)):
        ends = {"low": float(edges[place]), "high": float(edges[place + 1])}
        rows.append(empty | {"panel": "distribution", **ends, "cells": float(share), "at_objects": float(objects)})
    return rows


_OF_KEYFRAMES = ("panel", "video", "frame", "mean", "mean_at_objects", "objects", "lowest", "highest", "pictured")
_OF_BINS = ("low", "high", "cells", "at_objects")


def _keyframe_row(each: KeyframeWeight, group: str | None) -> dict[str, Any]:
    return {
        "panel": "keyframe",
        "video": each.video,
        "frame": each.frame,
        "mean": each.mean,
        "mean_at_objects": None if math.isnan(each.mean_at_objects) else each.mean_at_objects,
        "objects": len(each.at_objects),
        "lowest": each.lowest,
        "highest": each.highest,
        "pictured": group,
    }


def distribution(
    keyframes: Sequence[KeyframeWeight], cells: NDArray[np.floating[Any]]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """The edges of bins, and the shares of cells and of objects whose w lies in each; shares of none are 0."""
    objects = _at_objects(keyframes)
    values = np.concatenate([cells.astype(np.float64), objects])
    low, high = (float(values.min()), float(values.max())) if len(values) else (0.0, 1.0)
    if high - low < 1e-3:  # the fixed weights: one value
        low, high = low - 0.01, high + 0.01
    edges = np.linspace(low, high, BINS + 1)
    shares = [np.histogram(each, edges)[0] / max(len(each), 1) for each in (cells.astype(np.float64), objects)]
    return edges, shares[0], shares[1]


def _reach(pictured: Sequence[PicturedKeyframe]) -> float:
    """The deviation from 0.5 at full colour: that of all but the farthest hundredth of the cells shown."""
    values = np.concatenate([np.zeros(0), *(each.weight.ravel() for each in pictured)])
    return float(np.quantile(np.abs(values - 0.5), 0.99)) or 0.5 if len(values) else 0.5


def _draw_picture(axes: Axes, each: PicturedKeyframe, reach: float, name: str) -> None:
    axes.imshow(picture(each.image, each.weight, reach, each.cell), interpolation="none")
    for x1, y1, x2, y2 in each.boxes.tolist():
        axes.add_patch(Rectangle((x1 - 0.5, y1 - 0.5), x2 - x1, y2 - y1, fill=False, edgecolor="white", linewidth=0.6))
    axes.set(xticks=[], yticks=[], ylabel=name)
    axes.spines[:].set_visible(False)
    at = each.summary.mean_at_objects
    objects = "" if math.isnan(at) else f" | {at:.3f}"
    axes.set_title(f"{each.summary.mean:.3f}{objects}", fontsize=SMALL, pad=2)


def _draw_distribution(axes: Axes, keyframes: Sequence[KeyframeWeight], cells: NDArray[np.floating[Any]]) -> None:
    edges, of_cells, of_objects = distribution(keyframes, cells)
    objects = _at_objects(keyframes)
    for name, values, shares, colour in (
        ("cells", cells.astype(np.float64), of_cells, COLOURS[0]),
        ("objects", objects, of_objects, COLOURS[1]),
    ):
        if len(values):
            axes.stairs(100 * shares, edges, color=colour, linewidth=1, fill=name == "cells", alpha=0.5)
            axes.stairs(100 * shares, edges, color=colour, linewidth=1, label=_told(name, values))
            axes.axvline(float(values.mean()), color=colour, linewidth=0.8, linestyle="--")
    axes.set(xlabel="w, the new keyframe's share; dashed: means", ylabel="%")
    axes.margins(y=0.1)
    axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
    if len(cells):
        axes.legend(frameon=False, loc="lower right", bbox_to_anchor=(1, 1), ncols=2, borderaxespad=0, handlelength=1.2)


def _told(name: str, values: NDArray[np.float64]) -> str:
    return f"{len(values)} {name}: {values.mean():.3f} ± {values.std():.3f}"
