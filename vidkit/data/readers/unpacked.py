"""What exports of CVAT and Datumaro have in common: their folders, and what the tools themselves write of each box."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from vidkit.data.readers.image_videos import folder_with

IMAGE_FOLDERS = ("images", "img1")
OWN_ATTRIBUTES = frozenset(("track_id", "keyframe", "occluded", "outside", "rotation", "is_crowd"))
"""Attributes that have a column of their own, or none."""


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
