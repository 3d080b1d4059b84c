"""Formats as their tools write them: told by content, read by their rules; what can't be told is asked for."""

import dataclasses
import json
import pickle
import sys
import types
import zipfile
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.makers import make_index
from vidkit import npz_arrays
from vidkit.classes import ObjectClass
from vidkit.data.index import Index
from vidkit.errors import FormatError, PredictionError
from vidkit.predictions import ReadOptions, open_predictions, read, read_with_report
from vidkit.predictions.formats import FORMATS, READ, WRITTEN, format_named

INDEX = make_index(videos=2, frames=3, classes=4)
DETECTION = (10.5, 20.0, 30.25, 40.0)


def _save(path: Path, content: object, protocol: int = 2) -> Path:
    path.write_bytes(pickle.dumps(content, protocol))
    return path


def _frames(n: int = 6) -> list[dict[str, Any]]:
    return [
        {"boxes": np.array([DETECTION]), "scores": np.array([0.5]), "class_ids": np.array([k % 4])} for k in range(n)
    ]


# -- the table ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FORMATS)
def test_a_row_of_the_table_says_what_its_module_declares(name: str) -> None:
    form = format_named(name)
    assert (form.reader is not None, form.write is not None) == (name in READ, name in WRITTEN)


def test_all_that_is_declared_is_in_the_table() -> None:
    modules = {row.module for row in FORMATS.values()}
    declared = [(m, name) for m in modules for name in import_module(f"vidkit.predictions.formats.{m}").FORMATS]
    assert sorted(declared) == sorted((row.module, name) for name, row in FORMATS.items())


# -- vidkit pkl --------------------------------------------------------------------------------------------------------


def test_vidkit_pkl_is_a_list_over_frames(tmp_path: Path) -> None:
    predictions, report = read_with_report(_save(tmp_path / "p.pkl", _frames()), INDEX, ReadOptions())
    assert predictions.box[0].tolist() == list(DETECTION)
    assert predictions.class_id.tolist() == [0, 1, 2, 3, 0, 1]
    assert report.format.value.startswith("pkl,")
    assert report.boxes.value.startswith("x1 y1 x2 y2, x2 and y2 exclusive")


def test_vidkit_pkl_may_hold_lists_labels_and_nothing(tmp_path: Path) -> None:
    frames: list[dict[str, Any]] = [{"boxes": [], "scores": [], "labels": []} for _ in range(6)]
    frames[4] = {"boxes": [DETECTION, DETECTION], "scores": [0.5, 1], "labels": [1, 2]}
    predictions = read(_save(tmp_path / "p.pkl", frames), INDEX)
    assert np.diff(predictions.detection_start).tolist() == [0, 0, 0, 0, 2, 0]


