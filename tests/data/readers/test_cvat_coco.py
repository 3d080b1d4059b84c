import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.data.readers.reference import the_reference
from tests.fuzz.broken_copies import check
from vidkit.classes import ObjectClass
from vidkit.data.index import FOLDER
from vidkit.data.readers.cvat_coco import looks_like, read_cvat_coco
from vidkit.data.readers.drawn_table import TURNED
from vidkit.data.readers.found_boxes import NO_AREA, OTHER_CLASS
from vidkit.data.readers.source import Source
from vidkit.errors import AnnotationError

Content = dict[str, Any]


def annotation(number: int, image: int, track: int | None = 3, **fields: object) -> Content:
    attributes = {"occluded": False, "rotation": 0.0, "keyframe": True} | ({} if track is None else {"track_id": track})
    told = fields.pop("attributes", {})
    return {
        **{"id": number, "image_id": image, "category_id": 5, "bbox": [1, 2, 10, 20], "area": 200, "iscrowd": 0},
        **fields,
        "attributes": attributes | told,  # type: ignore[operator]
    }


def content() -> Content:
    return {
        "licenses": [{"name": "", "id": 0}],
        "info": {"description": ""},
        "categories": [{"id": 5, "name": "dog"}, {"id": 2, "name": "car"}],
        "images": [
            {"id": 10 - n, "width": 64, "height": 48, "file_name": f"frame_{n:06d}.PNG", "license": 0} for n in range(4)
        ],
        "annotations": [
            annotation(1, 10),
            annotation(2, 8, bbox=[3, 2, 10, 20], attributes={"keyframe": False, "occluded": True, "speed": 2.5}),
            annotation(3, 8, 7, category_id=2),
        ],
    }


def write(folder: Path, value: object) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "instances_default.json"
    path.write_text(json.dumps(value), encoding="utf-8")
    return path


def read(folder: Path, value: object, **options: Any) -> Source:
    return read_cvat_coco(write(folder / "clip" / "annotations", value), **options)


def test_a_task_is_one_video_in_the_order_of_the_numbers_of_its_images(tmp_path: Path) -> None:
    source = read(tmp_path, content())
    assert ([c.name for c in source.classes], source.class_ids) == (["car", "dog"], ("2", "5"))
    (video,) = source.videos
    assert (video.name, video.size, video.frame_number.tolist()) == ("clip", (64, 48), [0, 1, 2, 3])
    assert video.instance_count.tolist() == [1, 0, 2, 0]
    assert video.box.tolist() == [[1, 2, 11, 22], [3, 2, 13, 22], [1, 2, 11, 22]]
    assert (video.class_id.tolist(), video.track_id.tolist()) == ([1, 1, 0], [3, 3, 7])
    assert (video.generated.tolist(), video.occluded.tolist()) == ([False, True, False], [False, True, False])
    assert list(video.instance_attributes) == ["speed"]
    assert video.called.id == ("10", "9", "8", "7")
    assert video.called.path == tuple(f"frame_{n:06d}.PNG" for n in range(4))
    assert source.root == tmp_path / "clip"


def test_the_order_of_sections_makes_no_difference(tmp_path: Path) -> None:
    value = content()
    a, b = read(tmp_path, value), read(tmp_path, dict(reversed(value.items())))
    assert a.classes == b.classes
    for one, other in zip(a.videos, b.videos, strict=True):
        assert one.box.tolist() == other.box.tolist()
        assert one.class_id.tolist() == other.class_id.tolist()


def test_names_that_are_not_numbered_go_by_image_id(tmp_path: Path) -> None:
    value = content()
    for image, name in zip(value["images"], "dbca", strict=True):
        image["file_name"] = f"{name}.png"
    (video,) = read(tmp_path, value).videos
    assert (video.called.path, video.frame_number.tolist()) == (("a.png", "c.png", "b.png", "d.png"), [0, 1, 2, 3])
    assert video.instance_count.tolist() == [0, 2, 0, 1]


def test_each_folder_of_images_is_a_video(tmp_path: Path) -> None:
    value = content()
    for n, image in enumerate(value["images"]):
        image["file_name"] = f"{'ab'[n % 2]}/{image['file_name']}"
    assert [(v.name, v.frame_number.tolist()) for v in read(tmp_path, value).videos] == [
        ("a", [0, 2]),
        ("b", [1, 3]),
    ]


