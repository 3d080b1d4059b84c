"""How often the 95 % intervals of `--ci` hold the true value, in populations of videos whose true value is known.

A population is some thousand simulated videos; its true mAP is that of all of them. A set is drawn from it, video by
video with replacement, and evaluated as a user would evaluate it, intervals, groups and comparison of two detectors
included. Whether a video is
easy, its objects and the level of its scores are drawn once for each video, so its frames are alike.

    python benchmarks/interval_coverage.py --output coverage.csv
    python benchmarks/interval_coverage.py --populations vid --vid vid_val_gt_all.npz --sets 200 --output coverage.csv
    python benchmarks/interval_coverage.py --tables coverage.csv
    python benchmarks/interval_coverage.py --measures --populations 1 5 30 hard --videos 5 10 20 50 --sets 200
"""

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vidkit.classes import VID_CLASSES
from vidkit.data.index import Index
from vidkit.evaluation.compare import Comparison, compare
from vidkit.evaluation.delay import average_delay
from vidkit.evaluation.errors_by_type import decompose
from vidkit.evaluation.intervals import FAR_OFF, FEWEST_VIDEOS, SKEWED, Resampled, Scale, Spread, mean_of_known
from vidkit.evaluation.result import GroupResult
from vidkit.evaluation.stability import stability
from vidkit.files import write_text
from vidkit.pages.result_tables import to_markdown
from vidkit.predictions.table import Predictions

LEVEL = 0.95
FEWEST = 2  # videos; the study looks below the limit that vidkit has
FAST = 0.7  # motion IoU
SIZES = [2, 3, 4, 5, 6, 7, 8, 10, 15, 20, 30, 50, 100, 200, 300, 555]  # videos of a set
NAMES = {"population": str}
SHOWN = (5, 10, 20, 50, 100, 300, 555)  # videos, of the table of populations
SIDE = 50.0  # pixels, of an object
NUMBERS = ("mAP", "fast", "class", "B - A", "fast B - A")


@dataclass(frozen=True)
class Population:
    """What a population's videos and its detector are like."""

    what: str
    classes: int = 5
    tracks: float = 1.5  # mean number of objects of a video
    frames: int = 10
    fast: float = 0.3  # the share of fast videos
    level: float = 0.8  # how good the detector is, in log odds
    uneven: float = 1.5  # how unlike videos are, in log odds
    shift: float = 1.5  # how unlike the levels of scores of videos are, in log odds; 0: calibrated
    better: float = 0.12  # by how much b is better than a, in log odds
    videos: int = 3000


POPULATIONS = {
    "1": Population("1 class, scores not calibrated between videos", classes=1),
    "5": Population("5 classes, scores not calibrated"),
    "5-calibrated": Population("5 classes, calibrated scores", shift=0.0),
    "30": Population("30 classes, scores not calibrated", classes=30),
    "30-calibrated": Population("30 classes, calibrated scores", classes=30, shift=0.0),
    "crowded": Population("30 classes, 5 objects a video", classes=30, tracks=5.0),
    "rare-fast": Population("5 classes, one video in 20 fast", fast=0.05),
    "1-alike": Population("1 class, B no better than A", classes=1, better=0.0),
    "5-alike": Population("5 classes, B no better than A", better=0.0),
    "30-alike": Population("30 classes, B no better than A", classes=30, better=0.0),
    "hard": Population("5 classes, a poor detector", level=-1.2),
    "easy": Population("5 classes, a nearly perfect detector", level=3.0, shift=0.5),
    "vid": Population("VID's own videos, classes and box counts", classes=30),
}


@dataclass(frozen=True, eq=False)
class Objects:
    """The ground truth of a population: frames of videos, and rows of objects sorted by frame."""

    frame_video: NDArray[np.int64]  # (F,)
    frame: NDArray[np.int64]  # (N,)
    class_id: NDArray[np.int64]  # (N,)
    track: NDArray[np.int64]  # (N,) unique in the population
    place: NDArray[np.int64]  # (N,) the object's number in its frame
    motion: NDArray[np.float64]  # (N,)