def test_vidkit_pkl_may_name_frames_in_any_order(tmp_path: Path) -> None:
    frames = [dict(frame, video=INDEX.video_name[1 - k // 3], frame=k % 3) for k, frame in enumerate(_frames())]
    predictions = read(_save(tmp_path / "p.pkl", frames[:5]), INDEX)
    assert predictions.class_id.tolist() == [3, 0, 0, 1, 2]
    assert np.diff(predictions.detection_start).tolist() == [1, 1, 0, 1, 1, 1]


def test_vidkit_pkl_may_state_its_index(tmp_path: Path) -> None:
    content = {"format": "vidkit-predictions", "version": 1, "index_fingerprint": "other", "frames": _frames()}
    path = _save(tmp_path / "p.pkl", content)
    assert open_predictions(path).index_fingerprint == "other"
    assert open_predictions(path).n_frames == 6
    with pytest.raises(PredictionError, match="made for the index other"):
        read(path, INDEX)
    assert read(path, INDEX, any_index=True).n_detections == 6
    with pytest.raises(PredictionError, match="version 2"):
        read(_save(path, dict(content, version=2)), INDEX)


@pytest.mark.parametrize(
    "wrong",
    [
        {"boxes": np.zeros((2, 4))},
        {"boxes": np.zeros((1, 5))},
        {"scores": np.array(["a"])},
        {"class_ids": np.array([0.5])},
        {"boxes": "abc"},
        {"boxes": [[1, 2, 3, "x"]]},
        {"boxes": [[1, 2], [3]]},
        {"boxes": None},
    ],
)
def test_vidkit_pkl_names_the_frame_that_is_wrong(tmp_path: Path, wrong: dict[str, Any]) -> None:
    frames = _frames()
    frames[3] |= wrong
    with pytest.raises(PredictionError, match="frame 3"):
        read(_save(tmp_path / "p.pkl", frames), INDEX)


def test_a_list_that_holds_itself_is_refused(tmp_path: Path) -> None:
    boxes: list[Any] = []
    boxes.append(boxes)
    with pytest.raises(PredictionError, match="numbers"):
        read(_save(tmp_path / "p.pkl", [{"boxes": boxes, "scores": [1.0], "labels": [0]}] * 6), INDEX)


def test_one_array_repeated_a_million_times_is_refused(tmp_path: Path) -> None:
    big = {"boxes": np.zeros((1000, 4), "f4"), "scores": np.zeros(1000, "f4"), "labels": np.zeros(1000, np.int8)}
    path = _save(tmp_path / "p.pkl", [big] * 11_000)
    assert path.stat().st_size < 1_000_000
    with pytest.raises(PredictionError, match=r"11000000 detections in a file of .* repeated"):
        read(path, INDEX)


# -- mmdet and mmtracking ----------------------------------------------------------------------------------------------


def _per_class(n_frames: int = 6, n_classes: int = 4) -> list[list[Any]]:
    row = np.array([[*DETECTION, 0.5]], np.float32)
    return [[row if c == f % n_classes else row[:0] for c in range(n_classes)] for f in range(n_frames)]


@pytest.mark.parametrize("wrap", [lambda x: x, lambda x: {"det_bboxes": x}, lambda x: [(frame, []) for frame in x]])
def test_mmdet_is_read_in_the_numbers_of_the_annotation(tmp_path: Path, wrap: Any) -> None:
    path = _save(tmp_path / "p.pkl", wrap(_per_class()))
    predictions, report = read_with_report(path, INDEX, ReadOptions())
    assert predictions.box[0].tolist() == [10.5, 20, 31.25, 41]  # inclusive, as ILSVRC's XML
    assert predictions.class_id.tolist() == [0, 1, 2, 3, 0, 1]
    assert report.boxes.how == "guessed"
    coco = dataclasses.replace(INDEX, classes=tuple(ObjectClass(c.name, c.name) for c in INDEX.classes))
    assert read(path, coco).box[0].tolist() == list(DETECTION)  # exclusive, as COCO's annotations
    assert read(path, INDEX, boxes="exclusive").box[0].tolist() == list(DETECTION)


def test_mmtracking_with_tracks_only_says_so(tmp_path: Path) -> None:
    tracks = [[np.array([[7, *DETECTION, 0.5]])] * 4 for _ in range(6)]
    predictions, report = read_with_report(_save(tmp_path / "p.pkl", {"track_bboxes": tracks}), INDEX, ReadOptions())
    assert predictions.n_detections == 24
    assert "track_bboxes" in report.warnings[0]


@pytest.mark.parametrize("as_dict", [True, False])
def test_mmdet_of_today_is_a_dict_a_frame(tmp_path: Path, as_dict: bool) -> None:
    torch = pytest.importorskip("torch")
    frames = []
    for k in range(6):
        instances = {
            "bboxes": torch.tensor([DETECTION]),
            "scores": torch.tensor([0.5]),
            "labels": torch.tensor([k % 4]),
        }
        name = "pred_instances" if as_dict else "pred_det_instances"
        frames.append({name: instances, "img_id": k, "ori_shape": (240, 320)})
    predictions, report = read_with_report(_save(tmp_path / "p.pkl", frames), INDEX, ReadOptions())
    assert report.format.value.startswith("mmdet1,")
    assert predictions.class_id.tolist() == [0, 1, 2, 3, 0, 1]
    for k, frame in enumerate(frames):
        frame["img_path"] = f"data/VID/val/{INDEX.video_name[1 - k // 3]}/{k % 3:06d}.JPEG"
    turned = read(_save(tmp_path / "q.pkl", frames), INDEX)
    assert turned.class_id.tolist() == [3, 0, 1, 0, 1, 2]


def test_more_classes_than_the_index_has_are_asked_for(tmp_path: Path) -> None:
    path = _save(tmp_path / "p.pkl", _per_class(n_classes=6))
    with pytest.raises(PredictionError, match=r"it has 6 classes .* the index has 4.*--classes-from"):
        read(path, INDEX)
    names = tmp_path / "names.txt"
    names.write_text("class3\nclass2\nother\nclass1\nclass0\nclass0\n")
    with pytest.raises(PredictionError, match=r"1 x unknown class; 1 class names aren't in the index: other"):
        read(path, INDEX, classes_from=str(names))
    dropped = read(path, INDEX, classes_from=str(names), invalid="drop")
    assert dropped.class_id.tolist() == [3, 2, 1, 0, 0]


def test_lists_of_lists_that_could_be_two_things_are_asked_for(tmp_path: Path) -> None:
    nested = [_per_class()[0], _per_class()[1]]
    with pytest.raises(PredictionError, match="2 entries, but the index has 6 frames: as many as there are videos"):
        read(_save(tmp_path / "p.pkl", nested), INDEX)


# -- MEGA --------------------------------------------------------------------------------------------------------------


def _box_list(scale: float = 2.0, aspect: float = 1.0, mode: str = "xyxy", label: int = 1) -> bytes:
    width, height = int(320 * scale * aspect), int(240 * scale)
    state = {
        "bbox": (np.array([DETECTION]) * scale).astype("f4"),
        "size": (width, height),
        "mode": mode,
        "extra_fields": {"labels": np.array([label]), "scores": np.array([0.5], "f4")},
    }
    return b"cmega_core.structures.bounding_box\nBoxList\n)\x81" + pickle.dumps(state, 2)[2:-1] + b"b"


def _mega(path: Path, n: int = 6, **how: Any) -> Path:
    path.write_bytes(b"\x80\x02](" + b"".join(_box_list(**how) for _ in range(n)) + b"e.")
    return path


def test_mega_is_scaled_from_the_network_in_float32(tmp_path: Path) -> None:
    predictions, report = read_with_report(_mega(tmp_path / "p.pth", scale=1.7), INDEX, ReadOptions())
    ratio = np.float32(320 / int(320 * 1.7))
    wanted = (np.array([DETECTION]) * 1.7).astype("f4")[0, 0] * ratio
    assert predictions.box[0, 0] == wanted
    assert predictions.box[0, 2] - 1 == pytest.approx(30.25, abs=1e-4)
    assert predictions.class_id.tolist() == [0] * 6
    assert report.scale.value == "network"
    assert read(_mega(tmp_path / "p.pth", scale=2), INDEX, scale="pixels").box[0, 0] == 21


def test_mega_with_other_shapes_than_the_frames_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PredictionError, match=r"entry 0 has a network input of 960 x 480, its frame is 320 x 240"):
        read(_mega(tmp_path / "p.pth", aspect=1.5), INDEX)
    unknown = dataclasses.replace(INDEX, video_size=np.zeros((2, 2), np.int32))
    with pytest.raises(PredictionError, match="size of each frame"):
        read(_mega(tmp_path / "p.pth"), unknown)


def test_mega_boxes_may_be_widths_and_must_be_known(tmp_path: Path) -> None:
    predictions = read(_mega(tmp_path / "p.pth", scale=1, mode="xywh"), INDEX)
    assert predictions.box[0].tolist() == [10.5, 20, 40.75, 60]
    with pytest.raises(PredictionError, match="mode other"):
        read(_mega(tmp_path / "p.pth", mode="other"), INDEX)


# -- REPP and YOLOV ----------------------------------------------------------------------------------------------------


def _stream(path: Path, index: Index, scores: Any) -> Path:
    detection = {"image_id": "x", "bbox": [10.5, 20.0, 19.75, 20.0], "bbox_center": [0.1, 0.1], "scores": scores}
    videos = [(f"val/{name}", {f"{n:06d}": [detection] * (n == 1) for n in range(3)}) for name in index.video_name]
    path.write_bytes(b"".join(pickle.dumps(video) for video in videos))
    return path


def test_repp_has_a_detection_for_each_score(tmp_path: Path) -> None:
    path = _stream(tmp_path / "p.pckl", INDEX, np.array([0, 0.25, 0, 0.5]))
    predictions, report = read_with_report(path, INDEX, ReadOptions())
    assert report.format.value.startswith("repp,")
    assert predictions.class_id.tolist() == [1, 3, 1, 3]
    assert predictions.box[0].tolist() == [10.5, 20, 31.25, 41]
    assert np.diff(predictions.detection_start).tolist() == [0, 2, 0, 0, 2, 0]
    assert (report.n_frames_covered, report.n_frames_with_detections) == (6, 2)


def test_yolov_multiplies_objectness_and_score(tmp_path: Path) -> None:
    predictions = read(_stream(tmp_path / "p.pkl", INDEX, np.array([0.5, 0.5, 2], "f4")), INDEX)
    assert predictions.score.tolist() == [0.25, 0.25]
    assert predictions.class_id.tolist() == [2, 2]


@pytest.mark.parametrize("label", [np.nan, np.inf, 1e300, -3, 1.5])
def test_a_class_that_is_no_whole_number_is_unknown(tmp_path: Path, label: float) -> None:
    path = _stream(tmp_path / "p.pkl", INDEX, np.array([0.5, 0.5, label]))
    with pytest.raises(PredictionError, match="2 x unknown class"):
        read(path, INDEX, format="yolov")


def test_three_scores_of_three_classes_are_asked_for(tmp_path: Path) -> None:
    three = make_index(videos=2, frames=3, classes=3)
    path = _stream(tmp_path / "p.pkl", three, np.array([0.5, 0.5, 1]))
    with pytest.raises(PredictionError, match=r"REPP.*YOLOV.*--format repp or --format yolov"):
        read(path, three)
    assert read(path, three, format="yolov").n_detections == 2
    assert read(path, three, format="repp").n_detections == 6
    assert read(path, INDEX).n_detections == 2  # four classes: it can't be scores


# -- FGFA --------------------------------------------------------------------------------------------------------------


def test_fgfa_text_is_inclusive_and_counts_from_one(tmp_path: Path) -> None:
    (tmp_path / "p.txt").write_text("6 4 0.5000 10.50 20.00 30.25 40.00\n1 1 0.1 1 2 3 4\n6 1 0.5 1 2 3 4\n")
    predictions = read(tmp_path / "p.txt", INDEX)
    assert predictions.box[1].tolist() == [10.5, 20, 31.25, 41]
    assert predictions.class_id.tolist() == [0, 3, 0]
    assert predictions.detection_frame.tolist() == [0, 5, 5]
    assert predictions.score.dtype == np.float64
    assert predictions.score[0] == 0.1  # every digit is kept


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("1 1 0.5 1 2 3", r"line 2: 6 numbers, wanted 7"),
        ("1 1 0.5 1 2 3 4 5", r"line 2: 8 numbers, wanted 7"),
        ("1 1 0.5 1 2 x 4", r"line 2: x2 is 'x', wanted a number"),
        ("1.5 1 0.5 1 2 3 4", r"line 2: frame is '1.5', wanted a whole number"),
        ("1 cat 0.5 1 2 3 4", r"line 2: class is 'cat'"),
        ("1 1 nan 1 2 3 4", r"1 x score not finite"),
        ("1 1 0.5 1 2 inf 4", r"1 x box not finite"),
        ("1 5 0.5 1 2 3 4", r"1 x unknown class"),
        ("0 1 0.5 1 2 3 4", r"1 x frame not in the index"),
        ("7 1 0.5 1 2 3 4", r"1 x frame not in the index"),
        ("1 1 0.5 9 2 3 4", r"1 x negative size"),
        ("2 1 0.5 1 2 3 4", r"1 x duplicate"),
    ],
)
def test_fgfa_text_that_is_wrong_is_refused_with_the_line_or_the_count(tmp_path: Path, line: str, why: str) -> None:
    (tmp_path / "p.txt").write_text(f"2 1 0.5 1 2 3 4\n{line}\n4 1 0.5 1 2 3 4\n")
    with pytest.raises(PredictionError, match=why):
        read(tmp_path / "p.txt", INDEX)


