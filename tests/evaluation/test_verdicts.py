"""Verdicts are the evaluation's own, at any score threshold."""

from dataclasses import replace

import numpy as np
import pytest

from tests.makers import make_index, make_predictions
from vidkit.boxes import iou
from vidkit.data.index import Index
from vidkit.errors import PredictionError
from vidkit.evaluation.curves import video_scores
from vidkit.evaluation.errors_by_type import ERROR_TYPES, NO_ERROR
from vidkit.evaluation.matching import match
from vidkit.evaluation.protocols import COCO, FGFA, VOC, Protocol
from vidkit.evaluation.slices import areas
from vidkit.evaluation.verdicts import BADLY_PLACED, HIT, MISSED, WRONG_CLASS, Verdicts, judge
from vidkit.predictions.table import Predictions, from_frames

ALWAYS = -np.inf


def at_least(predictions: Predictions, score: float) -> Predictions:
    """The predictions without what is below a score."""
    frames = []
    for frame in range(predictions.n_frames):
        d = predictions.of_frame(frame)
        kept = d.scores >= score
        frames.append(replace(d, boxes=d.boxes[kept], scores=d.scores[kept], class_ids=d.class_ids[kept]))
    return from_frames(frames, predictions.index_fingerprint)


@pytest.mark.parametrize("protocol", [FGFA, VOC, COCO], ids=lambda p: p.name)
@pytest.mark.parametrize("score", [ALWAYS, 0.0, 0.3, 0.8, 1.1])
@pytest.mark.parametrize("seed", range(4))
def test_a_threshold_is_the_same_as_matching_what_is_left(protocol: Protocol, score: float, seed: int) -> None:
    index = make_index(seed)
    predictions = make_predictions(index, seed, jitter=5)
    shown = judge(index, predictions, score, protocol)
    matched = match(index, at_least(predictions, score), protocol).matched
    kept = predictions.score >= score
    assert np.array_equal(shown.true[kept], matched >= 0)
    area = areas(predictions.box[kept], protocol)  # negative for inverted boxes
    inside = (area >= 0) if protocol.area_range else np.ones(len(area), bool)
    assert np.array_equal(shown.false[kept], (matched < 0) & inside)
    assert not (shown.true | shown.false)[~kept].any()
    hit = np.zeros(index.n_instances, bool)
    hit[matched[matched >= 0]] = True
    assert np.array_equal(shown.state == HIT, hit)


def naive_state(index: Index, shown: Verdicts, instance: int) -> tuple[int, int]:
    """State and detection of an object, by loops; for a protocol without loosened thresholds."""
    frame = int(index.instance_frame[instance])
    start, stop = shown.predictions.detection_start[frame : frame + 2]
    best: dict[int, tuple[float, int]] = {}
    for row in range(start, stop):
        if shown.predictions.score[row] < shown.least_score:
            continue
        if shown.matches.matched[row] == instance:
            return HIT, row
        if shown.matches.matched[row] >= 0:
            continue
        rows = index.instances_of(frame)
        same, other = (0.0, -1), (0.0, -1)
        for truth in range(rows.start, rows.stop):
            overlap = float(
                iou(shown.predictions.box[row][None].astype(float), index.box[truth][None].astype(float))[0]
            )
            if index.class_id[truth] == shown.predictions.class_id[row]:
                same = max(same, (overlap, -truth))
            else:
                other = max(other, (overlap, -truth))
        score = float(shown.predictions.score[row])
        if 0.1 <= same[0] <= 0.5:
            if -same[1] == instance:
                best[BADLY_PLACED] = max(best.get(BADLY_PLACED, (-1.0, -1)), (score, row))
        elif other[0] >= 0.5 and -other[1] == instance:
            best[WRONG_CLASS] = max(best.get(WRONG_CLASS, (-1.0, -1)), (score, row))
    for state in (BADLY_PLACED, WRONG_CLASS):
        if state in best:
            return state, best[state][1]
    return MISSED, -1


@pytest.mark.parametrize("score", [ALWAYS, 0.4])
def test_states_equal_a_plain_loop(score: float) -> None:
    found = set()
    for seed in range(6):
        index = make_index(seed, classes=2)
        shown = judge(index, make_predictions(index, seed, jitter=9), score, VOC)
        wanted = [naive_state(index, shown, i) for i in range(index.n_instances)]
        assert shown.state.tolist() == [state for state, _ in wanted]
        assert shown.detection.tolist() == [row for _, row in wanted]
        found |= set(shown.state.tolist())
    assert found == {HIT, BADLY_PLACED, WRONG_CLASS, MISSED}


def test_every_false_positive_has_a_type_and_no_other_detection() -> None:
    index = make_index(1)
    shown = judge(index, make_predictions(index, 1, jitter=9), 0.3)
    assert ((shown.error != NO_ERROR) == shown.false).all()
    rows = [shown.detection_row(int(row)) for row in np.flatnonzero(shown.true | shown.false)]
    assert {row["error"] for row in rows if row["verdict"] == "true positive"} == {""}
    assert {row["error"] for row in rows if row["verdict"] == "false positive"} <= set(ERROR_TYPES)


def test_counts_of_frames_add_up_to_those_of_the_videos() -> None:
    index = make_index(2)
    predictions = make_predictions(index, 2)
    counts = judge(index, predictions, 0.4).counts_of_frames()
    for video in video_scores(index, predictions, lowest_score=0.4):
        rows = index.frames_of(index.video(video.video))
        here = {name: int(column[rows.start : rows.stop].sum()) for name, column in counts.items()}
        assert here == {"true": video.true, "false": video.false, "missed": video.missed}


def test_the_rows_of_a_frame_rise_in_score() -> None:
    index = make_index(3)
    shown = judge(index, make_predictions(index, 3), 0.4)
    rows = [shown.shown_in(frame) for frame in range(index.n_frames)]
    assert sorted(np.concatenate(rows).tolist()) == np.flatnonzero(shown.true | shown.false).tolist()
    assert all((np.diff(shown.predictions.score[r]) >= 0).all() for r in rows)


def test_nothing_at_all_is_no_special_case() -> None:
    index = make_index(4, tracks=0)
    shown = judge(index, make_predictions(index, 4), 0.0)
    assert not shown.true.any()
    assert shown.state.shape == (0,)
    index = make_index(4)
    shown = judge(index, make_predictions(index, 4), 2.0)
    assert (shown.state == MISSED).all()
    assert (shown.detection == -1).all()


def test_predictions_of_another_index_are_refused() -> None:
    with pytest.raises(PredictionError, match="made for the index"):
        judge(make_index(1), make_predictions(make_index(2)))
