"""`vidkit demo`: from nothing to a table and a figure, as a list of the commands that a user would type."""

from __future__ import annotations

import math
import os
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import click

from .console import json_option, print_json, print_table, say

if TYPE_CHECKING:
    from vidkit.evaluation.result import EvalResult

KEY_SECONDS, COPY_SECONDS = 0.005, 0.0005
"""What a detection and a copy cost the stand-ins: slept, not computed."""
LENGTHS = (2, 5, 10, 20)
PER_FRAME = ["oracle-jitter", "--option", f"seconds={KEY_SECONDS}", "--option", "blur=0.2"]
COPY = ["frame-copy", "--option", f"seconds={COPY_SECONDS}", "--option", f"base_options=seconds={KEY_SECONDS},blur=0.2"]

# Run name: arguments of `vidkit benchmark`.
RUNS: dict[str, list[str]] = {
    "per-frame": PER_FRAME,
    **{f"copy-l{n}": [*COPY, "--option", f"length={n}"] for n in LENGTHS},
    **{f"copy-l{n}-first": [*COPY, "--option", f"length={n}", "--option", "key_id=0"] for n in LENGTHS},
}
VIDEOS = 40
FRAMES = (4, 12, 20)


def commands() -> list[list[str]]:
    """Return the commands of the demo, each as its arguments."""
    return [
        ["synth", "synth", "--videos", "0", "--val-videos", str(VIDEOS), "--force"],
        ["prepare", "--vid-root", "synth", "--classes", "synth/classes.txt"],
        *(["view", "--frame", str(n), "-o", f"pictures/frame{n:02d}.png"] for n in FRAMES),
        *(["benchmark", *args, "-o", f"runs/{name}/predictions.h5", "--restart"] for name, args in RUNS.items()),
        *(["eval", f"runs/{name}/predictions.h5", "--by", "motion", "--ci", "200"] for name in RUNS),
        ["plot", "speed-accuracy", *RUNS],
    ]


@click.command("demo")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("demo"),
    show_default=True,
    help="The folder that everything is written to.",
)
@json_option
def command(out: Path, as_json: bool) -> None:
    """Make a small data set, run detectors over it, score them by motion speed, draw the figure.

    It types the commands below --out one after the other; each is shown, and can be typed there by hand. The detectors
    are stand-ins that look at the ground truth, and their speed is simulated.

    \b
    Examples:
      vidkit demo
      vidkit demo --out /somewhere/else
    """
    start = perf_counter()
    out.mkdir(parents=True, exist_ok=True)
    (out / "pictures").mkdir(exist_ok=True)
    for arguments in commands():
        _type(arguments, out, quiet=as_json)
    rows = _rows(out)
    columns, table = list(rows[0]), [list(row.values()) for row in rows]
    files = {
        "table": _write_table(out, columns, table),
        "figure": [out / "runs" / f"speed-accuracy.{ending}" for ending in ("png", "csv")],
        "frames": [out / "pictures" / f"frame{n:02d}.png" for n in FRAMES],
    }
    if as_json:
        print_json(
            {"format": "vidkit-demo", "version": 1, "files": files, "seconds": perf_counter() - start, "runs": rows}
        )
        return
    click.echo()
    print_table(columns, table, title="mAP in % under the protocol fgfa, 95 % intervals over videos")
    click.echo("These detectors are stand-ins that look at the ground truth; their speed is simulated.\n")
    for title, paths in files.items():
        click.echo(f"{title:<8}{'  '.join(map(str, paths))}")
    say(f"done in {perf_counter() - start:.0f} s; the commands above can be typed by hand in {out}")


def _type(arguments: Sequence[str], folder: Path, quiet: bool) -> None:
    """Show a command and run it in `folder`, as a user would; stop with its exit code if it fails."""
    click.echo(f"\n$ vidkit {shlex.join(arguments)}", err=quiet)
    sys.stdout.flush()
    environment = {name: value for name, value in os.environ.items() if name not in ("VIDKIT_DATA", "VIDKIT_RUNS")}
    done = subprocess.run(
        [sys.executable, "-P", "-m", "vidkit_cli.main", *arguments],
        cwd=folder,
        env=environment,
        stdout=sys.stderr if quiet else None,
        check=False,
    )
    if done.returncode:
        say(f"the command failed with exit code {done.returncode}: vidkit {shlex.join(arguments)}")
        raise click.exceptions.Exit(done.returncode)


def _rows(out: Path) -> list[dict[str, Any]]:
    """Return what is in the results of the runs, a row for each."""
    from vidkit.evaluation.result import read_result

    return [_row(name, read_result(out / "runs" / name / "result.json")) for name in RUNS]


def _row(name: str, result: EvalResult) -> dict[str, Any]:
    options = result.run["options"]
    motion = {g.name: _percent(g.mean_ap) for g in result.groups if g.by == "motion"}
    ends = result.overall.interval
    interval = "" if ends is None else f" [{_percent(ends.mean_ap[0])}, {_percent(ends.mean_ap[1])}]"
    return {
        "run": name,
        "detector": result.run["detector"],
        "l": options.get("length", "–"),
        "mAP": _percent(result.mean_ap) + interval,
        **{speed: motion.get(speed, "–") for speed in ("slow", "medium", "fast")},
        "frames/s": f"{result.run['frames_per_second']:.0f}",
        "look-ahead": result.run["look_ahead_max"],
    }


def _percent(share: float) -> str:
    return f"{100 * share:.1f}" if math.isfinite(share) else "–"


def _write_table(out: Path, columns: Sequence[str], table: Sequence[Sequence[Any]]) -> list[Path]:
    """Write the table as Markdown and as CSV; return where."""
    import csv
    import io

    from vidkit.files import write_text

    lines = [columns, ["---"] * len(columns), *table]
    markdown = "".join("| " + " | ".join(str(cell) for cell in line) + " |\n" for line in lines)
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([columns, *table])
    write_text(out / "table.md", markdown)
    write_text(out / "table.csv", text.getvalue())
    return [out / "table.md", out / "table.csv"]
