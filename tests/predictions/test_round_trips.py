"""What is written in a format is read back the same."""

import dataclasses
import importlib.util
import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.makers import make_classes, make_index, make_predictions
from vidkit.boxes import to_inclusive
from vidkit.classes import ObjectClass
from vidkit.data.index import Index
from vidkit.errors import ChoiceError, PredictionError
from vidkit.predictions import Predictions, ReadOptions, read, read_with_report, write
from vidkit.predictions.formats import WRITTEN

EXACT = ["vidkit", "pkl", "npz", "csv", "fgfa"]
FORMATS = [name for name in WRITTEN if name != "parquet"]
READ_AS = {"mmtrack": "mmdet"}


def _predictions(index: Index, doubles: bool, seed: int = 0) -> Predictions:
    made = make_predictions(index, seed)
    score = np.maximum(made.score, np.float32(0.05))  # a score vector can't tell the class of a score of 0
    if not doubles:
        return dataclasses.replace(made, score=score)
    rng = np.random.default_rng(seed)
    box = made.box.astype(np.float64) + np.sort(rng.random((made.n_detections, 4)), axis=1)
    return dataclasses.replace(made, box=box, score=score.astype(np.float64) / 3)


def _by_class(predictions: Predictions) -> np.ndarray[Any, Any]:
    """Rows by frame and class, within them in order."""
    order = np.lexsort((predictions.class_id, predictions.detection_frame))
    columns = [predictions.detection_frame, predictions.class_id, predictions.score, *predictions.box.T]
    return np.column_stack(columns)[order]


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("doubles", [False, True])
@pytest.mark.parametrize("classes", [make_classes(5), tuple(ObjectClass(f"c{k}", f"c{k}") for k in range(5))])
def test_round_trip(form: str, doubles: bool, classes: tuple[ObjectClass, ...], tmp_path: Path) -> None:
    index = dataclasses.replace(make_index(classes=5), classes=classes)
    predictions = _predictions(index, doubles)
    write(tmp_path / "p", predictions, index, form, full_precision=True)
    again, report = read_with_report(tmp_path / "p", index, ReadOptions())
    assert report.format.value.startswith(READ_AS.get(form, form) + ",")
    if form in EXACT or (not doubles and form in ("mot", "coco")):
        assert np.array_equal(again.box, predictions.box) or form not in ("vidkit", "pkl", "npz", "csv")
    np.testing.assert_allclose(_by_class(again), _by_class(predictions), rtol=0, atol=1e-12 if doubles else 1e-9)
    assert np.array_equal(
        again.score[np.lexsort((again.class_id, again.detection_frame))], _by_class(predictions)[:, 2]
    )
    assert again.index_fingerprint == index.fingerprint
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("kind", ["no detections", "one detection", "no frames"])
def test_round_trip_of_next_to_nothing(form: str, kind: str, tmp_path: Path) -> None:
    index = make_index(videos=0 if kind == "no frames" else 2, classes=5)
    n = int(kind == "one detection")
    start = np.zeros(index.n_frames + 1, np.int64)
    start[5:] = n
    predictions = Predictions(
        start, np.array([[1, 2, 3, 4]], np.float32)[:n], np.ones(n, np.float32), np.ones(n, np.int16)
    )
    write(tmp_path / "p", predictions, index, form)
    options = ReadOptions(format=form if form in ("fgfa", "mot") and not n else None)
    if kind == "no frames" and form in ("repp", "yolov", "mot"):
        with pytest.raises(PredictionError):  # an empty list, stream or folder could be anything
            read(tmp_path / "p", index)
        return
    again, _ = read_with_report(tmp_path / "p", index, options)
    assert np.array_equal(again.detection_start, predictions.detection_start)
    assert np.array_equal(again.box, predictions.box)


def test_fgfa_text_has_four_and_two_decimals_unless_told(tmp_path: Path) -> None:
    index = make_index()
    predictions = _predictions(index, doubles=True)
    write(tmp_path / "p", predictions, index, "fgfa")
    again = read(tmp_path / "p", index)
    assert np.abs(again.box - predictions.box).max() <= 0.005 + 1e-9
    assert np.abs(again.score - predictions.score).max() <= 0.00005 + 1e-9
    cells = (tmp_path / "p").read_text().splitlines()[0].split(" ")
    assert [len(cell.partition(".")[2]) for cell in cells] == [0, 0, 4, 2, 2, 2, 2]


def test_a_run_survives_where_the_format_can_hold_it(tmp_path: Path) -> None:
    index = make_index()
    predictions = dataclasses.replace(
        make_predictions(index), key_distance=np.arange(index.n_frames, dtype=np.int32) % 3
    )
    write(tmp_path / "p", predictions, index)
    again = read(tmp_path / "p", index)
    assert again.key_distance is not None
    assert again.fingerprint == predictions.fingerprint


