"""What to read of an ILSVRC tree for each index: whole splits, or what frame lists name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from vidkit.data.frame_lists import IMAGES, FrameList, ListEntry, read_list
from vidkit.data.ilsvrc.layout import (
    DET,
    IMAGE_SUFFIXES,
    VID,
    Split,
    find_images,
    find_root,
    find_splits,
    find_unannotated,
    find_videos,
)
from vidkit.data.records import LeftOut
from vidkit.data.tar import Members, tar_members
from vidkit.errors import AnnotationError

DUPLICATES = "lines that stand twice in the list, taken once"
RENAMED = "list entries found under the name of another year"


@dataclass(frozen=True)
class Item:
    """One thing to read: a video, whole or some frames of it, or a still image."""

    name: str
    frames: tuple[int, ...] | None = None
    length: int | None = None
    in_tar: tuple[Path, Members] | None = None


@dataclass(frozen=True)
class SplitPlan:
    """What to read for one index."""

    split: Split
    items: tuple[Item, ...]
    frames_root: Path | None = None  # what the sources of frames are relative to, if not the tree
    entries: Mapping[str, ListEntry] | None = None  # of the list, by name in the tree
    list_path: Path | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    left_out: tuple[LeftOut, ...] = ()

    @property
    def unit(self) -> str:
        """What its items are: videos, or images."""
        return "videos" if self.split.kind == VID else "images"

    @property
    def file_name(self) -> str:
        """The name of the index file, such as vid_val.h5."""
        return f"{self.split.kind.lower()}_{self.split.name}.h5"


def plan_splits(
    vid_root: Path | None,
    det_root: Path | None,
    lists: Sequence[Path] = (),
    splits: Sequence[str] = (),
    skip_errors: bool = False,
    frames_tar: Path | None = None,
) -> list[SplitPlan]:
    """What to read for each index: one for every split of VID and of DET that is there.

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
    """The list of each split, only its entries."""
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


def _plan_split(split: Split, listed: FrameList | None, skip_errors: bool, tar: _Tar | None) -> SplitPlan:
    def in_tar(name: str) -> tuple[Path, Members] | None:
        return tar.members(split, name) if tar else None

    root = tar.path.parent if tar else None
    if listed is None:
        names = find_videos(split) if split.kind == VID else find_images(split)
        unannotated = find_unannotated(split)
        plan = SplitPlan(split, tuple(Item(name, in_tar=in_tar(name)) for name in names), root)
        return replace(
            plan,
            counts={f"{plan.unit} without annotations, left out": len(unannotated)} if unannotated else {},
            left_out=tuple(LeftOut(str(split.data / name), "no annotations") for name in unannotated)
            if split.kind == VID
            else (),
        )
    entries, counts, missing = _find_listed(split, listed)
    if missing and not skip_errors:
        raise AnnotationError(
            f"{missing[0].place}: {missing[0].reason} ({len(missing)} of {len(listed.entries)} entries are missing); "
            "with --on-error skip what is there is prepared and the rest listed"
        )
    items = tuple(Item(name, entry.frames, entry.length, in_tar(name)) for name, entry in entries.items())
    return SplitPlan(split, items, root, entries, listed.path, counts, tuple(missing))


def _find_listed(split: Split, listed: FrameList) -> tuple[dict[str, ListEntry], Counter[str], list[LeftOut]]:
    """The entries by their name in the tree, and what of the list isn't there.

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
        """The tar and the members of one video: those in the folder that ends like its path, if there is one."""
        folders = self.by_last_part.get(name.rpartition("/")[2], [])
        for tail in (f"/{split.kind}/{split.name}/{name}", f"/{split.name}/{name}", f"/{name}"):
            fits = [folder for folder in folders if folder.endswith(tail)]
            if len(fits) > 1:
                raise AnnotationError(f"{self.path}: the frames of {name} are in several folders: {', '.join(fits)}")
            if fits:
                return self.path, self.folders[fits[0]]
        return self.path, np.zeros((0, 3), np.int64)
