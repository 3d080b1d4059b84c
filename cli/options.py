"""Kinds of values and options that many commands have; by default indices are in `vidkit-data/`, runs in `runs/`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from .choices import ListingOption, protocols
from .console import say

if TYPE_CHECKING:
    from vidkit.data.index import Index

Command = TypeVar("Command", bound=Callable[..., Any])
Decorator = Callable[[Any], Any]

FILE = click.Path(dir_okay=False, path_type=Path)
FOLDER = click.Path(file_okay=False, path_type=Path)
FILE_THERE = click.Path(exists=True, dir_okay=False, path_type=Path)
FOLDER_THERE = click.Path(exists=True, file_okay=False, path_type=Path)


class SizeType(click.ParamType[tuple[int, int]]):
    """A size as in 160x128."""

    name = "WxH"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        """Width and height."""
        width, x, height = str(value).lower().partition("x")
        if not (x and width.isdecimal() and height.isdecimal()):
            self.fail(f"{value!r}: wanted a size like 160x128", param, ctx)
        return int(width), int(height)


data_dir_option = click.option(
    "--data-dir",
    type=FOLDER,
    envvar="VIDKIT_DATA",
    default=Path("vidkit-data"),
    show_default=True,
    show_envvar=True,
    help="Where indices are.",
)
runs_dir_option = click.option(
    "--runs-dir",
    type=FOLDER,
    envvar="VIDKIT_RUNS",
    default=Path("runs"),
    show_default=True,
    show_envvar=True,
    help="Where predictions and results are.",
)
index_option = click.option(
    "--index", "index_path", type=FILE, help="The index; default: the one in the data folder that fits."
)
frames_root_option = click.option(
    "--frames-root", type=FOLDER_THERE, help="Where the frames are, if they were moved since the index was made."
)
seed_option = click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed of the resampling."
)
protocol_option = click.option(
    "--protocol",
    cls=ListingOption,
    listing=protocols,
    default="fgfa",
    show_default=True,
    metavar="NAME",
    help="The rules of AP: {names}.",
)


def ci_option(default: int = 0, what: str = "Intervals") -> Decorator:
    """--ci, the number of resamplings for intervals."""
    return click.option(
        "--ci",
        type=click.IntRange(min=0),
        default=default,
        show_default=bool(default),
        metavar="N",
        help=f"{what} from N resamplings of videos.",
    )


def together(*options: Decorator) -> Decorator:
    """The options as one decorator, in this order in the help."""

    def decorated(command: Any) -> Any:
        for option in reversed(options):
            command = option(command)
        return command

    return decorated


def open_index(path: Path | None, data_dir: Path, prefer: str = "val") -> tuple[Path, Index]:
    """The index at `path`, or the one in `data_dir`, of several that of the split `prefer`, with its path."""
    from vidkit.data.index_file import read_index
    from vidkit.runs.choosing import choose_index

    chosen = choose_index(path, data_dir, prefer=prefer, tell=say)
    return chosen, read_index(chosen)
