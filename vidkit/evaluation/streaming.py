"""Streaming accuracy: each frame is scored with the newest answer that had come by then.

After Li, Wang and Ramanan, "Towards Streaming Perception", ECCV 2020. Frame t of a video of r frames a second comes at
t / r. A simulated detector works on one frame at a time; for frame t it needs the compute seconds c_t that were
measured and has to wait for the l_t frames that it was seen to look ahead:

    ready_t = min(t + l_t, last frame) / r        finish_t = max(ready_t, when the detector is free) + c_t

At t / r the world is as in frame t, and what is known of it is the newest answer that has come, that of frame

    φ(t) = the last frame taken with finish <= t / r

so the detections of φ(t) are scored against the ground truth of t; without any answer yet frame t has no detections.
A detector that needs no time and doesn't look ahead scores what it scores offline. Each video starts a new clock;
reading and decoding cost nothing, as in all our times.

Time is counted in whole ticks, 46 126 080 to a frame: an answer that takes exactly n frames, or n / 2 … n / 16 of one,
has come exactly then, after any number of frames, where sums of binary fractions would be late by their last bit.
Measured times are rounded to a tick, 0.7 ns at 30 frames a second.

Which frame a detector takes when it's free is either the *newest* that is ready, as in the paper, so that a slow
detector skips frames; or *every* frame in its order, so that a slow one falls ever further behind. A detector that
carries features from frame to frame was measured while it saw every frame, and would have answered otherwise had it
skipped some: predictions that tell keyframes or look ahead are taken with "every" unless told otherwise.
"""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from vidkit.data.index import Index
from vidkit.errors import PredictionError
from vidkit.predictions.table import NO_KEY, FrameTimes, Predictions

Take = Literal["newest", "every"]
NO_ANSWER = -1
TICKS = 720_720 * 64
"""Ticks of a frame; divisible by 1 … 16 and by 1 024."""


@dataclass(frozen=True, eq=False, repr=False)
class Streamed:
    """What a viewer of the stream would have seen; score `predictions` with `evaluate`."""

    predictions: Predictions
    """The detections of frame φ(t) at the place of each frame t; without times and keyframes."""
    source: NDArray[np.int64]  # (F,) φ(t), rows of the index; NO_ANSWER where none has come yet
    taken: NDArray[np.bool_]  # (F,) whether the detector took this frame
    frames_per_second: float
    take: Take

    def __repr__(self) -> str:
        lost = f"{self.skipped} frames skipped, {self.unanswered} without an answer"
        return f"Streamed at {self.frames_per_second:g} frames/s: answers {self.age:.2f} frames old, {lost}"

    @property
    def age(self) -> float:
        """The mean of t - φ(t) over the frames that have an answer, in frames; NaN if none has. 0: no delay."""
        answered = self.source != NO_ANSWER
        return float((np.arange(len(self.source)) - self.source)[answered].mean()) if answered.any() else float("nan")

    @property
    def unanswered(self) -> int:
        """Frames for which no answer had come yet."""
        return int((self.source == NO_ANSWER).sum())

    @property
    def skipped(self) -> int:
        """Frames that the detector didn't take."""
        return int((~self.taken).sum())


def stream(index: Index, predictions: Predictions, frames_per_second: float, take: Take | None = None) -> Streamed:
    """Return what `predictions` would have been seen as in videos of `frames_per_second` frames a second.

    `take` is the frame that a detector takes when it's free; None: `default_take`. Raises PredictionError for
    predictions without usable times, or of another index, ValueError unless the frame rate is above 0 and finite, and
    for another `take`.
    """
    if take not in ("newest", "every", None):
        raise ValueError(f"take {take!r}; wanted newest, every or None")
    if not 0 < frames_per_second < np.inf:
        raise ValueError(f"frames_per_second {frames_per_second}; wanted a finite number above 0")
    times = _checked(index, predictions)
    take = take or default_take(predictions)
    source = np.full(index.n_frames, NO_ANSWER, np.int64)
    taken = np.zeros(index.n_frames, bool)
    for first, stop in zip(index.frame_start[:-1].tolist(), index.frame_start[1:].tolist(), strict=True):
        here = slice(first, stop)
        frames, finish = schedule(times.compute_seconds[here], times.look_ahead[here], frames_per_second, take)
        newest = np.searchsorted(finish, np.arange(stop - first) * TICKS, side="right") - 1
        answered = newest >= 0
        source[here][answered] = first + frames[newest[answered]]
        taken[first + frames] = True
    return Streamed(_gather(predictions, source), source, taken, frames_per_second, take)


