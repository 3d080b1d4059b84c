import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.data.readers.reference import the_reference
from tests.fuzz.broken_copies import check
from vidkit.classes import ObjectClass
from vidkit.data.index import FOLDER
from vidkit.data.readers.datumaro import NO_LABEL, looks_like, read_datumaro
from vidkit.data.readers.drawn_table import NOT_BOXES
from vidkit.data.readers.found_boxes import OTHER_CLASS
from vidkit.data.readers.source import Source
from vidkit.errors import AnnotationError

Content = dict[str, Any]


def bbox(track: int | None = 3, label: int | None = 0, x: float = 1, **attributes: object) -> Content:
    told = attributes if track is None else {"track_id": track} | attributes
    return {
        "id": 0,
        "type": "bbox",
        "attributes": told,
        "group": 0,
        "label_id": label,
        "z_order": 0,
        "bbox": [x, 2, 10, 20],
    }


def item(name: str, *annotations: Content, frame: int | None = None, size: object = (48, 64)) -> Content:
    told: Content = {"id": name, "annotations": list(annotations), "image": {"path": f"{name}.PNG", "size": size}}
    return told if frame is None else told | {"attr": {"frame": frame}}


def content(*items: Content) -> Content:
    labels = [{"name": name, "parent": "", "attributes": []} for name in ("car", "person")]
    return {"info": {}, "categories": {"label": {"labels": labels, "attributes": []}}, "items": list(items)}


CLIP = (
    item("x/b", bbox(3), bbox(4, 1, occluded=True, speed=2), frame=0),
    item("x/a", frame=1),
    item("x/c", bbox(3, x=5, keyframe=False), frame=7),
)


def write(folder: Path, value: object, name: str = "default.json") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(json.dumps(value), encoding="utf-8")
    return path


def read(folder: Path, *items: Content, **options: Any) -> Source:
    return read_datumaro(write(folder / "clip" / "annotations", content(*items)), **options)


def test_tracked_items_go_by_the_numbers_of_their_frames(tmp_path: Path) -> None:
    source = read(tmp_path, *CLIP)
    assert ([c.name for c in source.classes], source.class_ids) == (["car", "person"], ("0", "1"))
    (video,) = source.videos
    assert (video.name, video.size, video.frame_number.tolist()) == ("clip", (64, 48), [0, 1, 7])
    assert video.instance_count.tolist() == [2, 0, 1]
    assert video.box.tolist() == [[1, 2, 11, 22], [1, 2, 11, 22], [5, 2, 15, 22]]
    assert (video.class_id.tolist(), video.track_id.tolist()) == ([0, 1, 0], [3, 4, 3])
    assert (video.occluded.tolist(), video.generated.tolist()) == ([False, True, False], [False, False, True])
    assert list(video.instance_attributes) == ["speed"]
    assert (video.called.id, video.called.number) == (("x/b", "x/a", "x/c"), (0, 1, 7))
    assert video.called.path == ("x/b.PNG", "x/a.PNG", "x/c.PNG")
    assert (video.files.kind, video.files.source, video.files.name) == (FOLDER, "x", ("b.PNG", "a.PNG", "c.PNG"))


def test_each_folder_of_items_is_a_video(tmp_path: Path) -> None:
    videos = read(tmp_path, item("a/f", bbox(), frame=2), item("b/f", frame=2), item("a/g", frame=3)).videos
    assert [(v.name, v.frame_number.tolist()) for v in videos] == [("a", [2, 3]), ("b", [2])]


def test_images_without_tracks_go_by_their_names(tmp_path: Path) -> None:
    stills = read(tmp_path, item("dog", bbox(None), frame=0), item("cat", frame=1)).videos
    assert [(v.name, len(v.box)) for v in stills] == [("cat", 0), ("dog", 1)]
    (film,) = read(tmp_path, item("frame_000001", bbox(None), frame=1), item("frame_000000", frame=0)).videos
    assert (film.name, film.frame_number.tolist(), film.track_id.tolist()) == ("clip", [0, 1], [-1])


def test_images_are_found_beside_the_annotations(tmp_path: Path) -> None:
    (tmp_path / "clip" / "images" / "default" / "x").mkdir(parents=True)
    (tmp_path / "clip" / "images" / "default" / "x" / "b.PNG").touch()
    source = read(tmp_path, *CLIP)
    assert (source.root, source.videos[0].files.source) == (tmp_path / "clip", "images/default/x")


