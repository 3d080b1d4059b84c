import errno
import os
import resource
import signal
from pathlib import Path

import pytest

from vidkit.errors import ChoiceError
from vidkit.files import (
    csv_text,
    only_writer,
    remove_leftovers,
    reserve,
    write_text,
    writing,
    writing_folder,
)


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


def a_dead_process() -> int:
    """The number of a process that isn't alive any more."""
    done = os.fork()
    if not done:
        os._exit(0)
    os.waitpid(done, 0)
    return done


def test_what_a_killed_process_left_is_cleared_by_the_next_writer(tmp_path: Path) -> None:
    dead, alive = a_dead_process(), os.getppid()
    for name in (f"a.txt.{dead}.part", f"b.txt.{dead}.part", f"a.txt.{alive}.part", "a.txt.notes.part"):
        (tmp_path / name).touch()
    write_text(tmp_path / "a.txt", "new")
    assert f"a.txt.{dead}.part" not in {path.name for path in tmp_path.iterdir()}
    assert (tmp_path / f"b.txt.{dead}.part").exists()
    assert (tmp_path / f"a.txt.{alive}.part").exists()
    remove_leftovers(tmp_path)
    assert {path.name for path in tmp_path.glob("*.part")} == {f"a.txt.{alive}.part", "a.txt.notes.part"}


def test_a_folder_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    def fill(text: str) -> None:
        with writing_folder(tmp_path / "out") as part:
            (part / "below").mkdir()
            (part / "below" / "a.txt").write_text(text)

    fill("one")
    fill("one")  # as after a kill at the very end
    with pytest.raises(ChoiceError, match="exists already"):
        fill("two")
    with pytest.raises(RuntimeError), writing_folder(tmp_path / "other") as part:
        (part / "a.txt").touch()
        raise RuntimeError
    assert [p.name for p in tmp_path.iterdir()] == ["out"]
    assert (tmp_path / "out" / "below" / "a.txt").read_text() == "one"


def test_one_process_writes_in_a_folder(tmp_path: Path) -> None:
    with only_writer(tmp_path / "run"):
        with pytest.raises(ChoiceError, match="another process is writing there"), only_writer(tmp_path / "run"):
            pass
        with only_writer(tmp_path / "other"):
            pass
    with only_writer(tmp_path / "run"):  # free again, and nothing lies there
        assert list((tmp_path / "run").iterdir()) == []


def test_a_killed_process_leaves_no_lock_behind(tmp_path: Path) -> None:
    ready, told = os.pipe()
    writer = os.fork()
    if not writer:
        with only_writer(tmp_path):
            os.write(told, b"1")
            signal.pause()
    os.read(ready, 1)
    with pytest.raises(ChoiceError), only_writer(tmp_path):
        pass
    os.kill(writer, signal.SIGKILL)
    os.waitpid(writer, 0)
    with only_writer(tmp_path):
        pass


def test_rows_become_csv_with_all_columns_that_any_of_them_has() -> None:
    rows = [{"a": 1, "b": None}, {"b": 'x, "y"', "c": {"length": 5, "place": Path("here")}}]
    assert csv_text(rows) == 'a,b,c\n1,,\n,"x, ""y""","{""length"": 5, ""place"": ""here""}"\n'
    assert csv_text([]) == "\n"
