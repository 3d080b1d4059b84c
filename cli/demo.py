"""`vidkit demo`: from nothing to a table and figures, as a list of the commands that a user would type."""

import os
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter
from typing import Any

import click

from .console import echo, json_option, print_json, print_table, say
from .reproduce.command import checkpoints_in, shipped_checkpoints

FRAMES = (4, 12, 20)
VIDEOS = 16
LENGTHS = (2, 5, 10)
FILM = "film.mp4"

KEY_SECONDS, COPY_SECONDS = 0.005, 0.0005
"""What a detection and a copy cost the stand-ins: slept, not computed."""
STAND_IN_VIDEOS = 40
STAND_IN_LENGTHS = (2, 5, 10, 20)
PER_FRAME = f"oracle-jitter --option seconds={KEY_SECONDS} --option blur=0.2"
COPY = f"frame-copy --option seconds={COPY_SECONDS} --option base_options=seconds={KEY_SECONDS},blur=0.2"

# Run name: arguments of `vidkit benchmark`.
STAND_INS = {
    "per-frame": PER_FRAME,
    **{f"copy-l{n}": f"{COPY} --option length={n}" for n in STAND_IN_LENGTHS},
    **{f"copy-l{n}-first": f"{COPY} --option length={n} --option key_id=0" for n in STAND_IN_LENGTHS},
}


@dataclass(frozen=True)
class Demo:
    """The commands, as they are typed behind `vidkit`, and what they leave behind, relative to the demo's folder."""

    commands: list[str]
    runs: dict[str, Path]
    """The folders of the runs by name."""
    figures: list[Path]
    note: str
    """What must be known of the numbers."""


def _data(videos: int) -> list[str]:
    """The commands that make the data: of another seed than any training or choice was made with."""
    return [
        f"synth synth --seed 1 --videos 0 --val-videos {videos} --force",
        "prepare --vid-root synth --classes synth/classes.txt",
        *(f"view --frame {n} -o pictures/frame{n:02d}.png" for n in FRAMES),
    ]


def with_networks(checkpoints: Path | None = None) -> Demo:
    """The demo with networks: those in `checkpoints`, or those that come with the package."""
    reproduce = f"reproduce --only table1,figure5,figure8 --lengths {','.join(map(str, LENGTHS))} --ci 200 --restart"
    if checkpoints is not None:
        reproduce += f" --checkpoints {shlex.quote(str(checkpoints.absolute()))}"
    names = ["per-frame", *(f"{method}-l{n}" for method in ("dff", "impression") for n in LENGTHS)]
    folder = Path("reproduced")
    runs = {name: folder / "runs" / name for name in names}
    film = f"render {runs['per-frame'].as_posix()} {runs[f'impression-l{max(LENGTHS)}'].as_posix()} -o {FILM}"
    has_av = find_spec("av") is not None
    return Demo(
        [*_data(VIDEOS), reproduce, *([film] if has_av else [])],
        runs,
        [folder / "figure8.png", folder / "figure5.png", *([Path(FILM)] if has_av else [])],
        "Small networks, trained on other videos of the same kind (docs/results.md). The paper's numbers beside these: "
        "reproduced/report.html.",
    )


