"""`vidkit plot`: the figures, each a row of `figures.FIGURES`."""

import click

from ..group import LazyGroup
from .draw_and_tell import command_of
from .figures import FIGURES


class FigureGroup(LazyGroup):
    """A group with a command for each row of FIGURES, whose help imports nothing of what draws them."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of a figure; None if there is none of this name."""
        return command_of(cmd_name, FIGURES[cmd_name]) if cmd_name in FIGURES else None


@click.group(
    "plot",
    cls=FigureGroup,
    table={name: (figure.module, figure.line) for name, figure in FIGURES.items()},
    package="vidkit.plots",
)
def command() -> None:
    """Draw the figures. Beside each picture stands a CSV of what it shows.

    \b
    Examples:
      vidkit plot speed-accuracy
      vidkit plot speed-accuracy runs/dff* runs/per-frame -o figure8.pdf
    """
