"""Where a YOLO data set has its images and labels, and what its classes are called.

Paths in a data.yaml are those of some machine: they are looked for by their ends, and below the data set's folder only.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from vidkit.data.readers.data_yaml import class_names, read_data_yaml
from vidkit.data.readers.image_videos import IMAGE_SUFFIXES, images_below, natural
from vidkit.data.readers.json_fields import in_part
from vidkit.data.readers.looking import head, is_folder, is_plain, names_in
from vidkit.data.readers.text_lines import read_lines
from vidkit.errors import AnnotationError

SPLITS = ("train", "val", "valid", "test")
DARKNET = "obj.names"  # an older form: the list of classes, beside lists of images
_YAML = (".yaml", ".yml")


@dataclass(frozen=True)
class YoloImages:
    """The images of one split."""

    base: Path
    paths: Sequence[str]  # below `base`, in their natural order
    labels: Sequence[Path]  # the file of each image, if there is one
    folder: str  # which all images are in, below `base`
    names: Mapping[int, str]  # of the classes, by number; nothing where they have none
    without_image: int = 0  # files of labels in the same folders that have none


def is_yolo(path: Path) -> bool:
    """Whether this is the folder or the YAML file of a YOLO data set, by names and first bytes; never raises."""
    names = names_in(path)
    stems = {name.rpartition(".")[0] for name in names if name.lower().endswith(IMAGE_SUFFIXES)}
    side_by_side = "classes.txt" in names and any(name.endswith(".txt") and name[:-4] in stems for name in names)
    apart = any(is_folder(f / "images") and is_folder(f / "labels") for f in (path, *(path / s for s in SPLITS)))
    return side_by_side or apart or DARKNET in names or _yaml_of(path) is not None


def find_images(path: Path, split: str | None, frames: Path | None) -> YoloImages:
    """The images of the data set at `path`, a folder or its YAML file; of `split` where it is split.

    `frames` is a folder of images that takes the place of the data set's own. Raises AnnotationError for no images, for
    a split that there isn't, and where there are several to choose from.
    """
    yaml = _yaml_of(path)
    root = path if is_folder(path) else path.parent
    told = {} if yaml is None else read_data_yaml(yaml, ("path", "names", *SPLITS))
    names = class_names(root, str(yaml), told.get("names", {}))
    if frames is not None:
        (below,) = _choose(path, _folders(root, "labels"), split)
        paths = sorted(images_below(frames).values(), key=natural)
        labels = [root / below / PurePosixPath(p).with_suffix(".txt") for p in paths]
        return YoloImages(frames, paths, labels, ".", names, _without_image(labels))
    places = _choose(path, _places(root, told), split)
    paths = sorted({p for place in places for p in _images(root, place)}, key=natural)
    if not paths:
        where = " and ".join(str(root / place) for place in places)
        raise AnnotationError(f"{path}: no images in {where}; boxes are in shares of an image, give --frames DIR")
    listed = any(is_plain(root / place) for place in places)
    folder = os.path.commonpath([PurePosixPath(p).parent for p in paths] if listed else places) or "."
    labels = [_label(root, p) for p in paths]
    return YoloImages(root, paths, labels, folder, names, 0 if listed else _without_image(labels))


def _without_image(labels: Sequence[Path]) -> int:
    known = {*labels, *(file.parent / "classes.txt" for file in labels)}
    there = [folder / name for folder in {file.parent for file in labels} for name in names_in(folder)]
    return sum(file.suffix == ".txt" and file not in known for file in there)


def _yaml_of(path: Path) -> Path | None:
    """The YAML file of a data set: itself, or the first in its folder that speaks of names."""
    found = [path] if not is_folder(path) else [path / name for name in ("data.yaml", *names_in(path))]
    yamls = [file for file in found if file.suffix.lower() in _YAML]
    return next((file for file in yamls if b"names:" in head(file, 1 << 18)), None)


def _places(root: Path, told: Mapping[str, Mapping[str, str]]) -> dict[str, list[str]]:
    """The folders and lists of images of each split, below the root."""
    base = next(iter(told.get("path", {}).values()), "")
    named = {s: [_inside(root, base, v) for v in told[s].values()] for s in SPLITS if told.get(s)}
    found = {split: [place for place in places if place is not None] for split, places in named.items()}
    found = {split: places for split, places in found.items() if places}
    if found or named:
        return found
    return _folders(root, "images")


def _folders(root: Path, kind: str) -> dict[str, list[str]]:
    """The folder of each split that holds images or labels, where no file tells it."""
    both = [(s, f) for s in SPLITS for f in (f"{kind}/{s}", f"{s}/{kind}") if is_folder(root / f)]
    if not both and kind == "images" and is_plain(root / DARKNET):
        both = [(split, f"{split}.txt") for split in SPLITS if is_plain(root / f"{split}.txt")]
    return {split: [folder] for split, folder in both} or {"": [kind if is_folder(root / kind) else "."]}


def _choose(path: Path, places: Mapping[str, list[str]], split: str | None) -> list[str]:
    """The places of the split; of a data set that is one split, its own, unless that is another of SPLITS."""
    other = split in SPLITS and "" not in places and split not in places
    if len({tuple(p) for p in places.values()}) == 1 and not other:
        return next(iter(places.values()))
    if not places:
        raise AnnotationError(
            f"{path}: the images that it tells of aren't in its folder; give theirs with --frames DIR"
        )
    if split is None or split not in places:
        raise AnnotationError(
            f"{path}: has {', '.join(places)}; give --split, one of them{f', not {split}' if split else ''}"
        )
    return places[split]


def _inside(root: Path, base: str, value: str) -> str | None:
    """What a path of some machine is below the root: the longest end of it that is there."""
    parts, first = (
        [p for p in text.replace("\\", "/").split("/") if p not in ("", ".", "..")] for text in (value, base)
    )
    tries = ["/".join([*before, *parts[start:]]) for before in (first, []) for start in range(len(parts) or 1)]
    return next((t or "." for t in tries if is_folder(root / t) or is_plain(root / t)), None)


def _images(root: Path, place: str) -> list[str]:
    if is_folder(root / place):
        return [f"{place}/{image}".removeprefix("./") for image in images_below(root / place).values()]
    listed = [(number, line.strip()) for number, line in enumerate(read_lines(root / place), start=1) if line.strip()]
    found = [(number, line, _inside(root, str(PurePosixPath(place).parent), line)) for number, line in listed]
    for number, line, image in found:
        if image is None or not image.lower().endswith(IMAGE_SUFFIXES):
            raise AnnotationError(f"{root / place}: line {number}: {in_part(line)}; wanted an image in {root}")
    return [image for _, _, image in found if image is not None]


def _label(root: Path, image: str) -> Path:
    """Where the labels of an image are: below `labels` in place of the last `images` in its path, else beside it."""
    *folders, name = image.split("/")
    if "images" in folders:
        last = len(folders) - 1 - folders[::-1].index("images")
        folders[last] = "labels"
    return root.joinpath(*folders, PurePosixPath(name).stem + ".txt")
