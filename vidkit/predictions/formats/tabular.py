"""Tables with named columns, one row a detection: CSV, Parquet, and the arrays of an npz."""

import csv
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vidkit.data.index import Index
from vidkit.errors import PredictionError
from vidkit.files import writing
from vidkit.predictions.formats import FileReader, PredictionFormat
from vidkit.predictions.raw import ById, ByName, ByRow, Layout, RawPredictions
from vidkit.predictions.table import Predictions
from vidkit.predictions.text import exact_floats, first_line
from vidkit.predictions.videos import named_frames

MARK = "# vidkit-predictions 1"
"""How the CSV that vidkit writes begins: the line goes on with the box convention and the fingerprint of the index."""

_CORNERS = (("x1", "y1", "x2", "y2"), ("xmin", "ymin", "xmax", "ymax"), ("left", "top", "right", "bottom"))
_SIDES = (
    ("x", "y", "w", "h"),
    ("x", "y", "width", "height"),
    ("left", "top", "width", "height"),
    ("xmin", "ymin", "width", "height"),
    ("bb_left", "bb_top", "bb_width", "bb_height"),
)
_ONE_BOX = ("box", "boxes", "bbox", "bboxes")
_SCORE = ("score", "scores", "confidence", "conf")
_CLASS = ("class", "class_id", "class_ids", "class_name", "label", "labels", "category", "category_id", "name")
_VIDEO = ("video", "video_name", "sequence", "seq", "video_id")
_FRAME = ("frame", "frame_number", "frame_id", "frames", "frame_index")
_IMAGE = ("image_id", "image", "file_name", "filename", "image_name", "path", "global_id")


def _is_csv(text: str) -> str:
    names = {_plain(cell) for cell in first_line(text).split(",")}
    named = bool(names & set(_SCORE)) and any(set(box) <= names for box in _CORNERS + _SIDES)
    return "its first line names columns" if named or text.startswith(MARK) else ""


def read_csv(path: Path) -> RawPredictions:
    """The detections of a CSV file whose first line names its columns."""
    import pandas as pd

    with path.open(encoding="utf-8-sig", errors="replace") as file:
        first = file.readline()
    marked = first.startswith(MARK)
    texts = {name: str for name in _header(path, marked) if _plain(name) in (*_VIDEO, *(_CLASS if marked else ()))}
    try:
        frame = pd.read_csv(
            path, skiprows=int(marked), encoding="utf-8-sig", skipinitialspace=True, dtype=texts, **exact_floats()
        )
    except (ValueError, OverflowError, UnicodeDecodeError, pd.errors.ParserError, csv.Error) as error:
        raise PredictionError(f"{path}: not a CSV with named columns: {' '.join(str(error).split())}") from None
    told = dict(part.split("=", 1) for part in first.split() if "=" in part) if marked else {}
    return from_columns({str(name): frame[name].to_numpy() for name in frame.columns}, path, told)


def _header(path: Path, marked: bool) -> list[str]:
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        if marked:
            file.readline()
        return next(csv.reader(file, skipinitialspace=True), [])


def read_parquet(path: Path) -> RawPredictions:
    """The detections of a Parquet file; needs pyarrow."""
    parquet = _pyarrow(f"{path}: reading Parquet", ".parquet")
    table = parquet.read_table(path)
    told = {
        key.decode(): value.decode() for key, value in (table.schema.metadata or {}).items() if key[:6] == b"vidkit"
    }
    columns = {name: table.column(name).to_numpy(zero_copy_only=False) for name in table.column_names}
    return from_columns(columns, path, {key.removeprefix("vidkit_"): value for key, value in told.items()})


def _pyarrow(doing: str, part: str = "") -> Any:
    """The library pyarrow or a part of it; PredictionError if it isn't installed."""
    try:
        return import_module("pyarrow" + part)
    except ImportError:
        raise PredictionError(f"{doing} needs pyarrow: pip install pyarrow, or take CSV or npz instead") from None


