"""`vidkit demo`: from nothing to a table and figures, as a list of the commands that a user would type."""

from __future__ import annotations

import math
import os
import shlex
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import click

from .console import json_option, print_json, print_table, say
from .reproduce.command import checkpoints_in, shipped_checkpoints

if TYPE_CHECKING:
    from vidkit.evaluation.result import EvalResult

FRAMES = (4, 12, 20)
VIDEOS = 16
LENGTHS = (2, 5, 10)
FILM = "film.mp4"

KEY_SECONDS, COPY_SECONDS = 0.005, 0.0005
"""What a detection and a copy cost the stand-ins: slept, not computed."""
STAND_IN_VIDEOS = 40
STAND_IN_LENGTHS = (2, 5, 10, 20)
PER_FRAME = ["oracle-jitter", "--option", f"seconds={KEY_SECONDS}", "--option", "blur=0.2"]
COPY = ["frame-copy", "--option", f"seconds={COPY_SECONDS}", "--option", f"base_options=seconds={KEY_SECONDS},blur=0.2"]

# Run name: arguments of `vidkit benchmark`.
STAND_INS: dict[str, list[str]] = {
    "per-frame": PER_FRAME,
    **{f"copy-l{n}": [*COPY, "--option", f"length={n}"] for n in STAND_IN_LENGTHS},
    **{f"copy-l{n}-first": [*COPY, "--option", f"length={n}", "--option", "key_id=0"] for n in STAND_IN_LENGTHS},
}


@dataclass(frozen=True)
class Demo:
    """The commands, each as its arguments, and what they leave behind, relative to the demo's folder."""

    commands: list[list[str]]
    runs: dict[str, Path]
    """The folders of the runs by name."""
    figures: list[Path]
    note: str
    """What must be known of the numbers."""


def _data(videos: int) -> list[list[str]]:
    """Return the commands that make the data: of another seed than any training or choice was made with."""
    return [
        ["synth", "synth", "--seed", "1", "--videos", "0", "--val-videos", str(videos), "--force"],
        ["prepare", "--vid-root", "synth", "--classes", "synth/classes.txt"],
        *(["view", "--frame", str(n), "-o", f"pictures/frame{n:02d}.png"] for n in FRAMES),
    ]


def with_networks(checkpoints: Path | None = None) -> Demo:
    """Return the demo with networks: those in `checkpoints`, or those that come with the package."""
    lengths = ",".join(map(str, LENGTHS))
    chosen = [] if checkpoints is None else ["--checkpoints", str(checkpoints.absolute())]
    reproduce = [
        "reproduce",
        "--only",
        "table1,figure5,figure8",
        "--lengths",
        lengths,
        "--ci",
        "200",
        "--restart",
        *chosen,
    ]
    names = ["per-frame", *(f"{method}-l{n}" for method in ("dff", "impression") for n in LENGTHS)]
    folder = Path("reproduced")
    runs = {name: folder / "runs" / name for name in names}
    film = ["render", *(runs[name].as_posix() for name in ("per-frame", f"impression-l{max(LENGTHS)}")), "-o", FILM]
    return Demo(
        [*_data(VIDEOS), reproduce, *([film] if find_spec("av") else [])],
        runs,
        [folder / "figure8.png", folder / "figure5.png", *([Path(FILM)] if find_spec("av") else [])],
        "Small networks, trained on other videos of the same kind (docs/results.md). The paper's numbers beside these: "
        "reproduced/report.html.",
    )


def with_stand_ins() -> Demo:
    """Return the demo without networks."""
    benchmarks = [
        ["benchmark", *args, "-o", f"runs/{name}/predictions.h5", "--restart"] for name, args in STAND_INS.items()
    ]
    scores = [["eval", f"runs/{name}/predictions.h5", "--by", "motion", "--ci", "200"] for name in STAND_INS]
    return Demo(
        [*_data(STAND_IN_VIDEOS), *benchmarks, *scores, ["plot", "speed-accuracy", *STAND_INS]],
        {name: Path("runs", name) for name in STAND_INS},
        [Path("runs", "speed-accuracy.png")],
        "These detectors are stand-ins that look at the ground truth; their speed is simulated.",
    )


