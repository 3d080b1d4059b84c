"""Folders of text files with numbers, one file for each frame or video."""

from collections.abc import Iterator
from pathlib import Path

from vidkit.errors import PredictionError

_NO_RESULTS = {"classes.txt", "labels.txt", "readme.txt"}
_LOOKED_AT = 200


def text_files(path: Path) -> list[Path]:
    """The text files of results below a folder, by their paths; those of a folder `labels` in it where it has none."""
    return [file for file in sorted(path.rglob("*.txt")) if file.name.lower() not in _NO_RESULTS]


def first_words(path: Path) -> list[str]:
    """The words of the first line that isn't empty in the files of a folder, of the first few hundred; [] for none."""
    for file in text_files(path)[:_LOOKED_AT]:
        with file.open(encoding="utf-8-sig", errors="replace") as lines:
            for line in lines:
                if line.strip():
                    return line.split()
    return []


def rows_of(file: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield the number and the words of each line that isn't empty. Raises PredictionError for what is no text."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise PredictionError(f"{file}: can't be read as text: {error}") from None
    for number, line in enumerate(text.splitlines(), 1):
        if words := line.split():
            yield number, words


def floats(words: list[str], file: Path, number: int) -> list[float]:
    """The words of a line as numbers. Raises PredictionError, naming the line, where one is none."""
    try:
        return [float(word) for word in words]
    except ValueError:
        raise PredictionError(f"{file}: line {number}: {' '.join(words)[:60]!r}, wanted numbers") from None


def frame_name(file: Path, folder: Path) -> str:
    """How a file names its frame: its path below the folder, without its suffix."""
    return file.relative_to(folder).with_suffix("").as_posix().removeprefix("labels/")
