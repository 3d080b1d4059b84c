"""`vidkit plot`: the figures, a module each, imported only when it is called."""

from __future__ import annotations

import click

from ..group import LazyGroup

# name: (module of this package, first line of its help). The module's click command is called `command`.
FIGURES = {
    "speed-accuracy": ("speed_accuracy", "mAP against frames per second, with the Pareto front."),
}


@click.group("plot", cls=LazyGroup, table=FIGURES, package=__name__)
def command() -> None:
    """Draw the figures. Beside each picture stands a CSV of what it shows.

    \b
    Examples:
      vidkit plot speed-accuracy
      vidkit plot speed-accuracy runs/dff* runs/per-frame -o figure8.pdf
    """
