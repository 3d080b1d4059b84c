"""From boxes drawn in key frames to boxes in every frame."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from vidkit.data.readers.drawn import MAX_BOXES, Drawn
from vidkit.errors import AnnotationError


def between_keys(place: str, keys: Drawn, goes_on: NDArray[np.bool_], shown: NDArray[np.bool_], end: int) -> Drawn:
    """The boxes of all frames, made from those of the key frames.

    A key that `goes_on (K,)` is carried to the frame before its track's next key, linearly towards that one's corners
    and angle, the shorter way round; after the last key it stays as it is, up to before frame row `end`. Other keys
    are in their own frame alone, where they are `shown (K,)`. Raises AnnotationError where a track has two keys in one
    frame.
    """
    order = np.lexsort((keys.row, keys.track))
    keys, goes_on, shown = keys.at(order), goes_on[order], shown[order]
    has_next = np.append(keys.track[1:] == keys.track[:-1], False)[: len(order)]
    target = np.arange(len(order)) + has_next
    length = np.where(has_next, keys.row[target] - keys.row, np.maximum(end - keys.row, 1))
    if (length < 1).any():
        first = int(np.flatnonzero(length < 1)[0])
        raise AnnotationError(f"{place}: track {keys.track[first]} has two boxes in frame row {keys.row[first]}")
    copies = np.where(goes_on & (keys.row < end), np.minimum(length, end - keys.row), shown)
    if copies.sum() > MAX_BOXES:
        raise AnnotationError(f"{place}: {copies.sum()} boxes between key frames, at most {MAX_BOXES} are made")
    key = np.repeat(np.arange(len(order)), copies)
    step = np.arange(len(key)) - np.repeat(np.cumsum(copies) - copies, copies)
    share = step / length[key]
    turn = (keys.angle[target] - keys.angle + 180) % 360 - 180
    return replace(
        keys.at(key),
        row=keys.row[key] + step,
        box=keys.box[key] + (keys.box[target] - keys.box)[key] * share[:, None],
        angle=(keys.angle[key] + turn[key] * share) % 360,
        generated=keys.generated[key] | (step > 0),
    )
