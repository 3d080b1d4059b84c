"""MEGA's `predictions.pth`: a list of BoxLists, one a frame, in pixels of the network's input."""

import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vidkit.boxes import lossless_float, to_inclusive
from vidkit.data.index import Index
from vidkit.errors import PredictionError
from vidkit.files import writing
from vidkit.pickles.content import Origin, column, entries_of, numbers, table
from vidkit.pickles.safe_pickle import Box
from vidkit.predictions.formats import PickleReader, PredictionFormat
from vidkit.predictions.raw import ByRow, RawPredictions
from vidkit.predictions.read_options import BoxConvention
from vidkit.predictions.table import Predictions

_MODES: dict[object, BoxConvention] = {"xyxy": "inclusive", "xywh": "xywh"}


def is_box_lists(content: object) -> bool:
    """Whether content is a list of BoxLists."""
    return isinstance(content, list) and bool(content) and _is_box_list(content[0]) and _is_box_list(content[-1])


def _is_box_list(entry: object) -> bool:
    return isinstance(entry, Box) and {"bbox", "size", "extra_fields"} <= entry.state.keys()


def from_content(content: list[Any], origin: Origin) -> RawPredictions:
    """The detections of MEGA's BoxLists: inclusive corners, classes from 1, scaled from `size` when bound."""
    for k, entry in enumerate(content):
        if not _is_box_list(entry):
            raise PredictionError(f"{origin.place}: entry {k} isn't a BoxList with bbox, size and extra_fields")
    states = [entry.state for entry in content]
    boxes = [numbers(state["bbox"], origin.part(f"entry {k}")) for k, state in enumerate(states)]
    rows, counts = table(boxes, 4, origin)
    score = _field(states, "scores", origin, np.float32)
    label = _field(states, "labels", origin, np.int64)
    if not len(rows) == len(score) == len(label):
        raise PredictionError(f"{origin.place}: {len(rows)} boxes, {len(score)} scores, {len(label)} labels")
    modes = {state.get("mode") if isinstance(state.get("mode"), str) else None for state in states}
    if len(modes) != 1 or not modes <= _MODES.keys():
        raise PredictionError(f"{origin.place}: boxes of mode {' and '.join(map(str, modes))}; wanted xyxy or xywh")
    return RawPredictions(
        frame=ByRow(entries_of(counts), len(content)),
        box=rows,
        score=score,
        label=label,
        boxes=_MODES[modes.pop()],
        boxes_evidence="BoxList counts x2 and y2 inclusive",
        scale="network",
        scale_evidence="a BoxList states the size of the network's input",
        network_size=np.array([_size(state["size"], k, origin) for k, state in enumerate(states)], np.int64),
        first_label=1,
        classes_evidence="0 is the background",
    )


def _field(states: list[dict[str, Any]], name: str, origin: Origin, dtype: type[np.generic]) -> Any:
    parts = []
    for k, state in enumerate(states):
        fields = state["extra_fields"]
        if not isinstance(fields, dict) or name not in fields:
            raise PredictionError(f"{origin.place}: entry {k} has no {name}")
        parts.append(numbers(fields[name], origin.part(f"entry {k}")))
    return column(parts, origin, dtype)


def _size(size: object, k: int, origin: Origin) -> tuple[int, int]:
    if isinstance(size, list | tuple) and len(size) == 2 and all(type(n) is int and 0 < n < 100_000 for n in size):
        return size[0], size[1]
    raise PredictionError(f"{origin.place}: entry {k} has no usable size; wanted (width, height)")


def write(path: Path, predictions: Predictions, index: Index) -> None:
    """Write a file that `torch.load` takes for MEGA's, where MEGA is installed; it is made without MEGA and torch.

    Boxes are those of the original frames, and so is `size`. float32 as MEGA has it where that is exact, else float64.
    Raises PredictionError where the index doesn't know the size of its frames.
    """
    if (index.video_size <= 0).any():
        raise PredictionError(f"{path}: MEGA's BoxLists need the size of each frame, which the index doesn't know")
    columns = [
        lossless_float(to_inclusive(predictions.box.astype(np.float64))),
        predictions.class_id.astype(np.int64) + 1,
        lossless_float(predictions.score),
    ]
    program = [b"\x80\x02]("]
    starts = predictions.detection_start.tolist()
    for f, video in enumerate(index.frame_video.tolist()):
        rows = (starts[f], starts[f + 1] - starts[f])
        boxes, labels, scores = (_tensor(str(key), column, *rows) for key, column in enumerate(columns))
        width, height = index.video_size[video].tolist()
        program += [
            b"cmega_core.structures.bounding_box\nBoxList\n)\x81}(",
            _text("bbox") + boxes,
            _text("size") + _whole(width) + _whole(height) + b"\x86",
            _text("mode") + _text("xyxy"),
            _text("extra_fields") + b"}(" + _text("labels") + labels + _text("scores") + scores + b"u",
            b"ub",
        ]
    program.append(b"e.")
    with writing(path) as part, zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("predictions/data.pkl", b"".join(program))
        archive.writestr("predictions/byteorder", b"little")
        for key, column in enumerate(columns):
            archive.writestr(f"predictions/data/{key}", column.astype(column.dtype.newbyteorder("<")).tobytes())
        archive.writestr("predictions/version", b"3\n")


_STORAGES = {"float32": "FloatStorage", "float64": "DoubleStorage", "int64": "LongStorage"}


def _tensor(key: str, column: NDArray[Any], start: int, rows: int) -> bytes:
    """The pickle of a tensor that is so many rows of a storage."""
    width = 4 if column.ndim == 2 else 1
    storage = f"ctorch\n{_STORAGES[str(column.dtype)]}\n".encode()
    shape, steps = (_whole(rows), _whole(1)) if width == 1 else (_whole(rows) + _whole(4), _whole(4) + _whole(1))
    tuple_of = b"\x85" if width == 1 else b"\x86"
    return b"".join(
        [
            b"ctorch._utils\n_rebuild_tensor_v2\n(",
            b"(" + _text("storage") + storage + _text(key) + _text("cpu") + _whole(column.size) + b"tQ",
            _whole(start * width if rows else 0),
            shape + tuple_of + steps + tuple_of,
            b"\x89ccollections\nOrderedDict\n)RtR",
        ]
    )


def _text(value: str) -> bytes:
    return b"X" + struct.pack("<I", len(value)) + value.encode("ascii")


def _whole(value: int) -> bytes:
    return b"J" + struct.pack("<i", value) if value < 2**31 else b"\x8a\x08" + struct.pack("<q", value)


FORMATS = {"mega": PredictionFormat(PickleReader(is_box_lists, from_content), write)}
