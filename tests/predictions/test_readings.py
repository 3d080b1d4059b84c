"""What the annotations may say about a file: a question where another way to read it agrees better, else silence."""

import dataclasses
import json
import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.makers import make_index
from vidkit.classes import ObjectClass
from vidkit.data.index import Index, SourceNames
from vidkit.errors import PredictionError
from vidkit.predictions import ReadOptions, read, read_with_report
from vidkit.predictions.label_doubts import mistaken_labels
from vidkit.predictions.reading_report import Understood
from vidkit.predictions.readings import Way, Ways, refuse_if_doubtful


def _index(classes: int = 3, **called: Any) -> Index:
    made = make_index(seed=11, videos=2, frames=10, classes=classes)
    names = tuple(ObjectClass(name, name) for name in made.class_names)
    of_track = (made.track_id % classes).astype(np.int16)
    return dataclasses.replace(made, classes=names, class_id=of_track, called=SourceNames(**called))


INDEX = _index()
OBJECTS = [
    (f, c, box)
    for f, c, box in zip(INDEX.instance_frame.tolist(), INDEX.class_id.tolist(), INDEX.box.tolist(), strict=True)
]


# -- the rule ----------------------------------------------------------------------------------------------------------


def _ways(*found: Sequence[float], **told: Any) -> Ways[np.ndarray]:
    """Ways that overlap so; each is called by its place."""
    ways = tuple(
        Way(np.array(overlaps), Understood(f"way {k}", "guessed"), f"--way {k}") for k, overlaps in enumerate(found)
    )
    return Ways(ways, **told)


def _doubt(*things: Ways[np.ndarray]) -> str:
    """The question; "" where there is none. Overlaps of several things are multiplied."""

    def overlaps(*ways: Way[np.ndarray]) -> np.ndarray:
        return np.prod([way.take for way in ways], axis=0)

    try:
        refuse_if_doubtful(things, overlaps, "file")
    except PredictionError as error:
        return str(error)
    return ""


FINE, POOR = [0.9, 0.92, 0.95, 0.9] * 5, [0.7, 0.75, 0.6, 0.72] * 5


@pytest.mark.parametrize("guess", [False, True])
def test_the_better_way_may_be_taken(guess: bool) -> None:
    assert _doubt(_ways(FINE, POOR, is_guess=guess)) == ""


@pytest.mark.parametrize("guess", [False, True])
def test_where_another_way_is_clearly_better_it_is_asked_whatever_spoke_for_the_first(guess: bool) -> None:
    asked = _doubt(_ways(POOR, FINE, is_guess=guess))
    assert "way 0" in asked
    assert "Say which is right: --way 1, or as it was read first: --way 0" in asked
    assert "69% on average" in asked
    assert "92%, which agrees better" in asked


def test_a_guess_that_cannot_be_told_from_another_is_asked_about_a_rule_is_not() -> None:
    alike = (np.array(FINE) + 0.05 * np.resize([1, -1, -1], len(FINE))).tolist()
    assert "can't be told from it" in _doubt(_ways(alike, FINE, is_guess=True))
    assert _doubt(_ways(alike, FINE)) == ""


@pytest.mark.parametrize("same", [[], [0.0] * 9, FINE])
def test_ways_that_overlap_the_same_are_no_matter(same: list[float]) -> None:
    assert _doubt(_ways(same, same, is_guess=True)) == ""


def test_two_things_that_are_wrong_at_once_are_found_together() -> None:
    frames, labels = _ways([0.2] * 9, [1.0] * 9), _ways([0.1] * 9, [0.9] * 9)
    asked = _doubt(frames, labels)
    assert "Say which is right: --way 1 --way 1" in asked or "Say which is right: --way 1," in asked


def test_a_pixel_must_halve_the_error() -> None:
    def pixel(there: float) -> Ways[np.ndarray]:
        ways = _ways([0.9] * 50, [there] * 50).all
        return Ways((ways[0], dataclasses.replace(ways[1], is_fine=True)))

    assert _doubt(pixel(0.94)) == ""
    assert "--way 1" in _doubt(pixel(0.96))


