"""Results as other tools write them: read as they are meant, and CSV that could be misread refused."""

import dataclasses
import json
import pickle
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.makers import make_index, make_predictions
from vidkit.classes import ObjectClass
from vidkit.data.index import Index, SourceNames
from vidkit.errors import PredictionError
from vidkit.predictions import Predictions, ReadOptions, read, read_with_report, write
from vidkit.predictions.mask_boxes import box_of_mask


def _index() -> Index:
    """Frames called VIDEO/img_000000.jpg, image ids from 100 that go through the videos in turn, categories 2, 5, 9."""
    made = make_index(seed=3, videos=2, frames=10, classes=3)
    files = [f"{made.video_name[v]}/img_{n:06d}.jpg" for v, n in zip(made.frame_video, made.frame_number, strict=True)]
    ids = [100 + 2 * n + v for v, n in zip(made.frame_video.tolist(), made.frame_number.tolist(), strict=True)]
    called = SourceNames(
        frame_id=np.array([str(id) for id in ids], "S"),
        frame_path=np.array(files, "S"),
        class_id=("2", "5", "9"),
    )
    classes = tuple(ObjectClass(name, name) for name in made.class_names)  # no ImageNet ids: corners are exclusive
    return dataclasses.replace(made, classes=classes, called=called)


INDEX = _index()


def _near(index: Index) -> Predictions:
    """Predictions near the objects, in whole pixels, with scores that differ."""
    made = make_predictions(index, jitter=1.0, extra=1)
    order = np.random.default_rng(0).permutation(made.n_detections)
    box = np.round(made.box.astype(np.float64))
    box[:, 2:] = np.maximum(box[:, 2:], box[:, :2] + 1)
    return dataclasses.replace(made, box=box, score=(order + 1) / (made.n_detections + 1))


PREDICTIONS = _near(INDEX)
IDS = [int(id) for id in INDEX.called.frame_id.tolist()] if INDEX.called.frame_id is not None else []
PATHS = [path.decode() for path in INDEX.called.frame_path.tolist()] if INDEX.called.frame_path is not None else []
CATEGORY = [2, 5, 9]


def _found() -> Iterator[tuple[int, int, float, list[float]]]:
    """Frame, class, score and corners of each detection."""
    return zip(
        PREDICTIONS.detection_frame.tolist(),
        PREDICTIONS.class_id.tolist(),
        PREDICTIONS.score.tolist(),
        PREDICTIONS.box.astype(float).tolist(),
        strict=True,
    )


def _xywh(box: list[float]) -> list[float]:
    return [box[0], box[1], box[2] - box[0], box[3] - box[1]]


def _by_frame() -> list[list[tuple[int, float, list[float]]]]:
    frames: list[list[tuple[int, float, list[float]]]] = [[] for _ in range(INDEX.n_frames)]
    for f, c, score, box in _found():
        frames[f].append((c, score, box))
    return frames


def _ultralytics_txt(place: Path) -> Path:
    for f, found in enumerate(_by_frame()):
        file = place / "out" / "labels" / PATHS[f].replace(".jpg", ".txt")
        file.parent.mkdir(parents=True, exist_ok=True)
        rows = []
        for c, score, (x1, y1, x2, y2) in found:
            shares = ((x1 + x2) / 2 / 320, (y1 + y2) / 2 / 240, (x2 - x1) / 320, (y2 - y1) / 240)
            rows.append(f"{c} {' '.join(map(repr, shares))} {score!r}\n")
        file.write_text("".join(rows))
    return place / "out"


def _ultralytics_json(place: Path) -> Path:
    names = INDEX.class_names
    frames = [
        [
            {"name": names[c], "class": c, "confidence": s, "box": dict(zip(("x1", "y1", "x2", "y2"), b, strict=True))}
            for c, s, b in found
        ]
        for found in _by_frame()
    ]
    return _json(place, frames)


def _ultralytics_stems(place: Path) -> Path:
    """predictions.json of a validation over folders that were joined to one: ids are stems."""
    return _json(
        place,
        [
            {
                "image_id": PATHS[f].replace("/", "_").removesuffix(".jpg"),
                "category_id": CATEGORY[c],
                "bbox": _xywh(b),
                "score": s,
            }
            for f, c, s, b in _found()
        ],
    )


def _coco(place: Path) -> Path:
    return _json(
        place,
        [{"image_id": IDS[f], "category_id": CATEGORY[c], "bbox": _xywh(b), "score": s} for f, c, s, b in _found()],
    )


