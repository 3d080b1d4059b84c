"""What the commands of all figures do: load, draw, write, tell."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..console import echo, json_option, print_json, print_table, say
from ..options import FILE, together
from .figures import FigureRow

if TYPE_CHECKING:
    from vidkit.plots.figure import Drawing

_PICTURE = (
    click.option(
        "-o",
        "--output",
        "outputs",
        multiple=True,
        type=FILE,
        help="FILE.png, .svg or .pdf, repeatable; default: a PNG of the figure's name in the runs folder.",
    ),
    click.option(
        "--width",
        type=click.FloatRange(2, 20),
        default=3.5,
        show_default=True,
        help="Inches; 3.5 is one column of a page.",
    ),
    json_option,
)


def command_of(name: str, figure: FigureRow) -> click.Command:
    """The command `vidkit plot NAME`."""

    def draw_and_tell(**given: Any) -> None:
        _draw_and_tell(name, figure, **given)

    options = (*figure.inputs.options, *figure.options, *_PICTURE)
    return click.command(name, help=figure.help)(together(*options)(draw_and_tell))


def _draw_and_tell(
    name: str, figure: FigureRow, outputs: tuple[Path, ...], width: float, as_json: bool, **given: Any
) -> None:
    from vidkit.plots.figure import check_endings, write_figure

    check_endings(outputs)
    if figure.check:
        figure.check(**given)
    choosing = {name: given.pop(name) for name in figure.inputs.names}
    runs_dir: Path = choosing["workspace"].runs_dir if "workspace" in choosing else choosing["runs_dir"]
    loaded = figure.inputs.load(**choosing)
    told = loaded.pop("told", {})
    drawing: Drawing = import_module(f"vidkit.plots.{figure.module}").draw(**loaded, **given, width=width)
    files = write_figure(outputs or [runs_dir / f"{drawing.stem or name}.png"], drawing.figure, drawing.rows)
    for note in drawing.notes:
        say(note)
    if as_json:
        told = {"format": f"vidkit-plot-{name}", "version": 1, **told, **drawing.told}
        print_json({**told, "files": files, drawing.rows_are: drawing.rows})
        return
    if drawing.table:
        print_table(*drawing.table)
    for path in files:
        echo(path)
