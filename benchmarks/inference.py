"""Every method and the per-frame baseline in one run: frames per second, milliseconds of each stage, FLOP floor.

    python benchmarks/inference.py --video clip.mp4 --threads 2
    python benchmarks/inference.py --device cuda --precision float16 --batch 10 --compile

Random weights: the speed of the networks doesn't depend on them, and the nearly equal scores that they give are the
worst case for NMS. All methods get the same care: fixed batch norm folded, the same pooling and NMS, the same batch.
They take turns, period by period, so that whatever else the machine does hits all of them. Speed is frames / seconds.
Where others use the machine too, the lowest time of each and, with one thread, the CPU time tell more than the mean.
"""

import argparse
import json
import platform
import resource
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from impnet_model.data.resize import Resize
from impnet_model.detectors.dff import deep_feature_flow
from impnet_model.detectors.engine import Engine
from impnet_model.detectors.fgfa import feature_aggregation
from impnet_model.detectors.fgfa_fast import fast_feature_aggregation
from impnet_model.detectors.impression import impression_network
from impnet_model.detectors.inference import for_inference
from impnet_model.detectors.per_frame import per_frame_rfcn
from impnet_model.flows.warp import flow_warp
from impnet_model.nets.aggregation import FixedQuality, aggregate, key_weight
from impnet_model.nets.build import BUILDS, Build
from impnet_model.nets.rfcn import RoIOutput
from impnet_model.nets.task_network import PostProcessing, RFCNTask, View, post_process, with_image_index
from impnet_model.nets.wirings import wired
from vidkit.data.footage import frames_of


@dataclass(frozen=True)
class Entry:
    """A method in the race: its detector, and after how many frames its work repeats itself."""

    detector: Any
    period: int


def main() -> None:
    """Run the benchmark and print its tables, or one JSON object."""
    options = parse()
    torch.set_num_threads(options.threads)
    device = torch.device(options.device)
    build = replace(BUILDS[options.build], shorter=min(options.size), longer=max(options.size))
    frames = load_frames(options.video, options.size)
    result = {
        "environment": environment(options, device),
        "stages": stages(build, options.size, device, options),
        "methods": race(entries(build, device, options), frames, options.rounds, device),
    }
    result["floor"] = floor(result["stages"], options.length)
    result["share"] = share(result["stages"], result["methods"])
    if options.json:
        json.dump(result, sys.stdout, indent=2)
        print()
    else:
        report(result, options)


def parse() -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--build", choices=list(BUILDS), default="resnet101")
    parser.add_argument("--size", type=size_of, default=(600, 1000), metavar="HxW")
    parser.add_argument("--video", type=Path, help="real frames; noise without it")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--precision", choices=["float32", "bfloat16", "float16"], default="float32")
    parser.add_argument(
        "--compile", action="store_true", help="torch.compile for feature and flow network of all methods"
    )
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--length", type=int, default=10, help="l, frames in a segment")
    parser.add_argument("--radius", type=int, default=10, help="K of FGFA")
    parser.add_argument("--batch", type=int, default=1, help="frames that go through the networks at once")
    parser.add_argument("--rounds", type=int, default=3, help="timed periods of each method")
    parser.add_argument("--methods", nargs="*", help="only these")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def size_of(text: str) -> tuple[int, int]:
    """Return height and width from "600x1000"."""
    height, width = text.split("x")
    return int(height), int(width)


def load_frames(video: Path | None, size: tuple[int, int]) -> list[np.ndarray]:
    """Return 20 frames of exactly this size."""
    height, width = size
    if video is None:
        return list(np.random.default_rng(0).integers(0, 256, (20, height, width, 3)).astype(np.uint8))
    return [np.asarray(Image.fromarray(frame).resize((width, height))) for frame in islice(frames_of(video), 20)]


# -- methods -----------------------------------------------------------------------------------------------------------


def entries(build: Build, device: torch.device, options: argparse.Namespace) -> dict[str, Entry]:
    """Return the methods to race, over one set of weights where they share networks."""
    n, batch = options.length, options.batch
    impression = engine("impression", build, device, options)
    equal = FixedQuality(build.channels)
    fixed = replace(impression, network=impression.network.with_parts(quality=equal))
    fgfa = engine("fgfa", build, device, options)
    every = {
        "per-frame": Entry(per_frame_rfcn(impression, batch), max(batch, 2)),
        f"dff, l = {n}": Entry(deep_feature_flow(impression, n, 0, batch), n),
        f"impression, l = {n}, fixed weights": Entry(impression_network(fixed, n, None, batch=batch), n),
        f"impression, l = {n}": Entry(impression_network(impression, n, None, batch=batch), n),
        f"impression, l = {n}, key 0": Entry(impression_network(impression, n, 0, batch=batch), n),
        f"fgfa-fast, K = {options.radius}": Entry(fast_feature_aggregation(fgfa, options.radius), 1),
        f"fgfa, K = {options.radius}": Entry(feature_aggregation(fgfa, options.radius), 1),
    }
    chosen = options.methods
    return every if chosen is None else {name: entry for name, entry in every.items() if name.split(",")[0] in chosen}


