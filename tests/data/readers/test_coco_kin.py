import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.data.readers.field_truth import field_case, rows_of, true_rows
from tests.fuzz.damaged_values import count_read, damaged_json
from vidkit.classes import ObjectClass
from vidkit.data.readers.coco import NEGATIVES, NOT_EXHAUSTIVE, OUT_OF_ORDER, looks_like, read_coco
from vidkit.data.readers.found_boxes import OTHER_CLASS
from vidkit.data.readers.source import Source
from vidkit.errors import AnnotationError

Json = dict[str, Any]


def box(number: int, image: object, **fields: object) -> Json:
    given = {"id": number, "image_id": image, "category_id": 4, "bbox": [10, 20, 30, 50], "area": 1500, "iscrowd": 0}
    return given | fields


def tao() -> Json:
    return {
        "videos": [
            {
                "id": 1,
                "name": "train/YFCC/v1",
                "width": 64,
                "height": 48,
                "neg_category_ids": [9],
                "not_exhaustive_category_ids": [],
            },
            {"id": 2, "name": "train/YFCC/v2", "neg_category_ids": [], "not_exhaustive_category_ids": [4]},
        ],
        "images": [
            {"id": 12, "video_id": 1, "frame_index": 30, "file_name": "train/YFCC/v1/frame0031.jpg"},
            {"id": 11, "video_id": 1, "frame_index": 0, "file_name": "train/YFCC/v1/frame0001.jpg"},
            {
                "id": 13,
                "video_id": 2,
                "frame_index": 5,
                "file_name": "train/YFCC/v2/frame0006.jpg",
                "width": 5,
                "height": 4,
            },
        ],
        "tracks": [{"id": 7, "category_id": 4, "video_id": 1}],
        "categories": [{"id": 9, "name": "dog", "synset": "dog.n.01"}, {"id": 4, "name": "person"}],
        "annotations": [
            box(1, 12, track_id=7, video_id=1, bbox=[12, 20, 30, 50]),
            box(2, 11, track_id=7, video_id=1),
            box(3, 11, track_id=8, video_id=1, iscrowd=1),
        ],
    }


def bytetrack(first: int = 1) -> Json:
    return {
        "videos": [{"id": 1, "file_name": "MOT17-02-FRCNN"}],
        "images": [
            {
                "id": 40 + n,
                "file_name": f"MOT17-02-FRCNN/img1/{n + 301:06d}.jpg",
                "frame_id": n + first,
                "prev_image_id": 39 + n if n else -1,
                "next_image_id": 41 + n,
                "video_id": 1,
            }
            for n in range(3)
        ],
        "annotations": [box(1, 40, track_id=5, conf=1.0), box(2, 42, track_id=5, conf=1.0)],
        "categories": [{"id": 4, "name": "pedestrian"}],
    }


def argoverse() -> Json:
    return {
        "categories": [{"id": 4, "name": "person"}],
        "images": [
            {"id": 2 * s + f, "name": f"ring_{315 + f}.jpg", "width": 64, "height": 48, "sid": s, "fid": f}
            for s in range(2)
            for f in range(2)
        ],
        "annotations": [box(0, 3, track=3, ignore=0), box(1, 2, track=3, ignore=1)],
        "sequences": ["5ab2697b", "6db21fda"],
        "seq_dirs": ["tracking/val/5ab2697b/ring", "tracking/val/6db21fda/ring"],
        "n_tracks": 1,
    }


def read(folder: Path, value: object, **options: Any) -> Source:
    (folder / "val.json").write_text(json.dumps(value))
    return read_coco(folder / "val.json", **options)


