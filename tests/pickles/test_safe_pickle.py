"""Pickles that try to do what they shouldn't: each is refused by name, and nothing of it runs."""

import collections
import copyreg
import pickle
import re
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vidkit.errors import PredictionError
from vidkit.pickles import pickle_program, safe_pickle
from vidkit.pickles.pickle_out import plain_pickle


class Calls:
    """Pickles as a call of `function` with `args`, and a state."""

    def __init__(self, function: Any, *args: Any, state: Any = None) -> None:
        self.parts = (function, args) if state is None else (function, args, state)

    def __reduce__(self) -> Any:
        return self.parts


def name(module: str, attribute: str, protocol: int = 2) -> bytes:
    """The opcodes that push a name."""
    if protocol < 4:
        return f"c{module}\n{attribute}\n".encode()
    return b"".join(b"\x8c" + bytes([len(part)]) + part.encode() for part in (module, attribute)) + b"\x93"


def text(value: str) -> bytes:
    return b"X" + struct.pack("<I", len(value)) + value.encode()


def reduced(module: str, attribute: str, argument: str, protocol: int = 2) -> bytes:
    """A pickle that calls module.attribute(argument)."""
    return bytes([0x80, protocol]) + name(module, attribute, protocol) + text(argument) + b"\x85R."


SHELL, PYTHON = "touch {}", "open('{}', 'w').close()"

HOSTILE = [  # module, attribute, the argument that it is called with, protocol
    ("posix", "system", SHELL, 2),
    ("nt", "system", SHELL, 2),
    ("os", "system", SHELL, 4),
    ("builtins", "eval", PYTHON, 2),
    ("builtins", "exec", PYTHON, 4),
    ("builtins", "getattr", "x", 2),
    ("builtins", "__import__", "os", 2),
    ("builtins", "open", "{}", 4),
    ("__builtin__", "eval", PYTHON, 2),
    ("subprocess", "Popen", SHELL, 2),
    ("functools", "partial", "x", 2),
    ("operator", "attrgetter", "x", 2),
    ("numpy.f2py.crackfortran", "myeval", PYTHON, 4),
    ("numpy", "load", "{}", 2),
    ("numpy.core.multiarray", "fromfile", "{}", 2),
    ("numpy._core.multiarray", "fromfile", "{}", 2),
    ("numpy.testing._private.utils", "runstring", PYTHON, 2),
    ("torch.serialization", "load", "{}", 2),
    ("torch", "load", "{}", 2),
    ("copyreg", "_reconstructor", "x", 2),
    ("copy_reg", "_reconstructor", "x", 2),
    ("_codecs", "decode", "x", 2),
    ("types", "FunctionType", "x", 2),
    ("numpy", "ndarray.tofile", "{}", 4),
    ("builtins", "list.__class__", "x", 4),
    ("vidkit.pickles.safe_pickle", "load", "x", 2),
    ("mega_core.structures.bounding_box", "os.system", SHELL, 4),
]


@pytest.mark.parametrize(("module", "attribute", "argument", "protocol"), HOSTILE)
def test_a_name_that_isnt_known_is_refused_by_name_and_nothing_runs(
    module: str, attribute: str, argument: str, protocol: int, tmp_path: Path
) -> None:
    mark = tmp_path / "mark"
    with pytest.raises(PredictionError, match=rf"place: refused: .*'{re.escape(f'{module}.{attribute}')}'"):
        safe_pickle.load(reduced(module, attribute, argument.format(mark), protocol), "place")
    assert not mark.exists()


