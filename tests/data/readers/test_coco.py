import copy
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vidkit.classes import ObjectClass
from vidkit.data.index import FOLDER, IMAGE, VIDEO
from vidkit.data.json_sections import sections
from vidkit.data.readers.coco import OTHER_LENGTH, OUT_OF_ORDER, read_coco
from vidkit.data.readers.found_boxes import NO_AREA, OTHER_CLASS
from vidkit.data.readers.source import Source
from vidkit.data.stack import build_index
from vidkit.errors import AnnotationError

Content = dict[str, Any]


def content() -> Content:
    """Two videos of three and two frames; boxes in frames 0 and 2 of the first."""
    return {
        "info": {"description": "made"},
        "categories": [{"id": 5, "name": "dog", "encode_name": "n02084071"}, {"id": 2, "name": "car"}],
        "videos": [
            {"id": 1, "name": "first", "width": 64, "height": 48, "length": 3},
            {"id": 2, "name": "second"},
        ],
        "images": [
            {"id": 10 + v * 3 + f, "video_id": v + 1, "frame_id": f, "file_name": f"{name}/{f:06d}.JPEG"}
            for v, name, n in ((0, "first", 3), (1, "second", 2))
            for f in range(n)
        ],
        "annotations": [
            annotation(1, 10, bbox=[1, 2, 10, 20], instance_id=4, occluded=1, visibility=0.5),
            annotation(2, 12, bbox=[1.5, 2, 10, 20], instance_id=4, generated=True, visibility=1),
            annotation(3, 12, category_id=2, bbox=[0, 0, 64, 48]),
        ],
    }


def annotation(number: int, image: int, **fields: object) -> Content:
    return {"id": number, "image_id": image, "category_id": 5, "bbox": [0, 0, 5, 5], "area": 25, "iscrowd": 0} | fields


def write(folder: Path, value: object) -> Path:
    path = folder / "val.json"
    path.write_text(json.dumps(value), encoding="utf-8")
    return path


def read(folder: Path, value: object, **options: Any) -> Source:
    return read_coco(write(folder, value), **options)


def test_videos_frames_and_boxes_are_read(tmp_path: Path) -> None:
    source = read(tmp_path, content())
    assert source.classes == (ObjectClass("car", "car"), ObjectClass("dog", "n02084071"))
    first, second = source.videos
    assert (first.name, first.size, first.frame_number.tolist()) == ("first", (64, 48), [0, 1, 2])
    assert first.instance_count.tolist() == [1, 0, 2]
    assert first.box.tolist() == [[1, 2, 11, 22], [1.5, 2, 11.5, 22], [0, 0, 64, 48]]
    assert first.class_id.tolist() == [1, 1, 0]
    assert first.track_id.tolist() == [4, 4, -1]
    assert first.occluded.tolist() == [True, False, False]
    assert first.generated.tolist() == [False, True, False]
    np.testing.assert_array_equal(first.instance_attributes["visibility"], [0.5, 1, np.nan])
    assert (second.name, second.size, second.instance_count.tolist()) == ("second", (0, 0), [0, 0])
    assert first.counts == second.counts == {}
    index = build_index(source.videos, source.classes, "made", "val", str(source.root))
    assert (index.n_videos, index.n_frames, index.n_instances) == (2, 5, 3)


def test_the_order_of_sections_and_elements_makes_no_difference(tmp_path: Path) -> None:
    value = content()
    backwards = {key: value[key] for key in ("annotations", "images", "videos", "categories")}
    a, b = read(tmp_path, value), read(tmp_path, backwards)
    fingerprints = [build_index(s.videos, s.classes, "d", "s").fingerprint for s in (a, b)]
    assert fingerprints[0] == fingerprints[1]


def test_images_out_of_order_are_sorted_and_counted(tmp_path: Path) -> None:
    value = content()
    value["images"].reverse()
    first = read(tmp_path, value).videos[0]
    assert first.frame_number.tolist() == [0, 1, 2]
    assert first.instance_count.tolist() == [1, 0, 2]
    assert first.counts == {OUT_OF_ORDER: 1}


