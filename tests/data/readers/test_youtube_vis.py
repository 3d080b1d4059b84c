import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.data.readers.field_truth import field_case, rows_of, true_rows
from tests.fuzz.damaged_values import count_read, damaged_json
from vidkit.classes import ObjectClass
from vidkit.data.readers.found_boxes import NO_AREA, OTHER_CLASS
from vidkit.data.readers.source import Source
from vidkit.data.readers.youtube_vis import looks_like, read_youtube_vis
from vidkit.errors import AnnotationError

Json = dict[str, Any]


def content() -> Json:
    """A video of three frames, each fifth of a film, and one that nothing is seen in."""
    return {
        "info": {"year": 2021},
        "categories": [{"id": 26, "name": "person", "supercategory": "object"}, {"id": 3, "name": "giant panda"}],
        "videos": [
            {
                "id": 7,
                "width": 64,
                "height": 48,
                "length": 3,
                "file_names": [f"0043f083b5/{n:05d}.jpg" for n in (0, 5, 10)],
            },
            {"id": "b", "file_names": ["x/a.jpg", "x/b.jpg"]},
        ],
        "annotations": [
            annotation(4, 26, [[1, 2, 10, 20], None, [3.5, 2, 10, 20]]),
            annotation(9, 3, [[0, 0, 5, 5], [0, 0, 0, 0], None]),
            annotation(5, 26, [None, [0, 0, 60, 40], [0, 0, 60, 40]], iscrowd=1),
        ],
    }


def annotation(number: object, category: object, bboxes: list[object], **fields: object) -> Json:
    areas = [None if box is None else 1 for box in bboxes]
    return {"id": number, "video_id": 7, "category_id": category, "bboxes": bboxes, "areas": areas} | fields


def read(folder: Path, value: object, **options: Any) -> Source:
    (folder / "instances.json").write_text(json.dumps(value))
    return read_youtube_vis(folder / "instances.json", **options)


def test_tracks_are_read_with_the_numbers_of_the_files(tmp_path: Path) -> None:
    source = read(tmp_path, content())
    assert ([c.name for c in source.classes], source.class_ids) == (["person", "giant panda"], ("26", "3"))
    first, second = source.videos
    assert (first.name, first.size, first.frame_number.tolist()) == ("0043f083b5", (64, 48), [0, 5, 10])
    assert (first.called.number, first.called.path) == ((0, 5, 10), tuple(content()["videos"][0]["file_names"]))
    assert first.instance_count.tolist() == [2, 0, 1]
    assert first.box.tolist() == [[1, 2, 11, 22], [0, 0, 5, 5], [3.5, 2, 13.5, 22]]
    assert (first.class_id.tolist(), first.track_id.tolist()) == ([0, 1, 0], [4, 9, 4])
    assert first.counts == {NO_AREA: 1}
    assert (first.files.source, first.files.pattern) == ("0043f083b5", "{:05d}.jpg")
    assert (second.name, second.frame_number.tolist(), second.called.number) == ("x", [0, 1], None)
    assert len(second.class_id) == 0


def test_crowds_are_ignored_regions_of_their_class(tmp_path: Path) -> None:
    ignored = read(tmp_path, content()).videos[0].ignored
    assert ignored is not None
    assert (ignored.count.tolist(), ignored.box.tolist()) == ([0, 1, 1], [[0, 0, 60, 40]] * 2)
    assert (ignored.class_id.tolist(), ignored.crowd.tolist()) == ([0, 0], [True, True])


def test_with_classes_of_ones_own_boxes_of_others_are_counted(tmp_path: Path) -> None:
    source = read(tmp_path, content(), classes=[ObjectClass("cat", "cat"), ObjectClass("giant panda", "n02510455")])
    assert source.class_ids == ("", "3")
    assert (source.videos[0].class_id.tolist(), source.videos[0].counts) == ([1], {OTHER_CLASS: 4, NO_AREA: 1})


def test_frames_lie_where_the_user_says_or_in_jpegimages(tmp_path: Path) -> None:
    assert read(tmp_path, content()).root == tmp_path
    (tmp_path / "JPEGImages").mkdir()
    assert read(tmp_path, content()).root == tmp_path / "JPEGImages"
    assert read(tmp_path, content(), frames=tmp_path / "x").root == tmp_path / "x"
    assert read_youtube_vis(tmp_path).videos[0].name == "0043f083b5"


