"""A pickle's program, read through before it runs: what it would take, without running any of it.

The C unpickler runs a pickle fast, but lets it ask for memory freely (one opcode of five bytes can fill the memo with
2^32 entries) and recurses as deep as tuples are nested. So the opcodes are walked first, by one regular expression that
steps over most of them at once: where each ends follows from its kind and its stated length alone.
"""

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pickle import UnpicklingError
from typing import Any

_SHORT = 256  # lengths that one byte states
_TUPLES = (b"t", b"\x85", b"\x86", b"\x87", b"\x91")  # TUPLE, TUPLE1 … TUPLE3, FROZENSET
_STACK_A_TUPLE = 256  # bytes of C stack for hashing one more nested tuple: twice what CPython 3.11 takes
_MOST_STACK = 8 << 30  # of address space; only what is used becomes memory
_LEAST_STACK = 256 << 20  # where the machine doesn't give so much: a million nested tuples
_OWN_STACK = 8_000  # nested tuples that any thread's stack holds

_LINES = {ord(c): 1 for c in "FILPSVgp"} | {ord(c): 2 for c in "ci"}
_COUNTED = {ord("T"): 4, ord("B"): 4, ord("X"): 4, 0x8B: 4, 0x8D: 8, 0x8E: 8, 0x96: 8, 0x8A: 1}
_REFUSED = {
    0x82: "the extension registry (EXT1)",
    0x83: "the extension registry (EXT2)",
    0x84: "the extension registry (EXT4)",
    0x97: "a buffer outside of itself (NEXT_BUFFER)",
    0x98: "a buffer outside of itself (READONLY_BUFFER)",
    ord("r"): "a memo far larger than itself (LONG_BINPUT)",
}
_STOP = ord(".")
_LARGE = 8
"""Bytes of a whole number that can be made to have the same hash as others, as smaller ones can't."""
_NUMBERS = {0x8A: _LARGE + 1, 0x8B: _LARGE + 4, ord("L"): 20, ord("I"): 20}
"""Opcodes of whole numbers: LONG1, LONG4 and those of protocol 0; with the bytes that a large number takes at least."""
_MOST_LARGE = 1000
"""No predictions have so many. As keys of one dict, all of one hash, they would take time as the square of them."""


@dataclass(frozen=True)
class Program:
    """What the walk found: the bytes that the pickle takes, and how deep tuples could be nested at most."""

    size: int
    depth: int


def check(data: bytes, start: int) -> Program:
    """What the pickle at `start` takes; UnpicklingError if it is cut, isn't a pickle, or asks for too much."""
    at, steps, large = start, _stepper(max(len(data) - start, 1 << 16)), 0
    while True:
        at = steps.match(data, at).end()  # type: ignore[union-attr]  # it matches nothing at least
        if at >= len(data):
            raise UnpicklingError("it ends in the middle, or isn't a pickle")
        code = data[at]
        if code == _STOP:
            size = at + 1 - start
            if large > _MOST_LARGE:
                raise UnpicklingError(f"it has {large} whole numbers too large for anything that predictions hold")
            return Program(size, min(size, sum(data.count(mark, start, at) for mark in _TUPLES)))
        end = _step(data, at, code, len(data) - start)
        large += code in _NUMBERS and end - at > _NUMBERS[code]
        at = end


def _step(data: bytes, at: int, code: int, size: int) -> int:
    """The end of an opcode that states its length in another way than by one byte."""
    if code in _COUNTED:
        width = _COUNTED[code]
        end = at + 1 + width + int.from_bytes(data[at + 1 : at + 1 + width], "little")
        if end > len(data):
            raise UnpicklingError(f"it has a string of {end - at} bytes, the rest of the file has {len(data) - at}")
        return end
    if code in _LINES:
        end = at
        for _ in range(_LINES[code]):
            end = data.find(b"\n", end) + 1
            if not end:
                raise UnpicklingError("it ends in the middle, or isn't a pickle")
        if code == ord("p") and not data[at + 1 : end].strip().isdigit():
            raise UnpicklingError("it has a memo entry that is no number")
        if code == ord("p") and int(data[at + 1 : end][:20]) > max(size, 1 << 16):
            raise UnpicklingError("it asks for a memo far larger than itself (PUT)")
        return end
    raise UnpicklingError(
        f"it uses {_REFUSED[code]}" if code in _REFUSED else f"opcode {code:#04x} at byte {at}: no pickle"
    )


@lru_cache(maxsize=8)
def _stepper(size: int) -> re.Pattern[bytes]:
    """The pattern of any run of opcodes of fixed length, or whose length one byte states.

    A memo entry (LONG_BINPUT) may have the number of a byte of the file at most: picklers count them from 0.
    """
    most = min(size, 0xFFFFFFFF) >> 16
    high, low = _byte(most >> 8), _byte(most & 0xFF)
    counted = b"|".join(_byte(n) + b".{%d}" % n for n in range(_SHORT))
    words = b"|".join(_byte(n) + b"\\0\\0\\0.{%d}" % n for n in range(_SHORT))
    memo = b"r..[\\x00-%s]%s" % (low, high)
    if most >> 8:
        memo += b"|r...[\\x00-%s]" % _byte((most >> 8) - 1)
    return re.compile(
        b"(?s:(?:[(012NRabd}el\\]ost)uQ\\x81\\x85-\\x89\\x8f-\\x94]"
        b"|[Kqh\\x80].|M..|[Jj].{4}|[G\\x95].{8}|[UC\\x8c](?:%s)|X(?:%s)|c[^\\n]*+\\n[^\\n]*+\\n|%s)*+)"
        % (counted, words, memo)
    )


def _byte(value: int) -> bytes:
    return b"\\x%02x" % value


def run(load: Callable[[], Any], program: Program) -> Any:
    """What `load` returns, run on a stack that is deep enough for the tuples of the program."""
    if program.depth <= _OWN_STACK:
        return load()
    answer: list[Any] = []
    failure: list[BaseException] = []

    def work() -> None:
        try:
            answer.append(load())
        except BaseException as error:  # handed to the caller below
            failure.append(error)

    thread = _started(work, min(_MOST_STACK, program.depth * _STACK_A_TUPLE + (1 << 20)))
    thread.join()
    if failure:
        raise failure[0]
    return answer[0]


def _started(work: Callable[[], None], stack: int) -> threading.Thread:
    """A thread that runs `work` on a stack of so many bytes, or of less where the machine doesn't give it."""
    for size in (stack, min(stack, _LEAST_STACK)):
        before = threading.stack_size(size & ~0xFFFF)
        try:
            thread = threading.Thread(target=work, daemon=True)
            thread.start()
            return thread
        except RuntimeError:  # no room for the stack
            continue
        finally:
            threading.stack_size(before)
    raise MemoryError
