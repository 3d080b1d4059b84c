"""Pickles read without trust: only arrays, tensors, builtin containers and known box classes are rebuilt.

A pickle is a program, and `pickle.load` runs whatever it names. Here every name is looked up in a fixed table of
stand-ins of our own, so nobody's module is imported and nothing but the functions of this file is called; any other
name is refused, by name. The program is also read through once before it runs, and refused where it asks for far more
memory than its own size could justify.
"""

from __future__ import annotations

import gc
import io
import mmap
import pickle
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from vidkit.errors import PredictionError
from vidkit.npz_arrays import is_text
from vidkit.pickles import pickle_program

WAY_OUT = (
    "turn it into a plain file on the machine that made it, where its packages are: "
    "`vidkit convert FILE --trust-pickle -o predictions.h5`"
)

_KINDS = "biufcSUO"  # of dtypes: no raw records, no dates
_ITEM_SIZE_LIMIT = 4096  # bytes of one string inside an array


class _Refusing(type):
    """The type of stand-in classes: a pickle's BUILD can't change them."""

    def __setattr__(cls, name: str, value: object) -> NoReturn:
        raise pickle.UnpicklingError(f"it sets {name!r} of {cls.__name__}")


class Frozen:
    """A stand-in function: callable, and nothing else can be done to it."""

    __slots__ = ("_call",)
    _call: Callable[..., Any]

    def __init__(self, call: Callable[..., Any]) -> None:
        object.__setattr__(self, "_call", call)

    def __call__(self, *args: Any) -> Any:
        """What the function returns."""
        return self._call(*args)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise pickle.UnpicklingError(f"it sets {name!r} of a function")

    def __setstate__(self, state: object) -> NoReturn:
        raise pickle.UnpicklingError("it gives a function a state")


class _NdarrayName(metaclass=_Refusing):
    """Stands for the name `numpy.ndarray`, which pickles only hand to `_reconstruct`."""

    def __new__(cls, *args: Any) -> NoReturn:
        raise pickle.UnpicklingError("it makes a numpy.ndarray by itself")

    def __setstate__(self, state: object) -> NoReturn:
        raise pickle.UnpicklingError("it gives numpy.ndarray a state")


class _Dtype(metaclass=_Refusing):
    """A dtype in the making: the letter and size from its constructor, the byte order from its state."""

    __slots__ = ("dtype",)
    dtype: np.dtype[Any]

    def __init__(self, spec: object = None, align: object = False, copy: object = False) -> None:
        if not isinstance(spec, str) or len(spec) > 8:
            raise pickle.UnpicklingError("it makes a dtype of something else than a short name")
        try:
            dtype = np.dtype(spec)
        except (TypeError, ValueError):
            raise pickle.UnpicklingError(f"it makes an unknown dtype {spec!r}") from None
        if dtype.kind not in _KINDS or dtype.itemsize > _ITEM_SIZE_LIMIT:
            raise pickle.UnpicklingError(f"it makes the dtype {spec!r}; wanted numbers or strings")
        self.dtype = dtype

    def __setstate__(self, state: object) -> None:
        if not isinstance(state, tuple) or len(state) < 5 or state[2:5] != (None, None, None):
            raise pickle.UnpicklingError("it makes a dtype with fields")
        if state[1] not in ("<", ">", "|", "="):
            raise pickle.UnpicklingError("it makes a dtype of an unknown byte order")
        self.dtype = self.dtype.newbyteorder(state[1]) if state[1] != "|" else self.dtype


class _Array(np.ndarray[Any, Any]):
    """An array in the making: its state is checked before numpy sees it."""

    def __setstate__(self, state: object) -> None:
        if type(state) is not tuple or len(state) not in (4, 5):
            raise pickle.UnpicklingError("it makes an array of an unknown state")
        shape, stated, fortran, data = state[-4:]
        dtype = _plain_dtype(stated)
        size = _size_of(shape)
        if dtype is _OBJECT:
            if type(data) is not list or len(data) != size:
                raise pickle.UnpicklingError("it makes an array of objects that aren't there")
        else:
            data = data if type(data) is bytes else _as_bytes(data)
            if len(data) != size * dtype.itemsize:
                raise pickle.UnpicklingError(f"it makes an array {shape} of {dtype} from {len(data)} bytes")
            if dtype.kind == "U":
                _check_characters(np.frombuffer(data, dtype))
        _set_state(self, (1, shape, dtype, fortran is True, data))


_OBJECT = np.dtype("O")
_set_state: Callable[[Any, Any], None] = np.ndarray.__setstate__


def _plain_dtype(dtype: object) -> np.dtype[Any]:
    if type(dtype) is not _Dtype:
        raise pickle.UnpicklingError("it makes an array without a dtype")
    return dtype.dtype


