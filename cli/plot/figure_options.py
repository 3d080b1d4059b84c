"""The options of every figure: where it goes, how wide it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from ..console import json_option

Command = TypeVar("Command", bound=Callable[..., Any])

_OPTIONS = (
    click.option(
        "-o",
        "--output",
        "outputs",
        multiple=True,
        type=click.Path(dir_okay=False, path_type=Path),
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


def picture_options(command: Command) -> Command:
    """Give a command the options; its function takes them as `outputs`, `width` and `as_json`."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command
