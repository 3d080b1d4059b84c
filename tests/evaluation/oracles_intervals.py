"""Intervals as plain loops over numbers, written from the formulas of docs/statistics.md alone."""

import math
from collections.abc import Iterable

from scipy import stats

FEWEST = 5


def is_doubtful(value: float, replicates: Iterable[float]) -> bool:
    """Whether the replicates lie beside their number, or are skewed."""
    known = [x for x in replicates if not math.isnan(x)]
    below = sum(1.0 if x < value else 0.5 if x == value else 0.0 for x in known) / len(known)
    mean = sum(known) / len(known)
    variance, third = (sum((x - mean) ** power for x in known) / len(known) for power in (2, 3))
    return abs(below - 0.5) > 0.2 or (variance > 1e-20 and abs(third / variance**1.5) > 1)


def spread(
    value: float, replicates: Iterable[float], left_out: Iterable[float], n_videos: int
) -> tuple[float, float, float] | None:
    """Bias, standard error, degrees of freedom; None with too few videos."""
    drawn = [x for x in replicates if not math.isnan(x)]
    without = [x for x in left_out if not math.isnan(x)]
    if n_videos < FEWEST:
        return None
    n, mean = len(without), sum(without) / len(without)
    squares, fourth = sum((x - mean) ** 2 for x in without), sum((x - mean) ** 4 for x in without)
    bias = sum(drawn) / len(drawn) - value if drawn else (n - 1) * (mean - value)
    freedom = float(n_videos - 1)
    if fourth > 0:
        freedom = min(max(3.0, 3 * squares**2 / fourth - 2), freedom)
    return bias, math.sqrt((n - 1) / n * squares), freedom


def share_interval(
    value: float, replicates: Iterable[float], left_out: Iterable[float], n_videos: int
) -> tuple[float, float]:
    """The 95 % interval of a number in 0 … 1."""
    found = spread(value, replicates, left_out, n_videos)
    if found is None or found[1] < 1e-12:
        return math.nan, math.nan
    bias, error, freedom = found
    centre = min(max(value - bias, value / 2), 1 - (1 - value) / 2)
    step = stats.t.ppf(0.975, freedom) * error / (centre * (1 - centre))
    ends = [math.log(centre / (1 - centre)) + sign * step for sign in (-1, 1)]
    low, high = (1 / (1 + math.exp(-end)) if end > -700 else 0.0 for end in ends)
    return low, high


def amount_interval(
    value: float, replicates: Iterable[float], left_out: Iterable[float], n_videos: int
) -> tuple[float, float]:
    """The 95 % interval of a number of 0 or more."""
    found = spread(value, replicates, left_out, n_videos)
    if found is None or found[1] < 1e-12:
        return math.nan, math.nan
    bias, error, freedom = found
    centre = min(max(value - bias, value / 2), 2 * value)
    step = stats.t.ppf(0.975, freedom) * error / centre
    return centre * math.exp(-step), centre * math.exp(step)


def difference_interval(
    value: float, replicates: Iterable[float], left_out: Iterable[float], n_videos: int
) -> tuple[float, float, float]:
    """The 95 % interval of a number of any size, and the probability that it is above 0."""
    found = spread(value, replicates, left_out, n_videos)
    if found is None or (found[1] < 1e-12 and value != 0):
        return math.nan, math.nan, math.nan
    bias, error, freedom = found
    if error < 1e-12:
        return 0.0, 0.0, 0.5
    step = stats.t.ppf(0.975, freedom) * error
    return value - bias - step, value - bias + step, float(stats.t.cdf((value - bias) / error, freedom))