def test_poor_overlaps_that_another_order_has_too_are_chance() -> None:
    some = ([0.4] + [0.0] * 7) * 5
    ways = _ways(some, some[3:] + some[:3])
    chance = Ways(ways.all[:1], scrambled=ways.all[1])
    assert "these seem to be other frames" in _doubt(chance)
    assert _doubt(Ways(_ways(FINE).all, scrambled=_ways(POOR).all[0])) == ""
    assert _doubt(Ways(_ways([0.0] * 9).all, scrambled=_ways([0.0] * 9).all[0])) == ""


def test_what_the_source_speaks_against_needs_a_detection_that_overlaps() -> None:
    assert "If that is right all the same: --way 0" in _doubt(_ways([0.1, 0.0], against="ids are others"))
    assert _doubt(_ways([0.1, 0.8], against="ids are others")) == ""


# -- files -------------------------------------------------------------------------------------------------------------


def _coco(place: Path, boxes: Sequence[Sequence[float]], **more: Any) -> Path:
    rows = [
        {"image_id": f + 1, "category_id": c + 1, "bbox": list(box), "score": 0.9 - k / 1000} | more
        for k, ((f, c, _), box) in enumerate(zip(OBJECTS, boxes, strict=True))
    ]
    (place / "p.json").write_text(json.dumps(rows))
    return place / "p.json"


def _sides(box: Sequence[float], first: int = 0) -> list[float]:
    return [box[0] + first, box[1] + first, box[2] - box[0], box[3] - box[1]]


def test_corners_in_the_place_of_sides_are_asked_about(tmp_path: Path) -> None:
    path = _coco(tmp_path, [box for *_, box in OBJECTS])
    with pytest.raises(PredictionError, match=r"Say which is right: --boxes exclusive, .*: --boxes xywh"):
        read(path, INDEX)
    assert np.array_equal(read(path, INDEX, boxes="exclusive").box, INDEX.box)


@pytest.mark.parametrize("first", [0, 1])
def test_the_first_pixel_is_asked_about_and_may_be_said(tmp_path: Path, first: int) -> None:
    path = _coco(tmp_path, [_sides(box, first) for *_, box in OBJECTS])
    if first:
        with pytest.raises(PredictionError, match=r"Say which is right: --first-pixel 1, .*: --first-pixel 0"):
            read(path, INDEX)
    else:
        assert np.array_equal(read(path, INDEX).box, INDEX.box)
    assert np.array_equal(read(path, INDEX, first_pixel=first).box, INDEX.box)


@pytest.mark.parametrize("first", [0, 1])
def test_mot_counts_pixels_from_1_unless_it_is_said(tmp_path: Path, first: int) -> None:
    (tmp_path / "mot").mkdir()
    for video, name in enumerate(INDEX.video_name):
        lines = [
            f"{INDEX.frame_number[f] + 1},-1,{','.join(map(str, _sides(box, first)))},{0.9 - k / 1000},{c + 1},-1,-1\n"
            for k, (f, c, box) in enumerate(OBJECTS)
            if INDEX.frame_video[f] == video
        ]
        (tmp_path / "mot" / f"{name}.txt").write_text("".join(lines))
    if not first:
        with pytest.raises(PredictionError, match=r"Say which is right: --first-pixel 0, .*: --first-pixel 1"):
            read(tmp_path / "mot", INDEX)
    assert np.array_equal(read(tmp_path / "mot", INDEX, first_pixel=first).box, INDEX.box)
    _, report = read_with_report(tmp_path / "mot", INDEX, ReadOptions(first_pixel=first))
    assert ("pixels counted from 1" in report.boxes.value) == bool(first)


def test_corners_from_1_are_moved_at_both_ends(tmp_path: Path) -> None:
    frames: list[list[Any]] = [[np.zeros((0, 5)) for _ in range(3)] for _ in range(INDEX.n_frames)]
    for k, (f, c, box) in enumerate(OBJECTS):
        frames[f][c] = np.vstack([frames[f][c], [*(np.array(box) + 1), 0.9 - k / 1000]])
    (tmp_path / "p.pkl").write_bytes(pickle.dumps(frames, 2))
    with pytest.raises(PredictionError, match="--first-pixel 1"):
        read(tmp_path / "p.pkl", INDEX)
    boxes = read(tmp_path / "p.pkl", INDEX, first_pixel=1).box
    assert sorted(boxes.tolist()) == sorted(INDEX.box.tolist())


