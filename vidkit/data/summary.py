"""What is in an index, counted."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vidkit import boxes
from vidkit.data.index import FrameFiles, Index


@dataclass(frozen=True)
class ClassSummary:
    """One class: its boxes, its tracks, and the frames and videos that show it."""

    name: str
    wnid: str
    boxes: int
    tracks: int
    frames: int
    videos: int


@dataclass(frozen=True)
class FilesSummary:
    """Where the images are: videos by kind of source, and the sources that aren't there (names of videos)."""

    root: str
    kinds: Mapping[str, int]
    found: int
    missing: tuple[str, ...]


@dataclass(frozen=True)
class IndexSummary:
    """The counts of one index. Quartiles are (minimum, lower quartile, median, upper quartile, maximum)."""

    dataset: str
    split: str
    fingerprint: str
    videos: int
    frames: int
    boxes: int
    tracks: int  # distinct (video, track id); 0 where the source has no tracks
    boxes_without_track: int
    empty_videos: int  # videos without a frame
    empty_frames: int  # frames without a box
    occluded: int
    generated: int
    boxes_in_frame: int  # the most in one frame
    sizes: tuple[tuple[int, int, int], ...]  # width, height, number of videos; most frequent first
    video_frames: tuple[float, ...]  # quartiles of the videos' lengths; empty where there is no video
    box_area: tuple[float, ...]  # quartiles in square pixels; empty where there is no box
    classes: tuple[ClassSummary, ...]
    attributes: tuple[str, ...]  # further columns, as "frame:blur", "instance:visibility"
    groups: Mapping[str, int] = field(default_factory=dict)  # boxes in each group that the caller gave
    files: FilesSummary | None = None


def summarize(index: Index, groups: Mapping[str, NDArray[np.bool_]] | None = None) -> IndexSummary:
    """The counts of `index`. `groups` are masks over its boxes `(N,)` by name, to be counted beside them.

    Looks at the disk only for whether each video's folder, tar, video file or image is there.
    """
    return IndexSummary(
        dataset=index.dataset,
        split=index.split,
        fingerprint=index.fingerprint,
        videos=index.n_videos,
        frames=index.n_frames,
        boxes=index.n_instances,
        tracks=len(distinct_tracks(index, index.track_id >= 0)),
        boxes_without_track=int((index.track_id < 0).sum()),
        empty_videos=int((np.diff(index.frame_start) == 0).sum()),
        empty_frames=int((np.diff(index.instance_start) == 0).sum()),
        occluded=int(index.occluded.sum()),
        generated=int(index.generated.sum()),
        boxes_in_frame=int(np.diff(index.instance_start).max(initial=0)),
        sizes=_sizes(index),
        video_frames=_quartiles(np.diff(index.frame_start)),
        box_area=_quartiles(boxes.area(index.box)),
        classes=_classes(index),
        attributes=(
            *(f"frame:{name}" for name in index.frame_attributes),
            *(f"instance:{name}" for name in index.instance_attributes),
        ),
        groups={name: int(mask.sum()) for name, mask in (groups or {}).items()},
        files=None if index.files is None else find_files(index, index.files),
    )


def find_files(index: Index, files: FrameFiles, root: Path | None = None) -> FilesSummary:
    """Which videos' sources of frames are on the disk, under `root` or else the root that the index names."""
    root = Path(files.root) if root is None else root
    sources = zip(index.video_name, files.kind, files.source, strict=True)
    missing = tuple(name for name, kind, source in sources if not kind or not (root / source).exists())
    kinds = Counter(kind or "unknown" for kind in files.kind)
    return FilesSummary(str(root), dict(kinds), index.n_videos - len(missing), missing)


def distinct_tracks(index: Index, rows: NDArray[np.bool_]) -> NDArray[np.int64]:
    """A number for each distinct (video, track id) among the boxes in `rows (N,)`."""
    video = index.frame_video[index.instance_frame[rows]].astype(np.int64)
    return np.unique((video << 32) + index.track_id[rows])


def _sizes(index: Index) -> tuple[tuple[int, int, int], ...]:
    sizes, counts = np.unique(index.video_size, axis=0, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    return tuple((int(sizes[i, 0]), int(sizes[i, 1]), int(counts[i])) for i in order)


def _quartiles(values: NDArray[Any]) -> tuple[float, ...]:
    return tuple(np.quantile(values, [0, 0.25, 0.5, 0.75, 1]).tolist()) if len(values) else ()


def _classes(index: Index) -> tuple[ClassSummary, ...]:
    return tuple(_class(index, class_id) for class_id in range(index.n_classes))


def _class(index: Index, class_id: int) -> ClassSummary:
    rows = index.class_id == class_id
    frames = np.unique(index.instance_frame[rows])
    return ClassSummary(
        name=index.classes[class_id].name,
        wnid=index.classes[class_id].wnid,
        boxes=int(rows.sum()),
        tracks=len(distinct_tracks(index, rows & (index.track_id >= 0))),
        frames=len(frames),
        videos=len(np.unique(index.frame_video[frames])),
    )
