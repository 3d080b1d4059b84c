"""The boxes of masks in COCO's run lengths, which go down the columns, first background, then foreground, and so on."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def box_of_mask(mask: Any) -> list[float] | None:
    """x, y, width, height of a mask {size: [height, width], counts: text or list}; None where nothing is in it.

    Raises ValueError for what is no such mask.
    """
    if not isinstance(mask, dict) or not isinstance(mask.get("size"), list | tuple) or len(mask["size"]) != 2:
        raise ValueError("a mask without size and counts")
    height, width = (int(side) for side in mask["size"])
    counts = mask.get("counts")
    lengths = np.array(counts, np.int64) if isinstance(counts, list) else _lengths(counts)
    if height < 1 or width < 1 or (lengths < 0).any() or lengths.sum() != height * width:
        raise ValueError(f"run lengths that don't fill {width} x {height}")
    ends = np.cumsum(lengths)
    starts, ends = (ends - lengths)[1::2], ends[1::2]
    starts, ends = starts[ends > starts], ends[ends > starts]
    if not len(starts):
        return None
    first, last = starts // height, (ends - 1) // height
    within = first == last  # a run that goes on in the next column touches both edges
    top = np.where(within, starts % height, 0).min()
    bottom = np.where(within, (ends - 1) % height, height - 1).max()
    return [float(first.min()), float(top), float(last.max() - first.min() + 1), float(bottom - top + 1)]


def _lengths(text: object) -> NDArray[np.int64]:
    """Run lengths from COCO's text: digits of 5 bits, the sixth: more follow; from the fourth length on differences."""
    data = text.encode("ascii", "replace") if isinstance(text, str) else text
    if not isinstance(data, bytes):
        raise ValueError("counts that are neither a text nor a list")
    lengths: list[int] = []
    value, shift = 0, 0
    for byte in data:
        digit = byte - 48
        if not 0 <= digit < 64 or shift > 60:
            raise ValueError("counts that aren't COCO's text")
        value |= (digit & 31) << shift
        shift += 5
        if digit & 32:
            continue
        if digit & 16:
            value -= 1 << shift
        lengths.append(value + lengths[-2] if len(lengths) > 2 else value)
        value, shift = 0, 0
    if shift:
        raise ValueError("counts that were cut")
    return np.array(lengths, np.int64)
