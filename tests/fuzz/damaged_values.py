"""Damaged annotation files: each is to be read as a whole, valid source, or refused with an AnnotationError."""

import copy
import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from vidkit.data.readers.source import Source
from vidkit.data.stack import build_index
from vidkit.errors import AnnotationError

WRONG = [None, "x", "\ud800", "../../x", "/x", -1, 1.5, 10**400, 1e300, float("nan"), float("inf"), True, [], {}, [[]]]
"""What may stand in the place of a JSON value."""


def damaged_text(data: bytes, separator: bytes = b",", seed: int = 0) -> Iterator[bytes]:
    """Bytes flipped or cut off; fields that are no numbers, missing, negative, huge; other encodings; nothing."""
    draw = random.Random(seed)
    for _ in range(25):
        at = draw.randrange(len(data))
        yield data[:at] + bytes([data[at] ^ 1 << draw.randrange(8)]) + data[at + 1 :]
        yield data[:at]
        yield data[at:]
        lines = data.splitlines()
        row = draw.randrange(len(lines))
        fields = lines[row].split(separator)
        column = draw.randrange(len(fields))
        for value in (b"nan", b"inf", b"-5", b"1e308", b"9" * 30, b"1.5", b"x", b"", b"1_0", b"0x10", b"\xff", b"\0"):
            lines[row] = separator.join([*fields[:column], value, *fields[column + 1 :]])
            yield b"\n".join(lines)
        lines[row] = separator.join(fields[:column] + fields[column + 1 :])
        yield b"\n".join(lines)
        lines[row] = separator.join([*fields, b"1"])
        yield b"\n".join(lines)
    yield from (b"", b"\n", b"\0" * 100, b"[]", b"\xef\xbb\xbf" + data, data + data, data.replace(b"\n", b"\r"))
    yield from (data.decode().encode(encoding) for encoding in ("utf-16", "utf-32", "utf-16-be"))


def damaged_json(value: Any) -> Iterator[bytes]:
    """The value with each of its parts taken out, or exchanged for each of WRONG; bytes cut off; other encodings."""
    for parts in _parts(value):
        *_, last = parts
        for wrong in WRONG:
            changed = copy.deepcopy(value)
            _at(changed, parts)[last] = wrong
            yield json.dumps(changed).encode()
        changed = copy.deepcopy(value)
        del _at(changed, parts)[last]
        yield json.dumps(changed).encode()
    data = json.dumps(value).encode()
    yield from (data[:at] for at in range(0, len(data), 31))
    yield from (b"", b"[]", b"{}", b"null", b"1", data + data, b"[" * 100_000, b'{"a":' * 100_000, b"\0" + data)
    yield from (b"\xef\xbb\xbf" + data, data.decode().encode("utf-16"), b"\xff" + data)


def _parts(value: Any, *before: Any) -> Iterator[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in inner:
        yield (*before, key)
        yield from _parts(part, *before, key)


def _at(value: Any, parts: tuple[Any, ...]) -> Any:
    for part in parts[:-1]:
        value = value[part]
    return value


def read_or_refused(read: Callable[[], Source], path: Path) -> Source | None:
    """The source, which makes a valid index; None where it was refused with an error that names the file."""
    try:
        source = read()
    except AnnotationError as error:
        assert str(path) in str(error), error
        assert len(str(error)) < 1000 and "\n" not in str(error), error
        return None
    build_index(source.videos, source.classes, "made", "val")
    for video in source.videos:
        assert np.isfinite(video.box).all()
        assert video.name.encode()
        if video.ignored is not None:
            assert np.isfinite(video.ignored.box).all()
        for name in (video.files.source, *(video.files.name or ())):
            assert not name.startswith("/") and ".." not in name.split("/")
    return source


def count_read(read: Callable[[Path], Source], path: Path, files: Iterator[bytes]) -> tuple[int, int]:
    """How many of the files were read, and how many refused."""
    read_, refused = 0, 0
    for data in files:
        path.write_bytes(data)
        if read_or_refused(lambda: read(path), path) is None:
            refused += 1
        else:
            read_ += 1
    return read_, refused