def with_stand_ins() -> Demo:
    """The demo without networks."""
    benchmarks = [f"benchmark {args} -o runs/{name}/predictions.h5 --restart" for name, args in STAND_INS.items()]
    scores = [f"eval runs/{name}/predictions.h5 --by motion --ci 200" for name in STAND_INS]
    return Demo(
        [*_data(STAND_IN_VIDEOS), *benchmarks, *scores, f"plot speed-accuracy {' '.join(STAND_INS)}"],
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
    from vidkit.evaluation.intervals import explained

    start = perf_counter()
    why = "" if stand_ins or checkpoints else _why_no_networks()
    if why:
        say(f"{why}: stand-ins that look at the ground truth take the place of networks")
    demo = with_stand_ins() if stand_ins or why else with_networks(checkpoints)
    out.mkdir(parents=True, exist_ok=True)
    (out / "pictures").mkdir(exist_ok=True)
    for line in demo.commands:
        _type(line, out, quiet=as_json)
    rows = _rows(out, demo)
    files = {
        "table": _write_table(out, rows),
        "figures": [out / path for path in demo.figures],
        "frames": [out / "pictures" / f"frame{n:02d}.png" for n in FRAMES],
    }
    if as_json:
        seconds = perf_counter() - start
        print_json({"format": "vidkit-demo", "version": 1, "files": files, "seconds": seconds, "runs": rows})
        return
    echo()
    lines = [list(row.values()) for row in rows]
    print_table(list(rows[0]), lines, title="mAP in % under the protocol fgfa, 95 % intervals over videos")
    for why in explained(str(row["mAP"]) for row in rows):
        echo(why)
    echo(f"{demo.note}\n")
    for title, paths in files.items():
        echo(f"{title:<8}{'  '.join(map(str, paths))}")
    say(f"done in {perf_counter() - start:.0f} s; the commands above can be typed by hand in {out}")


def _why_no_networks() -> str:
    """Why the demo can't run networks, "" if it can."""
    if find_spec("torch") is None:
        return 'torch isn\'t installed (pip install ".[model]")'
    folder = shipped_checkpoints()
    wanted = ("per-frame", "dff", "impression")
    if folder is None or not checkpoints_in(folder).keys() >= set(wanted):
        return f"this installation comes without the checkpoints {', '.join(wanted)}"
    return ""


def _type(line: str, folder: Path, quiet: bool) -> None:
    """Show a command and run it in `folder`, as a user would; stop with its exit code if it fails.

    The tables of `reproduce` aren't shown: the demo's own says the same at its end.
    """
    (say if quiet else echo)(f"\n$ vidkit {line}")
    sys.stdout.flush()
    environment = {name: value for name, value in os.environ.items() if name not in ("VIDKIT_DATA", "VIDKIT_RUNS")}
    done = subprocess.run(
        [sys.executable, "-P", "-m", "vidkit_cli.main", *shlex.split(line)],
        cwd=folder,
        env=environment,
        stdout=subprocess.DEVNULL if line.startswith("reproduce ") else sys.stderr if quiet else None,
        check=False,
    )
    if done.returncode:
        say(f"the command failed with exit code {done.returncode}: vidkit {line}")
        raise click.exceptions.Exit(done.returncode)


def _rows(out: Path, demo: Demo) -> list[dict[str, Any]]:
    """What is in the results of the runs, a row for each, as it is shown."""
    from vidkit.evaluation.result import read_result
    from vidkit.pages.result_tables import NOTHING, in_percent
    from vidkit.pages.run_tables import motion_groups, run_rows, with_interval

    results = {name: read_result(out / folder / "result.json") for name, folder in demo.runs.items()}
    groups = motion_groups(results.values())
    return [
        {
            "run": row["run"],
            "detector": row["detector"],
            "l": NOTHING if row["length"] is None else row["length"],
            "mAP": with_interval(row),
            **{group: in_percent(row.get(group), 1) for group in groups},
            "frames/s": f"{row['frames_per_second']:.1f}",
            "look-ahead": row["look_ahead"],
        }
        for row in run_rows(results)
    ]


def _write_table(out: Path, rows: Sequence[Mapping[str, Any]]) -> list[Path]:
    """Write the table as Markdown and as CSV; return where."""
    from vidkit.files import csv_text, write_text
    from vidkit.pages.page import Table, table_to_markdown

    table = Table(tuple(rows[0]), tuple(tuple(map(str, row.values())) for row in rows), left=2)
    write_text(out / "table.md", table_to_markdown(table))
    write_text(out / "table.csv", csv_text(rows))
    return [out / "table.md", out / "table.csv"]
