"""What one call of each part of the network costs, in seconds: `vidkit propagation --times` reads what this writes.

    python benchmarks/stage_times.py --build tiny --size 160x128 [--device cuda] [--rounds 30] -o stage_times.json

The parts take turns, round by round, on one pair of noise images and with random weights; the median of the rounds
counts. "task" is what every frame costs with any method: the resized image, the detection network, NMS. Random weights
let many regions through to NMS, so that it is dearer than a trained network's.
"""

import argparse
import json
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from impnet_model.detectors.engine import Engine
from impnet_model.detectors.inference import for_inference
from impnet_model.flows.carried import Carried
from impnet_model.nets.build import BUILDS
from impnet_model.nets.network import warp_along
from impnet_model.nets.wirings import impression
from vidkit.files import write_text
from vidkit.keyframes.costs import STAGE_TIMES_FORMAT, STAGE_TIMES_VERSION


def stages(engine: Engine, width: int, height: int) -> dict[str, Callable[[], object]]:
    """Return a function that makes one call of each part, by the names of `vidkit.keyframes.costs.StageCosts`."""
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 256, (2, height, width, 3), np.uint8)
    new, old = engine.images(frames)
    network = engine.network
    feature, other = network.feature(new.pixels), network.feature(old.pixels)
    field = network.flow(new.pixels, old.pixels)
    warped = warp_along(other, field)

    def task() -> object:
        (image,) = engine.images(frames[:1])
        return engine.detect(Carried(feature, None), [image], [0])

    return {
        "feature": lambda: network.feature(new.pixels),
        "flow": lambda: network.flow(new.pixels, old.pixels),
        "task": task,
        "warp": lambda: warp_along(other, field),
        "aggregation": lambda: network.fuse(warped, feature),
    }


@torch.inference_mode()
def measure(engine: Engine, width: int, height: int, rounds: int) -> dict[str, float]:
    """Return the median seconds of one call of each part; the first 3 rounds warm up."""
    parts = stages(engine, width, height)
    seconds: dict[str, list[float]] = {name: [] for name in parts}
    for turn in range(-3, rounds):
        for name, call in parts.items():
            engine.synchronize()
            start = time.perf_counter()
            call()
            engine.synchronize()
            if turn >= 0:
                seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(times) for name, times in seconds.items()}


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", choices=BUILDS, default="tiny")
    parser.add_argument("--size", default="160x128", help="pixels of a frame, before it is resized for the build")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("-o", "--output", type=Path, default=Path("stage_times.json"))
    given = parser.parse_args()
    width, height = (int(side) for side in given.size.split("x"))
    build, device = BUILDS[given.build], torch.device(given.device)
    torch.manual_seed(0)
    engine = Engine(for_inference(impression(build), device), build.resize(), device)
    seconds = measure(engine, width, height, given.rounds)
    where = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.processor() or platform.machine()
    source = (
        f"build {given.build} with random weights, frames of {given.size}, {where}, {torch.get_num_threads()} threads, "
        f"torch {torch.__version__}, float32, median of {given.rounds} rounds"
    )
    content = {"format": STAGE_TIMES_FORMAT, "version": STAGE_TIMES_VERSION, "source": source, "seconds": seconds}
    write_text(given.output, json.dumps(content, indent=2) + "\n")
    print(source)
    for name, value in seconds.items():
        print(f"{name:12} {1000 * value:9.2f} ms")


if __name__ == "__main__":
    main()
