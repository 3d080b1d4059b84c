import math
from dataclasses import replace

import numpy as np
import pytest

from tests.evaluation import oracles
from tests.evaluation.cases import case
from tests.makers import make_index, make_predictions
from vidkit.data.index import Index
from vidkit.evaluation.bootstrap import draws, replicates
from vidkit.evaluation.evaluate import evaluate
from vidkit.evaluation.matching import match
from vidkit.evaluation.protocols import COCO, PROTOCOLS, Protocol
from vidkit.evaluation.result import Bootstrap
from vidkit.evaluation.scoring import ranked
from vidkit.evaluation.slices import breakdown
from vidkit.predictions.table import Predictions

RANGES = {"all": (0.0, 1.0), "slow": (0.9, 1.0), "medium": (0.7, 0.9), "fast": (0.0, 0.7)}


def many_videos(seed: int) -> tuple[Index, Predictions]:
    """A random case whose frames are cut into more videos, with scores that don't tie."""
    index, predictions = case(seed)
    f = index.n_frames
    starts = np.unique(np.concatenate([[0], np.arange(0, f, 2), [f]])).astype(np.int64)
    index = replace(
        index,
        video_name=tuple(f"v{v}" for v in range(len(starts) - 1)),
        video_size=np.tile(np.array([50, 45], np.int32), (len(starts) - 1, 1)),
        frame_start=starts,
        frame_number=np.arange(f, dtype=np.int32),
    )
    scores = np.random.default_rng(seed).permutation(predictions.n_detections) / max(predictions.n_detections, 1)
    return index, replace(predictions, score=scores, index_fingerprint="")


def drawn_again(index: Index, frames: list[oracles.Frame], counts: np.ndarray) -> list[oracles.Frame]:
    """The frames of a data set in which each video stands as often as it was drawn."""
    again = []
    for video, count in enumerate(counts.astype(int)):
        for _ in range(count):
            again += [frames[f] for f in index.frames_of(video)]
    return again


@pytest.mark.parametrize("protocol", ["fgfa", "mega"])
@pytest.mark.parametrize("block", range(4))
def test_replicates_are_the_evaluation_of_the_drawn_videos(block: int, protocol: str) -> None:
    loop = {"fgfa": oracles.fgfa, "mega": oracles.mega}[protocol]
    rules = PROTOCOLS[protocol]
    for seed in range(block * 12, block * 12 + 12):
        index, predictions = many_videos(seed)
        frames = oracles.frames_of(index, predictions, index.motion_iou)
        if protocol == "mega" and max(len(frame["gt"]) for frame in frames) <= 1:
            continue  # whether a lone zero counts hangs on the whole data set
        rows = ranked(match(index, predictions, rules, "class" if protocol == "mega" else "frame"))
        drawn = draws(index.n_videos, Bootstrap(5, seed))
        for group in breakdown("motion", index, rules).groups:
            found = replicates(rows, group, drawn)
            for b in range(5):
                if protocol == "mega" and _lone(index, drawn[:, b]):
                    continue
                wanted = loop(drawn_again(index, frames, drawn[:, b]), index.n_classes, RANGES[group.name])
                np.testing.assert_allclose(found[:, b], wanted, atol=1e-12, err_msg=f"{seed} {group.name} {b}")


def _lone(index: Index, counts: np.ndarray) -> bool:
    """Whether the drawn videos, unlike all, have no frame with two objects."""
    objects = np.diff(index.instance_start)
    return int(objects[np.repeat(counts, np.diff(index.frame_start)) > 0].max(initial=0)) <= 1


def test_replicates_of_coco_are_pycocotools_on_the_drawn_videos() -> None:
    for seed in range(12):
        index, predictions = many_videos(seed)
        frames = oracles.frames_of(index, predictions)
        rows = ranked(match(index, predictions, COCO))
        drawn = draws(index.n_videos, Bootstrap(3, seed))
        found = replicates(rows, breakdown("area", index, COCO).groups[0], drawn)
        for b in range(3):
            again = drawn_again(index, frames, drawn[:, b])
            if not any(frame["gt"] for frame in again) or not any(frame["det"] for frame in again):
                continue
            wanted, _ = oracles.pycocotools(again, index.n_classes, (1, 10, 100))
            np.testing.assert_allclose(found[:, b], wanted, atol=1e-12, err_msg=f"{seed} {b}")


def test_every_replicate_draws_as_many_videos_as_there_are() -> None:
    drawn = draws(7, Bootstrap(20, 3))
    assert drawn.shape == (7, 20)
    assert (drawn.sum(axis=0) == 7).all()
    assert len(np.unique(drawn, axis=1).T) > 10
    np.testing.assert_array_equal(drawn, draws(7, Bootstrap(20, 3)))
    assert (drawn != draws(7, Bootstrap(20, 4))).any()


