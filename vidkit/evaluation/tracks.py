"""Tracks: the ground truth of each object in the order of its frames, and the score with which each box is found."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vidkit.data.index import Index
from vidkit.errors import AnnotationError
from vidkit.evaluation.matching import Matches

NEVER = -np.inf
"""The score of a box that no detection finds."""


@dataclass(frozen=True, eq=False)
class Tracks:
    """The N instances sorted by track and frame. A track is a pair of video and track id; there are T of them."""

    order: NDArray[np.int64]  # (N,) rows of the index
    start: NDArray[np.int64]  # (T + 1,) track t is order[start[t]:start[t + 1]]
    video: NDArray[np.int64]  # (T,)

    @property
    def n_tracks(self) -> int:
        """T."""
        return len(self.start) - 1

    @property
    def of_row(self) -> NDArray[np.int64]:
        """Return the track `(N,)` of each sorted instance."""
        return np.repeat(np.arange(self.n_tracks), np.diff(self.start))


def tracks_of(index: Index, wanted_for: str) -> Tracks:
    """Return the tracks of an index.

    Raises AnnotationError, which says what they were `wanted_for`, if an instance has no track id.
    """
    without = int((index.track_id < 0).sum())
    if without:
        raise AnnotationError(
            f"index {index.dataset} {index.split}: {without} of {index.n_instances} boxes have no track id, so "
            f"{wanted_for} can't be told; prepare the index from a source that has track ids"
        )
    video = index.frame_video[index.instance_frame]
    order = np.lexsort((index.instance_frame, index.track_id, video))
    video, track = video[order], index.track_id[order]
    changed = (video[1:] != video[:-1]) | (track[1:] != track[:-1])
    ends = np.append(np.flatnonzero(changed) + 1, len(order)) if len(order) else np.zeros(0)
    start = np.append(0, ends).astype(np.int64)
    return Tracks(order, start, video[start[:-1]].astype(np.int64))


def found_by(matches: Matches) -> NDArray[np.int64]:
    """Return the detection that finds each ground truth `(N,)`, -1 for none, at the protocol's lowest threshold."""
    finder = np.full(matches.index.n_instances, -1, np.int64)
    rows = np.flatnonzero((matches.matched >= 0) & (matches.matched < matches.index.n_instances))
    finder[matches.matched[rows]] = rows
    return finder


def found_scores(matches: Matches) -> NDArray[np.float64]:
    """Return the score with which each ground truth `(N,)` is found; NEVER where it isn't.

    Detections are matched best score first, so those of a score of at least s match the same whether or not the others
    are there: a box is found at the score threshold s if its value here is at least s.
    """
    finder = found_by(matches)
    score = np.append(matches.predictions.score.astype(np.float64), NEVER)
    return np.asarray(score[finder])
