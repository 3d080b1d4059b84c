from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.data.readers.reference import the_reference
from tests.fuzz.broken_copies import check
from vidkit.classes import ObjectClass
from vidkit.data.index import FOLDER, IMAGE
from vidkit.data.readers.found_boxes import NO_AREA, OTHER_CLASS
from vidkit.data.readers.yolo import NO_IMAGE, NO_LABELS, TWICE, looks_like, read_yolo
from vidkit.errors import AnnotationError

YAML = "path: .\nval: images/val\nnames: [car, person]\n"
LINES = "0 0.25 0.375 0.3 0.25\n1 0.65 0.525 0.1 0.3\n"


def image(path: Path, size: tuple[int, int] = (100, 80)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", size).save(path)
    return path


def text(path: Path, content: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")
    return path


def make(root: Path, frames: int = 3, yaml: str | None = YAML, lines: str = LINES, split: str = "val") -> Path:
    """A clip of which the first frame has labels, the second an empty file, and the third none."""
    for n in range(frames):
        image(root / "images" / split / f"clip_{n:06d}.jpg")
    text(root / "labels" / split / "clip_000000.txt", lines)
    text(root / "labels" / split / "clip_000001.txt", "\n")
    if yaml is not None:
        text(root / "data.yaml", yaml)
    return root


def test_shares_of_the_image_become_pixels(tmp_path: Path) -> None:
    source = read_yolo(make(tmp_path))
    assert ([c.name for c in source.classes], source.class_ids) == (["car", "person"], ("0", "1"))
    (video,) = source.videos
    assert (video.name, video.size, video.frame_number.tolist()) == ("clip", (100, 80), [0, 1, 2])
    assert video.instance_count.tolist() == [2, 0, 0]
    np.testing.assert_allclose(video.box, [[10, 20, 40, 40], [60, 30, 70, 54]])
    assert (video.class_id.tolist(), video.track_id.tolist()) == ([0, 1], [-1, -1])
    assert (video.files.kind, video.files.source) == (FOLDER, "images/val")
    assert video.called.path == tuple(f"images/val/clip_{n:06d}.jpg" for n in range(3))
    assert (video.counts, source.root) == ({NO_LABELS: 1}, tmp_path)


def test_a_sixth_number_is_a_track_and_longer_lines_are_polygons(tmp_path: Path) -> None:
    (video,) = read_yolo(make(tmp_path, lines="1 0.5 0.5 0.2 0.5 7\n0 0.1 0.1 0.3 0.5 0.2 0.9\n")).videos
    np.testing.assert_allclose(video.box, [[40, 20, 60, 60], [10, 8, 30, 72]])
    assert (video.class_id.tolist(), video.track_id.tolist()) == ([1, 0], [7, -1])


def test_images_that_are_no_video_are_stills(tmp_path: Path) -> None:
    for name in ("dog.png", "sub/cat.jpg"):
        image(tmp_path / "images" / name, (50, 40))
    text(tmp_path / "labels" / "sub" / "cat.txt", "0 .5 .5 1 1")
    stills = read_yolo(tmp_path).videos
    assert [(v.name, v.files.kind, v.size, len(v.box)) for v in stills] == [
        ("dog", IMAGE, (50, 40), 0),
        ("sub/cat", IMAGE, (50, 40), 1),
    ]
    assert [v.files.source for v in stills] == ["images/dog.png", "images/sub/cat.jpg"]


def test_each_folder_of_frames_is_a_video(tmp_path: Path) -> None:
    for name in ("a/000001", "a/000002", "b/000007", "b/000008"):
        image(tmp_path / "images" / f"{name}.jpg")
    text(tmp_path / "labels" / "b" / "000008.txt", LINES)
    videos = read_yolo(tmp_path).videos
    assert [(v.name, v.frame_number.tolist(), v.instance_count.tolist()) for v in videos] == [
        ("a", [1, 2], [0, 0]),
        ("b", [7, 8], [0, 2]),
    ]


def test_a_split_must_be_chosen_where_there_are_several(tmp_path: Path) -> None:
    make(tmp_path, yaml=None)
    make(
        tmp_path,
        yaml="train: /home/somebody/data/images/train\nval: ../images/val\nnames: {0: a, 1: b}\n",
        split="train",
    )
    with pytest.raises(AnnotationError, match="has train, val; give --split, one of them"):
        read_yolo(tmp_path)
    with pytest.raises(AnnotationError, match="give --split, one of them, not test"):
        read_yolo(tmp_path, split="test")
    for given in (tmp_path, tmp_path / "data.yaml"):
        source = read_yolo(given, split="train")
        assert [v.files.source for v in source.videos] == ["images/train"]
        assert [c.name for c in source.classes] == ["a", "b"]


def test_the_folders_may_be_the_other_way_round(tmp_path: Path) -> None:
    image(tmp_path / "valid" / "images" / "x.jpg")
    text(tmp_path / "valid" / "labels" / "x.txt", LINES)
    text(tmp_path / "data.yaml", "train: ../train/images\nval: ../valid/images\nnames: ['a', 'b']\n")
    assert read_yolo(tmp_path).videos[0].files.source == "valid/images/x.jpg"
    (tmp_path / "data.yaml").unlink()
    assert read_yolo(tmp_path).videos[0].instance_count.tolist() == [2]


def test_a_list_of_images_is_read(tmp_path: Path) -> None:
    make(tmp_path, yaml="path: ./\nval: val.txt\nnames:\n  0: car\n  1: person\n")
    text(tmp_path / "val.txt", "./images/val/clip_000001.jpg\ndata/images/val/clip_000000.jpg\n\n")
    (video,) = read_yolo(tmp_path).videos
    assert (video.frame_number.tolist(), video.counts) == ([0, 1], {})
    text(tmp_path / "val.txt", "images/val/none.jpg\n")
    with pytest.raises(AnnotationError, match=r"val\.txt: line 1: 'images/val/none\.jpg'; wanted an image in"):
        read_yolo(tmp_path)


def test_images_and_labels_may_lie_side_by_side_or_apart(tmp_path: Path) -> None:
    image(tmp_path / "one" / "x.jpg")
    text(tmp_path / "one" / "x.txt", LINES)
    text(tmp_path / "one" / "classes.txt", "car\nperson\n")
    assert looks_like(tmp_path / "one")
    source = read_yolo(tmp_path / "one")
    assert ([c.name for c in source.classes], len(source.videos[0].box)) == (["car", "person"], 2)
    make(tmp_path / "two", frames=0)
    for n in (0, 1):
        image(tmp_path / "pictures" / f"clip_{n:06d}.png", (200, 160))
    source = read_yolo(tmp_path / "two", frames=tmp_path / "pictures")
    assert (source.root, source.videos[0].files.source) == (tmp_path / "pictures", ".")
    np.testing.assert_allclose(source.videos[0].box[0], [20, 40, 80, 80])
    with pytest.raises(AnnotationError, match="the images that it tells of aren't in its folder"):
        read_yolo(tmp_path / "two")


def test_the_form_of_darknet_is_read(tmp_path: Path) -> None:
    for n in (0, 1):
        image(tmp_path / "obj_train_data" / f"frame_{n:06d}.png")
    text(tmp_path / "obj_train_data" / "frame_000001.txt", LINES)
    text(tmp_path / "train.txt", "data/obj_train_data/frame_000000.png\ndata/obj_train_data/frame_000001.png\n")
    text(tmp_path / "obj.names", "car\nperson\n")
    assert looks_like(tmp_path)
    source = read_yolo(tmp_path)
    (video,) = source.videos
    assert (video.instance_count.tolist(), [c.name for c in source.classes]) == ([0, 2], ["car", "person"])


def test_what_is_left_out_is_counted(tmp_path: Path) -> None:
    make(tmp_path, lines=LINES + LINES + "1 0.5 0.5 0 0.3\n")
    text(tmp_path / "labels" / "val" / "clip_000009.txt", LINES)
    source = read_yolo(tmp_path, classes=[ObjectClass("person", "n")])
    assert source.videos[0].counts == {NO_LABELS: 1, NO_IMAGE: 1, TWICE: 2, OTHER_CLASS: 1, NO_AREA: 1}
    assert source.class_ids == ("1",)


def test_classes_without_names_are_called_as_their_numbers_or_as_is_said(tmp_path: Path) -> None:
    make(tmp_path, yaml=None)
    assert [c.name for c in read_yolo(tmp_path).classes] == ["0", "1"]
    wanted = [ObjectClass("car", "n1"), ObjectClass("man", "n2")]
    source = read_yolo(tmp_path, classes=wanted)
    assert (source.classes, source.videos[0].class_id.tolist()) == (tuple(wanted), [0, 1])


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ("2 0.5 0.5 0.1 0.1", r"clip_000000\.txt: line 1: .* class 2, wanted one of \[0, 1\]"),
        ("\n0.5 0.5 0.5 0.1 0.1", r"line 2: .* class 0.5"),
        ("0 320 240 64 48", "line 1: .* wanted class, centre x, centre y, width, height as shares"),
        ("0 0.5 0.5 0.1", "4 numbers, wanted 5, 6 with a track"),
        ("0 0.5 0.5 0.1 nan", "as shares"),
        ("0 0.5 0.5 -0.1 0.1", "below 0"),
        ("0 0.5 0.5 0.1 0.1 0.87", "with a score there these are detections"),
        ("0 0.5 0.5 0.1 0.1 7\n1 0.5 0.5 0.1 0.1 7", "video 'clip': track 7 has two boxes in frame 0"),
        ("car 0.5 0.5 0.1 0.1", "line 1: 'car"),
    ],
)
def test_what_breaks_the_rules_is_refused_with_its_place(tmp_path: Path, lines: str, words: str) -> None:
    with pytest.raises(AnnotationError, match=words):
        read_yolo(make(tmp_path, lines=lines))