def test_images_are_found_beside_the_annotations(tmp_path: Path) -> None:
    assert read(tmp_path, content()).videos[0].files.source == "."
    (tmp_path / "clip" / "images" / "default").mkdir(parents=True)
    (tmp_path / "clip" / "images" / "default" / "frame_000003.PNG").touch()  # the lowest id
    files = read(tmp_path, content()).videos[0].files
    assert (files.kind, files.source, files.name and files.name[0]) == (FOLDER, "images/default", "frame_000000.PNG")


def test_crowds_are_ignored_regions_and_what_is_left_out_is_counted(tmp_path: Path) -> None:
    value = content()
    value["annotations"] += [
        annotation(4, 9, None, iscrowd=1),
        annotation(5, 9, 8, bbox=[1, 1, 0, 5]),
        annotation(6, 9, 9, attributes={"rotation": 90.0}),
        annotation(7, 9, 10, attributes={"outside": True}),
    ]
    (video,) = read(tmp_path, value, classes=[ObjectClass("dog", "n1")]).videos
    assert video.counts == {OTHER_CLASS: 1, NO_AREA: 1, TURNED: 1}
    assert video.instance_count.tolist() == [1, 1, 1, 0]
    assert video.ignored is not None
    assert (video.ignored.count.tolist(), video.ignored.crowd.tolist()) == ([0, 1, 0, 0], [True])


def change(section: str, place: int, **fields: object) -> Callable[[Content], object]:
    return lambda value: value[section][place].update(fields)


def without_tracks(value: Content) -> None:
    for element in value["annotations"]:
        del element["attributes"]["track_id"]


FAULTS: dict[str, tuple[Callable[[Content], object], str]] = {
    "videos": (lambda value: value.update(videos=[{"id": 1}]), "this is COCO-VID"),
    "no tracks": (without_tracks, r"no annotation has attributes\.track_id: this is COCO without tracks"),
    "unknown image": (change("annotations", 1, image_id=77), "annotations have image_id 77, which isn't in the file"),
    "unknown category": (change("annotations", 1, category_id="x"), "annotations have category_id 'x'"),
    "image twice": (change("images", 1, id=10), r"images\[1\]: id 10, wanted an id that stands once"),
    "name twice": (change("images", 1, file_name="frame_000000.PNG"), r"images\[1\]: file_name .* comes once; export"),
    "path out": (change("images", 1, file_name="../x.png"), r"images\[1\]: '\.\./x\.png', wanted a path inside"),
    "no box": (change("annotations", 0, bbox=None), r"annotations\[0\]: bbox None, wanted 4 numbers"),
    "negative": (change("annotations", 0, bbox=[1, 1, -1, 1]), r"annotations\[0\]: bbox \[1, 1, -1, 1\], wanted x, y"),
    "bool in a box": (change("annotations", 0, bbox=[1, 1, True, 1]), r"annotations\[0\]: bbox"),
    "track no number": (change("annotations", 0, attributes={"track_id": "a"}), r"attributes: track_id 'a', wanted a"),
    "sizes": (
        change("images", 1, width=9, height=9),
        "video 'clip': .*: 64x48 pixels, others of the same video 9x9|9x9 pixels, others .* 64x48",
    ),
    "no object": (lambda value: value["images"].append(7), r"images\[4\]: 7, wanted an object"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_what_breaks_the_rules_is_refused_with_its_place(tmp_path: Path, name: str) -> None:
    plant, words = FAULTS[name]
    value = content()
    plant(value)
    with pytest.raises(AnnotationError, match=words):
        read(tmp_path, value)


def test_a_file_broken_in_any_way_is_refused_or_read(tmp_path: Path) -> None:
    path = write(tmp_path / "clip", content())
    assert check(path, path.read_bytes(), lambda: read_cvat_coco(path)) > 60


def test_the_form_is_known_by_its_ends(tmp_path: Path) -> None:
    value = content()
    assert looks_like(write(tmp_path / "clip" / "annotations", value))
    assert looks_like(tmp_path / "clip")
    without_tracks(value)
    for other in (value, content() | {"videos": []}, [], {}):
        assert not looks_like(write(tmp_path, other))
    assert not looks_like(tmp_path / "none")


def test_the_field(shared_data: Path) -> None:
    source = read_cvat_coco(shared_data / "field" / "cvat_coco")
    the_reference(shared_data, source)
    (video,) = read_cvat_coco(shared_data / "field" / "more" / "cvatcoco.json").videos
    assert (video.box[:, 0].tolist(), video.track_id.tolist()) == ([10, 11, 12], [1, 1, 1])
