import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from tests.data.readers.reference import the_reference
from tests.fuzz.broken_copies import check
from vidkit.classes import ObjectClass
from vidkit.data.index import FOLDER, VIDEO
from vidkit.data.readers.cvat_video import looks_like, read_cvat_video
from vidkit.data.readers.drawn_table import NOT_BOXES, TURNED
from vidkit.data.readers.found_boxes import NO_AREA, OTHER_CLASS
from vidkit.data.records import VideoTable
from vidkit.errors import AnnotationError

LABELS = "<labels><label><name>car</name></label><label><name>person</name></label></labels>"
SIZE = "<original_size><width>100</width><height>80</height></original_size>"


def task(length: int = 10, more: str = "", key: int = 1, name: str = "clip") -> str:
    return f"<task><id>{key}</id><name>{name}</name><size>{length}</size>{more}{LABELS}{SIZE}</task>"


def box(frame: int, x: float = 0, *, outside: int = 0, key: int = 1, more: str = "", inner: str = "") -> str:
    corners = f'xtl="{x}" ytl="{x}" xbr="{x + 10}" ybr="{x + 20}"'
    flags = f'keyframe="{key}" outside="{outside}" occluded="0"'
    return f'<box frame="{frame}" {flags} {corners} z_order="0"{more}>{inner}</box>'


def track(*boxes: str, number: int = 0, label: str = "car", more: str = "") -> str:
    return f'<track id="{number}" label="{label}" source="manual"{more}>{"".join(boxes)}</track>'


def xml(*tracks: str, meta: str | None = None) -> str:
    meta = task() if meta is None else meta
    head = f'<?xml version="1.0" encoding="utf-8"?>\n<annotations>\n<version>1.1</version>\n<meta>{meta}</meta>\n'
    return head + "\n".join(tracks) + "\n</annotations>\n"


def write(folder: Path, text: str) -> Path:
    path = folder / "annotations.xml"
    path.write_text(text, encoding="utf-8")
    return path


def read(folder: Path, text: str) -> VideoTable:
    (video,) = read_cvat_video(write(folder, text)).videos
    return video


def frames_and_x(video: VideoTable) -> list[tuple[int, float]]:
    frames = np.repeat(video.frame_number, video.instance_count)
    return [(int(frame), float(x)) for frame, x in zip(frames, video.box[:, 0], strict=True)]


def test_a_track_is_shown_between_its_key_frames_and_to_the_end(tmp_path: Path) -> None:
    video = read(tmp_path, xml(track(box(1, 0), box(4, 6), box(6, 0, outside=1), box(8, 50))))
    assert frames_and_x(video) == [(1, 0), (2, 2), (3, 4), (4, 6), (5, 3), (8, 50), (9, 50)]
    assert video.generated.tolist() == [False, True, True, False, True, False, True]
    assert (video.name, video.size, len(video.frame_number)) == ("clip", (100, 80), 10)
    assert video.called.number == tuple(range(10))


def test_what_cvat_put_between_is_taken_as_it_is_listed(tmp_path: Path) -> None:
    video = read(tmp_path, xml(track(box(1, 0), box(2, 7, key=0), box(3, 7, outside=1)), track(box(5, 1), number=1)))
    assert frames_and_x(video) == [(1, 0), (2, 7), (5, 1)]
    assert video.generated.tolist() == [False, True, False]


def test_a_box_without_a_track_in_the_last_frame_but_one_isnt_carried_on(tmp_path: Path) -> None:
    """CVAT writes such boxes as tracks with an end in the next frame, except here."""
    video = read(tmp_path, xml(track(box(3), box(4, outside=1)), track(box(8), number=1), track(box(7), number=2)))
    assert sorted(
        zip(np.repeat(video.frame_number, video.instance_count).tolist(), video.track_id.tolist(), strict=True)
    ) == [
        *((3, 0), (7, 2), (8, 1), (8, 2), (9, 2)),
    ]


def plain_loop(keys: Sequence[tuple[int, float, bool]], length: int) -> list[tuple[int, float]]:
    """What CVAT shows of one track, frame by frame."""
    shown = []
    for frame in range(length):
        before = [key for key in keys if key[0] <= frame]
        after = [key for key in keys if key[0] > frame]
        if before and not before[-1][2]:
            (start, x, _), (end, target, _) = before[-1], after[0] if after else (length, before[-1][1], False)
            shown.append((frame, x + (target - x) * ((frame - start) / (end - start))))
    return shown


