"""Motion IoU: how much an object's box overlaps itself in the frames around (FGFA, Sec. 5.1; slow, medium, fast)."""

import numpy as np
from numpy.typing import NDArray

from vidkit.boxes import iou
from vidkit.data.index import Index
from vidkit.errors import AnnotationError

SEEN_ONCE = 1.0
"""The motion IoU of an object that is annotated in no other frame of its window: nothing shows that it moves."""
NO_OVERLAP = 1e-10
"""What stands for a sum of IoUs that is exactly 0, as in FGFA's published file, whose values are never 0."""


def motion_iou(index: Index, window: int = 10, include_self: bool = False) -> NDArray[np.float64]:
    """The motion IoU `(N,)` of each instance, in (0, 1]; NaN where it can't be told.

    It is the mean IoU of a box with the boxes of the same track in the other frames whose numbers are at most `window`
    away and in which the track is annotated; frames without it don't count. With `include_self` the box itself counts
    as one more frame, of IoU 1. A track that is seen once in its window has the motion IoU 1. Where less than half of
    the frames in the window of a box were annotated, nobody can tell how it moves: NaN.

    Raises AnnotationError if an instance has no track id.
    """
    _need_tracks(index)
    by_track = np.lexsort((_numbers(index), index.track_id, _videos(index)))
    video, number = _videos(index)[by_track], _numbers(index)[by_track]
    track, box = index.track_id[by_track], index.box[by_track].astype(np.float64)
    total = np.full(len(by_track), 1.0 if include_self else 0.0)
    seen = np.full(len(by_track), 1 if include_self else 0)
    for step in range(1, len(by_track)):
        here = np.flatnonzero(
            (video[step:] == video[:-step])
            & (track[step:] == track[:-step])
            & (number[step:] - number[:-step] <= window)
        )
        if len(here) == 0:
            break
        here = here[number[here + step] != number[here]]  # a track twice in one frame: not "another frame"
        overlap = iou(box[here], box[here + step])
        for rows in (here, here + step):
            total[rows] += overlap
            seen[rows] += 1
    values = np.where(seen == 0, SEEN_ONCE, np.where(total == 0, NO_OVERLAP, total) / np.maximum(seen, 1))
    in_order: NDArray[np.float64] = values[np.argsort(by_track)]
    in_order[~window_is_known(index, window)[index.instance_frame]] = np.nan
    return in_order


def window_is_known(index: Index, window: int = 10) -> NDArray[np.bool_]:
    """Whether at least half of the frames at most `window` away from each were annotated, `(F,)`; itself aside.

    Frames before a video's first and after its last don't count; numbers between that the index doesn't have do.
    """
    known = np.ones(index.n_frames, np.bool_) if index.annotated is None else index.annotated
    filled = np.flatnonzero(np.diff(index.frame_start))
    first, last = np.zeros(index.n_videos, np.int64), np.zeros(index.n_videos, np.int64)
    first[filled] = index.frame_number[index.frame_start[filled]]
    last[filled] = index.frame_number[index.frame_start[filled + 1] - 1]
    number, video = index.frame_number.astype(np.int64), index.frame_video
    low, high = np.maximum(number - window, first[video]), np.minimum(number + window, last[video])
    key = (video.astype(np.int64) << 32) + number
    there = key[known]
    count = np.searchsorted(there, key + high - number, "right") - np.searchsorted(there, key + low - number, "left")
    return np.asarray(2 * (count - known) >= high - low)


def motion_of(index: Index) -> NDArray[np.float64]:
    """Return the index's own motion IoU `(N,)` where it has one, else the one computed from its tracks."""
    return motion_iou(index) if index.motion_iou is None else index.motion_iou


def track_length(index: Index) -> NDArray[np.int64]:
    """Return `(N,)`: in how many frames the instance's track is annotated.

    Raises AnnotationError if an instance has no track id.
    """
    _need_tracks(index)
    track = np.stack([_videos(index), index.track_id], axis=1)
    _, which, lengths = np.unique(track, axis=0, return_inverse=True, return_counts=True)
    return np.asarray(lengths[which.reshape(-1)])


def _need_tracks(index: Index) -> None:
    without = int((index.track_id < 0).sum())
    if without:
        raise AnnotationError(
            f"index {index.dataset} {index.split}: {without} of {index.n_instances} boxes have no track id, so motion "
            "and track length can't be told; prepare the index with --motion-iou FILE, or evaluate without them"
        )


def _videos(index: Index) -> NDArray[np.int32]:
    return index.frame_video[index.instance_frame]


def _numbers(index: Index) -> NDArray[np.int32]:
    return index.frame_number[index.instance_frame]
