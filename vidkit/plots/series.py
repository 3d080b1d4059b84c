"""Which rows of a figure share a panel, and which a colour: runs are told apart by colour, else groups are.

Rows tell their `run`, `group` and, some, `class`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from vidkit.errors import ChoiceError

Rows = Sequence[Mapping[str, Any]]


def by_panel(rows: Rows, most: int) -> dict[str, dict[str, list[Mapping[str, Any]]]]:
    """Return the rows of each series of each panel, by title and name.

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
