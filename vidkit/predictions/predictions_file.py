"""`predictions.h5`: predictions as a file of vidkit's own. docs/formats.md has the format."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vidkit import hdf5
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

    Raises FormatError if it isn't a vidkit predictions file of a known version, is damaged, or doesn't have the
    content that its checksum tells.
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
            run=RunInfo(**json.loads(run)),
        )
        if "checksum" in file.attrs:  # other programs may leave it out
            hdf5.check_told(file, "checksum", _checksum(predictions, run))
        return predictions


def _frame_columns(predictions: Predictions) -> dict[str, NDArray[Any]]:
    """The columns that predictions may have for each frame, by their places in the file."""
    times = {} if predictions.times is None else vars(predictions.times)
    columns = {f"/frames/{name}": getattr(predictions, name) for name in ("is_key", "key_distance")}
    columns |= {f"/frames/times/{name}": column for name, column in times.items()}
    return {place: column for place, column in columns.items() if column is not None}


def _checksum(predictions: Predictions, run: str) -> str:
    """32 hexadecimal digits that change with anything in a file of predictions. `run` is as it stands there."""
    return hdf5.checksum(_frame_columns(predictions), predictions.fingerprint, run)