def test_what_is_left_out_is_counted(tmp_path: Path) -> None:
    value = content()
    value["annotations"] += [
        annotation(4, 10, iscrowd=1),
        annotation(7, 10, ignore=1),
        annotation(5, 10, bbox=[1, 1, 0, 5]),
        annotation(6, 10, category_id=2),
    ]
    value["videos"][1]["length"] = 9
    first, second = read(tmp_path, value, classes=[ObjectClass("dog", "n02084071")]).videos
    assert first.counts == {NO_AREA: 1, OTHER_CLASS: 2}
    assert first.ignored is not None
    assert first.ignored.count.tolist() == [2, 0, 0]
    assert first.ignored.crowd.tolist() == [True, False]
    assert second.counts == {OTHER_LENGTH: 1}
    assert first.class_id.tolist() == [0, 0]


def test_plain_coco_is_a_video_of_one_frame_for_each_image(tmp_path: Path) -> None:
    value = content()
    del value["videos"]
    for image in value["images"]:
        del image["video_id"], image["frame_id"]
        image |= {"width": 64, "height": 48}
    videos = read(tmp_path, value).videos
    assert [v.name for v in videos] == [f"first/00000{f}" for f in range(3)] + ["second/000000", "second/000001"]
    assert [v.frame_number.tolist() for v in videos] == [[0]] * 5
    assert [len(v.class_id) for v in videos] == [1, 0, 2, 0, 0]
    assert (videos[0].size, videos[0].files.kind, videos[0].files.source) == ((64, 48), IMAGE, "first/000000.JPEG")


def test_frames_and_classes_are_called_as_the_file_calls_them(tmp_path: Path) -> None:
    source = read(tmp_path, content())
    called = source.videos[1].called
    assert (called.id, called.number) == (("13", "14"), (0, 1))
    assert called.path == ("second/000000.JPEG", "second/000001.JPEG")
    assert source.class_ids == ("2", "5")


def test_of_two_categories_of_one_name_the_one_without_boxes_is_left_out(tmp_path: Path) -> None:
    value = content()
    value["categories"].insert(0, {"id": 0, "name": "dog", "supercategory": "none"})
    source = read(tmp_path, value)
    assert (source.class_ids, [c.name for c in source.classes]) == (("2", "5"), ["car", "dog"])
    value["annotations"][0]["category_id"] = 0
    with pytest.raises(AnnotationError, match="categories 0 and 5 are both called 'dog', and both have boxes"):
        read(tmp_path, value)


def test_an_area_that_isnt_that_of_the_box_is_kept(tmp_path: Path) -> None:
    value = content()
    areas = [200, 200, 64 * 48]
    for of_box, area in zip(value["annotations"], areas, strict=True):
        of_box["area"] = area
    assert "area" not in read(tmp_path, value).videos[0].instance_attributes
    value["annotations"][1]["area"] = 120.5
    del value["annotations"][2]["area"]
    assert read(tmp_path, value).videos[0].instance_attributes["area"].tolist() == [200, 120.5, 64 * 48]


# -- where the frames are ----------------------------------------------------------------------------------------------


def test_file_names_become_a_folder_and_a_pattern(tmp_path: Path) -> None:
    files = read(tmp_path, content()).videos[0].files
    assert (files.kind, files.source, files.pattern, files.name) == (FOLDER, "first", "{:06d}.JPEG", None)


def test_file_names_that_fit_no_pattern_are_kept_one_by_one(tmp_path: Path) -> None:
    value = content()
    for image in value["images"]:
        image["file_name"] = f"first/{image['frame_id'] + 1:06d}.jpg"
    files = read(tmp_path, value).videos[0].files
    assert (files.kind, files.source, files.pattern) == (FOLDER, "first", "")
    assert files.name == ("000001.jpg", "000002.jpg", "000003.jpg")


def test_frames_in_several_folders_are_named_from_the_root(tmp_path: Path) -> None:
    value = content()
    value["images"][0]["file_name"] = "elsewhere/x.png"
    files = read(tmp_path, value).videos[0].files
    assert (files.source, files.name) == (".", ("elsewhere/x.png", "first/000001.JPEG", "first/000002.JPEG"))


