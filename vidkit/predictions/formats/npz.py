"""npz: columns of detections as arrays, without pickles; vidkit's own form and others' with named columns."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from vidkit.data.index import Index
from vidkit.errors import PredictionError
from vidkit.files import writing
from vidkit.npz_arrays import read_arrays
from vidkit.predictions.formats import FileReader, PredictionFormat
from vidkit.predictions.formats.tabular import from_columns
from vidkit.predictions.raw import ByRow, RawPredictions
from vidkit.predictions.table import Predictions

NPZ_FORMAT, NPZ_VERSION = "vidkit-predictions", 1


def read(path: Path) -> RawPredictions:
    """The detections of an npz; PredictionError for one with pickled objects, or that inflates beyond reason."""
    arrays = read_arrays(path, PredictionError)
    if str(arrays.get("format")) != NPZ_FORMAT:
        return from_columns(arrays, path, {})
    if str(arrays.get("version")) != str(NPZ_VERSION):
        raise PredictionError(f"{path}: vidkit npz version {arrays.get('version')}; version {NPZ_VERSION} is known")
    try:
        start = arrays["detection_start"].astype(np.int64)
        box, score, class_id = arrays["box"], arrays["score"], arrays["class_id"]
    except KeyError as error:
        raise PredictionError(f"{path}: no array {error} in this vidkit npz") from None
    sound = start.ndim == 1 and len(start) > 0 and start[0] == 0 and (np.diff(start) >= 0).all()
    n = len(score) if score.ndim == 1 else -1
    if not sound or start[-1] != n or box.shape != (n, 4) or class_id.shape != (n,):
        raise PredictionError(f"{path}: its columns contradict each other")
    return RawPredictions(
        frame=ByRow(np.repeat(np.arange(len(start) - 1), np.diff(start)), len(start) - 1),
        box=box,
        score=score,
        label=class_id,
        boxes="exclusive",
        scale="pixels",
        first_label=0,
        index_fingerprint=str(arrays.get("index_fingerprint", "")),
    )


def write(path: Path, predictions: Predictions, index: Index) -> None:
    """Write an npz of the columns of `predictions`, with format, version and the fingerprint of the index."""
    with writing(path) as part, part.open("wb") as file:
        np.savez(
            file,
            format=np.array(NPZ_FORMAT),
            version=np.array(NPZ_VERSION),
            index_fingerprint=np.array(index.fingerprint),
            detection_start=predictions.detection_start,
            box=predictions.box,
            score=predictions.score,
            class_id=predictions.class_id,
        )


def _is_npz(names: Sequence[str]) -> str:
    return "a zip of .npy arrays" if names and all(name.endswith(".npy") for name in names) else ""


FORMATS = {"npz": PredictionFormat(FileReader(lambda path, _: read(path), zipped=_is_npz), write)}
