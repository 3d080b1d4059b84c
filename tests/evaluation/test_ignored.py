"""Ignored regions: what lies in one is neither true nor false, by each protocol's rule, in all that reads matches."""

from dataclasses import replace

import numpy as np
import pytest

from tests.evaluation import oracles_ignored
from tests.evaluation.cases import case
from tests.evaluation.cases_ignored import with_regions, without_them
from tests.evaluation.test_crosses import frames_alone, with_weather
from vidkit.data.index import IgnoredRegions, Index
from vidkit.evaluation.curves import score_histogram
from vidkit.evaluation.delay import average_delay
from vidkit.evaluation.errors_by_type import decompose
from vidkit.evaluation.evaluate import evaluate
from vidkit.evaluation.matching import match
from vidkit.evaluation.protocols import COCO, PROTOCOLS
from vidkit.evaluation.stability import stability
from vidkit.evaluation.verdicts import judge
from vidkit.predictions.table import Predictions

LOOPED = ("fgfa", "ilsvrc", "voc", "mega")


def regions_of(index: Index) -> IgnoredRegions:
    assert index.ignored is not None
    return index.ignored


@pytest.mark.parametrize("block", range(3))
def test_coco_xywh_is_pycocotools_with_crowds_and_areas_of_the_annotation(block: int) -> None:
    for seed in range(block * 80, block * 80 + 80):
        index, predictions = with_regions(seed, regular=True, only_crowds=True)
        if predictions.n_detections and index.n_instances + len(regions_of(index).crowd):
            limits = ((1, 10, 100), (1, 2, 3), (2, 3, 100))[seed % 3]
            ap, stats = oracles_ignored.pycocotools(index, predictions, limits)
            result = evaluate(index, predictions, replace(PROTOCOLS["coco-xywh"], max_detections=limits))
            np.testing.assert_allclose(result.overall.ap, ap, rtol=0, atol=1e-12, err_msg=f"case {seed}")
            np.testing.assert_allclose(list(result.stats.values()), stats, rtol=0, atol=1e-12, err_msg=f"case {seed}")


@pytest.mark.parametrize("protocol", LOOPED)
def test_which_detections_are_ignored_is_what_the_loop_says(protocol: str) -> None:
    total = 0
    for seed in range(120):
        index, predictions = with_regions(seed)
        table = match(index, predictions, PROTOCOLS[protocol]).to_frame()
        wanted = oracles_ignored.ignored_detections(index, predictions, protocol)
        np.testing.assert_array_equal(table["ignored"], wanted, err_msg=f"case {seed}")
        assert (table["matched"][wanted] == -1).all()
        total += int(wanted.sum())
    assert total > 50


@pytest.mark.parametrize("protocol", LOOPED)
def test_a_score_is_that_without_the_ignored_detections(protocol: str) -> None:
    by = ["motion", "area", "occluded x area", "weather", "weather x motion", "class", "video"]
    for seed in range(20):
        with_, without = both(seed, protocol)
        one, other = evaluate(*with_, protocol, by=by, ci=3), evaluate(*without, protocol, by=by, ci=3)
        for group, same in zip((one.overall, *one.groups), (other.overall, *other.groups), strict=True):
            np.testing.assert_array_equal(group.ap, same.ap, err_msg=f"case {seed}, {group.by} {group.name}")
            if group.resampled is not None and same.resampled is not None:
                np.testing.assert_array_equal(group.resampled.replicates, same.resampled.replicates)
        counts = one.counts
        assert counts["detections"] - counts["ignored_detections"] == other.counts["detections"]
        assert counts["ignored_regions"] == len(regions_of(with_[0]).crowd)
        assert "ignored_regions" not in other.counts


@pytest.mark.parametrize("protocol", LOOPED)
def test_errors_verdicts_delay_and_stability_are_those_without_the_ignored_detections(protocol: str) -> None:
    for seed in range(20):
        with_, without = both(seed, protocol)
        errors = [decompose(*data, protocol, by="occluded").to_json() for data in (with_, without)]
        assert errors[0] == errors[1]
        one, other = (judge(*data, 0.4, PROTOCOLS[protocol]).counts_of_frames() for data in (with_, without))
        for name in one:
            np.testing.assert_array_equal(one[name], other[name], err_msg=f"case {seed}, {name}")
        tracked, bare = ((with_tracks(data[0]), anonymous(data[1])) for data in (with_, without))
        np.testing.assert_equal(average_delay(*tracked, protocol).to_json(), average_delay(*bare, protocol).to_json())
        np.testing.assert_equal(stability(*tracked, protocol).to_json(), stability(*bare, protocol).to_json())
        assert score_histogram(*with_, protocol) == score_histogram(*without, protocol)


