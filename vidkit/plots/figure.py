"""What all figures share: width, colours, style, and how they are written with a CSV beside them."""

from __future__ import annotations

import csv
import io
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.artist import Artist
from matplotlib.figure import Figure

from vidkit.errors import ChoiceError
from vidkit.files import write_text, writing

FORMATS = ("png", "svg", "pdf")
COLUMN_WIDTH = 3.5
"""Inches of one column of a two-column page."""
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Okabe and Ito's colours, told apart with any kind of colour vision; markers differ as well."""
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
SMALL = 5.5
"""Points of the smallest text."""
LIMITED = "; LIMITED RUNS"
"""What a figure of runs over a part of the data says."""
STYLE: dict[Any, Any] = {
    "font.size": 7,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.minor.width": 0.4,
    "legend.fontsize": 6.5,
    "svg.fonttype": "none",
    "svg.hashsalt": "vidkit",
}


def look(place: int) -> tuple[str, str]:
    """Return the colour and the marker of the curve at a place; the first 49 curves differ in one of them at least."""
    turn, at = divmod(place, len(COLOURS))
    return COLOURS[at], MARKERS[(at + turn) % len(MARKERS)]


def legend_above(figure: Figure, handles: Sequence[Artist], labels: Sequence[str]) -> None:
    """Put the legend above the axes, in as many columns as its labels allow, and make the figure higher for it."""
    room = 18 * figure.get_figwidth()  # letters of the legend's size
    columns = max(1, min(4, len(labels), int(room / (max(map(len, labels), default=1) + 5))))
    texts = [textwrap.fill(label, max(10, int(room) - 5), break_on_hyphens=False) for label in labels]
    lines = max(-(-len(labels) // columns), sum(text.count("\n") + 1 for text in texts) // columns)
    figure.set_figheight(figure.get_figheight() + 0.13 * lines)
    figure.legend(handles, texts, frameon=False, loc="outside upper left", ncols=columns, handlelength=1.6)


def wrapped(text: str, width: float) -> str:
    """Return a text of the SMALL size broken into lines that fit into a figure of so many inches."""
    return textwrap.fill(text, max(20, int(23 * width)), break_on_hyphens=False)


def check_endings(paths: Sequence[Path]) -> None:
    """Raise ChoiceError if the ending of a path isn't one of FORMATS."""
    for path in paths:
        if path.suffix.lower().lstrip(".") not in FORMATS:
            raise ChoiceError(
                f"{path}: can't draw {path.suffix or 'a file without ending'}; wanted {', '.join(FORMATS)}"
            )


def write_figure(paths: Sequence[Path], figure: Figure, rows: Sequence[Mapping[str, Any]]) -> list[Path]:
    """Write the figure to each of `paths`, and what is drawn to a CSV of the same name beside it; return all of them.

    Raises ChoiceError if the ending of a path isn't one of FORMATS.
    """
    check_endings(paths)
    for path in paths:
        ending = path.suffix.lower().lstrip(".")
        undated: dict[str, Any] = {"png": {}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}[ending]
        with matplotlib.rc_context(STYLE), writing(path) as part:
            figure.savefig(part, format=ending, metadata=undated)
    tables = list(dict.fromkeys(path.with_suffix(".csv") for path in paths))
    for table in tables:
        write_text(table, _csv(rows))
    return [*paths, *tables]


def _csv(rows: Sequence[Mapping[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]) if rows else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
