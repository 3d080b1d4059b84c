"""Files of `torch.save` read without torch: the zip form, and the older form of pickles followed by raw storages.

Tensors come back as `Tensor`, a view of a numpy array that is made when asked for: the older form has its numbers
behind the pickle that refers to them.
"""

import io
import math
import mmap
import struct
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, Literal, TypeGuard

import numpy as np
from numpy.typing import NDArray

from vidkit.errors import PredictionError
from vidkit.pickles import safe_pickle

MAGIC = 0x1950A86A20F9469CFC6C
LEGACY_HEAD = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
_PROTOCOL = 1001
_LOCAL_HEADER = struct.Struct("<4s22xHH")

Order = Literal["<", ">"]

_DTYPES = {
    "Float": "f4",
    "Double": "f8",
    "Half": "f2",
    "Long": "i8",
    "Int": "i4",
    "Short": "i2",
    "Char": "i1",
    "Byte": "u1",
    "Bool": "?",
}


@dataclass(frozen=True)
class _StorageType:
    """Stands for `torch.FloatStorage` and its like."""

    dtype: str

    def __call__(self, *_args: object) -> None:
        raise UnpicklingError("it makes a storage by itself")

    def __setstate__(self, state: object) -> None:
        raise UnpicklingError("it gives a storage type a state")


class Storage:
    """The numbers that tensors are views of; `numbers` is None until they were read."""

    __slots__ = ("dtype", "numbers", "numel")

    def __init__(self, dtype: np.dtype[Any], numel: int, numbers: NDArray[Any] | None = None) -> None:
        self.dtype, self.numel, self.numbers = dtype, numel, numbers

    def __setstate__(self, state: object) -> None:
        raise UnpicklingError("it gives a storage a state")


class Tensor:
    """A tensor of a file: a view of a storage."""

    __slots__ = ("offset", "shape", "storage", "strides")

    def __init__(self, storage: Storage, offset: int, shape: tuple[int, ...], strides: tuple[int, ...]) -> None:
        self.storage, self.offset, self.shape, self.strides = storage, offset, shape, strides

    def __setstate__(self, state: object) -> None:
        raise UnpicklingError("it gives a tensor a state")

    def numpy(self) -> NDArray[Any]:
        """The numbers, as a view where they lie in order."""
        numbers = self.storage.numbers
        if numbers is None:
            raise PredictionError("a tensor's storage isn't in the file")
        if self.strides == _in_order(self.shape):
            size = math.prod(self.shape)
            return numbers[self.offset : self.offset + size].reshape(self.shape)
        steps = tuple(step * numbers.itemsize for step in self.strides)
        return np.lib.stride_tricks.as_strided(numbers[self.offset :], self.shape, steps, writeable=False).copy()


def _in_order(shape: tuple[int, ...]) -> tuple[int, ...]:
    steps = [1]
    for n in reversed(shape[1:]):
        steps.append(steps[-1] * max(n, 1))
    return tuple(reversed(steps))[: len(shape)]


def _rebuild_tensor(storage: object, offset: object, shape: object, strides: object, *_rest: object) -> Tensor:
    """Stand in for torch's `_rebuild_tensor_v2`; a tensor may not be larger than its storage."""
    if not isinstance(storage, Storage):
        raise UnpicklingError("it makes a tensor without a storage")
    n, steps = _sizes(shape), _sizes(strides)
    if type(offset) is not int or offset < 0 or len(n) != len(steps):
        raise UnpicklingError("it makes a tensor of an unknown shape")
    last = offset + sum((a - 1) * b for a, b in zip(n, steps, strict=True))
    size = math.prod(n)
    if size > storage.numel or (size and last >= storage.numel):
        raise UnpicklingError(f"it makes a tensor {n} of a storage of {storage.numel} numbers")
    return Tensor(storage, offset, n, steps)


def _sizes(value: object) -> tuple[int, ...]:
    if (
        not isinstance(value, tuple | list)
        or len(value) > 8
        or not all(type(n) is int and 0 <= n < 2**48 for n in value)
    ):
        raise UnpicklingError("it makes a tensor of an unknown shape")
    return tuple(value)


def _parameter(data: object, *_rest: object) -> Tensor:
    if not isinstance(data, Tensor):
        raise UnpicklingError("it makes a parameter without a tensor")
    return data


def _size(*args: object) -> tuple[int, ...]:
    return _sizes(args[0]) if len(args) == 1 else _sizes(args)


def _device(*args: object) -> str:
    return ":".join(str(a) for a in args if isinstance(a, str | int))[:32]


def _from_bytes(data: object) -> Any:
    """Stand in for `torch.storage._load_from_bytes`, with which a plain pickle holds a storage."""
    if not isinstance(data, bytes | bytearray) or data[: len(LEGACY_HEAD)] != LEGACY_HEAD:
        raise UnpicklingError("it holds a storage that isn't in torch's older form")
    return _read_legacy(bytes(data), "inside", nested=True)


