"""FGFA's and DFF's files: text lines `id class score x1 y1 x2 y2` and the raw cache of a run."""

import pickle
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vidkit.boxes import to_inclusive
from vidkit.data.index import Index
from vidkit.errors import PredictionError
from vidkit.files import writing
from vidkit.pickles.content import Origin, check_entries, numbers, table
from vidkit.predictions.formats import FileReader, PickleReader, PredictionFormat
from vidkit.predictions.raw import ById, RawPredictions
from vidkit.predictions.table import Predictions
from vidkit.predictions.text import are_numbers, first_line, read_numbers

COLUMNS = {"frame": "int64", "class": "int64", "score": "float64", "x1": "float64", "y1": "float64", "x2": "float64"}
COLUMNS |= {"y2": "float64"}


def _is_text(text: str) -> str:
    line = first_line(text)
    seven = len(line.split()) == 7 and "," not in line and are_numbers(line.split())
    return "lines of seven numbers" if seven else ""


def read_text(path: Path) -> RawPredictions:
    """The detections of FGFA text: inclusive corners, frame ids and classes from 1."""
    columns = read_numbers(path, COLUMNS, separator=r"\s+")
    return _raw(
        columns["frame"],
        columns["class"],
        columns["score"],
        np.column_stack([columns[name] for name in ("x1", "y1", "x2", "y2")]),
    )


def _raw(
    frame: NDArray[np.int64],
    label: NDArray[np.int64],
    score: NDArray[Any],
    box: NDArray[Any],
    entries: NDArray[np.int64] | None = None,
    entry: NDArray[np.int64] | None = None,
) -> RawPredictions:
    return RawPredictions(
        frame=ById(frame, first=1, entries=entries, entry=entry),
        box=box,
        score=score,
        label=label,
        boxes="inclusive",
        boxes_evidence="FGFA's evaluator counts x2 and y2 inclusive",
        scale="pixels",
        scale_evidence="FGFA writes boxes of the original frame",
        first_label=1,
        classes_evidence="0 is the background",
    )


def is_raw_cache(content: object) -> bool:
    """Whether content is (all_boxes, frame_ids) of FGFA's cache."""
    return (
        isinstance(content, tuple | list)
        and len(content) == 2
        and isinstance(content[0], list)
        and bool(content[0])
        and all(isinstance(of_class, list) for of_class in content[0])
        and isinstance(content[1], list | np.ndarray)
        and all(len(of_class) == len(content[1]) for of_class in content[0])
        and all(isinstance(id, int | np.integer) for id in content[1])
    )


def from_raw_cache(content: Any, origin: Origin) -> RawPredictions:
    """The detections of FGFA's cache: `all_boxes[class][k] (n, 5)`, class 0 the background, ids from 1."""
    boxes, ids = content[0], np.array(content[1], np.int64)
    check_entries(sum(map(len, boxes)), origin)
    parts = [numbers(of_frame, origin) for of_class in boxes for of_frame in of_class]
    rows, counts = table(parts, 5, origin)
    label = np.repeat(np.repeat(np.arange(len(boxes)), len(ids)), counts)
    entry = np.repeat(np.tile(np.arange(len(ids)), len(boxes)), counts)
    background = label == 0
    if background.any():
        raise PredictionError(f"{origin.place}: {int(background.sum())} detections of class 0, the background")
    return _raw(ids[entry], label, rows[:, 4], rows[:, :4], ids, entry)


def write_text(path: Path, predictions: Predictions, index: Index, full_precision: bool = False) -> None:
    """Write FGFA text: scores with 4 decimals and boxes with 2, as FGFA does, or every digit with `full_precision`."""
    form = "%d %d %r %r %r %r %r" if full_precision else "%d %d %.4f %.2f %.2f %.2f %.2f"
    boxes = to_inclusive(predictions.box.astype(np.float64))
    rows = zip(
        (predictions.detection_frame + 1).tolist(),
        (predictions.class_id + 1).tolist(),
        predictions.score.astype(np.float64).tolist(),
        *boxes.T.tolist(),
        strict=True,
    )
    with writing(path) as part, part.open("w", encoding="ascii") as file:
        file.writelines(form % row + "\n" for row in rows)


def write_raw_cache(path: Path, predictions: Predictions, index: Index) -> None:
    """Write `(all_boxes, frame_ids)`: `all_boxes[class][k]` is a list of [x1, y1, x2, y2, score], class 0 empty.

    Lists of floats in protocol 2, so that Python 2 reads them without numpy of a certain version.
    """
    boxes = to_inclusive(predictions.box.astype(np.float64))
    rows = np.column_stack([boxes, predictions.score.astype(np.float64)]).tolist()
    all_boxes: list[list[list[list[float]]]] = [[[] for _ in range(index.n_frames)] for _ in range(index.n_classes + 1)]
    for frame, label, row in zip(
        predictions.detection_frame.tolist(), predictions.class_id.tolist(), rows, strict=True
    ):
        all_boxes[label + 1][frame].append(row)
    with writing(path) as part, part.open("wb") as file:
        pickle.dump((all_boxes, list(range(1, index.n_frames + 1))), file, protocol=2)


FORMATS = {
    "fgfa": PredictionFormat(
        FileReader(lambda path, _: read_text(path), text=_is_text),
        write_text,
        write_in_full=partial(write_text, full_precision=True),
    ),
    "fgfa-raw": PredictionFormat(PickleReader(is_raw_cache, from_raw_cache), write_raw_cache),
}
