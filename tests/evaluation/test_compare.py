import dataclasses
import json
import math

import numpy as np
import pytest

from tests.evaluation import oracles, oracles_intervals
from tests.makers import make_index, make_predictions
from vidkit.data.index import Index
from vidkit.errors import PredictionError
from vidkit.evaluation.bootstrap import draws
from vidkit.evaluation.compare import compare
from vidkit.evaluation.evaluate import evaluate
from vidkit.evaluation.motion_iou import motion_iou
from vidkit.evaluation.result import Bootstrap
from vidkit.predictions.table import Predictions, RunInfo, from_frames

VIDEOS = 9


@pytest.fixture
def index() -> Index:
    return make_index(seed=3, videos=VIDEOS)


@pytest.fixture
def pair(index: Index) -> tuple[Predictions, Predictions]:
    """Two runs of unlike quality; scores without ties, so that the order of drawn videos can't matter."""
    runs = []
    for seed, jitter in ((1, 6.0), (2, 2.0)):
        made = make_predictions(index, seed, jitter)
        scores = np.random.default_rng(seed).permutation(made.n_detections) / made.n_detections
        runs.append(dataclasses.replace(made, score=scores))
    return runs[0], runs[1]


def naive_means(index: Index, predictions: Predictions, counts: np.ndarray, motion: tuple[float, float]) -> list[float]:
    """The mean AP of videos standing as often as counted, one number for each column of `counts (V, B)`."""
    frames = oracles.frames_of(index, predictions, motion_iou(index))
    means = []
    for column in counts.T.astype(int):
        again = [frames[f] for v, count in enumerate(column) for _ in range(count) for f in index.frames_of(v)]
        ap = oracles.fgfa(again, index.n_classes, motion)
        means.append(float(np.nanmean(ap)))
    return means


def inside(index: Index, motion: tuple[float, float]) -> np.ndarray:
    value = motion_iou(index)
    return (value >= motion[0]) & (value <= motion[1])


def gap(
    index: Index, pair: tuple[Predictions, Predictions], counts: np.ndarray, motion: tuple[float, float]
) -> list[float]:
    """The difference of the mean APs for each column of counts."""
    a, b = (np.array(naive_means(index, run, counts, motion)) for run in pair)
    return list(b - a)


def test_differences_are_those_of_the_drawn_videos(index: Index, pair: tuple[Predictions, Predictions]) -> None:
    found = compare(index, *pair, by="motion", ci=20, seed=5)
    drawn = draws(VIDEOS, Bootstrap(20, 5))
    for name, motion in (("all", (0.0, 1.0)), ("fast", (0.0, 0.7))):
        drawn_gap, left_gap = (gap(index, pair, counts, motion) for counts in (drawn, 1 - np.eye(VIDEOS)))
        (row,) = [d for d in found.differences if (d.by, d.name, d.class_name) == ("motion", name, "")]
        with_truth = len(np.unique(index.frame_video[index.instance_frame[inside(index, motion)]]))
        wanted = oracles_intervals.difference_interval(row.delta, drawn_gap, left_gap, with_truth)
        assert (row.low, row.high, row.p_better) == pytest.approx(wanted, abs=1e-9)


def test_a_videos_share_is_what_leaving_it_out_changes(index: Index, pair: tuple[Predictions, Predictions]) -> None:
    found = compare(index, *pair, ci=0)
    left_out = 1 - np.eye(VIDEOS)
    a, b = (np.array(naive_means(index, run, left_out, (0.0, 1.0))) for run in pair)
    wanted = dict(zip(index.video_name, b - a, strict=True))
    assert {video.video: video.delta_without for video in found.videos} == pytest.approx(wanted, abs=1e-12)
    shares = [video.share for video in found.videos]
    assert shares == sorted(shares, reverse=True)
    assert shares[0] == pytest.approx(found.overall.delta - found.videos[0].delta_without)


def test_scores_are_those_of_evaluate(index: Index, pair: tuple[Predictions, Predictions]) -> None:
    found = compare(index, *pair, protocol="voc", by="area", ci=0)
    a, b = (evaluate(index, run, "voc", "area") for run in pair)
    assert (found.overall.a, found.overall.b) == (a.mean_ap, b.mean_ap)
    rows = {(d.by, d.name): d for d in found.differences if not d.class_name}
    for group_a, group_b in zip(a.groups, b.groups, strict=True):
        row = rows[group_a.by, group_a.name]
        assert row.delta == pytest.approx(group_b.mean_ap - group_a.mean_ap, nan_ok=True)
        assert math.isnan(row.low)


def test_a_run_is_no_better_than_itself(index: Index, pair: tuple[Predictions, Predictions]) -> None:
    same = compare(index, pair[0], pair[0], by="motion", ci=10)
    assert all(d.delta == 0 for d in same.differences if d.n_gt)
    drawn = [d for d in same.differences if d.n_gt and not math.isnan(d.low)]  # not those of one video alone
    assert len(drawn) > len(same.differences) / 2, [d.note for d in same.differences]
    assert all((d.low, d.high, d.p_better) == (0, 0, 0.5) for d in drawn)
    assert not same.overall.is_worse
    assert all(video.share == 0 for video in same.videos)


def test_worse_is_beyond_chance_only(index: Index, pair: tuple[Predictions, Predictions]) -> None:
    nothing = from_frames([make_predictions(index).of_frame(f) for f in range(0)])
    none = dataclasses.replace(nothing, detection_start=np.zeros(index.n_frames + 1, np.int64))
    assert compare(index, pair[1], none, ci=50).overall.is_worse
    assert compare(index, pair[1], none, ci=0).overall.is_worse
    assert not compare(index, none, pair[1], ci=50).overall.is_worse


def test_one_video_or_none_gives_no_more_than_it_can() -> None:
    for videos in (0, 1):
        index = make_index(videos=videos)
        run = make_predictions(index) if videos else from_frames([])
        found = compare(index, run, run, ci=5)
        json.dumps(found.to_json(), allow_nan=False)
        assert len(found.to_frame()) == len(found.differences)
        assert all(np.isnan([d.low, d.high, d.p_better]).all() for d in found.differences)


def test_limited_runs_and_other_data_are_refused(index: Index, pair: tuple[Predictions, Predictions]) -> None:
    limited = dataclasses.replace(pair[0], run=RunInfo("x", limited=True))
    with pytest.raises(PredictionError, match="run a is limited"):
        compare(index, limited, pair[1])
    with pytest.raises(PredictionError, match="were made for the index"):
        compare(make_index(seed=4, videos=VIDEOS), *pair)
