"""`predictions.h5`: predictions as a file of vidkit's own. docs/formats.md has the format."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vidkit import hdf5
from vidkit.errors import FormatError
from vidkit.predictions.table import FrameTimes, Predictions, RunInfo

PREDICTIONS_FORMAT, PREDICTIONS_VERSION = "vidkit-predictions", 1


def write_predictions(path: str | Path, predictions: Predictions) -> None:
    """Write `predictions` to `path`, whole or not at all."""
    n_bytes = hdf5.n_bytes(vars(predictions)) + hdf5.n_bytes(_frame_columns(predictions))
    with hdf5.creating(path, PREDICTIONS_FORMAT, PREDICTIONS_VERSION, n_bytes) as file:
        run = json.dumps(asdict(predictions.run), default=str)
        file["/run"] = np.bytes_(run)  # no attribute: these hold 64 KB at most
        hdf5.write_texts(file, index_fingerprint=predictions.index_fingerprint, checksum=_checksum(predictions, run))
        file["/frames/detection_start"] = predictions.detection_start
        for name in ("box", "score", "class_id"):
            file[f"/detections/{name}"] = getattr(predictions, name)
        for place, column in _frame_columns(predictions).items():
            file[place] = column


def read_predictions(path: str | Path) -> Predictions:
    """The predictions stored at `path` in vidkit's own HDF5 format, read whole.

    Raises FormatError if it isn't a vidkit predictions file of a known version, is damaged, doesn't have the content
    that its checksum tells, or has columns that can't be. What a detector may get wrong, such as a box that isn't
    finite, is read as it stands; `vidkit.predictions.read` counts and refuses it.
    """
    with hdf5.opening(path, PREDICTIONS_FORMAT, PREDICTIONS_VERSION) as file:
        run = hdf5.column(file, "/run").item().decode()
        times = None
        if "/frames/times" in file:
            times = FrameTimes(**{k: hdf5.column(file, f"/frames/times/{k}") for k in FrameTimes.__dataclass_fields__})
        predictions = Predictions(
            detection_start=hdf5.column(file, "/frames/detection_start"),
            box=hdf5.column(file, "/detections/box"),
            score=hdf5.column(file, "/detections/score"),
            class_id=hdf5.column(file, "/detections/class_id"),
            index_fingerprint=hdf5.text_of(file, "index_fingerprint"),
            is_key=hdf5.column(file, "/frames/is_key") if "/frames/is_key" in file else None,
            key_distance=hdf5.column(file, "/frames/key_distance") if "/frames/key_distance" in file else None,
            times=times,
            run=run_info(json.loads(run)),
        )
        _check_sense(predictions)
        if "checksum" in file.attrs:  # other programs may leave it out
            hdf5.check_told(file, "checksum", _checksum(predictions, run))
        return predictions


_KINDS = {"detection_start": "i", "box": "f", "score": "f", "class_id": "i", "is_key": "b", "key_distance": "i"}
_KINDS_OF_TIMES = {"compute_seconds": "f", "decode_seconds": "f", "look_ahead": "i", "warm_up": "b"}


def _check_sense(predictions: Predictions) -> None:
    """Raise FormatError for a column of another kind, and for times that can't be; NaN: the frame wasn't run."""
    times = predictions.times
    for told, kinds in ((predictions, _KINDS), (times, _KINDS_OF_TIMES)):
        for name, kind in kinds.items():
            column = getattr(told, name, None)
            if column is not None and column.dtype.kind not in kind:
                raise FormatError(f"{name} is of {column.dtype}; wanted the type that docs/formats.md says")
    for name in ("compute_seconds", "decode_seconds", "look_ahead"):
        column = getattr(times, name, None)
        if column is not None and ((column < 0) | (column == np.inf)).any():
            raise FormatError(f"{name}: a number below 0, or without end")


def run_info(told: object) -> RunInfo:
    """What a file tells of its run. Raises FormatError for anything but names with values of the right kinds."""
    if not isinstance(told, dict) or set(told) - set(RunInfo.__dataclass_fields__):
        raise FormatError("/run: wanted an object with what docs/formats.md names")
    for name, value in told.items():
        kind = {"detector": str, "scenario": str, "limited": bool}.get(name, dict)
        if not isinstance(value, kind):
            raise FormatError(f"/run: {name} is {value!r}, wanted {'an object' if kind is dict else kind.__name__}")
    return RunInfo(**told)


def _frame_columns(predictions: Predictions) -> dict[str, NDArray[Any]]:
    """The columns that predictions may have for each frame, by their places in the file."""
    times = {} if predictions.times is None else vars(predictions.times)
    columns = {f"/frames/{name}": getattr(predictions, name) for name in ("is_key", "key_distance")}
    columns |= {f"/frames/times/{name}": column for name, column in times.items()}
    return {place: column for place, column in columns.items() if column is not None}


def _checksum(predictions: Predictions, run: str) -> str:
    """32 hexadecimal digits that change with anything in a file of predictions. `run` is as it stands there."""
    return hdf5.checksum(_frame_columns(predictions), predictions.fingerprint, run)
