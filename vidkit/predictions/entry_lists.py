"""Frame lists: which entry of a detector's run is which frame of the index."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vidkit.data.frame_lists import FRAME_IDS, FRAMES, IMAGES, VIDEOS, Row, read_rows
from vidkit.data.index import Index
from vidkit.errors import PredictionError
from vidkit.predictions.videos import rows_of_frames, video_rows, year_hint

_KINDS = {
    VIDEOS: "a line for each video, expanded to its frames",
    FRAMES: "four columns, a line for each frame",
    FRAME_IDS: "two columns, a line for each frame",
    IMAGES: "a line for each still image",
}


@dataclass(frozen=True, eq=False)
class BoundFrameList:
    """The frames of a list, in its order: `row (L,)` in the index, and `id (L,)` as detectors number them."""

    path: Path
    kind: str
    row: NDArray[np.int64]
    id: NDArray[np.int64]
    n_lines: int


@dataclass(frozen=True, eq=False)
class _Listed:
    """The frames of a list as it names them."""

    form: str
    video: tuple[str, ...]
    number: NDArray[np.int64]
    id: NDArray[np.int64]


def read_frame_list(path: Path, index: Index, reordered: bool, partial: bool) -> BoundFrameList:
    """The list at `path`, tied to the frames of `index`.

    Raises PredictionError if it doesn't fit the index: frames that the index doesn't have, a frame twice, frames of the
    index that it doesn't have (unless `partial`), or another order (unless `reordered`); AnnotationError if it is no
    frame list.
    """
    form, rows = read_rows(path)
    try:
        listed = _expanded(form, rows, 10 * index.n_frames + 1_000_000)
    except PredictionError as error:
        raise PredictionError(f"{path}: {error}") from None
    row = rows_of_frames(index, video_rows(index, listed.video), listed.number, ranks=listed.form == IMAGES)
    _check_fit(path, listed, row, len(rows), index, reordered, partial)
    return BoundFrameList(path, _KINDS[listed.form], row, listed.id, len(rows))


def _expanded(form: str, rows: list[Row], most: int) -> _Listed:
    """A list's frames, one by one. Lines of videos are known in whatever order they stand."""
    paths = [path for _, path, _ in rows]
    ids = np.array([numbers[0] for *_, numbers in rows], np.int64)
    if form == IMAGES:
        return _Listed(form, tuple(paths), np.zeros(len(rows), np.int64), np.arange(1, len(rows) + 1))
    if form == FRAME_IDS:
        parts = [path.rpartition("/") for path in paths]
        return _Listed(form, tuple(p[0] for p in parts), np.array([int(p[2]) for p in parts], np.int64), ids)
    frames = np.array([numbers[1] for *_, numbers in rows], np.int64)
    if form == FRAMES and (len(set(paths)) < len(paths) or frames.any()):
        return _Listed(form, tuple(paths), frames, ids)
    lengths = np.array([numbers[2] for *_, numbers in rows], np.int64)
    if lengths.sum() > most:
        raise PredictionError(f"its videos have {lengths.sum()} frames together, far more than the index")
    number = np.concatenate([np.arange(n) for n in lengths])
    video = tuple(path for path, n in zip(paths, lengths.tolist(), strict=True) for _ in range(n))
    return _Listed(VIDEOS, video, number, np.repeat(ids, lengths) + number)


def _check_fit(
    path: Path, listed: _Listed, row: NDArray[np.int64], n_lines: int, index: Index, reordered: bool, partial: bool
) -> None:
    missing = np.flatnonzero(row < 0)
    doesnt = f"{path} ({n_lines} lines: {_KINDS[listed.form]}) doesn't fit the index of {index.n_frames} frames"
    if len(missing):
        first = f"{listed.video[missing[0]]} frame {listed.number[missing[0]]}"
        hint = year_hint(index, tuple(dict.fromkeys(listed.video)))
        raise PredictionError(
            f"{doesnt} in {index.n_videos} videos: {len(missing)} of its {len(row)} frames aren't in the index, the "
            f"first is {first}{hint}"
        )
    distinct = len(np.unique(row))
    if distinct < len(row):
        raise PredictionError(f"{doesnt}: it has {len(row) - distinct} frames twice")
    if distinct < index.n_frames and not partial:
        guess = "; a list of videos was cut to one frame each" if n_lines == index.n_videos == len(row) else ""
        raise PredictionError(
            f"{doesnt}: it has {distinct} frames{guess}. Give the list of all frames, or --partial if the predictions "
            "are of these frames only"
        )
    turned = np.flatnonzero(np.diff(row) < 0)
    if len(turned) and not reordered:
        k = int(turned[0]) + 1
        raise PredictionError(
            f"{doesnt}: it has the frames in another order, first at its frame {k + 1}: {listed.video[k]} frame "
            f"{listed.number[k]}. Give --reordered if the predictions were really made in the order of this list"
        )
