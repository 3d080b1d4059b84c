"""A part of an index: some of its videos, as an index of their own."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from vidkit.data.index import AddedColumns, IgnoredRegions, Index, SourceNames


def of_videos(index: Index, videos: Sequence[int]) -> Index:
    """An index of the video rows `videos`, in this order, without where their images are.

    Raises ValueError if a row isn't one of the index's, or comes twice.
    """
    rows = np.array(videos, np.int64)
    if ((rows < 0) | (rows >= index.n_videos)).any() or len(np.unique(rows)) != len(rows):
        raise ValueError(f"videos {list(videos)}: wanted different rows of {index.n_videos} videos")
    frames = _within(index.frame_start, rows)
    instances = _within(index.instance_start, frames)
    return replace(
        index,
        video_name=tuple(index.video_name[video] for video in rows),
        video_size=index.video_size[rows],
        frame_start=_starts(index.frame_start, rows),
        frame_number=index.frame_number[frames],
        instance_start=_starts(index.instance_start, frames),
        box=index.box[instances],
        class_id=index.class_id[instances],
        track_id=index.track_id[instances],
        occluded=index.occluded[instances],
        generated=index.generated[instances],
        motion_iou=None if index.motion_iou is None else index.motion_iou[instances],
        frame_attributes={name: column[frames] for name, column in index.frame_attributes.items()},
        instance_attributes={name: column[instances] for name, column in index.instance_attributes.items()},
        files=None,
        annotated=None if index.annotated is None else index.annotated[frames],
        ignored=None if index.ignored is None else _regions_of(index.ignored, frames),
        called=_names_of(index.called, frames),
        added=AddedColumns(
            {name: column[frames] for name, column in index.added.frame.items()},
            {name: column[instances] for name, column in index.added.instance.items()},
        ),
    )


def _regions_of(ignored: IgnoredRegions, frames: NDArray[np.int64]) -> IgnoredRegions:
    rows = _within(ignored.start, frames)
    return IgnoredRegions(ignored.count[frames], ignored.box[rows], ignored.class_id[rows], ignored.crowd[rows])


def _names_of(called: SourceNames, frames: NDArray[np.int64]) -> SourceNames:
    return SourceNames(
        frame_id=None if called.frame_id is None else called.frame_id[frames],
        frame_path=None if called.frame_path is None else called.frame_path[frames],
        frame_number=None if called.frame_number is None else called.frame_number[frames],
        class_id=called.class_id,
    )


def _within(starts: NDArray[np.int64], rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """The rows one level below: `starts[r] … starts[r + 1] - 1` for each of `rows`."""
    ranges = [np.arange(starts[row], starts[row + 1]) for row in rows.tolist()]
    return np.concatenate([np.zeros(0, np.int64), *ranges])


def _starts(starts: NDArray[np.int64], rows: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(starts[rows + 1] - starts[rows])])
