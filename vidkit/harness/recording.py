"""Recording a detector's weight maps: one more pass over a video, after it was run and timed (`Weighing`)."""

import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vidkit.data.index import Index
from vidkit.detections import Detections
from vidkit.errors import DetectorError
from vidkit.harness.detector import Detector, Image, KeyframeWeights, OracleDetector, Weighing
from vidkit.harness.stopwatch import Handover, Place, limited

SUM_TOLERANCE = 1e-3
_END = object()


def weighing(detector: Detector | OracleDetector) -> Weighing:
    """Return the detector as one that has weight maps to record; DetectorError if it has none."""
    if not isinstance(detector, Weighing):
        raise DetectorError(
            f"detector {detector.name!r} has no weight maps to record: it lacks the method `keyframe_weights`, which "
            "the Impression Network has"
        )
    return detector


def record_weights(
    detector: Detector | OracleDetector,
    frames: Iterable[Image],
    index: Index,
    video: int,
    answers: Sequence[Detections],
    limit: float = 0,
) -> tuple[KeyframeWeights, ...]:
    """Return how `detector` fuses the keyframes of video row `video`, of which `frames` yields the images.

    answers: what it said of the video's frames. The maps come back as float16. `limit` is the longest time in seconds
    that one keyframe may take, 0 for no limit.

    Raises DetectorError, naming detector, video and frame, if the detector has none, fails, or hands over what is wrong
    in shape or numbers or isn't of the keyframes that it answered with, and the error of `frames` where that fails.
    """
    place = Place(detector.name, index.video_name[video], index.frame_number[index.frames_of(video)].tolist())
    handover = Handover(frames, str(place), place.n, time.perf_counter, _go_on)
    keys = [frame for frame, answer in enumerate(answers) if answer.is_key]
    found: list[KeyframeWeights] = []
    for each in _asked(_replies(weighing(detector), handover), handover, place, limit, keys, found):
        expected = keys[len(found)] if len(found) < len(keys) else None
        if reason := _fault(each, expected, found):
            raise place.broken(f"weights of a keyframe: {reason}", place.n if expected is None else expected)
        weight = np.asarray(each.weight, np.float16)
        found.append(KeyframeWeights(int(each.frame), weight, np.asarray(each.shares, np.float32), float(each.cell)))
    if len(found) < len(keys):
        raise place.broken(f"weights of {len(found)} keyframes, it answered with {len(keys)}", keys[len(found)])
    return tuple(found)


def _asked(
    replies: Iterator[Any], handover: Handover, place: Place, limit: float, keys: Sequence[int], found: Sequence[object]
) -> Iterator[Any]:
    """Yield what the detector hands over; whatever it raises names the keyframe that was waited for."""
    while True:
        try:
            with limited(limit):
                each = next(replies, _END)
        except Exception as error:
            at = keys[len(found)] if len(found) < len(keys) else place.n
            raise handover.failure or place.broken(f"weights: {type(error).__name__}: {error}", at) from error
        if handover.failure:
            raise handover.failure
        if each is _END:
            return
        yield each


def _replies(detector: Weighing, frames: Handover) -> Iterator[Any]:
    """Yield what the detector hands over; as a generator, so that what fails before the first is told like the rest."""
    yield from detector.keyframe_weights(frames)


def _fault(each: Any, expected: int | None, before: Sequence[KeyframeWeights]) -> str:
    """Return what is wrong with the weights of one keyframe, in words; "" if nothing is."""
    if not isinstance(each, KeyframeWeights):
        return f"a {type(each).__module__}.{type(each).__name__}, wanted vidkit.harness.detector.KeyframeWeights"
    if expected is None or each.frame != expected:
        said = (
            "it answered with no further keyframe" if expected is None else f"the next keyframe answered is {expected}"
        )
        return f"they are of frame {each.frame} of the video, from 0; {said}"
    if reason := _fault_of_map(each.weight):
        return reason
    if before and each.weight.shape != before[-1].weight.shape:
        return f"a map of {each.weight.shape} cells, those before have {before[-1].weight.shape}"
    if not (np.isfinite(each.cell) and each.cell > 0):
        return f"cells of {each.cell} pixels"
    return _fault_of_shares(each.shares, len(before) + 1)


def _fault_of_map(weight: NDArray[Any]) -> str:
    if not isinstance(weight, np.ndarray) or weight.ndim != 2 or not weight.size or weight.dtype.kind != "f":
        return f"a map that is {_described(weight)}; wanted a numpy array (h, w) of floating numbers"
    inside = (weight >= 0) & (weight <= 1)
    if not inside.all():
        row, column = np.argwhere(~inside)[0].tolist()
        return f"the map is {weight[row, column]} in cell ({row}, {column}); wanted 0 … 1"
    return ""


def _fault_of_shares(shares: NDArray[Any], most: int) -> str:
    if not isinstance(shares, np.ndarray) or shares.ndim != 1 or shares.dtype.kind != "f":
        return f"shares that are {_described(shares)}; wanted a numpy array (n,) of floating numbers"
    if not 1 <= len(shares) <= most:
        return f"{len(shares)} shares of the video's first {most} keyframes"
    if not (shares >= 0).all() or abs(float(shares.sum()) - 1) > SUM_TOLERANCE:
        return f"shares {shares.tolist()}; wanted none below 0, and a sum of 1"
    return ""


def _described(value: Any) -> str:
    return f"{value.dtype} {value.shape}" if isinstance(value, np.ndarray) else type(value).__name__


def _go_on() -> None:
    """Wait for nothing: no time is taken."""
