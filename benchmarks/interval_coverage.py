"""How often the 95 % intervals of `--ci` hold the true value, in populations of videos whose true value is known.

A population is some thousand simulated videos; its true mAP is that of all of them. A set is drawn from it, video by
video with replacement, and evaluated as a user would evaluate it, intervals, groups and comparison of two detectors
included. Detections are matched once, with the whole population; a set takes the rows of its videos. Whether a video is
easy, its objects and the level of its scores are drawn once for each video, so its frames are alike.

    python benchmarks/interval_coverage.py --output coverage.csv
    python benchmarks/interval_coverage.py --populations vid --vid vid_val_gt_all.npz --sets 200 --output coverage.csv
    python benchmarks/interval_coverage.py --tables coverage.csv
"""

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vidkit.classes import VID_CLASSES
from vidkit.data.index import Index
from vidkit.evaluation.compare import Comparison, compare_matches
from vidkit.evaluation.evaluate import match_for
from vidkit.evaluation.intervals import FEWEST_VIDEOS, Resampled, Scale, Spread, mean_of_known
from vidkit.evaluation.matching import Matches
from vidkit.evaluation.overlaps import Nearest, Pairs
from vidkit.evaluation.protocols import FGFA
from vidkit.evaluation.result import Bootstrap, GroupResult
from vidkit.evaluation.slices import breakdowns
from vidkit.files import write_text
from vidkit.pages.result_tables import to_markdown
from vidkit.predictions.table import Predictions

LEVEL = 0.95
FEWEST = 2  # videos; the study looks below the limit that vidkit has
FAST = 0.7  # motion IoU
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


def take(matches: Matches, videos: NDArray[np.int64]) -> Matches:
    """The table of matches of some videos, each as often as it stands in `videos`, as videos of their own."""
    index, predictions = matches.index, matches.predictions
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
    detections = Predictions(detection_start, *(column[rows] for column in _columns(predictions)))
    shift = np.repeat(instance_start[:-1] - index.instance_start[frames], np.diff(detection_start))
    moved = [np.where(old[rows] < 0, -1, old[rows] + shift).astype(np.int32) for old in _links(matches)]
    return _table(some, detections, moved, matches, rows)


def _columns(predictions: Predictions) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    return predictions.box, predictions.score, predictions.class_id


def _links(matches: Matches) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    assert matches.nearest is not None
    return matches.matched, matches.nearest.truth


def _table(
    index: Index, predictions: Predictions, moved: list[NDArray[np.int32]], whole: Matches, rows: NDArray[np.int64]
) -> Matches:
    from vidkit.evaluation.ranking import rank, score_keys

    assert whole.nearest is not None
    assert len(whole.nearest.tied.detection) == 0, "simulated boxes never tie"
    none = Pairs(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))
    keys = score_keys(predictions, whole.protocol)
    nearest = Nearest(whole.nearest.scope, moved[1], whole.nearest.iou[rows], none)
    ranking = rank(predictions, keys, index.n_classes, whole.protocol)
    return Matches(index, predictions, whole.protocol, moved[0], none, np.zeros(0, np.uint64), ranking, nearest, None)


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
    for name, gap_name, fast in (("mAP", "B - A", False), ("fast", "fast B - A", True)):
        a, b = (result.group("motion", "fast") if fast else result.overall for result in (found.a, found.b))
        of_a, of_b = _resampled(a), _resampled(b)
        gap, tracks = of_b.minus(of_a), _tracks(index, index.motion_iou < FAST if fast else index.class_id >= 0)
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


def study(name: str, spec: Population, n_videos: list[int], sets: int, replicates: int, vid: Path | None) -> list[Any]:
    """The records of one population: a row for each number of videos, each set and each number that is looked at."""
    rng = np.random.default_rng([1, list(POPULATIONS).index(name)])
    if name == "vid":
        assert vid is not None, "the population vid needs --vid FILE"
        objects = objects_of_vid(vid)
    else:
        objects = objects_of(spec, rng)
    index, given = index_of(objects, spec.classes), difficulty_of(objects, spec, rng)
    wanted = breakdowns("motion", index, FGFA)
    whole = [
        match_for(index, detect(objects, index, given, spec, better, rng), FGFA, wanted)
        for better in (0.0, spec.better)
    ]
    truth = true_values(compare_matches(whole[0], whole[1], wanted))
    rows: list[Any] = []
    for n in n_videos:
        started = time.process_time()
        for k in range(sets):
            for row in one_set(whole, n, np.random.default_rng([n, k]), replicates):
                rows.append({"population": name, "videos": n, "set": k, "truth": truth[row["number"]], **row})
        print(f"{name}, {n} videos: {time.process_time() - started:.0f} s", flush=True)
    return rows


