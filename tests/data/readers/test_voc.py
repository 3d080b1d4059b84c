from pathlib import Path

import pytest
from PIL import Image

from vidkit.classes import ObjectClass
from vidkit.data.frames import frame
from vidkit.data.index import FOLDER, IMAGE
from vidkit.data.noticed import INVERTED, NO_IMAGE, OTHER_CLASSES
from vidkit.data.readers.voc import NO_XML, read_voc
from vidkit.data.stack import build_index
from vidkit.errors import AnnotationError

CLASSES = (ObjectClass("drone", "drone"), ObjectClass("dog", "n02084071"))


def voc_xml(*objects: tuple[str, tuple[float, ...]], size: tuple[int, int] = (64, 48), extra: str = "") -> str:
    """As PASCAL VOC writes it: with pose, truncated, difficult, a depth, and perhaps parts with boxes of their own."""
    boxes = "".join(
        f"<object><name>{name}</name><pose>Left</pose><truncated>1</truncated><difficult>0</difficult>"
        f"<bndbox><xmin>{x1}</xmin><ymin>{y1}</ymin><xmax>{x2}</xmax><ymax>{y2}</ymax></bndbox>{extra}</object>"
        for name, (x1, y1, x2, y2) in objects
    )
    return (
        "<annotation><folder>VOC</folder><filename>x.jpg</filename><owner><name>?</name></owner>"
        f"<size><width>{size[0]}</width><height>{size[1]}</height><depth>3</depth></size>"
        f"<segmented>0</segmented>{boxes}</annotation>"
    )


def write(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")


def write_image(path: Path, level: int = 100) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (64, 48), level).save(path, quality=95)


PART = "<part><name>head</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>2</xmax><ymax>2</ymax></bndbox></part>"


def test_a_folder_is_a_video_and_its_frames_go_by_their_numbers(tmp_path: Path) -> None:
    for number in (2, 10, 1):
        write(tmp_path / "clip" / f"img_{number}.xml", voc_xml(("drone", (number, 1, 20, 30))))
        write_image(tmp_path / "clip" / f"img_{number}.jpg", 10 * number)
    source = read_voc(tmp_path, CLASSES)
    (video,) = source.videos
    assert (video.name, video.size, video.frame_number.tolist()) == ("clip", (64, 48), [1, 2, 10])
    assert video.box.tolist() == [[0, 0, 20, 30], [1, 0, 20, 30], [9, 0, 20, 30]]
    assert video.files.kind == FOLDER
    assert video.counts == {}
    index = build_index(source.videos, source.classes, "voc", "all", str(source.root))
    assert [round(int(frame(index, row)[4, 4, 0]) / 10) for row in range(3)] == [1, 2, 10]


@pytest.mark.parametrize(("first_pixel", "box"), [(1, [2, 3, 20, 30]), (0, [3, 4, 21, 31])])
def test_the_first_pixel_decides_on_the_box(tmp_path: Path, first_pixel: int, box: list[float]) -> None:
    write(tmp_path / "c" / "1.xml", voc_xml(("dog", (3, 4, 20, 30))))
    (video,) = read_voc(tmp_path, CLASSES, first_pixel=first_pixel).videos
    assert video.box.tolist() == [box]


def test_the_layout_of_voc_gives_still_images(tmp_path: Path) -> None:
    for name in ("2007_000027", "2007_000032"):
        write(tmp_path / "Annotations" / f"{name}.xml", voc_xml(("dog", (1, 1, 64, 48)), extra=PART))
    write_image(tmp_path / "JPEGImages" / "2007_000032.jpg")
    a, b = read_voc(tmp_path, CLASSES).videos
    assert (a.name, a.frame_number.tolist(), a.box.tolist()) == ("2007_000027", [0], [[0, 0, 64, 48]])
    assert (a.files.kind, a.counts) == ("", {NO_IMAGE: 1})
    assert (b.files.kind, b.files.source, b.counts) == (IMAGE, "2007_000032.jpg", {})


def test_images_may_lie_elsewhere(tmp_path: Path) -> None:
    write(tmp_path / "xml" / "c" / "1.xml", voc_xml())
    write_image(tmp_path / "pictures" / "c" / "1.png")
    source = read_voc(tmp_path / "xml", CLASSES, frames=tmp_path / "pictures")
    assert (source.root, source.videos[0].files.name) == (tmp_path / "pictures", ("1.png",))


def test_classes_go_by_name_or_wnid_and_others_are_counted(tmp_path: Path) -> None:
    box = (1, 1, 5, 5)
    write(tmp_path / "c" / "1.xml", voc_xml(("dog", box), ("cat", box), ("n02084071", box), ("drone", box)))
    (video,) = read_voc(tmp_path, CLASSES).videos
    assert video.class_id.tolist() == [1, 1, 0]
    assert video.counts == {OTHER_CLASSES: 1, NO_IMAGE: 1}