@pytest.mark.parametrize("seed", range(20))
def test_all_tracks_at_once_equal_a_plain_loop(tmp_path: Path, seed: int) -> None:
    dice = random.Random(seed)
    tracks = [
        [
            (frame, float(dice.randrange(50)), dice.random() < 0.3)
            for frame in sorted(dice.sample(range(20), dice.randint(2, 8)))
        ]
        for _ in range(dice.randint(1, 5))
    ]
    elements = [track(*(box(f, x, outside=int(out)) for f, x, out in keys), number=n) for n, keys in enumerate(tracks)]
    video = read(tmp_path, xml(*elements, meta=task(20)))
    for number, keys in enumerate(tracks):
        mine = video.track_id == number
        frames = np.repeat(video.frame_number, video.instance_count)[mine]
        assert list(zip(frames.tolist(), video.box[mine, 0].tolist(), strict=True)) == plain_loop(keys, 20)


def test_a_step_and_a_start_are_kept_as_frame_numbers(tmp_path: Path) -> None:
    more = "<start_frame>10</start_frame><stop_frame>25</stop_frame><frame_filter>step=5</frame_filter>"
    video = read(tmp_path, xml(track(box(10, 0), box(20, 10)), meta=task(4, more)))
    assert video.frame_number.tolist() == [10, 15, 20, 25]
    assert frames_and_x(video) == [(10, 0), (15, 5), (20, 10), (25, 10)]


def test_a_project_counts_frames_through_the_tasks_of_a_subset(tmp_path: Path) -> None:
    meta = (
        "<project><name>p</name><tasks>"
        + task(5, "<subset>a</subset>", 3)
        + task(6, "<subset>a</subset>", 4)
        + task(7, "<subset>b</subset>", 9, "other")
        + "</tasks></project>"
    )
    tracks = [
        track(box(4), number=0, more=' task_id="3"'),
        track(box(5), box(7, outside=1), number=1, more=' task_id="4"'),
        track(box(6), number=2, more=' task_id="9"'),
    ]
    source = read_cvat_video(write(tmp_path, xml(*tracks, meta=meta)))
    assert [(v.name, len(v.frame_number), frames_and_x(v)) for v in source.videos] == [
        ("clip_3", 5, [(4, 0)]),
        ("clip_4", 6, [(0, 0), (1, 0)]),
        ("other", 7, [(6, 0)]),
    ]
    assert source.videos[1].called.number == (5, 6, 7, 8, 9, 10)
    assert [c.name for c in source.classes] == ["car", "person"]


def test_a_job_has_a_part_of_the_frames(tmp_path: Path) -> None:
    meta = f"<job><id>7</id><size>3</size><start_frame>4</start_frame></job>{SIZE}"
    video = read(tmp_path, xml(track(box(5)), meta=meta))
    assert (video.name, video.size, video.frame_number.tolist()) == ("job_7", (100, 80), [4, 5, 6])


def test_a_file_without_meta_has_the_frames_that_it_speaks_of(tmp_path: Path) -> None:
    path = write(tmp_path, f"<annotations>{track(box(1), box(3))}</annotations>")
    source = read_cvat_video(path)
    assert source.videos[0].frame_number.tolist() == [0, 1, 2, 3]
    assert source.videos[0].name == tmp_path.name
    assert source.classes == (ObjectClass("car", "car"),)


def test_attributes_that_are_numbers_become_columns_and_last(tmp_path: Path) -> None:
    told = "".join(
        f'<attribute name="{name}">{value}</attribute>'
        for name, value in (("speed", "3.5"), ("parked", "true"), ("c", "red"))
    )
    video = read(tmp_path, xml(track(box(0, inner=told), box(2), box(3, outside=1))))
    assert video.instance_attributes["speed"].tolist() == [3.5] * 3
    assert video.instance_attributes["parked"].tolist() == [1] * 3
    assert set(video.instance_attributes) == {"speed", "parked"}


def test_polygons_count_as_the_box_around_them_and_other_shapes_are_counted(tmp_path: Path) -> None:
    polygon = '<polygon frame="0" outside="0" keyframe="1" points="1,2;30,4;5,60"/>'
    video = read(tmp_path, xml(track(polygon, box(1, outside=1)), track('<points frame="0" points="1,2"/>', number=1)))
    assert video.box.tolist() == [[1, 2, 30, 60]]
    assert video.counts == {NOT_BOXES: 1}


