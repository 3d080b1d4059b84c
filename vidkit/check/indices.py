"""Looking for faults in an index. docs/checking_data.md explains the kinds."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from vidkit.check.film_lengths import check_lengths
from vidkit.check.findings import Findings
from vidkit.check.instances import Instances, instance_faults
from vidkit.check.known_counts import KNOWN_SPLITS
from vidkit.check.shifted_boxes import suspicion
from vidkit.check.split_counts import CheckReport, SplitCounts, check_counts, is_official
from vidkit.classes import VID_CLASSES
from vidkit.data.frames import frame, frame_name, frames_of
from vidkit.data.index import FOLDER, VIDEO, Index
from vidkit.data.summary import find_files
from vidkit.errors import FrameError


def check_index(
    index: Index, place: str, findings: Findings, root: Path | None = None, decode: bool = False
) -> CheckReport:
    """What is in `index`, which was read from `place`; its faults are added to `findings`.

    Looked at are boxes, tracks, gaps between frames, empty videos, whether the frames are where the index says (with
    `root` in the place of the root that it names; with `decode` they are decoded), and the known counts where it is the
    whole of a split of VID.
    """
    for row in np.flatnonzero(np.diff(index.frame_start) == 0):
        findings.add("empty-video", index.video_name[row], "no frames")
    _check_class_names(index, findings)
    notes = list(_check_gaps(index, findings))
    of_frame, video = index.instance_frame, index.frame_video[index.instance_frame]
    instances = Instances(
        video=video.astype(np.int64),
        frame=index.frame_number[of_frame].astype(np.int64),
        box=index.box,
        class_id=index.class_id.astype(np.int64),
        track_id=index.track_id.astype(np.int64),
        size=index.video_size[video].astype(np.int64),
    )
    # ImageNet's inclusive xmax may equal the width: as an exclusive corner that is one pixel beyond.
    for kind, at, found in instance_faults(instances, lambda c: index.classes[c].name, slack=1):
        number = at - int(index.instance_start[of_frame[at]])
        where = f"{index.video_name[video[at]]}, frame {index.frame_number[of_frame[at]]}, object {number}"
        findings.add(kind, where, found)
    counts = _counts_of_index(index)
    if counts.known and counts.frames >= counts.known.frames:  # fewer frames of all videos: made from a list
        check_counts(counts, False, findings)
    notes += _check_sources(index, root, decode, findings)
    return CheckReport(place, (counts,), tuple(notes), findings)


def _check_gaps(index: Index, findings: Findings) -> Iterator[str]:
    """Tell of frames that are missing inside a video; yield a note on videos of sampled frames, which have gaps."""
    step = np.diff(index.frame_number)
    inside = np.diff(index.frame_video) == 0
    sampled: dict[int, int] = {}  # video → step
    for video in np.unique(index.frame_video[:-1][inside & (step > 1)]).tolist():
        rows = index.frames_of(video)
        steps = step[rows.start : rows.stop - 1]
        if np.median(steps) > 1:
            sampled[video] = int(np.median(steps))
            continue
        for at in np.flatnonzero(steps > 1):
            first = int(index.frame_number[rows.start + at]) + 1
            last = first + int(steps[at]) - 2
            missing = f"frame {first}" if first == last else f"frames {first} to {last}"
            findings.add("frame-gap", index.video_name[video], f"{missing} missing")
    if sampled:
        steps_told = ", ".join(f"{n:,} with step {step}" for step, n in sorted(Counter(sampled.values()).items()))
        yield f"{len(sampled):,} videos hold sampled frames ({steps_told}): gaps in them are no findings"


def _check_class_names(index: Index, findings: Findings) -> None:
    """Tell of classes whose names differ in capitals, spaces, "_" and "-" only."""
    alike: defaultdict[str, list[int]] = defaultdict(list)
    for row, name in enumerate(index.class_names):
        alike["".join(c for c in name.casefold() if c not in " _-")].append(row)
    for rows in alike.values():
        if len(rows) > 1:
            counts = [int((index.class_id == row).sum()) for row in rows]
            told = [f"{index.class_names[row]!r} with {n:,} boxes" for row, n in zip(rows, counts, strict=True)]
            findings.add("class-names-alike", "classes", ", ".join(told))


def _counts_of_index(index: Index) -> SplitCounts:
    of_class = np.bincount(index.class_id, minlength=index.n_classes).tolist()
    official = is_official(index.video_name)
    return SplitCounts(
        index.dataset,
        index.split,
        index.n_videos,
        index.n_frames,
        int((np.diff(index.instance_start) == 0).sum()),
        index.n_instances,
        dict(zip(index.class_names, of_class, strict=True)),
        KNOWN_SPLITS.get(index.split) if official and index.classes == VID_CLASSES else None,
    )


def _check_sources(index: Index, root: Path | None, decode: bool, findings: Findings) -> Iterator[str]:
    """Tell of frames that aren't where the index says; yield a note where it says nothing."""
    if index.files is None:
        yield "the index doesn't know where its frames are"
        return
    found = find_files(index, index.files, root)
    unknown = found.kinds.get("unknown", 0)
    if unknown:
        yield f"{unknown:,} videos without known frames"
    missing = set(found.missing)
    for video, (name, kind) in enumerate(zip(index.video_name, index.files.kind, strict=True)):
        if kind and name in missing:
            findings.add("source-missing", name, f"no {kind} {found.root}/{index.files.source[video]}")
        elif kind == FOLDER:
            _check_folder_of(index, video, Path(found.root) / index.files.source[video], findings)
        if kind and decode and name not in missing:
            _decode_all(index, video, root, findings)
    yield from check_lengths(index, Path(found.root), missing, findings)
    suspected = suspicion(index, Path(found.root), missing)
    if suspected:
        findings.add("boxes-off-frame", index.dataset, suspected)


def _check_folder_of(index: Index, video: int, folder: Path, findings: Findings) -> None:
    there = {entry.name for entry in folder.iterdir()} if folder.is_dir() else set()
    for row in index.frames_of(video):
        name = frame_name(index, row)
        if name not in there:
            place = f"{index.video_name[video]}, frame {index.frame_number[row]}"
            findings.add("frame-without-image", place, f"no {folder}/{name}" if name else "no image is known")


def _decode_all(index: Index, video: int, root: Path | None, findings: Findings) -> None:
    """Decode every frame; of a video file, which is decoded from its start, up to the first that can't be."""
    name = index.video_name[video]
    if index.files is not None and index.files.kind[video] == VIDEO:
        try:
            for _ in frames_of(index, video, root):
                pass
        except FrameError as error:
            findings.add("image-unreadable", name, str(error))
        return
    for row in index.frames_of(video):
        try:
            frame(index, row, root)
        except FrameError as error:
            findings.add("image-unreadable", f"{name}, frame {index.frame_number[row]}", str(error))
