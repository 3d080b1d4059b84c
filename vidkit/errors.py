"""The errors that come from outside: files, options, plug-ins; and of a caller's mistakes those that a command tells.

Each message names the place, what was found, what was wanted and what to do, in one line.
"""

from vidkit import safe_text


class VidkitError(Exception):
    """Anything that a user can mend: the command line prints its message without a traceback and exits with 1.

    Its text is printable, in one line, and of bounded length, whatever names and values of a file are in it.
    """

    def __str__(self) -> str:
        return safe_text.message(super().__str__())


class AnnotationError(VidkitError):
    """An annotation file, a frame list or a data-set folder that breaks the rules of its format."""


class FrameError(VidkitError):
    """A frame that is missing, can't be decoded, or doesn't have the size that its annotation tells."""


class FormatError(VidkitError):
    """A file that isn't in the format that it should be in, or in a version of it that isn't known."""


class PredictionError(VidkitError):
    """Predictions that can't be read safely, or don't fit the index they are meant for."""


class DetectorError(VidkitError):
    """A detector that can't be loaded or that broke the detector protocol."""


class MissingLibraryError(DetectorError):
    """A library that a detector needs isn't installed; the message has the command that installs it."""


class ChoiceError(VidkitError):
    """A name or file that can't be chosen: unknown, missing, or one of several. The message lists what there is."""


class ArgumentError(ValueError):
    """An argument outside its range or choices, or beside one that it doesn't go with; a command exits with 2."""


def did_you_mean(name: str, known: list[str]) -> str:
    """Return " (did you mean 'x'?)" for the closest known name, or "" where none is close."""
    from difflib import get_close_matches

    close = get_close_matches(name, known, n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""