@click.command("demo")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("demo"),
    show_default=True,
    help="The folder that everything is written to.",
)
@click.option(
    "--checkpoints",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A folder of checkpoints as for `vidkit reproduce`; default: the small ones that come with the package.",
)
@click.option("--stand-ins", is_flag=True, help="No networks, though they are there.")
@json_option
def command(out: Path, checkpoints: Path | None, stand_ins: bool, as_json: bool) -> None:
    """Make a small data set, run detectors over it, score them by motion speed, draw figures.

    Per-frame detection, Deep Feature Flow and the Impression Network, small but trained, at several segment lengths.
    Where torch isn't installed, stand-ins that look at the ground truth take their place, with simulated speed. It
    types the commands below --out one after the other; each is shown, and can be typed there by hand.

    \b
    Examples:
      vidkit demo
      vidkit demo --out /somewhere/else
      vidkit demo --stand-ins
    """
    if stand_ins and checkpoints:
        raise click.UsageError("--stand-ins has no use for --checkpoints: give one of them")
    start = perf_counter()
    why = "" if stand_ins or checkpoints else _why_no_networks()
    if why:
        say(f"{why}: stand-ins that look at the ground truth take the place of networks")
    demo = with_stand_ins() if stand_ins or why else with_networks(checkpoints)
    out.mkdir(parents=True, exist_ok=True)
    (out / "pictures").mkdir(exist_ok=True)
    for arguments in demo.commands:
        _type(arguments, out, quiet=as_json)
    rows = _rows(out, demo)
    columns, table = list(rows[0]), [list(row.values()) for row in rows]
    files = {
        "table": _write_table(out, columns, table),
        "figures": [out / path for path in demo.figures],
        "frames": [out / "pictures" / f"frame{n:02d}.png" for n in FRAMES],
    }
    if as_json:
        print_json(
            {"format": "vidkit-demo", "version": 1, "files": files, "seconds": perf_counter() - start, "runs": rows}
        )
        return
    click.echo()
    print_table(columns, table, title="mAP in % under the protocol fgfa, 95 % intervals over videos")
    click.echo(f"{demo.note}\n")
    for title, paths in files.items():
        click.echo(f"{title:<8}{'  '.join(map(str, paths))}")
    say(f"done in {perf_counter() - start:.0f} s; the commands above can be typed by hand in {out}")


def _why_no_networks() -> str:
    """Return why the demo can't run networks, "" if it can."""
    if find_spec("torch") is None:
        return 'torch isn\'t installed (pip install ".[model]")'
    folder = shipped_checkpoints()
    wanted = ("per-frame", "dff", "impression")
    if folder is None or not checkpoints_in(folder).keys() >= set(wanted):
        return f"this installation comes without the checkpoints {', '.join(wanted)}"
    return ""


def _type(arguments: Sequence[str], folder: Path, quiet: bool) -> None:
    """Show a command and run it in `folder`, as a user would; stop with its exit code if it fails.

    The tables of `reproduce` aren't shown: the demo's own says the same at its end.
    """
    click.echo(f"\n$ vidkit {shlex.join(arguments)}", err=quiet)
    sys.stdout.flush()
    environment = {name: value for name, value in os.environ.items() if name not in ("VIDKIT_DATA", "VIDKIT_RUNS")}
    done = subprocess.run(
        [sys.executable, "-P", "-m", "vidkit_cli.main", *arguments],
        cwd=folder,
        env=environment,
        stdout=subprocess.DEVNULL if arguments[0] == "reproduce" else sys.stderr if quiet else None,
        check=False,
    )
    if done.returncode:
        say(f"the command failed with exit code {done.returncode}: vidkit {shlex.join(arguments)}")
        raise click.exceptions.Exit(done.returncode)


def _rows(out: Path, demo: Demo) -> list[dict[str, Any]]:
    """Return what is in the results of the runs, a row for each."""
    from vidkit.evaluation.result import read_result

    return [_row(name, read_result(out / folder / "result.json")) for name, folder in demo.runs.items()]


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
        "frames/s": f"{result.run['frames_per_second']:.1f}",
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
