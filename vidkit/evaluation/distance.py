"""Accuracy against the distance that features travelled: AP of the frames that lie |t - key| frames from their key."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from vidkit.data.index import Index
from vidkit.errors import PredictionError
from vidkit.evaluation.evaluate import evaluate
from vidkit.evaluation.protocols import FGFA, Protocol
from vidkit.evaluation.result import GroupResult
from vidkit.predictions.table import NO_KEY, Predictions
from vidkit.segments import key_of_frames

UNKNOWN = -1
"""The distance of a frame whose keyframe isn't known."""


@dataclass(frozen=True)
class DistanceScore:
    """The frames at one distance from their key, and within them one group of objects by motion."""

    distance: int
    """|t - key| in frames."""
    motion: str
    """"all", or a group of the protocol's breakdown by motion."""
    frames: int
    ground_truth: int
    mean_ap: float
    """0 … 1; NaN without ground truth."""
    interval: tuple[float, float] | None = None
    note: str = ""
    """What must be said of it: why there is none where one was asked for, or that it is doubtful."""


def told_distances(index: Index, predictions: Predictions) -> NDArray[np.int64]:
    """Return |t - key| of each frame `(F,)` as the predictions tell it, UNKNOWN where they don't.

    Raises PredictionError where they tell it of no frame, or have another number of frames than the index.
    """
    if predictions.key_distance is None or (predictions.key_distance == NO_KEY).all():
        raise PredictionError(
            "the predictions don't tell their keyframes; give the schedule, as in --schedule l=10,k=5"
        )
    if predictions.n_frames != index.n_frames:
        raise PredictionError(f"predictions of {predictions.n_frames} frames for an index of {index.n_frames}")
    signed = predictions.key_distance.astype(np.int64)
    return np.where(signed == NO_KEY, UNKNOWN, np.abs(signed))


def scheduled_distances(index: Index, length: int, key_id: int | None = None) -> NDArray[np.int64]:
    """Return |t - key| of each frame `(F,)` for keyframe `key_id` of segments of `length` frames in every video."""
    counts = np.diff(index.frame_start).tolist()
    parts = [np.abs(np.arange(n) - key_of_frames(n, length, key_id)) for n in counts]
    return np.concatenate([*parts, np.zeros(0, np.int64)])


def scores_by_distance(
    index: Index,
    predictions: Predictions,
    distances: NDArray[np.int64],
    protocol: Protocol | str = FGFA,
    by_motion: bool = True,
    ci: int = 0,
    seed: int = 0,
) -> list[DistanceScore]:
    """The mean AP at each distance, in rising order, of all objects and `by_motion` of each of the protocol's groups.

    Each distance is scored on its frames alone, under `protocol`. With `ci` replicates of a bootstrap over videos each
    score gets a 95 % interval. Raises PredictionError for predictions of another index, and what `evaluate` raises.
    """
    if predictions.index_fingerprint not in ("", index.fingerprint):
        raise PredictionError(
            f"the predictions were made for the index {predictions.index_fingerprint}, this one is {index.fingerprint}"
        )
    found = np.unique(distances[distances != UNKNOWN])
    width = len(str(found.max(initial=0)))
    names = np.array(["unknown" if d == UNKNOWN else f"{d:0{width}d}" for d in distances.tolist()], dtype="U")
    marked = replace(index, frame_attributes={**index.frame_attributes, _ATTRIBUTE: names})
    same = replace(predictions, index_fingerprint=marked.fingerprint)  # the same frames, with an attribute more
    by = [_ATTRIBUTE, *([f"{_ATTRIBUTE} x motion"] if by_motion else [])]
    result = evaluate(marked, same, protocol, by=by, ci=ci, seed=seed)
    frames = {int(d): int(n) for d, n in zip(*np.unique(distances, return_counts=True), strict=True)}
    return sorted(_scores(result.groups, frames), key=lambda score: score.distance)


_ATTRIBUTE = "distance from key"


def _scores(groups: tuple[GroupResult, ...], frames: dict[int, int]) -> Iterator[DistanceScore]:
    for group in groups:
        distance, _, motion = group.name.partition("/")
        crossed = group.by != _ATTRIBUTE
        if distance == "unknown" or (crossed and motion == "all"):  # "all" stands in the plain breakdown already
            continue
        yield DistanceScore(
            distance=int(distance),
            motion=motion or "all",
            frames=frames[int(distance)],
            ground_truth=int(group.n_gt.sum()),
            mean_ap=float(group.mean_ap),
            interval=group.ends(),
            note=group.note(),
        )