NAMES: dict[str, Callable[..., Any]] = {
    "torch._utils._rebuild_tensor": safe_pickle.Frozen(_rebuild_tensor),
    "torch._utils._rebuild_tensor_v2": safe_pickle.Frozen(_rebuild_tensor),
    "torch._utils._rebuild_parameter": safe_pickle.Frozen(_parameter),
    "torch.storage._load_from_bytes": safe_pickle.Frozen(_from_bytes),
    "torch.Size": safe_pickle.Frozen(_size),
    "torch.device": safe_pickle.Frozen(_device),
    **{f"torch.{name}Storage": _StorageType(dtype) for name, dtype in _DTYPES.items()},
    **{f"torch.cuda.{name}Storage": _StorageType(dtype) for name, dtype in _DTYPES.items()},
}
"""What a pickle with tensors may name, beside what any pickle may."""

_TENSOR_TYPES: dict[str, Callable[..., Any]] = {f"torch.{name}Tensor": _StorageType(d) for name, d in _DTYPES.items()}
_INSIDE = {name: call for name, call in NAMES.items() if name != "torch.storage._load_from_bytes"}


def _storage_id(pid: object, place: str) -> tuple[np.dtype[Any], str, int]:
    """Dtype, key and length of a storage from its persistent id."""
    if not isinstance(pid, tuple) or len(pid) not in (5, 6) or pid[0] != "storage":
        raise UnpicklingError("it refers to something else than a storage")
    kind, key, numel = pid[1], pid[2], pid[4]
    if not isinstance(kind, _StorageType) or not isinstance(key, str) or type(numel) is not int or numel < 0:
        raise UnpicklingError("it refers to a storage of an unknown kind")
    if len(pid) == 6 and pid[5] is not None:
        raise UnpicklingError("it refers to a part of a storage")
    return np.dtype(kind.dtype), key, numel


def read_zip(path: Path, trusted: bool = False) -> Any:
    """The object in a zip file of `torch.save`; its numbers are views of the file, mapped into memory.

    `trusted` is that of `safe_pickle.load`.
    """
    with path.open("rb") as file, zipfile.ZipFile(file) as archive:
        members = {info.filename: info for info in archive.infolist()}
        main = [name for name in members if name == "data.pkl" or name.endswith("/data.pkl")]
        if len(main) != 1:
            raise PredictionError(f"{path}: {len(main)} data.pkl in it; wanted one, as torch.save writes")
        folder = main[0][: -len("data.pkl")]
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        order: Order = "<"
        if folder + "byteorder" in members:
            order = ">" if bytes(_stored(mapped, members[folder + "byteorder"], str(path))) == b"big" else "<"
        storages: dict[str, Storage] = {}

        def storage(pid: object) -> Storage:
            dtype, key, numel = _storage_id(pid, str(path))
            if key not in storages:
                info = members.get(f"{folder}data/{key}")
                if info is None:
                    raise UnpicklingError(f"the storage {key[:40]!r} isn't in the file")
                raw = _stored(mapped, info, str(path))
                if len(raw) != numel * dtype.itemsize:
                    raise UnpicklingError(f"the storage {key[:40]!r} has {len(raw)} bytes; {numel} {dtype} were wanted")
                storages[key] = Storage(dtype, numel, np.frombuffer(raw, dtype.newbyteorder(order)))
            return storages[key]

        program = bytes(_stored(mapped, members[main[0]], str(path)))
        return safe_pickle.load(program, str(path), NAMES, storage, trusted)


def _stored(mapped: mmap.mmap, info: zipfile.ZipInfo, place: str) -> memoryview:
    """The bytes of a member, as a view of the file; torch stores them without compression."""
    head = mapped[info.header_offset : info.header_offset + _LOCAL_HEADER.size]
    if info.compress_type != zipfile.ZIP_STORED or info.file_size != info.compress_size or len(head) < 30:
        raise PredictionError(f"{place}: {info.filename} is compressed or damaged; torch.save stores plain bytes")
    mark, name, extra = _LOCAL_HEADER.unpack(head)
    start = info.header_offset + _LOCAL_HEADER.size + name + extra
    if mark != b"PK\x03\x04" or start + info.file_size > len(mapped):
        raise PredictionError(f"{place}: {info.filename} lies outside of the file: it was cut")
    return memoryview(mapped)[start : start + info.file_size]


def read_legacy(path: Path, trusted: bool = False) -> Any:
    """The object in a file of `torch.save` before 1.6: pickles, then the storages."""
    return _read_legacy(path.read_bytes(), str(path), nested=False, trusted=trusted)


