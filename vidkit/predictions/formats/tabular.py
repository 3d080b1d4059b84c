"""Tables with named columns, one row a detection: CSV, Parquet, and the arrays of an npz."""

import csv
import re
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vidkit.data.index import Index
from vidkit.errors import PredictionError
from vidkit.files import writing
from vidkit.predictions.formats import FileReader, PredictionFormat
from vidkit.predictions.raw import ById, ByName, ByText, FrameKeys, Layout, RawPredictions
from vidkit.predictions.table import Predictions
from vidkit.predictions.text import exact_floats, first_line

MARK = "# vidkit-predictions 1"
"""How the CSV that vidkit writes begins: the line goes on with the box convention and the fingerprint of the index."""

_CORNERS = (
    ("x1", "y1", "x2", "y2"),
    ("xmin", "ymin", "xmax", "ymax"),
    ("x_min", "y_min", "x_max", "y_max"),
    ("left", "top", "right", "bottom"),
)
_SIDES = (
    ("x", "y", "w", "h"),
    ("x", "y", "width", "height"),
    ("left", "top", "width", "height"),
    ("xmin", "ymin", "width", "height"),
    ("bb_left", "bb_top", "bb_width", "bb_height"),
)
_CENTRES = tuple(
    (x, y, *sides)
    for x, y in (("cx", "cy"), ("xc", "yc"), ("x_center", "y_center"), ("xcenter", "ycenter"), ("center_x", "center_y"))
    for sides in (("w", "h"), ("width", "height"))
)
_ONE_BOX = ("box", "boxes", "bbox", "bboxes", "box_coordinates", "coordinates", "xyxy")
_SCORE = ("score", "scores", "confidence", "conf")
_CLASS_NAME = ("class_name", "label_name", "category_name", "name")
_CLASS = ("class", "class_id", "class_ids", "label", "labels", "category", "category_id", "cls")
_VIDEO = ("video", "video_name", "sequence", "seq", "video_id")
_FRAME = ("frame", "frame_number", "frame_id", "frames", "frame_index", "frame_idx")
_IMAGE_NAME = ("image", "file_name", "filename", "image_name", "path", "image_path")
_IMAGE = ("image_id", "global_id")
_FILM = re.compile(r"\.(?:mp4|m4v|mov|avi|mkv|webm|mpe?g)$", re.IGNORECASE)
_BEYOND = "(beyond the header)"


def names_columns(names: Iterable[str]) -> bool:
    """Whether these are names of columns of detections: a score and a box among them."""
    plain = {_plain(name) for name in names}
    box = any(set(names) <= plain for names in (*_CORNERS, *_SIDES, *_CENTRES)) or bool(plain & set(_ONE_BOX))
    frame = bool(plain & {*_FRAME, *_IMAGE, *_IMAGE_NAME})
    return bool(plain & set(_SCORE)) and box and frame


def _is_csv(text: str) -> str:
    line = first_line(text)
    named = names_columns(_cells(line, _separator(line)))
    return "its first line names columns" if named or text.startswith(MARK) else ""


def _separator(line: str) -> str:
    """What parts the names of columns: a comma, a semicolon or a tab."""
    return max(",;\t", key=line.count)


def _cells(line: str, separator: str) -> list[str]:
    return next(csv.reader([line], skipinitialspace=True, delimiter=separator), [])


