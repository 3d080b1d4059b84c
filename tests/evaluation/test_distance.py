import dataclasses

import numpy as np
import pytest

from tests.makers import make_index, make_predictions
from tests.sampling.indices import clip, index_of
from vidkit.data.index import Index
from vidkit.detections import Detections
from vidkit.errors import PredictionError
from vidkit.evaluation.distance import UNKNOWN, scheduled_distances, scores_by_distance, told_distances
from vidkit.evaluation.protocols import FGFA
from vidkit.evaluation.slices import breakdown
from vidkit.predictions.table import NO_KEY, Predictions, from_frames


def fading(index: Index, length: int, key_id: int) -> tuple[Predictions, dict[int, float]]:
    """Perfect boxes on a share of the frames that falls with the distance: 1, 0.9, 0.8, …; and these shares."""
    distances = scheduled_distances(index, length, key_id)
    recall = {int(d): 1 - d / 10 for d in np.unique(distances)}
    found = np.zeros(index.n_frames, bool)
    for d, share in recall.items():
        frames = np.flatnonzero(distances == d)
        found[frames[: round(share * len(frames))]] = True
        recall[d] = found[frames].mean()
    answers = [
        Detections(index.box[rows], np.full(rows.stop - rows.start, 0.9), index.class_id[rows])
        if found[frame]
        else Detections.none()
        for frame, rows in ((f, index.instances_of(f)) for f in range(index.n_frames))
    ]
    return from_frames(answers, index.fingerprint), recall


@pytest.mark.parametrize(("length", "key_id"), [(10, 0), (10, 5), (5, 2), (1, 0)])
def test_recall_that_fades_with_the_distance_is_found_again(length: int, key_id: int) -> None:
    index = index_of([clip(100), clip(60)])
    predictions, recall = fading(index, length, key_id)
    distances = scheduled_distances(index, length, key_id)
    scores = scores_by_distance(index, predictions, distances, "voc", by_motion=False)
    assert [score.distance for score in scores] == sorted(recall)
    for score in scores:
        assert score.mean_ap == pytest.approx(recall[score.distance], abs=1e-9)
        assert score.frames == score.ground_truth == (distances == score.distance).sum()


def test_motion_groups_share_the_ground_truth_of_a_distance() -> None:
    index = make_index(2, videos=6, frames=20)
    predictions = make_predictions(index)
    scores = scores_by_distance(index, predictions, scheduled_distances(index, 4, 0))
    assert [(s.distance, s.motion) for s in scores] == [
        (d, m) for d in range(4) for m in ("all", "slow", "medium", "fast")
    ]
    for d in range(4):
        whole, *parts = (s.ground_truth for s in scores if s.distance == d)
        assert sum(parts) >= whole  # an object on the edge of two groups is in both
    assert sum(s.ground_truth for s in scores if s.motion == "all") == index.n_instances


@pytest.mark.parametrize("edges", [(0.5,), (0.6, 0.8), (0.2, 0.4, 0.6)])
def test_groups_by_motion_are_those_of_the_protocol(edges: tuple[float, ...]) -> None:
    index = make_index(2, videos=6, frames=20)
    protocol = dataclasses.replace(FGFA, motion_edges=edges)
    scores = scores_by_distance(index, make_predictions(index), scheduled_distances(index, 4, 0), protocol)
    names = [group.name for group in breakdown("motion", index, protocol).groups]
    assert [(score.distance, score.motion) for score in scores] == [(d, name) for d in range(4) for name in names]


def test_scores_have_intervals_over_videos() -> None:
    index = make_index(2, videos=6, frames=20)
    distances = scheduled_distances(index, 4, 0)
    scores = scores_by_distance(index, make_predictions(index), distances, by_motion=False, ci=30, seed=1)
    assert scores == scores_by_distance(index, make_predictions(index), distances, by_motion=False, ci=30, seed=1)
    for score in scores:
        assert score.interval is not None
        low, high = score.interval
        assert 0 <= low < score.mean_ap < high <= 1


def test_scheduled_distances_start_anew_in_each_video() -> None:
    index = index_of([clip(7), clip(2), clip(5)])
    assert scheduled_distances(index, 5, 2).tolist() == [2, 1, 0, 1, 2, 1, 0, 1, 0, 2, 1, 0, 1, 2]


def test_told_distances_are_those_of_the_predictions() -> None:
    index = make_index(videos=1, frames=4)
    predictions = dataclasses.replace(make_predictions(index), key_distance=np.array([2, -1, 0, NO_KEY], np.int32))
    assert told_distances(index, predictions).tolist() == [2, 1, 0, UNKNOWN]
    scores = scores_by_distance(index, predictions, told_distances(index, predictions))
    assert sorted({s.distance for s in scores}) == [0, 1, 2]


def test_predictions_without_keyframes_ask_for_the_schedule() -> None:
    index = make_index()
    unknown = np.full(index.n_frames, NO_KEY, np.int32)
    for predictions in (make_predictions(index), dataclasses.replace(make_predictions(index), key_distance=unknown)):
        with pytest.raises(PredictionError, match="--schedule l=10,k=5"):
            told_distances(index, predictions)


def test_predictions_of_another_index_are_refused() -> None:
    index, other = make_index(), make_index(seed=1)
    with pytest.raises(PredictionError, match="made for the index"):
        scores_by_distance(index, make_predictions(other), scheduled_distances(index, 10))
