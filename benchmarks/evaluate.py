"""How fast evaluation is, and how much memory it takes, beside its peers, on the real ground truth of VID validation.

    python benchmarks/evaluate.py vid_val_gt_all.npz [--sizes 0.3,5,50] [--peers-python PYTHON] [--only 'NAME;NAME']

`vid_val_gt_all.npz` holds frame_index, class_id (1 …), box_xyxy (inclusive), motion_iou, video_name, video_start,
video_len. Detections are made up on it with a seed, so many millions as --sizes says. Each contender runs in a process
of its own, one after the other and round after round, so that its peak memory is its own and all see the same machine;
the round of the least CPU time counts. Ratios are of CPU seconds and of peak memory, vidkit's row is 1, and every
value of a block must be the same. Peers that aren't installed, or can't hold the data, are named. They are in the extra
`bench`; give another Python that has them as --peers-python.
"""

import argparse
import contextlib
import io
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

SEED = 0
MOST_FOR_PEERS = 10_000_000  # detections; beyond that their arrays and JSON alone take gigabytes
SIZES = {"0.3": (30, 0.1), "5": (30, 1.0), "50": (300, 1.0)}
"""Millions of detections → detections a frame, and the share of the videos, from the first."""


# -- data --------------------------------------------------------------------------------------------------------------


def make_data(source: Path, folder: Path, per_frame: int, share: float) -> None:
    """Write index and predictions as HDF5 for vidkit, and the same boxes as arrays for COCO tools."""
    from vidkit.boxes import from_inclusive, to_inclusive
    from vidkit.classes import VID_CLASSES
    from vidkit.data.index import Index
    from vidkit.data.index_file import write_index
    from vidkit.predictions.predictions_file import write_predictions
    from vidkit.predictions.table import Predictions

    with np.load(source) as file:
        data = {name: file[name] for name in file.files}
    videos = int(len(data["video_len"]) * share)
    frames = int(data["video_len"][:videos].sum())
    n = int(np.searchsorted(data["frame_index"], frames))
    box = from_inclusive(data["box_xyxy"][:n].astype(np.float32))
    class_id = (data["class_id"][:n] - 1).astype(np.int16)
    index = Index(
        dataset="VID",
        split="val",
        classes=VID_CLASSES,
        video_name=tuple(map(str, data["video_name"][:videos])),
        video_size=np.zeros((videos, 2), np.int32),
        frame_start=np.concatenate([[0], np.cumsum(data["video_len"][:videos])]).astype(np.int64),
        frame_number=np.concatenate([np.arange(length, dtype=np.int32) for length in data["video_len"][:videos]]),
        instance_start=np.searchsorted(data["frame_index"][:n], np.arange(frames + 1)).astype(np.int64),
        box=box,
        class_id=class_id,
        track_id=np.full(n, -1, np.int32),
        occluded=np.zeros(n, bool),
        generated=np.zeros(n, bool),
        motion_iou=data["motion_iou"][:n],
    )
    boxes, scores, classes = make_detections(index, per_frame)
    predictions = Predictions(
        detection_start=np.arange(frames + 1, dtype=np.int64) * per_frame,
        box=boxes,
        score=scores,
        class_id=classes,
        index_fingerprint=index.fingerprint,
    )
    write_index(folder / "index.h5", index)
    write_predictions(folder / "predictions.h5", predictions)
    if len(boxes) <= MOST_FOR_PEERS:
        write_arrays(folder / "truth.npy", index.instance_frame, to_inclusive(box), class_id, np.zeros(n))
        frame = np.repeat(np.arange(frames), per_frame)
        write_arrays(folder / "detections.npy", frame, to_inclusive(boxes), classes, scores)
        write_json(folder, index)


def make_detections(index: Any, per_frame: int) -> tuple[Any, Any, Any]:
    """Return boxes, scores, class ids of all frames, made in blocks of frames."""
    rng = np.random.default_rng(SEED)
    d = index.n_frames * per_frame
    box, score, class_id = np.empty((d, 4), np.float32), np.empty(d, np.float32), np.empty(d, np.int16)
    for first in range(0, index.n_frames, 10_000):
        frames = range(first, min(first + 10_000, index.n_frames))
        rows = slice(frames.start * per_frame, frames.stop * per_frame)
        box[rows], score[rows], class_id[rows] = make_block(index, frames, per_frame, rng)
    return box, score, class_id


