"""An ILSVRC tree → one index file for each split: in parallel, and whole or not at all."""

from __future__ import annotations

import gc
import json
import logging
import multiprocessing
import os
import signal
import sys
import threading
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from multiprocessing.context import BaseContext
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from vidkit.classes import VID_CLASSES, ObjectClass
from vidkit.data.frame_lists import IMAGES, Entry, FrameList, read_list
from vidkit.data.ilsvrc.tree import (
    DET,
    IMAGE_SUFFIXES,
    OTHER_CLASSES,
    VID,
    Reading,
    Split,
    find_images,
    find_root,
    find_splits,
    find_unannotated_images,
    find_unannotated_videos,
    find_videos,
    read_image,
    read_video,
)
from vidkit.data.motion_file import MotionFile, align_motion
from vidkit.data.records import LeftOut, VideoTable
from vidkit.data.stack import build_index, join_indices
from vidkit.data.tar import Members, tar_members
from vidkit.errors import AnnotationError, FormatError
from vidkit.files import write_text

if TYPE_CHECKING:
    from vidkit.data.index import Index

logger = logging.getLogger(__name__)

REPORT_FORMAT, REPORT_VERSION = "vidkit-prepare-report", 1
DUPLICATES = "lines that stand twice in the list, taken once"
RENAMED = "list entries found under the name of another year"
Advance = Callable[[int, int], None]
"""`advance(videos, files)`: so many more are read."""
PartMap = Callable[[Callable[[tuple["Item", ...]], "Part"], Sequence[tuple["Item", ...]]], Iterable["Part"]]
"""A function like the built-in `map`."""


@dataclass(frozen=True)
class Item:
    """One thing to read: a video, whole or some frames of it, or a still image."""

    name: str
    frames: tuple[int, ...] | None = None
    length: int | None = None
    in_tar: tuple[Path, Members] | None = None


@dataclass(frozen=True)
class Plan:
    """What to read for one index."""

    split: Split
    items: tuple[Item, ...]
    frames_root: Path | None = None  # what the sources of frames are relative to, if not the tree
    entries: Mapping[str, Entry] | None = None  # of the list, by name in the tree
    list_path: Path | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    left_out: tuple[LeftOut, ...] = ()

    @property
    def file_name(self) -> str:
        """The name of the index file, such as vid_val.h5."""
        return f"{self.split.kind.lower()}_{self.split.name}.h5"


@dataclass(frozen=True)
class Part:
    """What one process read: the index of some videos, and what it noticed."""

    index: Index
    n_items: int
    n_files: int
    counts: Counter[str]
    left_out: tuple[LeftOut, ...]
    remarks: tuple[LeftOut, ...]


@dataclass(frozen=True)
class Summary:
    """What is in one index that was written, and what isn't and why."""

    path: Path
    state: str  # "new", "unchanged" or "replaced"
    fingerprint: str
    videos: int
    frames: int
    boxes: int
    tracks: int
    classes: int  # that have a box
    empty_frames: int
    counts: Mapping[str, int]
    left_out: tuple[LeftOut, ...]
    remarks: tuple[LeftOut, ...]
    report: Path | None
    files: int
    seconds: float


# -- what to read ------------------------------------------------------------------------------------------------------


def plan(
    vid_root: Path | None,
    det_root: Path | None,
    lists: Sequence[Path] = (),
    splits: Sequence[str] = (),
    skip_errors: bool = False,
    frames_tar: Path | None = None,
) -> list[Plan]:
    """Return what to read for each index: one for every split of VID and of DET that is there.

    With `splits` only those; with `lists` only what they list, in their order, and only the splits that they list
    (or that `splits` names). Without `det_root`, DET is taken from `vid_root` where that has both. Raises
    AnnotationError where the tree or a list doesn't fit; entries of a list that aren't in the tree are left out with
    `skip_errors`.
    """
    trees = {kind: find_root(root, kind) for kind, root in ((VID, vid_root), (DET, det_root)) if root is not None}
    if DET not in trees and VID in trees and (trees[VID] / "Annotations" / DET).is_dir():
        trees[DET] = trees[VID]
    there = {(kind, name): Split(root, kind, name) for kind, root in trees.items() for name in find_splits(root, kind)}
    for kind, root in trees.items():  # a split without annotations, if it is asked for by name
        there |= {(kind, n): Split(root, kind, n) for n in splits if (root / "Data" / kind / n).is_dir()}
    if missing := [name for name in splits if all(name != split for _, split in there)]:
        raise AnnotationError(f"no split {missing[0]!r} in the tree; there are {_names(there)}")
    listed = _read_lists(lists, there, splits)
    wanted = [key for key in there if (key[1] in splits if splits else not lists or key in listed)]
    in_tar = _Tar(frames_tar) if frames_tar else None
    return [_plan_split(there[key], listed.get(key), skip_errors, in_tar) for key in wanted]


