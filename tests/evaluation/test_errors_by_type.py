from dataclasses import replace

import numpy as np
import pytest

from tests.evaluation import oracles_video
from tests.evaluation.cases import case, crowd
from tests.evaluation.drawn_videos import drawn_videos
from tests.evaluation.oracles_intervals import share_interval
from tests.evaluation.tables_of_frames import index_and_predictions
from tests.makers import make_index, make_predictions
from vidkit.evaluation.bootstrap import Drawings
from vidkit.evaluation.errors_by_type import ERROR_TYPES, SPECIAL_TYPES, decompose
from vidkit.evaluation.evaluate import evaluate
from vidkit.evaluation.intervals import FEW_A_CLASS, missing
from vidkit.evaluation.motion_iou import motion_iou
from vidkit.evaluation.protocols import PROTOCOLS, Protocol
from vidkit.evaluation.result import Bootstrap
from vidkit.predictions.table import Predictions

SIZE = 8
RANGES = {"all": None, "slow": (0.9, 1.0), "medium": (0.7, 0.9), "fast": (0.0, 0.7)}


@pytest.mark.parametrize("protocol", ["fgfa", "voc", "mega"])
@pytest.mark.parametrize("block", range(4))
def test_each_type_equals_its_loop_in_each_range_of_motion(block: int, protocol: str) -> None:
    for seed in range(block * SIZE, (block + 1) * SIZE):
        index, predictions = case(seed)
        report = decompose(index, predictions, protocol, by="motion", fp_rule="mega" if protocol == "mega" else "fgfa")
        for name, motion in RANGES.items():
            ap, count = oracles_video.tide(index, predictions, protocol, motion)
            groups = [report.group("motion", name), *([report.overall] if name == "all" else [])]
            for group in groups:
                message = f"case {seed}, {name}"
                np.testing.assert_allclose(group.ap, ap[""], rtol=0, atol=1e-12, err_msg=message)
                for kind in (*ERROR_TYPES, *SPECIAL_TYPES):
                    wanted = np.array(ap[kind]) - np.array(ap[""])
                    np.testing.assert_allclose(
                        group.delta_by_class[kind], wanted, rtol=0, atol=1e-12, err_msg=f"{message}, {kind}"
                    )
                for kind in ERROR_TYPES:
                    np.testing.assert_allclose(
                        group.count[kind], count[kind], rtol=0, atol=1e-9, err_msg=f"{message}, {kind}"
                    )


@pytest.mark.parametrize("protocol", list(PROTOCOLS))
def test_ap_is_that_of_evaluate_and_no_type_costs_less_than_nothing(protocol: str) -> None:
    for seed in range(12):
        index, predictions = case(seed) if seed % 2 else crowd(seed)
        report = decompose(index, predictions, protocol, by=["motion", "area", "video x motion"])
        lowest = evaluate(index, predictions, only_lowest(protocol), by=["motion", "area", "video x motion"])
        for mine, theirs in zip((report.overall, *report.groups), (lowest.overall, *lowest.groups), strict=True):
            assert (mine.by, mine.name) == (theirs.by, theirs.name)
            np.testing.assert_array_equal(mine.ap, theirs.ap)
            np.testing.assert_array_equal(mine.mean_ap, theirs.mean_ap)
            assert all(np.nanmin([0, *mine.delta_by_class[kind]]) > -1e-12 for kind in mine.delta)


def only_lowest(protocol: str) -> Protocol:
    rules = PROTOCOLS[protocol]
    return replace(rules, iou_thresholds=rules.iou_thresholds[:1])


def test_a_frame_with_one_error_of_each_type() -> None:
    a, b, far = (0, 0, 99, 99), (200, 0, 299, 99), (500, 300, 599, 399)
    frame = {
        "gt": [(a, 0, 1.0), (b, 0, 1.0), ((0, 200, 99, 299), 0, 1.0), ((200, 200, 299, 299), 0, 1.0)],
        "det": [
            (a, 0, 0.9),
            ((0, 0, 99, 94), 0, 0.8),  # IoU 0.95 with what is found: duplicate
            ((200, 0, 299, 39), 0, 0.7),  # IoU 0.4: localisation
            ((0, 200, 99, 299), 1, 0.6),  # classification
            ((200, 200, 299, 239), 1, 0.5),  # both
            (far, 1, 0.4),  # background
        ],
        "size": (640, 480),
    }
    index, predictions = index_and_predictions([frame], 2)
    report = decompose(index, predictions, "voc")
    overall = report.overall
    assert {kind: int(count.sum()) for kind, count in overall.count.items()} == dict.fromkeys(ERROR_TYPES, 1)
    assert overall.mean_ap == 0.25  # one of four, without a false positive above it; class1 has no ground truth
    assert overall.delta["classification"] == pytest.approx(0.25 * 2 / 4)  # found fourth: TP, FP, FP, TP
    assert overall.delta["localisation"] == pytest.approx(0.25 * 2 / 3)
    assert overall.delta["both"] == overall.delta["duplicate"] == overall.delta["background"] == 0
    assert overall.delta["missed"] == pytest.approx(1 / 3 - 1 / 4)
    assert overall.delta["false positives"] == 0
    assert overall.delta["false negatives"] == 0.75
    frame = report.to_frame()
    assert len(frame) == 3 * 8 and frame.loc[frame["class"] == "", "delta_ap"].tolist() == list(overall.delta.values())
    told = report.to_json()
    assert told["delta_ap"]["missed"] == overall.delta["missed"] and told["groups"] == []


