"""How sure a speed is, when another set of videos could have been drawn: the bootstrap that AP has."""

from __future__ import annotations

import numpy as np

from vidkit.data.index import Index
from vidkit.evaluation.bootstrap import draws
from vidkit.evaluation.result import Bootstrap
from vidkit.predictions.table import FrameTimes


def speed_interval(index: Index, times: FrameTimes, bootstrap: Bootstrap) -> tuple[float, float] | None:
    """Return the percentile interval of frames / total compute seconds, in frames per second.

    In each replicate as many of the timed videos are drawn, with replacement, as there are; warm-up videos and those
    that weren't run aren't among them. None with fewer than two timed videos: how videos differ can't be known from
    one. The interval tells what other videos would change, not what another machine or another hour would.
    """
    timed = np.isfinite(times.compute_seconds) & ~times.warm_up
    video = index.frame_video[timed]
    frames = np.bincount(video, minlength=index.n_videos)
    seconds = np.bincount(video, times.compute_seconds[timed], minlength=index.n_videos)
    there = frames > 0
    if there.sum() < 2:
        return None
    drawn = draws(int(there.sum()), bootstrap)
    totals = seconds[there] @ drawn
    speeds = (frames[there] @ drawn)[totals > 0] / totals[totals > 0]
    if not len(speeds):
        return None
    low, high = np.quantile(speeds, [(1 - bootstrap.level) / 2, (1 + bootstrap.level) / 2])
    return float(low), float(high)
