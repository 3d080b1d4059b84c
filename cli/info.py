"""`vidkit info`: what is in an index."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .console import echo, json_option, print_json, print_table
from .options import data_dir_option, open_index

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from vidkit.data.index import Index
    from vidkit.data.summary import IndexSummary

Row = tuple[str, str]


@click.command("info")
@click.argument("index_path", metavar="[INDEX.h5]", required=False, type=click.Path(dir_okay=False, path_type=Path))
@data_dir_option
@json_option
def command(index_path: Path | None, data_dir: Path, as_json: bool) -> None:
    """Show what is in an index: videos, frames, boxes, tracks, classes, sizes, and where its frames are.

    Without INDEX.h5 it is the only index in the data folder. Motion groups are those of the evaluation's default
    protocol: slow, medium and fast by motion IoU. They need track ids or a motion IoU column.

    \b
    Examples:
      vidkit info                               # the only index in vidkit-data/
      vidkit info vidkit-data/vid_val.h5
      vidkit info vidkit-data/vid_val.h5 --json
    """
    from vidkit.data.summary import summarize

    path, index = open_index(index_path, data_dir)
    summary = summarize(index, _motion_groups(index))
    if as_json:
        print_json({"format": "vidkit-info", "version": 1, "file": str(path), **asdict(summary)})
        return
    print_table(["index", str(path)], list(_rows(summary)), left=2)
    echo()
    print_table(
        ["class", "wnid", "boxes", "share", "tracks", "frames", "videos"],
        [
            (c.name, c.wnid, c.boxes, _percent(c.boxes, summary.boxes), c.tracks, c.frames, c.videos)
            for c in summary.classes
        ],
    )


def _motion_groups(index: Index) -> dict[str, NDArray[np.bool_]]:
    """The boxes of each motion group; nothing where motion can't be told, for lack of track ids."""
    from vidkit.errors import AnnotationError
    from vidkit.evaluation.protocols import FGFA
    from vidkit.evaluation.slices import breakdown

    try:
        groups = breakdown("motion", index, FGFA).groups
    except AnnotationError:
        return {}
    return {f"{group.name} (motion)": group.counted for group in groups if group.counted is not None}


def _rows(s: IndexSummary) -> Iterator[Row]:
    yield "data set, split", f"{s.dataset}, {s.split}"
    yield "fingerprint", s.fingerprint
    yield "videos", _counted(s.videos, s.empty_videos, "without frames")
    yield "frames", _counted(s.frames, s.empty_frames, "without boxes")
    yield "frames of a video", _quartiles(s.video_frames)
    yield (
        "boxes",
        f"{_counted(s.boxes, s.boxes_without_track, 'without a track')}, at most {s.boxes_in_frame} in a frame",
    )
    yield "tracks", f"{s.tracks:,}"
    yield "classes", f"{sum(c.boxes > 0 for c in s.classes)} with boxes, of {len(s.classes)}"
    yield "occluded", f"{s.occluded:,} ({_percent(s.occluded, s.boxes)})"
    yield "generated", f"{s.generated:,} ({_percent(s.generated, s.boxes)})"
    for name, count in s.groups.items():
        yield name, f"{count:,} ({_percent(count, s.boxes)})"
    yield "box area, pixels²", _quartiles(s.box_area)
    yield "sizes", _sizes(s.sizes)
    if s.attributes:
        yield "further columns", ", ".join(s.attributes)
    yield "images", _files(s)


def _counted(n: int, special: int, what: str) -> str:
    return f"{n:,}" + (f" ({special:,} {what})" if special else "")


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "–"


def _quartiles(values: Sequence[float]) -> str:
    return " · ".join(f"{v:,.6g}" for v in values) + "  (min, quartiles, max)" if values else "–"


def _sizes(sizes: Sequence[tuple[int, int, int]], shown: int = 4) -> str:
    listed = [f"{w}×{h} ({n})" if w and h else f"unknown ({n})" for w, h, n in sizes[:shown]]
    return ", ".join(listed) + (f" and {len(sizes) - shown} more" if len(sizes) > shown else "")


def _files(s: IndexSummary, shown: int = 3) -> str:
    if s.files is None:
        return "the index doesn't know where they are"
    kinds = ", ".join(f"{n:,} × {kind}" for kind, n in s.files.kinds.items())
    text = f"{s.files.root}: {kinds}; {s.files.found:,} of {s.videos:,} found"
    if s.files.missing:
        text += f", missing: {', '.join(s.files.missing[:shown])}" + (" …" if len(s.files.missing) > shown else "")
    return text