def _json(place: Path, content: object) -> Path:
    (place / "p.json").write_text(json.dumps(content))
    return place / "p.json"


def _supervision(place: Path) -> list[dict[str, Any]]:
    return [
        {
            "x_min": b[0],
            "y_min": b[1],
            "x_max": b[2],
            "y_max": b[3],
            "class_id": c,
            "confidence": s,
            "tracker_id": "",
            "image_name": PATHS[f],
        }
        for f, c, s, b in _found()
    ]


def _supervision_json(place: Path) -> Path:
    return _json(place, _supervision(place))


def _supervision_csv(place: Path) -> Path:
    rows = _supervision(place)
    return _csv(place, [",".join(rows[0]), *(",".join(map(str, row.values())) for row in rows)])


def _csv(place: Path, lines: list[str]) -> Path:
    (place / "p.csv").write_text("\n".join(lines) + "\n")
    return place / "p.csv"


def _semicolons_and_commas(place: Path) -> Path:
    """As a spreadsheet with another tongue writes it, with a separator at the end of each row."""
    rows = [
        ";".join(
            [INDEX.video_name[INDEX.frame_video[f]], str(INDEX.frame_number[f]), INDEX.class_names[c]]
            + [repr(value).replace(".", ",") for value in (s, *b)]
        )
        for f, c, s, b in _found()
    ]
    return _csv(place, ["video;frame;class;score;x1;y1;x2;y2", *(row + ";" for row in rows)])


def _centres(place: Path) -> Path:
    rows = [
        f"D:\\data\\{PATHS[f]}".replace("/", "\\")
        + f",{INDEX.class_names[c].upper()},{s!r},{(b[0] + b[2]) / 2},{(b[1] + b[3]) / 2},{b[2] - b[0]},{b[3] - b[1]}"
        for f, c, s, b in _found()
    ]
    return _csv(place, ["path,class,confidence,cx,cy,w,h", *rows])


def _detectron2(place: Path) -> Path:
    content = [
        {
            "image_id": IDS[f],
            "instances": [{"image_id": IDS[f], "category_id": c, "bbox": _xywh(b), "score": s} for c, s, b in found],
        }
        for f, found in sorted(enumerate(_by_frame()), key=lambda pair: IDS[pair[0]])
    ]
    return _pickle(place, content)


def _pickle(place: Path, content: object) -> Path:
    (place / "p.pth").write_bytes(pickle.dumps(content, 2))
    return place / "p.pth"


def _torchvision(found: list[tuple[int, float, list[float]]]) -> dict[str, Any]:
    return {
        "boxes": np.array([b for *_, b in found]).reshape(-1, 4),
        "labels": np.array([c + 1 for c, *_ in found], np.int64),
        "scores": np.array([s for _, s, _ in found]),
    }


def _torchvision_by_id(place: Path) -> Path:
    return _pickle(place, {IDS[f]: _torchvision(found) for f, found in enumerate(_by_frame())})


def _mmdet3_ids(place: Path) -> Path:
    return _pickle(
        place,
        [
            {
                "img_id": IDS[f],
                "pred_instances": {
                    "bboxes": np.array([b for *_, b in found]).reshape(-1, 4),
                    "labels": np.array([c for c, *_ in found], np.int64),
                    "scores": np.array([s for _, s, _ in found]),
                },
            }
            for f, found in enumerate(_by_frame())
        ],
    )


def _kitti(c: int, s: float, b: list[float]) -> str:
    return f"{INDEX.class_names[c]} 0.0 0 0.0 {' '.join(map(repr, b))} 0 0 0 0 0 0 0 {s!r}\n"


def _deepstream(place: Path) -> Path:
    for f, found in enumerate(_by_frame()):
        file = place / "out" / PATHS[f].replace(".jpg", ".txt")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("".join(_kitti(*one) for one in found))
    return place / "out"


def _deepstream_tracker(place: Path) -> Path:
    for file in (folder := _deepstream(place)).rglob("*.txt"):
        lines = file.read_text().splitlines(keepends=True)
        file.write_text("".join(line.replace(" ", f" {k + 7} ", 1) for k, line in enumerate(lines)))
    return folder