@pytest.mark.parametrize(
    ("yaml", "words"),
    [
        ("val: images/none\nnames: [a]", "the images that it tells of aren't in its folder"),
        ("val: images/val\nnames: {x: a}", "names: 'x': 'a'; wanted names by their numbers"),
        ("val: labels\nnames: [a]", "no images in .*labels"),
    ],
)
def test_a_yaml_that_cant_be_followed_is_refused(tmp_path: Path, yaml: str, words: str) -> None:
    with pytest.raises(AnnotationError, match=words):
        read_yolo(make(tmp_path, yaml=yaml))


def test_images_of_a_video_have_one_size(tmp_path: Path) -> None:
    make(tmp_path)
    image(tmp_path / "images" / "val" / "clip_000002.jpg", (10, 10))
    with pytest.raises(AnnotationError, match=r"video 'clip': .*: 10x10 pixels, others of the same video 100x80"):
        read_yolo(tmp_path)
    (tmp_path / "images" / "val" / "clip_000002.jpg").write_bytes(b"\xff\xd8")
    with pytest.raises(AnnotationError, match=r"clip_000002\.jpg: not an image"):
        read_yolo(tmp_path)


@pytest.mark.parametrize("name", ["data.yaml", "labels/val/clip_000000.txt"])
def test_a_file_broken_in_any_way_is_refused_or_read(tmp_path: Path, name: str) -> None:
    root = make(tmp_path / "set" / "x", lines=LINES + "0 0.1 0.1 0.3 0.5 0.2 0.9\n1 0.5 0.5 0.1 0.1 7\n")
    path = root / name
    assert check(path, path.read_bytes(), lambda: read_yolo(root)) > 10


def test_the_form_is_known_by_its_names(tmp_path: Path) -> None:
    assert looks_like(make(tmp_path / "a"))
    assert looks_like(tmp_path / "a" / "data.yaml")
    assert looks_like(make(tmp_path / "b", yaml=None))
    assert not looks_like(tmp_path)
    assert not looks_like(tmp_path / "none")
    assert not looks_like(text(tmp_path / "other.yaml", "x: 1\n"))


def test_the_field(shared_data: Path) -> None:
    assert looks_like(shared_data / "field" / "yolo")
    source = read_yolo(shared_data / "field" / "yolo")
    the_reference(shared_data, source, tracked=False, within=1e-4)
