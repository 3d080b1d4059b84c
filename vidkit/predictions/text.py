"""Tables of numbers in text files, read fast and exactly."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vidkit.errors import PredictionError


def read_numbers(path: Path, columns: Mapping[str, str], separator: str) -> dict[str, NDArray[Any]]:
    """The columns of a text file without a header, each number the float that its digits mean.

    Raises PredictionError that names the first line that isn't so many numbers.
    """
    import pandas as pd

    try:
        frame = pd.read_csv(
            path,
            sep=separator,
            header=None,
            dtype=dict(enumerate(columns.values())),
            quoting=3,
            encoding=_encoding(path),
            **exact_floats(),
        )
    except pd.errors.EmptyDataError:
        return {name: np.zeros(0, dtype) for name, dtype in columns.items()}
    except (ValueError, OverflowError, pd.errors.ParserError) as error:
        raise PredictionError(
            f"{path}: {first_bad_line(path, columns, separator) or ' '.join(str(error).split())}"
        ) from None
    if frame.shape[1] != len(columns) or frame[frame.shape[1] - 1].isna().any():
        wrong = first_bad_line(path, columns, separator)
        if wrong:
            raise PredictionError(f"{path}: {wrong}")
    return {name: frame[place].to_numpy() for place, name in enumerate(columns)}


def _encoding(path: Path) -> str:
    """One that reads any bytes, as numbers are ASCII; after a mark of UTF-8 that, so that the mark is none of them."""
    with path.open("rb") as file:
        return "utf-8-sig" if file.read(3) == b"\xef\xbb\xbf" else "latin-1"


def exact_floats() -> dict[str, Any]:
    """The option that makes pandas read floats exactly; from 3.1 on it always does."""
    import pandas as pd

    version = tuple(int(part) for part in pd.__version__.split(".")[:2])
    return {} if version >= (3, 1) else {"float_precision": "round_trip"}


def first_bad_line(path: Path, columns: Mapping[str, str], separator: str) -> str:
    """What is wrong with the first line that breaks the format; "" if none does."""
    with path.open(encoding=_encoding(path)) as file:
        for number, line in enumerate(file, 1):
            cells = line.split() if separator == r"\s+" else line.strip().split(separator)
            if not line.strip():
                continue
            if len(cells) != len(columns):
                return f"line {number}: {len(cells)} numbers, wanted {len(columns)}: {' '.join(columns)}"
            for cell, (name, dtype) in zip(cells, columns.items(), strict=True):
                try:
                    (int if dtype == "int64" else float)(cell)
                except ValueError:
                    kind = "a whole number" if dtype == "int64" else "a number"
                    return f"line {number}: {name} is {cell[:40]!r}, wanted {kind}"
    return ""


def first_line(text: str) -> str:
    """The first line that isn't empty or a comment; "" if there is none."""
    return next((line for line in text.splitlines() if line.strip() and not line.startswith("#")), "")


def are_numbers(cells: list[str]) -> bool:
    """Whether all cells are numbers."""
    try:
        return all(float(cell) is not None for cell in cells)
    except ValueError:
        return False
