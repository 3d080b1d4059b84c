"""ILSVRC VID and DET on disk: where splits, videos and images are.

The layout is the same for ILSVRC2015 and ILSVRC2017 (only names of folders differ, and no name is taken for granted):

    ROOT/Annotations/VID/train/ILSVRC2015_VID_train_0000/ILSVRC2015_train_00000000/000000.xml
    ROOT/Annotations/VID/val/ILSVRC2015_val_00000000/000000.xml
    ROOT/Data/VID/…/000000.JPEG                  or Data/VID/val/ILSVRC2015_val_00000000.tar, or nowhere
    ROOT/Annotations/DET/train/…/NAME.xml        a still image: a video of one frame
    ROOT/Attributes/VID/val/…/frames.csv         optional, of made-up data sets (see `vidkit.data.ilsvrc.sidecar`)
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from vidkit.errors import AnnotationError

VID, DET = "VID", "DET"
IMAGE_SUFFIXES = (".JPEG", ".jpeg", ".JPG", ".jpg", ".PNG", ".png")
XML_SUFFIXES = (".xml",)
MAX_DEPTH = 8


@dataclass(frozen=True)
class Split:
    """One split of one tree: where its annotations and images are (either may be absent)."""

    root: Path
    kind: str  # VID or DET
    name: str

    @property
    def annotations(self) -> Path:
        """The folder of the XML files."""
        return self.root / "Annotations" / self.kind / self.name

    @property
    def data(self) -> Path:
        """The folder of the images."""
        return self.root / "Data" / self.kind / self.name

    @property
    def attributes(self) -> Path:
        """The folder of the optional CSV files."""
        return self.root / "Attributes" / self.kind / self.name

    @property
    def is_annotated(self) -> bool:
        """Whether there is a folder of annotations at all; of VID test there is none."""
        return self.annotations.is_dir()


def find_root(root: Path, kind: str) -> Path:
    """The folder that holds `Annotations/kind` or `Data/kind`: `root` or a folder of it named ILSVRC…."""
    inner = sorted(p for p in root.glob("ILSVRC*") if p.is_dir()) if root.is_dir() else []
    fits = [p for p in (root, *inner) if (p / "Annotations" / kind).is_dir() or (p / "Data" / kind).is_dir()]
    if not fits:
        raise AnnotationError(
            f"{root}: no ILSVRC {kind} tree: neither it nor a folder ILSVRC… in it holds Annotations/{kind}; "
            "give the folder that holds Annotations and Data"
        )
    if len(fits) > 1 and fits[0] != root:
        raise AnnotationError(f"{root}: several ILSVRC {kind} trees: {', '.join(map(str, fits))}; give one of them")
    return fits[0]


def find_splits(root: Path, kind: str) -> list[str]:
    """The names of the splits that have annotations; where none has, of those that have images."""
    for folder in (root / "Annotations" / kind, root / "Data" / kind):
        names = sorted(name for name in list_dir(folder) if (folder / name).is_dir()) if folder.is_dir() else []
        if names:
            usual = [name for name in ("train", "val") if name in names]
            return usual + [name for name in names if name not in usual]
    return []


def find_videos(split: Split) -> list[str]:
    """The videos of a VID split, sorted: the paths of the innermost folders, below the split's folder.

    Raises AnnotationError for a folder that holds frames and folders.
    """
    if split.is_annotated:
        found = list(_innermost_folders(split.annotations, "", XML_SUFFIXES))
    else:
        found = list(_innermost_folders(split.data, "", (*IMAGE_SUFFIXES, ".tar")))
    if "" in found:
        raise AnnotationError(f"{split.annotations}: holds frames itself; VID has a folder for each video")
    return sorted(found)


def find_images(split: Split) -> list[str]:
    """The still images of a DET split, sorted: paths of the XML files below the split's folder, no suffix."""
    base, suffixes = (split.annotations, XML_SUFFIXES) if split.is_annotated else (split.data, IMAGE_SUFFIXES)
    return sorted(_stems_below(base, "", suffixes))


def find_unannotated(split: Split) -> list[str]:
    """The videos of a VID split that have no folder of annotations, or the images of a DET split without XML."""
    if not (split.is_annotated and split.data.is_dir()):
        return []
    if split.kind == DET:
        images, annotations = _stems_below(split.data, "", IMAGE_SUFFIXES), find_images(split)
        return sorted(set(images) - set(annotations))
    names = _innermost_folders(split.data, "", (*IMAGE_SUFFIXES, ".tar"))
    return sorted(name for name in names if name and not (split.annotations / name).is_dir())


def _innermost_folders(folder: Path, below: str, suffixes: tuple[str, ...], depth: int = 0) -> Iterator[str]:
    """Yield the folders that hold files of these suffixes, or nothing. A folder of frames isn't listed to its end."""
    inner, holds_frames = [], False
    with _scanning(folder, depth) as entries:
        for entry in entries:
            if entry.is_dir():
                inner.append(entry.name)
            elif entry.name.endswith(".tar") and ".tar" in suffixes:
                yield _joined(below, entry.name[:-4])
            elif entry.name.endswith(suffixes):
                holds_frames = True
                break  # the reader of this video lists the rest, and refuses folders among the frames
    if inner and holds_frames:
        raise AnnotationError(f"{folder}: holds frames and folders ({inner[0]!r}); one of them is at the wrong place")
    if not inner and (holds_frames or below):
        yield below
    for name in inner:
        yield from _innermost_folders(folder / name, _joined(below, name), suffixes, depth + 1)


def _stems_below(folder: Path, below: str, suffixes: tuple[str, ...], depth: int = 0) -> Iterator[str]:
    inner = []
    with _scanning(folder, depth) as entries:
        for entry in entries:
            if entry.name.endswith(suffixes):
                yield _joined(below, entry.name.rpartition(".")[0])
            elif entry.is_dir():
                inner.append(entry.name)
    for name in inner:
        yield from _stems_below(folder / name, _joined(below, name), suffixes, depth + 1)


@contextmanager
def _scanning(folder: Path, depth: int) -> Iterator[Iterator[os.DirEntry[str]]]:
    if depth > MAX_DEPTH:
        raise AnnotationError(f"{folder}: more than {MAX_DEPTH} folders deep; a link that leads back?")
    try:
        with os.scandir(folder) as entries:
            yield (entry for entry in entries if not entry.name.startswith("."))
    except OSError as error:
        raise AnnotationError(f"{folder}: can't be listed: {error.strerror}") from None


def _joined(below: str, name: str) -> str:
    try:
        name.encode()
    except UnicodeEncodeError:
        raise AnnotationError(f"{below}/{name!r}: the name isn't UTF-8; rename it") from None
    return f"{below}/{name}" if below else name


def list_dir(folder: Path) -> list[str]:
    """The names in a folder, without hidden ones."""
    try:
        return [name for name in os.listdir(folder) if not name.startswith(".")]  # noqa: PTH208  (a million names)
    except OSError as error:
        raise AnnotationError(f"{folder}: can't be listed: {error.strerror}") from None
