"""The one door of every reader: what third parties raise inside comes out as an error of the project's own."""

import stat
from pathlib import Path
from types import TracebackType

from vidkit.errors import ArgumentError, VidkitError


class reading:  # used like a function, as are the context managers of contextlib
    """While a file of strangers is read: any error becomes a `kind` that names the place and what was wanted there.

    Parsers of hostile files raise nearly anything, so the door has no list of errors. MemoryError passes, and so do the
    project's own errors, to which the place is added where they name none. Of a pipe or a device nothing is read:
    it may never end, or never begin.
    """

    __slots__ = ("_kind", "_names_own", "_place", "_wanted")

    def __init__(self, place: Path | str, kind: type[VidkitError], wanted: str, names_own: bool = True) -> None:
        """Take the place, such as the file's path; the kind of error; and what a file here should be.

        `names_own`: whether the place is added to the project's own errors, which may be about another file.
        """
        self._place, self._kind, self._wanted, self._names_own = place, kind, wanted, names_own

    def __enter__(self) -> None:
        """Begin to read, if it is a file, a folder, or nothing."""
        if isinstance(self._place, Path) and (what := _endless(self._place)):
            raise self._kind(f"{self._place}: is {what}; wanted {self._wanted}, in a plain file")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Turn what was raised into an error of the project's own."""
        if isinstance(error, VidkitError):
            told = str(error.args[0]) if error.args else ""
            if str(self._place) not in told and self._names_own and not told.startswith("--"):
                error.args = (f"{self._place}: {told}", *error.args[1:])
        elif isinstance(error, Exception) and not isinstance(error, MemoryError | ArgumentError):
            raise self._kind(f"{self._place}: {reason(error)}; wanted {self._wanted}") from error


def _endless(path: Path) -> str:
    """What a path leads to that isn't made to be read as a whole; "" for files, folders and nothing."""
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):  # reading it will tell
        return ""
    kinds = {"a pipe": stat.S_ISFIFO, "a device": stat.S_ISCHR, "a disk": stat.S_ISBLK, "a socket": stat.S_ISSOCK}
    return next((name for name, is_one in kinds.items() if is_one(mode)), "")


def reason(error: Exception) -> str:
    """What an error of a third party says is wrong with a file."""
    if isinstance(error, OSError) and error.strerror:
        return f"can't be read: {error.strerror}"
    if isinstance(error, UnicodeDecodeError):
        return f"byte {error.start}: not {error.encoding.upper()}"
    if isinstance(error, RecursionError):
        return "nested too deep"
    said = str(error)
    if type(error) is ValueError and said:
        return said
    return f"damaged ({type(error).__name__}{': ' if said else ''}{said})"
