"""What goes wrong around a run: a full disk, two writers, a frame that is replaced, a clock that is set.

`python -m tests.soak.troubles` brings each about and prints a line for it. A full disk is a small file system in
memory, which only the superuser can make; else that line says so.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

from tests.soak.kills import JOBS, Job, content_of, make_place, run

Trouble = Callable[[Path], str]
FRAMES = Job(("benchmark", "frame-copy", "--index", "tree.h5", "-o", "out/p.h5"), ("--resume",))


def two_writers(place: Path) -> str:
    """Two benchmarks with --resume into one folder: one does the work, the other one says that it is being done."""
    job = replace(JOBS["benchmark"], command=(*JOBS["benchmark"].command, "--resume"))
    running = [run(job, place) for _ in range(2)]
    said = [process.communicate()[1].decode() for process in running]
    codes = sorted(process.returncode for process in running)
    refused = [text for text in said if "another process is writing there" in text]
    if codes == [0, 0] and not refused:
        return "one began when the other had ended" if not list((place / "out").glob("*.parts")) else "both wrote"
    return "" if codes == [0, 1] and len(refused) == 1 else f"ended with {codes}: {said}"


def replaced_frame(place: Path) -> str:
    """A frame of another size in the middle of a run: it is named; once it is right again the run goes on."""
    frame = next(iter(sorted((place / "tree").rglob("*_00000002/000003.JPEG"))))
    kept = frame.read_bytes()
    frame.write_bytes(kept[: len(kept) // 2])
    process = run(FRAMES, place)
    said = process.communicate()[1].decode()
    frame.write_bytes(kept)
    if process.returncode != 1 or "000003.JPEG" not in said:
        return f"ended with {process.returncode}: {said[-300:]}"
    process = run(FRAMES, place, FRAMES.again)
    said = process.communicate()[1].decode()
    return "" if process.returncode == 0 else f"--resume ended with {process.returncode}: {said[-300:]}"


def set_clock(place: Path) -> str:
    """A clock of the day that jumps by days while a run is timed: times are still those that went by."""
    from vidkit.runs.running import benchmark

    real, steps = time.time, iter(range(1_000_000))
    with patch("time.time", lambda: real() + 86_400 * (-1) ** next(steps)):
        done = benchmark("frame-copy", place / "index.h5", output=place / "out" / "clock.h5", blank_frames=True)
    times = None if done.predictions is None else done.predictions.times
    if times is None or not (times.compute_seconds.min() >= 0 and times.compute_seconds.sum() < 3600):
        return "a time that can't be"
    return ""


def full_disk(place: Path) -> str:
    """No space left, for each command: it is said as such, with the file's name, and the command works afterwards."""
    wrong = []
    for name in ("prepare", "eval", "convert", "benchmark", "train"):
        job = JOBS[name]
        shutil.rmtree(place / job.out, ignore_errors=True)
        (place / job.out).mkdir()
        with _small_disk(place / job.out, "16k") as mounted:
            if not mounted:
                return "only the superuser can make a small file system: not tried"
            process = run(job, place)
            said = process.communicate()[1].decode().strip()
        last = said.splitlines()[-1] if said else ""
        if process.returncode != 1 or "No space left on device" not in last or "out" not in last:
            wrong.append(f"{name} ended with {process.returncode}: {last[-200:]}")
        process = run(job, place)
        if process.wait():
            wrong.append(f"{name} doesn't work afterwards")
    return "; ".join(wrong)


@contextmanager
def _small_disk(folder: Path, size: str) -> Iterator[bool]:
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(folder)]
    mounted = os.geteuid() == 0 and subprocess.run(command, capture_output=True, check=False).returncode == 0
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", str(folder)], check=True)


TROUBLES: tuple[Trouble, ...] = (two_writers, replaced_frame, set_clock, full_disk)


def main() -> int:
    """Bring each trouble about, in a place of its own."""
    wrong = 0
    for trouble in TROUBLES:
        with tempfile.TemporaryDirectory() as folder:
            make_place(Path(folder))
            said = trouble(Path(folder))
            leftovers = [name for name in content_of(Path(folder)) if name.endswith(".part")]
        said = said or (f"left behind: {leftovers}" if leftovers else "")
        wrong += bool(said)
        print(f"{trouble.__name__:<16}{said or 'as promised'}", flush=True)  # noqa: T201
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
