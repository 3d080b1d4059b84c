"""The door of readers: what comes out is the project's own error, with file, reason and what was wanted."""

import json
import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from vidkit.errors import AnnotationError, ArgumentError, FormatError
from vidkit.reading_door import reading


def nested() -> object:
    return json.loads("[" * 100_000)


@pytest.mark.parametrize(
    ("fails", "said"),
    [
        (lambda: struct.unpack("<I", b""), r"damaged \(error: unpack requires a buffer of 4 bytes\)"),
        (lambda: zlib.decompress(b"x"), r"damaged \(error: Error -5"),
        (lambda: {}["key"], r"damaged \(KeyError: 'key'\)"),
        (lambda: b"\xff".decode(), "byte 0: not UTF-8"),
        (lambda: int("x"), "invalid literal"),
        (nested, "nested too deep"),
        (lambda: Path("/nowhere/at/all").read_bytes(), "can't be read: No such file"),
        (lambda: [][1], r"damaged \(IndexError"),
    ],
)
def test_whatever_is_raised_inside_comes_out_as_the_project_s_own(fails: Callable[[], object], said: str) -> None:
    with (
        pytest.raises(FormatError, match=rf"^a\.bin: {said}.*; wanted a thing$"),
        reading("a.bin", FormatError, "a thing"),
    ):
        fails()


def test_the_project_s_own_errors_pass_and_are_given_the_place() -> None:
    with pytest.raises(AnnotationError, match=r"^a\.xml: object 2: no name$"), reading("a.xml", FormatError, "a thing"):
        raise AnnotationError("object 2: no name")
    with pytest.raises(AnnotationError, match=r"^a\.xml is odd$"), reading("a.xml", FormatError, "a thing"):
        raise AnnotationError("a.xml is odd")
    with pytest.raises(AnnotationError, match=r"^b\.txt$"), reading("a", FormatError, "a thing", names_own=False):
        raise AnnotationError("b.txt")


@pytest.mark.parametrize("error", [MemoryError(), KeyboardInterrupt(), ArgumentError("--x 5: wanted 1 … 3")])
def test_what_is_no_fault_of_the_file_passes(error: BaseException) -> None:
    with pytest.raises(type(error)), reading("a", FormatError, "a thing"):
        raise error


def test_of_a_pipe_nothing_is_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with (
        pytest.raises(FormatError, match="is a pipe; wanted a thing"),
        reading(tmp_path / "pipe", FormatError, "a thing"),
    ):
        (tmp_path / "pipe").read_bytes()
    with pytest.raises(FormatError, match="is a device"), reading(Path("/dev/zero"), FormatError, "a thing"):
        pass