def test_videos_are_called_by_name_folder_or_id(tmp_path: Path) -> None:
    value = content()
    value["videos"] = [
        {"id": 1, "name": "own", "file_names": ["s/1.jpg"]},
        {"id": 2, "file_names": ["s/1.jpg"]},
        {"id": 3, "file_names": ["s/2.jpg"]},
        {"id": 4, "file_names": ["1.jpg"]},
        {"id": 5, "file_names": ["t/1.jpg", "t/2.jpg"]},
    ]
    value["annotations"] = None  # as in the files of splits for testing
    assert [video.name for video in read(tmp_path, value).videos] == ["own", "2", "3", "4", "t"]


def test_track_ids_may_be_texts(tmp_path: Path) -> None:
    value = content()
    for annotation, name in zip(value["annotations"], "xyz", strict=True):
        annotation["id"] = name
    assert read(tmp_path, value).videos[0].track_id.tolist() == [0, 1, 0]


CASES: dict[str, tuple[Callable[[Json], object], str]] = {
    "no videos": (lambda v: v.pop("videos"), "no videos in it; wanted the JSON of YouTube-VIS"),
    "video twice": (lambda v: v["videos"][1].update(id=7), r"videos\[1\]: id 7, wanted an id that stands once"),
    "path out": (
        lambda v: v["videos"][1].update(file_names=["../a.jpg", "b.jpg"]),
        r"videos\[1\]: '\.\./a\.jpg', wanted a path inside the folder",
    ),
    "names no list": (lambda v: v["videos"][1].update(file_names="a"), r"videos\[1\]: file_names 'a', wanted a list"),
    "name no text": (lambda v: v["videos"][1].update(file_names=[1]), r"videos\[1\]: file_names \[1\], wanted a list"),
    "no such video": (lambda v: v["annotations"][1].update(video_id=8), r"annotations\[1\]: video_id 8, category_id 3"),
    "no such category": (lambda v: v["annotations"][1].update(category_id=8), r"annotations\[1\]: .*category_id 8;"),
    "length": (lambda v: v["annotations"][1]["bboxes"].pop(), r"annotations\[1\]: 2 bboxes in a video of 3 file_names"),
    "three numbers": (
        lambda v: v["annotations"][1].update(bboxes=[None, [1, 2, 3], None]),
        r"annotations\[1\]: bboxes\[1\] \[1, 2, 3\], wanted x, y, width, height or null",
    ),
    "negative": (lambda v: v["annotations"][1].update(bboxes=[[1, 2, -3, 4], None, None]), "a box of -3 x 4 pixels"),
}


@pytest.mark.parametrize("case", CASES)
def test_what_breaks_the_rules_is_refused_with_its_place(tmp_path: Path, case: str) -> None:
    value = content()
    change, message = CASES[case]
    change(value)
    with pytest.raises(AnnotationError, match=rf"instances\.json: .*{message}|instances\.json: {message}"):
        read(tmp_path, value)


def test_several_files_in_a_folder_are_refused(tmp_path: Path) -> None:
    read(tmp_path, content())
    (tmp_path / "instances_val.json").write_text("{}")
    with pytest.raises(AnnotationError, match=r"instances\.json and 1 more like it; name the one"):
        read_youtube_vis(tmp_path)


def test_damaged_files_are_read_or_refused(tmp_path: Path) -> None:
    value = content()
    value["annotations"] = value["annotations"][:2]
    read, refused = count_read(read_youtube_vis, tmp_path / "instances.json", damaged_json(value))
    assert read > 150 and refused > 300


def test_other_json_is_not_taken_for_it(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    for text, is_it in (
        ('{"images": [], "annotations": [{"bbox": []}]}', False),
        ('[{"file_names": [], "bboxes": []}]', False),
        ('{"videos": [{"file_names": [', True),
        ('{"annotations": [' + " " * 200_000 + '{"bboxes": [null]}]}', True),
    ):
        path.write_text(text)
        assert looks_like(path) == is_it
        assert looks_like(tmp_path) == is_it
    assert not looks_like(tmp_path / "none")


@pytest.mark.parametrize("case", ["youtube_vis", "youtube_vis_images"])
def test_the_case_of_the_field_test(shared_data: Path, case: str) -> None:
    path = field_case(shared_data, f"{case}/instances.json")
    assert looks_like(path)
    source = read_youtube_vis(path)
    assert rows_of(source) == true_rows(shared_data)
    assert (source.videos[0].name, source.videos[0].size) == ("clip", (100, 80))
