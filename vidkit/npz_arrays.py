"""The arrays of an `.npz`, read with nothing of the file believed: no pickles, and no more than its bytes hold."""

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vidkit.errors import FormatError, VidkitError
from vidkit.reading_door import reading

_MOST_INFLATED = 256 << 20
_INFLATED_A_BYTE = 40
_LONGEST_HEADER = 10_000
_LAST_CHARACTER = 0x10FFFF


def read_arrays(path: Path, kind: type[VidkitError] = FormatError) -> dict[str, NDArray[Any]]:
    """The arrays of an npz by name, each read only after its stated size was compared with what the file holds.

    Raises an error of this `kind` for anything but plain arrays of numbers and texts.
    """
    with reading(path, kind, "an npz of plain arrays"), path.open("rb") as file:
        return arrays_of(file.read(), kind)


def arrays_of(data: bytes, kind: type[VidkitError] = FormatError) -> dict[str, NDArray[Any]]:
    """The same of the bytes of an npz, within a door that names the place: `vidkit.reading_door.reading`."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = [info for info in archive.infolist() if info.filename.endswith(".npy")]
        inflated = sum(info.file_size for info in members)
        if inflated > max(_MOST_INFLATED, _INFLATED_A_BYTE * len(data)):
            raise kind(f"refused: it says that it inflates to {inflated} bytes: a zip bomb")
        return {info.filename[: -len(".npy")]: _array(archive, info, kind) for info in members}


def _array(archive: zipfile.ZipFile, info: zipfile.ZipInfo, kind: type[VidkitError]) -> NDArray[Any]:
    data = archive.read(info)
    head = io.BytesIO(data)
    version = np.lib.format.read_magic(head)
    read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, fortran, dtype = read_header(head, max_header_size=_LONGEST_HEADER)
    size = int(np.prod(np.array(shape, object))) if shape else 1
    if dtype.hasobject or dtype.kind not in "biufSU":
        raise kind(f"refused: {info.filename} holds {dtype}: pickled objects aren't read from an npz")
    if size * dtype.itemsize != len(data) - head.tell():
        raise kind(f"{info.filename} says {shape} of {dtype}, and holds {len(data) - head.tell()} bytes")
    flat = np.frombuffer(data, dtype, offset=head.tell())
    if not is_text(flat):
        raise kind(f"{info.filename} holds characters that there aren't")
    return flat.reshape(shape, order="F" if fortran else "C")


def is_text(values: NDArray[Any]) -> bool:
    """Whether an array, if it is one of texts, holds characters alone: Python breaks down at others. Others are."""
    if values.dtype.kind != "U" or not values.size or not values.dtype.itemsize:
        return True
    order = values.dtype.byteorder if values.dtype.byteorder in "<>" else "="
    codes = np.ascontiguousarray(values).reshape(-1).view(f"{order}u4")
    return bool(codes.max() <= _LAST_CHARACTER)
