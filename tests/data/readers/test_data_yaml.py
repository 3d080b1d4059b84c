from pathlib import Path

import pytest

from tests.fuzz.broken_copies import mutations
from vidkit.data.readers.data_yaml import read_data_yaml
from vidkit.errors import AnnotationError


def read(folder: Path, text: str | bytes) -> dict[str, dict[str, str]]:
    path = folder / "data.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_data_yaml(path, ("path", "train", "names"))


TWO = {"0": "car", "1": "two words"}


@pytest.mark.parametrize(
    "names",
    [
        "names: [car, two words]",
        "names: ['car', \"two words\"]  # both",
        "names: [\n  car,\n  two words,\n]",
        "names:\n- car\n- two words",
        "names:\n  - car  # the first\n\n  - 'two words'",
        "names:\n  0: car\n  1: two words",
        "names: {0: car, 1: 'two words'}",
        "names:\r\n  0: car\r\n  1: two words\r\n",
    ],
)
def test_lists_and_numbered_names_read_alike(tmp_path: Path, names: str) -> None:
    assert read(tmp_path, f"nc: 2\n{names}\nother:\n  names: [x]\n")["names"] == TWO


def test_scalars_are_lists_of_one(tmp_path: Path) -> None:
    head = "\ufeff# a comment\n---\npath: ../data sets/x # where\ntrain: 'a # b'\n"
    assert read(tmp_path, head + "val: x\ndownload: |\n  import os\n  names: y\n") == {
        "path": {"0": "../data sets/x"},
        "train": {"0": "a # b"},
    }


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("names: ['it''s', \"a\\\"b\", a'b, \"x, y\"]", ["it's", 'a"b', "a'b", "x, y"]),
        ("names: []", []),
        ("names:", []),
        ("names: [a:b, c]", ["a:b", "c"]),
    ],
)
def test_quotes_and_odd_names(tmp_path: Path, line: str, value: list[str]) -> None:
    assert list(read(tmp_path, line)["names"].values()) == value


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("names: [a, b", r"data\.yaml: names: '\[a, b'; wanted a list with an end"),
        ("names:\n  0: a\n  1:", "names: '1': ''; wanted texts"),
        (b"names: \xff", "wanted YAML in UTF-8"),
        ("x" * 300_000, "at most 0.3 MB"),
    ],
)
def test_what_it_cant_be_is_refused(tmp_path: Path, text: str | bytes, words: str) -> None:
    with pytest.raises(AnnotationError, match=words):
        read(tmp_path, text)


def test_a_file_broken_in_any_way_is_refused_or_read(tmp_path: Path) -> None:
    data = b"path: .\ntrain: [images/a, 'images/b']  # x\nnames:\n  0: car\n  1: \"person\"\n"
    for what, broken in mutations(data):
        try:
            assert set(read(tmp_path, broken)) <= {"path", "train", "names"}
        except AnnotationError:
            continue
        except Exception as error:
            raise AssertionError(what) from error