def test_fgfa_cache_is_read_by_class(tmp_path: Path) -> None:
    boxes: list[Any] = [[[] for _ in range(3)] for _ in range(5)]
    boxes[2][1] = [[*DETECTION, 0.5]]
    boxes[4][0] = np.array([[*DETECTION, 0.25]], "f4")
    predictions, report = read_with_report(_save(tmp_path / "c", (boxes, [6, 2, 1])), INDEX, ReadOptions(partial=True))
    assert predictions.detection_frame.tolist() == [1, 5]
    assert predictions.class_id.tolist() == [1, 3]
    assert report.n_frames_covered == 3
    boxes[0][0] = [[*DETECTION, 0.5]]
    with pytest.raises(PredictionError, match="class 0, the background"):
        read(_save(tmp_path / "c", (boxes, [6, 2, 1])), INDEX)
    boxes[0][0] = []
    boxes[1][2] = [[*DETECTION, 0.75]]
    with pytest.raises(PredictionError, match="1 x repeated frame"):
        read(_save(tmp_path / "c", (boxes, [6, 2, 2])), INDEX)
    assert read(tmp_path / "c", INDEX, invalid="drop").score.tolist() == [0.5, 0.25]


# -- COCO --------------------------------------------------------------------------------------------------------------


def _coco(path: Path, *found: dict[str, Any]) -> Path:
    default = {"image_id": 1, "category_id": 1, "bbox": [10.5, 20.0, 19.75, 20.0], "score": 0.5}
    path.write_text(json.dumps([default | changes for changes in found]))
    return path