def objects_of(spec: Population, rng: np.random.Generator) -> Objects:
    """Videos of one class and one speed each, with objects that are there in all of their frames."""
    n = spec.videos
    tracks = 1 + rng.poisson(spec.tracks - 1, n)
    class_id = rng.integers(0, spec.classes, n)
    motion = np.where(rng.random(n) < spec.fast, 0.5, rng.choice([0.8, 0.95], n))
    frame_video = np.repeat(np.arange(n), spec.frames)
    counts = tracks[frame_video]
    frame = np.repeat(np.arange(len(frame_video)), counts)
    place = np.arange(len(frame)) - np.repeat(np.cumsum(counts) - counts, counts)
    video = frame_video[frame]
    track = (np.cumsum(tracks) - tracks)[video] + place
    return Objects(frame_video, frame, class_id[video], track, place, motion[video])


def objects_of_vid(path: Path, copies: int = 4, step: int = 10) -> Objects:
    """Every tenth frame of the videos of VID's validation set, some times over."""
    with np.load(path) as file:
        data = {name: file[name] for name in ("frame_index", "class_id", "motion_iou", "video_len")}
    video = np.repeat(np.arange(len(data["video_len"])), data["video_len"])
    start = np.cumsum(data["video_len"]) - data["video_len"]
    kept_frame = (np.arange(len(video)) - start[video]) % step == 0
    rank = np.cumsum(kept_frame) - 1
    kept = kept_frame[data["frame_index"]]
    frame, class_id, motion = rank[data["frame_index"][kept]], data["class_id"][kept] - 1, data["motion_iou"][kept]
    first = np.searchsorted(frame, frame)
    place = np.arange(len(frame)) - first
    frame_video = video[kept_frame]
    track = np.unique(frame_video[frame] * 10_000 + class_id * 100 + place, return_inverse=True)[1]
    times = np.arange(copies)[:, None]
    return Objects(
        frame_video=(frame_video + times * len(data["video_len"])).ravel(),
        frame=(frame + times * len(frame_video)).ravel(),
        class_id=np.tile(class_id, copies),
        track=(track + times * (track.max() + 1)).ravel(),
        place=np.tile(place, copies),
        motion=np.tile(motion, copies),
    )


def index_of(objects: Objects, classes: int) -> Index:
    """The objects as an index; the k-th of a frame stands in the k-th column."""
    n_videos, n_frames = int(objects.frame_video.max()) + 1, len(objects.frame_video)
    corner = np.stack([objects.place * 2 * SIDE, np.zeros(len(objects.place))], axis=1)
    return Index(
        dataset="simulated",
        split="population",
        classes=VID_CLASSES[:classes],
        video_name=tuple(f"{v:06}" for v in range(n_videos)),
        video_size=np.zeros((n_videos, 2), np.int32),
        frame_start=np.searchsorted(objects.frame_video, np.arange(n_videos + 1)).astype(np.int64),
        frame_number=np.arange(n_frames, dtype=np.int32),
        instance_start=np.searchsorted(objects.frame, np.arange(n_frames + 1)).astype(np.int64),
        box=np.concatenate([corner, corner + SIDE], axis=1).astype(np.float32),
        class_id=objects.class_id.astype(np.int16),
        track_id=objects.place.astype(np.int32),
        occluded=np.zeros(len(objects.place), bool),
        generated=np.zeros(len(objects.place), bool),
        motion_iou=objects.motion,
    )


@dataclass(frozen=True, eq=False)
class Difficulty:
    """What makes videos and objects easy for any detector, in log odds, and lifts or lowers a video's scores."""

    skill: NDArray[np.float64]  # (N,)
    of_video: NDArray[np.float64]  # (V,)
    shift: NDArray[np.float64]  # (V,)


def difficulty_of(objects: Objects, spec: Population, rng: np.random.Generator) -> Difficulty:
    """Videos differ, their objects do, some classes are harder than others, and what is fast is harder, too."""
    n_videos = int(objects.frame_video.max()) + 1
    of_video = spec.level + spec.uneven * rng.normal(size=n_videos)
    of_track = 0.8 * rng.normal(size=int(objects.track.max()) + 1)
    of_class = np.linspace(-0.7, 0.7, spec.classes) if spec.classes > 1 else np.zeros(1)
    skill = of_video[objects.frame_video[objects.frame]] + of_track[objects.track] + of_class[objects.class_id]
    return Difficulty(skill - 1.5 * (objects.motion < 0.7), of_video, spec.shift * rng.normal(size=n_videos))