def test_drawing_each_video_once_gives_the_score_itself() -> None:
    index = make_index(videos=4)
    predictions = make_predictions(index)
    for rules in PROTOCOLS.values():
        rows = ranked(match(index, predictions, rules, "frame"))
        result = evaluate(index, predictions, rules)
        ap = replicates(rows, breakdown("area", index, rules).groups[0], np.ones((index.n_videos, 1)))
        known = result.overall.n_gt > 0
        np.testing.assert_allclose(ap[known, 0], result.overall.ap[known], atol=1e-12)


def test_a_segment_is_computed_in_pieces_of_replicates(monkeypatch: pytest.MonkeyPatch) -> None:
    index = make_index(videos=4)
    predictions = make_predictions(index)
    whole = evaluate(index, predictions, "fgfa", by="motion", ci=30, seed=1)
    monkeypatch.setattr("vidkit.evaluation.bootstrap.CELLS_AT_ONCE", 7)
    pieces = evaluate(index, predictions, "fgfa", by="motion", ci=30, seed=1)
    for a, b in zip(whole.groups, pieces.groups, strict=True):
        assert a.interval is not None and b.interval is not None
        np.testing.assert_allclose(a.interval.ap, b.interval.ap, rtol=0, atol=1e-12)


@pytest.mark.parametrize("protocol", ["fgfa", "ilsvrc", "mega", "voc", "coco"])
def test_each_group_and_class_has_an_interval_around_its_number(protocol: str) -> None:
    index = make_index(seed=2, videos=12, frames=8)
    result = evaluate(index, make_predictions(index), protocol, by=["motion", "class"], ci=200, seed=0)
    for group in (result.overall, *result.groups):
        assert group.interval is not None
        for value, (low, high) in [
            (group.mean_ap, group.interval.mean_ap),
            *zip(group.ap, group.interval.ap, strict=True),
        ]:
            assert math.isnan(value) or math.isnan(low) or low - 0.15 <= value <= high + 0.15
            assert math.isnan(value) or math.isnan(low) or low < high or value in (0, 1)


def test_what_is_in_few_videos_only_has_no_interval() -> None:
    index = make_index(videos=12)
    few = index.frame_video[index.instance_frame] < 4
    index = replace(index, class_id=np.where(few, 0, np.maximum(index.class_id, 1)).astype(np.int16))
    result = evaluate(index, make_predictions(index), "fgfa", by=["motion", "class"], ci=50)
    ends = result.overall.interval
    assert ends is not None
    assert result.overall.n_gt[0] > 0
    assert np.isnan(ends.ap[0]).all() and ends.note(0) == "4 videos: too few to tell"
    assert np.isfinite(ends.ap[1]).all() and ends.note(1) == ""
    assert np.isfinite(ends.mean_ap).all() and ends.note() == "" and ends.n_videos > 8
    alone = result.group("class", index.class_names[0]).interval
    assert alone is not None and np.isnan(alone.mean_ap).all() and alone.n_videos == 4
    one = make_index(videos=1)
    whole = evaluate(one, make_predictions(one), "fgfa", by="motion", ci=50)
    for group in (whole.overall, *whole.groups):
        assert group.interval is not None and np.isnan(group.interval.mean_ap).all()
    assert whole.overall.interval is not None and whole.overall.interval.note() == "1 video: too few to tell"


def test_intervals_cover_the_truth_about_as_often_as_they_say() -> None:
    """Videos that are all right or all wrong, half of them: the interval of a proportion, drawn by video."""
    rng = np.random.default_rng(0)
    covered = 0
    protocol = Protocol(name="plain", source="test", tolerance=0)
    for seed in range(60):
        index, predictions = right_or_wrong(rng.random(40) < 0.5)
        result = evaluate(index, predictions, protocol, ci=200, seed=seed)
        assert result.overall.interval is not None
        low, high = result.overall.interval.mean_ap
        covered += low <= 0.5 <= high
    assert covered >= 50  # of 60; resampling frames of a video one by one would cover about 20


def right_or_wrong(right: np.ndarray) -> tuple[Index, Predictions]:
    """Ten frames a video with one object each; found in all frames of a video, or in none."""
    frames = len(right) * 10
    box = np.tile(np.array([[10, 10, 50, 50]], np.float32), (frames, 1))
    index = replace(
        make_index(videos=1, frames=1),
        video_name=tuple(f"v{v}" for v in range(len(right))),
        video_size=np.zeros((len(right), 2), np.int32),
        frame_start=np.arange(len(right) + 1) * 10,
        frame_number=np.tile(np.arange(10, dtype=np.int32), len(right)),
        instance_start=np.arange(frames + 1),
        box=box,
        class_id=np.zeros(frames, np.int16),
        track_id=np.zeros(frames, np.int32),
        occluded=np.zeros(frames, bool),
        generated=np.zeros(frames, bool),
    )
    found = np.repeat(right, 10)
    predictions = Predictions(
        detection_start=np.concatenate([[0], np.cumsum(found)]),
        box=box[found],
        score=np.ones(int(found.sum()), np.float32),
        class_id=np.zeros(int(found.sum()), np.int16),
    )
    return index, predictions
