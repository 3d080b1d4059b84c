"""How sure a speed is, when another set of videos could have been drawn: the bootstrap that AP has."""

import numpy as np

from vidkit.data.index import Index
from vidkit.evaluation.bootstrap import Drawings
from vidkit.evaluation.intervals import missing
from vidkit.evaluation.result import Bootstrap
from vidkit.predictions.table import FrameTimes


def speed_interval(index: Index, times: FrameTimes, bootstrap: Bootstrap) -> tuple[tuple[float, float] | None, str]:
    """The interval of frames / total compute seconds, in frames per second, on a logarithmic scale.

    Warm-up videos and those that weren't run aren't among the videos that are drawn. None, and why, with fewer timed
    videos than an interval needs, or where all are equally fast. It says what other videos would change, not what
    another machine or another hour would.
    """
    timed = np.isfinite(times.compute_seconds) & ~times.warm_up
    video = index.frame_video[timed]
    frames = np.bincount(video, minlength=index.n_videos)
    seconds = np.bincount(video, times.compute_seconds[timed], minlength=index.n_videos)
    there = frames > 0
    n = int(there.sum())
    drawings = Drawings.of(n, bootstrap)
    counts = np.concatenate([np.ones((n, 1)), drawings.counts], axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        speed = np.log((frames[there] @ counts) / (seconds[there] @ counts))
    speed[~np.isfinite(speed)] = np.nan
    ((ends, note),) = drawings.spread(speed[:1], speed[None, 1:], n).told(bootstrap.level, "difference", doubt=False)
    if ends is None or ends[0] == ends[1]:
        return None, note or missing(n)
    return (float(np.exp(ends[0])), float(np.exp(ends[1]))), note