def from_columns(columns: Mapping[str, NDArray[Any]], path: Path, told: Mapping[str, str]) -> RawPredictions:
    """The detections of named columns; `told` is what the file itself says of boxes, classes and index."""
    plain = {_plain(name): np.asarray(values) for name, values in columns.items()}
    box, layout = _box(plain, path)
    score = _numeric(_one(plain, _SCORE, path), "score", path)
    if not len(box) == len(score):
        raise PredictionError(f"{path}: {len(box)} boxes, {len(score)} scores")
    label, names = _labels(_one(plain, _CLASS, path), path)
    boxes: Any = told.get("boxes")
    if boxes not in (None, "exclusive", "inclusive", "xywh", "xywh-inclusive"):
        raise PredictionError(f"{path}: says boxes={boxes}, which is no box convention")
    own = "class_id" in plain and bool(told)
    return RawPredictions(
        frame=_frame(plain, len(score), path),
        box=box,
        score=score,
        label=label,
        boxes=boxes,
        boxes_evidence="the file says so" if boxes else "",
        layout=layout,
        scale="pixels" if told else None,
        first_label=0 if own else None,
        label_names=names,
        index_fingerprint=told.get("index", ""),
    )


def _plain(name: str) -> str:
    """A column's name as it is compared: in small letters, without "det_" or "pred_"."""
    name = name.strip().lower()
    for prefix in ("det_", "pred_", "bbox_"):
        name = name.removeprefix(prefix)
    return name


def _one(columns: Mapping[str, NDArray[Any]], names: Sequence[str], path: Path) -> NDArray[Any]:
    found = [name for name in names if name in columns]
    if not found:
        raise PredictionError(f"{path}: no column {', '.join(names)}; there are {', '.join(list(columns)[:20])}")
    return columns[found[0]]


def _numeric(values: NDArray[Any], name: str, path: Path) -> NDArray[Any]:
    if not values.size:
        return np.zeros(values.shape)
    if values.dtype.kind not in "biuf":
        raise PredictionError(f"{path}: the column {name} isn't made of numbers")
    return values.astype(np.float64) if values.dtype.kind != "f" else values


def _box(columns: Mapping[str, NDArray[Any]], path: Path) -> tuple[NDArray[Any], Layout]:
    for name in _ONE_BOX:
        if name in columns and columns[name].ndim == 2 and columns[name].shape[1] == 4:
            return _numeric(columns[name], name, path), "corners"
    known: tuple[tuple[Sequence[Sequence[str]], Layout], ...] = ((_CORNERS, "corners"), (_SIDES, "xywh"))
    for sets, layout in known:
        for names in sets:
            if set(names) <= columns.keys():
                return np.column_stack([_numeric(columns[name], name, path) for name in names]), layout
    raise PredictionError(
        f"{path}: no boxes: wanted columns x1, y1, x2, y2 or x, y, width, height; there are "
        f"{', '.join(list(columns)[:20])}"
    )


