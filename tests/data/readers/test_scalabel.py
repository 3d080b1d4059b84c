import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.data.readers.field_truth import field_case, rows_of, true_rows
from tests.fuzz.damaged_values import count_read, damaged_json
from vidkit.classes import ObjectClass
from vidkit.data.index import FOLDER, IMAGE
from vidkit.data.json_sections import elements
from vidkit.data.readers.found_boxes import OTHER_CLASS
from vidkit.data.readers.scalabel import NO_BOX, SCORED, looks_like, read_scalabel
from vidkit.data.readers.source import Source
from vidkit.errors import AnnotationError

Json = dict[str, Any]


def label(number: str | None, category: str, corners: list[float] | None, **attributes: object) -> Json:
    box = None if corners is None else dict(zip(("x1", "y1", "x2", "y2"), corners, strict=True))
    return {"id": number, "category": category, "attributes": attributes or None, "box2d": box}


def video_frames(video: str = "b1c66a42") -> list[Json]:
    return [
        {"name": f"{video}-0000003.jpg", "videoName": video, "frameIndex": 2, "labels": None},
        {
            "name": f"{video}-0000001.jpg",
            "videoName": video,
            "frameIndex": 0,
            "labels": [
                label("00000007", "pedestrian", [10, 20, 40.5, 70], occluded=True, truncated=False, crowd=False),
                label("00000009", "car", [0, 0, 50, 40], crowd=True),
                label(None, "lane", None),
                label("00000010", "car", [1, 2, 3, 4], truncated=True) | {"score": 0.5},
            ],
        },
    ]


def write(path: Path, value: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))
    return path


def read(folder: Path, value: object, **options: Any) -> Source:
    return read_scalabel(write(folder / "val.json", value), **options)


def test_frames_of_a_video_are_read(tmp_path: Path) -> None:
    source = read(tmp_path, video_frames())
    (video,) = source.videos
    assert [c.name for c in source.classes] == ["car", "pedestrian"]
    assert (video.name, video.frame_number.tolist(), video.called.number) == ("b1c66a42", [0, 2], (0, 2))
    assert video.called.path == ("b1c66a42-0000001.jpg", "b1c66a42-0000003.jpg")
    assert video.instance_count.tolist() == [2, 0]
    assert video.box.tolist() == [[10, 20, 40.5, 70], [1, 2, 3, 4]]
    assert (video.class_id.tolist(), video.track_id.tolist()) == ([1, 0], [7, 10])
    assert video.occluded.tolist() == [True, False]
    assert video.instance_attributes["truncated"].tolist() == [0, 1]
    assert video.counts == {NO_BOX: 1, SCORED: 1}


@pytest.mark.parametrize("flag", ["crowd", "ignored"])
def test_crowds_and_what_is_ignored_are_ignored_regions(tmp_path: Path, flag: str) -> None:
    value = video_frames()
    value[1]["labels"][1]["attributes"] = {flag: True}
    ignored = read(tmp_path, value).videos[0].ignored
    assert ignored is not None
    assert (ignored.count.tolist(), ignored.box.tolist()) == ([1, 0], [[0, 0, 50, 40]])
    assert (ignored.class_id.tolist(), ignored.crowd.tolist()) == ([0], [True])


def test_a_dataset_tells_sizes_and_leaves_of_categories(tmp_path: Path) -> None:
    categories = [{"name": "human", "subcategories": [{"name": "pedestrian"}, {"name": "rider"}]}, {"name": "bus"}]
    config = {"imageSize": {"width": 64, "height": 48}, "categories": categories}
    source = read(tmp_path, {"frames": video_frames(), "config": config, "groups": None})
    assert [c.name for c in source.classes] == ["pedestrian", "rider", "bus", "car"]
    assert source.videos[0].size == (64, 48)
    sized = [frame | {"size": {"width": 6, "height": 4}} for frame in video_frames()]
    assert read(tmp_path, {"config": config, "frames": sized}).videos[0].size == (6, 4)


