import math
from dataclasses import replace

import numpy as np
import pytest

from tests.evaluation import oracles
from tests.evaluation import oracles_intervals as oracle
from tests.evaluation.tables_of_frames import index_and_predictions
from tests.evaluation.test_bootstrap import drawn_again
from tests.evaluation.test_crosses import frames_alone
from tests.makers import make_index, make_predictions
from vidkit.data.index import Index
from vidkit.evaluation.average_precision import mean_ap
from vidkit.evaluation.bootstrap import draws
from vidkit.evaluation.coco_stats import AREAS
from vidkit.evaluation.evaluate import evaluate
from vidkit.evaluation.intervals import DOUBTFUL, FEWEST_VIDEOS, Resampled, explained, missing, spread
from vidkit.evaluation.motion_iou import motion_iou
from vidkit.evaluation.result import Bootstrap
from vidkit.pages.result_tables import stats_table
from vidkit.predictions.table import Predictions


def made(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Numbers of some classes with replicates and without each video, with what is odd: NaN, ties, none, few videos."""
    rng = np.random.default_rng(seed)
    classes, b, v = 6, int(rng.integers(1, 30)), int(rng.integers(5, 20))
    value = rng.random(classes)
    replicates = np.clip(value[:, None] + rng.normal(0.02, 0.1, (classes, b)), 0, 1)
    left_out = np.clip(value[:, None] + rng.standard_t(2, (classes, v)) * 0.02, 0, 1)
    replicates[rng.random(replicates.shape) < 0.1] = np.nan
    replicates[:, 0] = value
    left_out[1, 3:] = left_out[1, 0]
    value[2], replicates[2], left_out[2] = 1.0, 1.0, 1.0
    left_out[3, :2] = np.nan
    value[4], replicates[4], left_out[4] = 0.0, 0.0, 0.0
    return value, replicates, left_out, rng.integers(3, v + 1, classes)


@pytest.mark.parametrize("seed", range(40))
def test_intervals_are_those_of_the_plain_loop(seed: int) -> None:
    value, replicates, left_out, n_videos = made(seed)
    found = spread(value, replicates, left_out, n_videos)
    rows = list(zip(value.tolist(), replicates.tolist(), left_out.tolist(), n_videos.tolist(), strict=True))
    np.testing.assert_allclose(found.ends(0.95), [oracle.share_interval(*row) for row in rows], atol=1e-9)
    wanted = [oracle.difference_interval(*row) for row in rows]
    np.testing.assert_allclose(found.ends(0.95, "difference"), [w[:2] for w in wanted], atol=1e-9)
    np.testing.assert_allclose(found.positive(), [w[2] for w in wanted], atol=1e-9)
    for row, below in zip(rows, found.below, strict=True):
        known = [x for x in row[1] if not math.isnan(x)]
        assert below == pytest.approx(sum(1.0 if x < row[0] else 0.5 if x == row[0] else 0 for x in known) / len(known))
    assert found.doubtful.tolist() == [oracle.is_doubtful(row[0], row[1]) for row in rows]


def test_doubtful_intervals_are_told_as_such() -> None:
    left_out = np.array([[0.4, 0.5, 0.6, 0.5, 0.4, 0.6]])
    skewed, aside, even = np.zeros((1, 50)), np.arange(50)[None] / 100, np.arange(50)[None] / 100
    skewed[0, :2] = 1.0
    for replicates, value, note in ((skewed, 0.0, DOUBTFUL), (aside, 0.4, DOUBTFUL), (even, 0.25, "")):
        ((ends, said),) = spread(np.array([value]), replicates, left_out, np.array([6])).told(0.95, "difference")
        assert ends is not None and said == note
    assert explained(["1.0 [0.5, 2.0] (doubtful)", "x"])[0].startswith("(doubtful): where replicates are skewed")
    assert explained(["1.0 (1 video)", "2.0 (3 videos)"]) == [explained(["1.0 (3 videos)"])[0]]
    assert explained(["1.0 [0.5, 2.0] (few a class)"])[0].startswith("(few a class): with fewer than 5 videos a class")
    assert explained(["1.0 (all videos alike)"]) and explained(["1.0 [0.5, 2.0]", "–", ""]) == []


def test_without_replicates_the_bias_is_the_jackknifes() -> None:
    value, _, left_out, n_videos = made(1)
    found = spread(value, np.zeros((6, 0)), left_out, n_videos)
    for c in range(6):
        wanted = oracle.share_interval(value[c], [], left_out[c].tolist(), int(n_videos[c]))
        np.testing.assert_allclose(found.ends(0.95)[c], wanted, atol=1e-9)
    assert np.isnan(found.below).all()


def test_an_interval_stays_inside_0_and_1_and_is_wider_for_a_higher_level() -> None:
    for seed in range(20):
        found = spread(*made(seed))
        wide, narrow = found.ends(0.99), found.ends(0.8)
        known = ~np.isnan(wide[:, 0])
        assert ((wide[known] >= 0) & (wide[known] <= 1)).all()
        assert (wide[known, 0] <= narrow[known, 0]).all() and (narrow[known, 1] <= wide[known, 1]).all()


def test_p_says_what_the_interval_says() -> None:
    for seed in range(40):
        found = spread(*made(seed))
        low, high = found.ends(0.95, "difference").T
        p = found.positive()
        known = ~np.isnan(p) & (p != 0.5)
        assert ((p[known] > 0.975) == (low[known] > 0)).all() and ((p[known] < 0.025) == (high[known] < 0)).all()


def test_videos_that_are_all_alike_or_too_few_tell_nothing() -> None:
    alike, b = np.full((1, 8), 0.4), np.full((1, 10), 0.4)
    assert np.isnan(spread(np.array([0.4]), b, alike, np.array([8])).ends(0.95)).all()
    zero = spread(np.zeros(1), 0 * b, 0 * alike, np.array([8]))
    assert zero.ends(0.95, "difference").tolist() == [[0, 0]] and zero.positive().tolist() == [0.5]
    rng = np.random.default_rng(0)
    left_out = 0.4 + rng.normal(0, 0.1, (1, 8))
    for n in range(9):
        ends = spread(np.array([0.4]), b, left_out, np.array([n])).ends(0.95)
        assert np.isnan(ends).all() == (n < FEWEST_VIDEOS)
    assert missing(3) == "3 videos: too few to tell" and missing(1) == "1 video: too few to tell"
    assert missing(5) == "all videos alike"


@pytest.mark.parametrize("protocol", ["fgfa", "mega", "coco", "ilsvrc"])
def test_the_intervals_of_a_result_are_made_of_evaluations_without_each_video(protocol: str) -> None:
    index = make_index(seed=5, videos=9)
    index = replace(index, motion_iou=motion_iou(index))
    predictions = make_predictions(index)
    by = ["motion", "area", "class"]
    result = evaluate(index, predictions, protocol, by=by, ci=40, seed=1)
    without = [evaluate(*frames_alone(index, predictions, index.frame_video != v), protocol, by=by) for v in range(9)]
    rows = index.frame_video[index.instance_frame]
    for g, group in enumerate((result.overall, *result.groups)):
        assert group.interval is not None and group.resampled is not None
        others = [(one.overall, *one.groups)[g] for one in without]
        assert {other.name for other in others} == {group.name}
        np.testing.assert_allclose(group.resampled.left_out, np.array([o.ap for o in others]).T, atol=1e-12)
        for c in range(index.n_classes):
            row = group.resampled.replicates[c].tolist(), [float(other.ap[c]) for other in others]
            n = int(group.interval.n_videos_by_class[c])
            np.testing.assert_allclose(
                group.interval.ap[c], oracle.share_interval(float(group.ap[c]), *row, n), atol=1e-9
            )
        means = [mean_ap(column) for column in group.resampled.replicates.T]
        n = group.interval.n_videos
        row = means, [other.mean_ap for other in others]
        if not math.isnan(group.mean_ap):
            np.testing.assert_allclose(group.interval.mean_ap, oracle.share_interval(group.mean_ap, *row, n), atol=1e-9)
        if group.by == "":
            assert n == len(np.unique(rows))


def test_a_class_without_ground_truth_counts_as_0_where_the_protocol_says_so() -> None:
    index = make_index(seed=1, videos=8, classes=4)
    index = replace(index, class_id=np.minimum(index.class_id, 2))
    predictions = make_predictions(index)
    kept = predictions.class_id < 3
    counts = np.bincount(predictions.detection_frame[kept], minlength=index.n_frames)
    predictions = replace(
        predictions,
        detection_start=np.concatenate([[0], np.cumsum(counts)]),
        box=predictions.box[kept],
        score=predictions.score[kept],
        class_id=predictions.class_id[kept],
        index_fingerprint="",
    )
    three, four = (evaluate(index, predictions, name, ci=100) for name in ("fgfa", "ilsvrc"))
    assert four.mean_ap == pytest.approx(three.mean_ap * 3 / 4, abs=0.05)
    for result in (three, four):
        assert result.overall.interval is not None
        low, high = result.overall.interval.mean_ap
        assert low < result.mean_ap < high


def test_differences_of_resampled_runs_keep_their_videos() -> None:
    rng = np.random.default_rng(0)
    in_video = rng.random((2, 7)) < 0.8
    a, b = (Resampled(rng.random((2, 5)), rng.random((2, 7)), in_video) for _ in range(2))
    found = b.minus(a)
    np.testing.assert_array_equal(found.replicates, b.replicates - a.replicates)
    np.testing.assert_array_equal(found.left_out, b.left_out - a.left_out)
    np.testing.assert_array_equal(found.in_video, in_video)


@pytest.mark.parametrize("protocol", ["coco", "coco-mmdet"])
def test_cocos_numbers_have_intervals_of_evaluations_of_drawn_videos_and_without_each(protocol: str) -> None:
    index = make_index(seed=2, videos=8, frames=6)
    index = replace(index, motion_iou=motion_iou(index), box=index.box * np.float32(2.2))
    predictions = make_predictions(index, jitter=2.0)
    predictions = replace(predictions, score=np.random.default_rng(0).permutation(predictions.n_detections) / 1e3)
    result = evaluate(index, predictions, protocol, ci=6, seed=4)
    area = (index.box[:, 2] - index.box[:, 0] - 1.0) * (index.box[:, 3] - index.box[:, 1] - 1)
    video = index.frame_video[index.instance_frame]
    drawn = draws(8, Bootstrap(6, 4)).T
    again = [evaluate(*replicated(index, predictions, column), protocol).stats for column in drawn]
    without = [evaluate(*frames_alone(index, predictions, index.frame_video != v), protocol).stats for v in range(8)]
    for name, ends in result.stats_interval.items():
        limits = AREAS.get(name[-1], AREAS[""])
        n = len(np.unique(video[(area >= limits[0]) & (area <= limits[1])]))
        if math.isnan(result.stats[name]):
            continue
        row = [stats[name] for stats in again], [stats[name] for stats in without]
        wanted = oracle.share_interval(result.stats[name], *row, n)
        assert (ends is None) == math.isnan(wanted[0]) and (result.stats_note.get(name, DOUBTFUL) == DOUBTFUL) == bool(
            ends
        )
        np.testing.assert_allclose(ends or (np.nan, np.nan), wanted, atol=1e-9, err_msg=name)
    assert list(result.stats_interval) == list(result.stats)
    table = stats_table(result)
    assert "[" in table["%"][1]
    assert evaluate(index, predictions, protocol).stats_interval == {}


def replicated(index: Index, predictions: Predictions, counts: np.ndarray) -> tuple[Index, Predictions]:
    """The drawn videos, each as often as it was drawn, as one video."""
    frames = oracles.frames_of(index, predictions, index.motion_iou)
    return index_and_predictions(drawn_again(index, frames, counts), index.n_classes)
