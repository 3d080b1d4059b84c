"""A cell array of numbers out of a MATLAB 5 file, read without MATLAB and without scipy.

scipy's reader trusts the sizes that a file states, and a false one ends the process. This one reads a single layout,
as the MAT-File Level 5 format describes it: elements of (type, size, data), each filled up to 8 bytes; a matrix is an
element of elements (flags, dimensions, name, content), and the content of a cell array are matrices.
"""

import math
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vidkit.errors import AnnotationError

_HEADER_BYTES = 128
_MATRIX, _COMPRESSED, _INT32 = 14, 15, 5
_CELL = 1
_COMPLEX = 0x800
_NUMBERS = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
"""numpy's names of the types of data elements."""
_NUMERIC_CLASSES = range(6, 16)  # double, single, integers
_CLASS_NAMES = {1: "cell", 2: "struct", 3: "object", 4: "char", 5: "sparse"}
_MOST_VARIABLES = 1000


@dataclass(frozen=True)
class _Matrix:
    """A matrix of a file: what its header says, and where its content lies in the bytes."""

    kind: int
    is_complex: bool
    shape: tuple[int, ...]
    name: str
    start: int
    stop: int

    def __str__(self) -> str:
        kind = "numbers" if self.kind in _NUMERIC_CLASSES else _CLASS_NAMES.get(self.kind, f"class {self.kind}")
        return f"{self.name} {kind} {self.shape}".strip()


def cells_of(data: bytes, variable: str, most_bytes: int) -> list[NDArray[np.generic]]:
    """The cells of the cell array `variable` of a file, one column or row, each as a matrix of numbers.

    Raises AnnotationError for anything else, and for a file that unpacks to more than `most_bytes`.
    """
    if len(data) < _HEADER_BYTES or not data.startswith(b"MATLAB 5.0") or data[126:128] not in (b"IM", b"MI"):
        raise AnnotationError("not a MATLAB 5 file")
    order = "<" if data[126:128] == b"IM" else ">"
    held = []
    for content in _variables(data, order, most_bytes):
        found = _matrix(content, 0, len(content), order)
        held.append(str(found))
        if found.name == variable and found.kind == _CELL and len(found.shape) == 2 and 1 in found.shape:
            return _cells(content, found, order)
    raise AnnotationError(f"holds {', '.join(held) or 'nothing'}; wanted {variable}, a cell array of one column")


def _variables(data: bytes, order: str, most_bytes: int) -> Iterator[bytes]:
    """Yield the content of each matrix at the top, unpacked."""
    at, left = _HEADER_BYTES, most_bytes
    for _ in range(_MOST_VARIABLES):
        if at + 8 > len(data):
            return
        kind, start, stop, at = _element(data, at, len(data), order)
        if kind == _COMPRESSED:
            at = stop  # nothing fills these up
            unpacked = _unpacked(data[start:stop], left)
            left -= len(unpacked)
            kind, start, stop, _ = _element(unpacked, 0, len(unpacked), order)
            content = unpacked[start:stop]
        else:
            content = data[start:stop]
        if kind == _MATRIX:
            yield content
    raise AnnotationError(f"more than {_MOST_VARIABLES} variables")


def _unpacked(data: bytes, most_bytes: int) -> bytes:
    unpacker = zlib.decompressobj()
    content = unpacker.decompress(data, most_bytes + 1)
    if len(content) > most_bytes:
        raise AnnotationError(f"unpacks to more than {most_bytes / 1e6:.0f} MB")
    if not unpacker.eof:
        raise AnnotationError("cut: a compressed variable has no end")
    return content


def _element(data: bytes, at: int, end: int, order: str) -> tuple[int, int, int, int]:
    """Type of the element at a place, where its data begin and end, and where the next one begins."""
    if at + 8 > end:
        raise AnnotationError("cut: an element lies beyond the end")
    (word,) = struct.unpack_from(f"{order}I", data, at)
    if word >> 16:  # of at most four bytes, which lie in the tag
        kind, size, start, after = word & 0xFFFF, word >> 16, at + 4, at + 8
    else:
        kind, (size,), start = word, struct.unpack_from(f"{order}I", data, at + 4), at + 8
        after = start + size + (-size) % 8
    if start + size > end or (word >> 16 and size > 4):
        raise AnnotationError(f"an element of {size} bytes lies beyond the end")
    return kind, start, start + size, after


def _matrix(data: bytes, start: int, end: int, order: str) -> _Matrix:
    """The header of a matrix whose elements lie from `start` to `end`."""
    if start == end:  # a matrix of nothing
        return _Matrix(6, False, (0, 0), "", start, end)
    _, at, stop, after = _element(data, start, end, order)
    if stop - at != 8:
        raise AnnotationError("damaged: a matrix without flags")
    (flags,) = struct.unpack_from(f"{order}I", data, at)
    kind, at, stop, after = _element(data, after, end, order)
    if kind != _INT32 or stop - at not in (8, 12, 16):
        raise AnnotationError("damaged: a matrix without dimensions")
    shape = struct.unpack_from(f"{order}{(stop - at) // 4}i", data, at)
    if min(shape) < 0:
        raise AnnotationError(f"damaged: a matrix of {shape}")
    _, at, stop, after = _element(data, after, end, order)
    name = data[at:stop].decode("latin-1")
    return _Matrix(flags & 0xFF, bool(flags & _COMPLEX), shape, name, min(after, end), end)


def _cells(data: bytes, found: _Matrix, order: str) -> list[NDArray[np.generic]]:
    count = math.prod(found.shape)
    if count > (found.stop - found.start) // 8:
        raise AnnotationError(f"{found.name}: {count} cells can't be in {found.stop - found.start} bytes")
    cells, at = [], found.start
    for row in range(count):
        kind, start, stop, at = _element(data, at, found.stop, order)
        if kind != _MATRIX:
            raise AnnotationError(f"{found.name}{{{row + 1}}}: no matrix")
        cells.append(_numbers(data, _matrix(data, start, stop, order), order, f"{found.name}{{{row + 1}}}"))
    return cells


def _numbers(data: bytes, cell: _Matrix, order: str, place: str) -> NDArray[np.generic]:
    """The numbers of a matrix."""
    if cell.kind not in _NUMERIC_CLASSES or cell.is_complex:
        raise AnnotationError(f"{place}: {cell}, wanted a column of numbers")
    if not math.prod(cell.shape):
        return np.zeros(cell.shape)
    kind, start, stop, _ = _element(data, cell.start, cell.stop, order)
    dtype = np.dtype(order + _NUMBERS[kind]) if kind in _NUMBERS else None
    if dtype is None or stop - start != math.prod(cell.shape) * dtype.itemsize:
        raise AnnotationError(f"{place}: {stop - start} bytes for {cell.shape} numbers of type {kind}")
    return np.frombuffer(data, dtype, math.prod(cell.shape), start).reshape(cell.shape, order="F")