def detect(
    objects: Objects, index: Index, given: Difficulty, spec: Population, better: float, rng: np.random.Generator
) -> Predictions:
    """What a detector says: found objects, and false alarms beside objects and away from them."""
    n_videos, video = index.n_videos, objects.frame_video[objects.frame]
    of_video = given.of_video + 0.25 * rng.normal(size=n_videos) + better
    own = (0.35 * rng.normal(size=int(objects.track.max()) + 1))[objects.track]
    skill = given.skill + own + better
    shift = given.shift + 0.3 * spec.shift * rng.normal(size=n_videos)
    hit = np.flatnonzero(rng.random(len(skill)) < _odds(skill + 0.8))
    alarm = np.repeat(np.arange(len(skill)), rng.poisson(_odds(-of_video[video])))
    away = rng.random(len(alarm)) < 0.5
    wrong = rng.random(len(alarm)) < 0.3
    of_class = np.where(wrong, rng.permutation(objects.class_id)[alarm], objects.class_id[alarm])
    box = np.concatenate([index.box[hit], index.box[alarm]])
    box[len(hit) :] += np.where(away[:, None], [0, 4 * SIDE, 0, 4 * SIDE], [SIDE / 2, 0, SIDE / 2, 0]).astype(
        np.float32
    )
    trembling = np.random.default_rng(len(hit))  # by so little that what matches what stays the same
    strength = 1.5 * np.exp(0.5 * trembling.normal(size=n_videos))[video[hit]]
    moved = np.clip(strength[:, None] * trembling.normal(size=(len(hit), 2)), -5, 5)
    box[: len(hit)] += np.tile(moved, 2).astype(np.float32)
    true_score = 0.5 + 0.6 * skill[hit] + shift[video[hit]] + 0.6 * rng.normal(size=len(hit))
    false_score = -0.8 - 0.3 * of_video[video[alarm]] + shift[video[alarm]] + 0.8 * rng.normal(size=len(alarm))
    frame = np.concatenate([objects.frame[hit], objects.frame[alarm]])
    order = np.argsort(frame, kind="stable")
    return Predictions(
        detection_start=np.searchsorted(frame[order], np.arange(index.n_frames + 1)).astype(np.int64),
        box=box[order],
        score=_odds(np.concatenate([true_score, false_score]))[order],
        class_id=np.concatenate([objects.class_id[hit], of_class])[order].astype(np.int16),
    )