def make_block(index: Any, frames: range, per_frame: int, rng: np.random.Generator) -> tuple[Any, Any, Any]:
    """Return boxes, scores, class ids: most objects found, some twice or badly, the rest of each frame is background.

    The rows of a frame are in falling order of score, as detectors write them.
    """
    d = len(frames) * per_frame
    starts = index.instance_start[frames.start : frames.stop + 1]
    n_gt = np.repeat(np.diff(starts), per_frame)
    slot = np.tile(np.arange(per_frame), len(frames))
    near = slot < np.minimum(2 * n_gt, per_frame)  # two detections lie near each object
    truth = np.where(near, np.repeat(starts[:-1], per_frame) + slot % np.maximum(n_gt, 1), 0)
    side = rng.lognormal(4.5, 0.8, (d, 2))
    corner = rng.random((d, 2)) * np.array([1280, 720])
    box = np.concatenate([corner, corner + side], axis=1)
    gt = index.box[truth[near]].astype(np.float64)
    size = np.tile(gt[:, 2:] - gt[:, :2], 2)
    first = slot[near] < n_gt[near]
    box[near] = gt + rng.normal(size=gt.shape) * np.where(first, 0.06, 0.25)[:, None] * size
    box[near, 2:] = np.maximum(box[near, 2:], box[near, :2] + 1)
    class_id = rng.integers(0, index.n_classes, d)
    right = rng.random(int(near.sum())) < 0.85
    class_id[near] = np.where(right, index.class_id[truth[near]], class_id[near])
    score = rng.beta(0.6, 8, d)
    score[near] = np.where(first, rng.beta(3, 1.5, near.sum()), rng.beta(1.5, 4, near.sum()))
    order = np.argsort(-score.reshape(-1, per_frame), axis=1)
    order = (order + np.arange(len(frames))[:, None] * per_frame).ravel()
    return box[order], score[order], class_id[order]


def write_arrays(path: Path, frame: Any, inclusive: Any, class_id: Any, score: Any) -> None:
    """Write rows of image id, x, y, width, height, score, category: what `loadRes` of COCO tools takes."""
    rows = np.empty((len(frame), 7))
    rows[:, 0], rows[:, 5], rows[:, 6] = frame, score, class_id + 1
    rows[:, 1:3], rows[:, 3:5] = inclusive[:, :2], inclusive[:, 2:] - inclusive[:, :2]
    np.save(path, rows)


def write_json(folder: Path, index: Any) -> None:
    """Write the same as COCO's JSON, and the index that vidkit makes of the ground truth."""
    from vidkit.data.prepare import prepare

    truth = coco_truth(folder)
    truth["videos"] = [{"id": v, "name": name} for v, name in enumerate(index.video_name)]
    for image, video, number in zip(truth["images"], index.frame_video, index.frame_number, strict=True):
        name = f"{index.video_name[video]}/{number:06d}.JPEG"
        image |= {"video_id": int(video), "frame_id": int(number), "file_name": name}
    (folder / "truth.json").write_text(json.dumps(truth))
    rows = np.load(folder / "detections.npy", mmap_mode="r")
    with (folder / "results.json").open("w") as file:
        for first in range(0, len(rows), 100_000):
            found = [
                {"image_id": int(row[0]), "category_id": int(row[6]), "bbox": row[1:5], "score": row[5]}
                for row in rows[first : first + 100_000].tolist()
            ]
            file.write(("[" if first == 0 else ", ") + json.dumps(found)[1:-1])
        file.write("]")
    (made,) = prepare(folder / "truth.json", out=folder / "prepared", progress=None)
    made.path.rename(folder / "json_index.h5")


# -- contenders --------------------------------------------------------------------------------------------------------


Contender = Callable[[Path], tuple[Any, Callable[[Any], float]]]
"""Returns what is loaded before the clock starts, and what is timed: a function of that, which returns a number."""


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep a tool's own printing away."""
    with contextlib.redirect_stdout(io.StringIO()):
        yield


def load_vidkit(folder: Path) -> tuple[Any, Any]:
    """Return index and predictions."""
    from vidkit.data.index_file import read_index
    from vidkit.predictions.predictions_file import read_predictions

    return read_index(folder / "index.h5"), read_predictions(folder / "predictions.h5")


