"""Which index is meant, where none is named."""

import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from vidkit.data.index import Index
from vidkit.data.index_file import IndexHead, read_index, read_index_head
from vidkit.errors import AnnotationError, ChoiceError, FormatError, PredictionError, did_you_mean

LOG = logging.getLogger(__name__)
Tell = Callable[[str], None]
"""Takes a message for people, such as which of several indices was taken."""


def choose_index(
    path: Path | None,
    data_dir: Path,
    *,
    fingerprint: str = "",
    n_frames: int | None = None,
    frame_list: Path | None = None,
    video: str | None = None,
    prefer: str = "val",
    tell: Tell = LOG.info,
) -> Path:
    """The index to use: `path` if it is given, else the one in `data_dir` that fits what is known, or the preferred.

    What may be known: the fingerprint and the number of frames that predictions state, the frame list that a detector
    ran over, the name of a video. Of several that fit, the one of the split `prefer` is taken, and `tell` is told so;
    of its still images and videos the videos. Raises ChoiceError, which lists the candidates, where none fits or the
    choice between unlike data is the user's.
    """
    if path is not None:
        return path
    there = index_heads(data_dir)
    if not there:
        raise ChoiceError(f"{data_dir}: no index there; make one with `vidkit prepare --vid-root ROOT`, or name one")
    fits, reason = _fitting(there, fingerprint, n_frames)
    if len(fits) > 1 and frame_list is not None:
        fits = {file: fits[file] for file in fits if _is_list_of(frame_list, read_index(file))} or fits
    if video is not None:
        fits = _having(fits, video, data_dir)
    if not fits:
        raise ChoiceError(f"{reason}; none of these fit: {_listed(there)}. Name one")
    if len(fits) == 1:
        return next(iter(fits))
    preferred = _preferred(fits, prefer)
    if len({head.fingerprint for head in preferred.values()}) > 1:
        raise ChoiceError(f"{reason}; several of these fit: {_listed(preferred)}. Name one with --index")
    chosen = next(iter(preferred))
    tell(f"index: {chosen}; there are others: {', '.join(str(file) for file in fits if file != chosen)}")
    return chosen


def index_heads(data_dir: Path) -> dict[Path, IndexHead]:
    """The indices in a folder, by their sorted paths; files that are none are passed over."""
    found = {}
    for file in sorted(data_dir.glob("*.h5")) if data_dir.is_dir() else []:
        with suppress(FormatError):
            found[file] = read_index_head(file)
    return found


def videos_called(index: Index, name: str) -> list[int]:
    """The rows of the videos of this name; the folders before it may be left out."""
    exact = [row for row, known in enumerate(index.video_name) if known == name]
    return exact or [row for row, known in enumerate(index.video_name) if known.endswith("/" + name)]


def _fitting(
    there: Mapping[Path, IndexHead], fingerprint: str, n_frames: int | None
) -> tuple[dict[Path, IndexHead], str]:
    """The indices with this fingerprint or number of frames, all where neither is known; and why these."""
    if fingerprint:
        fits = {file: head for file, head in there.items() if head.fingerprint == fingerprint}
        return fits, f"the predictions were made for the index {fingerprint}"
    if n_frames is not None:
        fits = {file: head for file, head in there.items() if head.n_frames == n_frames}
        return fits, f"the predictions don't name their index and have {n_frames} frames"
    return dict(there), "no index was named"


def _is_list_of(frame_list: Path, index: Index) -> bool:
    """Whether all frames of a list are in the index."""
    from vidkit.predictions.entry_lists import read_frame_list

    try:
        read_frame_list(frame_list, index, reordered=True, partial=True)
    except (PredictionError, AnnotationError):
        return False
    return True


def _having(fits: Mapping[Path, IndexHead], video: str, data_dir: Path) -> dict[Path, IndexHead]:
    indices = {file: read_index(file) for file in fits}
    if having := {file: fits[file] for file, index in indices.items() if videos_called(index, video)}:
        return having
    near = did_you_mean(video, [name for index in indices.values() for name in index.video_name])
    raise ChoiceError(f"no video called {video!r} in any of the {len(indices)} indices in {data_dir}{near}")


def _preferred(fits: Mapping[Path, IndexHead], split: str) -> dict[Path, IndexHead]:
    """The indices of the split, if there are any; of these the videos, if there are any beside still images."""
    of_split = {file: head for file, head in fits.items() if head.split == split} or dict(fits)
    return {file: head for file, head in of_split.items() if head.is_video} or of_split


def _listed(heads: Mapping[Path, IndexHead]) -> str:
    return ", ".join(f"{file} ({head.fingerprint[:8]}…, {head.n_frames} frames)" for file, head in heads.items())
