"""`vidkit report`: a page of some runs."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .console import echo, json_option, print_json
from .options import FOLDER, runs_dir_option
from .plot.figures import FIGURES
from .plot.inputs import results_of, results_protocol_option
from .prediction_options import all_runs_argument

if TYPE_CHECKING:
    from vidkit.evaluation.result import EvalResult
    from vidkit.pages.page import Block

TITLES = {"speed-accuracy": "Speed and accuracy", "motion": "Accuracy by motion speed"}
"""Of the figures of `vidkit plot` that the page has."""


@click.command("report")
@all_runs_argument
@runs_dir_option
@results_protocol_option
@click.option(
    "-o",
    "--output",
    "out",
    type=FOLDER,
    help="The folder of the page; default: RUNS/report.",
)
@json_option
def command(runs: tuple[str, ...], runs_dir: Path, protocol: str, out: Path | None, as_json: bool) -> None:
    """Write a page of runs: mAP with intervals, by motion speed, speed and look-ahead, what they were run on, figures.

    A RUN is a folder with a result.json, the file itself, or a name under the runs folder; without any, all that are
    there. Writes report.html, one file with its pictures, report.md, runs.csv and the figures. A figure that can't be
    drawn, such as of runs on two devices, is left out, and the page says why.

    \b
    Examples:
      vidkit report
      vidkit report per-frame impression -o page
    """
    from vidkit.files import csv_text, write_text
    from vidkit.pages.page import to_html, to_markdown
    from vidkit.pages.run_tables import run_rows

    results = results_of(runs, runs_dir, protocol)
    out = out or runs_dir / "report"
    blocks = _blocks(results, out)
    title = f"{len(results)} runs" if len(results) > 1 else f"Run {next(iter(results))}"
    texts = {
        "report.html": to_html(title, blocks),
        "report.md": to_markdown(title, blocks, out),
        "runs.csv": csv_text(run_rows(results)),
    }
    for name, text in texts.items():
        write_text(out / name, text)
    if as_json:
        print_json({"format": "vidkit-report", "version": 1, "runs": list(results), "files": [out / n for n in texts]})
    else:
        echo(out / "report.html")


def _blocks(results: dict[str, EvalResult], out: Path) -> list[Block]:
    """The content of the page; the figures are drawn into its folder."""
    from vidkit.evaluation.intervals import explained
    from vidkit.pages.page import Heading, Paragraph, Picture
    from vidkit.pages.result_tables import LIMITED
    from vidkit.pages.run_tables import made_with, run_rows, runs_table

    blocks: list[Block] = []
    if partial := [name for name, result in results.items() if result.limited]:
        blocks.append(Paragraph(f"LIMITED: {', '.join(partial)}: {LIMITED}.", loud=True))
    table = runs_table(run_rows(results))
    missing = map(Paragraph, explained(cell for row in table.rows for cell in row))
    blocks += [Heading("Scores and speed"), table, *missing, made_with(list(results.values()))]
    for name, title in TITLES.items():
        why = _draw(name, results, out / f"{name}.png")
        blocks += [Heading(title), Paragraph(f"Left out: {why}") if why else Picture(out / f"{name}.png", title)]
    return blocks


def _draw(name: str, results: dict[str, EvalResult], path: Path) -> str:
    """Draw a figure; the reason why it couldn't be drawn, "" if it was."""
    from vidkit.errors import ChoiceError
    from vidkit.plots.figure import write_figure

    try:
        drawing = import_module(f"vidkit.plots.{FIGURES[name].module}").draw(results)
    except ChoiceError as error:
        return str(error)
    write_figure([path], drawing.figure, drawing.rows)
    return ""
