"""The options of every command that breaks its numbers down by groups, and what they mean for an index."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeVar

import click

from .console import say

if TYPE_CHECKING:
    from vidkit.data.index import Index

Command = TypeVar("Command", bound=Callable[..., Any])

_OPTIONS = (
    click.option(
        "--by",
        "breakdowns",
        multiple=True,
        metavar="ATTRIBUTES",
        help="Groups: motion, area, class, video, occluded, generated, track_length, any attribute of the index, or a "
        "cross as in 'motion x area'; with commas. Default: motion; none: no groups.",
    ),
    click.option(
        "--bins", multiple=True, metavar="NAME=EDGES", help="Edges of groups, as in motion=0.7,0.9; repeatable."
    ),
    click.option(
        "--fp-rule",
        type=click.Choice(["fgfa", "mega", "all", "none"]),
        help="How unmatched detections count in groups; default: the protocol's rule.",
    ),
)


def groups_options(command: Command) -> Command:
    """Give a command the options; its function takes them as `breakdowns`, `bins` and `fp_rule`."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def breakdowns_of(given: Sequence[str], index: Index) -> list[str]:
    """Return what to break down by: as given, or by motion where the index tells it."""
    if given:
        names = list(dict.fromkeys(name for text in given for name in names_in(text)))
        return [] if names == ["none"] else names
    if not tells_motion(index):
        say("no groups by motion: the index has neither track ids nor a column of motion IoU")
        return []
    return ["motion"]


def tells_motion(index: Index) -> bool:
    """Return whether an index has motion IoU, or track ids to compute it from."""
    return index.motion_iou is not None or not bool((index.track_id < 0).any())


def edges_of(given: Sequence[str]) -> dict[str, tuple[float, ...]]:
    """Return the edges of --bins by attribute; a usage error for what isn't NAME=A,B with rising numbers."""
    bins = {}
    for text in given:
        name, _, edges = text.partition("=")
        try:
            numbers = tuple(float(edge) for edge in edges.split(","))
        except ValueError:
            numbers = ()
        rising = all(low < high for low, high in pairwise(numbers))
        if not name or not numbers or not rising or not all(map(math.isfinite, numbers)):
            raise click.BadParameter(f"{text!r}: wanted NAME=EDGES with rising numbers, as in motion=0.7,0.9")
        bins[name.strip()] = numbers
    return bins


def names_in(text: str) -> list[str]:
    """Return the names in a text with commas."""
    return [part.strip() for part in text.split(",") if part.strip()]