def engine(method: str, build: Build, device: torch.device, options: argparse.Namespace) -> Engine:
    """Return an engine over random weights, made ready for inference."""
    torch.manual_seed(0)
    dtype = getattr(torch, options.precision)
    network = for_inference(wired(method, build), device, dtype)
    if options.compile:
        network.feature = torch.compile(network.feature)  # type: ignore[assignment, type-var]  # keeps the contract
        network.flow = torch.compile(network.flow)  # type: ignore[assignment, type-var]
    return Engine(network, Resize(build.shorter, build.longer), device, dtype)


def race(entries: dict[str, Entry], frames: list[np.ndarray], rounds: int, device: torch.device) -> dict[str, Any]:
    """Return for each method its seconds for a frame: all of them take turns, a period each, after one to warm up."""
    answers = {name: iter(entry.detector.detect(cycle(frames))) for name, entry in entries.items()}
    seconds: dict[str, list[float]] = {name: [] for name in entries}
    computing: dict[str, list[float]] = {name: [] for name in entries}
    memory = {}
    for name, entry in entries.items():
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(device)
        advance(answers[name], entry.period, device)
        memory[name] = peak_bytes(device)
    for _ in range(rounds):
        for name, entry in entries.items():
            begin = time.process_time()
            seconds[name].append(advance(answers[name], entry.period, device) / entry.period)
            computing[name].append((time.process_time() - begin) / entry.period)
    base = statistics.fmean(seconds["per-frame"]) if "per-frame" in seconds else float("nan")
    lowest = min(seconds["per-frame"]) if "per-frame" in seconds else float("nan")
    return {
        name: {
            "ms_per_frame": 1e3 * statistics.fmean(each),
            "ms_lowest": 1e3 * min(each),
            "frames_per_second": 1 / statistics.fmean(each),
            "times_per_frame_speed": base / statistics.fmean(each),
            "times_by_lowest": lowest / min(each),
            "cpu_ms_per_frame": 1e3 * statistics.fmean(computing[name]),
            "peak_mib": memory[name] / 2**20,
        }
        for name, each in seconds.items()
    }


def advance(answers: Iterator[Any], n: int, device: torch.device) -> float:
    """Return the seconds that the next `n` answers take."""
    synchronize(device)
    start = time.perf_counter()
    for _ in range(n):
        next(answers)
    synchronize(device)
    return time.perf_counter() - start


def peak_bytes(device: torch.device) -> int:
    """Return the peak memory: the device's since the last reset, or of this process so far."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def synchronize(device: torch.device) -> None:
    """Wait for the device."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


# -- stages ------------------------------------------------------------------------------------------------------------


@torch.inference_mode()
def stages(build: Build, size: tuple[int, int], device: torch.device, options: argparse.Namespace) -> dict[str, Any]:
    """Return milliseconds and GFLOP of each stage by itself, batch 1."""
    network = engine("impression", build, device, options).network
    task, flow, quality = network.task, network.flow, network.quality
    assert isinstance(task, RFCNTask)
    assert flow is not None
    assert quality is not None
    generator = torch.Generator().manual_seed(0)
    dtype = getattr(torch, options.precision)
    images = (torch.rand(1, 3, *size, generator=generator) * 255 - 115).to(device, dtype)
    other = images.roll(8, dims=3)
    features = network.feature(images)
    field = flow(images, other)
    for_rpn, for_rfcn = task.split(features)
    anchors = task.rpn(for_rpn)
    # Offsets that spread the boxes, as trained ones do; random weights leave them on the anchors.
    deltas = torch.randn(anchors.deltas.shape, generator=generator).to(device, dtype)
    scores = torch.rand(anchors.foreground().shape, generator=generator).to(device)
    regions = task.rpn.propose(scores, deltas, *size)
    rois = with_image_index(regions)
    maps = task.rfcn.maps(for_rfcn)
    output = task.rfcn.pool(maps, rois)
    view, rules = View(*size, 1.0), PostProcessing()

    def weigh() -> Tensor:
        return aggregate(features, features, key_weight(quality(features), quality(features))).task

    def warp() -> Tensor:
        warped = flow_warp(features, field.flow)
        return warped if field.scale is None else warped * field.scale

    def detect() -> Any:
        return post_process(RoIOutput(output.logits, output.deltas), regions[0], view, rules)

    timed: dict[str, Callable[[], Any]] = {
        "feature": lambda: network.feature(images),
        "flow": lambda: flow(images, other),
        "warp": warp,
        "aggregate": weigh,
        "RPN": lambda: task.rpn(for_rpn),
        "proposals": lambda: task.rpn.propose(scores, deltas, *size),
        "R-FCN maps": lambda: task.rfcn.maps(for_rfcn),
        "RoI pooling": lambda: task.rfcn.pool(maps, rois),
        "NMS": detect,
    }
    return {name: {"ms": milliseconds(run, device), "gflop": gflop(run)} for name, run in timed.items()}