def one_set(whole: list[Matches], n: int, rng: np.random.Generator, replicates: int) -> Iterator[dict[str, Any]]:
    """What an evaluation of n drawn videos says of each number."""
    videos = rng.integers(0, whole[0].index.n_videos, n)
    a, b = (take(matches, videos) for matches in whole)
    found = compare_matches(
        a, b, breakdowns("motion", a.index, FGFA), Bootstrap(replicates, int(rng.integers(1 << 31)))
    )
    return map(told, numbers_of(a.index, found))


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
    held = (records.low <= records.truth) & (records.truth <= records.high)
    percentile = (records.percentile_low <= records.truth) & (records.truth <= records.percentile_high)
    part = "" if len(records) == sets else f" of {len(records)}"
    return f"{100 * held.mean():.0f}{part} ({100 * percentile.mean():.0f})"


def few_table(records: pd.DataFrame) -> pd.DataFrame:
    """What is said of B - A where B is no better than A, from two videos on, all such populations together."""
    rows = []
    for videos, some in records[records.population.str.endswith("alike")].groupby("videos"):
        gap = some[(some.number == "B - A") & some.low.notna()]
        score = some[(some.number == "mAP") & some.low.notna()]
        cells = [
            (gap.low <= gap.truth) & (gap.truth <= gap.high),
            (gap.percentile_low <= gap.truth) & (gap.truth <= gap.percentile_high),
            (gap.low > 0) | (gap.high < 0),
            (gap.p_better < 0.001) | (gap.p_better > 0.999),
            (gap.percentile_p == 0) | (gap.percentile_p == 1),
            gap.high < 0,
            gap.percentile_high < 0,
            (score.low <= score.truth) & (score.truth <= score.high),
            (score.high - score.low) > 0.5,
        ]
        rows.append([str(videos), str(len(gap)), *(f"{100 * cell.mean():.1f}" for cell in cells)])
    return pd.DataFrame(rows, columns=["videos", "sets", *FEW])


FEW = (
    "interval of B - A holds",
    "(percentile)",
    "excludes 0",
    "P beyond .001 and .999",
    "(percentile: 0 or 1)",
    "B said to be worse",
    "(percentile)",
    "interval of mAP holds",
    "and is wider than 50 points",
)


def main() -> None:
    """Run the study, or print the tables of one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--populations", nargs="+", choices=POPULATIONS, default=[p for p in POPULATIONS if p != "vid"])
    parser.add_argument("--videos", type=int, nargs="+", default=[2, 3, 4, 5, 7, 10, 20, 50, 100, 300, 555])
    parser.add_argument("--sets", type=int, default=400)
    parser.add_argument("--replicates", type=int, default=300)
    parser.add_argument("--vid", type=Path, help="vid_val_gt_all.npz, for the population vid")
    parser.add_argument("--output", type=Path, default=Path("coverage.csv"), help="rows are added to those in it")
    parser.add_argument("--tables", type=Path, nargs="+", help="print the tables of such files, and do nothing else")
    options = parser.parse_args()
    if options.tables:
        records = pd.concat(map(pd.read_csv, options.tables), ignore_index=True)
        print(
            to_markdown(coverage_table(records[records.videos >= FEWEST_VIDEOS])),
            to_markdown(few_table(records)),
            sep="\n",
        )
        return
    for name in options.populations:
        rows = study(name, POPULATIONS[name], options.videos, options.sets, options.replicates, options.vid)
        before = [pd.read_csv(options.output)] if options.output.exists() else []
        write_text(options.output, pd.concat([*before, pd.DataFrame(rows)]).to_csv(index=False, float_format="%.6g"))


if __name__ == "__main__":
    main()