def test_inverted_boxes_are_kept_and_counted(tmp_path: Path) -> None:
    write(tmp_path / "c" / "1.xml", voc_xml(("dog", (9, 1, 5, 5))))
    (video,) = read_voc(tmp_path, CLASSES).videos
    assert (video.box.tolist(), video.counts[INVERTED]) == ([[8, 0, 5, 5]], 1)


def test_tracks_and_flags_are_read_where_there_are_any(tmp_path: Path) -> None:
    more = "<trackid>7</trackid><occluded>1</occluded><generated>1</generated>"
    write(tmp_path / "c" / "1.xml", voc_xml(("dog", (1, 1, 5, 5)), extra=more))
    write(tmp_path / "c" / "2.xml", voc_xml(("dog", (1, 1, 5, 5))))
    (video,) = read_voc(tmp_path, CLASSES).videos
    assert video.track_id.tolist() == [7, -1]
    assert video.occluded.tolist() == video.generated.tolist() == [True, False]


def test_images_without_xml_are_frames_without_objects(tmp_path: Path) -> None:
    for number in (1, 3):
        write(tmp_path / "Annotations" / "clip" / f"{number}.xml", voc_xml(("dog", (1, 1, 5, 5))))
    for number in (1, 2, 3, 4):
        write_image(tmp_path / "JPEGImages" / "clip" / f"{number}.jpg")
    write_image(tmp_path / "JPEGImages" / "clip" / "thumbnail.jpg")
    (video,) = read_voc(tmp_path, CLASSES).videos
    assert (video.frame_number.tolist(), video.instance_count.tolist()) == ([1, 2, 3, 4], [1, 0, 1, 0])
    assert video.counts == {NO_XML: 2}
    assert video.called.path == ("clip/1.jpg", "clip/2.jpg", "clip/3.jpg", "clip/4.jpg")
    write(tmp_path / "flat" / "a.xml", voc_xml(("dog", (1, 1, 5, 5))))
    write_image(tmp_path / "flat" / "b.jpg")
    assert [len(video.class_id) for video in read_voc(tmp_path / "flat", CLASSES).videos] == [1, 0]


def test_frames_go_by_the_numbers_before_roboflows_hash(tmp_path: Path) -> None:
    for number, end in ((0, "d9"), (1, "e4"), (2, "c1")):
        write(tmp_path / "train" / f"clip-{number:04d}_jpg.rf.{'0' * 30}{end}.xml", voc_xml(("dog", (1, 1, 5, 5))))
    (video,) = read_voc(tmp_path, CLASSES).videos
    assert video.frame_number.tolist() == [0, 1, 2]


def test_none_of_the_classes_in_it_is_an_error_that_names_those_that_are(tmp_path: Path) -> None:
    write(tmp_path / "c" / "1.xml", voc_xml(("Drone", (1, 1, 5, 5)), ("cat", (1, 1, 5, 5))))
    with pytest.raises(AnnotationError, match="all objects are of other classes than --classes names: Drone, cat"):
        read_voc(tmp_path, CLASSES)


def test_nothing_in_a_file_is_an_empty_frame(tmp_path: Path) -> None:
    write(tmp_path / "c" / "1.xml", voc_xml())
    (video,) = read_voc(tmp_path, CLASSES).videos
    assert (video.instance_count.tolist(), video.box.shape) == ([0], (0, 4))


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"c/1.xml": "<annotation>"}, r"1\.xml: not well-formed"),
        ({"c/1.xml": ""}, r"1\.xml: empty"),
        ({"c/1.xml": '<!DOCTYPE a [<!ENTITY a "b">]><annotation/>'}, r"1\.xml: declares a document type"),
        ({"c/1.xml": voc_xml(("dog", (float("nan"), 1, 2, 3)))}, r"1\.xml: object 0: <xmin> is 'nan'"),
        ({"c/one.xml": voc_xml()}, r"one\.xml: no number at the end of its name"),
        ({"c/a1.xml": voc_xml(), "c/b01.xml": voc_xml()}, r"b01\.xml: the number of 'a1\.xml'"),
        ({"c/1.xml": voc_xml(), "c/2.xml": voc_xml(size=(32, 24))}, "64x48 pixels in frame 1, 32x24 in frame 2"),
        ({"readme.txt": "hi"}, "no XML files"),
    ],
)
def test_what_breaks_the_rules_is_refused(tmp_path: Path, files: dict[str, str], words: str) -> None:
    for name, content in files.items():
        write(tmp_path / name, content)
    with pytest.raises(AnnotationError, match=words):
        read_voc(tmp_path, CLASSES)


def test_a_missing_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(AnnotationError, match="no such folder"):
        read_voc(tmp_path / "none", CLASSES)