@pytest.mark.parametrize("data", [b"(S'touch MARK'\nios\nsystem\n.", b"(cos\nsystem\nS'touch MARK'\no."])
def test_instances_of_old_are_refused_by_name(data: bytes, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    with pytest.raises(PredictionError, match=r"'os\.system'"):
        safe_pickle.load(data.replace(b"MARK", str(mark).encode()), "place")
    assert not mark.exists()


def test_the_refusal_names_the_call_and_the_way_out() -> None:
    with pytest.raises(
        PredictionError, match=r"calls for 'posix\.system'.*nothing was run.*vidkit convert.*--trust-pickle"
    ):
        safe_pickle.load(reduced("posix", "system", "true"), "place")


@pytest.mark.parametrize("protocol", range(6))
def test_a_call_is_refused_wherever_it_is_nested(protocol: int, tmp_path: Path) -> None:
    import os

    mark = tmp_path / "ran"
    call = Calls(os.mkdir, str(mark))
    for content in (
        call,
        [{"boxes": np.zeros((1, 4)), "scores": [call]}],
        np.array([1, call], object),
        {"a": ({"b": [call]},)},
        collections.OrderedDict(a=call),
        Calls(collections.OrderedDict, state={"x": call}),
    ):
        with pytest.raises(PredictionError, match=r"'(posix|nt)\.mkdir'"):
            safe_pickle.load(pickle.dumps(content, protocol), "place")
    assert not mark.exists()


def test_a_state_cant_change_what_stands_in() -> None:
    reconstruct = name("numpy.core.multiarray", "_reconstruct")
    ordered = name("collections", "OrderedDict")
    box = name("mega_core.structures.bounding_box", "BoxList")
    for target in (
        reconstruct,
        ordered,
        box,
        name("numpy", "dtype"),
        name("numpy", "ndarray"),
        name("torch", "FloatStorage"),
    ):
        for state in (
            b"}" + text("__setstate__") + ordered + b"s",  # a dict of attributes
            b"N}" + text("__call__") + ordered + b"s\x86",  # (None, slots)
            b"N}" + text("_call") + ordered + b"s\x86",
        ):
            with pytest.raises(PredictionError, match="refused"):
                safe_pickle.load(b"\x80\x02" + target + state + b"b.", "place", {"torch.FloatStorage": _storage_type()})
    data = pickle.dumps([np.arange(3), collections.OrderedDict(a=1)])
    assert safe_pickle.load(data, "place")[1] == {"a": 1}


def _storage_type() -> Any:
    from vidkit.pickles.torch_file import NAMES

    return NAMES["torch.FloatStorage"]


def test_the_extension_registry_isnt_asked() -> None:
    copyreg.add_extension("os", "system", 0x7F)
    try:
        with pytest.raises(PredictionError, match="extension registry"):
            safe_pickle.load(b"\x80\x02\x82\x7f" + text("true") + b"\x85R.", "place")
    finally:
        copyreg.remove_extension("os", "system", 0x7F)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"\x80\x02]r\x00\x00\x00\x7f.", "memo far larger"),
        (b"\x80\x02]r\x00\x00\x00\x01.", "memo far larger"),
        (b"]p99999999999\n.", "memo far larger"),
        (b"\x80\x04B\xff\xff\xff\x7fabc.", "string of"),
        (b"\x80\x05\x96\xff\xff\xff\xff\xff\x00\x00\x00abc.", "string of"),
        (b"\x80\x04\x8e\xff\xff\xff\xff\xff\xff\xff\x7fabc.", "string of"),
        (b"\x80\x04\x95\xff\xff\xff\xff\xff\x00\x00\x00].", "ends in the middle|exhausted|truncated"),
        (b"\x80\x05\x97.", "buffer outside"),
        (b"\x80\x02U\x05ab", "ends in the middle|no pickle"),
        (b"\x80\x02]", "ends in the middle"),
        (b"\x80\x02]]", "ends in the middle"),
        (b"hello", "pickle"),
        (b"\x80\x02X\x01\x00\x00\x00aQ.", "outside of itself"),
        (b"\x80\x02].]", "behind the end"),
        (b"\x80\x09].", "refused"),
        (b"\x80\x02h\x07.", "refused"),
        (b"\x80\x02a.", "refused"),
        (b"I" + b"9" * 100_000 + b"\n.", "refused"),
    ],
)
def test_what_is_damaged_or_asks_for_too_much_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(PredictionError, match=why):
        safe_pickle.load(data, "place")


def _array(shape: bytes, dtype: bytes = b"f4", raw: bytes = b"U\x04abcd", code: bytes = b"U\x01<") -> bytes:
    """A pickle of an array whose state says what it likes."""
    made = name("numpy.core.multiarray", "_reconstruct") + name("numpy", "ndarray") + b"K\x00\x85U\x01b\x87R"
    kind = name("numpy", "dtype") + b"U" + bytes([len(dtype)]) + dtype + b"K\x00K\x01\x87R"
    kind += b"(K\x03" + code + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
    return b"\x80\x02" + made + b"(K\x01" + shape + kind + b"\x89" + raw + b"tb."


def test_an_array_is_what_its_bytes_are() -> None:
    assert safe_pickle.load(_array(b"K\x01\x85"), "place").shape == (1,)
    huge = b"\x8a\x06\xff\xff\xff\xff\xff\x00\x85"
    for data in (
        _array(huge),
        _array(b"K\x02\x85"),
        _array(b"J\xff\xff\xff\xff\x85"),
        _array(b"K\x01\x85", dtype=b"O"),
        _array(huge, dtype=b"O", raw=b"]"),
        _array(b"K\x01\x85", dtype=b"V4"),
        _array(b"K\x01\x85", dtype=b"S99999999"),
        _array(b"K\x01\x85", dtype=b"f4,f4"),
        _array(b"K\x01\x85", raw=b"N"),
        _array(b"K\x01\x85", code=b"N"),
        _array(b"N"),
    ):
        with pytest.raises(PredictionError, match="refused"):
            safe_pickle.load(data, "place")