def vidkit_ap50(folder: Path) -> tuple[Any, Callable[[Any], float]]:
    """AP50 by COCO's rules, the same number that the peers compute."""
    from vidkit.evaluation.evaluate import evaluate
    from vidkit.evaluation.protocols import COCO

    protocol = replace(COCO, iou_thresholds=(0.5,), max_detections=(100,))
    return load_vidkit(folder), lambda data: evaluate(*data, protocol).mean_ap


def vidkit_coco(folder: Path) -> tuple[Any, Callable[[Any], float]]:
    """All of COCO's numbers."""
    from vidkit.evaluation.evaluate import evaluate

    return load_vidkit(folder), lambda data: evaluate(*data, "coco").stats["AP"]


def vidkit_fgfa(folder: Path) -> tuple[Any, Callable[[Any], float]]:
    """The four ranges of motion of `fgfa`."""
    from vidkit.evaluation.evaluate import evaluate

    return load_vidkit(folder), lambda data: evaluate(*data, "fgfa", by="motion").group("motion", "fast").mean_ap


def vidkit_mega(folder: Path) -> tuple[Any, Callable[[Any], float]]:
    """The four ranges of motion of `mega`."""
    from vidkit.evaluation.evaluate import evaluate

    return load_vidkit(folder), lambda data: evaluate(*data, "mega", by="motion").group("motion", "fast").mean_ap


def vidkit_fgfa_from_disk(folder: Path) -> tuple[Any, Callable[[Any], float]]:
    """The same as `vidkit_fgfa`, with reading the files."""
    from vidkit.evaluation.evaluate import evaluate

    def run(place: Path) -> float:
        return evaluate(*load_vidkit(place), "fgfa", by="motion").group("motion", "fast").mean_ap

    return folder, run


def vidkit_bootstrap(folder: Path) -> tuple[Any, Callable[[Any], float]]:
    """The same as `vidkit_fgfa`, with intervals."""
    from vidkit.evaluation.evaluate import evaluate

    return load_vidkit(folder), lambda data: evaluate(*data, "fgfa", by="motion", ci=1000).mean_ap


def coco_truth(folder: Path) -> dict[str, Any]:
    """Return the ground truth as COCO's JSON has it."""
    rows = np.load(folder / "truth.npy")
    frames = int(np.load(folder / "detections.npy", mmap_mode="r")[-1, 0]) + 1
    return {
        "images": [{"id": f, "width": 1280, "height": 720} for f in range(frames)],
        "categories": [{"id": c + 1, "name": str(c)} for c in range(30)],
        "annotations": [
            {
                "id": i + 1,
                "image_id": int(row[0]),
                "category_id": int(row[6]),
                "bbox": row[1:5].tolist(),
                "area": float(row[3] * row[4]),
                "iscrowd": 0,
            }
            for i, row in enumerate(rows)
        ],
    }


def vidkit_json(folder: Path) -> tuple[Any, Callable[[Any], float]]:
    """All of COCO's numbers from the JSON of results, on the index made of the JSON of ground truth."""
    from vidkit.data.index_file import read_index
    from vidkit.evaluation.evaluate import evaluate
    from vidkit.predictions.reading import read

    def run(place: Path) -> float:
        index = read_index(place / "json_index.h5")
        return evaluate(index, read(place / "results.json", index), "coco-xywh").stats["AP"]

    return folder, run


def coco_tool(module: str, evaluator: str, source: str = "arrays", ap50: bool = False) -> Contender:
    """AP50, or all twelve numbers, with a tool that has pycocotools' interface.

    Building its own tables is part of the time, as it is for vidkit; where the `source` is "tables" it isn't.
    """

    def contender(folder: Path) -> tuple[Any, Callable[[Any], float]]:
        from importlib import import_module

        tool = import_module(module)
        engine = tool if hasattr(tool, evaluator) else import_module(f"{module}.cocoeval")
        COCO = tool.COCO if hasattr(tool, "COCO") else import_module(f"{module}.coco").COCO
        files = source == "json"
        dataset = None if files else coco_truth(folder)
        detections = str(folder / "results.json") if files else np.load(folder / "detections.npy")

        def load() -> tuple[Any, Any]:
            with quiet():
                truth = COCO(str(folder / "truth.json")) if files else COCO()
                if not files:
                    truth.dataset = dataset
                    truth.createIndex()
                return truth, truth.loadRes(detections)

        def evaluate(tables: tuple[Any, Any]) -> float:
            with quiet():
                run = getattr(engine, evaluator)(*tables, "bbox")
                if ap50:
                    run.params.iouThrs = np.array([0.5])
                    run.params.areaRng, run.params.areaRngLbl = [[0, 1e10]], ["all"]
                    run.params.maxDets = [100]
                run.evaluate()
                run.accumulate()
                if ap50:
                    precision = np.asarray(run.eval["precision"])
                    return float(precision[precision > -1].mean())
                run.summarize()
            return float(run.stats[0])

        if source == "tables":
            return load(), evaluate
        return None, lambda _: evaluate(load())

    return contender