def _mot_with_blanks(place: Path) -> Path:
    folder = _mot_with_mark(place)
    (place / "tracker" / "data").mkdir(parents=True)
    for file in folder.glob("*.txt"):
        (place / "tracker" / "data" / file.name).write_text(file.read_text("utf-8-sig").replace(",", " "))
    return place / "tracker"


def _kitti_tracking(place: Path) -> Path:
    (place / "out").mkdir()
    for video, name in enumerate(INDEX.video_name):
        rows = [
            f"{INDEX.frame_number[f]} 1 {_kitti(c, s, b)}" for f, c, s, b in _found() if INDEX.frame_video[f] == video
        ]
        (place / "out" / f"{name}.txt").write_text("".join(rows))
    return place / "out"


def _scalabel(place: Path) -> Path:
    frames = [
        {
            "videoName": INDEX.video_name[INDEX.frame_video[f]],
            "name": PATHS[f].rpartition("/")[2],
            "frameIndex": int(INDEX.frame_number[f]),
            "labels": [
                {
                    "id": "1",
                    "category": INDEX.class_names[c],
                    "score": s,
                    "box2d": dict(zip(("x1", "y1", "x2", "y2"), b, strict=True)),
                }
                for c, s, b in found
            ]
            or None,
        }
        for f, found in enumerate(_by_frame())
    ]
    return _json(place, {"frames": frames, "config": {}})


def _youtube_vis(place: Path) -> Path:
    tracks = []
    for f, c, s, b in _found():
        boxes: list[Any] = [None] * 10
        boxes[int(INDEX.frame_number[f])] = _xywh(b)
        tracks.append(
            {"video_id": int(INDEX.frame_video[f]) + 1, "category_id": CATEGORY[c], "score": s, "bboxes": boxes}
        )
    return _json(place, tracks)


def _youtube_vis_masks(place: Path) -> Path:
    """Masks that fill their boxes, in run lengths of a list."""
    tracks = json.loads(_youtube_vis(place).read_text())
    height, width = 400, 400
    for track in tracks:
        masks = []
        for box in track.pop("bboxes"):
            if box is None:
                masks.append(None)
                continue
            full = np.zeros((height, width), np.int8)
            x, y, w, h = map(int, box)
            full[y : y + h, x : x + w] = 1
            column = full.T.ravel()
            changes = np.flatnonzero(np.diff(column)) + 1
            lengths = np.diff([0, *changes.tolist(), height * width]).tolist()
            masks.append({"size": [height, width], "counts": lengths if column[0] == 0 else [0, *lengths]})
        track["segmentations"] = masks
    return _json(place, tracks)


def _mot_with_mark(place: Path) -> Path:
    (place / "out").mkdir()
    for video, name in enumerate(INDEX.video_name):
        rows = [
            f"{INDEX.frame_number[f] + 1},-1,{b[0] + 1},{b[1] + 1},{b[2] - b[0]},{b[3] - b[1]},{s!r},{c + 1},-1,-1\n"
            for f, c, s, b in _found()
            if INDEX.frame_video[f] == video
        ]
        (place / "out" / f"{name}.txt").write_text("".join(rows), encoding="utf-8-sig")
    return place / "out"


WRITERS: dict[str, tuple[Callable[[Path], Path], dict[str, str], str]] = {
    "ultralytics txt": (_ultralytics_txt, {}, "the paths of the source"),
    "ultralytics json": (_ultralytics_json, {"frames_from": "order"}, "order of the index"),
    "ultralytics stems": (_ultralytics_stems, {}, "their folders joined"),
    "coco": (_coco, {}, "image ids of the source"),
    "supervision json": (_supervision_json, {}, "the paths of the source"),
    "supervision csv": (_supervision_csv, {}, "the paths of the source"),
    "semicolons": (_semicolons_and_commas, {}, "video and frame number"),
    "centres": (_centres, {}, "the paths of the source"),
    "detectron2": (_detectron2, {}, "image ids of the source"),
    "torchvision by id": (_torchvision_by_id, {"classes_from": "1"}, "image ids of the source"),
    "mmdet 3 without paths": (_mmdet3_ids, {}, "image ids of the source"),
    "deepstream": (_deepstream, {}, "the paths of the source"),
    "deepstream's tracker": (_deepstream_tracker, {}, "the paths of the source"),
    "mot with blanks": (_mot_with_blanks, {}, "numbers from 1"),
    "kitti tracking": (_kitti_tracking, {}, "video and frame number"),
    "scalabel": (_scalabel, {}, "the paths of the source"),
    "youtube-vis": (_youtube_vis, {}, "places among a video's frames"),
    "youtube-vis masks": (_youtube_vis_masks, {}, "places among a video's frames"),
    "mot with a mark": (_mot_with_mark, {}, "numbers from 1"),
}