def _names(splits: Iterable[tuple[str, str]]) -> str:
    return ", ".join(f"{kind} {name}" for kind, name in splits) or "none"


def _read_lists(
    paths: Sequence[Path], there: Mapping[tuple[str, str], Split], splits: Sequence[str]
) -> dict[tuple[str, str], FrameList]:
    """Return the list of each split, only its entries."""
    listed: dict[tuple[str, str], FrameList] = {}
    names = {name for _, name in there}
    for path in paths:
        found = read_list(path, names, splits[0] if len(splits) == 1 else None)
        kind = DET if found.form == IMAGES else VID
        for name in found.splits:
            key = (kind, name)
            if key not in there:
                raise AnnotationError(f"{path}: lists {kind} {name}, the tree has {_names(there)}")
            if key in listed:
                raise AnnotationError(f"{path}: {listed[key].path} lists {kind} {name} already")
            listed[key] = replace(found, entries=tuple(entry for entry in found.entries if entry.split == name))
    return listed


def _plan_split(split: Split, listed: FrameList | None, skip_errors: bool, tar: _Tar | None) -> Plan:
    if listed is None:
        names, without_xml = (
            (find_videos(split), find_unannotated_videos(split))
            if split.kind == VID
            else (find_images(split), find_unannotated_images(split))
        )
        what = "videos" if split.kind == VID else "images"
        return Plan(
            split,
            tuple(Item(name, in_tar=tar.members(split, name) if tar else None) for name in names),
            tar.path.parent if tar else None,
            counts={f"{what} without annotations, left out": len(without_xml)} if without_xml else {},
            left_out=tuple(LeftOut(str(split.data / name), "no annotations") for name in without_xml)
            if split.kind == VID
            else (),
        )
    entries, counts, missing = _find_listed(split, listed)
    if missing and not skip_errors:
        raise AnnotationError(
            f"{missing[0].place}: {missing[0].reason} ({len(missing)} of {len(listed.entries)} entries are missing); "
            "with --on-error skip what is there is prepared and the rest listed"
        )
    items = tuple(
        Item(name, entry.frames, entry.length, tar.members(split, name) if tar else None)
        for name, entry in entries.items()
    )
    root = tar.path.parent if tar else None
    return Plan(split, items, root, entries, listed.path, counts, tuple(missing))


def _find_listed(split: Split, listed: FrameList) -> tuple[dict[str, Entry], Counter[str], list[LeftOut]]:
    """Return the entries by their name in the tree, and what of the list isn't there.

    Lists were written for ILSVRC2015; in a tree that has only names of 2017 they are found under these.
    """
    base, suffix = (split.annotations, ".xml") if split.is_annotated else (split.data, "")
    counts, missing, entries = Counter({DUPLICATES: listed.n_duplicates} if listed.n_duplicates else {}), [], {}
    for entry in listed.entries:
        names = (
            entry.name,
            entry.name.replace("ILSVRC2015", "ILSVRC2017"),
            entry.name.replace("ILSVRC2017", "ILSVRC2015"),
        )
        exists = (lambda n: (base / n).is_dir()) if split.kind == VID else (lambda n: (base / f"{n}{suffix}").is_file())
        name = next((n for n in names if exists(n)), None)
        if name is None:
            missing.append(LeftOut(f"{listed.path}:{entry.line}", f"{entry.split}/{entry.name} isn't in {base}"))
            continue
        counts[RENAMED] += name != entry.name
        entries[name] = entry
    return entries, +counts, missing


class _Tar:
    """A tar with the frames of many videos."""

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        self.folders = {f"/{folder}": members for folder, members in tar_members(path, IMAGE_SUFFIXES).items()}
        tails: dict[str, list[str]] = {}
        for folder in self.folders:
            tails.setdefault(folder.rpartition("/")[2], []).append(folder)
        self.by_last_part = tails

    def members(self, split: Split, name: str) -> tuple[Path, Members]:
        """Return the tar and the members of one video: those in the folder that ends like its path, if there is one."""
        folders = self.by_last_part.get(name.rpartition("/")[2], [])
        for tail in (f"/{split.kind}/{split.name}/{name}", f"/{split.name}/{name}", f"/{name}"):
            fits = [folder for folder in folders if folder.endswith(tail)]
            if len(fits) > 1:
                raise AnnotationError(f"{self.path}: the frames of {name} are in several folders: {', '.join(fits)}")
            if fits:
                return self.path, self.folders[fits[0]]
        return self.path, np.zeros((0, 3), np.int64)


