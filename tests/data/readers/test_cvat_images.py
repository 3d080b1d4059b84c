from pathlib import Path

import pytest
from PIL import Image

from tests.data.readers.test_cvat_video import box, task, track, xml
from tests.fuzz.broken_copies import check
from vidkit.data.index import FOLDER, IMAGE, VIDEO
from vidkit.data.readers import cvat_video
from vidkit.data.readers.cvat_images import looks_like, read_cvat_images
from vidkit.data.readers.drawn_table import NOT_BOXES
from vidkit.data.records import VideoTable
from vidkit.errors import AnnotationError

CAR = '<box label="car" occluded="1" xtl="1" ytl="2" xbr="30" ybr="40"><attribute name="speed">2</attribute></box>'
PERSON = '<polygon label="person" points="5,6;7,8;5,9"/>'
FILM = "<mode>interpolation</mode><source>clip.mp4</source>"


def image(number: int, name: str, *shapes: str, size: tuple[int, int] = (100, 80), more: str = "") -> str:
    sides = f'width="{size[0]}" height="{size[1]}"'
    return f'<image id="{number}" name="{name}" {sides}{more}>{"".join(shapes)}</image>'


def write(folder: Path, text: str) -> Path:
    path = folder / "annotations.xml"
    path.write_text(text, encoding="utf-8")
    return path


def read(folder: Path, text: str) -> tuple[VideoTable, ...]:
    return read_cvat_images(write(folder, text)).videos


def test_images_numbered_alike_are_a_video_and_others_stills(tmp_path: Path) -> None:
    images = [image(0, "a_2.png", CAR, PERSON), image(1, "a_1.png"), image(2, "b.png", CAR, size=(50, 60))]
    clip, still = read(tmp_path, xml(*images))
    assert (clip.name, clip.frame_number.tolist(), clip.instance_count.tolist()) == ("a", [1, 2], [0, 2])
    assert clip.box.tolist() == [[1, 2, 30, 40], [5, 6, 7, 9]]
    assert (clip.class_id.tolist(), clip.occluded.tolist(), clip.track_id.tolist()) == ([0, 1], [True, False], [-1, -1])
    assert (clip.called.id, clip.called.path, clip.called.number) == (("1", "0"), ("a_1.png", "a_2.png"), None)
    assert (clip.files.kind, clip.files.source, clip.files.name) == (FOLDER, ".", ("a_1.png", "a_2.png"))
    assert (still.name, still.size, still.files.kind) == ("b", (50, 60), IMAGE)


def test_frames_of_a_film_are_one_video(tmp_path: Path) -> None:
    text = xml(image(5, "frame_000005", CAR), image(3, "frame_000003"), meta=task(9, FILM))
    (video,) = read(tmp_path, text)
    assert (video.name, video.frame_number.tolist(), video.instance_count.tolist()) == ("clip", [3, 5], [0, 1])
    assert (video.called.number, video.files.kind) == ((3, 5), "")
    (tmp_path / "images").mkdir()
    Image.new("L", (100, 80)).save(tmp_path / "images" / "frame_000003.PNG")
    files = read(tmp_path, text)[0].files
    assert (files.kind, files.source, files.name) == (FOLDER, "images", ("frame_000003.PNG", ""))
    (tmp_path / "clip.mp4").touch()
    assert read(tmp_path, text)[0].files.kind == VIDEO


def test_a_project_has_a_video_for_each_task(tmp_path: Path) -> None:
    tasks = task(2, f"<subset>s</subset>{FILM}", 3, "one") + task(2, f"<subset>s</subset>{FILM}", 4, "two")
    images = [image(n, f"frame_{n:06d}", CAR, more=f' task_id="{3 + n // 2}"') for n in range(4)]
    videos = read(tmp_path, xml(*images, meta=f"<project><tasks>{tasks}</tasks></project>"))
    assert [(v.name, v.frame_number.tolist()) for v in videos] == [("one", [0, 1]), ("two", [0, 1])]
    assert videos[1].called.number == (2, 3)


def test_what_is_no_box_is_counted(tmp_path: Path) -> None:
    shapes = ('<tag label="car"/>', '<polyline label="car" points="1,2;3,4"/>', CAR)
    (still,) = read(tmp_path, xml(image(0, "x.png", *shapes)))
    assert (len(still.box), still.counts) == (1, {NOT_BOXES: 1})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (xml(track(box(0))), "holds <track>: this is CVAT for video; wanted CVAT for images"),
        (xml(image(0, "../x.png")), r"image '\.\./x\.png': '\.\./x\.png', wanted a path inside"),
        (xml(image(0, "x.png", CAR.replace('label="car"', ""))), "image 'x.png': <'box'> has label '', wanted a name"),
        (xml(image(0, "x.png", CAR.replace("30", "inf"))), "image 'x.png': <box> .* wanted corners"),
        (
            xml(image(0, "f_1.png"), image(1, "f_2.png", size=(9, 9))),
            r"video 'f': 'f_2\.png': 9x9 pixels, others of the same video 100x80",
        ),
        (xml(image(1, "a"), image(1, "b"), meta=task(2, FILM)), "'clip': frame number 1 comes twice"),
        (xml(image(0, "a.png", more=' task_id="9"'), meta=task(2, key=1) + task(2, key=2)), "image '0': task_id '9'"),
    ],
)
def test_what_breaks_the_rules_is_refused_with_its_place(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(AnnotationError, match=words):
        read(tmp_path, text)


def test_a_file_broken_in_any_way_is_refused_or_read(tmp_path: Path) -> None:
    path = write(tmp_path, xml(image(0, "a_2.png", CAR, PERSON), image(1, "a_1.png"), image(2, "b.png", CAR)))
    assert check(path, path.read_bytes(), lambda: read_cvat_images(path)) > 60


def test_the_form_is_known_by_its_beginning(tmp_path: Path) -> None:
    path = write(tmp_path, xml(image(0, "a.png", CAR)))
    assert looks_like(path)
    assert not cvat_video.looks_like(path)
    for other in (xml(track(box(1))), "<annotation><version>", "", "{}"):
        assert not looks_like(write(tmp_path, other))
    assert not looks_like(tmp_path / "none")
