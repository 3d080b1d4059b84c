"""Index and Predictions as HDF5 files; the only importer of h5py. The formats are written down in docs/formats.md."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

import vidkit
from vidkit.classes import ObjectClass
from vidkit.data.index import FrameFiles, Index
from vidkit.errors import FormatError
from vidkit.files import reserve, writing
from vidkit.predictions.table import FrameTimes, Predictions, RunInfo
from vidkit.predictions.weight_maps import WeightMaps, columns_of

INDEX_FORMAT, INDEX_VERSION = "vidkit-index", 1
PREDICTIONS_FORMAT, PREDICTIONS_VERSION = "vidkit-predictions", 1
WEIGHT_MAPS_FORMAT, WEIGHT_MAPS_VERSION = "vidkit-weight-maps", 1
SIGNATURE = b"\x89HDF\r\n\x1a\n"
OVERHEAD = 1 << 16  # bytes: more than HDF5 needs beside the columns

_INDEX_COLUMNS = {
    "video_size": "/videos/size",
    "frame_start": "/videos/frame_start",
    "frame_number": "/frames/number",
    "instance_start": "/frames/instance_start",
    "box": "/instances/box",
    "class_id": "/instances/class_id",
    "track_id": "/instances/track_id",
    "occluded": "/instances/occluded",
    "generated": "/instances/generated",
    "motion_iou": "/instances/motion_iou",
}


def is_hdf5(path: str | Path) -> bool:
    """Return whether a file is HDF5, of whatever content."""
    return bool(h5py.is_hdf5(path))


def write_index(path: str | Path, index: Index) -> None:
    """Write `index` to `path`, whole or not at all."""
    columns = [vars(index), index.frame_attributes, index.instance_attributes, vars(index.files) if index.files else {}]
    with _creating(path, INDEX_FORMAT, INDEX_VERSION, sum(map(_n_bytes, columns))) as file:
        _write_texts(file, dataset=index.dataset, split=index.split, fingerprint=index.fingerprint)
        _write_strings(file, "/classes/name", index.class_names)
        _write_strings(file, "/classes/wnid", [c.wnid for c in index.classes])
        _write_strings(file, "/videos/name", index.video_name)
        for name, place in _INDEX_COLUMNS.items():
            if getattr(index, name) is not None:
                file[place] = getattr(index, name)
        for level, attributes in (("frames", index.frame_attributes), ("instances", index.instance_attributes)):
            for name, column in attributes.items():
                file[f"/{level}/attributes/{name}"] = column
        if index.files is not None:
            _write_files(file.create_group("files"), index.files)


def read_index(path: str | Path) -> Index:
    """Return the index stored at `path`, read whole; the file is closed again.

    Raises FormatError if it isn't a vidkit index of a known version, is damaged, or doesn't have the content that its
    fingerprint tells.
    """
    with _opening(path, INDEX_FORMAT, INDEX_VERSION) as file:
        names, wnids = _strings(file, "/classes/name"), _strings(file, "/classes/wnid")
        index = Index(
            dataset=_text(file, "dataset"),
            split=_text(file, "split"),
            classes=tuple(ObjectClass(name, wnid) for name, wnid in zip(names, wnids, strict=True)),
            video_name=_strings(file, "/videos/name"),
            frame_attributes=_attributes(file, "/frames/attributes"),
            instance_attributes=_attributes(file, "/instances/attributes"),
            files=_read_files(file) if "files" in file else None,
            **{name: _column(file, at) for name, at in _INDEX_COLUMNS.items() if name != "motion_iou" or at in file},
        )
        _check_told(file, "fingerprint", index.fingerprint)
        return index


def read_index_fingerprint(path: str | Path) -> str:
    """Return the fingerprint that the index at `path` states, without reading the rest."""
    with _opening(path, INDEX_FORMAT, INDEX_VERSION) as file:
        return _text(file, "fingerprint")


def write_predictions(path: str | Path, predictions: Predictions) -> None:
    """Write `predictions` to `path`, whole or not at all."""
    n_bytes = _n_bytes(vars(predictions)) + _n_bytes(_frame_columns(predictions))
    with _creating(path, PREDICTIONS_FORMAT, PREDICTIONS_VERSION, n_bytes) as file:
        run = json.dumps(asdict(predictions.run), default=str)
        file["/run"] = np.bytes_(run)  # no attribute: these hold 64 KB at most
        _write_texts(file, index_fingerprint=predictions.index_fingerprint, checksum=_checksum(predictions, run))
        file["/frames/detection_start"] = predictions.detection_start
        for name in ("box", "score", "class_id"):
            file[f"/detections/{name}"] = getattr(predictions, name)
        for place, column in _frame_columns(predictions).items():
            file[place] = column


def read_predictions(path: str | Path) -> Predictions:
    """Return the predictions stored at `path` in vidkit's own HDF5 format, read whole.

    Raises FormatError if it isn't a vidkit predictions file of a known version, is damaged, or doesn't have the
    content that its checksum tells.
    """
    with _opening(path, PREDICTIONS_FORMAT, PREDICTIONS_VERSION) as file:
        run = _column(file, "/run").item().decode()
        times = None
        if "/frames/times" in file:
            times = FrameTimes(**{k: _column(file, f"/frames/times/{k}") for k in FrameTimes.__dataclass_fields__})
        predictions = Predictions(
            detection_start=_column(file, "/frames/detection_start"),
            box=_column(file, "/detections/box"),
            score=_column(file, "/detections/score"),
            class_id=_column(file, "/detections/class_id"),
            index_fingerprint=_text(file, "index_fingerprint"),
            is_key=_column(file, "/frames/is_key") if "/frames/is_key" in file else None,
            key_distance=_column(file, "/frames/key_distance") if "/frames/key_distance" in file else None,
            times=times,
            run=RunInfo(**json.loads(run)),
        )
        if "checksum" in file.attrs:  # other programs may leave it out
            _check_told(file, "checksum", _checksum(predictions, run))
        return predictions


def write_weight_maps(path: str | Path, maps: WeightMaps) -> None:
    """Write `maps` to `path`, whole or not at all."""
    run, columns = json.dumps(asdict(maps.run), default=str), columns_of(maps)
    with _creating(path, WEIGHT_MAPS_FORMAT, WEIGHT_MAPS_VERSION, _n_bytes(columns)) as file:
        file["/run"] = np.bytes_(run)
        _write_texts(file, **_told(maps), checksum=_checksum_of(columns, *_told(maps).values(), run))
        for name, column in columns.items():
            file[f"/keyframes/{name}"] = column


def read_weight_maps(path: str | Path) -> WeightMaps:
    """Return the weight maps stored at `path`, read whole.

    Raises FormatError if it isn't a vidkit weight-map file of a known version, is damaged, or doesn't have the content
    that its checksum tells.
    """
    with _opening(path, WEIGHT_MAPS_FORMAT, WEIGHT_MAPS_VERSION) as file:
        run = _column(file, "/run").item().decode()
        maps = WeightMaps(
            **{name: _column(file, f"/keyframes/{name}") for name in file["/keyframes"]},
            index_fingerprint=_text(file, "index_fingerprint"),
            predictions_fingerprint=_text(file, "predictions_fingerprint"),
            run=RunInfo(**json.loads(run)),
        )
        if "checksum" in file.attrs:  # other programs may leave it out
            _check_told(file, "checksum", _checksum_of(columns_of(maps), *_told(maps).values(), run))
        return maps


def _told(maps: WeightMaps) -> dict[str, str]:
    return {
        "index_fingerprint": maps.index_fingerprint,
        "predictions_fingerprint": maps.predictions_fingerprint,
    }


def _frame_columns(predictions: Predictions) -> dict[str, NDArray[Any]]:
    """Return the columns that predictions may have for each frame, by their places in the file."""
    times = {} if predictions.times is None else vars(predictions.times)
    columns = {f"/frames/{name}": getattr(predictions, name) for name in ("is_key", "key_distance")}
    columns |= {f"/frames/times/{name}": column for name, column in times.items()}
    return {place: column for place, column in columns.items() if column is not None}


def _checksum(predictions: Predictions, run: str) -> str:
    """Return 32 hexadecimal digits that change with anything in a file of predictions. `run` is as it stands there."""
    return _checksum_of(_frame_columns(predictions), predictions.fingerprint, run)


def _checksum_of(columns: Mapping[str, NDArray[Any]], *texts: str) -> str:
    digest = hashlib.blake2b("".join(f"{text}\n" for text in texts).encode(), digest_size=16)
    for place, column in sorted(columns.items()):
        digest.update(f"{place} {column.dtype.str}\n".encode())
        digest.update(np.ascontiguousarray(column).data)
    return digest.hexdigest()


@contextmanager
def _creating(path: str | Path, name: str, version: int, n_bytes: int) -> Iterator[h5py.File]:
    with writing(Path(path)) as part:
        reserve(part, n_bytes + OVERHEAD)  # out of space, the HDF5 library may crash
        with h5py.File(part, "w") as file:
            _write_texts(file, format=name, created_with=f"vidkit {vidkit.__version__}")
            file.attrs["version"] = version
            yield file


def _n_bytes(columns: Mapping[str, Any]) -> int:
    """Return how many bytes the arrays and the tuples of texts among `columns` take in a file."""
    arrays = sum(column.nbytes for column in columns.values() if isinstance(column, np.ndarray))
    texts = [column for column in columns.values() if isinstance(column, tuple) and column]
    return arrays + sum(len(column) * max(len(str(text).encode()) for text in column) for column in texts)


@contextmanager
def _opening(path: str | Path, name: str, version: int) -> Iterator[h5py.File]:
    """Open an HDF5 file of the given format; whatever is wrong with it becomes a FormatError that names the file."""
    try:
        with Path(path).open("rb") as raw:
            if raw.read(len(SIGNATURE)) != SIGNATURE:
                raise FormatError(f"{path}: not an HDF5 file; a {name} file was wanted")
    except OSError as error:
        raise FormatError(f"{path}: can't be read: {error.strerror}") from None
    try:
        with h5py.File(path, "r") as file:
            _check_format(file, name, version)
            yield file
    except FormatError as error:
        raise FormatError(str(error) if str(path) in str(error) else f"{path}: {error}") from None
    except (OSError, KeyError, ValueError, TypeError, AttributeError, RuntimeError) as error:
        raise FormatError(f"{path}: damaged {name} file: {error}; make it again") from error


def _check_format(file: h5py.File, name: str, version: int) -> None:
    found = _text(file, "format") if "format" in file.attrs else "no format name"
    if found != name:
        raise FormatError(f"holds {found}, wanted {name}")
    if "version" not in file.attrs or file.attrs.get_id("version").dtype.kind not in "iu":
        raise FormatError(f"{name} without a version")
    if (found_version := file.attrs["version"]) != version:
        raise FormatError(f"{name} version {found_version}; vidkit {vidkit.__version__} knows version {version}")


def _check_told(file: h5py.File, name: str, found: str) -> None:
    if (told := _text(file, name)) != found:
        raise FormatError(
            f"its content has the {name} {found}, the file says {told}: it was damaged or changed; make it again"
        )


# Texts are of fixed length. HDF5 keeps those of variable length in a heap, and a damaged heap makes its library search
# it for ever; no other part of a damaged file does.


def _write_texts(group: h5py.Group, **texts: str) -> None:
    for name, text in texts.items():
        raw = text.encode()
        group.attrs.create(name, raw, dtype=h5py.string_dtype("utf-8", max(1, len(raw))))


def _text(group: h5py.Group, name: str) -> str:
    """Return an attribute that is a text."""
    if group.attrs.get_id(name).dtype.kind != "S":
        raise FormatError(f"attribute {name!r}: not a text of fixed length; make the file again")
    return bytes(group.attrs[name]).decode()


def _column(file: h5py.File, place: str) -> NDArray[Any]:
    """Return a column of numbers, or of texts of fixed length, read whole.

    Only plain contiguous data sets are accepted, of the size that the file really stores: a small file can't ask for
    an array that fills the memory.
    """
    column = file[place]
    if not isinstance(column, h5py.Dataset) or column.dtype.kind not in "biufS":
        raise FormatError(f"{place}: not a column of numbers or of texts of fixed length")
    if column.chunks is not None or column.external or column.is_virtual:
        raise FormatError(f"{place}: must be stored contiguously")
    if column.id.get_storage_size() != column.dtype.itemsize * int(np.prod(column.shape, dtype=np.int64)):
        raise FormatError(f"{place}: {column.shape} is more than the file stores")
    return np.asarray(column[()])


def _attributes(file: h5py.File, place: str) -> Mapping[str, NDArray[Any]]:
    return {name: _column(file, f"{place}/{name}") for name in file[place]} if place in file else {}


def _write_strings(file: h5py.Group, place: str, values: Sequence[str]) -> None:
    file[place] = np.array([value.encode() for value in values], "S")


def _strings(file: h5py.Group, place: str) -> tuple[str, ...]:
    return tuple(value.decode() for value in _column(file, place).tolist())


def _write_files(group: h5py.Group, files: FrameFiles) -> None:
    _write_texts(group, root=files.root)
    for name in ("kind", "source", "pattern", "name"):
        if getattr(files, name) is not None:
            _write_strings(group, name, getattr(files, name))
    for name in ("offset", "size"):
        if getattr(files, name) is not None:
            group[name] = getattr(files, name)


def _read_files(file: h5py.File) -> FrameFiles:
    group = file["files"]
    return FrameFiles(
        root=_text(group, "root"),
        kind=_strings(group, "kind"),
        source=_strings(group, "source"),
        pattern=_strings(group, "pattern"),
        name=_strings(group, "name") if "name" in group else None,
        offset=_column(file, "/files/offset") if "offset" in group else None,
        size=_column(file, "/files/size") if "size" in group else None,
    )
