"""Ranges of settings that are numbers: one number too many may ask for all the memory there is."""

from collections.abc import Mapping


def check_ranges(settings: object, ranges: Mapping[str, tuple[float, float]]) -> None:
    """Raise ValueError for the first attribute that isn't between its least and its most, both included.

    Of a tuple each number is looked at, and there must be one at least; None stands for what isn't set.
    """
    for name, (least, most) in ranges.items():
        value = getattr(settings, name)
        numbers = value if isinstance(value, tuple) else () if value is None else (value,)
        if value == () or not all(least <= number <= most for number in numbers):
            raise ValueError(f"{name} {value}: wanted {_told(least)} … {_told(most)}")


def _told(number: float) -> str:
    return f"{number:,}" if isinstance(number, int) else f"{number:g}"
