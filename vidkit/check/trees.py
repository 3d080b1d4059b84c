"""Looking for faults in a tree of ILSVRC's layout and in an index. docs/checking_data.md explains the kinds."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from warnings import catch_warnings, simplefilter

import numpy as np

from vidkit.check.findings import Findings
from vidkit.check.frame_folders import DetClasses, FrameFolder, VidClasses, check_folder
from vidkit.check.instances import Instances, instance_faults
from vidkit.check.known_counts import KNOWN_LISTS, KNOWN_SPLITS, KnownList, KnownSplit
from vidkit.check.listed_frames import Contents, check_list
from vidkit.check.listing import ListedTree, TreeSplit, frame_folder
from vidkit.classes import VID_CLASSES, ObjectClass
from vidkit.data.frame_names import number_at_end
from vidkit.data.frames import frame, frame_name, frames_of
from vidkit.data.ilsvrc.layout import VID
from vidkit.data.index import FOLDER, VIDEO, Index
from vidkit.data.summary import find_files
from vidkit.errors import FrameError

OFFICIAL_NAME = re.compile(r"ILSVRC20\d\d_(?:train|val)_\d{8}")


@dataclass(frozen=True)
class SplitCounts:
    """What one split holds, and what the whole of it would hold where that is known."""

    kind: str  # VID or DET; of an index, its data set
    name: str
    folders: int  # snippets of VID, folders of DET
    frames: int  # with annotation
    empty_frames: int
    boxes: int
    boxes_of_class: Mapping[str, int]
    known: KnownSplit | None = None


@dataclass(frozen=True)
class CheckReport:
    """What was looked at, what is worth knowing without being a fault, and the faults."""

    place: str
    splits: tuple[SplitCounts, ...]
    notes: tuple[str, ...]
    findings: Findings


def check_tree(
    tree: ListedTree,
    findings: Findings,
    classes: Sequence[ObjectClass] = VID_CLASSES,
    decode: bool = False,
    whole: bool = False,
    known_splits: Mapping[str, KnownSplit] = KNOWN_SPLITS,
    known_lists: Mapping[str, KnownList] = KNOWN_LISTS,
    on_folder: Callable[[], object] = lambda: None,
) -> CheckReport:
    """Return what is in a listed tree (`check_listing.list_tree`), and add its faults to `findings`.

    Every XML file is parsed, and of every image the header and the end are read; with `decode` it is decoded. A split
    with fewer snippets than the official one is taken for a chosen subset and only counted, unless `whole` says that
    the tree should be all of VID: then snippets may have any names, and a split that isn't there lacks all of its own.
    `on_folder` is called after each folder.
    """
    counts, contents = [], Contents({}, set())
    with catch_warnings():
        simplefilter("error")  # Pillow warns of images that would fill the memory: findings, here
        for split in tree.splits:
            checked, held = _check_split(tree.root, split, classes, decode, findings, on_folder)
            known = (
                known_splits.get(split.name) if split.kind == VID and (whole or _is_official(held.lengths)) else None
            )
            counts.append(replace(checked, known=known))
            contents = Contents({**contents.lengths, **held.lengths}, contents.stills | held.stills)
    for of in counts:
        _check_counts(of, whole, findings)
    if whole:
        for name in known_splits.keys() - {of.name for of in counts if of.kind == VID}:
            findings.add(
                "count-differs",
                f"VID {name}",
                f"no such split, the official one has {known_splits[name].videos:,} snippets",
            )
    _check_names(contents.lengths, findings)
    notes = [f"{s.kind} {s.name}: no annotations, not checked" for s in tree.splits if not s.is_annotated]
    notes += [
        check_list(tree.root / place, place, contents, known_lists.get(Path(place).name), findings)
        for place in tree.lists
    ]
    return CheckReport(str(tree.root), tuple(counts), tuple(note for note in notes if note), findings)


def check_index(
    index: Index, place: str, findings: Findings, root: Path | None = None, decode: bool = False
) -> CheckReport:
    """Return what is in `index`, which was read from `place`, and add its faults to `findings`.

    Looked at are boxes, tracks, gaps between frames, empty videos, whether the frames are where the index says (with
    `root` in the place of the root that it names; with `decode` they are decoded), and the known counts where it is the
    whole of a split of VID.
    """
    for row in np.flatnonzero(np.diff(index.frame_start) == 0):
        findings.add("empty-video", index.video_name[row], "no frames")
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
        _check_counts(counts, False, findings)
    notes += _check_sources(index, root, decode, findings)
    return CheckReport(place, (counts,), tuple(notes), findings)


# -- trees -------------------------------------------------------------------------------------------------------------


def _check_split(
    root: Path,
    split: TreeSplit,
    classes: Sequence[ObjectClass],
    decode: bool,
    findings: Findings,
    on_folder: Callable[[], object],
) -> tuple[SplitCounts, Contents]:
    of_kind = VidClasses(classes) if split.kind == VID else DetClasses()
    folders = frames = empty = boxes = 0
    of_class: Counter[int] = Counter()
    lengths: dict[str, int | None] = {}
    stills: set[str] = set()
    for below, place in split.places.items():
        folder = frame_folder(root, place, findings)
        if folder is not None:
            counted = check_folder(root, folder, of_kind, decode, findings)
            folders, frames, boxes = folders + 1, frames + counted.frames, boxes + counted.boxes
            empty += counted.empty_frames
            of_class.update(counted.boxes_of_class)
            path = f"{split.name}/{below}".rstrip("/")
            if folder.numbered:
                lengths[path] = _length(folder)
            else:
                stills |= {f"{path}/{stem}" for stem in folder.xml.keys() | folder.image.keys()}
        on_folder()
    counts = SplitCounts(
        split.kind,
        split.name,
        folders,
        frames,
        empty,
        boxes,
        {of_kind.name(row): n for row, n in sorted(of_class.items()) if row >= 0},
    )
    return counts, Contents(lengths, stills)


def _is_official(videos: Collection[str]) -> bool:
    """Return whether all snippets have names as ImageNet gives them."""
    return bool(videos) and all(OFFICIAL_NAME.fullmatch(name.rpartition("/")[2]) for name in videos)


def _length(folder: FrameFolder) -> int | None:
    """Return the number of frames up to the last; None where annotations and images were not both found."""
    if folder.is_paired and not (folder.xml and folder.image):
        return None
    return 1 + max((number_at_end(stem) or 0 for stem in folder.xml.keys() | folder.image.keys()), default=-1)


def _check_names(lengths: Mapping[str, int | None], findings: Findings) -> None:
    """Tell of snippets whose name comes twice, in two folders or two splits."""
    seen: dict[str, str] = {}
    for path in lengths:
        before = seen.setdefault(path.rpartition("/")[2], path)
        if before != path:
            findings.add("duplicate-video", path, f"{before} has the same name")


def _check_counts(of: SplitCounts, whole: bool, findings: Findings) -> None:
    """Hold a split that is, or should be, the whole of it against the known counts."""
    known = of.known
    if known is None or (of.folders < known.videos and not whole):
        return
    place = f"{of.kind} {of.name}"
    pairs = [("snippets", of.folders, known.videos), ("frames", of.frames, known.frames)]
    pairs += [("boxes", of.boxes, known.boxes)] if known.boxes is not None else []
    pairs += [("frames without boxes", of.empty_frames, known.empty_frames)] if known.empty_frames is not None else []
    if known.boxes_of_class is not None:
        names = [c.name for c in VID_CLASSES]
        of_class = zip(names, known.boxes_of_class, strict=True)
        pairs += [(f"boxes of {name}", of.boxes_of_class.get(name, 0), wanted) for name, wanted in of_class]
    for what, found, wanted in pairs:
        if found != wanted:
            findings.add("count-differs", place, f"{found:,} {what}, the official split has {wanted:,}")


# -- an index ----------------------------------------------------------------------------------------------------------


def _check_gaps(index: Index, findings: Findings) -> Iterator[str]:
    """Tell of frames that are missing inside a video; yield a note on videos of sampled frames, which have gaps."""
    step = np.diff(index.frame_number)
    inside = np.diff(index.frame_video) == 0
    sampled = set()
    for video in np.unique(index.frame_video[:-1][inside & (step > 1)]).tolist():
        rows = index.frames_of(video)
        steps = step[rows.start : rows.stop - 1]
        if np.median(steps) > 1:
            sampled.add(video)
            continue
        for at in np.flatnonzero(steps > 1):
            first = int(index.frame_number[rows.start + at]) + 1
            last = first + int(steps[at]) - 2
            missing = f"frame {first}" if first == last else f"frames {first} to {last}"
            findings.add("frame-gap", index.video_name[video], f"{missing} missing")
    if sampled:
        yield f"{len(sampled):,} videos hold sampled frames: gaps in them are no findings"


def _counts_of_index(index: Index) -> SplitCounts:
    of_class = np.bincount(index.class_id, minlength=index.n_classes).tolist()
    official = _is_official(index.video_name)
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