def test_tao_keeps_the_distance_of_its_frames(tmp_path: Path) -> None:
    source = read(tmp_path, tao())
    assert ([c.name for c in source.classes], source.class_ids) == (["person", "dog"], ("4", "9"))
    first, second = source.videos
    assert (first.name, first.size, second.size) == ("train/YFCC/v1", (64, 48), (5, 4))
    assert (first.frame_number.tolist(), first.called.number, first.called.id) == ([0, 30], (0, 30), ("11", "12"))
    assert first.called.path == ("train/YFCC/v1/frame0001.jpg", "train/YFCC/v1/frame0031.jpg")
    assert (first.files.source, first.files.name) == ("train/YFCC/v1", ("frame0001.jpg", "frame0031.jpg"))
    assert first.box.tolist() == [[10, 20, 40, 70], [12, 20, 42, 70]]
    assert (first.class_id.tolist(), first.track_id.tolist()) == ([0, 0], [7, 7])
    assert (first.counts, second.counts) == ({NEGATIVES: 1, OUT_OF_ORDER: 1}, {NOT_EXHAUSTIVE: 1})
    assert first.ignored is not None
    assert (first.ignored.count.tolist(), first.ignored.class_id.tolist()) == ([1, 0], [0])
    assert first.ignored.crowd.tolist() == [True]


def test_frames_of_bytetrack_count_from_1(tmp_path: Path) -> None:
    (video,) = read(tmp_path, bytetrack()).videos
    assert (video.name, video.frame_number.tolist(), video.called.number) == ("MOT17-02-FRCNN", [0, 1, 2], (1, 2, 3))
    assert (video.instance_count.tolist(), video.track_id.tolist()) == ([1, 0, 1], [5, 5])
    assert (video.files.source, video.called.id) == ("MOT17-02-FRCNN/img1", ("40", "41", "42"))
    (from_0,) = read(tmp_path, bytetrack(first=0)).videos
    assert (from_0.frame_number.tolist(), from_0.called.number) == ([0, 1, 2], (0, 1, 2))


def test_sequences_of_argoverse_are_videos(tmp_path: Path) -> None:
    first, second = read(tmp_path, argoverse()).videos
    assert (first.name, first.size, first.frame_number.tolist()) == ("5ab2697b", (64, 48), [0, 1])
    assert second.called.path == ("tracking/val/6db21fda/ring/ring_315.jpg", "tracking/val/6db21fda/ring/ring_316.jpg")
    assert (second.files.source, second.files.name) == ("tracking/val/6db21fda/ring", ("ring_315.jpg", "ring_316.jpg"))
    assert (second.instance_count.tolist(), second.track_id.tolist()) == ([0, 1], [3])
    assert second.ignored is not None
    assert (second.ignored.count.tolist(), second.ignored.crowd.tolist()) == ([1, 0], [False])
    value = argoverse()
    del value["sequences"]
    assert [video.name for video in read(tmp_path, value).videos] == argoverse()["seq_dirs"]


def test_with_classes_of_ones_own_boxes_of_others_are_counted(tmp_path: Path) -> None:
    source = read(tmp_path, tao(), classes=[ObjectClass("dog", "n02084071")], frames=tmp_path / "x")
    assert (source.root, source.class_ids) == (tmp_path / "x", ("9",))
    assert source.videos[0].counts == {OTHER_CLASS: 3, NEGATIVES: 1, OUT_OF_ORDER: 1}


