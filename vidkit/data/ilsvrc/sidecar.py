"""Attributes that a data set tells beside its XML: `frames.csv` and `instances.csv` in a folder for each video.

`frames.csv` has a column `frame`, `instances.csv` the columns `frame` and `trackid`; every other column is an attribute
of numbers, of its frame or of the box of that track in that frame. Frames and boxes without a row get NaN.
"""

import csv
import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vidkit.data.annotation import read_bytes
from vidkit.errors import AnnotationError
from vidkit.reading_door import reading

MAX_CSV_BYTES = 1 << 28
_ATTRIBUTE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")
Attributes = dict[str, NDArray[np.float64]]


def read_attributes(
    folder: Path, frame_number: NDArray[Any], instance_frame: NDArray[Any], track_id: NDArray[Any]
) -> tuple[Attributes, Attributes]:
    """Attributes `(F,)` of the frames and `(N,)` of the instances of one video; none where there are no files.

    `instance_frame (N,)` is the frame number of each instance. Rows for frames or boxes that aren't there are ignored:
    a list may have taken only some frames. Raises AnnotationError for a malformed file.
    """
    if not folder.is_dir():
        return {}, {}
    frames = [(int(frame),) for frame in frame_number]
    instances = [(int(frame), int(track)) for frame, track in zip(instance_frame, track_id, strict=True)]
    return (
        _read_table(folder / "frames.csv", ("frame",), frames),
        _read_table(folder / "instances.csv", ("frame", "trackid"), instances),
    )


def _read_table(path: Path, keys: tuple[str, ...], wanted: Sequence[tuple[int, ...]]) -> Attributes:
    if not path.is_file():
        return {}
    with reading(path, AnnotationError, "a CSV file in UTF-8"):
        lines = csv.reader(io.StringIO(read_bytes(path, limit=MAX_CSV_BYTES).decode("utf-8-sig")), strict=True)
    values: dict[tuple[int, ...], list[float]] = {}
    try:
        header = [name.strip() for name in next(lines, [])]
        names = _attribute_names(header, keys)
        for cells in lines:
            if len(cells) != len(header):
                raise AnnotationError(f"{len(cells)} columns, wanted {len(header)}")
            row = dict(zip(header, cells, strict=True))
            key = tuple(int(row[name]) for name in keys)
            if key in values:
                raise AnnotationError(f"{', '.join(keys)} {', '.join(map(str, key))} stands twice")
            values[key] = [float(row[name]) for name in names]
    except (ValueError, csv.Error, AnnotationError) as error:
        raise AnnotationError(f"{path}: line {lines.line_num}: {error}") from None
    missing = [np.nan] * len(names)
    columns = np.array([values.get(key, missing) for key in wanted], np.float64).reshape(len(wanted), len(names))
    return {name: np.ascontiguousarray(columns[:, place]) for place, name in enumerate(names)}


def _attribute_names(header: list[str], keys: tuple[str, ...]) -> list[str]:
    """The columns beside the keys. Names become names of HDF5 data sets, so they're plain words."""
    if missing := [key for key in keys if key not in header]:
        raise AnnotationError(f"no column {missing[0]!r} in its first line")
    if len(set(header)) != len(header):
        raise AnnotationError("a column name stands twice")
    names = [name for name in header if name not in keys]
    for name in names:
        if not _ATTRIBUTE.fullmatch(name):
            raise AnnotationError(f"column {name[:64]!r}: a name of letters, digits and _ was wanted")
    return names
