"""HDF5: the one door to h5py. Files are written whole or not at all, and read with nothing of them believed."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from h5py import File as File
from h5py import Group as Group
from numpy.typing import NDArray

from vidkit.errors import FormatError
from vidkit.files import reserve, writing
from vidkit.reading_door import reading
from vidkit.version import __version__

SIGNATURE = b"\x89HDF\r\n\x1a\n"
OVERHEAD = 1 << 16  # bytes: more than HDF5 needs beside the columns


def is_hdf5(path: str | Path) -> bool:
    """Return whether a file is HDF5, of whatever content."""
    return bool(h5py.is_hdf5(path))


def checksum(columns: Mapping[str, NDArray[Any]], *texts: str) -> str:
    """32 hexadecimal digits that change with any of the columns and texts."""
    digest = hashlib.blake2b("".join(f"{text}\n" for text in texts).encode(), digest_size=16)
    for place, column in sorted(columns.items()):
        digest.update(f"{place} {column.dtype.str}\n".encode())
        digest.update(np.ascontiguousarray(column).data)
    return digest.hexdigest()


@contextmanager
def creating(path: str | Path, name: str, version: int, n_bytes: int) -> Iterator[h5py.File]:
    """Open a new HDF5 file of the given format to be filled with `n_bytes`; it is there whole or not at all."""
    with writing(Path(path)) as part:
        reserve(part, n_bytes + OVERHEAD)  # out of space, the HDF5 library may crash
        with h5py.File(part, "w") as file:
            write_texts(file, format=name, created_with=f"vidkit {__version__}")
            file.attrs["version"] = version
            yield file


def n_bytes(columns: Mapping[str, Any]) -> int:
    """Return how many bytes the arrays and the tuples of texts among `columns` take in a file."""
    arrays = sum(column.nbytes for column in columns.values() if isinstance(column, np.ndarray))
    texts = [column for column in columns.values() if isinstance(column, tuple) and column]
    return arrays + sum(len(column) * max(len(str(text).encode()) for text in column) for column in texts)


@contextmanager
def opening(path: str | Path, name: str, version: int, oldest: int | None = None) -> Iterator[h5py.File]:
    """Open an HDF5 file of the given format, of `version` or any back to the `oldest`.

    Whatever is wrong with it becomes a FormatError that names the file.
    """
    with reading(Path(path), FormatError, f"a whole {name} file; make it again"):
        with Path(path).open("rb") as raw:
            if raw.read(len(SIGNATURE)) != SIGNATURE:
                raise FormatError(f"{path}: not an HDF5 file; a {name} file was wanted")
        with h5py.File(path, "r") as file:
            _check_links(file)
            _check_format(file, name, range(version if oldest is None else oldest, version + 1))
            yield file


def _check_links(file: File) -> None:
    """Raise FormatError for a link that could lead out of the file, or to nothing: all that it has is in itself."""

    def leads_out(name: bytes, info: Any) -> bytes | None:
        return None if info.type == h5py.h5l.TYPE_HARD else name

    name = file.id.links.visit(leads_out, info=True)
    if name is not None:
        raise FormatError(f"{name.decode(errors='replace')}: a link to another place or file; links aren't followed")


def _check_format(file: File, name: str, versions: range) -> None:
    found = text_of(file, "format") if "format" in file.attrs else "no format name"
    if found != name:
        raise FormatError(f"holds {found}, wanted {name}")
    if "version" not in file.attrs or file.attrs.get_id("version").dtype.kind not in "iu":
        raise FormatError(f"{name} without a version")
    if (found_version := file.attrs["version"]) not in versions:
        known = f"version {versions[-1]}" if len(versions) == 1 else f"versions {versions[0]} to {versions[-1]}"
        raise FormatError(f"{name} version {found_version}; vidkit {__version__} knows {known}")


def check_told(file: File, name: str, found: str) -> None:
    """Raise FormatError if the file tells another fingerprint or checksum (`name`) than its content has."""
    if (told := text_of(file, name)) != found:
        raise FormatError(
            f"its content has the {name} {found}, the file says {told}: it was damaged or changed; make it again"
        )


# Texts are of fixed length. HDF5 keeps those of variable length in a heap, and a damaged heap makes its library search
# it for ever; no other part of a damaged file does.


def write_texts(group: Group, **texts: str) -> None:
    """Write texts as attributes, of fixed length."""
    for name, text in texts.items():
        raw = text.encode()
        group.attrs.create(name, raw, dtype=h5py.string_dtype("utf-8", max(1, len(raw))))


def text_of(group: Group, name: str) -> str:
    """Return an attribute that is a text."""
    if group.attrs.get_id(name).dtype.kind != "S":
        raise FormatError(f"attribute {name!r}: not a text of fixed length; make the file again")
    return bytes(group.attrs[name]).decode()


def column(file: File, place: str) -> NDArray[Any]:
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


def length(file: File, place: str) -> int:
    """How many rows a column has."""
    return int(file[place].shape[0])


def attributes(file: File, place: str) -> Mapping[str, NDArray[Any]]:
    """The columns below a place, by name; none where it isn't there."""
    return {name: column(file, f"{place}/{name}") for name in file[place]} if place in file else {}


def write_strings(file: Group, place: str, values: Sequence[str]) -> None:
    """Write a column of texts."""
    file[place] = np.array([value.encode() for value in values], "S")


def strings(file: Group, place: str) -> tuple[str, ...]:
    """A column of texts, read whole."""
    return tuple(value.decode() for value in column(file, place).tolist())