def test_plain_pickles_hold_what_their_tools_read(tmp_path: Path) -> None:
    index = make_index(classes=4)
    predictions = _predictions(index, doubles=False)
    write(tmp_path / "p", predictions, index, "mmtrack")
    boxes = pickle.loads((tmp_path / "p").read_bytes())["det_bboxes"]
    assert len(boxes) == index.n_frames
    assert {len(frame) for frame in boxes} == {4}
    of_frame = predictions.of_frame(5)
    for c in range(4):
        chosen = of_frame.class_ids == c
        wanted = np.column_stack([to_inclusive(of_frame.boxes[chosen].astype(float)), of_frame.scores[chosen]])
        np.testing.assert_allclose(boxes[5][c], wanted, rtol=0, atol=1e-12)
    write(tmp_path / "r", predictions, index, "repp")
    with (tmp_path / "r").open("rb") as file:
        video, frames = pickle.load(file)
    assert video == index.video_name[0]
    detection = frames["000005"][0]
    assert detection["image_id"] == f"{video}/000005"
    x, y, w, h = detection["bbox"]
    assert detection["bbox_center"] == pytest.approx([(x + w / 2) / 320, (y + h / 2 + 40) / 320])
    assert detection["scores"].argmax() == of_frame.class_ids[0]
    write(tmp_path / "c", predictions, index, "coco")
    found = json.loads((tmp_path / "c").read_text())[0]
    assert found["image_id"] == 1
    assert found["category_id"] == predictions.class_id[0] + 1


def test_torch_reads_what_is_written_for_mega(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch")
    import sys
    import types

    module = types.ModuleType("mega_core.structures.bounding_box")
    module.BoxList = type("BoxList", (), {"__module__": module.__name__})  # type: ignore[attr-defined]
    for name in ("mega_core", "mega_core.structures", module.__name__):
        monkeypatch.setitem(sys.modules, name, module)
    index = make_index()
    predictions = _predictions(index, doubles=False)
    write(tmp_path / "p.pth", predictions, index, "mega")
    lists = torch.load(tmp_path / "p.pth", weights_only=False)
    assert len(lists) == index.n_frames
    of_frame = predictions.of_frame(7)
    assert lists[7].size == (320, 240)
    assert lists[7].mode == "xyxy"
    np.testing.assert_allclose(lists[7].bbox.numpy(), to_inclusive(of_frame.boxes.astype(float)), atol=1e-9)
    assert lists[7].extra_fields["labels"].tolist() == (of_frame.class_ids + 1).tolist()
    assert lists[7].extra_fields["scores"].numpy().tolist() == of_frame.scores.tolist()


def test_a_score_of_zero_cant_be_a_score_vector(tmp_path: Path) -> None:
    index = make_index()
    with pytest.raises(PredictionError, match="score 0"):
        write(tmp_path / "p", make_predictions(index), index, "repp")
    assert not list(tmp_path.iterdir())


def test_mot_text_is_a_new_folder_of_videos(tmp_path: Path) -> None:
    index = make_index()
    write(tmp_path / "p", make_predictions(index), index, "mot")
    assert sorted(file.stem for file in (tmp_path / "p").iterdir()) == sorted(index.video_name)
    write(tmp_path / "p", make_predictions(index), index, "mot")  # as after a kill at the very end
    with pytest.raises(PredictionError, match="there already"):
        write(tmp_path / "p", make_predictions(index, seed=1), index, "mot")
    clash = dataclasses.replace(index, video_name=("a/x", "b/x", "c"))
    with pytest.raises(PredictionError, match="one file"):
        write(tmp_path / "q", make_predictions(index), clash, "mot")
    assert [file.name for file in tmp_path.iterdir()] == ["p"]


def test_an_unknown_format_is_answered_with_the_known_ones(tmp_path: Path) -> None:
    index = make_index()
    with pytest.raises(ChoiceError, match=r"did you mean 'coco'.*vidkit, pkl"):
        write(tmp_path / "p", make_predictions(index), index, "cocoo")


@pytest.mark.skipif(importlib.util.find_spec("pyarrow") is None, reason="needs pyarrow")
def test_parquet_round_trip(tmp_path: Path) -> None:
    index = make_index()
    predictions = make_predictions(index)
    write(tmp_path / "p", predictions, index, "parquet")
    again = read(tmp_path / "p", index)
    assert again.fingerprint == predictions.fingerprint


@pytest.mark.skipif(importlib.util.find_spec("pyarrow") is not None, reason="pyarrow is there")
def test_parquet_without_pyarrow_says_what_is_missing(tmp_path: Path) -> None:
    index = make_index()
    with pytest.raises(PredictionError, match="pip install pyarrow"):
        write(tmp_path / "p", make_predictions(index), index, "parquet")
    (tmp_path / "q").write_bytes(b"PAR1....PAR1")
    with pytest.raises(PredictionError, match="pip install pyarrow"):
        read(tmp_path / "q", index)
