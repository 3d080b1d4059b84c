"""Every protocol equals its plain loop on hundreds of small random cases."""

import math
from dataclasses import replace

import numpy as np
import pytest

from tests.evaluation import oracles
from tests.evaluation.cases import case, crowd
from tests.evaluation.tables_of_frames import index_and_predictions
from vidkit.evaluation.evaluate import evaluate
from vidkit.evaluation.protocols import COCO

BLOCKS = range(8)
SIZE = 40
RANGES = {"all": (0.0, 1.0), "slow": (0.9, 1.0), "medium": (0.7, 0.9), "fast": (0.0, 0.7)}
AREAS = {"all": (0.0, 1e10), "small": (0.0, 100.0), "medium": (100.0, 400.0), "large": (400.0, 1e10)}


def seeds(block: int) -> range:
    return range(block * SIZE, (block + 1) * SIZE)


def assert_same(found: object, wanted: object, seed: int, what: str) -> None:
    np.testing.assert_allclose(
        np.asarray(found, float), np.asarray(wanted, float), rtol=0, atol=1e-12, err_msg=f"case {seed}, {what}"
    )


@pytest.mark.parametrize("block", BLOCKS)
def test_ilsvrc_equals_its_loop(block: int) -> None:
    for seed in seeds(block):
        index, predictions = case(seed)
        ap, mean = oracles.ilsvrc(oracles.frames_of(index, predictions), index.n_classes)
        result = evaluate(index, predictions, "ilsvrc")
        assert_same(result.overall.ap, ap, seed, "ap")
        assert_same(result.mean_ap, mean, seed, "map")


@pytest.mark.parametrize("block", BLOCKS)
def test_voc_equals_its_loop(block: int) -> None:
    for seed in seeds(block):
        index, predictions = case(seed)
        ap, mean = oracles.ilsvrc(oracles.frames_of(index, predictions), index.n_classes, voc=True)
        result = evaluate(index, predictions, "voc")
        assert_same(result.overall.ap, ap, seed, "ap")
        assert_same(result.mean_ap, mean, seed, "map")


@pytest.mark.parametrize("rule", ["fgfa", "all", "none"])
@pytest.mark.parametrize("block", BLOCKS)
def test_fgfa_equals_its_loop_in_each_range_of_motion_and_area(block: int, rule: str) -> None:
    for seed in seeds(block):
        index, predictions = case(seed)
        frames = oracles.frames_of(index, predictions, index.motion_iou)
        result = evaluate(
            index, predictions, "fgfa", by=["motion", "motion x area"], bins={"area": (100, 400)}, fp_rule=rule
        )
        for name, motion in RANGES.items():
            ap = oracles.fgfa(frames, index.n_classes, motion, rule=rule, everything=name == "all")
            assert_same(result.group("motion", name).ap, ap, seed, name)
            for size, area in AREAS.items():
                ap = oracles.fgfa(frames, index.n_classes, motion, area, rule, name == "all")
                assert_same(result.group("motion x area", f"{name}/{size}").ap, ap, seed, f"{name}/{size}")


@pytest.mark.parametrize("block", BLOCKS)
def test_mega_equals_its_loop_in_each_range_of_motion(block: int) -> None:
    for seed in seeds(block):
        index, predictions = case(seed)
        frames = oracles.frames_of(index, predictions, index.motion_iou)
        result = evaluate(index, predictions, "mega", by="motion")
        for name, motion in RANGES.items():
            assert_same(result.group("motion", name).ap, oracles.mega(frames, index.n_classes, motion), seed, name)


@pytest.mark.parametrize(("protocol", "limits"), [("coco", (1, 10, 100)), ("coco-mmdet", (100, 300, 1000))])
@pytest.mark.parametrize("block", range(4))
def test_coco_equals_pycocotools(block: int, protocol: str, limits: tuple[int, ...]) -> None:
    for seed in seeds(block):
        index, predictions = case(seed)
        if index.n_instances == 0 or predictions.n_detections == 0:
            continue  # pycocotools raises
        frames = oracles.frames_of(index, predictions)
        ap, stats = oracles.pycocotools(frames, index.n_classes, limits)
        result = evaluate(index, predictions, protocol)
        assert_same(result.overall.ap, ap, seed, "ap")
        assert_same(list(result.stats.values()), stats, seed, ", ".join(result.stats))


@pytest.mark.parametrize("block", range(3))
def test_coco_equals_pycocotools_where_objects_of_one_class_crowd(block: int) -> None:
    for seed in seeds(block):
        index, predictions = crowd(seed)
        ap, stats = oracles.pycocotools(oracles.frames_of(index, predictions), 1, (1, 10, 100))
        result = evaluate(index, predictions, "coco")
        assert_same(result.overall.ap, ap, seed, "ap")
        assert_same(list(result.stats.values()), stats, seed, ", ".join(result.stats))


def test_coco_of_boxes_that_were_xywh_is_pycocotools_on_these() -> None:
    for seed in range(SIZE):
        index, predictions = case(seed, regular=True)
        if index.n_instances and predictions.n_detections:
            frames = oracles.frames_of(index, predictions)
            for frame in frames:  # pycocotools' loop takes x2 - x1 for the width
                frame["gt"] = [((*b[:2], b[2] + 1, b[3] + 1), c, m) for b, c, m in frame["gt"]]
                frame["det"] = [((*b[:2], b[2] + 1, b[3] + 1), c, s) for b, c, s in frame["det"]]
            ap, stats = oracles.pycocotools(frames, index.n_classes, (1, 10, 100))
            result = evaluate(index, predictions, "coco-xywh")
            assert_same(result.overall.ap, ap, seed, "ap")
            assert_same(list(result.stats.values()), stats, seed, ", ".join(result.stats))


def test_a_side_of_0_stays_0_where_corners_are_fractions() -> None:
    flat = (-1.0, 1.8, 1.3, 1.8)
    frame = {
        "gt": [(flat, 0, 1.0), ((10.1, 10.3, 30.2, 40.7), 0, 1.0)],
        "det": [((10.1, 10.3, 30.2, 40.7), 0, 0.5), (flat, 0, 0.9)],
        "size": (64, 48),
    }
    ap, stats = oracles.pycocotools([frame], 1, (1, 10, 100))
    result = evaluate(*index_and_predictions([frame], 1), "coco", by="area")
    assert result.overall.n_gt.tolist() == [2]
    assert_same(result.overall.ap, ap, 0, "ap")
    assert_same(list(result.stats.values()), stats, 0, ", ".join(result.stats))


def test_coco_counts_only_so_many_detections_of_a_class_in_a_frame() -> None:
    rng = np.random.default_rng(0)
    frames = [
        {
            "gt": [((10.0 * k, 10.0, 10.0 * k + 8, 30.0), 0, 1.0) for k in range(12)],
            "det": [
                ((10.0 * (k % 12) + rng.integers(0, 3), 10.0, 10.0 * (k % 12) + 8, 30.0), 0, float(rng.random()))
                for k in range(60)
            ],
            "size": (200, 100),
        }
        for _ in range(3)
    ]
    index, predictions = index_and_predictions(frames, 1)
    for limits in ((1, 10, 100), (1, 5, 20), (2, 4, 100)):
        _, stats = oracles.pycocotools(frames, 1, limits)
        result = evaluate(index, predictions, replace(COCO, max_detections=limits))
        assert_same(list(result.stats.values()), stats, 0, str(limits))
        assert math.isnan(result.stats["APs"]) == math.isnan(stats[3])
