"""Which rows of a figure share a panel, and which a colour: runs are told apart by colour, else groups are.

Rows tell their `run`, `group` and, some, `class`.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vidkit.errors import ChoiceError
from vidkit.plots.figure import light_grid

Rows = Sequence[Mapping[str, Any]]
Series = Mapping[str, Rows]
"""The rows of each series of a panel, by its name."""


def by_panel(rows: Rows, most: int) -> dict[str, dict[str, list[Mapping[str, Any]]]]:
    """The rows of each series of each panel, by title and name.

    Of several runs each is a series, and each group has a panel; of one run each group is a series of the one panel.
    Raises ChoiceError if a panel has more than `most` series: they couldn't be told apart.
    """
    several = len({row["run"] for row in rows}) > 1
    found: dict[str, dict[str, list[Mapping[str, Any]]]] = {}
    for row in rows:
        of_class = row.get("class", "")
        part = of_class if of_class and row["group"] == "all" else ", ".join(filter(None, (row["group"], of_class)))
        title, name = (part, str(row["run"])) if several else ("", part)
        found.setdefault(title, {}).setdefault(name, []).append(row)
    for series in found.values():
        if len(series) > most:
            what = "runs" if several else "groups"
            raise ChoiceError(f"{len(series)} {what} in one panel can't be told apart, {most} can; choose some of them")
    return found


def names_of(panels: Mapping[str, Series]) -> list[str]:
    """The names of all series, in their order."""
    return list(dict.fromkeys(name for series in panels.values() for name in series))


def raster(panels: Mapping[str, Series], width: float) -> tuple[int, int]:
    """How many lines and columns the panels stand in on `width` inches; of no panel one."""
    n = max(len(panels), 1)
    columns = min(n, round(width / 1.75))
    return -(-n // columns), columns


def draw_panels(
    figure: Figure, panels: Mapping[str, Series], width: float, draw: Callable[[Axes, Series], None], grid: Any = "both"
) -> list[Axes]:
    """Draw each panel with its title into a raster of axes with common scales, and return all axes of it."""
    every = list(figure.subplots(*raster(panels, width), sharex=True, sharey=True, squeeze=False).flat)
    for axes, (title, series) in zip(every, panels.items(), strict=False):
        draw(axes, series)
        axes.set_title(title if len(panels) > 1 else "", fontsize=7)
        light_grid(axes, grid)
    for axes in every[max(len(panels), 1) :]:
        axes.set_visible(False)
    return every