def test_a_video_file_is_taken_unless_the_images_are_there(tmp_path: Path) -> None:
    value = content()
    value["videos"][0]["file"] = "films/first.mp4"
    files = read(tmp_path, value).videos[0].files
    assert (files.kind, files.source, files.pattern) == (VIDEO, "films/first.mp4", "")
    (tmp_path / "first").mkdir()
    (tmp_path / "first" / "000000.JPEG").write_bytes(b"")
    assert read(tmp_path, value).videos[0].files.kind == FOLDER
    assert read(tmp_path, value, frames=tmp_path / "other").videos[0].files.kind == VIDEO


# -- hostile input -----------------------------------------------------------------------------------------------------


def change(section: str, place: int, **fields: object) -> Callable[[Content], object]:
    return lambda value: value[section][place].update(fields)


def again(section: str, **fields: object) -> Callable[[Content], object]:
    return lambda value: value[section].append(copy.deepcopy(value[section][0]) | fields)


FAULTS: dict[str, tuple[Callable[[Content], object], str]] = {
    "video id twice": (again("videos", name="x"), r"videos\[2\]: id 1, wanted an id that stands once"),
    "image id twice": (again("images", frame_id=7), r"images\[5\]: id 10, wanted an id that stands once"),
    "category id twice": (again("categories"), r"categories\[2\]: id 5"),
    "annotation id twice": (again("annotations"), r"annotations\[3\]: id 1"),
    "video name twice": (change("videos", 1, name="first"), "two videos are called 'first'"),
    "frame twice": (again("images", id=99), r"images\[5\]: frame 0 stands twice in its video, first in"),
    "unknown image": (
        change("annotations", 1, image_id=77),
        r"annotations\[1\]: image_id 77; wanted that of one",
    ),
    "unknown category": (
        change("annotations", 1, category_id=77),
        r"annotations\[1\]: category_id 77; wanted that of one",
    ),
    "unknown video": (change("images", 1, video_id=77), r"images\[1\]: video 77; wanted that of one"),
    "image without video": (change("images", 1, video_id=None), r"images\[1\]: video None; wanted"),
    "no file name": (change("images", 1, file_name=None), r"images\[1\]: file_name None, wanted a text"),
    "path out": (
        change("images", 1, file_name="../../etc/passwd"),
        r"images\[1\]: .*passwd', wanted a path",
    ),
    "absolute path": (
        change("videos", 0, file="/etc/passwd"),
        r"videos\[0\]: '/etc/passwd', wanted a path inside",
    ),
    "negative frame": (change("images", 1, frame_id=-1), r"images\[1\]: frame_id -1, wanted a whole number"),
    "fractional frame": (change("images", 1, frame_id=1.5), r"images\[1\]: frame_id 1.5"),
    "huge frame": (change("images", 1, frame_id=10**30), r"images\[1\]: frame_id 1000"),
    "negative width": (change("annotations", 0, bbox=[1, 1, -2, 3]), r"annotations\[0\]: bbox \[1, 1, -2, 3\]"),
    "three numbers": (
        change("annotations", 0, bbox=[1, 1, 2]),
        r"annotations\[0\]: bbox .*, wanted 4 numbers",
    ),
    "text in a box": (change("annotations", 0, bbox=[1, 1, 2, "3"]), r"annotations\[0\]: bbox"),
    "bool in a box": (change("annotations", 0, bbox=[1, 1, 2, True]), r"annotations\[0\]: bbox"),
    "huge number": (change("annotations", 0, bbox=[1, 1, 2, 10**400]), r"annotations\[0\]: bbox .*… *, wanted|bbox"),
    "not a number": (change("annotations", 0, bbox=[1, 1, 2, float("nan")]), r"after images\[4\]|NaN is no number"),
    "infinity": (change("annotations", 1, bbox=[1, 1, 2, float("inf")]), r"after annotations\[0\]: .*Infinity"),
    "flag no flag": (change("annotations", 0, occluded=3), r"annotations\[0\]: occluded 3, wanted true or false"),
    "id no id": (change("annotations", 0, image_id=[10]), r"annotations\[0\]: image_id \[10\], wanted an id"),
    "sizes differ": (change("images", 1, width=32, height=24), r"images\[1\]: 32x24 pixels, others .* 64x48"),
    "no object": (lambda value: value["images"].append(7), r"images\[5\]: 7, wanted an object"),
    "no images": (lambda value: value.pop("images"), "images and categories was wanted"),
    "no categories": (lambda value: value.pop("categories"), "images and categories was wanted"),
    "many attributes": (change("annotations", 1, **{f"a{n}": n for n in range(99)}), r"annotations\[1\]: one of more"),
    "control characters": (change("videos", 0, name="a\x1b[2Jb"), r"videos\[0\]: name"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_what_breaks_the_rules_is_refused_with_its_place(tmp_path: Path, name: str) -> None:
    plant, words = FAULTS[name]
    value = content()
    plant(value)
    with pytest.raises(AnnotationError, match=words) as caught:
        read(tmp_path, value)
    assert "val.json" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400 + len(str(tmp_path))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"", "at the start"),
        (b"[]", "at the start"),
        (b"hello", "at the start"),
        (b'{"info": [{"id": 1}, {"id": 2', r"after info\[0\]"),
        (b'{"info": [1,]}', r"after info\[0\]"),
        (b'{"info": 1,}', "in 'info'"),
        (b'{"images": []} more', "wanted 'the end'"),
        (b'{"images" []}', "in 'images'"),
        (b"\xff\xfe{", "not UTF-8"),
        (b"\x00" * 100, "at the start"),
        (b'{"a": ' + b"[" * 100_000, "not the JSON"),
        (b'{"images": [' + b'{"a":' * 100_000, "not the JSON"),
        (b'{"a": ' + b"9" * 5000 + b"}", "not the JSON"),
    ],
    ids=range(13),
)
def test_what_is_no_json_is_refused(tmp_path: Path, text: bytes, words: str) -> None:
    path = tmp_path / "val.json"
    path.write_bytes(text)
    with pytest.raises(AnnotationError, match=words):
        read_coco(path)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(AnnotationError, match=r"none\.json: no such file"):
        read_coco(tmp_path / "none.json")


