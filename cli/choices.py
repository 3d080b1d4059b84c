"""Names that one may choose among, taken from where they are made; imported only when help or a value asks for them."""

from collections.abc import Callable, Iterable
from typing import Any

import click

Load = Callable[[], Iterable[str]]


class OneOf(click.ParamType[str]):
    """One of the names that `load` tells."""

    name = "choice"

    def __init__(self, load: Load) -> None:
        self._load = load

    def _choice(self) -> click.Choice[str]:
        return click.Choice(list(self._load()))

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str | None:
        """The names, as help shows them."""
        return self._choice().get_metavar(param, ctx)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The name; a usage error that lists all where it is none of them."""
        return self._choice().convert(value, param, ctx)


class ListingOption(click.Option):
    """An option whose help lists the names that `listing` tells, in the place of {names}."""

    def __init__(self, *args: Any, listing: Load, **kwargs: Any) -> None:
        """Take the names and what click's options take."""
        super().__init__(*args, **kwargs)
        self._listing = listing

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """The option and its help, with the names."""
        record = super().get_help_record(ctx)
        return record and (record[0], record[1].replace("{names}", ", ".join(self._listing())))


def fp_rules() -> Iterable[str]:
    """The rules for unmatched detections in groups."""
    from vidkit.evaluation.protocols import FP_RULES

    return FP_RULES


def protocols() -> Iterable[str]:
    """The evaluation protocols."""
    from vidkit.evaluation.protocols import PROTOCOLS

    return PROTOCOLS


def read_formats() -> Iterable[str]:
    """The formats of predictions that can be read."""
    from vidkit.predictions.formats import READ

    return READ


def written_formats() -> Iterable[str]:
    """The formats of predictions that can be written."""
    from vidkit.predictions.formats import WRITTEN

    return WRITTEN


def box_conventions() -> Iterable[str]:
    """What the four numbers of a box may be."""
    from vidkit.predictions.read_options import BOX_CONVENTIONS

    return BOX_CONVENTIONS


def attributes() -> Iterable[str]:
    """What any index can be broken down by."""
    from vidkit.evaluation.slices import BUILT_IN

    return BUILT_IN
