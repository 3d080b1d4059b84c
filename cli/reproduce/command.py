"""`vidkit reproduce`: the paper's tables and figures in one go."""

from __future__ import annotations

import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import chdir, redirect_stderr, redirect_stdout
from ctypes import CDLL
from importlib.util import find_spec
from io import StringIO
from pathlib import Path
from signal import SIGKILL
from time import perf_counter
from typing import TYPE_CHECKING, Any, TextIO, TypeVar

import click

from ..console import INTERRUPTED, echo, json_option, print_json, print_table, report_errors, say
from ..options import data_dir_option, index_option, open_index

if TYPE_CHECKING:
    from vidkit.evaluation.result import EvalResult
    from vidkit.pages.page import Table
    from vidkit.pages.run_tables import PlainRow

    from .page import Reproduction
    from .plan import Grid, Run
    from .steps import CommandStep

Number = TypeVar("Number", int, float)


@click.command("reproduce")
@index_option
@data_dir_option
@click.option(
    "--checkpoints",
    "checkpoint_folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A folder with per-frame.pt, dff.pt, impression.pt, impression-fixed.pt, impression-frozen.pt, fgfa.pt, as "
    "many of them as there are; default: the small ones that come with the package.",
)
@click.option(
    "-o",
    "--output",
    "out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("reproduced"),
    show_default=True,
    help="The folder that everything is written to.",
)
@click.option("--only", metavar="NAMES", help="Some of table1, table2, table3, figure4 … figure8, with commas.")
@click.option("--lengths", default="1..20", show_default=True, help="Segment lengths l of Figure 8.")
@click.option("--gates", default="0..1:0.125", show_default=True, help="Memory gates g of Figures 6 and 7.")
@click.option(
    "--ci",
    type=click.IntRange(0),
    default=1000,
    show_default=True,
    metavar="N",
    help="Drawings for intervals; 0: none.",
)
@click.option("--device", default="cpu", show_default=True, help="Where the detectors compute, as torch names it.")
@click.option(
    "--option", "options", multiple=True, metavar="NAME=VALUE", help="An option for all detectors; repeatable."
)
@click.option("--limit", type=click.IntRange(1), metavar="N", help="Only the first N videos: for a smoke test, marked.")
@click.option(
    "--frames-root",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Where the frames are, if they were moved since the index was made.",
)
@click.option("--restart", is_flag=True, help="Make again what was made from other inputs, in place of refusing.")
@json_option
def command(
    index_path: Path | None,
    data_dir: Path,
    checkpoint_folder: Path | None,
    out: Path,
    only: str | None,
    lengths: str,
    gates: str,
    ci: int,
    device: str,
    options: tuple[str, ...],
    limit: int | None,
    frames_root: Path | None,
    restart: bool,
    as_json: bool,
) -> int:
    """Tables 1, 2, 3 and Figures 4 to 8 of the paper, its numbers beside those that are measured here.

    Each step is a vidkit command run in the output's folder; what is done with the same inputs is left as it is, so
    that the same command goes on where it was stopped. A step that fails doesn't stop the others. What lacks its
    checkpoint is left out, and the report says so. Writes report.html, report.md, tables and figures.

    \b
    Examples:
      vidkit reproduce --index vidkit-data/vid_val.h5 -o reproduced
      vidkit reproduce --only table1,figure8 --lengths 2,5,10,20 --ci 200
      vidkit reproduce --index vidkit-data/vid_val.h5 --checkpoints trained --device cuda --option precision=float16
    """
    from vidkit.files import only_writer

    from .page import Reproduction, write_report
    from .plan import all_runs, missing, runs_of
    from .steps import Given, result_steps, run_steps

    articles, grid = _articles(only), _grid(lengths, gates)
    index_file, index = open_index(index_path, data_dir)
    checkpoints = _checkpoints(checkpoint_folder)
    frames = frames_root.absolute() if frames_root else None
    limit = limit if limit is not None and limit < index.n_videos else None
    given = Given(index_file.absolute(), checkpoints, ci, device, options, limit, frames)
    possible = _possible(articles, all_runs(articles, grid), checkpoints)
    click.get_current_context().with_resource(only_writer(out))
    at_work = _Work(out, restart)
    at_work.do(run_steps(possible, given))
    results = {run.name: _result(out, run.name) for run in possible if f"eval {run.name}" in at_work.done}
    at_work.do(result_steps(articles, grid, results, given))
    found = Reproduction(
        folder=out,
        articles=articles,
        grid=grid,
        index=index,
        results=results,
        networks=_networks(out, at_work),
        gains=_gains(out, possible, at_work),
        steps=at_work.steps,
        absent={name: lacking for name in articles if (lacking := missing(runs_of(name, grid), checkpoints))},
        failed=at_work.failed,
    )
    _tell(found, write_report(found), at_work, as_json)
    return 1 if at_work.failed else 0


