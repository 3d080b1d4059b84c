"""Broken copies of files: bytes changed anywhere, and values changed where a format has them."""

import io
import json
import random
import re
import zipfile
from collections.abc import Callable, Iterator, Sequence

import numpy as np

Mutator = Callable[[bytes, random.Random], bytes]

NUMBERS = (
    *("-1", "0", "1.5", "NaN", "Infinity", "-Infinity", "1e400", "1e308", "9" * 30, "9" * 5000, "2147483648"),
    *("9223372036854775808", "-9223372036854775809", "true", "null", '""', '"x"', "[]", "{}", "[[1]]", "1_0", "0x10"),
)
TEXTS = ("", "\x1b[31mred", "a\\u0000b", "a\\nb", "../../x", "/etc/passwd", "=cmd|' /C calc'!A0", "a" * 4000, "\ud83d")
WORDS = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 2**61 - 1, 2**63 - 1, 2**64 - 1)
SWAPS = ((b"{", b"["), (b"[", b"{"), (b'"', b""), (b":", b","), (b",", b""), (b"<", b""), (b"/>", b">"), (b"\n", b""))
ARRAYS: tuple[np.generic, ...] = (
    *(np.float64(v) for v in (np.nan, np.inf, -np.inf, -1, 0.5, 1e300)),
    *(np.int64(v) for v in (-1, 2**31, 2**62)),
)


def flip(data: bytes, dice: random.Random) -> bytes:
    """One bit turned, or a few."""
    changed = bytearray(data)
    for _ in range(dice.choice((1, 1, 1, 4))):
        if changed:
            changed[dice.randrange(len(changed))] ^= 1 << dice.randrange(8)
    return bytes(changed)


def word(data: bytes, dice: random.Random) -> bytes:
    """A whole number of 1 to 8 bytes put over what was there."""
    size, order = dice.choice((1, 2, 4, 8)), dice.choice(("little", "big"))
    at = dice.randrange(max(len(data), 1))
    value = dice.choice(WORDS) % 256**size
    return data[:at] + value.to_bytes(size, order) + data[at + size :]  # type: ignore[arg-type]  # an order


def cut(data: bytes, dice: random.Random) -> bytes:
    """The end, the beginning or a piece taken away."""
    at, size = dice.randrange(max(len(data), 1)), dice.randrange(1, 64)
    return dice.choice((data[:at], data[at:], data[:at] + data[at + size :]))


def repeat(data: bytes, dice: random.Random) -> bytes:
    """A piece of it put in somewhere."""
    a, b = dice.randrange(max(len(data), 1)), dice.randrange(max(len(data), 1))
    size = dice.choice((1, 8, 64, 512))
    return data[:b] + data[a : a + size] * dice.choice((1, 1, 2, 50)) + data[b:]


def number(data: bytes, dice: random.Random) -> bytes:
    """A number of a text made another, or something else."""
    found = list(re.finditer(rb"-?\d+(?:\.\d+)?", data[: 1 << 16]))
    if not found:
        return flip(data, dice)
    place = dice.choice(found)
    return data[: place.start()] + dice.choice(NUMBERS).encode() + data[place.end() :]


def text(data: bytes, dice: random.Random) -> bytes:
    """A text in quotes, or a word, made another."""
    found = list(re.finditer(rb'"[^"\n]*"|[A-Za-z_]{3,}', data[: 1 << 16]))
    if not found:
        return flip(data, dice)
    place = dice.choice(found)
    quote = '"' if place[0].startswith(b'"') else ""
    return data[: place.start()] + f"{quote}{dice.choice(TEXTS)}{quote}".encode(errors="replace") + data[place.end() :]


def mark(data: bytes, dice: random.Random) -> bytes:
    """A bracket, a quote or a line end lost or exchanged."""
    old, new = dice.choice(SWAPS)
    places = [m.start() for m in re.finditer(re.escape(old), data[: 1 << 16])]
    if not places:
        return cut(data, dice)
    at = dice.choice(places)
    return data[:at] + new + data[at + len(old) :]


