"""MXNet's `.params` files read without MXNet: named dense arrays, as `mxnet.nd.save` writes them.

Little-endian. A file: uint64 0x112, uint64 0, then the arrays, then their names. Arrays and names both come after a
uint64 count; a name is a uint64 length and so many bytes. An array, by the version of the library that wrote it:

- uint32 0xF993FACA or 0xF993FAC9 (MXNet 1.x), int32 storage type (0, dense), then uint32 ndim, ndim x int64;
- uint32 0xF993FAC8 (0.12), then uint32 ndim, ndim x int64;
- no magic number (up to 0.11): uint32 ndim, ndim x uint32;

and then, unless it has no dimensions: int32 device type, int32 device id, int32 element type, the elements.
"""

import math
import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vidkit.errors import FormatError

LIST_MAGIC = 0x112
DENSE_1_X = (0xF993FACA, 0xF993FAC9)
DENSE_0_12 = 0xF993FAC8
ELEMENT = {0: "<f4", 1: "<f8", 2: "<f2", 3: "u1", 4: "<i4", 5: "i1", 6: "<i8"}
MOST_DIMENSIONS = 8


def is_mxnet_params(path: Path) -> bool:
    """Whether the file begins as a list of MXNet arrays does."""
    with path.open("rb") as file:
        return file.read(8) == struct.pack("<Q", LIST_MAGIC)


def read_mxnet_params(path: Path) -> dict[str, NDArray[np.generic]]:
    """The arrays of a file by name, `arg:` and `aux:` cut off.

    Raises FormatError, with the place in the file, for anything but a whole list of distinctly named dense arrays.
    """
    reader = _Reader(path, path.read_bytes())
    magic, _reserved, count = reader.take("<QQQ")
    if magic != LIST_MAGIC:
        raise reader.error(f"begins with {magic:#x}; wanted {LIST_MAGIC:#x}, a list of MXNet arrays")
    arrays = [reader.array() for _ in range(reader.bounded(count, 4))]
    (n_names,) = reader.take("<Q")
    if n_names != count:
        raise reader.error(f"{count} arrays and {n_names} names; wanted a name for each")
    names = [reader.name() for _ in range(n_names)]
    if reader.at != len(reader.data):
        raise reader.error(f"{len(reader.data) - reader.at} bytes after the last name")
    if len(set(names)) != len(names):
        raise reader.error("the same name twice")
    return dict(zip(names, arrays, strict=True))


class _Reader:
    """A file's bytes and how far they were read."""

    def __init__(self, path: Path, data: bytes) -> None:
        self.path, self.data, self.at = path, data, 0

    def error(self, what: str) -> FormatError:
        return FormatError(f"{self.path}: byte {self.at}: {what}")

    def take(self, form: str) -> tuple[int, ...]:
        size = struct.calcsize(form)
        if self.at + size > len(self.data):
            raise self.error("the file ends in the middle; it was cut off")
        values = struct.unpack_from(form, self.data, self.at)
        self.at += size
        return values

    def bounded(self, count: int, least_bytes: int) -> int:
        """A count, unless so many things can't be in the rest of the file."""
        if count * least_bytes > len(self.data) - self.at:
            raise self.error(f"{count} things announced, more than the file can hold")
        return count

    def name(self) -> str:
        (length,) = self.take("<Q")
        start = self.at
        self.at += self.bounded(length, 1)
        try:
            text = self.data[start : self.at].decode()
        except UnicodeDecodeError:
            raise self.error("a name that is no text") from None
        return text.removeprefix("arg:").removeprefix("aux:")

    def array(self) -> NDArray[np.generic]:
        (first,) = self.take("<I")
        if first in DENSE_1_X:
            (storage,) = self.take("<i")
            if storage != 0:
                raise self.error(f"an array of storage type {storage}; only dense ones (0) are read")
            (ndim,) = self.take("<I")
            shape = self.shape(ndim, "q")
        elif first == DENSE_0_12:
            (ndim,) = self.take("<I")
            shape = self.shape(ndim, "q")
        else:
            shape = self.shape(first, "I")
        if not shape:
            raise self.error("an array without dimensions, that is, without content")
        _device, _device_id, kind = self.take("<iii")
        if kind not in ELEMENT:
            raise self.error(f"element type {kind}; known are {sorted(ELEMENT)}")
        dtype = np.dtype(ELEMENT[kind])
        count = self.bounded(math.prod(shape), dtype.itemsize)
        array = np.frombuffer(self.data, dtype, count, self.at).reshape(shape)
        self.at += count * dtype.itemsize
        return array

    def shape(self, ndim: int, kind: str) -> tuple[int, ...]:
        if ndim > MOST_DIMENSIONS:
            raise self.error(f"an array of {ndim} dimensions, or a format that isn't known")
        shape = self.take(f"<{ndim}{kind}")
        if any(side < 0 for side in shape):
            raise self.error(f"an array of shape {shape}")
        return shape
