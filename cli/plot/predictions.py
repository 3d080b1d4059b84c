"""The predictions of the runs that a figure shows, where results alone don't hold what is drawn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ..options import data_dir_option, index_option, runs_dir_option
from ..prediction_options import reading_options, workspace_of

if TYPE_CHECKING:
    from vidkit.data.index import Index
    from vidkit.predictions.table import Predictions

Command = TypeVar("Command", bound=Callable[..., Any])

_OPTIONS = (
    click.argument("runs", nargs=-1, required=True, metavar="RUN..."),
    runs_dir_option,
    index_option,
    data_dir_option,
    click.option("--protocol", default="fgfa", show_default=True, help="The rules of AP, see `vidkit eval`."),
)


def runs_options(command: Command) -> Command:
    """Give a command the runs and what reads them: `runs`, `runs_dir`, `index_path`, `data_dir`, `protocol`, more."""
    command = reading_options(command)
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def load_runs(
    runs: Sequence[str], runs_dir: Path, index_path: Path | None, data_dir: Path, limited: bool, **reading: Any
) -> tuple[Index, dict[str, Predictions]]:
    """Return the index, and the predictions of each run by its name.

    Raises ChoiceError for a run that isn't there, runs of different data, and limited runs unless these are wanted.
    """
    from vidkit.plots.comparable import refuse_limited

    loaded = workspace_of(index_path, data_dir, runs_dir, reading).load(runs)
    if not limited:
        refuse_limited(loaded.limited)
    return loaded.index, dict(loaded.predictions)
