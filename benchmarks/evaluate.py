"""How fast evaluation is, and how much memory it takes, on the real ground truth of the whole VID validation set.

    python benchmarks/evaluate.py vid_val_gt_all.npz [--per-frame 30] [--peers-python PYTHON] [--only 'NAME;NAME']

`vid_val_gt_all.npz` holds frame_index, class_id (1 …), box_xyxy (inclusive), motion_iou, video_name, video_start,
video_len. Detections are made up on it with a seed. Each contender runs in a process of its own, one after the other,
so that its peak memory is its own; each prints one line. The peers are in the extra `bench`.
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
MOST_FOR_PEERS = 100  # detections a frame; beyond that their arrays alone take gigabytes


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
    if per_frame <= MOST_FOR_PEERS:
        write_arrays(folder / "truth.npy", index.instance_frame, to_inclusive(box), class_id, np.zeros(n))
        frame = np.repeat(np.arange(frames), per_frame)
        write_arrays(folder / "detections.npy", frame, to_inclusive(boxes), classes, scores)


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


def coco_tool(module: str, evaluator: str, loaded: bool = False) -> Contender:
    """AP50 with a tool that has pycocotools' interface.

    Building its own tables from the arrays is part of the time, as it is for vidkit; with `loaded` it isn't.
    """

    def contender(folder: Path) -> tuple[Any, Callable[[Any], float]]:
        from importlib import import_module

        tool = import_module(module)
        engine = tool if hasattr(tool, evaluator) else import_module(f"{module}.cocoeval")
        COCO = tool.COCO if hasattr(tool, "COCO") else import_module(f"{module}.coco").COCO
        dataset, detections = coco_truth(folder), np.load(folder / "detections.npy")

        def load() -> tuple[Any, Any]:
            with quiet():
                truth = COCO()
                truth.dataset = dataset
                truth.createIndex()
                return truth, truth.loadRes(detections)

        def evaluate(tables: tuple[Any, Any]) -> float:
            with quiet():
                run = getattr(engine, evaluator)(*tables, "bbox")
                run.params.iouThrs = np.array([0.5])
                run.params.areaRng, run.params.areaRngLbl = [[0, 1e10]], ["all"]
                run.params.maxDets = [100]
                run.evaluate()
                run.accumulate()
                precision = np.asarray(run.eval["precision"])
            return float(precision[precision > -1].mean())

        if loaded:
            return load(), evaluate
        return None, lambda _: evaluate(load())

    return contender


CONTENDERS: dict[str, Contender] = {
    "vidkit AP50": vidkit_ap50,
    "hotcoco AP50": coco_tool("hotcoco", "COCOeval"),
    "hotcoco AP50, tables built before": coco_tool("hotcoco", "COCOeval", loaded=True),
    "faster-coco-eval AP50": coco_tool("faster_coco_eval", "COCOeval_faster"),
    "pycocotools AP50": coco_tool("pycocotools", "COCOeval"),
    "vidkit fgfa by motion": vidkit_fgfa,
    "vidkit fgfa by motion, from disk": vidkit_fgfa_from_disk,
    "vidkit mega by motion": vidkit_mega,
    "vidkit coco, all numbers": vidkit_coco,
    "vidkit fgfa by motion, 1000 replicates": vidkit_bootstrap,
}


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
    parser.add_argument("--per-frame", type=int, default=30)
    parser.add_argument("--share", type=float, default=1.0, help="of the videos, from the first")
    parser.add_argument("--peers-python", default=sys.executable, help="a Python that has the peers installed")
    parser.add_argument("--only", help="contenders, with semicolons")
    parser.add_argument("--work", type=Path, help="keep the data here, and take them from here")
    parser.add_argument("--repeat", type=int, default=3, help="processes for each contender; the fastest is printed")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        print(json.dumps(measure(args.child, args.work)))
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = args.work or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / "predictions.h5").exists():
            make_data(args.ground_truth, folder, args.per_frame, args.share)
        run_all(args, folder)


def run_all(args: argparse.Namespace, folder: Path) -> None:
    """Print the machine, the data, the floor, and a line for each contender."""
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, numpy {np.__version__}")
    index, predictions = load_vidkit(folder)
    print(f"{index.n_frames} frames, {index.n_instances} boxes, {predictions.n_detections} detections")
    floor(folder)
    print(f"{'contender':40} {'seconds':>8} {'CPU':>7} {'peak MiB':>9} {'data MiB':>9}  value")
    for name in [n.strip() for n in args.only.split(";")] if args.only else CONTENDERS:
        python = sys.executable if name.startswith("vidkit") else args.peers_python
        command = [python, __file__, str(args.ground_truth), "--child", name, "--work", str(folder)]
        runs = [subprocess.run(command, capture_output=True, text=True, check=False) for _ in range(args.repeat)]
        failed = [run.stderr.strip().splitlines() or ["killed"] for run in runs if run.returncode]
        if failed:
            print(f"{name:40} failed: {failed[0][-1][:120]}")
            continue
        found = min((json.loads(run.stdout.splitlines()[-1]) for run in runs), key=lambda run: run["seconds"])
        times = f"{found['seconds']:8.2f} {found['cpu']:7.2f}"
        print(
            f"{name:40} {times} {found['peak_mib']:9.0f} {found['loaded_mib']:9.0f}  {found['value']:.9f}", flush=True
        )


if __name__ == "__main__":
    main()
