import os
import random
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.data.ilsvrc_trees import Thing, annotation_xml, object_xml
from vidkit.data.annotation import Annotation, _parse_canonical, parse_annotation, parse_any, read_bytes
from vidkit.errors import AnnotationError

GAPS = st.sampled_from(["", " ", "\n", "\r\n\t", "  \t"])


@st.composite
def files(draw: st.DrawFn) -> bytes:
    """Well-formed files: most of them tidy, the others with liberties that the format has and some that it hasn't."""
    tidy = draw(st.integers(0, 2)) > 0
    gap = draw(GAPS)
    number = st.one_of(st.integers(0, 2000).map(str), st.floats(0, 3000).map(lambda v: f"{v:.3f}"))
    if not tidy:
        number = st.one_of(number, st.sampled_from(["-1.5", "1e2", ".5", "nan", "", "12345678", " 7 "]))
    values = {
        "trackid": (["0", "7", "999999999"], ["-1", "1.0", "12345678901", ""]),
        "occluded": (["0", "1"], ["2", "", " 1"]),
        "generated": (["0", "1"], ["true"]),
        "subcategory": (["n02085620"], ["a b"]),
        "name": (["n02691156", "dog"], ["a b", "a&amp;b", ""]),
        "pose": ([], ["Left"]),
    }

    def thing() -> str:
        corners = draw(st.permutations(["xmin", "ymin", "xmax", "ymax"]))
        if not tidy:
            corners = draw(st.sampled_from([corners, corners, corners[:-1], [*corners, corners[0]]]))
        box = gap.join(f"<{tag}>{draw(number)}</{tag}>" for tag in corners)
        parts = [f"<bndbox>{gap}{box}{gap}</bndbox>"]
        for tag, (usual, odd) in values.items():
            often = [1] if tag == "name" and tidy else [0, 1, 1] if tidy else [0, 1, 1, 1, 2]
            for _ in range(draw(st.sampled_from(often))):
                if allowed := usual if tidy else usual + odd:
                    parts.append(f"<{tag}>{draw(st.sampled_from(allowed))}</{tag}>")
        return f"<object>{gap}{gap.join(draw(st.permutations(parts)))}{gap}</object>"

    heads = ["", '<?xml version="1.0"?>', '<?xml version="1.0" encoding="utf-8"?>']
    folders = ["", "<folder>a/b</folder>"]
    sizes = ["", "<size><width>640</width><height>480</height></size>"]
    if not tidy:
        heads, folders = [*heads, "<!-- c -->"], [*folders, "<folder>a&amp;b</folder>", "<folder/>"]
        sizes = [*sizes, "<size><height>480</height><width>640</width></size>", "<size><width>6.5</width></size>"]
    before = gap.join(draw(st.sampled_from(part)) for part in (folders, sizes))
    objects = gap.join(thing() for _ in range(draw(st.integers(0, 3))))
    head = draw(st.sampled_from(heads))
    return f"{head}<annotation>{gap}{before}{gap}{objects}{gap}</annotation>{gap}".encode()


def outcome(data: bytes) -> Annotation | None:
    """What ElementTree alone reads; None for an error."""
    try:
        return parse_any(data)
    except AnnotationError:
        return None


def test_most_of_the_files_that_the_next_tests_make_take_the_fast_way() -> None:
    taken: list[int] = []

    @settings(max_examples=100, deadline=None, database=None, derandomize=True)
    @given(files())
    def count(data: bytes) -> None:
        read = _parse_canonical(data)
        taken.append(0 if read is None else 1 + len(read.objects))

    count()
    assert sum(objects > 1 for objects in taken) > 25


@settings(max_examples=250, deadline=None)
@given(files())
def test_the_fast_reader_takes_nothing_that_the_slow_one_reads_otherwise(data: bytes) -> None:
    fast = _parse_canonical(data)
    assert fast is None or fast == outcome(data)


@settings(max_examples=250, deadline=None)
@given(files(), st.randoms(use_true_random=False))
def test_also_not_of_damaged_files(data: bytes, rng: random.Random) -> None:
    alphabet = [b"<", b">", b"/", b"0", b"9", b".", b"-", b" ", b"\n", b"\0", b"\xff", b"&", b"\x0b", b"]]>", b"<!--"]
    for _ in range(rng.randint(1, 4)):
        at, length = rng.randrange(len(data) + 1), rng.choice([0, 0, 1, 5])
        data = data[:at] + rng.choice([rng.choice(alphabet), data[at : at + 30], b""]) + data[at + length :]
    fast = _parse_canonical(data)
    assert fast is None or fast == outcome(data)


