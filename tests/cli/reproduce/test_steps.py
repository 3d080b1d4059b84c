from dataclasses import replace
from pathlib import Path

import pytest
from vidkit_cli.reproduce.plan import Grid, all_runs, dff, impression, per_frame, table_1
from vidkit_cli.reproduce.steps import CommandStep, Given, is_done, lacking, mark_done, result_steps, run_steps

GIVEN = Given(Path("/data/val.h5"), {"per-frame": Path("/w/per-frame.pt"), "impression": Path("/w/impression.pt")})
NAMES = [run.name for run in (per_frame(), dff(), impression())]


def step_called(steps: list[CommandStep], name: str) -> CommandStep:
    (found,) = [step for step in steps if step.name == name]
    return found


def test_each_run_is_benchmarked_and_scored_and_its_checkpoint_shown_once():
    steps = run_steps([per_frame(), impression(5), impression()], GIVEN)
    assert [step.name for step in steps] == [
        *("checkpoint per-frame", "checkpoint impression"),
        *("benchmark per-frame", "eval per-frame"),
        *("benchmark impression-l5", "eval impression-l5"),
        *("benchmark impression-l10", "eval impression-l10"),
    ]


def test_runs_without_checkpoint_are_left_out():
    assert run_steps([dff()], GIVEN) == []


def test_what_the_user_chose_reaches_the_benchmark():
    given = replace(GIVEN, device="cuda", options=("precision=float16",), limit=3, frames_root=Path("/frames"))
    command = step_called(run_steps([impression(gate=0.5)], given), "benchmark impression-l10-g0.5").command
    told = " ".join(command)
    assert told.startswith("benchmark impression --index /data/val.h5 --checkpoint /w/impression.pt")
    assert "--option length=10 --option gate=0.5 --option precision=float16 --device cuda --limit 3" in told
    assert "--frames-root /frames --record-weights -o runs/impression-l10-g0.5/predictions.h5" in told


def test_figures_are_drawn_of_the_runs_that_have_results():
    steps = result_steps(("figure7", "figure8"), Grid(), [*NAMES, "impression-l10-g0"], GIVEN)
    assert step_called(steps, "figure8").command[2:5] == ["runs/per-frame", "runs/dff-l10", "runs/impression-l10"]
    assert step_called(steps, "figure7").command[2:4] == ["runs/impression-l10-g0", "runs/impression-l10"]
    assert result_steps(("figure7",), Grid(), [], GIVEN) == []
    assert result_steps(("figure5",), Grid(), ["per-frame"], GIVEN) == []  # one of its two


def test_a_limited_run_is_drawn_as_such_and_not_compared():
    whole = [step.name for step in result_steps(("table1", "figure8"), Grid(), NAMES, GIVEN)]
    assert whole == ["compare dff-l10", "compare impression-l10", "figure8"]
    (figure,) = result_steps(("table1", "figure8"), Grid(), NAMES, replace(GIVEN, limit=2))
    assert "--limited" in figure.command


def test_nothing_is_compared_without_intervals_or_without_the_baseline():
    assert result_steps(("table1",), Grid(), NAMES, replace(GIVEN, ci=0)) == []
    assert result_steps(("table1",), Grid(), ["dff-l10"], GIVEN) == []


def test_every_step_has_a_stamp_of_its_own():
    checkpoints = {run.checkpoint: Path("/w.pt") for run in [*table_1().values()]} | {"fgfa": Path("/f.pt")}
    runs = all_runs(("table1", "table2", "table3", "figure7", "figure8"), Grid())
    steps = run_steps(runs, replace(GIVEN, checkpoints=checkpoints))
    assert len({step.stamp for step in steps}) == len(steps) > 100


@pytest.fixture
def step(tmp_path: Path) -> CommandStep:
    """A step that was just done in tmp_path."""
    (tmp_path / "index.h5").write_bytes(b"index")
    made = CommandStep(
        "convert it", ("convert", tmp_path / "index.h5", "-o", "out"), (tmp_path / "index.h5",), (Path("out"),)
    )
    for path in (made.writes[0], made.said):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text("done")
    mark_done(made, tmp_path, 1.5)
    return made


def test_a_step_is_done_until_something_changes(step, tmp_path):
    assert is_done(step, tmp_path)
    (tmp_path / "index.h5").write_bytes(b"another")
    assert not is_done(step, tmp_path)
    (tmp_path / "index.h5").write_bytes(b"index")
    assert is_done(step, tmp_path)


@pytest.mark.parametrize("change", [{"arguments": ("convert", "-o", "out")}, {"writes": (Path("out"), Path("more"))}])
def test_another_command_or_output_is_not_done(step, tmp_path, change):
    assert not is_done(replace(step, **change), tmp_path)


def test_where_the_inputs_lie_does_not_count(step, tmp_path):
    moved = tmp_path / "elsewhere" / "index.h5"
    moved.parent.mkdir()
    (tmp_path / "index.h5").rename(moved)
    there = replace(step, arguments=("convert", moved, "-o", "out"), reads=(moved,))
    assert is_done(there, tmp_path)
    assert lacking(step, tmp_path) == [tmp_path / "index.h5"]
    assert not is_done(step, tmp_path)


@pytest.mark.parametrize("content", ["", "[]", "{", "null", '{"format": "vidkit-step"}'])
def test_a_damaged_stamp_is_no_stamp(step, tmp_path, content):
    (tmp_path / step.stamp).write_text(content)
    assert not is_done(step, tmp_path)


def test_an_output_that_is_gone_is_made_again(step, tmp_path):
    (tmp_path / "out").unlink()
    assert not is_done(step, tmp_path)