def _articles(only: str | None) -> tuple[str, ...]:
    from vidkit.errors import did_you_mean

    from .plan import ARTICLES

    if only is None:
        return ARTICLES
    wanted = [name.strip() for name in only.split(",") if name.strip()]
    for name in wanted:
        if name not in ARTICLES:
            raise click.UsageError(
                f"--only {name}{did_you_mean(name, list(ARTICLES))}; there are {', '.join(ARTICLES)}"
            )
    if not wanted:
        raise click.UsageError(f"--only names nothing; there are {', '.join(ARTICLES)}")
    return tuple(name for name in ARTICLES if name in wanted)


def _grid(lengths: str, gates: str) -> Grid:
    from .plan import Grid

    ls = _numbers("lengths", lengths, int, lambda length: 1 <= length <= 1000)
    return Grid(ls, _numbers("gates", gates, float, lambda gate: 0 <= gate <= 1))


def _numbers(option: str, text: str, kind: type[Number], fits: Callable[[Number], bool]) -> tuple[Number, ...]:
    """The values of a list such as 1..20 or 0,0.5,1, rising."""
    from vidkit.harness.grid import grid

    try:
        values = sorted(kind(chosen.partition("=")[2]) for (chosen,) in grid([f"{option}={text}"]))
    except ValueError:
        values = []
    if not values or not all(fits(value) for value in values):
        wanted = "whole numbers from 1 to 1000" if kind is int else "numbers from 0 to 1"
        raise click.UsageError(f"--{option} {text}: wanted {wanted}, as in 2,5,10 or with a range 1..20 or 0..1:0.125")
    return tuple(dict.fromkeys(values))


def shipped_checkpoints() -> Path | None:
    """The folder of the checkpoints that come with the package, None without; impnet_model isn't imported."""
    spec = find_spec("impnet_model")
    folder = Path(spec.origin).parent / "weights" if spec and spec.origin else None
    return folder if folder and any(folder.glob("*.pt")) else None


def checkpoints_in(folder: Path) -> dict[str, Path]:
    """The checkpoints in a folder by name; other files aren't looked at."""
    from .plan import CHECKPOINTS

    return {name: (folder / f"{name}.pt").absolute() for name in CHECKPOINTS if (folder / f"{name}.pt").is_file()}


def _checkpoints(folder: Path | None) -> dict[str, Path]:
    """The checkpoints in a folder by name, the shipped ones for None."""
    from vidkit.errors import ChoiceError

    from .plan import CHECKPOINTS

    chosen = folder or shipped_checkpoints()
    if chosen is None:
        raise ChoiceError("no checkpoints came with this installation; name a folder with --checkpoints DIR")
    found = checkpoints_in(chosen)
    wanted = ", ".join(f"{name}.pt" for name in CHECKPOINTS)
    if not found:
        raise ChoiceError(f"{chosen}: none of {wanted} is there; call the checkpoints so")
    if strange := sorted(path.name for path in chosen.glob("*.pt") if path.stem not in CHECKPOINTS):
        say(f"{chosen}: left alone: {', '.join(strange)}; the names that count are {wanted}")
    return found


def _possible(articles: Sequence[str], runs: Sequence[Run], checkpoints: dict[str, Path]) -> list[Run]:
    """The runs whose checkpoints are there; ChoiceError if there are none."""
    from vidkit.errors import ChoiceError

    from .plan import missing

    if possible := [run for run in runs if run.checkpoint in checkpoints]:
        return possible
    folder = next(iter(checkpoints.values())).parent
    files = ", ".join(f"{name}.pt" for name in missing(runs, checkpoints))
    raise ChoiceError(f"{', '.join(articles)}: nothing can be run; wanted {files} in {folder}")


def _end_with_parent() -> None:
    """Let the system end this process with its parent, where it can: killed, a parent can't end it itself."""
    if sys.platform == "linux":
        CDLL(None).prctl(1, SIGKILL)  # PR_SET_PDEATHSIG


