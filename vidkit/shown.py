"""How results show themselves in an interpreter and in a notebook: a line of words and a short table."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, TypeVar

from vidkit.safe_text import printable

NOTHING = "–"
"""What stands in a table where there is no value."""
ROWS = 7
"""Rows of a table in a `repr`, so that with title, heading and a last line it fits ten lines."""


Result = TypeVar("Result", bound=type[Any])


def shows_itself(result: Result) -> Result:
    """The class of a result whose `title()` and `shown()`, rows of named values, are its `repr` and HTML."""
    result.__repr__ = lambda self: as_text(self.title(), self.shown())  # type: ignore[misc, assignment]
    result._repr_html_ = lambda self: as_html(self.title(), self.shown())
    return result


def as_text(title: str, rows: Sequence[Mapping[str, Any]]) -> str:
    """The title and the first rows as a table of plain text, ten lines at most."""
    shown = [{name: _cell(value) for name, value in row.items()} for row in rows[:ROWS]]
    columns = list(dict.fromkeys(name for row in shown for name in row))
    width = {name: max(len(name), *(len(row.get(name, "")) for row in shown)) for name in columns}
    lines = ["  ".join(row.get(name, "").ljust(width[name]) for name in columns).rstrip() for row in shown]
    heading = "  ".join(name.ljust(width[name]) for name in columns).rstrip()
    more = [f"… and {len(rows) - ROWS} more rows: to_frame()"] if len(rows) > ROWS else []
    return "\n".join([title, *([heading] if shown else []), *lines, *more])


def as_html(title: str, rows: Sequence[Mapping[str, Any]]) -> str:
    """The title and all rows as an HTML table; whatever comes from data stays text."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    heading = "".join(f"<th>{escape(name)}</th>" for name in columns)
    cells = ("".join(f"<td>{escape(_cell(row.get(name)))}</td>" for name in columns) for row in rows)
    body = "".join(f"<tr>{line}</tr>" for line in cells)
    caption = f"<caption>{escape(printable(title))}</caption>"
    return f"<table>{caption}<thead><tr>{heading}</tr></thead><tbody>{body}</tbody></table>"


def percent(share: float) -> str:
    """A share in percent with two digits; a dash for none."""
    return NOTHING if share != share else f"{100 * share:.2f}"


def with_interval(text: str, ends: Sequence[str] | None, why: str = "") -> str:
    """A number with its interval, "75.50 [73.9, 77.0]", and what is to be said of it up to a colon.

    As "75.50 (3 videos)" where these are too few for one, or "75.50 [73.9, 77.0] (doubtful)".
    """
    parts = [
        text,
        *([] if ends is None else [f"[{', '.join(ends)}]"]),
        *([f"({why.partition(':')[0]})"] if why else []),
    ]
    return " ".join(parts)


def _cell(value: Any) -> str:
    if value is None or value != value:
        return NOTHING
    return f"{value:.4g}" if isinstance(value, float) else printable(str(value))
