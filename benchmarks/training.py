"""Throughput of training: samples a second from files, against the same network fed with tensors already in memory.

    python benchmarks/training.py --method impression --workers 1
    python benchmarks/training.py --index vid_train.h5 --set build=resnet101 --set frozen=[] --device cuda --workers 8

Both take turns, round by round, in one run; the ratio of their speeds says what loading costs. Without --index a small
synthetic set is made, at --size.
"""

import argparse
import itertools
import statistics
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter

import torch
from vidkit_cli.console import report_errors
from vidkit_cli.main import vidkit

from impnet_model.training.config import settings_from
from impnet_model.training.loop import Learner
from impnet_model.training.processes import Processes
from impnet_model.training.train import Detection, network_of, passes_of, plan_of
from vidkit import Index, read_index


def main() -> None:
    """Run both in turns and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--method", default="impression")
    parser.add_argument("--index", type=Path)
    parser.add_argument("--size", default="320x256")
    parser.add_argument("--set", dest="settings", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=8)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        index = read_index(options.index) if options.index else synthetic(Path(folder), options.size)
        values = {"build": "tiny"} | settings_from(None, options.settings) | {"workers": options.workers}
        plan, processes = plan_of(options.method, [index], values), Processes(device=torch.device(options.device))
        config = plan.config
        network = network_of(options.method, plan.build, 0)
        learner = Learner(Detection(network, options.method, config.selection), config.optimisation, processes)
        loaded = passes_of(plan, processes)(0)
        in_memory = itertools.cycle([next(loaded).to(processes.device) for _ in range(4)])
        speeds, waits = race(learner, {"in memory": in_memory, "from files": loaded}, options.rounds, options.steps)
    report(options, speeds, waits, config.optimisation.batch)


def synthetic(folder: Path, size: str) -> Index:
    """Return the index of a small synthetic set, made in `folder`."""
    for arguments in (
        ["synth", str(folder / "tree"), "--videos", "12", "--val-videos", "0", "--size", size],
        ["prepare", "--vid-root", str(folder / "tree"), "--data-dir", str(folder)],
    ):
        if code := report_errors(vidkit, arguments):
            sys.exit(code)
    return read_index(folder / "vid_train.h5")


def race(
    learner: Learner, sources: dict[str, Iterator], rounds: int, steps: int
) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    """Return for each source its samples a second and its share of waiting, round by round, the first one left out."""
    speeds: dict[str, list[float]] = {name: [] for name in sources}
    waits: dict[str, list[float]] = {name: [] for name in sources}
    for number in range(rounds + 1):
        for name, passes in sources.items():
            begun = perf_counter()
            done = [learner.step(passes, 1e-4, []) for _ in range(steps)]
            if learner.processes.device.type == "cuda":
                torch.cuda.synchronize()
            seconds = perf_counter() - begun
            if number:
                speeds[name].append(sum(step.samples for step in done) / seconds)
                waits[name].append(sum(step.waited for step in done) / seconds)
    return speeds, waits


def report(
    options: argparse.Namespace, speeds: dict[str, list[float]], waits: dict[str, list[float]], batch: int
) -> None:
    """Print medians over the rounds and the ratio."""
    print(
        f"{options.method}, batch {batch}, {options.workers} workers, {options.device}, "
        f"{torch.get_num_threads()} threads, torch {torch.__version__}"
    )
    for name, values in speeds.items():
        middle, wait = statistics.median(values), statistics.median(waits[name])
        print(f"{name:<12}{middle:>8.2f} samples/s  ({min(values):.2f} … {max(values):.2f})  waiting {wait:.1%}")
    ratios = [a / b for a, b in zip(speeds["from files"], speeds["in memory"], strict=True)]
    print(f"loading costs {1 - statistics.median(ratios):.1%} (median over {options.rounds} rounds)")


if __name__ == "__main__":
    main()