def test_a_turned_box_becomes_the_upright_box_around_it(tmp_path: Path) -> None:
    video = read(tmp_path, xml(track(box(0, 10, more=' rotation="90.0"'), box(1, outside=1))))
    np.testing.assert_allclose(video.box, [[5, 15, 25, 25]])
    assert video.counts == {TURNED: 1}


def test_classes_that_arent_wanted_and_boxes_without_area_are_counted(tmp_path: Path) -> None:
    flat = '<box frame="3" xtl="1" ytl="1" xbr="1" ybr="9"/>'
    path = write(tmp_path, xml(track(box(9), label="dog"), track(box(9), number=1), track(flat, number=2)))
    source = read_cvat_video(path, classes=[ObjectClass("car", "n0")])
    assert source.classes == (ObjectClass("car", "n0"),)
    assert source.videos[0].class_id.tolist() == [0]
    assert source.videos[0].counts == {OTHER_CLASS: 1, NO_AREA: 7}


def test_frames_are_the_film_or_the_images_that_cvat_writes(tmp_path: Path) -> None:
    text = xml(meta=task(2, "<source>clip.mp4</source>"))
    files = read(tmp_path, text).files
    assert (files.kind, files.source) == (VIDEO, "clip.mp4")
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "frame_000000.PNG").touch()
    files = read(tmp_path, text).files
    assert (files.kind, files.source, files.name) == (FOLDER, "images", ("frame_000000.PNG", "frame_000001.PNG"))
    (tmp_path / "clip.mp4").touch()
    assert read(tmp_path, text).files.kind == VIDEO


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (xml(track(box(10))), r"track 0: frame 10, but task 'clip' has frames 0 to 9"),
        (xml(track(box(1), box(1))), "track 0 has two boxes in"),
        (xml(track(box(1)), track(box(1))), "track '0', label 'car'; wanted a label, and an id that comes once"),
        (xml(track(box(1)).replace('xbr="10"', 'xbr="-10"')), "track '0': frame 1: <box> .* wanted corners"),
        (xml(track(box(1)).replace('xbr="10"', 'xbr="nan"')), "track '0': frame 1: <box>"),
        (xml(track(box(1)).replace('outside="0"', 'outside="no"')), "track '0': frame 1: <box> .* outside"),
        (xml(track(box(1)).replace('frame="1"', 'frame="-1"')), "track '0': frame '-1', wanted a whole number"),
        (xml(meta=task(10**7)), r"<meta>: <task> '1': size '10000000', wanted a whole number from 0 to 1000000"),
        (xml(meta=task(2, "<source>../x.mp4</source>")), r"source: '\.\./x\.mp4', wanted a path inside"),
        (xml('<image id="0" name="a.png"/>'), "CVAT for images"),
        ("<annotation></annotation>", "root element is <annotation>"),
        ('<!DOCTYPE a [<!ENTITY e "x">]><annotations/>', "declares a document type"),
        (xml(*(track(box(0), number=n) for n in range(30)), meta=task(10**6)), "30000000 boxes between key frames"),
    ],
)
def test_what_breaks_the_rules_is_refused_with_its_place(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(AnnotationError, match=words) as caught:
        read(tmp_path, text)
    assert "annotations.xml" in str(caught.value)


def test_a_file_broken_in_any_way_is_refused_or_read(tmp_path: Path) -> None:
    told = '<attribute name="speed">3.5</attribute>'
    tracks = [track(box(1, 0, inner=told), box(4, 6), box(6, outside=1)), track(box(2), number=1, label="person")]
    meta = task(10, "<start_frame>0</start_frame><frame_filter>step=1</frame_filter><source>clip.mp4</source>")
    path = write(tmp_path, xml(*tracks, meta=meta))
    assert check(path, path.read_bytes(), lambda: read_cvat_video(path)) > 100


def test_the_form_is_known_by_its_beginning(tmp_path: Path) -> None:
    assert looks_like(write(tmp_path, xml(track(box(1)))))
    assert looks_like(tmp_path)
    for other in (xml('<image id="0" name="a.png"/>'), "<annotation><version>", "", "{}"):
        assert not looks_like(write(tmp_path, other))
    assert not looks_like(tmp_path / "none")


def test_the_field(shared_data: Path) -> None:
    source = read_cvat_video(shared_data / "field" / "cvat_video_xml")
    the_reference(shared_data, source)
    (video,) = read_cvat_video(shared_data / "field" / "more" / "cvat").videos
    assert (frames_and_x(video), len(video.frame_number)) == ([(0, 10)], 2)