def test_without_predictions_all_is_missed_and_without_truth_all_is_background() -> None:
    index, predictions = make_index(), make_predictions(make_index())
    silent = replace(
        predictions,
        detection_start=np.zeros(index.n_frames + 1, np.int64),
        box=np.zeros((0, 4), np.float32),
        score=np.zeros(0, np.float32),
        class_id=np.zeros(0, np.int16),
    )
    report = decompose(index, silent, by="motion")
    assert report.overall.count["missed"].sum() == index.n_instances and report.overall.mean_ap == 0
    assert np.isnan(report.overall.delta["missed"])  # nothing is left to be measured
    empty = make_index(tracks=0)
    report = decompose(empty, replace(predictions, index_fingerprint=""))
    assert report.overall.count["background"].sum() == predictions.n_detections
    assert np.isnan(report.overall.mean_ap) and np.isnan(report.overall.delta["background"])


def test_an_index_without_frames_has_no_errors() -> None:
    index = make_index(videos=1, frames=0)
    report = decompose(index, make_predictions_of_none())
    assert all(count.sum() == 0 for count in report.overall.count.values())


def make_predictions_of_none() -> Predictions:
    return Predictions(np.zeros(1, np.int64), np.zeros((0, 4)), np.zeros(0), np.zeros(0, np.int16))


def test_a_background_above_the_foreground_is_refused() -> None:
    index = make_index()
    with pytest.raises(ValueError, match=r"background 0\.6, foreground 0\.5"):
        decompose(index, make_predictions(index), background=0.6)
    assert decompose(index, make_predictions(index), foreground=0.75).foreground == 0.75


def test_a_group_that_is_not_there_is_told() -> None:
    index = make_index()
    report = decompose(index, make_predictions(index), by="motion")
    with pytest.raises(ValueError, match="motion=fast"):
        report.group("motion", "furious")


@pytest.mark.parametrize("protocol", ["fgfa", "coco", "voc"])
def test_intervals_of_costs_are_those_of_decompositions_of_the_drawn_videos(protocol: str) -> None:
    index = make_index(4, videos=7, frames=6, tracks=3, classes=2)
    index = replace(index, motion_iou=motion_iou(index))
    predictions = make_predictions(index)
    scores = np.random.default_rng(0).permutation(predictions.n_detections) / predictions.n_detections
    predictions = replace(predictions, score=scores, index_fingerprint="")
    report = decompose(index, predictions, protocol, by="motion", ci=12, seed=2)
    drawn = Drawings.of(7, Bootstrap(12, 2)).counts
    each = [decompose(*drawn_videos(index, predictions, counts), protocol, by="motion") for counts in drawn.T]
    for g, group in enumerate((report.overall, *report.groups)):
        others = [(one.overall, *one.groups)[g] for one in each]
        mine = in_group(index.motion_iou, group.name)
        video = index.frame_video[index.instance_frame]
        n = len(np.unique(video[mine]))
        n_by_class = [len(np.unique(video[mine & (index.class_id == c)])) for c in range(2)]
        for kind in (*ERROR_TYPES, *SPECIAL_TYPES):
            values = [other.delta[kind] for other in others]
            low, high = share_interval(group.delta[kind], values[:12], values[12:], n)
            wanted = None if np.isnan(low) else pytest.approx((low, high), abs=1e-9)
            assert group.interval[kind] == wanted, (group.name, kind)
            few = sum(n_by_class) < 5 * sum(n > 0 for n in n_by_class)
            told = "" if np.isnan(group.delta[kind]) else missing(n) if wanted is None else FEW_A_CLASS * few
            assert group.note[kind] == told


def in_group(motion: np.ndarray | None, name: str) -> np.ndarray:
    assert motion is not None
    low, high = RANGES[name] or (-1.0, 1.0)
    return (motion >= low) & (motion <= high)