@pytest.mark.parametrize("name", WRITERS)
def test_results_of_other_tools_are_read_as_they_are_meant(tmp_path: Path, name: str) -> None:
    write, options, joined = WRITERS[name]
    predictions, report = read_with_report(write(tmp_path), INDEX, ReadOptions(**options))
    assert joined in report.frames.value
    assert predictions.n_detections == PREDICTIONS.n_detections
    order, wanted = np.argsort(predictions.score), np.argsort(PREDICTIONS.score)
    assert np.array_equal(predictions.detection_frame[order], PREDICTIONS.detection_frame[wanted])
    assert np.array_equal(predictions.class_id[order], PREDICTIONS.class_id[wanted])
    np.testing.assert_allclose(predictions.box[order], PREDICTIONS.box[wanted], rtol=0, atol=1e-9)
    assert report.overlapping is not None
    assert report.overlapping > 0.4


@pytest.mark.parametrize("name", ["ultralytics json", "torchvision by id"])
def test_what_the_annotations_speak_against_is_asked(tmp_path: Path, name: str) -> None:
    write, options, _ = WRITERS[name]
    path = write(tmp_path)
    if name == "ultralytics json":  # the list in the order of the image ids, where the index goes by video
        content = json.loads(path.read_text())
        path.write_text(json.dumps([content[k] for k in np.argsort(IDS)]))
        options = {"frames_from": "ids"}
    typed = " ".join(f"--{key.replace('_', '-')} {value}" for key, value in options.items())
    with pytest.raises(PredictionError, match=f"Say which is right: {typed}"):
        read(path, INDEX)
    assert read(path, INDEX, **options).n_detections == PREDICTIONS.n_detections


def test_deepstreams_names_of_one_stream_are_the_frames_of_the_only_video(tmp_path: Path) -> None:
    made = make_index(seed=11, videos=1, frames=10)
    index = dataclasses.replace(made, classes=tuple(ObjectClass(name, name) for name in made.class_names))
    for f in range(10):
        rows = [
            _kitti(int(index.class_id[i]), 0.9 - i / 100, index.box[i].tolist())
            for i in range(*index.instances_of(f).indices(index.n_instances))
        ]
        (tmp_path / f"00_000_{f:06d}.txt").write_text("".join(rows))
    predictions, report = read_with_report(tmp_path, index, ReadOptions())
    assert np.array_equal(predictions.box, index.box)
    assert "the file is about video_0000, the only video" in report.frames.value


@pytest.mark.parametrize("form", ["csv", "pkl"])
def test_own_files_have_the_numbers_of_the_index_whatever_the_source_counts(tmp_path: Path, form: str) -> None:
    numbers = INDEX.frame_number.astype(np.int64) + 1
    index = dataclasses.replace(INDEX, called=dataclasses.replace(INDEX.called, frame_number=numbers))
    keep = np.flatnonzero(INDEX.frame_number[PREDICTIONS.detection_frame] > 0)  # nothing in the first frames
    counts = np.bincount(PREDICTIONS.detection_frame[keep], minlength=index.n_frames)
    some = dataclasses.replace(
        PREDICTIONS,
        detection_start=np.concatenate([[0], np.cumsum(counts)]),
        box=PREDICTIONS.box[keep],
        score=PREDICTIONS.score[keep],
        class_id=PREDICTIONS.class_id[keep],
    )
    write(tmp_path / "own", some, index, form)
    again = read(tmp_path / "own", index)
    assert np.array_equal(again.detection_start, some.detection_start)
    assert np.array_equal(again.box, some.box)


def test_boxes_of_masks_are_pycocotools(tmp_path: Path) -> None:
    from pycocotools import mask as coco_masks

    rng = np.random.default_rng(0)
    for k in range(60):
        height, width = rng.integers(1, 40, 2).tolist()
        full = np.asfortranarray((rng.random((height, width)) < rng.choice([0, 0.02, 0.5, 1])).astype(np.uint8))
        encoded = coco_masks.encode(full)
        wanted = coco_masks.toBbox(encoded).tolist()
        for counts in (encoded["counts"], encoded["counts"].decode()):
            found = box_of_mask({"size": encoded["size"], "counts": counts})
            assert (found or [0.0] * 4) == wanted, k
    for broken in ("~", "", "5P", None):
        with pytest.raises(ValueError, match=r"counts|lengths"):
            box_of_mask({"size": [3, 3], "counts": broken})


