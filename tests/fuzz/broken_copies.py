"""Files broken in many ways, and what every reader owes them: a Source that holds, or an AnnotationError."""

import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

import numpy as np

from vidkit.data.readers.source import Source
from vidkit.data.stack import build_index
from vidkit.errors import AnnotationError

NUMBERS = (b"NaN", b"-1", b"1e999", b"1" + b"0" * 30, b"-7.5", b"Infinity", b"null", b"{}", b"[]", b'"x"', b"9" * 5000)
NUMBERS_OF_XML = (*NUMBERS[:6], b"", b"x", b"\xff", b"&#10;", b"&lt;")
SWAPS = ((b"{", b"["), (b"[", b"{"), (b'"', b""), (b":", b","), (b"<", b""), (b"/>", b">"), (b"\n", b""), (b" ", b"\n"))


def mutations(data: bytes, seed: int = 0) -> Iterator[tuple[str, bytes]]:
    """Broken copies of a file, by what was done to it."""
    dice = random.Random(seed)
    yield from (("empty", b""), ("space", b" \n"), ("zeros", b"\0" * 64), ("twice", data + data))
    for encoding in ("utf-16", "utf-32", "utf-8-sig"):
        yield encoding, data.decode().encode(encoding)
    yield "not UTF-8", data[:-3] + b"\xff\xfe" + data[-3:]
    yield "deep", data.replace(b"[", b"[" * 50_000, 1).replace(b">", b">" + b"<a>" * 50_000, 1)
    yield "document type", data.replace(b"<a", b'<!DOCTYPE a [<!ENTITY e "x">]><a', 1)
    for n in range(12):
        place = dice.randrange(max(len(data), 1))
        yield f"flip {n}", data[:place] + bytes([data[place] ^ 1 << dice.randrange(8)]) + data[place + 1 :]
        yield f"cut {n}", data[:place]
        yield f"gap {n}", data[:place] + data[place + dice.randrange(1, 40) :]
    found = list(re.finditer(rb"-?\d+(\.\d+)?", data))
    for number in NUMBERS_OF_XML if data.lstrip().startswith(b"<") else NUMBERS:
        for which in dice.sample(found, min(len(found), 8)):
            yield f"number {number[:20]!r} at {which.start()}", data[: which.start()] + number + data[which.end() :]
    for old, new in SWAPS:
        for which in dice.sample(places := [m.start() for m in re.finditer(re.escape(old), data)], min(len(places), 4)):
            yield f"{old!r} → {new!r} at {which}", data[:which] + new + data[which + len(old) :]
    for key in sorted(set(re.findall(rb'"(\w+)"\s*:', data)) | set(re.findall(rb'(\w+)="', data))):
        yield f"without {key!r}", data.replace(key, b"_" + key)


def check(place: Path, data: bytes, read: Callable[[], Source]) -> int:
    """Try every broken copy of `data` at `place`; the number of those that were refused."""
    refused = 0
    for what, broken in mutations(data):
        place.write_bytes(broken)
        try:
            hold(read())
        except AnnotationError as error:
            refused += 1
            assert str(place.parent.parent) in str(error), (what, error)
            assert len(str(error)) < 600 + 2 * len(str(place)), (what, error)
            assert "\n" not in str(error), (what, error)
        except Exception as error:
            raise AssertionError(f"{what}: {type(error).__name__}: {error}") from error
    place.write_bytes(data)
    hold(read())
    return refused


def hold(source: Source) -> None:
    """Assert that a source can become an index whose boxes are finite and whose files stay below the root."""
    index = build_index(source.videos, source.classes, "made", "val", str(source.root))
    assert np.isfinite(index.box).all()
    assert np.abs(index.box).max(initial=0) < 1e8
    for video in source.videos:
        for name in (video.name, video.files.source, *(video.files.name or ()), *(video.called.path or ())):
            name.encode()
        for name in (video.files.source, *(video.files.name or ())):
            assert ".." not in PurePosixPath(name).parts
            assert not PurePosixPath(name).is_absolute()
    assert source.class_ids is None or len(source.class_ids) == len(source.classes)
