"""What a picture shows: the video and its frames, chosen by name or by default."""

from collections.abc import Sequence

import numpy as np

from vidkit.data.index import Index
from vidkit.errors import ChoiceError, did_you_mean
from vidkit.runs.choosing import videos_called
from vidkit.runs.loading import LoadedRuns

Span = tuple[int | None, int | None]
"""The first and the last number of frames; None where an end is open."""


def video_row(loaded: LoadedRuns, name: str | None) -> int:
    """The row of the video of this name; without one, of the first that has boxes and that all runs reached.

    The folders before the name may be left out.
    """
    index = loaded.index
    if index.n_videos == 0:
        raise ChoiceError(f"index {index.dataset} {index.split}: no videos in it")
    if name is None:
        return _first_video(loaded)
    rows = videos_called(index, name)
    if len(rows) != 1:
        known = [index.video_name[row] for row in rows] or list(index.video_name)
        listed = ", ".join(known[:4]) + (", …" if len(known) > 4 else "")
        found = "several videos" if rows else "no video"
        raise ChoiceError(f"{found} called {name!r}{did_you_mean(name, known)}; there are {listed}")
    if absent := [run for run, videos in loaded.reached().items() if not videos[rows[0]]]:
        raise ChoiceError(
            f"video {index.video_name[rows[0]]}: not run by {', '.join(absent)}, limited to a part of the data"
        )
    return rows[0]


def _first_video(loaded: LoadedRuns) -> int:
    index = loaded.index
    boxes = index.instance_start[index.frame_start[1:]] - index.instance_start[index.frame_start[:-1]]
    reached = np.logical_and.reduce([*loaded.reached().values(), np.ones(index.n_videos, bool)])
    if not reached.any():
        raise ChoiceError(f"no video that all of these runs reached: {', '.join(loaded.predictions)}; some are limited")
    return int(np.argmax(2 * reached + (boxes > 0) * reached))


def frame_rows(index: Index, video: int, numbers: Sequence[int] = (), span: Span | None = None) -> list[int]:
    """The rows of the frames with these numbers, or from a to b; all of the video where neither is given."""
    rows = index.frames_of(video)
    if not rows:
        raise ChoiceError(f"video {index.video_name[video]}: the index has no frames of it")
    row_of = {int(index.frame_number[row]): row for row in rows}
    first, last = min(row_of), max(row_of)
    numbered = f"its {len(row_of)} frames are numbered {first} … {last}"
    for number in numbers:
        if number not in row_of:
            near = min(row_of, key=lambda known: abs(known - number))
            raise ChoiceError(f"video {index.video_name[video]}: no frame {number}; {numbered}, the nearest is {near}")
    low, high = span or (None, None)
    inside = [
        row for number, row in row_of.items() if (low is None or low <= number) and (high is None or number <= high)
    ]
    if not inside:
        wanted = "..".join("" if end is None else str(end) for end in (low, high))
        raise ChoiceError(f"video {index.video_name[video]}: no frame in {wanted}; {numbered}")
    return [row_of[number] for number in numbers] if numbers else inside