HEAD = "video,frame,class,score,x1,y1,x2,y2"


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ([HEAD, "video_0000,1,class0,0.5,1,2,3,4,7"], "line 2 has more cells"),
        ([HEAD, "video_0000,1,class0,0.5,1,2,3,4,7,8"], "rows have more cells"),
        ([HEAD + ",det_score", "video_0000,1,class0,0.5,1,2,3,4,0.7"], "'score' and 'det_score' mean one thing"),
        ([HEAD + ",confidence", "video_0000,1,class0,0.5,1,2,3,4,0.7"], "score and confidence mean one thing"),
        ([HEAD + ",label", "video_0000,1,0,0.5,1,2,3,4,1"], "class and label mean one thing"),
        ([HEAD + ",frame_id", "video_0000,1,0,0.5,1,2,3,4,1"], "frame and frame_id mean one thing"),
        ([HEAD + ",xmin,ymin,xmax,ymax", "video_0000,1,0,0.5,1,2,3,4,1,2,3,4"], "mean one thing: leave one box"),
        ([HEAD, "video_0000,1,class0,0.5,1,2,3"], "box not finite"),
    ],
)
def test_csv_is_read_strictly(tmp_path: Path, lines: list[str], why: str) -> None:
    with pytest.raises(PredictionError, match=why):
        read(_csv(tmp_path, lines), INDEX)


def test_a_comma_at_the_end_of_each_row_shifts_nothing(tmp_path: Path) -> None:
    rows = [
        f"{INDEX.video_name[INDEX.frame_video[f]]},{INDEX.frame_number[f]},{INDEX.class_names[c]},{s!r},"
        + ",".join(map(repr, b))
        for f, c, s, b in _found()
    ]
    plain = read(_csv(tmp_path, [HEAD, *rows]), INDEX)
    assert read(_csv(tmp_path, [HEAD, *(row + "," for row in rows)]), INDEX).fingerprint == plain.fingerprint
    assert read(_csv(tmp_path, [HEAD + ",", *(row + "," for row in rows)]), INDEX).fingerprint == plain.fingerprint


@pytest.mark.parametrize(
    ("file", "content", "why"),
    [
        ("a.txt", "0 0.5 0.5 0.1 0.1\n", "save_conf=True"),
        ("a.txt", "Car 0.0 0 0.0 1 2 3 4 0 0 0 0 0 0 0\n", "without the score"),
        ("a.txt", "hello world\n", "its text files begin with 'hello world'"),
    ],
)
def test_a_folder_that_lacks_something_says_what(tmp_path: Path, file: str, content: str, why: str) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / file).write_text(content)
    with pytest.raises(PredictionError, match=why):
        read(tmp_path / "out", INDEX)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ([{"video_id": 1, "category_id": 2, "score": 0.5, "segmentations": 7}], "neither bboxes nor segmentations"),
        ([{"video_id": 1, "category_id": 2, "score": 0.5, "segmentations": [{"size": [2, 2]}]}], "COCO's run lengths"),
        ([{"name": "a", "labels": [{"category": "class0", "box2d": {"x1": 1, "y1": 1, "x2": 2, "y2": 2}}]}], "score"),
        ([[{"name": "class0", "class": 0, "confidence": 0.5, "box": {"x1": 1}}]], "x1, y1, x2, y2"),
        (
            [{"image_id": 7, "category_id": 2, "bbox": [1, 2, 3, 4], "score": 0.5}],
            "which are 100, 102, 104 … 119.*--frames-from 1",
        ),
        ([{"image_id": "nowhere", "category_id": 2, "bbox": [1, 2, 3, 4], "score": 0.5}], "that of the index 'video_0"),
        (
            [{"image_id": 100, "category_id": 3, "bbox": [1, 2, 3, 4], "score": 0.5}],
            "category ids of the source, 2, 5, 9.*--classes-from 1",
        ),
    ],
)
def test_json_that_does_not_fit_says_what_to_type(tmp_path: Path, content: object, why: str) -> None:
    with pytest.raises(PredictionError, match=why):
        read(_json(tmp_path, content), INDEX)
