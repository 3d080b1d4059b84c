"""How often the 95 % intervals of `--ci` hold the true value: simulated sets of videos with a difficulty of their own.

A video shows one class at one speed; its difficulty decides how many of its objects are found, how well they score and
how many false alarms there are, so its frames are alike. The true value is that of very many videos.

    python benchmarks/interval_coverage.py --sets 200
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import numpy as np

from vidkit.classes import VID_CLASSES
from vidkit.data.index import Index
from vidkit.evaluation.evaluate import evaluate
from vidkit.evaluation.result import EvalResult, GroupResult
from vidkit.predictions.table import Predictions

CLASSES = VID_CLASSES[:5]
FRAMES = 20
OBJECT, ELSEWHERE = (10.0, 10.0, 60.0, 60.0), (100.0, 100.0, 150.0, 150.0)
GROUPS = ("all", "slow", "medium", "fast")


def videos(n: int, rng: np.random.Generator) -> tuple[Index, Predictions]:
    """Return `n` videos with an object in each frame, and what a detector of uneven success says of them."""
    frames = n * FRAMES
    skill = np.repeat(rng.beta(2.0, 1.0, n), FRAMES)
    class_id = np.repeat(rng.integers(0, len(CLASSES), n), FRAMES).astype(np.int16)
    found = rng.random(frames) < skill
    alarms = rng.poisson(1.5 * (1 - skill))
    counts = found + alarms
    start = np.concatenate([[0], np.cumsum(counts)])
    frame = np.repeat(np.arange(frames), counts)
    true = np.zeros(len(frame), bool)
    true[start[:-1][found]] = True
    score = np.where(true, skill[frame], 0.6 * (1 - skill[frame])) + rng.normal(0, 0.15, len(frame))
    index = Index(
        dataset="simulated",
        split=str(n),
        classes=CLASSES,
        video_name=tuple(f"{v:06}" for v in range(n)),
        video_size=np.full((n, 2), 200, np.int32),
        frame_start=np.arange(n + 1, dtype=np.int64) * FRAMES,
        frame_number=np.tile(np.arange(FRAMES, dtype=np.int32), n),
        instance_start=np.arange(frames + 1, dtype=np.int64),
        box=np.tile(np.array([OBJECT], np.float32), (frames, 1)),
        class_id=class_id,
        track_id=np.zeros(frames, np.int32),
        occluded=np.zeros(frames, bool),
        generated=np.zeros(frames, bool),
        motion_iou=np.repeat(rng.choice([0.5, 0.8, 0.95], n), FRAMES),
    )
    box = np.where(true[:, None], np.array(OBJECT, np.float32), np.array(ELSEWHERE, np.float32))
    return index, Predictions(detection_start=start, box=box, score=score, class_id=class_id[frame])


def numbers(result: EvalResult) -> Iterator[tuple[str, GroupResult]]:
    """Yield the groups that are looked at, by name; the first is all of the data."""
    yield "all", result.overall
    for name in GROUPS[1:]:
        yield name, result.group("motion", name)


def coverage(n_videos: int, sets: int, replicates: int, truth: dict[str, tuple[float, float]]) -> list[str]:
    """Return the rows of a table: how often the intervals of mAP and of the first class's AP hold the truth."""
    held: dict[str, list[list[bool]]] = {name: [[], []] for name in GROUPS}
    widths: dict[str, list[float]] = {name: [] for name in GROUPS}
    for seed in range(sets):
        index, predictions = videos(n_videos, np.random.default_rng([n_videos, seed]))
        result = evaluate(index, predictions, "fgfa", by="motion", ci=replicates, seed=seed)
        for name, group in numbers(result):
            assert group.interval is not None
            for kind, (low, high) in enumerate((group.interval.mean_ap, group.interval.ap[0])):
                if np.isfinite(low):
                    held[name][kind].append(bool(low <= truth[name][kind] <= high))
            widths[name].append(float(np.ptp(group.interval.mean_ap)))
    return [
        f"| {n_videos} | {name} | {np.mean(held[name][0]):.1%} | {100 * np.nanmean(widths[name]):.1f} "
        f"| {np.mean(held[name][1]):.1%} of {len(held[name][1])} |"
        for name in GROUPS
    ]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", type=int, default=200)
    parser.add_argument("--replicates", type=int, default=300)
    parser.add_argument("--videos", type=int, nargs="+", default=[25, 100, 400])
    parser.add_argument("--truth-videos", type=int, default=20_000)
    options = parser.parse_args()
    whole = evaluate(*videos(options.truth_videos, np.random.default_rng(1)), "fgfa", by="motion")
    truth = {name: (group.mean_ap, float(np.mean(group.ap))) for name, group in numbers(whole)}
    print(f"true mAP: {', '.join(f'{name} {100 * value[0]:.2f}' for name, value in truth.items())}\n")
    print("| videos | group | mAP held | width, points | AP of one class held |")
    print("|---:|---|---:|---:|---:|")
    for n_videos in options.videos:
        print("\n".join(coverage(n_videos, options.sets, options.replicates, truth)), flush=True)


if __name__ == "__main__":
    main()
