import json
from pathlib import Path

import pytest
from vidkit_cli.console import report_errors
from vidkit_cli.main import vidkit
from vidkit_cli.reproduce import command as reproduce
from vidkit_cli.reproduce.steps import CommandStep

from impnet_model.weights.checkpoints import Checkpoint, save
from tests.impnet_model.makers import SMALL, make_network
from tests.makers import make_index
from vidkit.data.index_file import read_index, write_index


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VIDKIT_RUNS", str(tmp_path / "elsewhere"))  # a reproduction keeps to its folder


def told(capsys: pytest.CaptureFixture[str]) -> dict:
    return json.loads(capsys.readouterr().out)


def checkpoints(names: list[str], classes: tuple) -> Path:
    folder = Path("weights")
    for name in names:
        method = "impression" if name.startswith("impression") else name
        save(Checkpoint(make_network(method), method, SMALL, classes, {"origin": "made up"}), folder / f"{name}.pt")
    return folder


@pytest.fixture
def data() -> Path:
    """An index of two short videos, with frames."""
    size = ["--size", "64x64", "--classes", "3", "--frames", "8", "--workers", "1"]
    assert report_errors(vidkit, ["synth", "tree", "--videos", "0", "--val-videos", "2", *size]) == 0
    assert report_errors(vidkit, ["prepare", "--vid-root", "tree"]) == 0
    return Path("vidkit-data/vid_val.h5")


def test_it_measures_draws_reports_and_goes_on_where_it_was(data, capsys):
    folder = checkpoints(["per-frame", "impression"], read_index(data).classes)
    only = ["--only", "table1,figure4,figure8", "--lengths", "10", "--ci", "5"]
    command = ["reproduce", "--index", str(data), "--checkpoints", str(folder), "-o", "out", *only, "--json"]
    capsys.readouterr()
    assert report_errors(vidkit, command) == 1  # videos of 8 frames have one keyframe: nothing to weigh
    first = told(capsys)
    assert [failure.split(":")[0] for failure in first["failed"]] == ["figure4"]
    assert [row["row"] for row in first["tables"]["table1"]] == ["a", "d"]
    assert first["absent"] == {
        "table1": ["dff", "impression-fixed", "impression-frozen"],
        "figure8": ["dff"],
    }
    assert all(Path(file).is_file() for file in first["files"])
    page = Path("out/report.md").read_text()
    assert "FAILED: figure4" in page
    assert "dff.pt, impression-fixed.pt, impression-frozen.pt" in page
    assert "origin: made up" in page
    assert Path("out/figure8.svg").is_file()

    times = {path: path.stat().st_mtime_ns for path in Path("out/runs").rglob("*.h5")}
    again = [*command[: command.index("--only")], "--only", "table1,figure8", *command[command.index("--lengths") :]]
    assert report_errors(vidkit, again) == 0
    second = told(capsys)
    assert second["steps_done_now"] == 0
    assert second["tables"]["table1"] == first["tables"]["table1"]
    assert times == {path: path.stat().st_mtime_ns for path in Path("out/runs").rglob("*.h5")}
    assert not Path("elsewhere").exists()


def work(tmp_path: Path) -> reproduce._Work:
    (tmp_path / "out").mkdir()
    return reproduce._Work(tmp_path / "out", restart=False)


GOOD = CommandStep("good", ("propagation", "--length", "3", "--json"), (), ())
BAD = CommandStep("bad", ("info", "none.h5"), (), ())


def test_a_step_that_fails_is_told_and_the_others_are_done(tmp_path, capsys):
    at_work = work(tmp_path)
    at_work.do([BAD, CommandStep("after bad", ("info", "made.h5"), (Path("made.h5"),), ()), GOOD])
    assert at_work.done == {"good"}
    assert at_work.failed == ["bad: vidkit info none.h5 (exit code 1)"]
    assert "FormatError: none.h5: can't be read" in capsys.readouterr().err
    assert json.loads((tmp_path / "out" / GOOD.said).read_text())["length"] == 3
    assert Path.cwd() == tmp_path


def test_an_error_in_json_is_shown_too(tmp_path, capsys):
    at_work = work(tmp_path)
    at_work.do([CommandStep("bad", ("info", "none.h5", "--json"), (), ())])
    assert "none.h5: can't be read" in capsys.readouterr().err


def test_what_is_done_is_not_done_again_and_what_failed_is_tried_again(tmp_path):
    first = work(tmp_path)
    first.do([BAD, GOOD])
    second = reproduce._Work(tmp_path / "out", restart=False)
    second.do([BAD, GOOD])
    assert (first.made, second.made) == (1, 0)
    assert second.done == {"good"}
    assert len(second.failed) == 1


def test_an_interrupted_step_stops_it(tmp_path, monkeypatch):
    def interrupt(*_args: object) -> int:
        return 130

    monkeypatch.setattr(reproduce, "report_errors", interrupt)
    at_work = work(tmp_path)
    with pytest.raises(reproduce.click.exceptions.Exit) as stopped:
        at_work.do([GOOD])
    assert stopped.value.exit_code == 130
    assert not (tmp_path / "out" / GOOD.stamp).exists()


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--only", "tabel1"], "did you mean 'table1'?"),
        (["--only", ","], "names nothing"),
        (["--lengths", "0..3"], "wanted whole numbers from 1 to 1000"),
        (["--lengths", "2.5"], "wanted whole numbers"),
        (["--lengths", ""], "wanted whole numbers"),
        (["--gates", "0,2"], "wanted numbers from 0 to 1"),
        (["--gates", "nan"], "wanted numbers from 0 to 1"),
    ],
)
def test_bad_usage(args, message, capsys):
    assert report_errors(vidkit, ["reproduce", *args]) == 2
    assert message in capsys.readouterr().err


def test_bad_input(capsys, monkeypatch):
    write_index(Path("made.h5"), make_index())
    command = ["reproduce", "--index", "made.h5", "--checkpoints", "weights"]
    Path("weights").mkdir()
    Path("weights/other.pt").write_bytes(b"")
    assert report_errors(vidkit, command) == 1
    assert "none of per-frame.pt, dff.pt" in capsys.readouterr().err
    Path("weights/dff.pt").write_bytes(b"")
    assert report_errors(vidkit, [*command, "--only", "table3,figure4"]) == 1
    assert "table3, figure4: nothing can be run; wanted impression.pt, fgfa.pt in" in capsys.readouterr().err
    assert report_errors(vidkit, ["reproduce", "--index", "none.h5", "--checkpoints", "weights"]) == 1
    assert "none.h5: can't be read" in capsys.readouterr().err
    monkeypatch.setattr(reproduce, "shipped_checkpoints", lambda: None)
    assert report_errors(vidkit, ["reproduce", "--index", "made.h5"]) == 1
    assert "no checkpoints came with this installation" in capsys.readouterr().err


def test_a_folder_as_output_must_not_be_a_file(capsys):
    Path("out").write_text("mine")
    assert report_errors(vidkit, ["reproduce", "-o", "out"]) == 2
    assert Path("out").read_text() == "mine"
