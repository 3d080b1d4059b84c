"""What the names of frames' files say: the number at the end, and the pattern that all of a video's names follow."""

import re
from collections.abc import Mapping

_DIGITS = "0123456789"


def trailing_digits(stem: str) -> str:
    """The digits at the end of a file's name without its suffix; "" where there are none."""
    return stem[len(stem.rstrip(_DIGITS)) :]


def number_at_end(stem: str) -> int | None:
    """The number at the end of a file's name without its suffix, of its last nine digits at most."""
    digits = trailing_digits(stem)[-9:]
    return int(digits) if digits else None


def name_pattern(names: Mapping[int, str]) -> str:
    """The format string that gives every file name from its frame number; "" where there is none.

    `names` go by ascending number, so that the first has the fewest digits.
    """
    stem, dot, suffix = next(iter(names.values())).rpartition(".")
    digits = trailing_digits(stem)
    prefix = stem.removesuffix(digits)
    if not digits or re.search(r"[{}]", prefix + suffix):
        return ""
    pattern = f"{prefix}{{:0{len(digits)}d}}{dot}{suffix}"
    return pattern if all(pattern.format(number) == name for number, name in names.items()) else ""
