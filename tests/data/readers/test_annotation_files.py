import os
from pathlib import Path

import pytest

from vidkit.data.readers.annotation_files import MAX_BYTES, annotation_files, first_fields, first_file
from vidkit.errors import AnnotationError


def test_the_first_pattern_that_any_file_fits_is_taken(tmp_path: Path) -> None:
    for name in ("b.txt", "a.txt", "c.md", "in/d.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "folder.txt").mkdir()
    assert annotation_files(tmp_path, ("*.xml", "*.txt", "in/*.txt"), "x") == [tmp_path / "a.txt", tmp_path / "b.txt"]
    assert annotation_files(tmp_path, ("in/*.txt", "*.txt"), "x") == [tmp_path / "in" / "d.txt"]
    assert annotation_files(tmp_path / "c.md", ("*.txt",), "x") == [tmp_path / "c.md"]
    assert first_file(tmp_path, ("*.xml", "*.txt", "in/*.txt")) == tmp_path / "a.txt"


@pytest.mark.parametrize(("name", "what"), [("none", "no such file or folder"), ("", "has no such files")])
def test_no_file_is_an_error_that_says_what_was_wanted(tmp_path: Path, name: str, what: str) -> None:
    with pytest.raises(AnnotationError, match=rf"{what}; wanted a\.txt"):
        annotation_files(tmp_path / name, ("*.txt",), "a.txt")


def test_names_that_no_file_can_have_are_an_error_too() -> None:
    for name in ("x" * 5000, "a\0b"):
        with pytest.raises(AnnotationError, match=r"wanted a\.txt|can't be read"):
            annotation_files(Path(name), ("*.txt",), "a.txt")


def test_files_that_are_too_large_are_refused_unread(tmp_path: Path) -> None:
    with (tmp_path / "a.txt").open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    with pytest.raises(AnnotationError, match=r"a\.txt: 4\.3 GB; wanted at most 4\.3 GB"):
        annotation_files(tmp_path, ("*.txt",), "a.txt")


def test_a_glance_never_raises(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    strange = [tmp_path, tmp_path / "none", tmp_path / "pipe", Path("a\0b"), Path("x" * 5000), None]
    assert [first_fields(path) for path in strange] == [[]] * 6
    assert [first_file(path, ("*.txt",)) for path in strange[:5]] == [None] * 5


def test_the_fields_of_the_first_line_are_told(tmp_path: Path) -> None:
    for text, fields in (("\n 1,2 ,3,\n4", ["1", "2 ", "3"]), ("1 2\t3\n4", ["1", "2", "3"]), ("", [])):
        (tmp_path / "a.txt").write_text(text)
        assert first_fields(tmp_path / "a.txt") == fields
