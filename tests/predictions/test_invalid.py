"""What is wrong with detections is counted, and refused, dropped or kept as the option says."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from tests.makers import make_index, make_predictions
from vidkit.boxes import from_inclusive
from vidkit.data.index import Index
from vidkit.errors import PredictionError
from vidkit.predictions import Predictions, ReadOptions, read, read_with_report
from vidkit.predictions.predictions_file import write_predictions

INDEX = make_index(videos=2, frames=10)
GOOD = "3 1 0.5 10 20 30 40"
BAD = {
    "box not finite": "3 1 0.5 nan 20 30 40",
    "score not finite": "3 1 -inf 10 20 30 40",
    "negative size": "3 1 0.5 30 20 10 40",
    "unknown class": "3 9 0.5 10 20 30 40",
    "frame not in the index": "21 1 0.5 10 20 30 40",
    "duplicate": GOOD,
}


def _file(path: Path, *lines: str) -> Path:
    path.write_text("\n".join((GOOD, *lines, "4 2 0.25 10 20 30 40")) + "\n")
    return path


@pytest.mark.parametrize("kind", BAD)
def test_each_fault_is_refused_by_default_and_dropped_when_told(tmp_path: Path, kind: str) -> None:
    path = _file(tmp_path / "p", BAD[kind], BAD[kind])
    with pytest.raises(PredictionError, match=rf"invalid detections: .*2 x {kind}.*--invalid drop"):
        read(path, INDEX)
    predictions, report = read_with_report(path, INDEX, ReadOptions(invalid="drop"))
    assert predictions.n_detections == 2
    assert predictions.detection_frame.tolist() == [2, 3]
    assert predictions.fingerprint == read(_file(tmp_path / "q"), INDEX).fingerprint
    assert report.invalid[kind] == 2
    assert (report.n_in_file, report.n_detections) == (4, 2)


def test_several_faults_are_counted_each(tmp_path: Path) -> None:
    with pytest.raises(PredictionError) as caught:
        read(_file(tmp_path / "p", *BAD.values()), INDEX)
    assert all(f"1 x {kind}" in str(caught.value) for kind in BAD)


@pytest.mark.parametrize("kind", BAD)
def test_keep_keeps_what_peers_score_and_refuses_the_rest(tmp_path: Path, kind: str) -> None:
    path = _file(tmp_path / "p", BAD[kind])
    if kind in ("negative size", "duplicate"):
        predictions, report = read_with_report(path, INDEX, ReadOptions(invalid="keep"))
        assert predictions.n_detections == 3
        assert report.invalid[kind] == 1
    else:
        with pytest.raises(PredictionError, match=kind):
            read(path, INDEX, invalid="keep")


def test_boxes_of_no_size_and_beyond_the_frame_are_legal(tmp_path: Path) -> None:
    path = _file(tmp_path / "p", "3 1 0.5 10 20 9 19", "3 1 0.5 10 20 9 40", "3 1 0.5 -50 -50 9000 9000")
    predictions, report = read_with_report(path, INDEX, ReadOptions())
    assert predictions.n_detections == 5
    assert not any(report.invalid.values())


def test_the_order_within_a_frame_is_that_of_the_file(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    ids = rng.integers(1, 21, 500)
    path = tmp_path / "p"
    path.write_text("".join(f"{id} 1 0.5 {k} 0 {k + 3} 9\n" for k, id in enumerate(ids)))
    predictions = read(path, INDEX)
    wanted = np.argsort(ids, kind="stable")
    assert predictions.box[:, 0].tolist() == wanted.tolist()


def test_float64_stays_where_float32_isnt_exact(tmp_path: Path) -> None:
    predictions = read(_file(tmp_path / "p", "5 1 0.1 10.5 20 30 40"), INDEX)
    assert (predictions.box.dtype, predictions.score.dtype) == (np.float32, np.float64)
    assert predictions.score[-1] == 0.1
    text = ["17.01", "30.79", "332.73", "297.38"]
    exact = read(_file(tmp_path / "p", f"5 1 0.5 {' '.join(text)}"), INDEX).box[-1]
    assert exact.tolist() == from_inclusive(np.array([float(x) for x in text])).tolist()


@pytest.mark.parametrize("fault", ["box", "score", "class_id"])
def test_vidkits_own_files_are_checked_too(tmp_path: Path, fault: str) -> None:
    made = make_predictions(INDEX)
    column = getattr(made, fault).copy()
    column[5] = {"box": np.nan, "score": np.inf, "class_id": 99}[fault]
    write_predictions(tmp_path / "p.h5", dataclasses.replace(made, **{fault: column}))
    with pytest.raises(PredictionError, match=r"1 x (box not finite|score not finite|unknown class)"):
        read(tmp_path / "p.h5", INDEX)
    assert read(tmp_path / "p.h5", INDEX, invalid="drop").n_detections == made.n_detections - 1


def test_frames_that_come_twice_are_refused(tmp_path: Path) -> None:
    import pickle

    frame = {"boxes": [[1, 2, 3, 4]], "scores": [1.0], "labels": [0], "video": INDEX.video_name[0], "frame": 3}
    (tmp_path / "p").write_bytes(pickle.dumps([frame, dict(frame, scores=[0.5])]))
    with pytest.raises(PredictionError, match="1 x repeated frame"):
        read(tmp_path / "p", INDEX)
    predictions, report = read_with_report(tmp_path / "p", INDEX, ReadOptions(invalid="drop"))
    assert predictions.score.tolist() == [1.0]  # the first entry of a frame stays
    assert report.invalid["repeated frame"] == 1


def test_labels_that_are_off_by_one_are_doubted(tmp_path: Path) -> None:
    index = make_index(videos=6, frames=40, classes=8)
    rows = [(f + 1, int(index.class_id[i]), index.box[i]) for f in range(index.n_frames) for i in _instances(index, f)]
    lines = [
        f"{id} {c} {0.5 + k / 1e6} {b[0]:g} {b[1]:g} {b[2] - 1:g} {b[3] - 1:g}"
        for k, (id, c, b) in enumerate(rows)
        if c > 0  # from 0, where 1 is the rule
    ]
    (tmp_path / "p").write_text("\n".join(lines) + "\n")
    with pytest.raises(
        PredictionError, match="Say which is right: --classes-from 0, or as it was read first: --classes-from 1"
    ):
        read(tmp_path / "p", index)
    assert read(tmp_path / "p", index, classes_from="0").n_detections == len(lines)


def _instances(index: Index, frame: int) -> range:
    rows = index.instances_of(frame)
    return range(rows.start, rows.stop)


def test_a_report_counts_what_was_read(tmp_path: Path) -> None:
    predictions, report = read_with_report(_file(tmp_path / "p"), INDEX, ReadOptions())
    assert isinstance(predictions, Predictions)
    assert (report.n_frames, report.n_videos, report.n_videos_with_detections) == (20, 2, 1)
    assert (report.n_frames_with_detections, report.classes_seen) == (2, 2)
    assert report.per_frame == {"min": 0, "median": 0, "max": 1, "mean": 0.1}
    assert report.score == {"min": 0.25, "median": 0.375, "max": 0.5}
    assert {name for name, _ in report.rows()} > {"format", "boxes", "scale", "classes", "frames", "scores", "a frame"}
    assert report.to_dict()["boxes"]["how"] == "format"
