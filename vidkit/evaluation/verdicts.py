"""Verdicts: what becomes of each detection and of each object when only scores above a threshold are shown.

Nothing is decided here: true and false positives are those that AP is computed from (`curves.outcomes`), types of error
are TIDE's (`errors_by_type.find_errors`), both at the protocol's lowest IoU threshold. Detections take their objects
best score first, so those above a threshold take the same ones whether or not the others are there.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vidkit.data.index import Index
from vidkit.evaluation.curves import outcomes
from vidkit.evaluation.errors_by_type import CLASSIFICATION, ERROR_TYPES, LOCALISATION, NO_ERROR, find_errors
from vidkit.evaluation.matching import Matches, match
from vidkit.evaluation.protocols import FGFA, Protocol
from vidkit.evaluation.scoring import ranked
from vidkit.evaluation.slices import Group
from vidkit.predictions.table import Predictions

STATES = ("hit", "badly placed", "wrong class", "missed")
"""What becomes of an object: found; or only by a detection of its class that overlaps too little; or only by one of
another class that overlaps enough; or by neither."""
HIT, BADLY_PLACED, WRONG_CLASS, MISSED = range(4)
NOT_COUNTED = -1
"""The state of an object that the protocol doesn't count."""


@dataclass(frozen=True, eq=False)
class Verdicts:
    """D detections and N objects at a score threshold. Detections that are neither true nor false aren't shown."""

    matches: Matches
    least_score: float
    true: NDArray[np.bool_]  # (D,)
    false: NDArray[np.bool_]  # (D,)
    error: NDArray[np.int8]  # (D,) the type of each false positive, a place in ERROR_TYPES; else NO_ERROR
    state: NDArray[np.int8]  # (N,) a place in STATES, or NOT_COUNTED
    detection: NDArray[np.int64]  # (N,) the one that gave it its state; -1 where it's missed

    @property
    def index(self) -> Index:
        """The index that was matched."""
        return self.matches.index

    @property
    def predictions(self) -> Predictions:
        """The predictions that were matched."""
        return self.matches.predictions

    def shown_in(self, frame: int) -> NDArray[np.int64]:
        """Return the rows of the true and false positives of frame row `frame`, the best score last."""
        start, stop = self.predictions.detection_start[frame : frame + 2].tolist()
        rows = np.arange(start, stop)[(self.true | self.false)[start:stop]]
        return rows[np.argsort(self.predictions.score[rows], kind="stable")]

    def counts_of_frames(self) -> Mapping[str, NDArray[np.int64]]:
        """Return the number of true positives, false positives and missed objects of each frame, `(F,)` each.

        Missed are all objects that aren't hit.
        """
        n, frame = self.index.n_frames, self.predictions.detection_frame
        missed = self.state > HIT
        return {
            "true": np.bincount(frame[self.true], minlength=n),
            "false": np.bincount(frame[self.false], minlength=n),
            "missed": np.bincount(self.index.instance_frame[missed], minlength=n),
        }

    def detection_row(self, row: int) -> dict[str, Any]:
        """Return what is said of a detection, for a table: verdict, error, class, score and box."""
        predictions = self.predictions
        x1, y1, x2, y2 = predictions.box[row].tolist()
        return {
            "verdict": "true positive" if self.true[row] else "false positive",
            "error": ERROR_TYPES[self.error[row]] if self.error[row] != NO_ERROR else "",
            "class": self.index.class_names[predictions.class_id[row]],
            "score": float(predictions.score[row]),
            "x1": x1,
            "y1": y1,
            "x2": x2,
            "y2": y2,
        }


def judge(index: Index, predictions: Predictions, least_score: float = -np.inf, protocol: Protocol = FGFA) -> Verdicts:
    """Return the verdicts over all detections of at least the score `least_score`.

    Raises PredictionError if the predictions don't fit the index.
    """
    matches = match(index, predictions, protocol)
    found, errors = outcomes(matches, least_score), find_errors(matches)
    true, false = np.zeros(predictions.n_detections, bool), np.zeros(predictions.n_detections, bool)
    true[found.row[found.true]] = True
    false[found.row[~found.true]] = True
    state = np.where(ranked(matches).members(Group("all")), MISSED, NOT_COUNTED).astype(np.int8)
    detection = np.full(index.n_instances, -1)
    meant = (
        (WRONG_CLASS, false & (errors.kind == CLASSIFICATION), errors.truth),
        (BADLY_PLACED, false & (errors.kind == LOCALISATION), errors.truth),
        (HIT, true, matches.matched),
    )
    for verdict, chosen, truth in meant:  # the later ones win
        rows = np.flatnonzero(chosen)
        rows = rows[np.argsort(predictions.score[rows], kind="stable")]  # the best score is written last
        rows = rows[state[truth[rows]] != NOT_COUNTED]
        state[truth[rows]] = verdict
        detection[truth[rows]] = rows
    error = np.where(false, errors.kind, NO_ERROR).astype(np.int8)
    return Verdicts(matches, least_score, true, false, error, state, detection)
