"""Looking for faults in a tree of ILSVRC's layout. docs/checking_data.md explains the kinds."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from warnings import catch_warnings, simplefilter

from vidkit.check.findings import Findings
from vidkit.check.frame_folders import DetClasses, FrameFolder, VidClasses, check_folder
from vidkit.check.known_counts import KNOWN_LISTS, KNOWN_SPLITS, KnownList, KnownSplit
from vidkit.check.listed_frames import Contents, check_list
from vidkit.check.listing import TreeSplit, frame_folder, list_tree
from vidkit.check.split_counts import CheckReport, SplitCounts, check_counts, is_official
from vidkit.classes import VID_CLASSES, ObjectClass
from vidkit.data.class_list import classes_of
from vidkit.data.frame_names import number_at_end
from vidkit.data.ilsvrc.layout import VID
from vidkit.progress import Advance, ShowProgress, no_progress


def check_tree(
    root: Path,
    findings: Findings,
    classes: Sequence[ObjectClass] | None = None,
    decode: bool = False,
    whole: bool = False,
    known_splits: Mapping[str, KnownSplit] = KNOWN_SPLITS,
    known_lists: Mapping[str, KnownList] = KNOWN_LISTS,
    show_progress: ShowProgress = no_progress,
) -> CheckReport:
    """What is in the tree at `root`, whose faults are added to `findings`; `classes` are its own, or VID's, by default.

    Every XML file is parsed, and of every image the header and the end are read; with `decode` it is decoded. A split
    with fewer snippets than the official one is taken for a chosen subset and only counted, unless `whole` says that
    the tree should be all of VID: then snippets may have any names, and a split that isn't there lacks all of its own.
    Raises AnnotationError if there is no ILSVRC tree at `root`.
    """
    tree = list_tree(root, findings)
    known_classes = classes or classes_of(tree.root) or VID_CLASSES
    counts, contents = [], Contents({}, set())
    with show_progress("check", tree.n_folders, "folders") as advance, catch_warnings():
        simplefilter("error")  # Pillow warns of images that would fill the memory: findings, here
        for split in tree.splits:
            checked, held = _check_split(tree.root, split, known_classes, decode, findings, advance)
            is_known = split.kind == VID and (whole or is_official(held.lengths))
            counts.append(replace(checked, known=known_splits.get(split.name) if is_known else None))
            contents = Contents({**contents.lengths, **held.lengths}, contents.stills | held.stills)
    for of in counts:
        check_counts(of, whole, findings)
    if whole:
        for name in known_splits.keys() - {of.name for of in counts if of.kind == VID}:
            what = f"no such split, the official one has {known_splits[name].videos:,} snippets"
            findings.add("count-differs", f"VID {name}", what)
    _check_names(contents.lengths, findings)
    notes = [f"{s.kind} {s.name}: no annotations, not checked" for s in tree.splits if not s.is_annotated]
    notes += [
        check_list(tree.root / place, place, contents, known_lists.get(Path(place).name), findings)
        for place in tree.lists
    ]
    return CheckReport(str(tree.root), tuple(counts), tuple(note for note in notes if note), findings)


def _check_split(
    root: Path,
    split: TreeSplit,
    classes: Sequence[ObjectClass],
    decode: bool,
    findings: Findings,
    advance: Advance,
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
        advance(1)
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


def _length(folder: FrameFolder) -> int | None:
    """The number of frames up to the last; None where annotations and images were not both found."""
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
