"""The numbers among what people note of a box in fields of their own."""

import math
from collections.abc import Mapping

from vidkit.data.readers.json_fields import MOST


def numeric(values: Mapping[str, object], but: frozenset[str] = frozenset()) -> dict[str, float]:
    """The values that are numbers or truth values, also as text, by names fit for a column; not those in `but`."""
    found = {name: _number(value) for name, value in values.items() if name not in but and is_column(name)}
    return {name: number for name, number in found.items() if number is not None}


def is_column(name: str) -> bool:
    """Whether a column of the index can be called so."""
    return len(name) <= 100 and name.isidentifier()


def _number(value: object) -> float | None:
    if isinstance(value, str):
        if value.lower() in ("true", "false"):
            return float(value.lower() == "true")
        try:
            value = float(value) if value.isascii() and len(value) < 40 else None
        except ValueError:
            return None
    if type(value) is int:
        return float(value) if abs(value) <= MOST else None
    return float(value) if isinstance(value, bool | float) and math.isfinite(value) else None
