"""Which files at a path are the annotations: to read them all, or to see at a glance which form they are in."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from pathlib import Path

from vidkit.errors import AnnotationError

FIRST_BYTES = 1 << 16


def annotation_files(path: Path, patterns: Sequence[str], wanted: str) -> list[Path]:
    """`path` itself if it is a file, else the files below it that fit the first of `patterns` that any fits, by name.

    Raises AnnotationError, which says what was `wanted`, where there are none.
    """
    try:
        found = [path] if path.is_file() else []
        for pattern in patterns:
            found = found or sorted(file for file in path.glob(pattern) if file.is_file())
    except OSError as error:
        raise AnnotationError(f"{path}: can't be read: {error.strerror}") from None
    if not found:
        what = "has no such files" if path.is_dir() else "no such file or folder"
        raise AnnotationError(f"{path}: {what}; wanted {wanted}")
    return found


def first_file(path: Path, patterns: Sequence[str]) -> Path | None:
    """One of those files, None where there is none. Never raises."""
    try:
        if path.is_file():
            return path
        return next((file for pattern in patterns for file in path.glob(pattern)), None)
    except (OSError, ValueError):
        return None


def head(path: Path | None) -> bytes:
    """The first bytes of a plain file, without a byte order mark; none where it can't be read. Never raises."""
    try:
        file = os.open(path or "", os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except (OSError, ValueError):
        return b""
    try:
        found = os.read(file, FIRST_BYTES) if stat.S_ISREG(os.fstat(file).st_mode) else b""
    except OSError:
        return b""
    finally:
        os.close(file)
    return found.removeprefix(b"\xef\xbb\xbf")


def first_fields(path: Path | None) -> list[str]:
    """What stands in the first line that isn't empty, at commas if it has any, else at spaces. Never raises."""
    line = next((line for line in head(path).split(b"\n") if line.strip()), b"").decode("utf-8", "replace").strip()
    return line.removesuffix(",").split("," if "," in line else None)
