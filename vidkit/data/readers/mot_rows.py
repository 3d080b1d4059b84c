"""The rows of a gt.txt of MOTChallenge: boxes from 0, and which rows are no ground truth.

MOTChallenge scores pedestrians. Its evaluation first takes out the detections that match a distractor: a person on a
vehicle, a static person, a distractor, a reflection (classes 2, 7, 8, 12 of MOT16 and MOT17). Rows with flag 0 are not
to be considered either. Both become objects that needn't be found; MOT20's class 13 becomes a crowd.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vidkit.boxes import from_xywh
from vidkit.data.readers.found_boxes import ANY, FoundBoxes
from vidkit.data.readers.number_rows import NumberRows
from vidkit.data.readers.numbered_images import MAX_FRAMES
from vidkit.errors import AnnotationError

COLUMNS = (7, 8, 9, 10)
WANTED = "frame, id, left, top, width, height, flag, class, visibility"
DISTRACTORS = (2, 7, 8, 12)
"""person_on_vehicle, static_person, distractor, reflection."""
CROWDS = (13,)
"""crowd, of MOT20."""
_CLASSED, VISDRONE = (8, 9), 10
"""How many columns a row has that ends with class and visibility; that is VisDrone's, or MOT15's."""


class RowKinds(NamedTuple):
    """What each of N rows is."""

    ignored: NDArray[np.bool_]  # (N,) no ground truth
    crowd: NDArray[np.bool_]  # (N,) of those, a region of many
    class_id: NDArray[np.int64]  # (N,) class row, of an ignored one the class whose detections it is about


def kinds_of(class_number: NDArray[np.float64], flag: NDArray[np.float64], pedestrians: bool) -> RowKinds:
    """What rows of these classes, from 1 and below 1 where there is none, and these flags are, each `(N,)`.

    With MOTChallenge's own classes (`pedestrians`), distractors and crowds are about detections of class row 0. Other
    rows with flag 0 are about those of their own class, of row 0 where they have none.
    """
    crowd = np.isin(class_number, CROWDS) & pedestrians
    of_first = (np.isin(class_number, DISTRACTORS) & pedestrians) | crowd
    class_id = np.where(of_first | (class_number < 1), 0, class_number - 1).astype(np.int64)
    return RowKinds(of_first | (flag == 0), crowd, class_id)


def found_rows(rows: NumberRows, n_frames: int, n_classes: int, first_pixel: int, pedestrians: bool) -> FoundBoxes:
    """The boxes of all rows, frames and pixels counted from 0. Raises AnnotationError, naming the line."""
    value = rows.value
    frame = rows.whole(0, "frame", 1, MAX_FRAMES) - 1
    for row in np.flatnonzero(frame >= n_frames)[:1].tolist():
        what = f"frame {frame[row] + 1}, but seqinfo.ini tells {n_frames} frames"
        raise AnnotationError(f"{rows.place(row)}: {what}")
    number, counts = _class_numbers(rows, n_classes, pedestrians), value[:, 6] != 0
    number = np.where(counts & (number == -1), 1, number)
    region = number == 0 if value.shape[1] == VISDRONE else np.zeros(len(value), np.bool_)
    counts &= ~region
    for row in np.flatnonzero(counts & ~np.isin(number, np.arange(1, n_classes + 1)))[:1].tolist():
        wanted = f"wanted a whole number from 1 to {n_classes}"
        raise AnnotationError(f"{rows.place(row)}: class {number[row]:g}, {wanted}")
    number = np.where(np.isin(number, np.arange(1, n_classes + 1)), number, 0)
    kinds = kinds_of(number, value[:, 6], pedestrians)
    seen = value[:, 8] if value.shape[1] == max(_CLASSED) else np.full(len(value), -1.0)
    found = FoundBoxes(
        place=rows.place,
        frame=frame,
        box=from_xywh(value[:, 2:6] - np.array([first_pixel, first_pixel, 0, 0])),
        class_id=np.where(region, ANY, kinds.class_id),
        track=rows.whole(1, "id", -1),
        ignored=kinds.ignored | region,
        crowd=kinds.crowd | region,
        attributes={"visibility": np.where(seen < 0, np.nan, seen)} if (seen >= 0).any() else {},
    )
    check_tracks(rows, found, ~(kinds.ignored | region))
    return found


def _class_numbers(rows: NumberRows, n_classes: int, pedestrians: bool) -> NDArray[np.float64]:
    """The class of each row as written `(N,)`, -1 where it has none.

    Ten columns are MOT15's, with a point in space in the place of the class, or VisDrone's, with category, truncation
    and occlusion. Classes of one's own tell that they are VisDrone's; without, what can only be VisDrone's is refused.
    """
    value = rows.value
    if value.shape[1] in _CLASSED:
        return np.asarray(value[:, 7])
    if value.shape[1] != VISDRONE:
        return np.full(len(value), -1.0)
    category = value[:, 7]
    if not pedestrians and np.isin(category, np.arange(n_classes + 1)).all():
        return np.asarray(category)
    flags = np.isin(value[:, 8], (0, 1)).all() and np.isin(value[:, 9], (0, 1, 2)).all()
    if pedestrians and category.any() and flags and np.isin(category, np.arange(12)).all():
        raise AnnotationError(
            f"{rows.path}: its last columns look like VisDrone's category, truncation and occlusion, not like MOT15's "
            "point in space: name the categories 1, 2, … with --classes FILE, or say --from visdrone"
        )
    return np.full(len(value), -1.0)


def check_tracks(rows: NumberRows, found: FoundBoxes, kept: NDArray[np.bool_]) -> None:
    """Raise where a track has two boxes in one frame that are ground truth."""
    here = np.flatnonzero(kept & (found.track >= 0))
    order = here[np.lexsort((here, found.track[here], found.frame[here]))]
    again = (found.frame[order[1:]] == found.frame[order[:-1]]) & (found.track[order[1:]] == found.track[order[:-1]])
    if again.any():
        row, first = min(zip(order[1:][again].tolist(), order[:-1][again].tolist(), strict=True))
        what = f"id {found.track[row]} is in frame {found.frame[row] + 1} already, in line {rows.line[first]}"
        raise AnnotationError(f"{rows.place(row)}: {what}")