def vernier_tool(source: str) -> Contender:
    """All twelve numbers with vernier, whose interface is its own."""

    def contender(folder: Path) -> tuple[Any, Callable[[Any], float]]:
        from importlib import import_module

        evaluator = import_module("vernier.instance").Evaluator(parity_mode="strict")
        given = (
            None if source == "json" else (json.dumps(coco_truth(folder)).encode(), np.load(folder / "detections.npy"))
        )

        def run(data: Any) -> float:
            found = data or ((folder / "truth.json").read_bytes(), (folder / "results.json").read_bytes())
            return float(evaluator.evaluate(*found).stats[0])

        return given, run

    return contender


TOOLS = {
    "hotcoco": ("hotcoco", "COCOeval"),
    "ultrafast-pycocotools": ("ultrafast_pycocotools", "COCOeval"),
    "faster-coco-eval": ("faster_coco_eval", "COCOeval_faster"),
    "pycocotools": ("pycocotools", "COCOeval"),
}
SLOW = ("faster-coco-eval", "pycocotools")
"""Those that need minutes and tens of gigabytes beyond a million detections."""

BLOCKS: dict[str, dict[str, Contender]] = {
    "COCO's twelve numbers, from arrays": {
        "vidkit": vidkit_coco,
        **{name: coco_tool(*tool) for name, tool in TOOLS.items()},
        "hotcoco, tables built before": coco_tool(*TOOLS["hotcoco"], source="tables"),
        "vernier": vernier_tool("arrays"),
    },
    "COCO's twelve numbers, from the JSON files": {
        "vidkit": vidkit_json,
        **{name: coco_tool(*tool, source="json") for name, tool in TOOLS.items()},
        "vernier": vernier_tool("json"),
    },
    "AP50, from arrays": {
        "vidkit": vidkit_ap50,
        **{name: coco_tool(*tool, ap50=True) for name, tool in TOOLS.items()},
        "hotcoco, tables built before": coco_tool(*TOOLS["hotcoco"], source="tables", ap50=True),
    },
    "vidkit's own": {
        "fgfa by motion": vidkit_fgfa,
        "fgfa by motion, from disk": vidkit_fgfa_from_disk,
        "mega by motion": vidkit_mega,
        "fgfa by motion, 1000 replicates": vidkit_bootstrap,
    },
}
CONTENDERS = {f"{name}: {block}": run for block, all_of_it in BLOCKS.items() for name, run in all_of_it.items()}


# -- running -----------------------------------------------------------------------------------------------------------


def measure(name: str, folder: Path) -> dict[str, Any]:
    """Run one contender in this process and return its seconds, peak memory and number."""
    data, run = CONTENDERS[name](folder)
    loaded = peak_mib()
    started, worked = time.perf_counter(), time.process_time()
    value = run(data)
    return {
        "seconds": time.perf_counter() - started,
        "cpu": time.process_time() - worked,
        "loaded_mib": loaded,
        "peak_mib": peak_mib(),
        "value": value,
    }


