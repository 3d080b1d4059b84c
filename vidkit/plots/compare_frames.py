"""Two detectors on the same frames, with true and false positives and misses (Impression Network, Figure 5)."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.patheffects import Normal, withStroke
from numpy.typing import NDArray

from vidkit.data.frames import frame
from vidkit.errors import ChoiceError
from vidkit.evaluation.verdicts import HIT, Verdicts
from vidkit.pictures.drawing import VERDICTS, Mark, free_place, verdict_marks
from vidkit.pictures.panels import keyframe_text
from vidkit.plots.figure import COLUMN_WIDTH, Drawing, sheet, shortened, wrapped

SIGNS = {"tick": "✓", "cross": "✗", "ring": "○", "": ""}
STROKES: dict[str, Any] = {"solid": "-", "dashed": (0, (4, 2)), "dotted": (0, (1, 1.2)), "thin": "-"}
LETTERS = 5.0  # points
APART = 10  # frames between two that are chosen of one video


def draw(
    runs: Mapping[str, Verdicts],
    videos: NDArray[np.bool_],
    rows: Sequence[int] = (),
    *,
    count: int = 4,
    frames_root: Path | None = None,
    width: float = COLUMN_WIDTH,
) -> Drawing:
    """The figure of two runs on these rows of frames, or on the `count` of the `videos (V,)` where they differ most.

    `frames_root` is where the frames were moved to. Raises ChoiceError if the runs differ nowhere, FrameError for a
    frame that can't be read.
    """
    first, second = runs.values()
    index, allowed = first.index, videos[first.index.frame_video]
    rows = rows or most_different(first, second, count, allowed)
    if not rows:
        raise ChoiceError("the runs find the same objects in every frame, and as many false positives: name --frame")
    shares = agreement(first, second, allowed)
    rules = {"score": first.least_score, "protocol": first.matches.protocol.name}
    note = (
        f"{sum(shares.values()):,} objects: found by both {shares['both']:,}, left only {shares['only_first']:,}, "
        f"right only {shares['only_second']:,}, neither {shares['neither']:,}; "
        f"scores from {rules['score']:g}, {rules['protocol']}"
    )
    images = [frame(index, row, frames_root) for row in rows]
    figure = compare_frames(rows, images, runs, note, width)
    told = {"runs": list(runs), **rules, "objects": shares}
    return Drawing(figure, compare_frames_rows(rows, runs), "marks", told, [note])


def differences(first: Verdicts, second: Verdicts) -> NDArray[np.int64]:
    """How much two runs differ on each frame, `(F,)`.

    It is the number of objects that only one of them hits, and the difference of their numbers of false positives.
    """
    frame, n = first.index.instance_frame, first.index.n_frames
    differ = (first.state == HIT) != (second.state == HIT)
    false = [run.counts_of_frames()["false"] for run in (first, second)]
    return np.asarray(np.bincount(frame[differ], minlength=n) + np.abs(false[0] - false[1]))


def most_different(first: Verdicts, second: Verdicts, n: int, allowed: NDArray[np.bool_]) -> list[int]:
    """The rows of at most `n` frames among the `allowed (F,)` on which two runs differ most, the largest first.

    One of each video as long as there are others, then more, at least APART frames from each other.
    """
    by = differences(first, second)
    order = np.lexsort((np.arange(len(by)), -by))
    order = order[(allowed & (by > 0))[order]]
    video = first.index.frame_video
    chosen: list[int] = []
    for several in (False, True):
        for row in order.tolist():
            if len(chosen) == n:
                return chosen
            near = [other for other in chosen if video[other] == video[row]]
            if not near or (several and min(abs(row - other) for other in near) >= APART):
                chosen.append(row)
    return chosen


def agreement(first: Verdicts, second: Verdicts, allowed: NDArray[np.bool_]) -> dict[str, int]:
    """How many objects of the `allowed (F,)` frames both runs hit, only the first, only the second, neither."""
    inside = allowed[first.index.instance_frame] & (first.state >= HIT)
    a, b = (first.state == HIT)[inside], (second.state == HIT)[inside]
    counts = {"both": a & b, "only_first": a & ~b, "only_second": ~a & b, "neither": ~a & ~b}
    return {name: int(mask.sum()) for name, mask in counts.items()}


def compare_frames(
    rows: Sequence[int],
    images: Sequence[NDArray[np.uint8]],
    runs: Mapping[str, Verdicts],
    note: str = "",
    width: float = COLUMN_WIDTH,
) -> Figure:
    """The frames of these rows, `images (H, W, 3)` each, as the runs see them: a row a frame, a column a run.

    `note` stands below the legend. What is drawn is what `compare_frames_rows` has.
    """
    if not rows or not runs:
        raise ValueError("a figure of no frames or no runs")
    inner = (width - 0.25) / len(runs)
    heights = [inner * image.shape[0] / image.shape[1] for image in images]
    layout = ConstrainedLayoutEngine(compress=True, w_pad=0.01, h_pad=0.01, wspace=0, hspace=0)
    with sheet(width, sum(heights) + 0.03 * len(rows) + 0.7) as figure:
        figure.set_layout_engine(layout)
        grid = figure.subplots(len(rows), len(runs), squeeze=False, gridspec_kw={"height_ratios": heights})
        for place, (line, row, image) in enumerate(zip(grid, rows, images, strict=True)):
            for axes, (name, verdicts) in zip(line, runs.items(), strict=True):
                _draw_panel(axes, image, verdicts, row, inner)
                if place == 0:
                    axes.set_title(shortened(name, round(inner * 18)), fontsize=6.5, pad=3)
            index = verdicts.index
            name = shortened(index.video_name[index.frame_video[row]], round(heights[0] * 17))
            line[0].set_ylabel(f"{name}\nframe {index.frame_number[row]}", fontsize=LETTERS, labelpad=1.5)
        figure.legend(
            handles=[_sample(kind) for kind in VERDICTS],
            loc="outside upper center",
            ncols=4 if width >= 4.5 else 2,
            frameon=False,
            fontsize=5.5,
            handlelength=2.4,
            columnspacing=1.2,
        )
        if note:
            figure.supxlabel(wrapped(note, width), fontsize=LETTERS, color="0.35")
        return figure


def compare_frames_rows(rows: Sequence[int], runs: Mapping[str, Verdicts]) -> list[dict[str, Any]]:
    """What `compare_frames` draws: a row for each detection and each missed object of each run and frame.

    Columns: video, frame (its number), run, keyframe (1, 0, or empty where it isn't known), verdict, error (its type of
    error), class, score, x1, y1, x2, y2 (pixels of the frame; x2 and y2 are exclusive).
    """
    found = []
    for row in rows:
        for name, verdicts in runs.items():
            index, is_key = verdicts.index, verdicts.predictions.is_key
            place = {
                "video": index.video_name[index.frame_video[row]],
                "frame": int(index.frame_number[row]),
                "run": name,
                "keyframe": "" if is_key is None else int(is_key[row]),
            }
            found += [place | verdicts.detection_row(one) for one in verdicts.shown_in(row)[::-1].tolist()]
            found += [place | missed for missed in _missed(verdicts, row)]
    return found


def _missed(verdicts: Verdicts, row: int) -> list[dict[str, Any]]:
    index, objects = verdicts.index, verdicts.index.instances_of(row)
    return [
        {
            "verdict": "missed",
            "error": "",
            "class": index.class_names[index.class_id[one]],
            "score": "",
            **dict(zip(("x1", "y1", "x2", "y2"), index.box[one].tolist(), strict=True)),
        }
        for one in range(objects.start, objects.stop)
        if verdicts.state[one] > HIT
    ]


def _draw_panel(axes: Axes, image: NDArray[np.uint8], verdicts: Verdicts, row: int, inches: float) -> None:
    """Draw one frame as one run sees it, `inches` wide."""
    height, width = image.shape[:2]
    axes.imshow(image, extent=(0, width, height, 0), interpolation="bicubic")
    axes.set(xlim=(0, width), ylim=(height, 0), xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
    marks = verdict_marks(verdicts, row)
    for mark in marks:
        axes.add_patch(_rectangle(mark))
    point = width / inches / 72  # pixels of the frame
    taken: list[tuple[float, float, float, float]] = []
    if key := keyframe_text(verdicts, row):
        back, front = ("black", "white") if key == "keyframe" else ("white", "black")
        extent = 0.56 * LETTERS * (len(key) + 1) * point, 1.5 * LETTERS * point
        taken.append((width - extent[0], height - extent[1], width, height))
        _write(axes, key, (width - extent[0], height - extent[1]), extent, back, front)
    boxes = [mark.box for mark in marks]
    for mark in marks:
        if text := f"{SIGNS[mark.sign]} {mark.label}".strip():
            extent = 0.56 * LETTERS * (len(text) + 1) * point, 1.5 * LETTERS * point
            others = [box for box in boxes if box != mark.box]
            x, y = free_place(mark.box, extent, (width, height), 1.2 * point, others, taken)
            taken.append((x, y, x + extent[0], y + extent[1]))
            _write(axes, text, (x, y), extent, _rgb(mark.colour), "black")


def _write(axes: Axes, text: str, at: tuple[float, float], extent: tuple[float, float], back: Any, front: str) -> None:
    axes.add_patch(Rectangle(at, *extent, facecolor=back, linewidth=0, zorder=3))
    middle = at[0] + extent[0] / 2, at[1] + extent[1] / 2
    axes.text(*middle, text, fontsize=LETTERS, color=front, ha="center", va="center_baseline", zorder=4)


def _rectangle(mark: Mark) -> Rectangle:
    x1, y1, x2, y2 = mark.box
    width = 0.5 if mark.line == "thin" else 1.1
    rectangle = Rectangle((x1, y1), x2 - x1, y2 - y1, fill=False, edgecolor=_rgb(mark.colour), linewidth=width)
    rectangle.set_linestyle(STROKES[mark.line])
    rectangle.set_path_effects([withStroke(linewidth=width + 0.6, foreground="black"), Normal()])
    return rectangle


def _sample(kind: str) -> Line2D:
    colour, stroke, sign = VERDICTS[kind]
    width = 0.5 if stroke == "thin" else 1.1
    line = Line2D([], [], color=_rgb(colour), linewidth=width, linestyle=STROKES[stroke])
    line.set_label(f"{SIGNS[sign]} {kind}".strip())
    line.set_path_effects([withStroke(linewidth=width + 0.6, foreground="black"), Normal()])
    return line


def _rgb(colour: tuple[int, int, int]) -> tuple[float, float, float]:
    return colour[0] / 255, colour[1] / 255, colour[2] / 255
