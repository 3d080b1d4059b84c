"""Feed broken files to a reader and tell what it does wrong; `python -m tests.fuzz.fuzzing --help` runs it at length.

A reader may read a broken file, if what it reads makes sense, or refuse it with an error of the project's own: in one
printable line of at most 400 characters. Anything else is a fault: another error, a message that steers a terminal,
nonsense that was read, a file that takes longer than `PATIENCE` seconds or more memory than `MEMORY`.
"""

import argparse
import hashlib
import os
import resource
import signal
import sys
import tempfile
import traceback
import warnings
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter

from tests.fuzz.mutators import mutants
from tests.fuzz.readers import READERS, FuzzedReader
from vidkit.errors import VidkitError
from vidkit.safe_text import LONGEST_MESSAGE

PATIENCE = 10.0
"""Seconds for one small file."""
MEMORY = 8 << 30
"""Bytes of address space of a process that fuzzes."""


class TooSlow(BaseException):
    """A file that takes too long; no reader's `except Exception` stops it."""


@dataclass
class Found:
    """What became of the inputs of one reader."""

    reader: str
    inputs: int = 0
    refused: int = 0
    seconds: float = 0.0
    faults: dict[str, bytes] = field(default_factory=dict)
    """The first input of each distinct fault, by what it is and where."""


def fault_of(reader: FuzzedReader, path: Path) -> tuple[str, bool]:
    """What a reader does wrong with the file at a path, "" if nothing; and whether it refused it."""
    try:
        reader.read(path)
    except VidkitError as error:
        said = str(error)
        if len(said) > LONGEST_MESSAGE or not said.isprintable():
            return f"message of {len(said)} characters: {said[:60]!r} …", True
        return "", True
    except TooSlow:
        return f"longer than {PATIENCE:g} s", False
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        frames = [f for f in traceback.extract_tb(error.__traceback__) if "/tests/" not in f.filename] or [None]
        place = f"{Path(frames[-1].filename).name}:{frames[-1].name}" if frames[-1] else "its check"
        return f"{type(error).__name__} in {place}", False
    return "", False


def is_possible(reader: FuzzedReader) -> bool:
    """Whether what it needs is installed."""
    return all(find_spec(library) for library in reader.libraries)


def fuzz(name: str, inputs: int, seed: int = 0, seconds: float = float("inf")) -> Found:
    """Break the file of a reader so many times, or for so long, and say what was found."""
    reader, found = READERS[name], Found(name)
    shared = Path("/dev/shm")
    root = shared if shared.is_dir() and os.access(shared, os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=root) as folder, _watched(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        file = reader.make(Path(folder))
        sample = file.read_bytes()
        place = file.parents[reader.up - 1] if reader.up else file
        assert fault_of(reader, place) == ("", False), f"{name}: its own file is refused"
        started = perf_counter()
        for data in mutants(sample, reader.mutators, seed):
            if found.inputs >= inputs or perf_counter() - started > seconds:
                break
            file.write_bytes(data)
            signal.setitimer(signal.ITIMER_REAL, PATIENCE)
            fault, refused = fault_of(reader, place)
            signal.setitimer(signal.ITIMER_REAL, 0)
            found.inputs, found.refused = found.inputs + 1, found.refused + refused
            if fault:
                found.faults.setdefault(fault, data)
        found.seconds = perf_counter() - started
    return found


@contextmanager
def _watched() -> Iterator[None]:
    """With a clock that ends a read which takes too long, and a limit of memory."""

    def end(number: int, frame: object) -> None:
        raise TooSlow

    before = signal.signal(signal.SIGALRM, end)
    limits = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, limits)
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def minimal(name: str, data: bytes, fault: str, tries: int = 400) -> bytes:
    """A shorter input with the same fault: pieces are left out for as long as it stays."""
    reader = READERS[name]
    with tempfile.TemporaryDirectory() as folder, _watched(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        file = reader.make(Path(folder))
        place = file.parents[reader.up - 1] if reader.up else file
        size = max(len(data) // 2, 1)
        while size and tries > 0:
            at = 0
            while at < len(data) and tries > 0:
                shorter = data[:at] + data[at + size :]
                file.write_bytes(shorter)
                tries -= 1
                signal.setitimer(signal.ITIMER_REAL, PATIENCE)
                same = fault_of(reader, place)[0] == fault
                signal.setitimer(signal.ITIMER_REAL, 0)
                if same:
                    data = shorter
                else:
                    at += size
            size //= 2
    return data


def fuzz_all(inputs: int, seed: int, seconds: float, processes: int, only: str = "") -> Iterator[Found]:
    """Yield what was found with each reader, in processes of their own: a fault that ends one is seen as well."""
    names = [name for name, reader in READERS.items() if only in name and is_possible(reader)]
    with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
        running = {pool.submit(fuzz, name, inputs, seed, seconds): name for name in names}
        for done in as_completed(running):
            yield done.result()


def main() -> int:
    """Fuzz every reader and print a line for each; exit with 1 where there were faults, whose inputs are kept."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--inputs", type=int, default=1 << 62, help="of each reader; default: what time allows")
    parser.add_argument("--seconds", type=float, default=60, help="for each reader")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--processes", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--only", default="", help="readers with this in their name")
    parser.add_argument("--out", type=Path, default=Path("build/fuzz"), help="where inputs with faults are kept")
    given = parser.parse_args()
    inputs = faults = 0
    print(f"{'reader':<24}{'inputs':>10}{'refused':>10}{'inputs/s':>10}{'faults':>8}")  # noqa: T201
    for found in fuzz_all(given.inputs, given.seed, given.seconds, given.processes, given.only):
        rate = found.inputs / max(found.seconds, 1e-9)
        print(  # noqa: T201
            f"{found.reader:<24}{found.inputs:>10}{found.refused:>10}{rate:>10.0f}{len(found.faults):>8}", flush=True
        )
        inputs, faults = inputs + found.inputs, faults + len(found.faults)
        for fault, data in found.faults.items():
            given.out.mkdir(parents=True, exist_ok=True)
            small = minimal(found.reader, data, fault)
            name = f"{found.reader.replace('/', '-')}-{hashlib.sha256(small).hexdigest()[:8]}"
            (given.out / name).write_bytes(small)
            print(f"    {fault}: {given.out / name}, {len(small)} bytes", flush=True)  # noqa: T201
    print(f"{inputs} inputs, {faults} distinct faults")  # noqa: T201
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
