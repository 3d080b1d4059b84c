"""The folders of a tree in ILSVRC's layout, listed leniently: what `prepare` would refuse is a finding here."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from vidkit.data.check_frames import FrameFolder, InTar, frame_number
from vidkit.data.findings import Findings
from vidkit.data.ilsvrc import DET, IMAGE_SUFFIXES, MAX_DEPTH, VID, XML_SUFFIXES, find_root
from vidkit.data.tar import tar_members
from vidkit.errors import AnnotationError


@dataclass(frozen=True)
class TreeSplit:
    """One split: its folders of frames by path below the split, and whether it has annotations and images at all."""

    kind: str  # VID or DET
    name: str
    folders: Mapping[str, FrameFolder]
    is_annotated: bool
    has_images: bool


@dataclass(frozen=True)
class ListedTree:
    """The root that holds Annotations and Data, its splits, and its frame lists. Paths are relative to the root."""

    root: Path
    splits: tuple[TreeSplit, ...]
    lists: tuple[str, ...]

    @property
    def n_folders(self) -> int:
        """The folders of frames in all splits."""
        return sum(len(split.folders) for split in self.splits)


@dataclass(frozen=True)
class _Listing:
    files: tuple[str, ...]
    has_folders: bool


@dataclass(frozen=True)
class _Found:
    """One folder below a split, on the side of the annotations and on that of the images."""

    annotations: str
    images: str
    in_annotations: _Listing
    in_images: _Listing
    is_snippet_place: bool


def list_tree(root: Path, findings: Findings) -> ListedTree:
    """Return what is in the tree at `root`, opening no file but tars; what is out of place is added to `findings`.

    Raises AnnotationError if there is no ILSVRC tree at `root`.
    """
    if not root.is_dir():
        raise AnnotationError(f"{root}: {'not a folder' if root.exists() else 'no such folder'}; wanted an ILSVRC tree")
    base = _base(root)
    splits = tuple(
        _split(base, kind, name, findings) for kind in (VID, DET) for name in _split_names(base, kind, findings)
    )
    lists = base / "ImageSets"
    return ListedTree(
        base,
        splits,
        tuple(sorted(p.relative_to(base).as_posix() for p in lists.rglob("*.txt"))) if lists.is_dir() else (),
    )


def _base(root: Path) -> Path:
    try:
        return find_root(root, VID)
    except AnnotationError as error:
        try:
            return find_root(root, DET)
        except AnnotationError:
            raise error from None


def _split_names(root: Path, kind: str, findings: Findings) -> list[str]:
    names: set[str] = set()
    for part in ("Annotations", "Data"):
        folder = root / part / kind
        for entry in sorted(folder.iterdir()) if folder.is_dir() else ():
            if entry.is_dir():
                names.add(entry.name)
            else:
                findings.add("unexpected-file", entry.relative_to(root).as_posix(), "not a folder of a split")
    return sorted(names)


def _split(root: Path, kind: str, name: str, findings: Findings) -> TreeSplit:
    places = {part: f"{part}/{kind}/{name}" for part in ("Annotations", "Data")}
    there = {part: (root / place).is_dir() for part, place in places.items()}
    if not there["Data"]:
        findings.add("no-images", places["Data"], "no such folder, and the split has annotations")
    elif not there["Annotations"] and name != "test":
        findings.add("no-annotations", places["Annotations"], "no such folder, and the split has images")
    annotations = dict(_walk(root, places["Annotations"], findings)) if there["Annotations"] else {}
    images = dict(_walk(root, places["Data"], findings)) if there["Data"] else {}
    found = {
        below: _Found(
            f"{places['Annotations']}/{below}".rstrip("/"),
            f"{places['Data']}/{below}".rstrip("/"),
            annotations.get(below, _Listing((), False)),
            images.get(below, _Listing((), False)),
            is_snippet_place=kind == VID and below != "",
        )
        for below in sorted(annotations.keys() | images.keys())
    }
    folders = {
        below: _frame_folder(root, of, kind == VID, all(there.values()), findings) for below, of in found.items()
    }
    return TreeSplit(
        kind, name, {b: f for b, f in folders.items() if f is not None}, there["Annotations"], there["Data"]
    )


def _walk(
    root: Path, place: str, findings: Findings, below: str = "", depth: int = 0
) -> Iterator[tuple[str, _Listing]]:
    """Yield each folder from `place` on, by its path below that, with the names of its files."""
    files: list[str] = []
    folders: list[str] = []
    try:
        with os.scandir(root / place / below) as entries:
            for entry in entries:
                (folders if entry.is_dir() else files).append(entry.name)
    except OSError as error:
        findings.add("unreadable", f"{place}/{below}", f"can't be listed: {error.strerror}")
    yield below, _Listing(tuple(sorted(files)), bool(folders))
    for name in sorted(folders) if depth < MAX_DEPTH else ():
        yield from _walk(root, place, findings, f"{below}/{name}" if below else name, depth + 1)


def _frame_folder(root: Path, found: _Found, is_video: bool, is_paired: bool, findings: Findings) -> FrameFolder | None:
    """Return the folder as one of frames, None if it holds none."""
    xml = _by_stem(found.annotations, found.in_annotations.files, XML_SUFFIXES, is_video, findings)
    image = _by_stem(found.images, found.in_images.files, IMAGE_SUFFIXES, is_video, findings)
    in_tar = _frames_of_tar(root, f"{found.images}.tar", findings) if xml and not image and is_video else None
    has_folders = found.in_annotations.has_folders or found.in_images.has_folders
    if not (xml or image):
        if found.is_snippet_place and not has_folders:
            findings.add("empty-video", found.annotations, "holds no frames")
        return None
    if is_video and (has_folders or not found.is_snippet_place):
        wrong = "holds frames and folders" if has_folders else "holds frames; wanted a folder for each snippet"
        findings.add("unexpected-file", found.annotations if xml else found.images, wrong)
    if in_tar is not None:
        return FrameFolder(
            found.annotations, f"{found.images}.tar", xml, dict.fromkeys(in_tar.places, ""), True, True, in_tar
        )
    return FrameFolder(found.annotations, found.images, xml, image, is_video, is_paired)


def _by_stem(
    place: str, names: Iterable[str], suffixes: tuple[str, ...], is_video: bool, findings: Findings
) -> dict[str, str]:
    """Return the names of frames by stem; tell of files that are none, and of frames in two files."""
    by_stem: dict[str, str] = {}
    for name in names:
        stem, dot, suffix = name.rpartition(".")
        if dot + suffix not in suffixes or not stem or (is_video and frame_number(stem) is None):
            if not (name.endswith(".tar") and suffixes == IMAGE_SUFFIXES):
                findings.add("unexpected-file", f"{place}/{name}", "no frame by its name")
        elif stem in by_stem:
            findings.add("duplicate-frame", f"{place}/{name}", f"{by_stem[stem]!r} is the same frame")
        else:
            by_stem[stem] = name
    return by_stem


def _frames_of_tar(root: Path, place: str, findings: Findings) -> InTar | None:
    """Return where the frames of a snippet lie in its tar, None if there is no tar."""
    if not (root / place).is_file():
        return None
    try:
        folders = tar_members(root / place, IMAGE_SUFFIXES)
    except AnnotationError as error:
        findings.add("image-unreadable", place, str(error))
        return InTar({})
    rows = [row for members in folders.values() for row in members.tolist()]
    return InTar({f"{number:06d}": (offset, size) for number, offset, size in rows})
