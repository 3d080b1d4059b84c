"""The splits of an ILSVRC tree → an index for each: read in parallel, with motion IoU from a side file."""

import logging
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from vidkit.classes import VID_CLASSES, ObjectClass
from vidkit.data.frame_lists import read_list
from vidkit.data.ilsvrc.layout import DET, VID, Split
from vidkit.data.ilsvrc.motion_file import MotionFile, align_motion
from vidkit.data.ilsvrc.snippets import ReadingRules, read_image, read_video
from vidkit.data.ilsvrc.split_plan import Item, SplitPlan
from vidkit.data.index import Index
from vidkit.data.noticed import OTHER_CLASSES
from vidkit.data.prepared import Part, Summary, write_part
from vidkit.data.reading_processes import Map
from vidkit.data.records import LeftOut, VideoTable
from vidkit.data.stack import build_index, join_indices
from vidkit.errors import AnnotationError
from vidkit.progress import ShowProgress, no_progress

logger = logging.getLogger(__name__)


def read_plan(
    planned: SplitPlan,
    classes: Sequence[ObjectClass] | None = None,
    skip_errors: bool = False,
    check_images: bool = False,
    mapping: Map = map,
    show_progress: ShowProgress = no_progress,
) -> Part:
    """The index of one split and what was noticed.

    `classes` are VID's 30 if None; then an object of another class is an error in VID, and left out and counted in DET.
    With a list of one's own, objects of other classes are left out and counted in both. `mapping` is that of
    `reading_processes`, to read in parallel; the result is the same. Raises AnnotationError for the first malformed
    file in order, unless `skip_errors`.
    """
    chosen = tuple(VID_CLASSES if classes is None else classes)
    rules = ReadingRules(
        class_ids={c.wnid.encode(): row for row, c in enumerate(chosen)},
        other_classes_allowed=classes is not None or planned.split.kind == DET,
        skip_errors=skip_errors,
        check_images=check_images,
    )
    root = str(planned.frames_root or planned.split.root.resolve())
    read = partial(_read_items, planned.split, chosen, rules, root)
    parts: list[Part] = []
    started, files = time.perf_counter(), 0
    with show_progress(planned.file_name, len(planned.items), planned.unit) as advance:
        for part in mapping(read, list(_chunks(planned))):
            parts.append(part)
            files += part.n_files
            advance(part.n_items, f"{files / max(time.perf_counter() - started, 1e-3):,.0f} files/s")
    if not parts:
        parts = [read(())]
    return Part(
        join_indices([part.index for part in parts]),
        sum(part.n_items for part in parts),
        files,
        sum((part.counts for part in parts), Counter(planned.counts)),
        (*planned.left_out, *(item for part in parts for item in part.left_out)),
        tuple(item for part in parts for item in part.remarks),
    )


def _chunks(planned: SplitPlan) -> Iterator[tuple[Item, ...]]:
    """Yield the items in groups: large enough to be worth a message, small enough that workers end together."""
    largest = 8 if planned.split.kind == VID else 512
    size = max(1, min(largest, len(planned.items) // 32))
    for start in range(0, len(planned.items), size):
        yield planned.items[start : start + size]


def _read_items(
    split: Split, classes: tuple[ObjectClass, ...], rules: ReadingRules, root: str, items: Sequence[Item]
) -> Part:
    tables: list[VideoTable] = []
    counts: Counter[str] = Counter()
    left_out: list[LeftOut] = []
    for item in items:
        if split.kind == DET:
            read = read_image(split, item.name, rules)
        else:
            read = read_video(split, item.name, rules, item.frames, item.length, item.in_tar)
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


def prepare_split(
    planned: SplitPlan,
    out: Path,
    classes: Sequence[ObjectClass] | None = None,
    skip_errors: bool = False,
    check_images: bool = False,
    motion: MotionFile | None = None,
    mapping: Map = map,
    show_progress: ShowProgress = no_progress,
) -> Summary:
    """What is in the index of one split, which is written into the folder `out`, whole or not at all.

    What was left out, or is odd, is listed beside it in NAME.report.json; there is no such file where nothing was.
    Parameters and errors are those of `read_plan` and `vidkit.data.ilsvrc.motion_file.align_motion`.
    """
    started = time.perf_counter()
    part = read_plan(planned, classes, skip_errors, check_images, mapping, show_progress)
    if motion is not None:
        part = replace(part, index=_with_motion(part, planned, motion))
    summary = write_part(out / planned.file_name, part, started)
    return summary if motion is None else replace(summary, motion_iou_is_official=motion.is_official)


def _with_motion(part: Part, planned: SplitPlan, motion: MotionFile) -> Index:
    """The index with the values of the side file; ids come from the list, else from that of the tree, if any."""
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
