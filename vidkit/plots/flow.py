"""How far flows are off at objects, against the distance of the frames."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from matplotlib.axes import Axes

from vidkit.errors import ChoiceError
from vidkit.plots.figure import COLUMN_WIDTH, Drawing, legend_above, look, note_below, sheet
from vidkit.plots.series import Series, draw_panels, names_of, raster


def draw(rows: Sequence[Mapping[str, Any]], far: float, *, width: float = COLUMN_WIDTH) -> Drawing:
    """The median error of each flow at objects by distance, a panel for each motion group; both axes are logarithmic.

    rows: flow, group, distance (frames), objects, motion (the median way of the objects: the error of no flow at all),
    error (median), far (share of objects that are off by more than `far` pixels), seconds (mean of a frame), lengths in
    pixels of the frame; they are the figure's own. Raises ChoiceError where no object was measured.
    """
    panels: dict[str, dict[str, list[Mapping[str, Any]]]] = {}
    for row in rows:
        if row["objects"]:
            panels.setdefault(row["group"], {}).setdefault(row["flow"], []).append(row)
    if not panels:
        raise ChoiceError("nothing to draw: no object is seen at two of these distances")
    lines, columns = raster(panels, width)
    with sheet(width, 0.8 * width * lines / columns + 0.4) as figure:
        every = draw_panels(figure, panels, width, partial(_draw_flows, names_of(panels)))
        distances = sorted({int(row["distance"]) for row in rows})
        every[0].set_xticks(distances, [str(n) for n in distances])
        every[0].minorticks_off()
        figure.supylabel("median error at objects, pixels", fontsize=7)
        note_below(figure, "frames between the two; grey: how far the objects went, the error of no flow at all")
        pairs = dict(zip(*reversed(every[0].get_legend_handles_labels()), strict=True))
        legend_above(figure, list(pairs.values()), list(pairs))
    return Drawing(figure, list(rows), "rows", {"far": far}, table=_table(rows, far))


def _draw_flows(names: Sequence[str], axes: Axes, series: Series) -> None:
    still = next(iter(series.values()))
    axes.loglog([row["distance"] for row in still], [row["motion"] for row in still], color="0.7", linewidth=2)
    for name, rows in series.items():
        colour, marker = look(names.index(name))
        at = [row["distance"] for row in rows]
        axes.loglog(at, [row["error"] for row in rows], color=colour, marker=marker, markersize=3, label=name)


def _table(rows: Sequence[Mapping[str, Any]], far: float) -> tuple[list[str], list[list[str]]]:
    columns = ["flow", "group", "frames", "objects", "motion, px", "error, px", f"> {far:g} px", "ms a frame"]
    return columns, [
        [
            str(row["flow"]),
            str(row["group"]),
            str(row["distance"]),
            str(row["objects"]),
            *("–" if row[name] is None else f"{row[name]:.2f}" for name in ("motion", "error")),
            "–" if row["far"] is None else f"{100 * row['far']:.0f} %",
            f"{1000 * row['seconds']:.1f}",
        ]
        for row in rows
    ]