# -- reading -----------------------------------------------------------------------------------------------------------


def read_plan(
    planned: Plan,
    classes: Sequence[ObjectClass] | None = None,
    skip_errors: bool = False,
    check_images: bool = False,
    mapping: PartMap = map,
    advance: Advance | None = None,
) -> Part:
    """Return the index of one split and what was noticed.

    `classes` are VID's 30 if None; then an object of another class is an error in VID, and left out and counted in DET.
    With a list of one's own, objects of other classes are left out and counted in both. `mapping` is that of
    `reading_processes`, to read in parallel; the result is the same. Raises AnnotationError for the first malformed
    file in order, unless `skip_errors`.
    """
    chosen = tuple(VID_CLASSES if classes is None else classes)
    reading = Reading(
        class_ids={c.wnid.encode(): row for row, c in enumerate(chosen)},
        other_classes_allowed=classes is not None or planned.split.kind == DET,
        skip_errors=skip_errors,
        check_images=check_images,
    )
    root = str(planned.frames_root or planned.split.root.resolve())
    read = partial(_read_items, planned.split, chosen, reading, root)
    parts = []
    for part in mapping(read, list(_chunks(planned))):
        parts.append(part)
        if advance is not None:
            advance(part.n_items, part.n_files)
    if not parts:
        parts = [read(())]
    return Part(
        join_indices([part.index for part in parts]),
        sum(part.n_items for part in parts),
        sum(part.n_files for part in parts),
        sum((part.counts for part in parts), Counter(planned.counts)),
        (*planned.left_out, *(item for part in parts for item in part.left_out)),
        tuple(item for part in parts for item in part.remarks),
    )