@pytest.mark.parametrize(
    "order", [("trackid", "name", "bndbox", "occluded", "generated"), ("bndbox", "generated", "name")]
)
def test_the_usual_file_takes_the_fast_way_in_any_order(order: tuple[str, ...]) -> None:
    things = [Thing(track=3, occluded=1, box=(0.5, 1, 7.25, 9)), Thing()]
    data = annotation_xml().replace("</annotation>", "".join(object_xml(t, order) for t in things) + "</annotation>")
    read = _parse_canonical(data.encode())
    assert read is not None
    assert read.size == (64, 48)
    assert read.objects[0][1:6] == (b"n02691156", b"7.25", b"0.5", b"9", b"1")
    assert (read.objects[0][0], read.objects[0][6]) == ((b"3", b"1") if "trackid" in order else (None, None))
    assert read == parse_any(data.encode())


def test_what_is_absent_is_none_or_zero() -> None:
    data = annotation_xml([Thing(track=None, occluded=None, generated=None)], size=None)
    read = parse_annotation(data.encode())
    assert read.size == (0, 0)
    assert [read.objects[0][place] for place in (0, 6, 7, 8)] == [None] * 4
    assert parse_annotation(annotation_xml().encode()).objects == []


BOMB = b'<!DOCTYPE a [<!ENTITY b "x"><!ENTITY c "&b;&b;&b;">]><annotation><folder>&c;</folder></annotation>'
GOOD = annotation_xml([Thing()]).encode()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty file"),
        (b" \n ", "empty file"),
        (GOOD[:200], "not well-formed XML, or cut off"),
        (GOOD[:-3], "not well-formed XML, or cut off"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "binary data"),
        (GOOD.decode().encode("utf-16"), "encoding other than UTF-8"),
        (GOOD.replace(b"ILSVRC_2015", b"caf\xe9"), "not UTF-8"),
        (b'<?xml version="1.0" encoding="latin-1"?>' + GOOD, "declares the encoding 'latin-1'"),
        (BOMB, "declares a document type or entities"),
        (b"<html/>", "root element is <html>"),
        (b"<annotation>" + b"<a>" * 50_000, "not well-formed"),
        (GOOD.replace(b"<xmax>10<", b"<xmax>nan<"), "object 0: <xmax> is 'nan'"),
        (GOOD.replace(b"<xmax>10<", b"<xmax>inf<"), "object 0: <xmax> is 'inf'"),
        (GOOD.replace(b"<xmax>10<", b"<xmax>1e7<"), "wanted a number of pixels within"),
        (GOOD.replace(b"<xmax>10<", b"<xmax>99999999999<"), "within ±1000000"),
        (GOOD.replace(b"<xmax>10<", b"<xmax><"), "<xmax> is ''"),
        (GOOD.replace(b"<xmax>10</xmax>", b""), "<bndbox> has no <xmax>"),
        (GOOD.replace(b"<xmax>10</xmax>", b"<xmax>10</xmax><xmax>11</xmax>"), "<xmax> stands 2 times"),
        (GOOD.replace(b"trackid>0<", b"trackid>-1<"), "<trackid> is '-1', wanted a whole number"),
        (GOOD.replace(b"trackid>0<", b"trackid>1.5<"), "<trackid> is '1.5'"),
        (GOOD.replace(b"occluded>0<", b"occluded>2<"), "<occluded> is '2', wanted 0 or 1"),
        (GOOD.replace(b"<name>n02691156</name>", b""), "object 0: has no <name>"),
        (GOOD.replace(b"n02691156", b"<b/>"), "<name> holds other elements"),
        (GOOD.replace(b"<width>64", b"<width>-64"), "<width> is '-64'"),
    ],
)
def test_what_is_malformed_is_refused_with_one_reason(data: bytes, reason: str) -> None:
    with pytest.raises(AnnotationError, match=re.escape(reason)) as caught:
        parse_annotation(data)
    assert "\n" not in str(caught.value)


def test_files_are_read_only_up_to_the_limit(tmp_path: Path) -> None:
    big = tmp_path / "big.xml"
    with big.open("wb") as file:
        file.truncate(100_000_000)
    with pytest.raises(AnnotationError, match=r"100\.0 MB; a file of this kind has at most 1\.0 MB"):
        read_bytes(big)
    longer = bytes(range(256)) * 300
    (tmp_path / "longer.xml").write_bytes(longer)
    assert read_bytes(tmp_path / "longer.xml") == longer


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.xml")
    (tmp_path / "folder.xml").mkdir()
    assert read_bytes(tmp_path / "pipe.xml") == b""
    for name in ("folder.xml", "missing.xml"):
        with pytest.raises(AnnotationError, match="can't be read"):
            read_bytes(tmp_path / name)