def _read_legacy(data: bytes, place: str, nested: bool, trusted: bool = False) -> Any:
    file = io.BytesIO(data)
    storages: dict[str, Storage] = {}

    def storage(pid: object) -> Storage:
        dtype, key, numel = _storage_id(pid, place)
        if numel * dtype.itemsize > len(data):
            raise UnpicklingError(f"a storage of {numel} {dtype} can't be in {len(data)} bytes")
        return storages.setdefault(key, Storage(dtype, numel))

    names = _INSIDE if nested else NAMES
    if safe_pickle.load_next(file, place) != MAGIC or safe_pickle.load_next(file, place) != _PROTOCOL:
        raise PredictionError(f"{place}: not a file of torch.save")
    system = safe_pickle.load_next(file, place)
    little = not isinstance(system, dict) or system.get("little_endian", True) is True
    content = safe_pickle.load_next(file, place, names, storage, trusted)
    keys = safe_pickle.load_next(file, place)
    if not isinstance(keys, list):
        raise PredictionError(f"{place}: damaged: no list of storages")
    for key in keys:
        _fill(storages.get(key) if isinstance(key, str) else None, file, data, "<" if little else ">", place)
    return content


def _fill(storage: Storage | None, file: io.BytesIO, data: bytes, order: Order, place: str) -> None:
    head = file.read(8)
    numel = struct.unpack(order + "q", head)[0] if len(head) == 8 else -1
    if storage is None or numel != storage.numel:
        raise PredictionError(f"{place}: damaged: a storage is missing, or not as long as the pickle says")
    dtype, start = storage.dtype, file.tell()
    stop = start + numel * dtype.itemsize
    if stop > len(data):
        raise PredictionError(f"{place}: cut: a storage of {numel} {dtype} lies beyond its end")
    storage.numbers = np.frombuffer(data, dtype.newbyteorder(order), numel, start)
    file.seek(stop)


def read_tar(path: Path, trusted: bool = False) -> Any:
    """The object in a tar file of `torch.save` before 0.1.10: members `storages`, `tensors` and `pickle`."""
    place = str(path)
    try:
        with tarfile.open(path, "r:") as archive:
            parts = {name: _member(archive, name) for name in ("storages", "tensors", "pickle")}
    except (tarfile.TarError, KeyError, EOFError) as error:
        raise PredictionError(f"{place}: a tar file, but none of torch.save: {error}") from None
    storages = _tar_storages(parts["storages"], place)
    tensors = _tar_tensors(parts["tensors"], storages, place)

    def tensor(pid: object) -> object:
        if isinstance(pid, tuple) and pid:
            return pid[0]  # a container's source, which isn't needed
        try:
            return tensors[str(pid)[:20]]
        except KeyError:
            raise UnpicklingError("it refers to a tensor that isn't in the file") from None

    return safe_pickle.load(parts["pickle"], place, NAMES, tensor, trusted)


def _member(archive: tarfile.TarFile, name: str) -> bytes:
    member = archive.extractfile(name)
    if member is None:
        raise KeyError(name)
    return member.read()


def _tar_storages(data: bytes, place: str) -> dict[str, Storage]:
    file, storages = io.BytesIO(data), {}
    for _ in range(_count(safe_pickle.load_next(file, place), data, place)):
        told = safe_pickle.load_next(file, place, NAMES)
        if not _is_entry(told) or not isinstance(told[2], _StorageType):
            raise PredictionError(f"{place}: damaged: a storage of an unknown kind")
        storage = Storage(np.dtype(told[2].dtype), _peeked(file))
        _fill(storage, file, data, "<", place)
        storages[str(told[0])[:20]] = storage
    return storages


def _tar_tensors(data: bytes, storages: dict[str, Storage], place: str) -> dict[str, Tensor]:
    file, tensors = io.BytesIO(data), {}
    for _ in range(_count(safe_pickle.load_next(file, place), data, place)):
        told = safe_pickle.load_next(file, place, _TENSOR_TYPES)
        head = file.read(8)
        n_dims = int.from_bytes(head[:4], "little")
        body = file.read(8 * (2 * n_dims + 1)) if n_dims <= 8 else b""
        if not _is_entry(told) or not _is_key(told[1]) or len(body) != 8 * (2 * n_dims + 1):
            raise PredictionError(f"{place}: damaged: a tensor that can't be read")
        numbers = struct.unpack(f"<{2 * n_dims + 1}q", body)
        try:
            view = _rebuild_tensor(storages.get(str(told[1])[:20]), numbers[-1], numbers[:n_dims], numbers[n_dims:-1])
        except UnpicklingError as error:
            raise PredictionError(f"{place}: damaged or hostile: {error}") from None
        tensors[str(told[0])[:20]] = view
    return tensors


def _is_entry(told: object) -> TypeGuard[tuple[Any, ...]]:
    return isinstance(told, tuple) and len(told) == 3 and _is_key(told[0])


def _is_key(key: object) -> bool:
    return isinstance(key, str) or (type(key) is int and abs(key) < 2**64)


def _count(told: object, data: bytes, place: str) -> int:
    if type(told) is not int or not 0 <= told <= len(data):
        raise PredictionError(f"{place}: damaged: it doesn't say how many tensors it holds")
    return told


def _peeked(file: io.BytesIO) -> int:
    """The length of a storage that comes next, without stepping over it."""
    head = file.read(8)
    file.seek(-len(head), io.SEEK_CUR)
    return int.from_bytes(head, "little")