def _size_of(shape: object) -> int:
    if type(shape) is not tuple or len(shape) > 32:
        raise pickle.UnpicklingError("it makes an array without a shape")
    size = 1
    for n in shape:
        if type(n) is not int or n < 0:
            raise pickle.UnpicklingError("it makes an array without a shape")
        size *= n
    return size


def _check_characters(values: NDArray[Any]) -> None:
    if not is_text(values):
        raise pickle.UnpicklingError("it makes texts of characters that there aren't")


def _as_bytes(data: object) -> bytes | bytearray:
    if isinstance(data, str):  # Python 2 wrote bytes as its str, which is read as latin-1
        return data.encode("latin-1")
    if type(data) is bytes or type(data) is bytearray:
        return data
    raise pickle.UnpicklingError("it makes an array without bytes")


class _Reconstruct:
    """Stands in for numpy's `_reconstruct`: an empty array that waits for its state. The shape given here is unused.

    A class of its own, not `Frozen`, because millions of arrays go through it.
    """

    __slots__ = ()

    def __call__(self, kind: object, _shape: object = None, _code: object = None) -> _Array:
        if kind is not _NdarrayName:
            raise pickle.UnpicklingError("it makes a subclass of numpy.ndarray")
        return _Array(_NO_ROWS)

    def __setstate__(self, state: object) -> NoReturn:
        raise pickle.UnpicklingError("it gives a function a state")


_NO_ROWS = (0,)
ARRAY = _Array
"""The type of unpickled arrays."""


def _from_buffer(data: object, dtype: object, shape: object, order: object = "C") -> NDArray[Any]:
    """Stand in for numpy's `_frombuffer`, which protocol 5 uses."""
    plain, raw = _plain_dtype(dtype), _as_bytes(data)
    if plain.kind == "O" or len(raw) != _size_of(shape) * plain.itemsize:
        raise pickle.UnpicklingError(f"it makes an array {shape} of {plain} from {len(raw)} bytes")
    checked: Any = shape
    _check_characters(np.frombuffer(raw, plain))
    return np.frombuffer(raw, plain).reshape(checked, order="F" if order == "F" else "C")


def _scalar(dtype: object, data: object = b"") -> Any:
    """Stand in for numpy's `scalar`."""
    plain, raw = _plain_dtype(dtype), _as_bytes(data)
    if plain.kind == "O" or len(raw) != plain.itemsize:
        raise pickle.UnpicklingError(f"it makes a number of {plain} from {len(raw)} bytes")
    values = np.frombuffer(raw, plain)
    _check_characters(values)
    return values[0]


def _encode(text: object, encoding: object = "latin1", *_errors: object) -> bytes:
    """Stand in for `_codecs.encode`, with which protocol 2 writes bytes."""
    if not isinstance(text, str) or encoding not in ("latin1", "latin-1"):
        raise pickle.UnpicklingError("it calls _codecs.encode for something else than latin-1 bytes")
    return text.encode("latin-1")


def _empty_of(kind: type[Any]) -> Callable[..., Any]:
    """A stand-in for a container's constructor that copies one list, tuple or dict at most."""

    def make(*args: Any) -> Any:
        if len(args) > 1 or (args and type(args[0]) not in (list, tuple, dict, set, frozenset)):
            raise pickle.UnpicklingError(f"it calls {kind.__name__} for something else than a container")
        return kind(*args)

    return make


def _bytes(*args: Any) -> bytes:
    if not args:
        return b""
    if len(args) == 2 and args[1] in ("latin1", "latin-1"):
        return _encode(*args)
    if len(args) == 1 and type(args[0]) in (bytes, bytearray):
        return bytes(args[0])
    raise pickle.UnpicklingError("it calls bytes for something else than bytes")


class Box(metaclass=_Refusing):
    """The attributes of an object of a known box class, as a dict: `state`."""

    __slots__ = ("state",)
    state: dict[str, Any]

    def __new__(cls, *_args: Any) -> Box:
        """One without attributes; arguments of the constructor aren't needed by any known class."""
        box = object.__new__(cls)
        box.state = {}
        return box

    def __init__(self, *_args: Any) -> None: ...

    def __setstate__(self, state: object) -> None:
        for part in state if isinstance(state, tuple) else (state,):
            if isinstance(part, dict):
                self.state.update(part)
            elif part is not None:
                raise pickle.UnpicklingError("it gives a box class something else than attributes")