def _labels(values: NDArray[Any], path: Path) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Whole numbers, and their names where the column has names."""
    if values.dtype.kind in "biu" or not values.size:
        return _whole(values, "class", path), ()
    if values.dtype.kind == "f":
        return _whole(values, "class", path), ()
    label, names = _codes(values)
    return label, names


def _frame(columns: Mapping[str, NDArray[Any]], n: int, path: Path) -> ByRow | ById | ByName:
    videos = next((columns[name] for name in _VIDEO if name in columns and columns[name].shape == (n,)), None)
    number = next((columns[name] for name in _FRAME if name in columns and columns[name].shape == (n,)), None)
    if number is not None and videos is not None:
        return _by_video(videos, _whole(number, "frame", path), columns, path)
    image = next((columns[name] for name in _IMAGE if name in columns), number)
    if image is None or image.shape != (n,):
        raise PredictionError(f"{path}: no column tells the frame: wanted video and frame, or image_id")
    if image.dtype.kind in "biuf":
        return ById(_whole(image, "image_id", path), first=None)
    entry, names = _codes(image)
    return named_frames(entry, names, str(path))


def _by_video(
    videos: NDArray[Any], number: NDArray[np.int64], columns: Mapping[str, NDArray[Any]], path: Path
) -> ByName:
    """Frames named by a video column of names, or of rows of the videos of the index."""
    told = columns.get("video_name")
    if videos.dtype.kind in "biuf" and told is not None and told.ndim == 1 and told is not videos:
        of, names = _whole(videos, "video", path), tuple(str(name) for name in told.tolist())
    else:
        of, names = _codes(videos if videos.dtype.kind not in "f" else _whole(videos, "video", path))
    span = int(number.max()) + 1 if len(number) else 1
    if len(number) and (number.min() < 0 or of.min() < 0 or of.max() >= len(names) or span > 2**31):
        raise PredictionError(f"{path}: a video or frame number that can't be")
    keys, entry = np.unique(of * span + number, return_inverse=True)
    return ByName(
        entry.astype(np.int64),
        tuple(names[k] for k in (keys // span).tolist()),
        keys % span,
        videos_are_rows=all(name.isascii() and name.isdigit() and len(name) < 10 for name in names),
    )


def _codes(values: NDArray[Any]) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Which of its distinct values each value is, and these as text, in the order in which they come."""
    import pandas as pd

    codes, distinct = pd.factorize(values, use_na_sentinel=False)
    return codes.astype(np.int64), tuple(str(value) for value in distinct.tolist())


def _whole(values: NDArray[Any], name: str, path: Path) -> NDArray[np.int64]:
    if not values.size:
        return np.zeros(values.shape, np.int64)
    if values.dtype.kind in "biu" or (values.dtype.kind == "f" and np.array_equal(values, np.floor(values))):
        if np.abs(values.astype(np.float64)).max() >= 2**53:
            raise PredictionError(f"{path}: a {name} that is too large")
        return values.astype(np.int64)
    raise PredictionError(f"{path}: the column {name} isn't made of whole numbers")


def columns_of(predictions: Predictions, index: Index) -> dict[str, NDArray[Any]]:
    """The detections as columns: video, frame, class, score, x1, y1, x2, y2, with exclusive corners."""
    frame = predictions.detection_frame
    return {
        "video": np.array(index.video_name, object)[index.frame_video[frame]],
        "frame": index.frame_number[frame],
        "class": np.array(index.class_names, object)[predictions.class_id],
        "score": predictions.score,
        **{name: predictions.box[:, k] for k, name in enumerate(("x1", "y1", "x2", "y2"))},
    }


def write_csv(path: Path, predictions: Predictions, index: Index) -> None:
    """Write a CSV; its first line, a comment, says that corners are exclusive and which index it is for."""
    import pandas as pd

    columns = columns_of(predictions, index)
    table = pd.DataFrame({name: _widened(column) for name, column in columns.items()})
    with writing(path) as part, part.open("w", encoding="utf-8", newline="") as file:
        file.write(f"{MARK} boxes=exclusive index={index.fingerprint}\n")
        table.to_csv(file, index=False)


def write_parquet(path: Path, predictions: Predictions, index: Index) -> None:
    """Write a Parquet file; needs pyarrow."""
    pyarrow, parquet = _pyarrow("writing Parquet"), _pyarrow("writing Parquet", ".parquet")
    table = pyarrow.table({name: pyarrow.array(column) for name, column in columns_of(predictions, index).items()})
    told = {"vidkit_format": "vidkit-predictions", "vidkit_version": "1", "vidkit_boxes": "exclusive"}
    with writing(path) as part:
        parquet.write_table(table.replace_schema_metadata({**told, "vidkit_index": index.fingerprint}), part)


def _widened(column: NDArray[Any]) -> NDArray[Any]:
    return column.astype(np.float64) if column.dtype.kind == "f" else column


FORMATS = {
    "csv": PredictionFormat(FileReader(lambda path, _: read_csv(path), text=_is_csv), write_csv),
    "parquet": PredictionFormat(
        FileReader(
            lambda path, _: read_parquet(path),
            head=lambda head: "PAR1 at its start" if head.startswith(b"PAR1") else "",
        ),
        write_parquet,
    ),
}