def peak_mib() -> float:
    """Return the most memory that this process has held; getrusage would count the parent's too."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def floor(folder: Path) -> None:
    """Print how long it takes merely to read the boxes and to sort one 64-bit key a detection, on one core."""
    from vidkit.predictions.predictions_file import read_predictions

    started = time.perf_counter()
    predictions = read_predictions(folder / "predictions.h5")
    read = time.perf_counter() - started
    size = sum(column.nbytes for column in (predictions.box, predictions.score, predictions.class_id))
    keys = np.random.default_rng(0).integers(0, 1 << 63, predictions.n_detections, dtype=np.uint64)
    started = time.perf_counter()
    keys.sort()
    sort = time.perf_counter() - started
    started = time.perf_counter()
    total = float(predictions.box.sum())
    touch = time.perf_counter() - started
    print(f"floor: read {size / 2**20:.0f} MiB from the file {read:.2f} s, ", end="")
    print(f"sort {len(keys)} keys {sort:.2f} s, sum all boxes once {touch:.2f} s ({total:.3g})")


def main() -> None:
    """Run all contenders, or one as a child of this script."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ground_truth", type=Path)
    parser.add_argument("--sizes", default="5", help=f"millions of detections, with commas: {', '.join(SIZES)}")
    parser.add_argument("--peers-python", default=sys.executable, help="a Python that has the peers installed")
    parser.add_argument("--only", help="blocks or contenders, parts of their names, with semicolons")
    parser.add_argument("--work", type=Path, help="keep the data here, and take them from here")
    parser.add_argument("--repeat", type=int, default=3, help="rounds")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        print(json.dumps(measure(args.child, args.work)))
        return
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, numpy {np.__version__}")
    for size in args.sizes.split(","):
        with tempfile.TemporaryDirectory() as temporary:
            folder = (args.work or Path(temporary)) / size
            folder.mkdir(parents=True, exist_ok=True)
            if not (folder / "predictions.h5").exists():
                make_data(args.ground_truth, folder, *SIZES[size])
            run_all(args, folder)


def run_all(args: argparse.Namespace, folder: Path) -> None:
    """Print the data, the floor, and a line for each contender of each block."""
    index, predictions = load_vidkit(folder)
    n = predictions.n_detections
    print(f"\n{index.n_frames} frames, {index.n_instances} boxes, {n} detections")
    floor(folder)
    del index, predictions
    wanted = [text.strip() for text in args.only.split(";")] if args.only else [""]
    for block, contenders in BLOCKS.items():
        chosen = [name for name in contenders if any(text in f"{name}: {block}" for text in wanted)]
        if chosen:
            print(f"\n{block}\n{'':34} {'seconds':>8} {'CPU':>8} {'peak MiB':>9} {'x CPU':>7} {'x MiB':>6}  value")
            run_block(args, folder, block, chosen, n)


def run_block(args: argparse.Namespace, folder: Path, block: str, names: list[str], n: int) -> None:
    """Print a line for each contender, with its ratios to the first one."""
    skipped = {name: reason for name in names if (reason := too_much(name, block, n))}
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in names if name not in skipped}
    for _ in range(args.repeat):
        for name in [name for name in found if name not in skipped]:
            python = sys.executable if name == "vidkit" or block == "vidkit's own" else args.peers_python
            child = ["--child", f"{name}: {block}", "--work", str(folder)]
            run = subprocess.run(
                [python, __file__, str(args.ground_truth), *child], capture_output=True, text=True, check=False
            )
            if run.returncode:
                skipped[name] = (run.stderr.strip().splitlines() or ["killed: too little memory"])[-1][:110]
            else:
                found[name].append(json.loads(run.stdout.splitlines()[-1]))
    best = {name: min(runs, key=lambda run: run["cpu"]) for name, runs in found.items() if runs and name not in skipped}
    first = next(iter(best.values()), None)
    for name in names:
        if name in skipped or first is None:
            print(f"{name:34} skipped: {skipped.get(name, 'nothing to compare with')}", flush=True)
            continue
        run = best[name]
        times = f"{run['seconds']:8.2f} {run['cpu']:8.2f} {run['peak_mib']:9.0f}"
        ratios = f"{run['cpu'] / first['cpu']:7.2f} {run['peak_mib'] / first['peak_mib']:6.2f}"
        alike = block == "vidkit's own" or abs(run["value"] - first["value"]) < 1e-12
        print(f"{name:34} {times} {ratios}  {run['value']:.12f}{'' if alike else ' DIFFERS'}", flush=True)


def too_much(name: str, block: str, n: int) -> str:
    """Why a contender isn't run on so many detections; "" where it is."""
    if n > MOST_FOR_PEERS and (name != "vidkit" or "JSON" in block) and block != "vidkit's own":
        return f"{n} detections as the peers' arrays, or as JSON, don't fit this machine's memory"
    if n > 1_000_000 and name in SLOW:
        return "needs minutes and 14 to 27 GB; see the smaller size"
    return ""


if __name__ == "__main__":
    main()