def test_boxes_of_the_networks_input_are_asked_about_with_its_size(tmp_path: Path) -> None:
    scale = np.array([1024 / 320, 768 / 240] * 2)
    path = _coco(tmp_path, [(np.array(_sides(box)) * scale).tolist() for *_, box in OBJECTS])
    with pytest.raises(PredictionError, match=r"Say which is right: --scale 1024x768, .*: --scale pixels"):
        read(path, INDEX)
    np.testing.assert_allclose(read(path, INDEX, scale="1024x768").box, INDEX.box, atol=1e-9)
    with pytest.raises(PredictionError, match="wanted pixels, normalised, network or WIDTHxHEIGHT"):
        read(path, INDEX, scale="large")


def test_one_detector_that_takes_a_class_for_another_is_no_matter_two_that_change_places_are() -> None:
    row, box = INDEX.instance_frame.astype(np.int64), INDEX.box
    score, right = np.linspace(1, 0.5, len(row)), INDEX.class_id
    assert mistaken_labels(row, box, right, score, INDEX) == {}
    one = np.where(right == 0, 1, right).astype(np.int16)
    assert mistaken_labels(row, box, one, score, INDEX) == {}
    changed = np.array([1, 0, 2], np.int16)[right]
    assert mistaken_labels(row, box, changed, score, INDEX) == {0: 1, 1: 0}
    assert mistaken_labels(row[:0], box[:0], right[:0], score[:0], INDEX) == {}


def test_labels_in_another_order_are_asked_about(tmp_path: Path) -> None:
    path = _coco(tmp_path, [_sides(box) for *_, box in OBJECTS])
    rows = json.loads(path.read_text())
    for row in rows:
        row["category_id"] = {1: 3, 2: 1, 3: 2}[row["category_id"]]
    path.write_text(json.dumps(rows))
    with pytest.raises(PredictionError, match=r"labels seem to be other classes .*--classes-from FILE"):
        read(path, INDEX)
    (tmp_path / "names").write_text("class1\nclass2\nclass0\n")
    index = dataclasses.replace(INDEX, called=SourceNames(class_id=("1", "2", "3")))
    rows = [row | {"category_id": row["category_id"] - 1} for row in rows]
    path.write_text(json.dumps(rows))
    assert np.array_equal(read(path, index, classes_from=str(tmp_path / "names")).class_id, INDEX.class_id)


@pytest.mark.parametrize("wanted", ["0", "1", "source", "index", "files", "nonsense", "order"])
def test_where_frames_are_counted_from_may_be_said(tmp_path: Path, wanted: str) -> None:
    files = [
        f"{INDEX.video_name[v]}/{n + 5:04d}.jpg" for v, n in zip(INDEX.frame_video, INDEX.frame_number, strict=True)
    ]
    index = dataclasses.replace(
        INDEX,
        called=SourceNames(frame_path=np.array(files, "S"), frame_number=INDEX.frame_number.astype(np.int64) + 2),
    )
    lines = [
        f"{INDEX.video_name[INDEX.frame_video[f]]},{INDEX.frame_number[f] + 1},{INDEX.class_names[c]},0.5,"
        + ",".join(map(str, b))
        for f, c, b in OBJECTS
    ]
    (tmp_path / "p.csv").write_text("video,frame,class,score,x1,y1,x2,y2\n" + "\n".join(lines) + "\n")
    if wanted in ("nonsense", "order"):
        with pytest.raises(PredictionError, match="--frames-from"):
            read(tmp_path / "p.csv", index, frames_from=wanted)
        return
    off = {"0": 0, "1": 1, "source": 2, "index": 0, "files": 5}[wanted]
    found, report = read_with_report(tmp_path / "p.csv", index, ReadOptions(frames_from=wanted, invalid="drop"))
    assert report.frames.how == "given"
    taken = [f + 1 - off for f, *_ in OBJECTS if 0 <= INDEX.frame_number[f] + 1 - off < 10]
    assert sorted(found.detection_frame.tolist()) == sorted(taken)