def _chunks(planned: Plan) -> Iterator[tuple[Item, ...]]:
    """Yield the items in groups: large enough to be worth a message, small enough that workers end together."""
    largest = 8 if planned.split.kind == VID else 512
    size = max(1, min(largest, len(planned.items) // 32))
    for start in range(0, len(planned.items), size):
        yield planned.items[start : start + size]


def _read_items(
    split: Split, classes: tuple[ObjectClass, ...], reading: Reading, root: str, items: Sequence[Item]
) -> Part:
    tables: list[VideoTable] = []
    counts: Counter[str] = Counter()
    left_out: list[LeftOut] = []
    for item in items:
        if split.kind == DET:
            read = read_image(split, item.name, reading)
        else:
            read = read_video(split, item.name, reading, item.frames, item.length, item.in_tar)
        if isinstance(read, LeftOut):
            left_out.append(read)
            continue
        counts.update(read.counts)
        left_out.extend(read.left_out)
        if len(read.frame_number):
            tables.append(read)
        else:
            left_out.append(LeftOut(str(split.annotations / item.name), "a video without frames"))
    return Part(
        build_index(tables, classes, split.kind, split.name, root),
        len(items),
        sum(len(table.frame_number) for table in tables) + len(left_out),
        counts,
        tuple(left_out),
        tuple(remark for table in tables for remark in table.remarks),
    )


# -- processes ---------------------------------------------------------------------------------------------------------


@contextmanager
def reading_processes(workers: int) -> Iterator[PartMap]:
    """Yield a `map` that works in so many processes and gives results in order; none of them outlives the block.

    Start it before any thread, such as that of a progress bar: workers are forked then, which is quick.
    """
    if workers <= 1:
        yield map
        return
    executor = ProcessPoolExecutor(workers, _context(), _start_worker)
    try:
        with _uninterrupted(), warnings.catch_warnings():
            # Python 3.12 and later warn of a fork beside threads; here there are only idle ones of the BLAS library.
            warnings.filterwarnings("ignore", message=".*multi-threaded.*fork", category=DeprecationWarning)
            executor.submit(os.getpid)  # the first task starts all workers
        yield executor.map
    except BrokenProcessPool:
        raise AnnotationError("a reading process was killed (out of memory?); try again with fewer --workers") from None
    finally:
        executor.shutdown(wait=True, cancel_futures=True)


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Put an interrupt off until the end of the block: amid a fork Python drops the KeyboardInterrupt and goes on."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _context() -> BaseContext:
    """Fork where that is safe, because a forked worker starts in a hundredth of the time; else start afresh."""
    forks = sys.platform == "linux" and threading.active_count() == 1
    return multiprocessing.get_context("fork" if forks else "spawn")


def _start_worker() -> None:
    """Leave interrupts to the parent, and end when it ends, even if it is killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.disable()  # millions of small tuples and no cycles: looking for some takes a third of the time
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


# -- writing -----------------------------------------------------------------------------------------------------------


def prepare_split(
    planned: Plan,
    out: Path,
    classes: Sequence[ObjectClass] | None = None,
    skip_errors: bool = False,
    check_images: bool = False,
    motion: MotionFile | None = None,
    mapping: PartMap = map,
    advance: Advance | None = None,
) -> Summary:
    """Write the index of one split into the folder `out`, whole or not at all, and return what is in it.

    What was left out, or is odd, is listed beside it in NAME.report.json; there is no such file where nothing was.
    Parameters and errors are those of `read_plan` and `vidkit.data.motion_file.align_motion`.
    """
    started = time.perf_counter()
    part = read_plan(planned, classes, skip_errors, check_images, mapping, advance)
    if motion is not None:
        part = replace(part, index=_with_motion(part, planned, motion))
    return write_part(out / planned.file_name, part, started)


def write_part(path: Path, part: Part, started: float) -> Summary:
    """Write the index of what was read, and the report beside it, whole or not at all; return what is in it.

    `started` is the `time.perf_counter()` from which its seconds count.
    """
    from vidkit.data.index_file import write_index

    index = part.index
    state = _state(path, index.fingerprint)
    remove_leftovers(path)
    report = _write_report(path, index.fingerprint, part)
    write_index(path, index)
    return Summary(
        path=path,
        state=state,
        fingerprint=index.fingerprint,
        videos=index.n_videos,
        frames=index.n_frames,
        boxes=index.n_instances,
        tracks=_count_tracks(index),
        classes=len(np.unique(index.class_id)),
        empty_frames=int((np.diff(index.instance_start) == 0).sum()),
        counts=dict(part.counts),
        left_out=part.left_out,
        remarks=part.remarks,
        report=report,
        files=part.n_files,
        seconds=time.perf_counter() - started,
    )


def _count_tracks(index: Index) -> int:
    tracked = index.track_id >= 0
    videos = index.frame_video[index.instance_frame[tracked]].astype(np.int64)
    return len(np.unique(videos << 32 | index.track_id[tracked]))


def _with_motion(part: Part, planned: Plan, motion: MotionFile) -> Index:
    """Return the index with the values of the side file; ids come from the list, else from that of the tree, if any."""
    if others := part.counts.get(OTHER_CLASSES):
        raise AnnotationError(
            f"{motion.path}: has a value for every object, but {others} objects of other classes were left out; "
            "prepare without --classes"
        )
    entries, source = planned.entries, str(planned.list_path)
    own = planned.split.root / "ImageSets" / VID / f"VID_{planned.split.name}_videos.txt"
    if entries is None and own.is_file():
        listed = read_list(own, (planned.split.name,), planned.split.name)
        entries, source = {entry.name: entry for entry in listed.entries}, str(own)
    logger.info("motion IoU: global frame ids from %s", source if entries is not None else "the order of the tree")
    values = align_motion(motion, part.index, entries, source if entries is not None else "the order of the tree")
    return replace(part.index, motion_iou=values)


def _state(path: Path, fingerprint: str) -> str:
    from vidkit.data.index_file import read_index_head

    if not path.exists():
        return "new"
    try:
        return "unchanged" if read_index_head(path).fingerprint == fingerprint else "replaced"
    except FormatError:
        return "replaced"


def remove_leftovers(path: Path) -> None:
    """Remove what a killed run left beside `path`: NAME.PID.part of a process that isn't alive."""
    for part in path.parent.glob(f"{path.name}.*.part"):
        process = part.name.removeprefix(f"{path.name}.").removesuffix(".part")
        if process.isdigit() and not Path(f"/proc/{process}").exists() and Path("/proc/self").exists():
            logger.info("removed %s, left by a run that was killed", part)
            part.unlink(missing_ok=True)


def _write_report(path: Path, fingerprint: str, part: Part) -> Path | None:
    report = path.with_suffix(".report.json")
    if not part.left_out and not part.remarks:
        report.unlink(missing_ok=True)
        return None
    content = {
        "format": REPORT_FORMAT,
        "version": REPORT_VERSION,
        "index": path.name,
        "fingerprint": fingerprint,
        "counts": dict(part.counts),
        "left_out": [asdict(item) for item in part.left_out],
        "remarks": [asdict(item) for item in part.remarks],
    }
    write_text(report, json.dumps(content, indent=1, ensure_ascii=False) + "\n")
    return report