@pytest.mark.parametrize("indent", [None, 1])
def test_sections_yield_what_json_would_load(tmp_path: Path, indent: int | None) -> None:
    value = content() | {"empty": [], "number": 3.5, "nothing": None, "text": 'a "b" ]}'}
    path = tmp_path / "x.json"
    path.write_text("\ufeff" + json.dumps(value, indent=indent), encoding="utf-8")
    rebuilt: Content = {}
    for key, place, element in sections(path):
        if place < 0:
            rebuilt[key] = element
        else:
            rebuilt.setdefault(key, []).append(element)
    assert rebuilt == {key: element for key, element in value.items() if element != []}


# -- real data ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("split", "counts"), [("train", (73, 22_830, 25_126)), ("val", (15, 4_693, 5_590))])
def test_the_real_drone_clips(shared_data: Path, split: str, counts: tuple[int, int, int]) -> None:
    path = shared_data / "drone" / f"{split}.json"
    source = read_coco(path)
    index = build_index(source.videos, source.classes, "drone", split, str(source.root))
    assert (index.n_videos, index.n_frames, index.n_instances) == counts
    assert index.class_names == ("airplane", "bird", "drone", "helicopter")
    assert index.files is not None
    assert set(index.files.kind) == {VIDEO}
    assert (index.video_size == (640, 512)).all()
    value = json.loads(path.read_text())
    first = value["annotations"][0]
    frame = index.frames_of(index.video(re.sub(r".*/|\.mp4", "", value["videos"][0]["file"])))[0]
    x, y, w, h = first["bbox"]
    np.testing.assert_array_equal(index.box[index.instances_of(frame)][0], [x, y, x + w, y + h])


def test_frames_of_the_real_clips_can_be_read(shared_data: Path) -> None:
    pytest.importorskip("av")
    from vidkit.data.frames import frame

    source = read_coco(shared_data / "drone" / "val.json")
    index = build_index(source.videos, source.classes, "drone", "val", str(source.root))
    assert frame(index, int(index.frame_start[1])).shape == (512, 640, 3)