def test_numpy_reconstruct_gives_no_memory_away() -> None:
    made = name("numpy.core.multiarray", "_reconstruct") + name("numpy", "ndarray")
    data = b"\x80\x02" + made + b"\x8a\x06\xff\xff\xff\xff\xff\x00\x85U\x01b\x87R."
    assert safe_pickle.load(data, "place").shape == (0,)
    with pytest.raises(PredictionError, match="by itself"):
        safe_pickle.load(
            b"\x80\x02" + name("numpy", "ndarray") + b"\x8a\x06\xff\xff\xff\xff\xff\x00\x85\x85R.", "place"
        )


def test_tuples_may_be_nested_deeper_than_the_stack_is() -> None:
    deep = b"\x80\x02}" + b")" + b"\x85" * 300_000 + b"K\x01s."
    assert len(safe_pickle.load(deep, "place")) == 1
    marked = b"\x80\x02}" + b"(" * 200_000 + b"t" * 200_000 + b"K\x01s."
    assert len(safe_pickle.load(marked, "place")) == 1
    lists = b"\x80\x02" + b"]" * 200_000 + b"a" * 199_999 + b"."
    assert isinstance(safe_pickle.load(lists, "place"), list)


@pytest.mark.parametrize("protocol", range(6))
def test_arrays_and_containers_come_back(protocol: int) -> None:
    rng = np.random.default_rng(0)
    content: list[Any] = [
        {
            "f4": rng.random((3, 4)).astype("f4"),
            "f8": np.asfortranarray(rng.random((5, 4))),
            "big": rng.random(3).astype(">f8"),
            "i8": np.arange(3),
            "empty": np.zeros((0, 5), "f4"),
            "bool": np.array([True, False]),
            "text": np.array(["a", "bb"]),
            "scalar": np.float32(0.25),
            "zero-d": np.array(1.5),
            "objects": np.array([1, "x", None], object),
        },
        (1, 2.5, None, True, b"bytes", "ü", {1, 2}, frozenset([3]), 2**80),
        collections.OrderedDict([("a", 1)]),
        bytearray(b"abc"),
    ]
    again = safe_pickle.load(pickle.dumps(content, protocol), "place")
    for key, value in content[0].items():
        assert np.array_equal(again[0][key], value), key
        assert again[0][key].dtype.newbyteorder("=") == value.dtype.newbyteorder("=")
    assert again[1] == content[1]
    assert again[2] == {"a": 1}
    assert bytes(again[3]) == b"abc"


def test_python_2_wrote_bytes_as_text() -> None:
    raw = "".join(map(chr, np.array([1.5, 300.25], "f4").tobytes())).encode("latin-1")
    data = _array(b"K\x02\x85", raw=b"U\x08" + raw)
    assert safe_pickle.load(data, "place").tolist() == [1.5, 300.25]


def test_pickles_follow_one_another() -> None:
    import io

    file = io.BytesIO(b"".join(pickle.dumps(k, p) for k, p in ((1, 0), ([2], 2), ("three", 4))))
    assert [safe_pickle.load_next(file, "place") for _ in range(3)] == [1, [2], "three"]


@pytest.mark.parametrize("protocol", range(6))
def test_the_walk_ends_where_pickletools_ends(protocol: int) -> None:
    import pickletools

    rng = np.random.default_rng(protocol)
    for size in (0, 1, 3, 300):
        content = [rng.random((size, 5)).astype("f4"), "x" * size, b"y" * size, size, -size, float(size), {size: None}]
        data = pickle.dumps(content, protocol)
        assert pickle_program.check(b"???" + data + b"more", 3).size == len(data)
        assert [op for op, *_ in pickletools.genops(data)][-1].name == "STOP"


def test_written_pickles_need_no_new_numpy() -> None:
    data = plain_pickle([{"boxes": np.arange(8.0).reshape(2, 4)}, np.arange(3)])
    assert b"numpy._core" not in data
    assert np.array_equal(pickle.loads(data)[0]["boxes"], np.arange(8.0).reshape(2, 4))


def test_a_file_of_ones_own_making_may_be_trusted(tmp_path: Path) -> None:
    import fractions

    data = pickle.dumps([fractions.Fraction(1, 3), np.arange(3)])
    with pytest.raises(PredictionError, match=r"'fractions\.Fraction'"):
        safe_pickle.load(data, "place")
    assert safe_pickle.load(data, "place", trusted=True)[0] == fractions.Fraction(1, 3)
    with pytest.raises(PredictionError, match="No module named 'nobody'"):
        safe_pickle.load(b"\x80\x02cnobody\nknows\n.", "place", trusted=True)
