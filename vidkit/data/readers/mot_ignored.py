"""Which rows of a MOTChallenge gt.txt are no ground truth, and what a detection over one of them is.

MOTChallenge scores pedestrians. Its evaluation first takes out the detections that match a distractor: a person on a
vehicle, a static person, a distractor, a reflection (classes 2, 7, 8, 12 of MOT16 and MOT17). Rows with flag 0 are not
to be considered either. Both become objects that needn't be found; MOT20's class 13 becomes a crowd.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vidkit.data.index import IgnoredRegions

DISTRACTORS = (2, 7, 8, 12)
"""person_on_vehicle, static_person, distractor, reflection."""
CROWDS = (13,)
"""crowd, of MOT20."""


def ignored_rows(
    frame: NDArray[np.integer[Any]],
    box: NDArray[np.floating[Any]],
    class_number: NDArray[np.integer[Any]],
    flag: NDArray[Any],
    n_frames: int,
    distractors: Sequence[int] = DISTRACTORS,
    crowds: Sequence[int] = CROWDS,
    person: int = 0,
) -> tuple[NDArray[np.bool_], IgnoredRegions | None]:
    """Which of N rows are to be ignored `(N,)`, and the regions that they make, None where there are none.

    `frame (N,)` counts from 0, `box (N, 4)` is in vidkit's convention, `class_number (N,)` counts from 1 as in the
    file, -1 where it has none; `flag (N,)` is the seventh column. Distractors and crowds are about detections of class
    row `person`; other rows with flag 0 about those of their own class (of `person` where they have none). With classes
    of one's own, `distractors` and `crowds` are empty. Regions without area are left out.
    """
    is_distractor, is_crowd = np.isin(class_number, distractors), np.isin(class_number, crowds)
    ignored = is_distractor | is_crowd | (flag == 0)
    of_person = is_distractor | is_crowd | (class_number < 1)
    rows = np.flatnonzero(ignored & (box[:, 2:] > box[:, :2]).all(axis=1))
    rows = rows[np.argsort(frame[rows], kind="stable")]
    if not len(rows):
        return ignored, None
    return ignored, IgnoredRegions(
        count=np.bincount(frame[rows], minlength=n_frames).astype(np.int32),
        box=box[rows],
        class_id=np.where(of_person, person, class_number - 1)[rows].astype(np.int16),
        crowd=is_crowd[rows],
    )