def _odds(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(1 / (1 + np.exp(-x)))


# -- sets --------------------------------------------------------------------------------------------------------------


def rows_of(start: NDArray[np.int64], chosen: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The rows of the chosen parents one after the other, and the offsets of the parents among them."""
    counts = start[chosen + 1] - start[chosen]
    offsets = np.concatenate([[0], np.cumsum(counts)])
    return np.repeat(start[chosen] - offsets[:-1], counts) + np.arange(offsets[-1]), offsets


def take(index: Index, predictions: Predictions, videos: NDArray[np.int64]) -> tuple[Index, Predictions]:
    """Index and predictions of some videos, each as often as it stands in `videos`, as videos of their own."""
    frames, frame_start = rows_of(index.frame_start, videos)
    truth, instance_start = rows_of(index.instance_start, frames)
    rows, detection_start = rows_of(predictions.detection_start, frames)
    columns: dict[str, Any] = {
        name: getattr(index, name)[truth]
        for name in ("box", "class_id", "track_id", "occluded", "generated", "motion_iou")
    }
    some = replace(
        index,
        video_name=tuple(f"{v:06}" for v in range(len(videos))),
        video_size=index.video_size[videos],
        frame_start=frame_start,
        frame_number=index.frame_number[frames],
        instance_start=instance_start,
        **columns,
    )
    detected = {name: getattr(predictions, name)[rows] for name in ("box", "score", "class_id")}
    return some, Predictions(detection_start=detection_start, **detected)


# -- coverage ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Number:
    """A number that an evaluation tells, and what resampling tells of it."""

    name: str
    scale: Scale
    spread: Spread
    replicates: NDArray[np.float64]  # (B,)
    left_out: NDArray[np.float64]  # (V,)
    tracks: int  # that have ground truth of it


def numbers_of(index: Index, found: Comparison) -> Iterator[Number]:
    """The mean AP of all data and of what is fast, their differences, and the AP of the first class."""
    assert index.motion_iou is not None
    motion = index.motion_iou
    for name, gap_name, fast in (("mAP", "B - A", False), ("fast", "fast B - A", True)):
        a, b = (result.group("motion", "fast") if fast else result.overall for result in (found.a, found.b))
        of_a, of_b = _resampled(a), _resampled(b)
        gap, tracks = of_b.minus(of_a), _tracks(index, motion < FAST if fast else motion <= 1)
        yield Number(name, "share", of_a.mean(a.mean_ap), *_means(of_a), tracks)
        yield Number(gap_name, "difference", gap.mean(b.mean_ap - a.mean_ap), *_means(gap), tracks)
    first, tracks = _resampled(found.a.overall).classes(slice(0, 1)), _tracks(index, index.class_id == 0)
    ap = found.a.overall.ap[:1]
    yield Number("class", "share", first.by_class(ap), first.replicates[0], first.left_out[0], tracks)


def _resampled(group: GroupResult) -> Resampled:
    assert group.resampled is not None
    return group.resampled


def _means(resampled: Resampled) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return mean_of_known(resampled.replicates.T), mean_of_known(resampled.left_out.T)


def _tracks(index: Index, kept: NDArray[np.bool_]) -> int:
    video = index.frame_video[index.instance_frame[kept]].astype(np.int64)
    return len(np.unique(video * 10_000 + index.track_id[kept]))


def true_values(found: Comparison) -> dict[str, float]:
    """The numbers of a population."""
    a, b = found.a, found.b
    fast_a, fast_b = (result.group("motion", "fast").mean_ap for result in (a, b))
    values = (a.mean_ap, fast_a, float(a.overall.ap[0]), b.mean_ap - a.mean_ap, fast_b - fast_a)
    return dict(zip(NUMBERS, values, strict=True))


def told(number: Number) -> dict[str, Any]:
    """What resampling says of a number, with intervals from two videos on: a row of the records, but for the truth."""
    spread = number.spread
    low, high = spread.ends(LEVEL, number.scale, FEWEST)[0]
    off = number.left_out[~np.isnan(number.left_out)]
    off = off - off.mean() if len(off) else off
    known = number.replicates[~np.isnan(number.replicates)]
    ends = np.quantile(known, [(1 - LEVEL) / 2, (1 + LEVEL) / 2]) if len(known) else np.full(2, np.nan)
    squares = float((off**2).sum())
    return {
        "number": number.name,
        "value": float(spread.value[0]),
        "low": float(low),
        "high": float(high),
        "percentile_low": float(ends[0]),
        "percentile_high": float(ends[1]),
        "p_better": float(spread.positive(FEWEST)[0]) if number.scale == "difference" else np.nan,
        "percentile_p": float((known > 0).mean() + 0.5 * (known == 0).mean()) if len(known) else np.nan,
        "with_truth": int(spread.n_videos[0]),
        "tracks": number.tracks,
        "effective": squares**2 / float((off**4).sum()) if squares > 0 else np.nan,
        "below": float(spread.below[0]),
        "skew": _skew(known),
    }


def _skew(values: NDArray[np.float64]) -> float:
    if len(values) < 2 or values.std() == 0:
        return np.nan
    return float(((values - values.mean()) ** 3).mean() / values.std() ** 3)


def measures_of(index: Index, predictions: Predictions, replicates: int) -> Iterator[tuple[str, float, Any]]:
    """What isn't AP: the average delay, the stability errors, what each type of error costs, with their intervals."""
    delay = average_delay(index, predictions, ci=replicates)
    yield "average delay", delay.average_delay, delay.interval
    mean = stability(index, predictions, ci=replicates).mean
    for error in ("fragment", "centre", "total"):
        yield f"stability, {error}", getattr(mean, error), mean.intervals.get(error)
    costs = decompose(index, predictions, ci=replicates).overall
    for kind in ("localisation", "background", "missed"):
        yield f"ΔAP, {kind}", costs.delta[kind], costs.interval.get(kind)


def study_of_measures(name: str, spec: Population, n_videos: list[int], sets: int, replicates: int) -> list[Any]:
    """The records of the measures of one population."""
    rng = np.random.default_rng([1, list(POPULATIONS).index(name)])
    objects = objects_of(spec, rng)
    index, given = index_of(objects, spec.classes), difficulty_of(objects, spec, rng)
    predictions = detect(objects, index, given, spec, 0.0, rng)
    truth = {number: value for number, value, _ in measures_of(index, predictions, 0)}
    rows: list[Any] = []
    for n in n_videos:
        for k in range(sets):
            videos = np.random.default_rng([n, k]).integers(0, index.n_videos, n)
            for number, value, ends in measures_of(*take(index, predictions, videos), replicates):
                low, high = ends or (np.nan, np.nan)
                said = {"population": name, "videos": n, "set": k, "truth": truth[number], "number": number}
                rows.append({**said, "value": value, "low": low, "high": high})
    return rows


def study(name: str, spec: Population, n_videos: list[int], sets: int, replicates: int, vid: Path | None) -> list[Any]:
    """The records of one population: a row for each number of videos, each set and each number that is looked at."""
    rng = np.random.default_rng([1, list(POPULATIONS).index(name)])
    if name == "vid":
        assert vid is not None, "the population vid needs --vid FILE"
        objects = objects_of_vid(vid)
    else:
        objects = objects_of(spec, rng)
    index, given = index_of(objects, spec.classes), difficulty_of(objects, spec, rng)
    a, b = (detect(objects, index, given, spec, better, rng) for better in (0.0, spec.better))
    truth = true_values(compare(index, a, b, by="motion", ci=0))
    rows: list[Any] = []
    for n in n_videos:
        started = time.process_time()
        for k in range(sets):
            for row in one_set(index, (a, b), n, np.random.default_rng([n, k]), replicates):
                rows.append({"population": name, "videos": n, "set": k, "truth": truth[row["number"]], **row})
        print(f"{name}, {n} videos: {time.process_time() - started:.0f} s", flush=True)
    return rows


def one_set(
    index: Index, runs: tuple[Predictions, Predictions], n: int, rng: np.random.Generator, replicates: int
) -> Iterator[dict[str, Any]]:
    """What an evaluation of n drawn videos says of each number."""
    videos = rng.integers(0, index.n_videos, n)
    (some, a), (_, b) = (take(index, predictions, videos) for predictions in runs)
    found = compare(some, a, b, by="motion", ci=replicates, seed=int(rng.integers(1 << 31)))
    return map(told, numbers_of(some, found))


# -- tables ------------------------------------------------------------------------------------------------------------


def coverage_table(records: pd.DataFrame) -> pd.DataFrame:
    """How many of 100 intervals hold the truth: a row for each population and number of videos."""
    known = records[(records.with_truth >= FEWEST_VIDEOS) & records.low.notna()]
    rows = []
    for (population, videos), some in records.groupby(["population", "videos"], sort=False):
        mine = known[(known.population == population) & (known.videos == videos)]
        sets = some.set.nunique()
        cells = [_coverage(mine[mine.number == number], sets) for number in NUMBERS]
        rows.append([population, str(videos), *cells])
    return pd.DataFrame(rows, columns=["population", "videos", *NUMBERS])


def _coverage(records: pd.DataFrame, sets: int) -> str:
    if len(records) < sets / 10:
        return "–"
    held, percentile = _held(records), _held(records, "percentile_")
    part = "" if len(records) == sets else f" of {len(records)}"
    return f"{100 * held.mean():.0f}{part} ({100 * percentile.mean():.0f})"


def measures_table(records: pd.DataFrame) -> pd.DataFrame:
    """How many of 100 intervals of measures hold the truth: a row for each population and number of videos."""
    numbers = list(dict.fromkeys(records.number))
    rows = []
    for (population, videos), some in records.groupby(["population", "videos"], sort=False):
        known = some[some.low.notna()]
        held = _held(known).groupby(known.number).mean()
        rows.append([population, str(videos), *(f"{100 * held[number]:.0f}" for number in numbers)])
    return pd.DataFrame(rows, columns=["population", "videos", *numbers])


def doubt_table(records: pd.DataFrame) -> pd.DataFrame:
    """How many of 100 intervals hold by what shows of the replicates, all populations together."""
    known = records[(records.with_truth >= FEWEST_VIDEOS) & records.low.notna() & records["skew"].notna()]
    held = _held(known)
    gap = known.number.str.endswith("B - A")
    off, skew = (known.below - 0.5).abs(), known["skew"].abs()
    rows = []
    for title, low, high, of in (
        *(("off the middle by", *edges, off) for edges in pairwise((0, 0.1, 0.15, 0.2, 0.25, 0.3, 0.5))),
        *(("skewness", *edges, skew) for edges in pairwise((0, 0.3, 0.6, 0.8, 1, 1.25, 1.5, np.inf))),
    ):
        here = (of >= low) & (of < high) if low == 0 else (of > low) & (of <= high)
        rows.append([f"{title} {low:g} to {high:g}", *_shares(held[here & ~gap]), *_shares(held[here & gap])])
    doubtful = (off > FAR_OFF) | (skew > SKEWED)
    for title, here in (("**not doubtful**", ~doubtful), ("**doubtful**", doubtful)):
        rows.append([title, *_shares(held[here & ~gap]), *_shares(held[here & gap])])
    return pd.DataFrame(rows, columns=["replicates", "AP", "intervals", "B - A", "intervals "])


def _shares(held: "pd.Series[bool]") -> tuple[str, str]:
    return (f"{100 * held.mean():.1f}" if len(held) else "–"), str(len(held))


def few_table(records: pd.DataFrame) -> pd.DataFrame:
    """What is said where videos are few: of B - A, where B is no better than A, and how wide the intervals are."""
    rows = []
    for videos, some in records.groupby("videos"):
        gap = some[(some.number == "B - A") & some.low.notna()]
        score = some[(some.number == "mAP") & some.low.notna()]
        alike = gap[gap.population.str.endswith("alike")]
        cells = [
            *(f"{100 * cell.mean():.1f}" for cell in (_held(gap), _held(gap, "percentile_"))),
            *(f"{100 * (alike[f'{kind}high'] < alike.truth).mean():.1f}" for kind in ("", "percentile_")),
            *(f"{100 * cell.mean():.1f}" for cell in (_sure(alike.p_better), _sure(alike.percentile_p))),
            *(f"{100 * (part.high - part.low).median():.0f}" for part in (gap, score)),
            f"{100 * _held(score).mean():.1f}",
        ]
        rows.append([str(videos), str(len(gap)), str(len(alike)), *cells])
    return pd.DataFrame(rows, columns=["videos", "sets", "alike", *FEW])


def _held(records: pd.DataFrame, kind: str = "") -> "pd.Series[bool]":
    return (records[f"{kind}low"] <= records.truth) & (records.truth <= records[f"{kind}high"])


def _sure(p: "pd.Series[float]") -> "pd.Series[bool]":
    return (p <= 0.0005) | (p >= 0.9995)


FEW = (
    "B - A held",
    "(percentile)",
    "below the truth",
    "(percentile) ",
    "P 0.000 or 1.000",
    "(percentile)  ",
    "median width of B - A",
    "of mAP",
    "mAP held",
)


def tables_of(records: pd.DataFrame) -> list[pd.DataFrame]:
    """The tables of docs/statistics.md that records are for."""
    if "with_truth" not in records:
        return [measures_table(records)]
    return [coverage_table(records[records.videos.isin(SHOWN)]), few_table(records), doubt_table(records)]


def main() -> None:
    """Run the study, or print the tables of one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--populations", nargs="+", choices=POPULATIONS, default=[p for p in POPULATIONS if p != "vid"])
    parser.add_argument("--videos", type=int, nargs="+", default=SIZES)
    parser.add_argument("--sets", type=int, default=400)
    parser.add_argument("--replicates", type=int, default=300)
    parser.add_argument("--measures", action="store_true", help="of delay, stability and types of error, not of AP")
    parser.add_argument("--vid", type=Path, help="vid_val_gt_all.npz, for the population vid")
    parser.add_argument("--output", type=Path, default=Path("coverage.csv"), help="rows are added to those in it")
    parser.add_argument("--tables", type=Path, nargs="+", help="print the tables of such files, and do nothing else")
    options = parser.parse_args()
    if options.tables:
        records = pd.concat([pd.read_csv(path, dtype=NAMES) for path in options.tables], ignore_index=True)
        print(*map(to_markdown, tables_of(records)), sep="\n")
        return
    for name in options.populations:
        settings = options.videos, options.sets, options.replicates
        if options.measures:
            rows = study_of_measures(name, POPULATIONS[name], *settings)
        else:
            rows = study(name, POPULATIONS[name], *settings, options.vid)
        before = [pd.read_csv(options.output, dtype=NAMES)] if options.output.exists() else []
        write_text(options.output, pd.concat([*before, pd.DataFrame(rows)]).to_csv(index=False, float_format="%.6g"))


if __name__ == "__main__":
    main()
