from __future__ import annotations

from pathlib import Path

import pytest

from vidkit.files import write_text, writing


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
