"""The folders of a tree in ILSVRC's layout, listed leniently: what `prepare` would refuse is a finding here."""

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from vidkit.check.findings import Findings
from vidkit.check.frame_folders import FrameFolder, InTar
from vidkit.data.frame_names import number_at_end
from vidkit.data.ilsvrc.layout import DET, IMAGE_SUFFIXES, MAX_DEPTH, VID, XML_SUFFIXES, find_root
from vidkit.data.tar import tar_members
from vidkit.errors import AnnotationError


@dataclass(frozen=True)
class FolderListing:
    """The names of the files in one folder, interned, since "000000.xml" is in each of thousands of folders."""

    files: tuple[str, ...] = ()
    has_folders: bool = False


@dataclass(frozen=True)
class FolderPlace:
    """One folder below a split, on the side of the annotations and on that of the images."""

    annotations: str
    images: str
    in_annotations: FolderListing
    in_images: FolderListing
    is_video: bool  # in VID
    is_split: bool  # the folder of the split itself
    is_paired: bool  # the split has annotations and images


@dataclass(frozen=True)
class TreeSplit:
    """One split: its folders by path below it, and whether it has annotations at all."""

    kind: str  # VID or DET
    name: str
    places: Mapping[str, FolderPlace]
    is_annotated: bool


@dataclass(frozen=True)
class ListedTree:
    """The root that holds Annotations and Data, its splits, and its frame lists. Paths are relative to the root."""

    root: Path
    splits: tuple[TreeSplit, ...]
    lists: tuple[str, ...]

    @property
    def n_folders(self) -> int:
        """The folders in all splits."""
        return sum(len(split.places) for split in self.splits)


def list_tree(root: Path, findings: Findings) -> ListedTree:
    """What is in the tree at `root`, opening no file; splits without one of the sides are added to `findings`.

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
        below: FolderPlace(
            f"{places['Annotations']}/{below}".rstrip("/"),
            f"{places['Data']}/{below}".rstrip("/"),
            annotations.get(below, FolderListing()),
            images.get(below, FolderListing()),
            is_video=kind == VID,
            is_split=not below,
            is_paired=all(there.values()),
        )
        for below in sorted(annotations.keys() | images.keys())
    }
    return TreeSplit(kind, name, found, there["Annotations"])


def _walk(
    root: Path, place: str, findings: Findings, below: str = "", depth: int = 0
) -> Iterator[tuple[str, FolderListing]]:
    """Yield each folder from `place` on, by its path below that, with the names of its files."""
    files: list[str] = []
    folders: list[str] = []
    try:
        with os.scandir(root / place / below) as entries:
            for entry in entries:
                (folders if entry.is_dir() else files).append(entry.name)
    except OSError as error:
        findings.add("unreadable", f"{place}/{below}", f"can't be listed: {error.strerror}")
    yield below, FolderListing(tuple(map(sys.intern, sorted(files))), bool(folders))
    for name in sorted(folders) if depth < MAX_DEPTH else ():
        yield from _walk(root, place, findings, f"{below}/{name}" if below else name, depth + 1)


def frame_folder(root: Path, place: FolderPlace, findings: Findings) -> FrameFolder | None:
    """The folder as one of frames, None if it holds none; what else is in it is a finding."""
    is_video, in_xml, in_images = place.is_video, place.in_annotations, place.in_images
    xml = _by_stem(place.annotations, in_xml.files, XML_SUFFIXES, is_video, findings)
    image = _by_stem(place.images, in_images.files, IMAGE_SUFFIXES, is_video, findings)
    has_folders = in_xml.has_folders or in_images.has_folders
    if not (xml or image):
        if is_video and not (place.is_split or has_folders):
            findings.add("empty-video", place.annotations, "holds no frames")
        return None
    if is_video and (has_folders or place.is_split):
        wrong = "holds frames and folders" if has_folders else "holds frames; wanted a folder for each snippet"
        findings.add("unexpected-file", place.annotations if xml else place.images, wrong)
    in_tar = _frames_of_tar(root, f"{place.images}.tar", findings) if is_video and not image else None
    if in_tar is None:
        return FrameFolder(place.annotations, place.images, xml, image, is_video, place.is_paired)
    names = dict.fromkeys(in_tar.places, "")
    return FrameFolder(place.annotations, f"{place.images}.tar", xml, names, is_video, place.is_paired, in_tar)


def _by_stem(
    place: str, names: Iterable[str], suffixes: tuple[str, ...], is_video: bool, findings: Findings
) -> dict[str, str]:
    """The names of frames by stem; files that are none and frames in two files are findings."""
    by_stem: dict[str, str] = {}
    for name in names:
        stem, dot, suffix = name.rpartition(".")
        if dot + suffix not in suffixes or not stem or (is_video and number_at_end(stem) is None):
            if not (name.endswith(".tar") and suffixes == IMAGE_SUFFIXES):
                findings.add("unexpected-file", f"{place}/{name}", "no frame by its name")
        elif stem in by_stem:
            findings.add("duplicate-frame", f"{place}/{name}", f"{by_stem[stem]!r} is the same frame")
        else:
            by_stem[stem] = name
    return by_stem


def _frames_of_tar(root: Path, place: str, findings: Findings) -> InTar | None:
    """Where the frames of a snippet lie in its tar, None if there is no tar."""
    if not (root / place).is_file():
        return None
    try:
        folders = tar_members(root / place, IMAGE_SUFFIXES)
    except AnnotationError as error:
        findings.add("image-unreadable", place, str(error))
        return InTar({})
    rows = [row for members in folders.values() for row in members.tolist()]
    return InTar({f"{number:06d}": (offset, size) for number, offset, size in rows})
