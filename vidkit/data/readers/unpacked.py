"""What exports of CVAT and Datumaro have in common: their folders, and what the tools themselves write of each box."""

from collections.abc import Sequence
from pathlib import Path

from vidkit.data.readers.image_videos import folder_with
from vidkit.data.readers.looking import is_folder, names_in, only_file

IMAGE_FOLDERS = ("images", "img1")
OWN_ATTRIBUTES = frozenset(("track_id", "keyframe", "occluded", "outside", "rotation", "is_crowd"))
"""Attributes that have a column of their own, or none."""


def file_of(path: Path, prefix: str = "") -> Path:
    """The path itself, or in an export's folder the one file in `annotations` called so, or that of the whole task.

    Where there is no such folder, the one JSON file of the path.
    """
    if not is_folder(path) or not is_folder(path / "annotations"):
        return only_file(path, f"{prefix}*.json")
    names = [n for n in names_in(path / "annotations") if n.startswith(prefix) and n.endswith(".json")]
    return path / "annotations" / (names[0] if len(names) == 1 else f"{prefix}default.json")


def place_of(path: Path) -> tuple[Path, str]:
    """The folder that an export was unpacked to, and what to call it: its name, or that of a file that stands alone."""
    if path.parent.name == "annotations":
        return path.parent.parent, path.resolve().parent.parent.name or path.stem
    return path.parent, path.stem


def paths_of(root: Path, names: Sequence[str], subset: str) -> list[str]:
    """The paths of images below the root: in the first folder that holds the first of them, else as they are called."""
    folders = [f"{folder}{below}" for folder in IMAGE_FOLDERS for below in (f"/{subset}", "")]
    folder = folder_with(root, folders, names[0]) if names else "."
    return [name if folder == "." else f"{folder}/{name}" for name in names]