def milliseconds(run: Callable[[], Any], device: torch.device) -> float:
    """Return the median of five runs, or of what fits into six seconds, after one to warm up."""
    run()
    times: list[float] = []
    while len(times) < 5 and sum(times) < 6:
        synchronize(device)
        start = time.perf_counter()
        run()
        synchronize(device)
        times.append(time.perf_counter() - start)
    return 1e3 * statistics.median(times)


def gflop(run: Callable[[], Any]) -> float:
    """Return 1e9 floating-point operations of convolutions and matrix products, two for a multiply-add."""
    with FlopCounterMode(display=False) as counter:
        run()
    return counter.get_total_flops() / 1e9


def floor(stages: dict[str, Any], length: int) -> dict[str, float]:
    """Return r of Sec. 3.4, cost of the Impression Network as a share of per-frame: by FLOPs and by stage times."""

    def ratio(unit: str) -> float:
        of = {name: stage[unit] for name, stage in stages.items()}
        task = of["RPN"] + of["proposals"] + of["R-FCN maps"] + of["RoI pooling"] + of["NMS"]
        segment = of["aggregate"] + length * (of["warp"] + of["flow"] + task) + of["feature"]
        return segment / (length * (of["feature"] + task))

    return {"r_by_flop": ratio("gflop"), "r_by_stage_times": ratio("ms")}


def share(stages: dict[str, Any], methods: dict[str, Any]) -> dict[str, float]:
    """Return the share of proposals, RoI pooling and NMS in the per-frame time."""
    names = ("proposals", "RoI pooling", "NMS")
    cost = sum(stages[name]["ms"] for name in names)
    whole = methods["per-frame"]["ms_per_frame"] if "per-frame" in methods else sum(s["ms"] for s in stages.values())
    return {"ms": cost, "of_per_frame": cost / whole}


# -- report ------------------------------------------------------------------------------------------------------------


def environment(options: argparse.Namespace, device: torch.device) -> dict[str, Any]:
    """Return what the numbers depend on."""
    return {
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else cpu_name(),
        "threads": options.threads,
        "torch": torch.__version__,
        "build": options.build,
        "image": "x".join(map(str, options.size)),
        "precision": options.precision,
        "batch": options.batch,
        "compile": options.compile,
        "frames": str(options.video.name) if options.video else "noise",
    }


def cpu_name() -> str:
    """Return the processor's name, as far as the system tells."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def report(result: dict[str, Any], options: argparse.Namespace) -> None:
    """Print the tables."""
    print(", ".join(f"{name} {value}" for name, value in result["environment"].items()))
    print(f"\n{'stage':<14}{'ms':>10}{'GFLOP':>10}{'GFLOP/s':>10}")
    for name, stage in result["stages"].items():
        rate = f"{1e3 * stage['gflop'] / stage['ms']:10.1f}" if stage["gflop"] > 0.01 else ""
        print(f"{name:<14}{stage['ms']:10.1f}{stage['gflop']:10.2f}{rate}")
    columns = {
        "ms/frame": ("ms_per_frame", ".1f"),
        "lowest": ("ms_lowest", ".1f"),
        "CPU ms": ("cpu_ms_per_frame", ".1f"),
        "frames/s": ("frames_per_second", ".3f"),
        "x per-frame": ("times_per_frame_speed", ".2f"),
        "by lowest": ("times_by_lowest", ".2f"),
        "peak MiB": ("peak_mib", ".0f"),
    }
    print(f"\n{'method':<34}" + "".join(f"{title:>12}" for title in columns))
    for name, numbers in result["methods"].items():
        print(f"{name:<34}" + "".join(f"{numbers[key]:>12{form}}" for key, form in columns.values()))
    r, n = result["floor"], options.length
    print(f"\nr of Sec. 3.4 at l = {n}: {r['r_by_flop']:.3f} by FLOPs, at most {1 / r['r_by_flop']:.2f} times;")
    print(f"{r['r_by_stage_times']:.3f} by the stage times above, {1 / r['r_by_stage_times']:.2f} times")
    cost = result["share"]
    print(
        f"proposals + RoI pooling + NMS: {cost['ms']:.1f} ms, {100 * cost['of_per_frame']:.1f} % of a per-frame frame"
    )


if __name__ == "__main__":
    main()