def default_take(predictions: Predictions) -> Take:
    """Return "every" for predictions that tell keyframes or look ahead, "newest" for all others."""
    keys = predictions.key_distance is not None and bool((predictions.key_distance != NO_KEY).any())
    ahead = predictions.times is not None and bool((predictions.times.look_ahead > 0).any())
    return "every" if keys or ahead else "newest"


def schedule(
    seconds: NDArray[np.float64], look_ahead: NDArray[np.int32], frames_per_second: float, take: Take
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The frames of a video of n that are taken, in order, and when each is answered, in ticks of 1 / TICKS frame.

    `seconds (n,)` is the compute time of each frame, `look_ahead (n,)` how many further frames it waits for.
    """
    n = len(seconds)
    ready = np.minimum(np.arange(n) + look_ahead, n - 1) * TICKS
    ready = np.maximum.accumulate(ready)  # what an earlier frame waited for is there
    frames: list[int] = []
    finish: list[int] = []
    compute = np.rint(seconds * frames_per_second * TICKS).astype(np.int64).tolist()
    free, following = 0, 0
    while following < n:
        start = max(free, int(ready[following]))
        frame = following if take == "every" else int(np.searchsorted(ready, start, side="right")) - 1
        free, following = start + compute[frame], frame + 1
        frames.append(frame)
        finish.append(free)
    return np.array(frames, np.int64), np.array(finish, np.int64)


def _checked(index: Index, predictions: Predictions) -> FrameTimes:
    """Return the times of predictions that can be streamed; PredictionError that says why they can't be."""
    times = predictions.times
    if times is None:
        raise PredictionError(
            "the predictions tell no times, so streaming accuracy can't be told; make them with `vidkit benchmark`"
        )
    if predictions.run.scenario == "offline":
        raise PredictionError(
            "the predictions were timed in the scenario offline, which measures whole videos and not the answers; "
            "make them with `vidkit benchmark --scenario stream`"
        )
    if predictions.n_frames != index.n_frames or predictions.index_fingerprint not in ("", index.fingerprint):
        raise PredictionError(
            f"the predictions are of {predictions.n_frames} frames of the index "
            f"{predictions.index_fingerprint or '(not told)'}, this one has {index.n_frames} and is {index.fingerprint}"
        )
    seconds = times.compute_seconds
    bad = ~(np.isfinite(seconds) & (seconds >= 0)) | (times.look_ahead < 0)
    if bad.any():
        raise PredictionError(
            f"{int(bad.sum())} of {len(bad)} frames have no compute time, a negative one, or a negative look-ahead; "
            "streaming accuracy needs the times of all frames: benchmark the whole index"
        )
    return times


def _gather(predictions: Predictions, source: NDArray[np.int64]) -> Predictions:
    """Return predictions with the detections of frame `source[t]` in frame t."""
    begin = np.where(source == NO_ANSWER, 0, predictions.detection_start[source])
    end = np.where(source == NO_ANSWER, 0, predictions.detection_start[source + 1])
    start = np.concatenate([[0], np.cumsum(end - begin)]).astype(np.int64)
    rows = np.repeat(begin - start[:-1], end - begin) + np.arange(start[-1])
    return replace(
        predictions,
        detection_start=start,
        box=predictions.box[rows],
        score=predictions.score[rows],
        class_id=predictions.class_id[rows],
        is_key=None,
        key_distance=None,
        times=None,
    )