def test_coco_ids_are_the_order_of_the_index_or_the_ground_truth(tmp_path: Path) -> None:
    path = _coco(tmp_path / "p.json", {}, {"image_id": 6, "category_id": 4})
    predictions = read(path, INDEX)
    assert predictions.detection_frame.tolist() == [0, 5]
    assert predictions.class_id.tolist() == [0, 3]
    assert predictions.box[0].tolist() == [10.5, 20, 31.25, 41]
    assert read(path, INDEX, boxes="xywh").box[0].tolist() == list(DETECTION)
    truth = {
        "images": [
            {"id": 1, "file_name": f"val/{INDEX.video_name[1]}/000002.JPEG"},
            {"id": 6, "file_name": f"{INDEX.video_name[0]}/1.jpg"},
        ],
        "categories": [{"id": 1, "name": "class2"}, {"id": 4, "name": "n00000001"}],
    }
    (tmp_path / "gt.json").write_text(json.dumps(truth))
    mapped = read(path, INDEX, image_ids=tmp_path / "gt.json")
    assert mapped.detection_frame.tolist() == [1, 5]
    assert mapped.class_id.tolist() == [1, 2]


def test_coco_ids_may_be_names(tmp_path: Path) -> None:
    path = _coco(tmp_path / "p.json", {"image_id": f"val/{INDEX.video_name[1]}/000001", "category_id": 0})
    assert read(path, INDEX).detection_frame.tolist() == [4]


