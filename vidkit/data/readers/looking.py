"""Cheap looks at files of strangers: they read a few bytes at most, and never raise."""

from fnmatch import fnmatch
from pathlib import Path

ENOUGH = 1 << 16  # bytes


def file_in(path: Path, name: str) -> Path:
    """The path itself, or the file called so in it if it is a folder."""
    return path / name if is_folder(path) else path


def only_file(path: Path, pattern: str) -> Path:
    """The path itself, or if it is a folder with one file that fits the pattern, this."""
    names = [name for name in names_in(path) if fnmatch(name, pattern)]
    return path / names[0] if len(names) == 1 else path


def is_folder(path: Path) -> bool:
    """Whether there is such a folder."""
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


def is_plain(path: Path) -> bool:
    """Whether there is such a plain file."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def names_in(path: Path) -> list[str]:
    """What there is in a folder, sorted; nothing where it can't be read."""
    try:
        return sorted(below.name for below in path.iterdir()) if path.is_dir() else []
    except (OSError, ValueError):
        return []


def head(path: Path, size: int = ENOUGH, tail: bool = False) -> bytes:
    """The first bytes of a plain file without a mark of UTF-8 and space before them; or its last bytes, the `tail`."""
    try:
        if not path.is_file():
            return b""
        with path.open("rb") as file:
            if tail:
                file.seek(max(path.stat().st_size - size, 0))
            return file.read(size).lstrip(b"\xef\xbb\xbf \r\n\t")
    except (OSError, ValueError):
        return b""
