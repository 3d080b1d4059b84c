"""A track through its video: what each run makes of the object frame by frame, and how it moves and blurs."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from vidkit.data.index import Index
from vidkit.errors import ChoiceError
from vidkit.evaluation.motion_iou import motion_of
from vidkit.evaluation.tracks import tracks_of
from vidkit.evaluation.verdicts import NOT_COUNTED, STATES, Verdicts
from vidkit.plots.figure import COLOURS, COLUMN_WIDTH, LIMITED, SMALL, Drawing, note_below, sheet, shortened

LOOKS = {
    "hit": ("#56B4E9", ""),
    "badly placed": ("#E69F00", "////"),
    "wrong class": ("#CC79A7", "xxxx"),
    "missed": ("white", ""),
}
"""The colour and the hatching of each state: they differ in lightness or hatching too."""
DASHES = ("-", "--", ":", "-.")


@dataclass(frozen=True)
class Track:
    """One object of a video."""

    video: int
    track_id: int


def draw(
    runs: Mapping[str, Verdicts],
    videos: NDArray[np.bool_],
    *,
    track_id: int | None = None,
    width: float = COLUMN_WIDTH,
) -> Drawing:
    """The figure of a track of the `videos (V,)`: this one of the only video, or that on which the runs differ most.

    Raises ChoiceError where there is no such track.
    """
    one = next(iter(runs.values()))
    notes = []
    if track_id is not None:
        track = track_called(one.index, int(np.argmax(videos)), track_id)
    else:
        track = most_telling_track(runs, videos)
        why = "the runs differ on it most" if len(runs) > 1 else "its state changes most often"
        notes.append(f"track {track.track_id} of {one.index.video_name[track.video]}: {why}")
    told = {
        "video": one.index.video_name[track.video],
        "track": track.track_id,
        "score": one.least_score,
        "protocol": one.matches.protocol.name,
    }
    return Drawing(timeline(runs, track, width), timeline_rows(runs, track), "frames", told, notes)


def track_called(index: Index, video: int, track_id: int) -> Track:
    """A track of a video row; ChoiceError that lists its tracks if there is none of this id."""
    known = np.unique(index.track_id[index.frame_video[index.instance_frame] == video])
    if track_id < 0 or track_id not in known:
        listed = ", ".join(map(str, known[known >= 0][:20])) or "none"
        raise ChoiceError(f"video {index.video_name[video]}: no track {track_id}; its tracks are {listed}")
    return Track(video, track_id)


def most_telling_track(runs: Mapping[str, Verdicts], allowed: NDArray[np.bool_]) -> Track:
    """The track of the `allowed (V,)` videos on which the runs differ most, or a single run changes most often.

    Counted are the frames in which not all runs give the object the same state, or the changes of its state from one
    frame to the next; of equals the first. Raises AnnotationError if an instance has no track id, ChoiceError if there
    is no track.
    """
    index = next(iter(runs.values())).index
    tracks = tracks_of(index, "timelines")
    states = np.stack([run.state for run in runs.values()])[:, tracks.order]
    telling = np.zeros(len(tracks.order), bool)
    if len(runs) > 1:
        telling = (states != states[0]).any(axis=0)
    elif len(telling):
        telling[1:] = (states[0, 1:] != states[0, :-1]) & (np.diff(tracks.of_row) == 0)
    counts = np.bincount(tracks.of_row[telling], minlength=tracks.n_tracks)
    first = tracks.order[tracks.start[:-1]]
    video = index.frame_video[index.instance_frame[first]]
    counts = np.where(allowed[video], counts, -1)
    if not (counts >= 0).any():
        raise ChoiceError(f"index {index.dataset} {index.split}: no track in the videos that may be drawn")
    best = int(counts.argmax())
    return Track(int(video[best]), int(index.track_id[first[best]]))


def timeline(runs: Mapping[str, Verdicts], track: Track, width: float = COLUMN_WIDTH) -> Figure:
    """A row of cells a run: what it makes of the object in each frame; keyframes are the triangles above.

    Below stand the object's motion IoU and what the index tells of blur. What is drawn is what `timeline_rows` has.
    """
    rows = timeline_rows(runs, track)
    index = next(iter(runs.values())).index
    blurs = [name for name in rows[0] if name.startswith("blur")] if rows else []
    heights = [0.24 * len(runs) + 0.12, 0.55] + [0.5] * bool(blurs)
    with sheet(width, sum(heights) + 0.95, {"hatch.linewidth": 0.5}) as figure:
        axes = figure.subplots(len(heights), sharex=True, squeeze=False, gridspec_kw={"height_ratios": heights})[:, 0]
        _draw_cells(axes[0], rows, list(runs))
        mine = [row for row in rows if row["run"] == next(iter(runs)) and row["state"] != ""]
        _draw_line(axes[1], mine, ["motion_iou"], "motion\nIoU")
        axes[1].set(ylim=(0, 1.05), yticks=(0, 1))
        for edge in next(iter(runs.values())).matches.protocol.motion_edges:  # between fast, medium and slow
            axes[1].axhline(edge, color="0.6", linewidth=0.5, linestyle=":", zorder=0)
        if blurs:
            _draw_line(axes[2], mine, blurs, "blur")
        axes[-1].set_xlabel("frame")
        axes[-1].xaxis.set_major_locator(MaxNLocator(integer=True))
        figure.legend(handles=list(_samples(rows)), loc="outside upper center", ncols=3, frameon=False, fontsize=6)
        class_id = index.class_id[_instances(index, track)][0]
        one = next(iter(runs.values()))
        limited = LIMITED if any(run.predictions.run.limited for run in runs.values()) else ""
        note = (
            f"{index.video_name[track.video]}, track {track.track_id} ({index.class_names[class_id]}); "
            f"scores from {one.least_score:g}, {one.matches.protocol.name}{limited}"
        )
        note_below(figure, note)
        return figure


def timeline_rows(runs: Mapping[str, Verdicts], track: Track) -> list[dict[str, Any]]:
    """What `timeline` draws: a row for each run and frame of the video.

    Columns: run, video, track, frame (its number), state (one of STATES; empty where the object isn't annotated), class
    and score of the detection that gave it, keyframe (1, 0, or empty where it isn't known), motion_iou, and one column
    for each attribute of the index whose name speaks of blur: "blur: NAME", or "blur: frame NAME" for the frame's.
    """
    index = next(iter(runs.values())).index
    instances = _instances(index, track)
    instance_of = dict(zip(index.instance_frame[instances].tolist(), instances, strict=True))
    motion = motion_of(index)
    found = []
    for name, run in runs.items():
        is_key = run.predictions.is_key
        for row in index.frames_of(track.video):
            one = instance_of.get(row)
            found.append(
                {
                    "run": name,
                    "video": index.video_name[track.video],
                    "track": track.track_id,
                    "frame": int(index.frame_number[row]),
                    **_state(run, one),
                    "keyframe": "" if is_key is None else int(is_key[row]),
                    "motion_iou": "" if one is None else float(motion[one]),
                    **_blurs(index, row, one),
                }
            )
    return found


def _state(run: Verdicts, instance: int | None) -> dict[str, Any]:
    """The state of an object and the detection that gave it; all empty where there is none."""
    if instance is None or run.state[instance] == NOT_COUNTED:
        return {"state": "", "class": "", "score": ""}
    state, detection = STATES[run.state[instance]], int(run.detection[instance])
    if detection < 0:
        return {"state": state, "class": "", "score": ""}
    class_name = run.index.class_names[run.predictions.class_id[detection]]
    return {"state": state, "class": class_name, "score": float(run.predictions.score[detection])}


def _blurs(index: Index, row: int, instance: int | None) -> dict[str, Any]:
    """What the index tells of the blur of a frame and of an object in it."""
    of_frame = {f"blur: frame {n}": float(c[row]) for n, c in index.frame_attributes.items() if _is_blur(n, c)}
    of_object = {
        f"blur: {name}": "" if instance is None else float(column[instance])
        for name, column in index.instance_attributes.items()
        if _is_blur(name, column)
    }
    return of_frame | of_object


def _is_blur(name: str, column: NDArray[Any]) -> bool:
    return "blur" in name and column.dtype.kind in "fiu"


def _instances(index: Index, track: Track) -> NDArray[np.int64]:
    """The rows of the instances of a track."""
    mine = (index.track_id == track.track_id) & (index.frame_video[index.instance_frame] == track.video)
    return np.flatnonzero(mine)


def _draw_cells(axes: Axes, rows: list[dict[str, Any]], names: list[str]) -> None:
    for place, name in enumerate(names):
        mine = [row for row in rows if row["run"] == name]
        for state, first, last in _stretches(mine):
            colour, hatch = LOOKS[state]
            cell = Rectangle((first - 0.5, place - 0.25), last - first + 1, 0.6, facecolor=colour, hatch=hatch)
            cell.set(edgecolor="black", linewidth=0.4)
            axes.add_patch(cell)
        keys = [row["frame"] for row in mine if row["keyframe"] == 1]
        if len(keys) < len(mine):  # where every frame is one, as in per-frame detection, marks would say nothing
            axes.plot(keys, [place - 0.37] * len(keys), linewidth=0, marker="v", markersize=2.2, color="black")
    numbers = [row["frame"] for row in rows]
    axes.set(xlim=(min(numbers) - 1, max(numbers) + 1), ylim=(len(names) - 0.5, -0.6))
    axes.set_yticks(range(len(names)), [shortened(name, 24) for name in names], fontsize=SMALL)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)


def _stretches(rows: list[dict[str, Any]]) -> Iterator[tuple[str, int, int]]:
    """Yield each state with the first and the last of the frames, one after the other, that it holds for."""
    for state, same in groupby(rows, key=lambda row: str(row["state"])):
        numbers = [row["frame"] for row in same]
        if state:
            yield state, numbers[0], numbers[-1]


def _draw_line(axes: Axes, rows: list[dict[str, Any]], names: list[str], label: str) -> None:
    frames = [row["frame"] for row in rows]
    for place, name in enumerate(names):
        style, colour = DASHES[place % len(DASHES)], COLOURS[place % len(COLOURS)]
        short = name.removeprefix("blur: ").replace("_", " ")
        values = [row[name] for row in rows]
        axes.plot(frames, values, style, color=colour, linewidth=1, marker=".", markersize=2, label=short)
    axes.set_ylabel(label)
    if len(names) > 1 or label == "blur":
        axes.legend(frameon=False, fontsize=SMALL, loc="upper left", ncols=3, bbox_to_anchor=(0, 1.25), borderaxespad=0)


def _samples(rows: list[dict[str, Any]]) -> Iterator[Patch | Line2D]:
    """Yield what stands in the legend."""
    for state, (colour, hatch) in LOOKS.items():
        yield Patch(facecolor=colour, hatch=2 * hatch, edgecolor="black", linewidth=0.4, label=state)
    if any(row["keyframe"] == 1 for row in rows):
        yield Line2D([], [], linewidth=0, marker="v", markersize=3, color="black", label="keyframe")
