"""npz: columns of detections as arrays, without pickles; vidkit's own form and others' with named columns."""

import io
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vidkit.data.index import Index
from vidkit.errors import PredictionError
from vidkit.files import writing
from vidkit.predictions.formats import FileReader, PredictionFormat
from vidkit.predictions.formats.tabular import from_columns
from vidkit.predictions.raw import ByRow, RawPredictions
from vidkit.predictions.table import Predictions

NPZ_FORMAT, NPZ_VERSION = "vidkit-predictions", 1
_MOST_INFLATED = 256 << 20
_INFLATED_A_BYTE = 40
_LONGEST_HEADER = 10_000


def read(path: Path) -> RawPredictions:
    """The detections of an npz; PredictionError for one with pickled objects, or that inflates beyond reason."""
    arrays = read_arrays(path)
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


def read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """The arrays of an npz, each read only after its stated size was compared with what the file holds."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = [info for info in archive.infolist() if info.filename.endswith(".npy")]
            inflated = sum(info.file_size for info in members)
            if inflated > max(_MOST_INFLATED, _INFLATED_A_BYTE * path.stat().st_size):
                raise PredictionError(f"{path}: refused: it says that it inflates to {inflated} bytes: a zip bomb")
            return {info.filename[: -len(".npy")]: _array(archive, info, path) for info in members}
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        raise PredictionError(f"{path}: damaged npz: {error}") from None


def _array(archive: zipfile.ZipFile, info: zipfile.ZipInfo, path: Path) -> NDArray[Any]:
    data = archive.read(info)
    head = io.BytesIO(data)
    try:
        version = np.lib.format.read_magic(head)
        read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, fortran, dtype = read_header(head, max_header_size=_LONGEST_HEADER)
    except ValueError as error:
        raise PredictionError(f"{path}: damaged array {info.filename}: {error}") from None
    size = int(np.prod(np.array(shape, object))) if shape else 1
    if dtype.hasobject or dtype.kind not in "biufSU":
        raise PredictionError(
            f"{path}: refused: {info.filename} holds {dtype}: pickled objects aren't read from an npz"
        )
    if size * dtype.itemsize != len(data) - head.tell():
        raise PredictionError(
            f"{path}: {info.filename} says {shape} of {dtype}, and holds {len(data) - head.tell()} bytes"
        )
    flat = np.frombuffer(data, dtype, offset=head.tell())
    return flat.reshape(shape, order="F" if fortran else "C")


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