class _Work:
    """Doing steps in a folder; it remembers which are done and which failed."""

    def __init__(self, folder: Path, restart: bool) -> None:
        self.folder = folder
        self.restart = restart
        self.steps: list[CommandStep] = []
        self.done: set[str] = set()
        self.made = 0
        self.failed: list[str] = []

    def do(self, steps: Sequence[CommandStep]) -> None:
        """Do those steps that aren't done yet; one that fails, or lacks what it reads, is noted and passed over."""
        from .steps import is_done, lacking, mark_done

        for place, step in enumerate(steps, start=1):
            self.steps.append(step)
            if is_done(step, self.folder):
                self.done.add(step.name)
                continue
            if lacking(step, self.folder):
                continue  # what should have made it failed, and was noted
            say(f"[{place}/{len(steps)}] {step.name}")
            start = perf_counter()
            if not self._run(step):
                continue
            mark_done(step, self.folder, perf_counter() - start)
            self.done.add(step.name)
            self.made += 1

    def _run(self, step: CommandStep) -> bool:
        """Run a step's command in the folder, what it prints going to a file; return whether it did its work.

        What goes wrong is shown on stderr as it comes. A benchmark has a process of its own, for the sake of its memory
        and its times.
        """
        from vidkit.files import writing

        from ..main import vidkit

        said = self.folder.absolute() / step.said
        with writing(said) as part, part.open("w", encoding="utf-8") as stream:
            if step.command[0] == "benchmark":
                code = self._run_apart(step, stream)
            else:
                with chdir(self.folder), redirect_stdout(stream), redirect_stderr(StringIO()) as remarks:
                    code = report_errors(vidkit, step.command)
                if code:
                    say(remarks.getvalue())
        if code == INTERRUPTED:
            raise click.exceptions.Exit(INTERRUPTED)
        if code:
            if "--json" in step.command:  # then its error stands there
                say(said.read_text(encoding="utf-8"))
            self.failed.append(f"{step.name}: vidkit {shlex.join(step.command)} (exit code {code})")
        return code == 0

    def _run_apart(self, step: CommandStep, stream: TextIO) -> int:
        again = "--restart" if self.restart else "--resume"
        command = [sys.executable, "-P", "-m", "vidkit_cli.main", *step.command, again]
        code = subprocess.run(
            command,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            check=False,
            preexec_fn=_end_with_parent,
        ).returncode
        return INTERRUPTED if code == -signal.SIGINT else code


def _result(out: Path, run: str) -> EvalResult:
    from vidkit.evaluation.result import read_result

    return read_result(out / "runs" / run / "result.json")


def _networks(out: Path, work: _Work) -> dict[str, dict[str, Any]]:
    """What `vidkit weights show` said of the checkpoints, by name."""
    import json

    shown = {step.name.partition(" ")[2]: step for step in work.steps if step.command[:2] == ["weights", "show"]}
    return {
        name: json.loads((out / step.said).read_text(encoding="utf-8"))
        for name, step in shown.items()
        if step.name in work.done
    }


def _gains(out: Path, runs: Sequence[Run], work: _Work) -> dict[str, PlainRow]:
    """The intervals that `vidkit compare` found, or why there is none, by run."""
    import json

    from .steps import gain_file

    compared = [run for run in runs if f"compare {run.name}" in work.done]
    files = {run.name: out / gain_file(run) for run in compared}
    overall = {name: json.loads(file.read_text(encoding="utf-8"))["differences"][0] for name, file in files.items()}
    return {name: {f"gain_{part}": one[part] for part in ("low", "high", "note")} for name, one in overall.items()}


def _tell(found: Reproduction, files: Sequence[Path], work: _Work, as_json: bool) -> None:
    from .page import tables_of

    tables = tables_of(found)
    if as_json:
        print_json(
            {
                "format": "vidkit-reproduce",
                "version": 1,
                "folder": found.folder,
                "limited": found.limited,
                "files": files,
                "tables": {name: rows for name, (rows, _) in tables.items()},
                "absent": found.absent,
                "failed": found.failed,
                "steps": len(work.steps),
                "steps_done_now": work.made,
            }
        )
        return
    if found.limited:
        echo("LIMITED RUN: only a part of the data was run, so these numbers are no score\n")
    for name, (_, table) in tables.items():
        _print(name, table)
    for name, lacking in found.absent.items():
        say(f"{name}: rows or curves left out for want of {', '.join(f'{each}.pt' for each in lacking)}")
    for failure in found.failed:
        say(f"failed: {failure}")
    say(f"{work.made} of {len(work.steps)} steps done now, the others before")
    echo(found.folder / "report.html")


def _print(name: str, table: Table) -> None:
    print_table(
        table.columns, table.rows, title=name.replace("table", "Table ").replace("runs", "All runs"), left=table.left
    )
    echo()
