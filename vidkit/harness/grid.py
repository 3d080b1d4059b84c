"""Grids of options: "length=1..20" and "gate=0..1:0.125" as the runs of a sweep."""

import re
from collections.abc import Sequence
from decimal import Decimal
from itertools import product

from vidkit.errors import ChoiceError

MOST_RUNS = 1000
_NUMBER = r"-?\d+(?:\.\d+)?"
_RANGE = re.compile(rf"({_NUMBER})\.\.({_NUMBER})(?::({_NUMBER}))?")


def grid(options: Sequence[str]) -> list[tuple[str, ...]]:
    """Return the options of each run, every combination of the values given, the last option varying fastest.

    A value is a range "1..20" with both ends and step 1, a range with a step "0..1:0.125", a list of numbers and ranges
    "1,2,5..7", or itself. An option given several times has all the values.

    >>> grid(["length=1..3", "gate=0..1:0.5", "weights=learned"])[:2]
    [('length=1', 'gate=0', 'weights=learned'), ('length=1', 'gate=0.5', 'weights=learned')]

    Raises ChoiceError for a range that leads nowhere, or more than MOST_RUNS runs.
    """
    values: dict[str, list[str]] = {}
    for option in options:
        name, equals, text = option.partition("=")
        values.setdefault(name + equals, []).extend(_values(option, text))
    choices = [[name + value for value in dict.fromkeys(given)] for name, given in values.items()]
    runs = 1
    for choice in choices:
        runs *= len(choice)
    if runs > MOST_RUNS:
        raise ChoiceError(f"{' '.join(options)}: {runs} runs; a sweep has at most {MOST_RUNS}")
    return list(product(*choices))


def _values(option: str, text: str) -> list[str]:
    parts = [part.strip() for part in text.split(",")]
    if not all(_RANGE.fullmatch(part) or re.fullmatch(_NUMBER, part) for part in parts):
        return [text]
    return [value for part in parts for value in _numbers(option, part)]


def _numbers(option: str, text: str) -> list[str]:
    found = _RANGE.fullmatch(text)
    if not found:
        return [text]
    first, last, step = (Decimal(number) for number in (found[1], found[2], found[3] or "1"))
    if step <= 0 or last < first:
        raise ChoiceError(f"{option}: a range goes up from its first to its last value, by a step above 0")
    count = int((last - first) / step) + 1
    if count > MOST_RUNS:
        raise ChoiceError(f"{option}: {count} values; a sweep has at most {MOST_RUNS} runs")
    return [_plain(first + step * place) for place in range(count)]


def _plain(number: Decimal) -> str:
    """Return 0.5 and 1 for 0.500 and 1.000."""
    return f"{number.normalize():f}"
