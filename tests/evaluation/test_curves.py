import math
from dataclasses import replace

import numpy as np
import pytest

from tests.evaluation import oracles_video
from tests.evaluation.cases import case
from tests.evaluation.oracles import all_point_ap
from tests.evaluation.tables_of_frames import index_and_predictions
from tests.makers import make_index, make_predictions
from vidkit.data.index import Index
from vidkit.errors import PredictionError
from vidkit.evaluation.curves import calibration, curves_frame, precision_recall, score_histogram, video_scores
from vidkit.evaluation.evaluate import evaluate
from vidkit.predictions.table import Predictions


def cases() -> list[tuple[Index, Predictions]]:
    made = [case(seed) for seed in range(40)]
    for seed in range(10):
        index = make_index(seed)
        made.append((index, make_predictions(index, seed)))
    return made


def test_points_of_all_data_equal_their_loop() -> None:
    for index, predictions in cases():
        found = oracles_video.outcomes(index, predictions)
        for c, curve in enumerate(precision_recall(index, predictions, "voc")):
            assert curve.n_gt == int((index.class_id == c).sum()) and curve.class_name == index.class_names[c]
            rows = np.stack([curve.score, curve.recall, curve.precision], axis=1)
            wanted = np.array(oracles_video.points(found, c, curve.n_gt)).reshape(-1, 3)
            np.testing.assert_allclose(rows, wanted, rtol=0, atol=1e-12)


@pytest.mark.parametrize("protocol", ["fgfa", "mega"])
def test_the_area_under_the_envelope_is_ap_in_each_group(protocol: str) -> None:
    for index, predictions in cases()[::3]:
        result = evaluate(index, predictions, protocol, by=["motion", "video"])
        curves = precision_recall(index, predictions, protocol, by=["motion", "video"])
        assert len(curves) == (1 + len(result.groups)) * index.n_classes
        for g, group in enumerate((result.overall, *result.groups)):
            for c, curve in enumerate(curves[g * index.n_classes : (g + 1) * index.n_classes]):
                assert (curve.by, curve.group, curve.n_gt) == (group.by, group.name, group.n_gt[c])
                steps = np.diff(curve.recall, prepend=0)
                envelope = np.maximum.accumulate(curve.precision[::-1])[::-1]
                area = float((steps * envelope).sum()) if curve.n_gt else math.nan
                assert area == pytest.approx(group.ap[c], abs=1e-12, nan_ok=True)


def test_thinned_curves_keep_their_end_and_ever_fewer_points() -> None:
    index = make_index(4, videos=6, frames=30)
    curve = max(precision_recall(index, make_predictions(index, 4)), key=lambda one: len(one.score))
    for points in (1, 5, 20):
        thin = curve.thin(points)
        assert 1 <= len(thin.score) <= points + 1 and thin.recall[-1] == curve.recall[-1]
        assert set(thin.score) <= set(curve.score) and (np.diff(thin.recall) > 0).all()
    assert len(curve.thin(10**6).score) == len(curve.score)


def test_the_frame_has_a_row_for_each_point() -> None:
    index = make_index()
    curves = precision_recall(index, make_predictions(index), by="motion")
    frame = curves_frame(curves)
    assert list(frame.columns) == ["by", "group", "class", "n_gt", "score", "recall", "precision"]
    assert len(frame) == sum(len(curve.score) for curve in curves)
    assert set(frame["group"]) <= {"all", "slow", "medium", "fast"}
    assert len(curves_frame([])) == 0


@pytest.mark.parametrize("lowest", [-math.inf, 0.45])
def test_histograms_equal_their_loop(lowest: float) -> None:
    for index, predictions in cases():
        found = [o for o in oracles_video.outcomes(index, predictions) if o.score >= lowest]
        for one, b in zip(score_histogram(index, predictions, "voc", 7, lowest), range(7), strict=True):
            inside = [o for o in found if one.low <= o.score and (o.score < one.high or b == 6)]
            assert (one.true, one.false) == (sum(o.true for o in inside), sum(not o.true for o in inside))
    assert sum(b.true + b.false for b in score_histogram(index, predictions)) == predictions.n_detections


def test_histograms_span_scores_outside_0_and_1() -> None:
    index = make_index()
    predictions = make_predictions(index)
    wild = score_histogram(index, replace(predictions, score=predictions.score * 8 - 4), bins=4)
    assert (wild[0].low, wild[-1].high) == (-4.0, 4.0)
    assert sum(b.true + b.false for b in wild) == predictions.n_detections


