"""The default places: indices in `vidkit-data/`, runs and results in `runs/`, under the current folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from .console import say

if TYPE_CHECKING:
    from vidkit.data.index import Index

data_dir_option = click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="VIDKIT_DATA",
    default=Path("vidkit-data"),
    show_default=True,
    show_envvar=True,
    help="Where indices are.",
)
runs_dir_option = click.option(
    "--runs-dir",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="VIDKIT_RUNS",
    default=Path("runs"),
    show_default=True,
    show_envvar=True,
    help="Where predictions and results are.",
)
index_option = click.option(
    "--index",
    "index_path",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The index; default: the one in the data folder that fits.",
)


def open_index(path: Path | None, data_dir: Path, prefer: str = "val") -> tuple[Path, Index]:
    """The index at `path`, or the one in `data_dir`, of several that of the split `prefer`, with its path."""
    from vidkit.data.index_file import read_index
    from vidkit.runs.choosing import choose_index

    chosen = choose_index(path, data_dir, prefer=prefer, tell=say)
    return chosen, read_index(chosen)