CASES: dict[str, tuple[Callable[[Json], object], str]] = {
    "no videos": (lambda v: v.pop("videos"), r"images\[0\]: video 1, but the file has no videos"),
    "image twice": (lambda v: v["images"][1].update(id=12), r"images\[1\]: id 12, wanted an id that stands once"),
    "frame twice": (
        lambda v: v["images"][1].update(frame_index=30),
        r"images\[1\]: frame 30 stands twice in its",
    ),
    "no frame": (lambda v: v["images"][1].pop("frame_index"), r"images\[1\]: frame_id missing, wanted a whole number"),
    "no video": (lambda v: v["images"][1].update(video_id=5), r"images\[1\]: video 5; wanted that of one in the file"),
    "path out": (lambda v: v["images"][1].update(file_name="/etc/x.jpg"), r"images\[1\]: '/etc/x\.jpg', wanted a path"),
    "sizes": (
        lambda v: v["images"][1].update(width=1, height=2),
        r"images\[1\]: 1x2 pixels, others of the same video 64x48",
    ),
    "no image": (lambda v: v["annotations"][2].update(image_id=5), r"annotations\[2\]: image_id 5; wanted that of one"),
    "no category": (
        lambda v: v["annotations"][2].update(category_id=5),
        r"annotations\[2\]: category_id 5; wanted",
    ),
    "negative": (lambda v: v["annotations"][2].update(bbox=[1, 2, -3, 4]), r"annotations\[2\]: bbox \[1, 2, -3, 4\]"),
    "two of one name": (lambda v: v["videos"][1].update(name="train/YFCC/v1"), "two videos are called 'train/YFCC/v1'"),
    "burst": (
        lambda v: v.update(sequences=[{"seq_name": "a", "segmentations": []}]),
        r"sequences\[0\]: BURST's own form, which holds masks; wanted TAO's",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_breaks_the_rules_is_refused_with_its_place(tmp_path: Path, case: str) -> None:
    value = tao()
    change, message = CASES[case]
    change(value)
    with pytest.raises(AnnotationError, match=rf"val\.json: {message}"):
        read(tmp_path, value)


def test_folders_of_sequences_stay_inside(tmp_path: Path) -> None:
    with pytest.raises(AnnotationError, match=r"seq_dirs\[1\]: '\.\./x', wanted a path inside"):
        read(tmp_path, argoverse() | {"seq_dirs": ["a", "../x"]})


@pytest.mark.parametrize("make", [tao, argoverse, bytetrack])
def test_damaged_files_are_read_or_refused(tmp_path: Path, make: Callable[[], Json]) -> None:
    read_, refused = count_read(read_coco, tmp_path / "val.json", damaged_json(make()))
    assert read_ > 140 and refused > 200


@pytest.mark.parametrize(
    ("value", "is_it"),
    [
        (tao(), True),
        (bytetrack(), True),
        (argoverse(), True),
        ({"sequences": [{"annotated_image_paths": []}]}, True),
        ({"images": [{"frame_id": 0}], "annotations": [{"instance_id": 3}]}, False),
        ({"images": [{"id": 1, "file_name": "a.jpg"}]}, True),
        ({"annotations": [{"attributes": {"occluded": False, "track_id": 3}}]}, False),
        ({"annotations": [{"bboxes": [None], "track_id": 3}]}, False),
        ([{"track_id": 1}], False),
    ],
)
def test_the_forms_are_known_at_a_glance(tmp_path: Path, value: object, is_it: bool) -> None:
    (tmp_path / "a.json").write_text(json.dumps(value))
    assert looks_like(tmp_path / "a.json") == is_it
    assert looks_like(tmp_path) == is_it
    assert not looks_like(tmp_path / "none")


@pytest.mark.parametrize("case", ["cocovid_tao/validation", "cocovid_bytetrack/val_half", "cocovid_track_id/mot_val"])
def test_the_case_of_the_field_test(shared_data: Path, case: str) -> None:
    path = field_case(shared_data, f"{case}.json")
    assert looks_like(path)
    source = read_coco(path)
    assert rows_of(source) == true_rows(shared_data)
    (video,) = source.videos
    assert (video.name, video.frame_number.tolist()) == ("clip", list(range(6)))


def test_the_real_layouts_of_the_field_test(shared_data: Path) -> None:
    (argo,) = read_coco(field_case(shared_data, "more/argoverse/val.json")).videos
    assert (argo.name, argo.box.tolist(), argo.track_id.tolist()) == ("5ab2697b", [[10, 20, 40, 70]], [3])
    (of_tao,) = read_coco(field_case(shared_data, "more/tao/train.json")).videos
    assert (of_tao.name, of_tao.frame_number.tolist()) == ("train/YFCC/v1", [0, 30])
