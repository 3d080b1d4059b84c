import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.data.readers.field_truth import field_case, rows_of, true_rows
from tests.fuzz.damaged_values import count_read, damaged_text
from vidkit.classes import ObjectClass
from vidkit.data.readers.found_boxes import ANY, OTHER_CLASS
from vidkit.data.readers.numbered_images import NO_IMAGES
from vidkit.data.readers.ua_detrac import UA_DETRAC_TYPES, looks_like, read_ua_detrac
from vidkit.errors import AnnotationError

OCCLUDED = '<occlusion><region_overlap occlusion_id="2" left="1" top="2" width="3" height="4"/></occlusion>'


def target(number: object = 1, box: str = "10 20 30 50", type_: str = "car", more: str = "") -> str:
    sides = zip(("left", "top", "width", "height"), box.split(), strict=True)
    return (
        f'<target id="{number}"><box {" ".join(f"{name}={value!r}" for name, value in sides)}/>'
        f'<attribute orientation="18.5" speed="6.9" truncation_ratio="0.25" vehicle_type="{type_}"/>{more}</target>'
    )


def frame(number: object, *targets: str) -> str:
    return f'<frame density="{len(targets)}" num="{number}"><target_list>{"".join(targets)}</target_list></frame>'


IGNORED = '<ignored_region><box left="778.75" top="24.75" width="181.75" height="63.5"/></ignored_region>'
FRAMES = (
    frame(1, target(), target(7, "592.75 378.8 160.05 162.2", "Sedan", OCCLUDED))
    + "\n"
    + frame(3, target(7, "1 2 3 4"))
)


def document(content: str = IGNORED + FRAMES) -> str:
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<sequence name="MVI_20011">\n'
        f'<sequence_attribute camera_state="unstable" sence_weather="sunny"/>\n{content}\n</sequence>'
    )


def write(folder: Path, content: str = IGNORED + FRAMES) -> Path:
    path = folder / "XML" / "MVI_20011.xml"
    path.parent.mkdir(exist_ok=True, parents=True)
    path.write_text(document(content))
    return path


def test_boxes_are_read(tmp_path: Path) -> None:
    source = read_ua_detrac(write(tmp_path))
    (video,) = source.videos
    assert [c.name for c in source.classes] == [*UA_DETRAC_TYPES, "Sedan"]
    assert (video.name, video.frame_number.tolist(), video.called.number) == ("MVI_20011", [0, 1, 2], (1, 2, 3))
    assert video.instance_count.tolist() == [2, 0, 1]
    np.testing.assert_allclose(video.box, [[10, 20, 40, 70], [592.75, 378.8, 752.8, 541], [1, 2, 4, 6]])
    assert [source.classes[c].name for c in video.class_id] == ["car", "Sedan", "car"]
    assert (video.track_id.tolist(), video.occluded.tolist()) == ([1, 7, 7], [False, True, False])
    assert video.instance_attributes["truncation"].tolist() == [0.25] * 3
    assert video.counts == {NO_IMAGES: 1}


def test_ignored_regions_are_in_every_frame(tmp_path: Path) -> None:
    ignored = read_ua_detrac(write(tmp_path)).videos[0].ignored
    assert ignored is not None
    assert (ignored.count.tolist(), ignored.box.tolist()) == ([1, 1, 1], [[778.75, 24.75, 960.5, 88.25]] * 3)
    assert (ignored.class_id.tolist(), ignored.crowd.tolist()) == ([ANY] * 3, [True] * 3)
    assert read_ua_detrac(write(tmp_path, FRAMES)).videos[0].ignored is None


@pytest.mark.parametrize("below", ["MVI_20011", "Insight-MVT_Annotation_Train/MVI_20011"])
def test_images_are_found(tmp_path: Path, below: str) -> None:
    (tmp_path / below).mkdir(parents=True)
    for number in range(1, 6):
        (tmp_path / below / f"img{number:05d}.jpg").touch()
    path = write(tmp_path)
    for given in (path, path.parent, tmp_path):
        assert looks_like(given)
        source = read_ua_detrac(given)
        assert (source.root, source.videos[0].files.source) == (tmp_path, below)
        assert len(source.videos[0].frame_number) == 5
        assert source.videos[0].ignored is not None and len(source.videos[0].ignored.box) == 5