def line(data: bytes, dice: random.Random) -> bytes:
    """A line of a text lost, doubled, moved, or with a field more or less."""
    lines = data.split(b"\n")
    at = dice.randrange(len(lines))
    kind = dice.randrange(5)
    if kind == 0:
        del lines[at]
    elif kind == 1:
        lines.insert(dice.randrange(len(lines)), lines[at])
    elif kind == 2:
        lines[at] += b",1"
    else:
        fields = lines[at].split(b"," if b"," in lines[at] else b" ")
        fields[dice.randrange(len(fields))] = dice.choice((*(n.encode() for n in NUMBERS), b"\xff", b"\0"))
        lines[at] = (b"," if b"," in lines[at] else b" ").join(fields)
    return b"\n".join(lines)


def json_value(data: bytes, dice: random.Random) -> bytes:
    """A value somewhere in a JSON taken out, or made another."""
    content = json.loads(data)
    places: list[tuple[object, object]] = []
    waiting = [content]
    while waiting:
        each = waiting.pop()
        items = each.items() if isinstance(each, dict) else enumerate(each) if isinstance(each, list) else ()
        for key, value in items:
            places.append((each, key))
            waiting.append(value)
    holder, key = dice.choice(places)
    wrong = (None, "x", "\x1b[2J", "../../x", -1, 1.5, 10**400, 1e300, True, [], {}, [[]], "a" * 4000)
    if dice.random() < 0.2:
        del holder[key]  # type: ignore[attr-defined]
    else:
        holder[key] = dice.choice(wrong)  # type: ignore[index]
    return json.dumps(content, ensure_ascii=dice.random() < 0.5).encode(errors="surrogatepass")


def npz_member(data: bytes, dice: random.Random) -> bytes:
    """A member of a zip file changed, its checksum made to fit; or of an npz an array made another."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {info.filename: archive.read(info) for info in archive.infolist()}
    name = dice.choice(list(members))
    if name.endswith(".npy") and dice.random() < 0.7:
        members[name] = _other_array(members[name], dice)
    elif dice.random() < 0.1:
        del members[name]
    else:
        members[name] = dice.choice((flip, word, cut))(members[name], dice)
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for each, content in members.items():
            archive.writestr(each, content)
    return made.getvalue()


def _other_array(data: bytes, dice: random.Random) -> bytes:
    array = np.load(io.BytesIO(data))
    kind = dice.randrange(4)
    if kind == 0 and array.size:
        array = array.copy() if array.dtype.kind in "iuf" else array.astype(object).astype("U")
        with np.errstate(all="ignore"):
            array.reshape(-1)[dice.randrange(array.size)] = np.asarray(dice.choice(ARRAYS)).astype(array.dtype)
    elif kind == 1:
        array = array.astype(dice.choice(("f4", "f8", "i8", "u1", "?", "c8", "S3", "U3")))
    elif kind == 2:
        array = array.reshape(-1)[: dice.randrange(array.size + 1)]
    else:
        array = array[None]
    made = io.BytesIO()
    np.save(made, array)
    return made.getvalue()


BYTES: tuple[Mutator, ...] = (flip, flip, word, cut, repeat)
LINES: tuple[Mutator, ...] = (*BYTES, number, text, mark, line, line)
XML: tuple[Mutator, ...] = (*BYTES, number, number, text, mark)
JSON: tuple[Mutator, ...] = (*XML, json_value, json_value, json_value)
ZIP: tuple[Mutator, ...] = (*BYTES, npz_member, npz_member, npz_member)


def mutants(sample: bytes, mutators: Sequence[Mutator], seed: int) -> Iterator[bytes]:
    """Yield broken copies without end, most of them broken once."""
    dice = random.Random(seed)
    while True:
        data = sample
        for _ in range(dice.choice((1, 1, 1, 2, 5))):
            try:
                data = dice.choice(mutators)(data, dice)
            except Exception:  # what is broken already isn't what a mutator for values takes
                data = flip(data, dice)
        yield data