def test_coco_of_yolov_counts_from_zero_and_says_so(tmp_path: Path) -> None:
    path = _coco(tmp_path / "p.json", {"image_id": 0, "category_id": 0, "segmentation": []}, {"category_id": 3})
    predictions, report = read_with_report(path, INDEX, ReadOptions())
    assert predictions.detection_frame.tolist() == [0, 1]
    assert predictions.class_id.tolist() == [0, 3]
    assert "--image-ids" in report.warnings[0]


@pytest.mark.parametrize(
    "text",
    [
        '[{"image_id": 1, "category_id": 1, "bbox": [1, 2, 3], "score": 1}]',
        '[{"image_id": 1, "category_id": 1, "bbox": [1, 2, 3, "4"], "score": "high"}]',
        '[{"image_id": 1, "category_id": 1, "bbox": null, "score": 1}]',
        '[{"image_id": 1.5, "category_id": 1, "bbox": [1, 2, 3, 4], "score": 1}]',
        '[{"image_id": true, "category_id": 1, "bbox": [1, 2, 3, 4], "score": 1}]',
        '[{"category_id": 1, "bbox": [1, 2, 3, 4], "score": 1}]',
        '[{"image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4], "score": 1}',
        '[{"image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4], "sco',
        "[1, 2]",
        "[" * 100_000,
        '{"images": [], "annotations": []}',
        "[{]",
    ],
)
def test_coco_that_is_wrong_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "p.json").write_text(text)
    with pytest.raises(PredictionError, match=r"p\.json: "):
        read(tmp_path / "p.json", INDEX)


