import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.fuzz.broken_copies import check
from vidkit.classes import ObjectClass
from vidkit.data.index import FOLDER
from vidkit.data.noticed import NO_IMAGE
from vidkit.data.readers.drawn_table import NOT_BOXES
from vidkit.data.readers.found_boxes import OTHER_CLASS
from vidkit.data.readers.labelme import GROUPS, NO_FILE, OTHER_JSON, looks_like, read_labelme
from vidkit.errors import AnnotationError

Content = dict[str, Any]
RECTANGLE = [[30, 40], [10, 20.5]]


def shape(label: str = "car", points: object = None, kind: str | None = "rectangle", **fields: object) -> Content:
    told = {"label": label, "points": RECTANGLE if points is None else points, "group_id": None, "flags": {}}
    return (told if kind is None else told | {"shape_type": kind}) | fields


def write(path: Path, *shapes: Content, size: tuple[int, int] | None = (100, 80), **fields: object) -> Path:
    width, height = size or (None, None)
    told = {"version": "5.4.1", "flags": {}, "shapes": list(shapes), "imagePath": f"{path.stem}.jpg", "imageData": None}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(told | {"imageHeight": height, "imageWidth": width} | fields), encoding="utf-8")
    return path


def image(path: Path, size: tuple[int, int] = (100, 80)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", size).save(path)


def test_a_folder_is_a_video_with_its_empty_frames(tmp_path: Path) -> None:
    write(tmp_path / "clip" / "frame_0.json", shape(group_id=4), shape("dog", [[1, 2], [5, 9], [3, 1]], None))
    write(tmp_path / "clip" / "frame_2.json", shape(group_id=4, flags={"occluded": True, "parked": True}))
    for n in range(3):
        image(tmp_path / "clip" / f"frame_{n}.jpg")
    source = read_labelme(tmp_path / "clip")
    assert [c.name for c in source.classes] == ["car", "dog"]
    (video,) = source.videos
    assert (video.name, video.size, video.frame_number.tolist()) == ("clip", (100, 80), [0, 1, 2])
    assert video.instance_count.tolist() == [2, 0, 1]
    assert video.box.tolist() == [[10, 20.5, 30, 40], [1, 1, 5, 9], [10, 20.5, 30, 40]]
    assert (video.class_id.tolist(), video.track_id.tolist()) == ([0, 1, 0], [4, -1, 4])
    assert video.occluded.tolist() == [False, False, True]
    np.testing.assert_array_equal(video.instance_attributes["parked"], [np.nan, np.nan, 1])
    assert (video.files.kind, video.files.source) == (FOLDER, ".")
    assert video.called.path == ("frame_0.jpg", "frame_1.jpg", "frame_2.jpg")
    assert video.counts == {NO_FILE: 1}


def test_images_may_be_missing_elsewhere_or_called_otherwise(tmp_path: Path) -> None:
    path = write(tmp_path / "a" / "label_1.json", shape(), imagePath="..\\pictures\\p1.jpg", size=None)
    video = read_labelme(tmp_path / "a").videos[0]
    assert (video.size, video.files.kind, video.counts) == ((0, 0), "", {NO_IMAGE: 1})
    image(tmp_path / "pictures" / "p1.jpg", (60, 50))
    source = read_labelme(path.parent, frames=tmp_path / "pictures")
    assert (source.root, source.videos[0].size, source.videos[0].files.source) == (
        *(tmp_path / "pictures", (60, 50)),
        "p1.jpg",
    )
    assert source.videos[0].counts == {}


def test_folders_are_videos_and_other_images_stills(tmp_path: Path) -> None:
    for name in ("a/1", "a/2", "b/1", "b/2", "dog"):
        write(tmp_path / f"{name}.json", shape())
    assert [(v.name, len(v.frame_number)) for v in read_labelme(tmp_path).videos] == [("dog", 1), ("a", 2), ("b", 2)]


def test_ids_that_put_parts_together_are_no_tracks(tmp_path: Path) -> None:
    write(tmp_path / "f_1.json", shape(group_id=1), shape(group_id=1), shape(group_id="x"))
    write(tmp_path / "f_2.json", shape(group_id=2))
    (video,) = read_labelme(tmp_path).videos
    assert (video.track_id.tolist(), video.counts) == ([-1] * 4, {GROUPS: 3, NO_IMAGE: 2})


def test_shapes_count_as_the_box_around_them(tmp_path: Path) -> None:
    shapes = (
        shape(kind="circle", points=[[10, 10], [13, 14]]),
        shape(kind="mask", points=[[1, 2], [3, 4]], mask="iVBO"),
        shape(kind="rectangle", points=[[1, 1], [1, 3], [4, 3], [4, 1]]),
        shape(kind="line", points=[[1, 2], [3, 4]]),
        shape(kind="point", points=[[1, 2]]),
    )
    write(tmp_path / "x.json", *shapes)
    (video,) = read_labelme(tmp_path).videos
    assert video.box.tolist() == [[5, 5, 15, 15], [1, 2, 3, 4], [1, 1, 4, 3]]
    assert video.counts == {NOT_BOXES: 2, NO_IMAGE: 1}


def test_other_classes_are_counted_and_other_files_told(tmp_path: Path) -> None:
    write(tmp_path / "x.json", shape(), shape("dog"))
    (tmp_path / "other.json").write_text('{"a": 1}', encoding="utf-8")
    source = read_labelme(tmp_path, classes=[ObjectClass("dog", "n1")])
    assert (source.videos[0].class_id.tolist(), source.videos[0].counts[OTHER_CLASS]) == ([0], 1)
    assert [(Path(item.place).name, item.reason) for item in source.left_out] == [("other.json", OTHER_JSON)]


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (shape(points=[[1, 2]]), r"x\.json: shapes\[0\]: points \[\[1, 2\]\], wanted a list of points"),
        (shape(points=[[1, 2], [3]]), r"shapes\[0\]: points"),
        (shape(points=[[1, 2], [3, "4"]]), r"shapes\[0\]: points"),
        (shape(points=[[1, 2], [3, True]]), r"shapes\[0\]: points"),
        (shape(points=[[1, 2], [3, 1e9]]), r"shapes\[0\]: points"),
        (shape(points={"a": 1}), r"shapes\[0\]: points .* wanted a list"),
        (shape(label=""), r"shapes\[0\]: label '', wanted a text"),
    ],
)
def test_what_breaks_the_rules_is_refused_with_its_place(tmp_path: Path, told: Content, words: str) -> None:
    write(tmp_path / "x.json", told)
    with pytest.raises(AnnotationError, match=words):
        read_labelme(tmp_path)


def test_folders_without_files_of_labelme_are_refused(tmp_path: Path) -> None:
    for folder, words in ((tmp_path / "none", "no such folder"), (tmp_path, "0 JSON files, none of them LabelMe's")):
        with pytest.raises(AnnotationError, match=words):
            read_labelme(folder)


def test_a_file_broken_in_any_way_is_refused_or_read(tmp_path: Path) -> None:
    write(tmp_path / "a" / "b" / "f_1.json", shape(group_id=1))
    circle = shape(kind="circle", points=[[10, 10], [13, 14]], group_id=None)
    path = write(tmp_path / "a" / "b" / "f_2.json", shape(group_id=1, flags={"parked": True}), circle)
    assert check(path, path.read_bytes(), lambda: read_labelme(path.parent)) > 60


def test_the_form_is_known_by_its_beginning(tmp_path: Path) -> None:
    assert not looks_like(tmp_path)
    (tmp_path / "a.json").write_text('{"shapes": 1}', encoding="utf-8")
    assert not looks_like(tmp_path)
    write(tmp_path / "b.json", shape())
    assert looks_like(tmp_path)
    assert not looks_like(tmp_path / "b.json")
    assert not looks_like(tmp_path / "none")
