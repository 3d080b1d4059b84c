"""The lines of a text file of strangers."""

from pathlib import Path

from vidkit.data.annotation import read_bytes
from vidkit.errors import AnnotationError
from vidkit.reading_door import reading

MAX_BYTES = 1 << 28


def read_lines(path: Path) -> list[str]:
    """The lines of a file in UTF-8, without their ends. Raises AnnotationError, with the path, for anything else."""
    with reading(path, AnnotationError, "text in UTF-8"):
        return read_bytes(path, limit=MAX_BYTES).decode("utf-8-sig").splitlines()