def both(seed: int, protocol: str) -> tuple[tuple[Index, Predictions], tuple[Index, Predictions]]:
    """A case with regions, and the same without them and without what the loop ignores."""
    index, predictions = with_weather(*with_regions(seed), seed)
    return (index, predictions), without_them(
        index, predictions, oracles_ignored.ignored_detections(index, predictions, protocol)
    )


def with_tracks(index: Index) -> Index:
    return replace(index, track_id=np.arange(index.n_instances, dtype=np.int32) % 3)


def anonymous(predictions: Predictions) -> Predictions:
    return replace(predictions, index_fingerprint="")


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_no_regions_and_regions_that_are_none_are_the_same(protocol: str) -> None:
    for seed in range(10):
        index, predictions = case(seed)
        none = IgnoredRegions(
            np.zeros(index.n_frames, np.int32), np.zeros((0, 4), np.float32), np.zeros(0, np.int16), np.zeros(0, bool)
        )
        told = replace(index, ignored=none)
        one = evaluate(index, predictions, protocol, by=["motion", "area"])
        other = evaluate(told, anonymous(predictions), protocol, by=["motion", "area"])
        for group, same in zip((one.overall, *one.groups), (other.overall, *other.groups), strict=True):
            np.testing.assert_array_equal(group.ap, same.ap)
        np.testing.assert_equal(one.stats, other.stats)


@pytest.mark.parametrize("protocol", ["fgfa", "mega", "voc", "coco"])
def test_frames_that_nobody_annotated_count_for_nothing(protocol: str) -> None:
    for seed in range(20):
        index, predictions = case(seed)
        rng = np.random.default_rng(seed)
        annotated = (rng.random(index.n_frames) < 0.6) | (np.diff(index.instance_start) > 0)
        told = replace(index, annotated=annotated)
        found = evaluate(told, anonymous(predictions), protocol, by=["motion", "area", "class"], ci=2)
        alone = evaluate(*frames_alone(index, predictions, annotated), protocol, by=["motion", "area", "class"], ci=2)
        for group, same in zip((found.overall, *found.groups), (alone.overall, *alone.groups), strict=True):
            np.testing.assert_array_equal(group.ap, same.ap, err_msg=f"case {seed}, {group.by} {group.name}")
            assert (group.resampled is None) == (same.resampled is None)
            if group.resampled is not None and same.resampled is not None:
                np.testing.assert_array_equal(group.resampled.replicates, same.resampled.replicates)
        assert found.counts["empty_frames"] == alone.counts["empty_frames"]
        assert found.counts["unannotated_frames"] == int((~annotated).sum())


def test_groups_of_coco_prefer_their_own_objects_to_regions() -> None:
    """One box, a region of the same size over it: found, whatever the scores; in the other area it is ignored."""
    index, _ = with_regions(0, regular=True, only_crowds=True)
    box = np.array([[10, 10, 30, 30]], np.float32)
    alone = replace(
        index,
        video_name=("v",),
        video_size=np.zeros((1, 2), np.int32),
        frame_start=np.array([0, 1]),
        frame_number=np.zeros(1, np.int32),
        instance_start=np.array([0, 1]),
        box=box,
        class_id=np.zeros(1, np.int16),
        track_id=np.zeros(1, np.int32),
        occluded=np.zeros(1, bool),
        generated=np.zeros(1, bool),
        motion_iou=np.ones(1),
        instance_attributes={},
        ignored=IgnoredRegions(np.array([1], np.int32), box, np.zeros(1, np.int16), np.ones(1, bool)),
    )
    twice = Predictions(np.array([0, 2]), np.repeat(box, 2, axis=0), np.array([0.9, 0.8]), np.zeros(2, np.int16))
    result = evaluate(alone, twice, COCO)
    assert result.stats["AP"] == pytest.approx(1)
    assert result.counts["ignored_detections"] == 1
    assert result.stats["APs"] == pytest.approx(1)
    assert np.isnan(result.stats["APl"])
