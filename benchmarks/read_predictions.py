"""Reading prediction files of VID-validation size: seconds and peak memory of each format, beside the usual way.

Made-up detections, 30 a frame on 176 126 frames of 555 videos (5.28 M), are written in each format and read back, each
reading in a process of its own: by `vidkit.predictions.read`, and by what one would write without it (Python lists for
text, `pickle.load`, `torch.load`, `json.load`, `numpy.load`), which only loads, neither checks nor sorts. Files are in
the page cache. Seconds are CPU time, which others on the machine disturb less; imports are left out.

    python benchmarks/read_predictions.py [--frames N] [--formats vidkit,fgfa,…]
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from importlib import import_module
from pathlib import Path

import numpy as np

from vidkit.classes import VID_CLASSES
from vidkit.data.index import Index
from vidkit.data.index_file import read_index, write_index
from vidkit.predictions import Predictions, read, write

VIDEOS, FRAMES, EACH = 555, 176_126, 30
FORMATS = ("vidkit", "npz", "fgfa", "csv", "mega", "mmtrack", "pkl", "coco")


def made_index(frames: int) -> Index:
    """Return an index without annotations."""
    start = np.linspace(0, frames, VIDEOS + 1).astype(np.int64)
    return Index(
        dataset="ILSVRC2015",
        split="val",
        classes=VID_CLASSES,
        video_name=tuple(f"ILSVRC2015_val_{v:08d}" for v in range(VIDEOS)),
        video_size=np.tile(np.array([1280, 720], np.int32), (VIDEOS, 1)),
        frame_start=start,
        frame_number=np.concatenate([np.arange(n, dtype=np.int32) for n in np.diff(start)]),
        instance_start=np.zeros(frames + 1, np.int64),
        box=np.zeros((0, 4), np.float32),
        class_id=np.zeros(0, np.int16),
        track_id=np.zeros(0, np.int32),
        occluded=np.zeros(0, bool),
        generated=np.zeros(0, bool),
    )


def made_predictions(index: Index) -> Predictions:
    """Return random detections."""
    rng = np.random.default_rng(0)
    n = index.n_frames * EACH
    corner = rng.random((n, 2), np.float32) * 600
    return Predictions(
        detection_start=np.arange(index.n_frames + 1, dtype=np.int64) * EACH,
        box=np.concatenate([corner, corner + 1 + rng.random((n, 2), np.float32) * 600], axis=1),
        score=rng.random(n, np.float32),
        class_id=rng.integers(30, size=n).astype(np.int16),
        index_fingerprint=index.fingerprint,
    )


def usual_way(name: str, path: Path) -> None:
    """Load a file as one would without vidkit."""
    if name == "vidkit":
        import h5py

        with h5py.File(path) as file:
            for column in file["/detections"].values():
                column[()]
    elif name == "npz":
        with np.load(path) as file:
            [file[key] for key in file.files]
    elif name == "fgfa":
        np.array([line.split() for line in path.read_text().splitlines()], np.float64)
    elif name == "csv":
        import pandas as pd

        pd.read_csv(path, comment="#")
    elif name == "mega":
        import types

        import torch

        module = types.ModuleType("mega_core.structures.bounding_box")
        module.BoxList = type("BoxList", (), {"__module__": module.__name__})
        for part in ("mega_core", "mega_core.structures", module.__name__):
            sys.modules.setdefault(part, module)
        torch.load(path, weights_only=False)
    elif name == "coco":
        json.loads(path.read_text())
    else:
        import pickle

        with path.open("rb") as file:
            pickle.load(file)  # our own file, written a moment ago


def measure(name: str, who: str, folder: Path) -> None:
    """Read one file in this process and print seconds and peak memory in MiB."""
    path, index = folder / name, read_index(folder / "index.h5")
    if name in ("fgfa", "csv") or (who == "usual" and name == "mega"):
        import_module("torch" if name == "mega" else "pandas")
    started = time.process_time()
    if who == "vidkit":
        assert read(path, index).n_detections == index.n_frames * EACH
    else:
        usual_way(name, path)
    print(time.process_time() - started, peak_memory())


def peak_memory() -> float:
    """Return the largest resident memory of this process so far, in MiB."""
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmHWM"))


def compare(formats: list[str], frames: int) -> None:
    """Write each format and print a line for it."""
    index = made_index(frames)
    predictions = made_predictions(index)
    print(f"{predictions.n_detections} detections, {frames} frames")
    print(f"{'format':8} {'MB':>6} {'vidkit':>8} {'MiB':>6} {'usual':>8} {'MiB':>6} {'usual/vidkit':>12}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_index(folder / "index.h5", index)
        for form in formats:
            write(folder / form, predictions, index, form)
            told = {}
            for who in ("vidkit", "usual"):
                command = [sys.executable, __file__, "--measure", form, who, str(folder)]
                answer = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
                told[who] = [float(value) for value in answer]
            size = (folder / form).stat().st_size / 1e6
            (ours, memory), (usual, usual_memory) = told["vidkit"], told["usual"]
            cells = f"{ours:7.2f}s {memory:6.0f} {usual:7.2f}s {usual_memory:6.0f} {usual / ours:12.2f}"
            print(f"{form:8} {size:6.0f} {cells}", flush=True)
            (folder / form).unlink()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=FRAMES)
    parser.add_argument("--formats", default=",".join(FORMATS))
    parser.add_argument("--measure", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        measure(given.measure[0], given.measure[1], Path(given.measure[2]))
    else:
        compare(given.formats.split(","), given.frames)
