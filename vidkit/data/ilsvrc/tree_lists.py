"""The frame lists of the field, made for any ILSVRC tree."""

import logging
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from vidkit.classes import VID_CLASSES, ObjectClass
from vidkit.data.annotation import read_annotation
from vidkit.data.frame_lists import every_frame_lines, frame_id_lines, image_lines, sampled_lines, video_lines
from vidkit.data.ilsvrc.frame_files import list_frames
from vidkit.data.ilsvrc.layout import DET, VID, Split, find_images, find_root, find_splits, find_videos
from vidkit.errors import AnnotationError
from vidkit.files import write_text

LOG = logging.getLogger(__name__)


def write_lists(
    root: Path,
    out: Path,
    splits: Sequence[str] = (),
    classes: Sequence[ObjectClass] = VID_CLASSES,
    frames: int = 15,
    tell: Callable[[str], object] = LOG.info,
) -> list[tuple[Path, int]]:
    """The files that were written into the folder `out`, and their numbers of lines.

    They are those of every split of VID and DET in the tree, or only of `splits`. VID: `frames` frames a video, whole
    videos, every frame in two forms; DET: the images with an object of `classes`. Raises AnnotationError where there is
    no such split, or for a malformed file.
    """
    there = _splits(root)
    chosen = [split for split in there if not splits or split.name in splits]
    if missing := [name for name in splits if all(split.name != name for split in there)]:
        known = ", ".join(f"{split.kind} {split.name}" for split in there)
        raise AnnotationError(f"{root}: no split {missing[0]!r}; there are {known}")
    written = []
    for split in chosen:
        tell(f"reading {split.kind} {split.name}")
        lists = _video_lists(split, frames) if split.kind == VID else _image_list(split, classes)
        written += [_write(out / name, lines) for name, lines in lists.items()]
    return written


def _splits(root: Path) -> list[Split]:
    found = []
    for kind in (VID, DET):
        try:
            tree = find_root(root, kind)
        except AnnotationError:
            continue
        found += [Split(tree, kind, name) for name in find_splits(tree, kind)]
    return found or [Split(find_root(root, VID), VID, "")]  # raises: there is neither


def _video_lists(split: Split, frames: int) -> dict[str, Iterable[str]]:
    videos = [(f"{split.name}/{name}", list_frames(split, name)) for name in find_videos(split)]
    videos = [(path, numbers) for path, numbers in videos if numbers]
    return {
        f"VID_{split.name}_{frames}frames.txt": sampled_lines(videos, frames),
        f"VID_{split.name}_videos.txt": video_lines(videos),
        f"VID_{split.name}_frames.txt": frame_id_lines(videos),
        f"VID_{split.name}_every_frame.txt": every_frame_lines(videos),
    }


def _image_list(split: Split, classes: Sequence[ObjectClass]) -> dict[str, Iterable[str]]:
    wnids = {c.wnid.encode() for c in classes}
    paths = [f"{split.name}/{name}" for name in find_images(split) if _shows_one_of(split, name, wnids)]
    return {f"DET_{split.name}_{len(classes)}classes.txt": image_lines(paths)}


def _shows_one_of(split: Split, name: str, wnids: set[bytes]) -> bool:
    return any(texts[1] in wnids for texts in read_annotation(split.annotations / f"{name}.xml").objects)


def _write(path: Path, lines: Iterable[str]) -> tuple[Path, int]:
    content = list(lines)
    write_text(path, "".join(f"{line}\n" for line in content))
    return path, len(content)
