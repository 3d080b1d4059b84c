"""Which files at a path are the annotations: to read them all, or to see at a glance which form they are in."""

from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from vidkit.data.readers.looking import head
from vidkit.errors import AnnotationError

MAX_BYTES = 1 << 32
"""Larger files are refused unread."""
_SOME = 1000


def annotation_files(path: Path, patterns: Sequence[str], wanted: str) -> list[Path]:
    """`path` itself if it is a file, else the files below it that fit the first of `patterns` that any fits, by name.

    Raises AnnotationError, which says what was `wanted`, where there are none, and for one that is too large.
    """
    try:
        found = [path] if path.is_file() else []
        for pattern in patterns:
            found = found or sorted(file for file in path.glob(pattern) if file.is_file())
        large = [(file, size) for file in found if (size := file.stat().st_size) > MAX_BYTES]
    except OSError as error:
        raise AnnotationError(f"{path}: can't be read: {error.strerror}") from None
    if not found:
        what = "has no such files" if path.is_dir() else "no such file or folder"
        raise AnnotationError(f"{path}: {what}; wanted {wanted}")
    for file, size in large:
        raise AnnotationError(f"{file}: {size / 1e9:.1f} GB; wanted at most {MAX_BYTES / 1e9:.1f} GB")
    return found


def annotation_file(path: Path, patterns: Sequence[str], wanted: str) -> Path:
    """The one such file; an AnnotationError too where there are several."""
    file, *others = annotation_files(path, patterns, wanted)
    if others:
        raise AnnotationError(f"{path}: {file.name} and {len(others)} more like it; name the one that is to be read")
    return file


def first_file(path: Path, patterns: Sequence[str]) -> Path | None:
    """The first by name of those files, of some that are seen first; None where there is none. Never raises."""
    try:
        if path.is_file():
            return path
        some = (min(islice(path.glob(pattern), _SOME), default=None) for pattern in patterns)
        return next((file for file in some if file is not None), None)
    except (OSError, ValueError):
        return None


def first_fields(path: Path | None) -> list[str]:
    """What stands in the first line that isn't empty, at commas if it has any, else at spaces. Never raises."""
    line = (head(path) if path else b"").partition(b"\n")[0].decode("utf-8", "replace").strip()
    return line.removesuffix(",").split("," if "," in line else None)
