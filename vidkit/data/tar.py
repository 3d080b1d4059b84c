"""Frames inside a plain tar: where the bytes of each member lie, so that they can be read without unpacking."""

from __future__ import annotations

import tarfile
from array import array
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vidkit.data.frame_names import number_at_end
from vidkit.errors import AnnotationError
from vidkit.reading_door import reading

Members = NDArray[np.int64]
"""Rows of frame number, offset and size in bytes, `(K, 3)`, by ascending number."""


def tar_members(path: Path, suffixes: tuple[str, ...]) -> dict[str, Members]:
    """The frames in a plain tar by their folder ("" at the top): each file of these suffixes with a number.

    Raises AnnotationError for a compressed or damaged tar, and where a frame stands twice.
    """
    folders: dict[str, array[int]] = {}
    wanted = "a plain tar; a compressed one has no frames at fixed places: unpack it to a plain .tar first"
    with reading(path, AnnotationError, wanted), tarfile.open(path, "r:") as tar:
        while (member := tar.next()) is not None:
            tar.members = []  # type: ignore[attr-defined]  # else it keeps a kilobyte for each of a million members
            stem, dot, suffix = member.name.rpartition(".")
            number = number_at_end(stem)
            if member.isreg() and not member.issparse() and dot + suffix in suffixes and number is not None:
                folder = member.name.rpartition("/")[0].removeprefix("./").removeprefix(".")
                folders.setdefault(folder, array("q")).extend((number, member.offset_data, member.size))
    return {folder: _by_number(rows, f"{path}: {folder}") for folder, rows in folders.items()}


def _by_number(rows: array[int], place: str) -> Members:
    members = np.array(rows, np.int64).reshape(-1, 3)
    members = members[np.argsort(members[:, 0], kind="stable")]
    twice = np.flatnonzero(np.diff(members[:, 0]) == 0)
    if len(twice):
        raise AnnotationError(f"{place}: frame {members[twice[0], 0]} stands twice in the tar")
    return members
