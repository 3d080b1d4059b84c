"""An index as MOTChallenge: `SPLIT/VIDEO/gt/gt.txt` and `seqinfo.ini`, images in `img1`, the classes in `classes.txt`.

Frames and pixels count from 1, width and height are lengths. What is to be ignored has flag 0. A visibility that isn't
known is -1. Frames of a video follow each other without gaps, for MOTChallenge has no place for gaps.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vidkit.data.class_list import classes_text
from vidkit.data.index import Index
from vidkit.data.writers import WrittenSplit
from vidkit.data.writers.image_names import image_names, inner_name, suffix_of
from vidkit.data.writers.json_file import plain, xywh_rows
from vidkit.data.writers.what_is_lost import has_area, is_written
from vidkit.errors import ChoiceError

GAPS = "frames of {:,} videos are numbered anew, without gaps"
CROWDS = "{:,} crowds, written as objects that needn't be found"
_VISIBILITY = "visibility"


def write_split(folder: Path, index: Index) -> WrittenSplit:
    """What is written below `folder/SPLIT`. Raises ChoiceError where two videos would have one folder."""
    written, kept = is_written(index), has_area(index)
    names = [inner_name(name).replace("/", "_") for name in index.video_name]
    if len(set(names)) < len(names):
        raise ChoiceError(f"index {index.dataset} {index.split}: names of videos that differ in '/' only")
    images: dict[int, Path] = {}
    gaps = 0
    xywh = [xywh_rows(index.box), [] if index.ignored is None else xywh_rows(index.ignored.box)]
    for video, name in enumerate(names):
        rows = [row for row in index.frames_of(video) if written[row]]
        gaps += index.frame_number[rows].tolist() != list(range(len(rows)))
        place = folder / inner_name(index.split) / name
        suffix = suffix_of(image_names(index, video))
        images |= {row: place / "img1" / f"{number:06d}{suffix}" for number, row in enumerate(rows, start=1)}
        lines = [line for number, row in enumerate(rows, start=1) for line in _lines(index, row, number, kept, xywh)]
        (place / "gt").mkdir(parents=True)
        (place / "gt" / "gt.txt").write_text("".join(f"{line}\n" for line in lines), encoding="ascii")
        (place / "seqinfo.ini").write_text(_seqinfo(index, video, name, len(rows), suffix), encoding="utf-8")
    crowds = 0 if index.ignored is None else int(index.ignored.crowd.sum())
    notes = [words.format(n) for words, n in ((GAPS, gaps), (CROWDS, crowds)) if n]
    return WrittenSplit(int(written.sum()), int(kept.sum()), tuple(notes), images)


def write_common(folder: Path, indices: Sequence[Index]) -> None:
    """Write `classes.txt`: class k of a row is its k-th line."""
    (folder / "classes.txt").write_text(classes_text(indices[0].classes), encoding="utf-8")


def _lines(
    index: Index, row: int, number: int, kept: NDArray[np.bool_], xywh: Sequence[Sequence[Sequence[float]]]
) -> Iterator[str]:
    """Yield the rows of a frame: its objects, then what is to be ignored; what is so for every class has class 0."""
    seen = index.instance_attributes.get(_VISIBILITY)
    here = index.instances_of(row)
    for instance in range(here.start, here.stop):
        if kept[instance]:
            visibility = -1 if seen is None or np.isnan(seen[instance]) else plain(float(seen[instance]))
            yield _line(
                number, index.track_id[instance], xywh[0][instance], 1, index.class_id[instance] + 1, visibility
            )
    if index.ignored is not None:
        start = index.ignored.start
        for region in range(int(start[row]), int(start[row + 1])):
            of = int(index.ignored.class_id[region])
            for class_id in range(index.n_classes) if of < 0 else [of]:
                yield _line(number, -1, xywh[1][region], 0, class_id + 1, -1)


def _line(number: int, track: int, xywh: Sequence[float], flag: int, class_number: int, seen: float) -> str:
    x, y, width, height = xywh
    return ",".join(map(str, (number, track, plain(x + 1), plain(y + 1), width, height, flag, class_number, seen)))


def _seqinfo(index: Index, video: int, name: str, length: int, suffix: str) -> str:
    width, height = index.video_size[video].tolist()
    size = f"imWidth={width}\nimHeight={height}\n" if width and height else ""
    return f"[Sequence]\nname={name}\nimDir=img1\nseqLength={length}\n{size}imExt={suffix}\n"