def test_with_classes_of_ones_own_boxes_of_others_are_counted(tmp_path: Path) -> None:
    (video,) = read_ua_detrac(write(tmp_path), classes=[ObjectClass("Sedan", "Sedan")]).videos
    assert (video.class_id.tolist(), video.counts) == ([0], {OTHER_CLASS: 2, NO_IMAGES: 1})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (frame(0), "num '0', wanted a whole number from 1 to 1000000"),
        (frame(2) + frame(2), "frame 2 stands twice"),
        (frame(1, target("x")), "frame 1: target 'x': id 'x', wanted a whole number from 0"),
        (frame(1, target(type_="")), "frame 1: target '1': wanted <attribute vehicle_type=…> with the name"),
        (frame(1, target(box="1 2 x 4")), "frame 1: target '1': width 'x', wanted a number"),
        (frame(1, target(box="1 2 nan 4")), "frame 1: target 1: box 1, 2, nan, 6; wanted finite pixels"),
        (frame(1, target(box="1 2 -3 4")), "frame 1: target 1: a box of -3 x 4 pixels"),
        (frame(1, '<target id="1"/>'), "frame 1: target '1': wanted <attribute vehicle_type"),
        (f'<frame num="1">{target()}</frame>', "frame 1: <target> in <frame>, wanted <target_list>"),
        (frame(1, frame(2)), "frame 1: <frame> in <target_list>, wanted <target>"),
        ('<ignored_region left="1"><x/></ignored_region>', "ignored_region: no <box left= top= width= height=>"),
        (IGNORED.replace("63.5", "-1"), "ignored_region: a box of 181.75 x -1 pixels"),
        (IGNORED * 20 + frame(1_000_000), "20 ignored regions in 1000000 frames, wanted at most 10000000"),
        ("<frame>", "mismatched tag"),
    ],
)
def test_what_breaks_the_rules_is_refused_with_its_place(tmp_path: Path, content: str, message: str) -> None:
    content = content if "-1" not in content or "ignored" not in content else content + frame(1)
    with pytest.raises(AnnotationError, match=r"MVI_20011\.xml: .*" + re.escape(message)):
        read_ua_detrac(write(tmp_path, content))


@pytest.mark.parametrize("kind", ["<!DOCTYPE sequence [<!ENTITY a 'b'>]>", "<!ENTITY a 'b'>"])
def test_entities_are_refused_unread(tmp_path: Path, kind: str) -> None:
    path = write(tmp_path)
    path.write_text(document().replace("<sequence name", f"{kind}<sequence name", 1))
    with pytest.raises(AnnotationError, match="entities"):
        read_ua_detrac(path)


WRONG = (b'""', b'"nan"', b'"-7"', b'"1e999"', b'"x"', b'"\xc3\xa9\n"', b'"' + b"9" * 5000 + b'"', b"<", b"")


def damaged(data: bytes) -> Iterator[bytes]:
    yield from damaged_text(data, b" ")
    yield from (data.replace(value, wrong, 1) for value in set(re.findall(rb'"[^"]*"', data)) for wrong in WRONG)
    for tag in (b"target", b"box", b"frame", b"target_list", b"attribute", b"sequence", b"ignored_region"):
        yield data.replace(b"<" + tag, b"<other").replace(b"</" + tag, b"</other")
        yield data.replace(b"<" + tag, b"<" + tag + b"><a></a><" + tag, 1)
    yield b"<a>" * 200_000
    yield b"<sequence>" + b"<a>" * 200_000 + b"</a>" * 200_000 + b"</sequence>"


def test_damaged_files_are_read_or_refused(tmp_path: Path) -> None:
    read, refused = count_read(read_ua_detrac, write(tmp_path), damaged(document().encode()))
    assert read > 20 and refused > 300


def test_other_xml_is_not_taken_for_it(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text("<annotation><sequence/></annotation>")
    assert not any(looks_like(path) for path in (tmp_path, tmp_path / "a.xml", tmp_path / "none"))
    (tmp_path / "a.xml").write_text('<sequence name="a"></sequence>')
    assert looks_like(tmp_path)


def test_the_case_of_the_field_test(shared_data: Path) -> None:
    path = field_case(shared_data, "ua_detrac")
    assert looks_like(path)
    source = read_ua_detrac(path)  # the case has only cars
    truth = [[("car", track, box) for _, track, box in boxes] for boxes in true_rows(shared_data)]
    assert rows_of(source) == truth
    (video,) = source.videos
    assert video.ignored is not None
    assert video.ignored.box.tolist() == [[1, 1, 10, 10]] * 6


def test_the_real_layout_of_the_field_test(shared_data: Path) -> None:
    (video,) = read_ua_detrac(field_case(shared_data, "more/DETRAC")).videos
    assert (video.name, video.box.tolist()) == ("MVI_20011", [[592.75, 378.8, 752.8, 541.0]])
    assert video.ignored is not None
    assert video.ignored.box.tolist() == [[778.75, 24.75, 960.5, 88.25]]
