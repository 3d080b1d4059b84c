"""What `view` and `render` share: how frames look, and what is told of runs on them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from .console import json_option
from .scene_options import verdict_options

if TYPE_CHECKING:
    from vidkit.evaluation.verdicts import Verdicts

Command = TypeVar("Command", bound=Callable[..., Any])
FILMS, PICTURES = (".mp4", ".webp"), (".png",)

frames_root_option = click.option(
    "--frames-root", type=click.Path(file_okay=False, path_type=Path), help="Where the frames were moved to."
)
_OPTIONS = (
    click.option(
        "--by",
        default="track",
        show_default=True,
        type=click.Choice(["track", "class"]),
        help="Without runs: what colours tell.",
    ),
    click.option(
        "--fps", default=25.0, show_default=True, type=click.FloatRange(0.1, 1000), help="Frames a second of a film."
    ),
    click.option("--scale", type=click.FloatRange(0.1, 16), help="Factor on the size; default: what makes it legible."),
    click.option(
        "--columns",
        type=click.IntRange(1, 20),
        help="Panels side by side; 1 stacks them. Default: up to three in a row.",
    ),
    frames_root_option,
    verdict_options,
    json_option,
)


def look_options(command: Command) -> Command:
    """Give a command `by`, `scale`, `columns`, `frames_root`, which `draw_frames` takes, `fps` and verdict options."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def counts_of(verdicts: Mapping[str, Verdicts], rows: Sequence[int]) -> list[dict[str, Any]]:
    """For each run how many true and false positives and misses these frames have."""
    return [
        {"run": name, **{kind: int(column[list(rows)].sum()) for kind, column in run.counts_of_frames().items()}}
        for name, run in verdicts.items()
    ]


def file_stem(video: str) -> str:
    """A file name for a video: an index may come from anyone."""
    return re.sub(r"[^\w.-]", "_", video)[-100:]
