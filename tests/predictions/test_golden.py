"""Files in the layouts of the field's tools, with the values that the tools give for them; needs --shared."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vidkit.boxes import from_inclusive
from vidkit.classes import VID_CLASSES
from vidkit.data.index import Index
from vidkit.evaluation.evaluate import evaluate
from vidkit.predictions import Predictions, read

CASE = "s02_scores_4dec_ties"
FILES = {  # how far boxes and scores may be from the numbers that the file was made of, after rounding to its precision
    "fgfa_det_all.txt": (0, 0),
    "repp_imdb.txt": (1e-12, 0),
    "fgfa_raw_allboxes.pkl": (6.2e-5, 3e-8),
    "mega_predictions.pth": (1.3e-4, 3e-8),
    "mmtrack0_results.pkl": (6.2e-5, 3e-8),
    "coco_results.json": (1e-12, 0),
    "yolov_refined_pred.json": (1e-12, 0),
    "repp.pckl": (1e-12, 0),
    "yolov_heavy.pkl": (1e-12, 3e-8),
}


@pytest.fixture(scope="module")
def golden(shared_data: Path) -> Path:
    return shared_data / "golden" / "eval"


@pytest.fixture(scope="module")
def case(golden: Path) -> dict[str, Any]:
    with np.load(golden / f"{CASE}.npz") as file:
        return dict(file)


@pytest.fixture(scope="module")
def index(case: dict[str, Any]) -> Index:
    start = np.concatenate([[0], np.cumsum(case["video_nframes"])]).astype(np.int64)
    frame = start[case["gt_video"]] + case["gt_frame"]
    order = np.argsort(frame, kind="stable")
    return Index(
        dataset="ILSVRC2015",
        split="val",
        classes=VID_CLASSES,
        video_name=tuple(case["video_name"].tolist()),
        video_size=case["video_size"].astype(np.int32),
        frame_start=start,
        frame_number=np.concatenate([np.arange(n, dtype=np.int32) for n in case["video_nframes"]]),
        instance_start=np.searchsorted(frame[order], np.arange(start[-1] + 1)).astype(np.int64),
        box=from_inclusive(case["gt_box"][order]),
        class_id=(case["gt_class"][order] - 1).astype(np.int16),
        track_id=case["gt_track"][order].astype(np.int32),
        occluded=case["gt_occluded"][order].astype(bool),
        generated=case["gt_generated"][order].astype(bool),
        motion_iou=case["gt_motion_iou"][order],
    )


def _read(golden: Path, name: str, index: Index) -> Predictions:
    return read(golden / "formats" / f"{CASE}.{name}", index)


@pytest.mark.parametrize("name", FILES)
def test_each_file_has_the_detections_that_it_was_made_of(
    golden: Path, case: dict[str, Any], index: Index, name: str
) -> None:
    predictions = _read(golden, name, index)
    frame = index.frame_start[case["det_video"]] + case["det_frame"]
    order = np.argsort(frame, kind="stable")
    boxes, scores = FILES[name]
    assert np.array_equal(predictions.detection_frame, frame[order])
    assert np.array_equal(predictions.class_id, case["det_class"][order] - 1)
    np.testing.assert_allclose(predictions.box, from_inclusive(case["det_box"][order]), rtol=0, atol=boxes)
    np.testing.assert_allclose(predictions.score, case["det_score"][order], rtol=0, atol=scores)


@pytest.mark.parametrize("listed", ["VID_val_videos.txt", "VID_val_frames.txt"])
def test_the_lists_of_the_tools_fit(golden: Path, index: Index, listed: str) -> None:
    formats = golden / "formats"
    for name in ("mmtrack0_results.pkl", "fgfa_det_all.txt", "mega_predictions.pth", "yolov_refined_pred.json"):
        with_list = read(formats / f"{CASE}.{name}", index, frame_list=formats / f"{CASE}.{listed}")
        assert with_list.fingerprint == _read(golden, name, index).fingerprint


def test_the_ground_truth_maps_image_ids(golden: Path, index: Index) -> None:
    truth = golden / "formats" / f"{CASE}.coco_gt_mmtracking_style.json"
    mapped = read(golden / "formats" / f"{CASE}.coco_results.json", index, image_ids=truth)
    assert mapped.fingerprint == _read(golden, "coco_results.json", index).fingerprint


@pytest.mark.parametrize("suffix", ["npz", "det.csv"])
def test_tables_of_named_columns_are_read(golden: Path, index: Index, suffix: str) -> None:
    table = read(golden / f"{CASE}.{suffix}", index)
    assert table.fingerprint == _read(golden, "fgfa_det_all.txt", index).fingerprint


@pytest.mark.parametrize(
    ("name", "protocol", "key"),
    [
        ("fgfa_det_all.txt", "fgfa", "fgfa_motion"),
        ("repp_imdb.txt", "fgfa", "fgfa_motion"),
        ("mega_predictions.pth", "mega", "mega_motion_specific_True"),
    ],
)
def test_motion_map_is_what_the_tools_give(golden: Path, index: Index, name: str, protocol: str, key: str) -> None:
    expected = json.loads((golden / "formats" / f"{CASE}.expected.json").read_text())[name][key]
    result = evaluate(index, _read(golden, name, index), protocol, by="motion")
    assert result.mean_ap == pytest.approx(expected["all"], abs=1e-9)
    for group in ("fast", "medium", "slow"):
        assert result.group("motion", group).mean_ap == pytest.approx(expected[group], abs=1e-9)


@pytest.mark.parametrize(("name", "protocol"), [("coco_results.json", "coco"), ("mmtrack0_results.pkl", "coco-mmdet")])
def test_coco_ap_is_what_pycocotools_gives(golden: Path, index: Index, name: str, protocol: str) -> None:
    expected = json.loads((golden / "formats" / f"{CASE}.expected.json").read_text())[name]
    expected = expected.get("maxdets_100_300_1000", expected)
    result = evaluate(index, _read(golden, name, index), protocol)
    assert result.mean_ap == pytest.approx(expected["AP"], abs=1e-9)
    assert result.stats["AP50"] == pytest.approx(expected["AP50"], abs=1e-9)
    assert result.stats["AP75"] == pytest.approx(expected["AP75"], abs=1e-9)