_ARRAYS: dict[str, Callable[..., Any]] = {
    "numpy.ndarray": _NdarrayName,
    "numpy.dtype": _Dtype,
    "_codecs.encode": Frozen(_encode),
    "collections.OrderedDict": Frozen(_empty_of(dict)),
    **{
        f"numpy.{core}.{name}": Frozen(call)
        for core in ("core", "_core")
        for name, call in (
            ("multiarray.scalar", _scalar),
            ("numeric._frombuffer", _from_buffer),
        )
    },
    **{f"numpy.{core}.multiarray._reconstruct": _Reconstruct() for core in ("core", "_core")},
    **{
        f"{module}.{kind.__name__}": Frozen(_empty_of(kind))
        for module in ("builtins", "__builtin__")
        for kind in (list, tuple, dict, set, frozenset)
    },
    **{f"{module}.{name}": Frozen(_bytes) for module in ("builtins", "__builtin__") for name in ("bytes", "bytearray")},
}


BOX_CLASSES = frozenset(
    {
        "mega_core.structures.bounding_box.BoxList",
        "maskrcnn_benchmark.structures.bounding_box.BoxList",
        "mmengine.structures.base_data_element.BaseDataElement",
        "mmengine.structures.instance_data.InstanceData",
        "mmdet.structures.det_data_sample.DetDataSample",
        "mmdet.structures.bbox.horizontal_boxes.HorizontalBoxes",
        "mmtrack.structures.track_data_sample.TrackDataSample",
    }
)
"""Classes of the field that hold boxes; only their attributes are read."""


class _Unpickler(pickle.Unpickler):
    """The C unpickler, with every name looked up in `names` and in the tables above."""

    def __init__(
        self,
        file: io.BufferedIOBase,
        names: Mapping[str, Callable[..., Any]],
        storage: Callable[[object], object] | None,
        trusted: bool,
    ) -> None:
        super().__init__(file, encoding="latin-1")
        self._trusted = trusted
        self._names = names
        self._storage = storage

    def find_class(self, module: str, name: str) -> Any:
        """The stand-in for a name; any other is refused, or imported where the user trusts the file."""
        full = f"{module}.{name}"
        if full in BOX_CLASSES:
            return Box
        for table in (_ARRAYS, self._names):
            if full in table:
                return table[full]
        if self._trusted:
            return super().find_class(module, name)
        raise _Refused(full)

    def persistent_load(self, pid: object) -> Any:
        """A tensor's storage, where the file has storages."""
        if self._storage is None:
            raise pickle.UnpicklingError("it refers to something outside of itself")
        return self._storage(pid)


class _Refused(pickle.UnpicklingError):
    """A name that isn't in the table."""


_DAMAGE = (
    pickle.UnpicklingError, EOFError, ValueError, TypeError, AttributeError, IndexError, KeyError, OverflowError,
)  # fmt: skip
_NO_NAMES: dict[str, Callable[..., Any]] = {}


def load(
    data: bytes | mmap.mmap,
    place: str,
    names: Mapping[str, Callable[..., Any]] = _NO_NAMES,
    storage: Callable[[object], object] | None = None,
    trusted: bool = False,
) -> Any:
    """The object of the one pickle in `data`, rebuilt from arrays, containers and `Box` alone.

    `names` are further stand-ins, `storage` answers persistent ids. With `trusted` any other name is imported and run
    as `pickle.load` does, for files of the user's own making. Raises PredictionError, which starts with `place`,
    for a pickle that names anything else, that is damaged, or that isn't one.
    """
    file = io.BytesIO(data)
    content = load_next(file, place, names, storage, trusted)
    if file.tell() != len(data):
        raise PredictionError(f"{place}: {len(data) - file.tell()} bytes behind the end of the pickle")
    return content


def load_next(
    file: io.BytesIO,
    place: str,
    names: Mapping[str, Callable[..., Any]] = _NO_NAMES,
    storage: Callable[[object], object] | None = None,
    trusted: bool = False,
) -> Any:
    """The next object of a stream of pickles; `file` is left behind it. As `load` otherwise."""
    start = file.tell()
    try:
        program = pickle_program.check(file.getvalue(), start)
        with _without_collections():
            content = pickle_program.run(lambda: _Unpickler(file, names, storage, trusted).load(), program)
        file.seek(start + program.size)
        return content
    except _Refused as error:
        raise PredictionError(
            f"{place}: refused: the pickle calls for {str(error)!r}, which isn't an array, a plain container or a "
            f"known box class; nothing was run. If you trust its maker, {WAY_OUT}"
        ) from None
    except (MemoryError, RecursionError):
        raise PredictionError(f"{place}: refused: the pickle asks for more memory than there is") from None
    except (ImportError, *_DAMAGE) as error:
        raise PredictionError(f"{place}: refused: damaged or hostile pickle: {_short(error)}") from None


@contextmanager
def _without_collections() -> Iterator[None]:
    """Let Python not look for cycles meanwhile: unpickling makes millions of objects and no cycles to speak of."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _short(error: Exception) -> str:
    return (str(error) or type(error).__name__)[:300]
