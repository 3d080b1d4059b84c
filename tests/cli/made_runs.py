"""A made-up tree with an index over its frames, and runs over it: whole, limited, of another index, unfinished."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from tests.makers import make_index, make_predictions
from vidkit.data.index import FrameFiles, Index
from vidkit.data.index_file import write_index
from vidkit.predictions.predictions_file import write_predictions
from vidkit.predictions.table import FrameTimes, Predictions, RunInfo
from vidkit.synth import Settings, make_dataset

FRAMES = 20
NAMES = ("synth_val_00000000", "synth_val_00000001")


def make_place(root: Path) -> Index:
    """Write `tree` and `vidkit-data/vid_val.h5`; the boxes are others than those of the objects in the frames."""
    list(make_dataset(root / "tree", Settings(width=96, height=80, frames=FRAMES), train=0, val=2))
    files = FrameFiles(
        str(root / "tree"), ("folder",) * 2, tuple(f"Data/VID/val/{n}" for n in NAMES), ("{:06d}.JPEG",) * 2
    )
    size = np.array([[96, 80]] * 2, np.int32)
    index = replace(make_index(videos=2, frames=FRAMES), video_name=NAMES, video_size=size, files=files)
    write_index(root / "vidkit-data" / "vid_val.h5", index)
    return index


def make_run(index: Index, seed: int) -> Predictions:
    """Predictions with every fourth frame as keyframe."""
    place = np.arange(index.n_frames, dtype=np.int32) % 4
    return replace(make_predictions(index, seed, jitter=0.5), is_key=place == 0, key_distance=-place)


def make_runs(root: Path, index: Index) -> Path:
    """Write `runs` with the runs one, two, limited (first video only), other (of another index), unfinished."""
    folder = root / "runs"
    for name, seed in (("one", 0), ("two", 1)):
        write_predictions(folder / name / "predictions.h5", make_run(index, seed))
    seconds = np.where(np.arange(index.n_frames) < FRAMES, 0.01, np.nan)
    times = FrameTimes(seconds, seconds, np.zeros(index.n_frames, np.int32), np.isnan(seconds))
    limited = replace(make_run(index, 2), times=times, run=RunInfo(limited=True))
    write_predictions(folder / "limited" / "predictions.h5", limited)
    write_predictions(folder / "other" / "predictions.h5", make_run(make_index(seed=9), 0))
    (folder / "unfinished").mkdir()
    return folder
