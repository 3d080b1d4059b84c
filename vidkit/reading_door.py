"""The one door of every reader: what third parties raise inside comes out as an error of the project's own."""

from pathlib import Path
from types import TracebackType

from vidkit.errors import ArgumentError, VidkitError


class reading:  # used like a function, as are the context managers of contextlib
    """While a file of strangers is read: any error becomes a `kind` that names the place and what was wanted there.

    Parsers of hostile files raise nearly anything, so the door has no list of errors. MemoryError passes, and so do the
    project's own errors, to which the place is added where they don't name it.
    """

    __slots__ = ("_kind", "_place", "_wanted")

    def __init__(self, place: Path | str, kind: type[VidkitError], wanted: str) -> None:
        """Take the place, such as the file's path; the kind of error; and what a file here should be."""
        self._place, self._kind, self._wanted = place, kind, wanted

    def __enter__(self) -> None:
        """Begin to read."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Turn what was raised into an error of the project's own."""
        if isinstance(error, VidkitError):
            told = str(error.args[0]) if error.args else ""
            if str(self._place) not in told:
                error.args = (f"{self._place}: {told}", *error.args[1:])
        elif isinstance(error, Exception) and not isinstance(error, MemoryError | ArgumentError):
            raise self._kind(f"{self._place}: {reason(error)}; wanted {self._wanted}") from error


def reason(error: Exception) -> str:
    """What an error of a third party says is wrong with a file."""
    if isinstance(error, OSError) and error.strerror:
        return f"can't be read: {error.strerror}"
    if isinstance(error, UnicodeDecodeError):
        return f"byte {error.start}: not {error.encoding}"
    if isinstance(error, RecursionError):
        return "nested too deep"
    said = str(error)
    return f"damaged, or something else: {type(error).__name__}{': ' if said else ''}{said}"