def read_csv(path: Path) -> RawPredictions:
    """The detections of a CSV file whose first line names its columns.

    Raises PredictionError for two columns of one meaning, and for rows that are longer than the first line.
    """
    import pandas as pd

    with path.open("rb") as raw:
        if any(b"\0" in block for block in iter(partial(raw.read, 1 << 20), b"")):
            raise PredictionError(f"{path}: a zero byte in it; wanted text")
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        first = file.readline()
        marked = first.startswith(MARK)
        head, row = (file.readline() if marked else first), file.readline()
    separator = _separator(head)
    names = [name.strip() for name in _cells(head.rstrip("\r\n"), separator)]
    while names and not names[-1]:
        names.pop()  # a separator at the end of each row
    _check_names(names, path)
    texts = {name: str for name in names if _plain(name) in (*_VIDEO, *(_CLASS if marked else ()))}
    comma = separator == ";" and "," in row
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)  # that cells were left out
            frame = pd.read_csv(
                path,
                sep=separator,
                names=[*names, _BEYOND],
                skiprows=1 + int(marked),
                index_col=False,
                encoding="utf-8-sig",
                skipinitialspace=True,
                dtype={**texts, _BEYOND: str},
                **({"decimal": ","} if comma else exact_floats()),
            )
    except pd.errors.ParserWarning:
        raise PredictionError(f"{path}: rows have more cells than the first line has names ({len(names)})") from None
    except (ValueError, OverflowError, UnicodeDecodeError, pd.errors.ParserError, csv.Error) as error:
        raise PredictionError(f"{path}: not a CSV with named columns: {' '.join(str(error).split())}") from None
    beyond = frame.pop(_BEYOND).notna().to_numpy()
    if beyond.any():
        line = int(beyond.argmax()) + 2 + int(marked)
        raise PredictionError(f"{path}: line {line} has more cells than the first line has names ({len(names)})")
    told = dict(part.split("=", 1) for part in first.split() if "=" in part) if marked else {}
    return from_columns({str(name): frame[name].to_numpy() for name in frame.columns}, path, told)


