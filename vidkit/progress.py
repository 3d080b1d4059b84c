"""Progress of long work, for whoever shows it: the command line a bar, a notebook what it likes, by default nobody."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol


class Advance(Protocol):
    """`advance(steps, note)`: so many more steps are done; the note stands at the end of the line, as "12 frames/s"."""

    def __call__(self, steps: int, note: str = "") -> None:
        """Move the bar on."""


ShowProgress = Callable[[str, int, str], AbstractContextManager[Advance]]
"""`show(title, total, unit)`: a progress bar for as long as the context lasts."""


def no_progress(title: str, total: int, unit: str) -> AbstractContextManager[Advance]:
    """Progress that isn't shown."""
    return nullcontext(_pass_over)


def _pass_over(steps: int, note: str = "") -> None:
    """Advance no bar."""