def test_a_folder_holds_a_file_for_each_video(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write(tmp_path / "box_track" / "val" / f"{name}.json", video_frames(name))
    for path in (tmp_path / "box_track", tmp_path / "box_track" / "val"):
        assert looks_like(path)
        source = read_scalabel(path, frames=tmp_path / "images")
        assert ([v.name for v in source.videos], source.root) == (["a", "b"], tmp_path / "images")
    write(tmp_path / "box_track" / "val" / "c.json", video_frames("a"))
    with pytest.raises(AnnotationError, match="two videos are called 'a'"):
        read_scalabel(tmp_path / "box_track")


def test_images_lie_in_the_folder_of_their_video_or_beside_the_file(tmp_path: Path) -> None:
    files = read(tmp_path, video_frames()).videos[0].files
    assert (files.kind, files.source) == (FOLDER, "b1c66a42")
    assert files.name == ("b1c66a42-0000001.jpg", "b1c66a42-0000003.jpg")
    (tmp_path / "b1c66a42-0000001.jpg").touch()
    assert read(tmp_path, video_frames()).videos[0].files.source == "."
    value = [frame | {"name": f"images/{frame['name']}"} for frame in video_frames()]
    assert read(tmp_path, value).videos[0].files.source == "images"


def test_older_names_of_fields_are_read(tmp_path: Path) -> None:
    value = [
        {"name": f["name"], "video_name": f["videoName"], "index": f["frameIndex"], "labels": f["labels"]}
        for f in video_frames()
    ]
    (video,) = read(tmp_path, value).videos
    assert (video.name, video.frame_number.tolist()) == ("b1c66a42", [0, 2])


def test_frames_without_a_video_are_of_the_one_that_the_file_is_called_after(tmp_path: Path) -> None:
    value = [{key: v for key, v in frame.items() if key != "videoName"} for frame in video_frames()]
    (video,) = read(tmp_path, value).videos
    assert (video.name, video.frame_number.tolist()) == ("val", [0, 2])


def test_frames_without_video_and_index_are_still_images(tmp_path: Path) -> None:
    value = [{"name": f["name"], "labels": f["labels"]} for f in video_frames()]
    first, second = read(tmp_path, value).videos
    assert (first.name, first.frame_number.tolist()) == ("b1c66a42-0000003", [0])
    assert (second.files.kind, second.files.source) == (IMAGE, "b1c66a42-0000001.jpg")
    with pytest.raises(AnnotationError, match=r"frames\[2\]: frame 0 stands twice"):
        read(tmp_path, [*value, value[0]])
    with pytest.raises(AnnotationError, match=r"frames\[2\]: name 'x\.jpg', wanted another name"):
        read(tmp_path, [*value, {"name": "x.jpg", "videoName": "b1c66a42-0000003"}])


def test_tracks_may_be_called_anything(tmp_path: Path) -> None:
    value = video_frames()
    for n, name in enumerate(("b", "x", "", "a")):
        value[1]["labels"][n]["id"] = name or None
    assert read(tmp_path, value).videos[0].track_id.tolist() == [0, 2]


def test_with_classes_of_ones_own_boxes_of_others_are_counted(tmp_path: Path) -> None:
    (video,) = read(tmp_path, video_frames(), classes=[ObjectClass("car", "n02958343")]).videos
    assert (video.class_id.tolist(), video.counts) == ([0], {OTHER_CLASS: 1, NO_BOX: 1, SCORED: 1})


CASES: dict[str, tuple[Callable[[Any], object], str]] = {
    "no name": (lambda v: v[1].pop("name"), r"frames\[1\]: name missing, wanted a text"),
    "path out": (lambda v: v[1].update(name="../a.jpg"), r"frames\[1\]: '\.\./a\.jpg', wanted a path inside"),
    "video out": (lambda v: v[1].update(videoName="/a"), r"frames\[1\]: '/a', wanted a path inside"),
    "frame twice": (lambda v: v[1].update(frameIndex=2), r"frames\[1\]: frame 2 stands twice in its video"),
    "no category": (lambda v: v[1]["labels"][0].pop("category"), r"frames\[1\]: labels\[0\]: category missing"),
    "corner": (lambda v: v[1]["labels"][0]["box2d"].pop("x2"), r"frames\[1\]: labels\[0\]: box2d .*wanted numbers x1"),
    "flag": (
        lambda v: v[1]["labels"][0]["attributes"].update(crowd="no"),
        r"frames\[1\]: labels\[0\]: attributes: crowd 'no', wanted true or false",
    ),
    "negative": (
        lambda v: v[1]["labels"][3]["box2d"].update(x2=0),
        r"frames\[1\]: labels\[3\]: a box of -1 x 2 pixels",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_breaks_the_rules_is_refused_with_its_place(tmp_path: Path, case: str) -> None:
    value = video_frames()
    change, message = CASES[case]
    change(value)
    with pytest.raises(AnnotationError, match=rf"val\.json: {message}"):
        read(tmp_path, value)


@pytest.mark.parametrize("value", [[], {}, {"frames": []}, {"frames": None}])
def test_a_file_without_frames_is_refused(tmp_path: Path, value: object) -> None:
    with pytest.raises(AnnotationError, match=r"val\.json: no frames in it; wanted Scalabel's JSON"):
        read(tmp_path, value)


def test_damaged_files_are_read_or_refused(tmp_path: Path) -> None:
    read_, refused = count_read(read_scalabel, tmp_path / "val.json", damaged_json(video_frames()))
    assert read_ > 100 and refused > 200
    config = {"imageSize": {"width": 6, "height": 4}, "categories": [{"name": "a", "subcategories": [{"name": "b"}]}]}
    value = {"config": config, "frames": video_frames()[1:]}
    read_, refused = count_read(read_scalabel, tmp_path / "val.json", damaged_json(value))
    assert read_ > 50 and refused > 100


@pytest.mark.parametrize(
    ("value", "is_it"),
    [
        (video_frames(), True),
        ({"frames": video_frames()}, True),
        ([{"name": "a.jpg", "labels": [label("1", "car", [0, 0, 1, 1])]}], True),
        ([{"image_id": 1, "category_id": 1, "bbox": [], "score": 1}], False),
        ({"videos": [{"name": "a"}]}, False),
    ],
)
def test_the_form_is_known_at_a_glance(tmp_path: Path, value: object, is_it: bool) -> None:
    assert looks_like(write(tmp_path / "a.json", value)) == is_it
    assert not looks_like(tmp_path / "none")


def test_elements_of_an_array_come_one_by_one(tmp_path: Path) -> None:
    assert list(elements(write(tmp_path / "a.json", [1, [2], {"a": 3}]))) == [(0, 1), (1, [2]), (2, {"a": 3})]
    for text, where in (('{"a": 1}', "at the start"), ("[1, 2", r"after \[1\]"), ("[1] 2", r"after \[0\]")):
        (tmp_path / "a.json").write_text(text)
        with pytest.raises(AnnotationError, match=rf"a\.json: {where}: not the JSON"):
            list(elements(tmp_path / "a.json"))


def test_the_case_of_the_field_test(shared_data: Path) -> None:
    path = field_case(shared_data, "scalabel/clip.json")
    assert looks_like(path)
    source = read_scalabel(path)
    assert rows_of(source) == true_rows(shared_data)
    (video,) = source.videos
    assert (video.name, video.frame_number.tolist(), video.counts) == ("clip", list(range(6)), {})


def test_the_real_layout_of_the_field_test(shared_data: Path) -> None:
    (video,) = read_scalabel(field_case(shared_data, "more/bdd")).videos
    assert (video.name, video.box.tolist(), video.track_id.tolist()) == ("b1c66a42", [[10, 20, 40, 70]], [7])
    assert video.occluded.tolist() == [True]
