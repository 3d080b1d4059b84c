"""Videos of which only some frames were annotated → all their frames, where the images or the film are there.

A detector that remembers must see the frames between; only annotated ones are scored.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vidkit.data.film import film_facts
from vidkit.data.frame_names import name_pattern, trailing_digits
from vidkit.data.index import FOLDER, VIDEO
from vidkit.data.readers.looking import names_in
from vidkit.data.readers.numbered_images import MAX_FRAMES
from vidkit.data.records import FrameNames, VideoFiles, VideoTable
from vidkit.errors import FrameError

UNANNOTATED = "frames that nobody annotated: fed to detectors, not scored"
GAPS = "videos with gaps between their frames, whose other frames aren't there"


def with_all_frames(video: VideoTable, root: Path) -> VideoTable:
    """The video with the frames that are found beside the annotated ones; itself where they have no gaps.

    What lies in its folder under a name of the same form is a frame, or what its film holds. Where the annotated frames
    follow each other without a gap, they are taken for the video.
    """
    if len(video.frame_number) < 2 or (np.diff(video.frame_number) == 1).all():
        return video
    names = _names(video, root)
    found = set(names) if video.files.kind == FOLDER else set(range(_length(video, root)))
    known = set(video.frame_number.tolist())
    if not found - known:
        return replace(video, counts={**video.counts, GAPS: 1})
    return _filled(video, sorted(found | known), names)


def _names(video: VideoTable, root: Path) -> dict[int, str]:
    """The file of each frame that lies in the video's folder, by its number; none where names follow no pattern."""
    if video.files.kind != FOLDER:
        return {}
    numbers = video.frame_number.tolist()
    names = video.files.name or tuple(video.files.pattern.format(number) for number in numbers)
    digits = [trailing_digits(name.rpartition(".")[0]) for name in names]
    if "" in digits or len({int(d[-9:]) - number for d, number in zip(digits, numbers, strict=True)}) != 1:
        return {}
    off = int(digits[0][-9:]) - numbers[0]
    stem, _, suffix = names[0].rpartition(".")
    of_frame = re.compile(rf"{re.escape(stem.removesuffix(digits[0]))}(\d{{1,9}})\.{re.escape(suffix)}", re.ASCII)
    matched = (of_frame.fullmatch(name) for name in names_in(root / video.files.source))
    found = {int(m[1]) - off: m[0] for m in matched if m is not None and len(m[1]) >= min(map(len, digits))}
    return {number: name for number, name in found.items() if 0 <= number <= MAX_FRAMES}


def _length(video: VideoTable, root: Path) -> int:
    """How many frames its film has; 0 where it can't be told, or isn't there."""
    if video.files.kind != VIDEO or not (root / video.files.source).is_file():
        return 0
    try:
        return film_facts(root / video.files.source).length
    except FrameError:
        return 0


def _filled(video: VideoTable, numbers: list[int], names: Mapping[int, str]) -> VideoTable:
    """The video with the frames of these numbers, which are its own and others."""
    rows = np.searchsorted(numbers, video.frame_number)
    annotated = np.zeros(len(numbers), np.bool_)
    annotated[rows] = True

    def spread(column: NDArray[Any], missing: object) -> NDArray[Any]:
        filled = np.full(len(numbers), missing, column.dtype if missing in (0, b"") else np.float64)
        filled[rows] = column
        return filled

    missing = {name: b"" if c.dtype.kind == "S" else np.nan for name, c in video.frame_attributes.items()}
    return replace(
        video,
        frame_number=np.array(numbers, np.int32),
        instance_count=spread(video.instance_count, 0),
        frame_attributes={name: spread(c, missing[name]) for name, c in video.frame_attributes.items()},
        files=_files(video, numbers, rows, names),
        counts={**video.counts, UNANNOTATED: int((~annotated).sum())},
        annotated=annotated,
        ignored=None if video.ignored is None else replace(video.ignored, count=spread(video.ignored.count, 0)),
        called=_called(video.called, numbers, rows, names),
    )


def _files(video: VideoTable, numbers: list[int], rows: NDArray[np.int64], names: Mapping[int, str]) -> VideoFiles:
    if video.files.kind != FOLDER:
        return video.files
    given = video.files.name or tuple(video.files.pattern.format(n) for n in video.frame_number.tolist())
    of_row = dict(zip(rows.tolist(), given, strict=True))
    all_names = {number: of_row.get(row) or names[number] for row, number in enumerate(numbers)}
    pattern = name_pattern(all_names)
    return replace(video.files, pattern=pattern, name=None if pattern else tuple(all_names.values()))


def _called(called: FrameNames, numbers: list[int], rows: NDArray[np.int64], names: Mapping[int, str]) -> FrameNames:
    """What the source calls its frames, and what it would call the others."""
    ids, paths, written = list(called.id or ()), list(called.path or ()), list(called.number or ())
    folder = paths[0].rpartition("/")[0] if paths else ""
    off = written[0] - numbers[int(rows[0])] if written else 0
    row_of = {number: row for row, number in enumerate(np.array(numbers)[rows].tolist())}
    return FrameNames(
        id=tuple(ids[row_of[n]] if n in row_of else "" for n in numbers) if ids else None,
        path=tuple(
            paths[row_of[n]] if n in row_of else f"{folder}/{names[n]}".lstrip("/") if n in names else ""
            for n in numbers
        )
        if paths
        else None,
        number=tuple(n + off for n in numbers) if written else None,
    )