# -- MOT ---------------------------------------------------------------------------------------------------------------


def test_mot_counts_frames_and_pixels_from_one(tmp_path: Path) -> None:
    path = tmp_path / f"{INDEX.video_name[1]}.txt"
    path.write_text("1,-1,11.5,21,19.75,20,0.5,2,-1,-1\n3,-1,11.5,21,19.75,20,0.5,4,-1,-1\n")
    predictions = read(path, INDEX)
    assert predictions.box[0].tolist() == list(DETECTION)
    assert predictions.detection_frame.tolist() == [3, 5]
    assert predictions.class_id.tolist() == [1, 3]
    path.rename(tmp_path / "other.txt")
    with pytest.raises(PredictionError, match="2 frames aren't in the index, the first is other frame 1"):
        read(tmp_path / "other.txt", INDEX)
    assert read(tmp_path / "other.txt", INDEX, video=INDEX.video_name[0]).detection_frame.tolist() == [0, 2]


def test_mot_frames_are_the_files_numbers_where_these_count_from_one(tmp_path: Path) -> None:
    index = dataclasses.replace(INDEX, frame_number=INDEX.frame_number + 1)
    path = tmp_path / f"{INDEX.video_name[1]}.txt"
    path.write_text("1,-1,11.5,21,19.75,20,0.5,2\n3,-1,11.5,21,19.75,20,0.5,4\n")
    assert read(path, index).detection_frame.tolist() == [3, 5]


def test_mot_without_classes_needs_one(tmp_path: Path) -> None:
    path = tmp_path / f"{INDEX.video_name[1]}.txt"
    path.write_text("1,-1,11.5,21,19.75,20,0.5\n")
    with pytest.raises(PredictionError, match=r"no classes.*the class that all are of"):
        read(path, INDEX)
    assert read(path, INDEX, classes_from="class2").class_id.tolist() == [2]
    assert read(path, dataclasses.replace(make_index(videos=2, frames=3, classes=1))).class_id.tolist() == [0]


