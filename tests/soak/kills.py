"""Kill commands at random moments and run them again: what is there at the end must be as if nothing had happened.

`python -m tests.soak.kills --times 100` kills each command so often with SIGKILL, runs it again to its end, and
compares every file with those of an undisturbed run, times apart. No temporary file may be left. It works in a folder
of its own and prints a line for each command.
"""

import argparse
import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tests.makers import make_index, make_predictions
from vidkit.data.index_file import write_index
from vidkit.predictions.predictions_file import read_predictions, write_predictions
from vidkit.synth import Settings, make_dataset

VIDKIT = (sys.executable, "-P", "-m", "vidkit_cli.main")


@dataclass(frozen=True)
class Job:
    """A command, the arguments with which it goes on after a kill, and the folder that it writes into."""

    command: Sequence[str]
    again: Sequence[str] = ()
    out: str = "out"


TRAIN = (
    "build=tiny",
    "frozen=[]",
    "shorter=32",
    "longer=48",
    "iterations=6",
    "batch=2",
    "workers=0",
    "checkpoint_every=2",
)
_INDEX = ("--index", "index.h5")
_FIGURE = ("--only", "figure8", "--lengths", "2", "--gates", "1", "--ci", "0", "--limit", "1")
JOBS = {
    "prepare": Job(("prepare", "--vid-root", "tree", "--out", "out", "--workers", "1")),
    "eval": Job(("eval", "predictions.h5", *_INDEX, "--ci", "50", "-o", "out")),
    "convert": Job(("convert", "predictions.h5", *_INDEX, "--to", "mot", "-o", "out/mot")),
    "benchmark": Job(("benchmark", "frame-copy", *_INDEX, "--blank-frames", "-o", "out/p.h5"), ("--resume",)),
    "sweep": Job(("sweep", "frame-copy", "--option", "length=1,2", *_INDEX, "--blank-frames", "--runs-dir", "out")),
    "train": Job(
        ("train", "per-frame", "--index", "tree.h5", "--out", "out", *(w for each in TRAIN for w in ("--set", each))),
        ("--resume",),
    ),
    "reproduce": Job(("reproduce", "--index", "tree.h5", *_FIGURE, "-o", "out")),
}


def make_place(folder: Path) -> None:
    """Write what the commands read: a made-up tree with its index, and another index with predictions."""
    list(make_dataset(folder / "tree", Settings(width=96, height=80, frames=12), train=1, val=3))
    subprocess.run(
        [*VIDKIT, "prepare", "--vid-root", "tree", "--out", "data"], cwd=folder, check=True, capture_output=True
    )
    shutil.copy(folder / "data" / "vid_val.h5", folder / "tree.h5")
    index = make_index(videos=12, frames=60, tracks=4)
    write_index(folder / "index.h5", index)
    write_predictions(folder / "predictions.h5", make_predictions(index, jitter=0.5))


def run(job: Job, folder: Path, more: Sequence[str] = ()) -> subprocess.Popen[bytes]:
    """The command begun in a folder."""
    command = [*VIDKIT, *job.command, *more]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def content_of(folder: Path) -> dict[str, Any]:
    """What is in a folder, by the names of its files, times apart."""
    return {str(path.relative_to(folder)): _content(path) for path in sorted(folder.rglob("*")) if path.is_file()}


def _content(path: Path) -> Any:
    if path.suffix == ".h5" and b"vidkit-predictions" in path.read_bytes():
        found = read_predictions(path)
        return found.fingerprint, found.run.detector, dict(found.run.options)
    if path.suffix == ".pt":
        import torch

        state = torch.load(path, weights_only=True)["state"]
        return {name: np.asarray(tensor).tobytes() for name, tensor in state.items()}
    if path.suffix == ".json":
        return _without_times(json.loads(path.read_text()))
    if path.suffix == ".jsonl":
        return len(path.read_text().splitlines())
    if path.suffix in _OF_TIMES and path.parent.name != "mot":
        return path.suffix
    return path.read_bytes()


_OF_TIMES = (".html", ".md", ".csv", ".png", ".svg", ".out", ".txt")
"""Pages and tables tell of times; that they are there is what is compared."""
_TIMES = ("second", "time", "memory", "environment", "measured", "frames_per", "command", "reads", "speed", "versions")


def _without_times(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _without_times(v) for k, v in value.items() if not any(each in k for each in _TIMES)}
    return [_without_times(v) for v in value] if isinstance(value, list) else value


def killed(name: str, times: int, seed: int, tell: Callable[[str], None]) -> int:
    """How many of so many kills of a command were followed by another end than an undisturbed run has."""
    job, dice, bad, while_working = JOBS[name], random.Random(seed), 0, 0
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        make_place(root)
        started = time.perf_counter()
        process = run(job, root)
        said = process.communicate()[1].decode()
        assert process.returncode == 0, said
        whole = time.perf_counter() - started
        wanted = content_of(root / job.out)
        for number in range(times):
            shutil.rmtree(root / job.out)
            process = run(job, root)
            time.sleep(dice.uniform(0.2, 1.0) * whole)
            while_working += process.poll() is None
            process.kill()
            process.communicate()
            process = run(job, root, job.again)
            said = process.communicate()[1].decode()
            found = content_of(root / job.out)
            if process.returncode or found != wanted:
                bad += 1
                differing = [n for n in {*found, *wanted} if found.get(n) != wanted.get(n)]
                tell(f"    kill {number}: exit {process.returncode}, {differing or said.strip()[-200:]}")
    tell(f"{name:<12}{times:>6} kills, {while_working} of them in time; {bad} ended otherwise ({whole:.1f} s alone)")
    return bad


def main() -> int:
    """Kill each command so many times."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--times", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="commands with this in their name")
    given = parser.parse_args()

    def tell(line: str) -> None:
        print(line, flush=True)  # noqa: T201

    return int(sum(killed(name, given.times, given.seed, tell) for name in JOBS if given.only in name) > 0)


if __name__ == "__main__":
    sys.exit(main())
