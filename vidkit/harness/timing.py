"""What the times of a run come to: throughput, quantiles for key and other frames, look-ahead."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vidkit.predictions.table import Predictions

QUANTILES = (50, 90, 99)


def summary(predictions: Predictions) -> dict[str, Any]:
    """Return what a run measured, without its warm-up videos; {} for predictions without times.

    `frames_per_second` is frames / total compute seconds. `seconds` holds, for "all" frames, "key" and "other" ones
    where the detector tells them apart, their number, mean and quantiles of the compute time of one frame. A keyframe
    that isn't the first of its segment is computed before the first answer that needs it, and its time counts there:
    where that is so, "new key" holds these answers. The scenario "offline" times whole videos: it has "all" alone, with
    quantiles None. `decode_seconds` is the mean of a frame. `look_ahead` is in frames.
    """
    times = predictions.times
    if times is None:
        return {}
    timed = ~times.warm_up
    each = predictions.run.scenario != "offline"
    seconds = {"all": _seconds(times.compute_seconds[timed], each)}
    if each:
        seconds |= {name: _seconds(times.compute_seconds[rows]) for name, rows in _kinds(predictions, timed).items()}
    run = np.isfinite(times.compute_seconds)
    return {
        "frames_timed": int(timed.sum()),
        "frames_per_second": times.frames_per_second,
        "seconds": seconds,
        "decode_seconds": float(times.decode_seconds[timed].mean()) if timed.any() else None,
        "look_ahead": {
            "max": int(times.look_ahead[run].max()) if run.any() else None,
            "mean": float(times.look_ahead[run].mean()) if run.any() else None,
        },
        "measured": dict(predictions.run.measured),
    }


def _kinds(predictions: Predictions, timed: NDArray[np.bool_]) -> dict[str, NDArray[np.bool_]]:
    """Return which of the timed frames are "key" and "other", and "new key" where that isn't the same as "key"."""
    key = predictions.is_key
    if key is None or len(np.unique(key[timed])) < 2:
        return {}
    kinds = {"key": timed & key, "other": timed & ~key}
    waited = _waited_for_key(predictions)
    if waited is not None and (waited != key)[timed].any():
        kinds["new key"] = timed & waited
    return kinds


def _waited_for_key(predictions: Predictions) -> NDArray[np.bool_] | None:
    """Return the frames `(F,)` whose answer is the first that needs its keyframe; None if keyframes aren't told."""
    if predictions.key_distance is None:
        return None
    key = np.arange(predictions.n_frames) + predictions.key_distance
    return np.asarray(np.diff(key, prepend=-1) != 0)


def _seconds(values: NDArray[np.float64], each: bool = True) -> dict[str, float | int | None]:
    quantiles = np.percentile(values, QUANTILES) if each and len(values) else [None] * len(QUANTILES)
    return {
        "frames": len(values),
        "mean": float(values.mean()) if len(values) else None,
        **{f"p{q}": None if value is None else float(value) for q, value in zip(QUANTILES, quantiles, strict=True)},
    }