# -- CSV and npz -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "row", "wanted"),
    [
        ("video,frame,class,score,x1,y1,x2,y2", "video_0001,2,class3,0.5,1,2,3.5,4", (5, 3, [1, 2, 4.5, 5])),
        ("Video, Frame, Label, Conf, xmin, ymin, xmax, ymax", "1,2,4,0.5,1,2,3.5,4", (5, 3, [1, 2, 4.5, 5])),
        ("image_id,category_id,score,x,y,width,height", "6,4,0.5,1,2,2.5,2", (5, 3, [1, 2, 4.5, 5])),
        ("file_name,class_name,score,x,y,w,h", "a/video_0001/2.jpg,n00000003,1,1,2,2.5,2", (5, 3, [1, 2, 4.5, 5])),
    ],
)
def test_csv_columns_go_by_many_names(tmp_path: Path, header: str, row: str, wanted: Any) -> None:
    (tmp_path / "p.csv").write_text(f"{header}\n{row}\n")
    predictions = read(tmp_path / "p.csv", INDEX)
    assert (predictions.detection_frame[0], predictions.class_id[0], predictions.box[0].tolist()) == wanted


def test_normalised_boxes_are_known_by_their_size(tmp_path: Path) -> None:
    rows = "".join(f"video_0001,{k % 3},1,0.{k}5,0.1,0.2,0.5,0.9\n" for k in range(4))
    (tmp_path / "p.csv").write_text("video,frame,class,score,x1,y1,x2,y2\n" + rows)
    predictions, report = read_with_report(tmp_path / "p.csv", INDEX, ReadOptions())
    assert predictions.box[0].tolist() == pytest.approx([32, 48, 160, 216])
    assert (report.scale.value, report.scale.how) == ("normalised", "guessed")
    assert read(tmp_path / "p.csv", INDEX, scale="pixels").box.max() < 2


def test_npz_with_columns(tmp_path: Path) -> None:
    columns = {
        "det_video": np.array([1, 0]),
        "det_frame": np.array([2, 0]),
        "det_class": np.array([4, 1]),
        "det_score": np.array([0.5, 0.25]),
        "det_box": np.array([DETECTION, DETECTION]),
    }
    np.savez(tmp_path / "p.npz", **columns)
    predictions = read(tmp_path / "p.npz", INDEX)
    assert predictions.detection_frame.tolist() == [0, 5]
    assert predictions.class_id.tolist() == [0, 3]
    np.savez(tmp_path / "q.npz", video_name=np.array(INDEX.video_name[::-1]), **columns)
    assert read(tmp_path / "q.npz", INDEX).detection_frame.tolist() == [2, 3]


def test_npz_with_objects_or_bombs_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    np.savez(tmp_path / "p.npz", score=np.array([1, "x"], object))
    with pytest.raises(PredictionError, match="pickled objects aren't read"):
        read(tmp_path / "p.npz", INDEX)
    monkeypatch.setattr(npz_arrays, "_MOST_INFLATED", 1 << 20)
    with zipfile.ZipFile(tmp_path / "bomb.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("score.npy", bytes(10 << 20))
    assert (tmp_path / "bomb.npz").stat().st_size < 100_000
    with pytest.raises(PredictionError, match="zip bomb"):
        read(tmp_path / "bomb.npz", INDEX)
    header = b"\x93NUMPY\x01\x00\x46\x00{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,), }\n"
    with zipfile.ZipFile(tmp_path / "shape.npz", "w") as archive:
        archive.writestr("score.npy", header + bytes(80))
    with pytest.raises(PredictionError, match=r"says|damaged"):
        read(tmp_path / "shape.npz", INDEX)


# -- what it is --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "empty: it could be csv, fgfa, kitti or mot"),
        (b"hello world\n", "begins no known format"),
        (b"\x00\x01\x02\x03", "pickle"),
        (b"PK\x03\x04 not a zip", "zip"),
        (b"\x89HDF\r\n\x1a\n not HDF5", "damaged"),
        (pickle.dumps({"a": 1}), "no known layout"),
        (pickle.dumps(7), "no known layout"),
        (pickle.dumps([]) * 2, "2 pickles"),
        (b"1 2 3\n", "begins no known format"),
        (b"a,b,c\n1,2,3\n", "begins no known format"),
    ],
)
def test_what_is_no_known_format_is_said(tmp_path: Path, content: bytes, why: str) -> None:
    (tmp_path / "p").write_bytes(content)
    with pytest.raises((PredictionError, FormatError), match=why):
        read(tmp_path / "p", INDEX)