def _check_names(names: Sequence[str], path: Path) -> None:
    plain = [_plain(name) for name in names]
    for k, name in enumerate(plain):
        if name in plain[:k]:
            raise PredictionError(f"{path}: two columns {names[plain.index(name)]!r} and {names[k]!r} mean one thing")


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
    _check_names(list(columns), path)
    plain = {_plain(name): np.asarray(values) for name, values in columns.items()}
    box, layout = _box(plain, path)
    score = _scores(_one(plain, _SCORE, path), path)
    if not len(box) == len(score):
        raise PredictionError(f"{path}: {len(box)} boxes, {len(score)} scores")
    label, names = _labels(_class_column(plain, path), path)
    boxes: Any = told.get("boxes")
    if boxes not in (None, "exclusive", "inclusive", "xywh", "xywh-inclusive"):
        raise PredictionError(f"{path}: says boxes={boxes}, which is no box convention")
    own = "class_id" in plain and bool(told)
    return RawPredictions(
        frame=_frame(plain, len(score), path, bool(told.get("index"))),
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


def _class_column(columns: Mapping[str, NDArray[Any]], path: Path) -> NDArray[Any]:
    """The names of the classes where a column has them, else their numbers."""
    named = [name for name in _CLASS_NAME if name in columns and columns[name].dtype.kind not in "biuf"]
    return columns[named[0]] if named else _one(columns, (*_CLASS, *_CLASS_NAME), path)


def _scores(values: NDArray[Any], path: Path) -> NDArray[Any]:
    """Scores as numbers; texts such as 95% as shares."""
    if values.size and values.dtype.kind in "OUS" and all(str(value).strip().endswith("%") for value in values):
        try:
            return np.array([float(str(value).strip()[:-1]) for value in values]) / 100
        except ValueError:
            raise PredictionError(f"{path}: the column score isn't made of numbers") from None
    return _numeric(values, "score", path)


def _plain(name: str) -> str:
    """A column's name as it is compared: in small letters, without what only says that it is of a box or detection."""
    name = name.strip().lower()
    for prefix in ("det_", "pred_", "bbox_", "box.", "bbox."):
        name = name.removeprefix(prefix)
    return name


def _one(columns: Mapping[str, NDArray[Any]], names: Sequence[str], path: Path) -> NDArray[Any]:
    found = [name for name in names if name in columns]
    if not found:
        raise PredictionError(f"{path}: no column {', '.join(names)}; there are {', '.join(list(columns)[:20])}")
    if len(found) > 1:
        raise PredictionError(f"{path}: the columns {' and '.join(found)} mean one thing: leave one of them")
    return columns[found[0]]


def _numeric(values: NDArray[Any], name: str, path: Path) -> NDArray[Any]:
    if not values.size:
        return np.zeros(values.shape)
    if values.dtype.kind not in "iuf":
        raise PredictionError(f"{path}: the column {name} isn't made of numbers")
    return values.astype(np.float64) if values.dtype.kind != "f" else values


def _box(columns: Mapping[str, NDArray[Any]], path: Path) -> tuple[NDArray[Any], Layout]:
    corners = [names for names in _CORNERS if set(names) <= columns.keys()]
    sides = [names for names in (*_SIDES, *_CENTRES) if set(names) <= columns.keys()]
    if len(corners) == 1:  # beside corners, width and height are those of the frame
        sides = [names for names in sides if not set(names[:2]) <= set(corners[0])]
    found: list[tuple[tuple[str, ...], Layout]] = [
        *((names, "corners") for names in corners),
        *((names, "xywh") for names in sides),
    ]
    one = [name for name in _ONE_BOX if name in columns]
    if len(found) + len(one) > 1:
        said = [" ".join(names) for names, _ in found] + one
        raise PredictionError(f"{path}: the columns {' and '.join(said)} mean one thing: leave one box for each row")
    for name in one:
        return _boxes_of_cells(columns[name], name, path), "corners"
    for names, layout in found:
        four = np.column_stack([_numeric(columns[name], name, path) for name in names])
        if names in _CENTRES:
            four = np.column_stack([four[:, :2] - four[:, 2:] / 2, four[:, 2:]])
        return four, layout
    raise PredictionError(
        f"{path}: no boxes: wanted columns x1, y1, x2, y2 or x, y, width, height; there are "
        f"{', '.join(list(columns)[:20])}"
    )


def _boxes_of_cells(values: NDArray[Any], name: str, path: Path) -> NDArray[Any]:
    """Boxes of one column: rows of four numbers, or texts such as [1, 2, 3, 4] and {'x1': 1, …}."""
    if values.ndim == 2 and values.shape[1] == 4:
        return _numeric(values, name, path)
    boxes = []
    for k, cell in enumerate(values.tolist()):
        numbers = re.findall(r"(?<![\w.])-?[0-9.]+(?:[eE][+-]?[0-9]+)?", str(cell))
        try:
            boxes.append([float(number) for number in numbers])
        except ValueError:
            boxes.append([])
        if len(boxes[-1]) != 4:
            raise PredictionError(f"{path}: row {k + 1}: {name} is {str(cell)[:60]!r}, wanted four numbers")
    return np.array(boxes, np.float64).reshape(-1, 4)


def _labels(values: NDArray[Any], path: Path) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Whole numbers, and their names where the column has names."""
    if values.dtype.kind in "biu" or not values.size:
        return _whole(values, "class", path), ()
    if values.dtype.kind == "f":
        return _whole(values, "class", path), ()
    label, names = _codes(values)
    return label, names


def _frame(columns: Mapping[str, NDArray[Any]], n: int, path: Path, of_index: bool) -> FrameKeys:
    there = {name: column for name, column in columns.items() if column.shape == (n,)}
    videos = next((there[name] for name in _VIDEO if name in there), None)
    numbers = [name for name in _FRAME if name in there]
    if len(numbers) > 1:
        raise PredictionError(f"{path}: the columns {' and '.join(numbers)} mean one thing: leave one of them")
    number = there[numbers[0]] if numbers else None
    named = next((there[name] for name in _IMAGE_NAME if name in there and there[name].dtype.kind not in "biuf"), None)
    if named is not None and number is not None and videos is None and _FILM.search(str(named[0]) if n else ""):
        videos, named = named, None
    if number is not None and videos is not None:
        return replace(_by_video(videos, _whole(number, "frame", path), columns, path), are_of_index=of_index)
    if named is not None:
        entry, names = _codes(named)
        return ByText(entry, names)
    image = next((there[name] for name in (*_IMAGE, *_IMAGE_NAME) if name in there), None)
    if image is None and number is not None:
        return ById(_whole(number, "frame", path), first=None)
    if image is None:
        raise PredictionError(f"{path}: no column tells the frame: wanted video and frame, or image_id")
    if image.dtype.kind in "biuf":
        return ById(_whole(image, "image_id", path), first=None)
    entry, names = _codes(image)
    return ByText(entry, names)


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
