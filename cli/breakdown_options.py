"""The options of every command that breaks its numbers down by groups, and what they mean for an index."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from .choices import ListingOption, OneOf, attributes, fp_rules
from .console import say
from .options import Command, together

if TYPE_CHECKING:
    from vidkit.data.index import Index
    from vidkit.evaluation.protocols import FalsePositiveRule
    from vidkit.runs.loading import LoadedRuns


_OPTIONS = (
    click.option(
        "--by",
        "breakdowns",
        cls=ListingOption,
        listing=attributes,
        multiple=True,
        metavar="ATTRIBUTES",
        help="Groups: {names}, any attribute of the index, or a cross as in 'motion x area'; with commas. Default: "
        "motion; none: no groups.",
    ),
    click.option(
        "--bins", multiple=True, metavar="NAME=EDGES", help="Edges of groups, as in motion=0.7,0.9; repeatable."
    ),
    click.option(
        "--attributes",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        metavar="TABLE",
        help="CSV or Parquet with columns of your own for --by, as weather; joined by its columns video, frame, image, "
        "track or object.",
    ),
    click.option(
        "--fp-rule",
        type=OneOf(fp_rules),
        help="How unmatched detections count in groups; default: the protocol's rule.",
    ),
)


@dataclass(frozen=True)
class GroupChoice:
    """What numbers are to be broken down by, as it was typed."""

    names: Sequence[str]
    bins: Mapping[str, tuple[float, ...]]
    fp_rule: FalsePositiveRule | None
    attributes: Path | None = None

    def told(self, loaded: LoadedRuns) -> LoadedRuns:
        """The runs with an index that has the columns of the table of attributes."""
        from vidkit.evaluation.own_attributes import with_attributes

        return loaded if self.attributes is None else loaded.over(with_attributes(loaded.index, self.attributes))

    def by(self, index: Index) -> list[str]:
        """The breakdowns: as given, or by motion where the index tells it."""
        return breakdowns_of(self.names, index)


def breakdown_options(command: Command) -> Command:
    """Give a command --by, --bins, --attributes and --fp-rule; its function takes them as one `groups`."""

    @wraps(command)
    def collected(
        *,
        breakdowns: Sequence[str],
        bins: Sequence[str],
        attributes: Path | None,
        fp_rule: FalsePositiveRule | None,
        **given: Any,
    ) -> Any:
        return command(groups=GroupChoice(breakdowns, edges_of(bins), fp_rule, attributes), **given)

    return cast(Command, together(*_OPTIONS)(collected))


def breakdowns_of(given: Sequence[str], index: Index) -> list[str]:
    """What to break down by: as given, or by motion where the index tells it."""
    if given:
        names = list(dict.fromkeys(name for text in given for name in names_in(text)))
        return [] if names == ["none"] else names
    if not tells_motion(index):
        say("no groups by motion: the index has neither track ids nor a column of motion IoU")
        return []
    return ["motion"]


def tells_motion(index: Index) -> bool:
    """Whether an index has motion IoU, or track ids to compute it from."""
    return index.motion_iou is not None or not bool((index.track_id < 0).any())


def edges_of(given: Sequence[str]) -> dict[str, tuple[float, ...]]:
    """The edges of --bins by attribute; a usage error for what isn't NAME=A,B with rising numbers."""
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
    """The names in a text with commas."""
    return [part.strip() for part in text.split(",") if part.strip()]