def test_the_name_of_a_file_says_nothing(tmp_path: Path) -> None:
    path = _save(tmp_path / "results.json", _frames())
    assert read(path, INDEX).n_detections == 6


def test_the_option_is_held_against_the_content(tmp_path: Path) -> None:
    path = _save(tmp_path / "p.pkl", _frames())
    with pytest.raises(PredictionError, match="--format mega, but its content is"):
        read(path, INDEX, format="mega")
    with pytest.raises(PredictionError, match=r"no such format.*did you mean 'coco'"):
        read(path, INDEX, format="cocoo")
    with pytest.raises(PredictionError, match="--image-ids is for COCO"):
        read(path, INDEX, image_ids=path)


def test_options_of_some_formats_are_refused_for_others(tmp_path: Path) -> None:
    (tmp_path / "mot").mkdir()
    (tmp_path / "mot" / "a.txt").write_text("1,-1,1,1,2,2,0.5,1,-1,-1\n")
    with pytest.raises(PredictionError, match="--image-ids is for COCO results JSON"):
        open_predictions(tmp_path / "mot", ReadOptions(image_ids=tmp_path / "gt.json"))
    with pytest.raises(PredictionError, match=r"--mot-video is for .*MOTChallenge text.*; this file is pkl"):
        open_predictions(_save(tmp_path / "p.pkl", _frames()), ReadOptions(video="a"))
    with pytest.raises(PredictionError, match="--format csv, but its content is MOTChallenge text"):
        open_predictions(tmp_path / "mot", ReadOptions(format="csv"))


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(PredictionError, match="No such file"):
        read(tmp_path / "p", INDEX)


# -- boxes in classes of mmengine --------------------------------------------------------------------------------------


def test_objects_of_mmengine_are_read_as_their_attributes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def made(name: str, **attributes: object) -> object:
        module, _, kind = name.rpartition(".")
        for at in [k for k, letter in enumerate(name) if letter == "."]:
            if name[:at] not in sys.modules:
                monkeypatch.setitem(sys.modules, name[:at], types.ModuleType(name[:at]))
        if not hasattr(sys.modules[module], kind):
            setattr(sys.modules[module], kind, type(kind, (), {"__module__": module}))
        thing = getattr(sys.modules[module], kind)()
        vars(thing).update(attributes)
        return thing

    frames = []
    for k in range(6):
        boxes = made("mmdet.structures.bbox.horizontal_boxes.HorizontalBoxes", tensor=np.array([DETECTION]))
        instances = made(
            "mmengine.structures.instance_data.InstanceData",
            _data_fields={"bboxes"},
            bboxes=boxes,
            scores=np.array([0.5]),
            labels=np.array([k % 4]),
        )
        frames.append(made("mmdet.structures.det_data_sample.DetDataSample", _pred_instances=instances))
    data = b"".join([b"\x80\x02](", *(pickle.dumps(frame, 2)[2:-1] for frame in frames), b"e."])
    (tmp_path / "p.pkl").write_bytes(data)
    predictions, report = read_with_report(tmp_path / "p.pkl", INDEX, ReadOptions())
    assert report.format.value.startswith("mmdet1,")
    assert predictions.class_id.tolist() == [0, 1, 2, 3, 0, 1]
    assert predictions.box[0].tolist() == [10.5, 20, 31.25, 41]
