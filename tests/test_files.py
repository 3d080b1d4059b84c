import errno
import resource
from pathlib import Path

import pytest

from vidkit.files import csv_text, reserve, write_text, writing


def test_folders_are_made_and_nothing_else_is_left(tmp_path: Path) -> None:
    write_text(tmp_path / "new" / "a.txt", "ü")
    assert (tmp_path / "new" / "a.txt").read_text(encoding="utf-8") == "ü"
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["a.txt"]


def test_the_old_file_stays_until_the_new_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_text(path, "old")
    with pytest.raises(RuntimeError), writing(path) as part:
        part.write_text("half")
        assert path.read_text() == "old"
        raise RuntimeError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_an_error_without_a_name_gets_that_of_the_file(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"No space left.*a\.txt'$"), writing(tmp_path / "a.txt"):
        raise OSError(errno.ENOSPC, "no room")
    with pytest.raises(FileNotFoundError, match="other"), writing(tmp_path / "a.txt"):
        (tmp_path / "other").read_text()


def test_room_is_reserved_or_told_to_be_missing(tmp_path: Path) -> None:
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    reserve(tmp_path / "a", 20_000)
    assert (tmp_path / "a").stat().st_size == 0
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limit[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            reserve(tmp_path / "a", 20_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)


def test_rows_become_csv_with_all_columns_that_any_of_them_has() -> None:
    rows = [{"a": 1, "b": None}, {"b": 'x, "y"', "c": {"length": 5, "place": Path("here")}}]
    assert csv_text(rows) == 'a,b,c\n1,,\n,"x, ""y""","{""length"": 5, ""place"": ""here""}"\n'
    assert csv_text([]) == "\n"
