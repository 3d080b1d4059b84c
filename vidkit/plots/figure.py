"""What all figures share: width, colours, style, and how they are written with a CSV beside them."""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import matplotlib
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

from vidkit.errors import ChoiceError
from vidkit.files import csv_text, write_text, writing
from vidkit.safe_text import printable_lines

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


@dataclass(frozen=True)
class Drawing:
    """What `draw` of each module gives: a figure, what it shows, and what is to be said of it."""

    figure: Figure
    rows: Sequence[Mapping[str, Any]]
    """What is drawn, as plain values: the CSV beside the picture."""
    rows_are: str = "rows"
    """What the rows are called in JSON."""
    told: Mapping[str, Any] = field(default_factory=dict)
    """What JSON tells besides."""
    notes: Sequence[str] = ()
    """What people must know: what was left out, or chosen, and why."""
    table: tuple[Sequence[str], Sequence[Sequence[object]]] | None = None
    """Columns and lines that are worth a look without the picture."""
    stem: str = ""
    """The name of its file where nobody gives one; "": that of the figure."""


@contextmanager
def sheet(width: float, height: float, style: dict[Any, Any] | None = None) -> Iterator[Figure]:
    """An empty figure of so many inches, in the common style as long as the block lasts."""
    with matplotlib.rc_context(STYLE | (style or {})):
        yield Figure(figsize=(width, height), layout="constrained", dpi=300)


def light_grid(axes: Axes, axis: Literal["both", "x", "y"] = "both") -> None:
    """Put a light grid behind what is drawn."""
    axes.grid(axis=axis, color="0.92", linewidth=0.5)
    axes.set_axisbelow(True)


def note_below(figure: Figure, text: str) -> None:
    """Write what the figure's numbers depend on below it, in small letters."""
    figure.supxlabel(wrapped(text, figure.get_figwidth()), fontsize=SMALL, color="0.35")


def look(place: int) -> tuple[str, str]:
    """The colour and the marker of the curve at a place; the first 49 curves differ in one of them at least."""
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
    """A text of the SMALL size broken into lines that fit into a figure of so many inches."""
    return textwrap.fill(text, max(20, int(23 * width)), break_on_hyphens=False)


def shortened(text: str, letters: int) -> str:
    """The text, or its two ends with dots between them where it has too many letters."""
    keep = max(letters - 1, 2)
    return text if len(text) <= letters else f"{text[: keep - keep // 2]}…{text[len(text) - keep // 2 :]}"


def check_endings(paths: Sequence[Path]) -> None:
    """Raise ChoiceError if the ending of a path isn't one of FORMATS."""
    for path in paths:
        if path.suffix.lower().lstrip(".") not in FORMATS:
            raise ChoiceError(
                f"{path}: can't draw {path.suffix or 'a file without ending'}; wanted {', '.join(FORMATS)}"
            )


def _as_they_are(figure: Figure) -> None:
    """Have names drawn as they are: a dollar sign is no formula, and what isn't printable is an escape."""
    for text in figure.findobj(Text):
        said = text.get_text()
        if "$" in said and r"\mathdefault" not in said:  # in which matplotlib writes its own numbers
            text.set_parse_math(False)
        if not said.isprintable():
            text.set_text(printable_lines(said))


def write_figure(places: Sequence[str | Path], figure: Figure, rows: Sequence[Mapping[str, Any]]) -> list[Path]:
    """Write the figure to each of `places`, and what is drawn to a CSV of the same name beside it; return all of them.

    Raises ChoiceError if the ending of a path isn't one of FORMATS.
    """
    paths = [Path(place) for place in places]
    check_endings(paths)
    _as_they_are(figure)
    for path in paths:
        ending = path.suffix.lower().lstrip(".")
        undated: dict[str, Any] = {"png": {}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}[ending]
        with matplotlib.rc_context(STYLE), writing(path) as part:
            figure.savefig(part, format=ending, metadata=undated)
    tables = list(dict.fromkeys(path.with_suffix(".csv") for path in paths))
    for table in tables:
        write_text(table, csv_text(rows))
    return [*paths, *tables]