def test_object_ids_are_tracks_and_polygons_boxes(tmp_path: Path) -> None:
    polygon = {"type": "polygon", "points": [5, 6, 7, 9, 1, 8], "label_id": 1, "object_id": 8, "attributes": {}}
    (video,) = read(tmp_path, item("a", polygon, frame=0)).videos
    assert (video.box.tolist(), video.track_id.tolist()) == ([[1, 6, 7, 9]], [8])


def test_what_is_left_out_is_counted(tmp_path: Path) -> None:
    marks = (bbox(5, outside=True), bbox(6, None), bbox(7, 1), {"type": "points", "points": [1, 2]}, {"type": "label"})
    (video,) = read(tmp_path, item("a", bbox(), *marks, frame=0), classes=[ObjectClass("car", "n")]).videos
    assert (len(video.box), video.counts) == (1, {NO_LABEL: 1, OTHER_CLASS: 1, NOT_BOXES: 1})
    (video,) = read(tmp_path, item("a", bbox(), bbox(9, 1, is_crowd=True), frame=0)).videos
    assert video.ignored is not None
    assert (video.ignored.class_id.tolist(), video.ignored.crowd.tolist()) == ([1], [True])


FAULTS: dict[str, tuple[Callable[[Content], object], str]] = {
    "label": (
        lambda v: v["items"][0]["annotations"][0].update(label_id=2),
        "a box has label_id 2, but there are 2 labels",
    ),
    "no id": (lambda v: v["items"][0].pop("id"), r"items\[0\]: id missing, wanted a text"),
    "id twice": (lambda v: v["items"][1].update(id="x/b"), r"items\[1\]: id 'x/b', wanted an id that comes once"),
    "path out": (lambda v: v["items"][1].update(id="../b"), r"items\[1\]: '\.\./b\.PNG', wanted a path inside"),
    "size": (lambda v: v["items"][1]["image"].update(size=[-1, 2]), r"image: size \[-1, 2\], wanted height and width"),
    "sizes": (
        lambda v: v["items"][1]["image"].update(size=[1, 2]),
        "video 'clip': .*: 2x1 pixels, others of the same video 64x48",
    ),
    "frame twice": (lambda v: v["items"][1]["attr"].update(frame=0), "'clip': frame number 0 comes twice"),
    "box": (lambda v: v["items"][0]["annotations"][0].update(bbox=[1, 2, 3]), r"annotations\[0\]: bbox \[1, 2, 3\]"),
    "track": (lambda v: v["items"][0]["annotations"][1]["attributes"].update(track_id=3), "track 3 has two boxes in"),
    "no items": (lambda v: v.pop("items"), "no items; wanted Datumaro's JSON"),
    "label name": (lambda v: v["categories"]["label"]["labels"][0].update(name=""), r"labels\[0\]: name '', wanted"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_what_breaks_the_rules_is_refused_with_its_place(tmp_path: Path, name: str) -> None:
    plant, words = FAULTS[name]
    value = json.loads(json.dumps(content(*CLIP)))
    plant(value)
    with pytest.raises(AnnotationError, match=words):
        read_datumaro(write(tmp_path / "clip" / "annotations", value))


def test_a_file_broken_in_any_way_is_refused_or_read(tmp_path: Path) -> None:
    path = write(tmp_path / "clip", content(*CLIP))
    assert check(path, path.read_bytes(), lambda: read_datumaro(path)) > 60


def test_the_form_is_known_by_its_beginning(tmp_path: Path) -> None:
    assert looks_like(write(tmp_path / "clip" / "annotations", content(*CLIP)))
    assert looks_like(tmp_path / "clip")
    for other in ({}, [], {"categories": [{"name": "label"}], "items": []}):
        assert not looks_like(write(tmp_path, other))
    assert not looks_like(tmp_path)


def test_the_field(shared_data: Path) -> None:
    assert looks_like(shared_data / "field" / "datumaro" / "default.json")
    source = read_datumaro(shared_data / "field" / "datumaro" / "default.json")
    the_reference(shared_data, source)
    assert source.videos[0].called.number == (0, 1, 2, 3, 4, 5)


def test_a_folder_with_one_subset_is_enough(tmp_path: Path) -> None:
    write(tmp_path / "clip" / "annotations", content(*CLIP), "train.json")
    assert read_datumaro(tmp_path / "clip").videos[0].name == "clip"
    write(tmp_path / "clip" / "annotations", content(*CLIP), "test.json")
    with pytest.raises(AnnotationError, match=r"default\.json: can't be read"):
        read_datumaro(tmp_path / "clip")