@pytest.mark.parametrize("bins", [1, 10])
def test_calibration_equals_its_loop(bins: int) -> None:
    for index, predictions in cases():
        error, rows = oracles_video.calibration(oracles_video.outcomes(index, predictions), bins)
        found = calibration(index, predictions, "voc", bins)
        assert found.expected_error == pytest.approx(error, abs=1e-12, nan_ok=True)
        for one, row in zip(found.bins, rows, strict=True):
            assert (one.detections, one.confidence, one.precision) == pytest.approx(row, abs=1e-12, nan_ok=True)
        errors = [abs(row[1] - row[2]) for row in rows if row[0]]
        assert found.largest_error == pytest.approx(max(errors, default=math.nan), nan_ok=True)


def test_scores_that_are_right_as_often_as_they_say_are_calibrated() -> None:
    box, far = (0, 0, 49, 49), (100, 100, 149, 149)
    frames = [{"gt": [(box, 0, 1.0)], "det": [(box if f < 3 else far, 0, 0.75)], "size": (200, 200)} for f in range(4)]
    index, predictions = index_and_predictions(frames, 1)
    found = calibration(index, predictions)
    assert (found.expected_error, found.largest_error, found.detections) == (0, 0, 4)
    assert calibration(index, replace(predictions, score=np.full(4, 0.25))).expected_error == 0.5
    assert calibration(index, replace(predictions, score=np.full(4, 1.0))).expected_error == 0.25  # in the last bin
    assert calibration(index, predictions, lowest_score=0.8).detections == 0


def test_scores_that_are_no_probabilities_are_not_calibrated() -> None:
    index = make_index()
    predictions = make_predictions(index)
    with pytest.raises(PredictionError, match=r"scores are not in 0 … 1"):
        calibration(index, replace(predictions, score=predictions.score + 1.5))


@pytest.mark.parametrize("lowest", [-math.inf, 0.45])
def test_videos_equal_their_loop(lowest: float) -> None:
    for index, predictions in cases():
        found = oracles_video.outcomes(index, predictions)
        scores = video_scores(index, predictions, "voc", lowest)
        aps = [score.mean_ap for score in scores if not math.isnan(score.mean_ap)]
        assert aps == sorted(aps) and sorted(score.video for score in scores) == sorted(index.video_name)
        for score in scores:
            rows = index.frames_of(index.video(score.video))
            truth = slice(index.instance_start[rows.start], index.instance_start[rows.stop])
            classes = index.class_id[truth]
            mine = [one for one in found if one.frame in rows]
            counted = [one for one in mine if one.score >= lowest]
            true = sum(one.true for one in counted)
            assert (score.frames, score.ground_truth) == (len(rows), len(classes))
            assert (score.true, score.false, score.missed) == (true, len(counted) - true, len(classes) - true)
            ap = [
                all_point_ap([(float(o.true), float(not o.true)) for o in mine if o.class_id == c], int(n))
                for c, n in zip(*np.unique(classes, return_counts=True), strict=True)
            ]
            assert score.mean_ap == pytest.approx(float(np.mean(ap)) if ap else math.nan, abs=1e-12, nan_ok=True)


def test_without_predictions_and_without_truth_there_is_still_a_table() -> None:
    index = make_index()
    predictions = make_predictions(index)
    silent = replace(
        predictions,
        detection_start=np.zeros(index.n_frames + 1, np.int64),
        box=np.zeros((0, 4), np.float32),
        score=np.zeros(0, np.float32),
        class_id=np.zeros(0, np.int16),
    )
    assert all(len(curve.score) == 0 for curve in precision_recall(index, silent, by="motion"))
    assert all(len(curve.thin(5).score) == 0 for curve in precision_recall(index, silent))
    assert sum(score.missed for score in video_scores(index, silent)) == index.n_instances
    assert math.isnan(calibration(index, silent).expected_error)
    empty = make_index(tracks=0)
    stray = replace(predictions, index_fingerprint="")
    assert sum(score.false for score in video_scores(empty, stray)) == predictions.n_detections
    assert all(math.isnan(score.mean_ap) for score in video_scores(empty, stray))


def test_less_than_one_bin_is_refused() -> None:
    index = make_index()
    for table in (score_histogram, calibration):
        with pytest.raises(ValueError, match="0 bins"):
            table(index, make_predictions(index), bins=0)  # type: ignore[operator]  # both take bins
