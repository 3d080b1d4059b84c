"""Intervals: where a number would lie, had every video been drawn that could have been.

A number θ of V videos is off by chance and by a bias: AP of few videos is too high, for the true positives of a video
compete with its own false alarms more often than they will among many videos. Both are read from resampling:

    bias    b = mean of the replicates - θ                    B drawings of V of the V videos, with replacement
    error   s = sqrt((V - 1) / V Σ_i d_i²)                    the jackknife: d_i = θ_i - mean θ_i, θ_i without video i
    freedom f = 3 (Σ_i d_i²)² / Σ_i d_i⁴ - 2                  Satterthwaite: few videos with much weight are few videos;
                                                              at least 3, at most n - 1 for ground truth in n videos

and the interval is θ - b ± t_f s, with the quantile of Student's t. For a number in 0 … 1 it is taken on the scale of
log(x / (1 - x)), where the bounds lie at infinity, for one of 0 or more on that of log x. Below FEWEST_VIDEOS there is
none. `docs/statistics.md` has how often such intervals hold the truth, and how often others do.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import isnan
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr, stdtrit

FEWEST_VIDEOS = 5
"""Videos with ground truth that an interval needs; `docs/statistics.md` says why."""

LEAST_FREEDOM = 3
"""Degrees of freedom that videos of much weight leave at least: fewer make intervals wider, not more often right."""

FAR_OFF, SKEWED = 0.2, 1.0
"""How far from 0.5 the share of the replicates below a number may be, and how skewed they: beyond, it is DOUBTFUL."""
DOUBTFUL = "doubtful: where replicates are skewed or off their number, 89 of 100 intervals held, not 95"
"""What is said of such an interval; `docs/statistics.md` has the count."""
FEW_A_CLASS = (
    "few a class: "
    f"with fewer than {FEWEST_VIDEOS} videos a class costs come out too small, and 74 to 98 of 100 intervals held"
)
"""What is said of the cost of errors there: in few videos few false alarms of others stand above an object."""

NO_ERROR = 1e-12
"""Up to this error all videos are alike, but for rounding: how others would differ can't be known from them."""

Scale = Literal["share", "amount", "difference"]
"""A number in 0 … 1, one of 0 or more, or one that may have any value."""


@dataclass(frozen=True, eq=False)
class Spread:
    """What resampling tells of numbers `(C,)`: NaN where it tells nothing."""

    value: NDArray[np.float64]
    bias: NDArray[np.float64]
    error: NDArray[np.float64]
    freedom: NDArray[np.float64]
    below: NDArray[np.float64]
    """The share of the replicates below the value, equal ones by half; 0.5: in the middle."""
    skew: NDArray[np.float64]
    """The skewness of the replicates; 0: symmetric."""
    n_videos: NDArray[np.int64]
    """How many videos hold ground truth of each."""

    @property
    def doubtful(self) -> NDArray[np.bool_]:
        """Whether `(C,)` the replicates look as they did where intervals held less often than they should."""
        return (np.abs(self.below - 0.5) > FAR_OFF) | (np.abs(self.skew) > SKEWED)

    def ends(self, level: float, scale: Scale = "share", fewest: int = FEWEST_VIDEOS) -> NDArray[np.float64]:
        """The ends `(C, 2)` of the intervals that hold the truth with probability `level`.

        NaN where there are fewer than `fewest` videos, and where all are alike, unless they agree on a difference of 0.
        """
        width = np.asarray(stdtrit(self.freedom, (1 + level) / 2) * self.error)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            if scale == "difference":
                centre = self.value - self.bias
                found = np.stack([centre - width, centre + width], axis=-1)
                alike = (self.error <= NO_ERROR) & (self.value != 0)
            elif scale == "amount":  # at most a half or a double is taken for bias
                centre = np.clip(self.value - self.bias, self.value / 2, 2 * self.value)
                middle, width = np.log(centre), width / centre
                found = np.exp(np.stack([middle - width, middle + width], axis=-1))
                alike = self.error <= NO_ERROR
            else:  # at most half of the way to 0 or 1 is taken off as a bias
                centre = np.clip(self.value - self.bias, self.value / 2, (1 + self.value) / 2)
                middle, width = np.log(centre / (1 - centre)), width / (centre * (1 - centre))
                found = 1 / (1 + np.exp(-np.stack([middle - width, middle + width], axis=-1)))
                alike = self.error <= NO_ERROR
        return np.where((alike | (self.n_videos < fewest))[..., None], np.nan, found)

    def told(
        self, level: float, scale: Scale = "share", doubt: bool = True
    ) -> list[tuple[tuple[float, float] | None, str]]:
        """The interval of each number, or None, and what must be said: "3 videos: too few to tell", or DOUBTFUL.

        Without `doubt` for what isn't AP: intervals of delays, stability and costs held as well where they were skewed.
        """
        columns = self.value, self.ends(level, scale), self.n_videos, self.doubtful & doubt
        return [
            ((low, high), DOUBTFUL * doubtful) if low <= high else (None, "" if isnan(value) else missing(n))
            for value, (low, high), n, doubtful in zip(*(column.tolist() for column in columns), strict=True)
        ]

    def positive(self, fewest: int = FEWEST_VIDEOS) -> NDArray[np.float64]:
        """The probability `(C,)` that the truth of a difference is above 0; 0.5 where all videos agree on 0.

        NaN where there are fewer than `fewest` videos.
        """
        with np.errstate(divide="ignore", invalid="ignore"):
            found = stdtr(self.freedom, (self.value - self.bias) / self.error)
        alike = self.error <= NO_ERROR  # False where the error isn't known
        known = np.where(alike, np.where(self.value == 0, 0.5, np.nan), found)
        return np.where(self.n_videos < fewest, np.nan, known)


@dataclass(frozen=True, eq=False)
class Resampled:
    """The AP of some classes in each drawing of videos and without each video; NaN where there is no ground truth."""

    replicates: NDArray[np.float64]  # (C, B)
    left_out: NDArray[np.float64]  # (C, V)
    in_video: NDArray[np.bool_]  # (C, V) whether the class has ground truth there

    def by_class(self, ap: NDArray[np.float64]) -> Spread:
        """The spread of the AP `(C,)` of each class."""
        return spread(ap, self.replicates, self.left_out, self.in_video.sum(axis=1))

    def mean(self, mean_ap: float) -> Spread:
        """The spread `(1,)` of the mean over classes."""
        n_videos = np.array([self.in_video.any(axis=0).sum()])
        return spread(
            np.array([mean_ap]), mean_of_known(self.replicates.T)[None], mean_of_known(self.left_out.T)[None], n_videos
        )

    def classes(self, chosen: slice | NDArray[np.bool_]) -> Resampled:
        """The same of the classes of a slice; of a mask `(C,)`, with NaN for the others."""
        if isinstance(chosen, slice):
            return Resampled(self.replicates[chosen], self.left_out[chosen], self.in_video[chosen])
        only = chosen[:, None]
        of_drawn, of_left = (np.where(only, values, np.nan) for values in (self.replicates, self.left_out))
        return Resampled(of_drawn, of_left, self.in_video & only)

    def with_zeros(self, classes: NDArray[np.bool_]) -> Resampled:
        """The same with AP 0 throughout for `classes (C,)`: protocols may count those without ground truth so."""
        zero = classes[:, None]
        of_drawn, of_left = (np.where(zero, 0.0, values) for values in (self.replicates, self.left_out))
        return Resampled(of_drawn, of_left, self.in_video)

    def minus(self, other: Resampled) -> Resampled:
        """The differences, drawing by drawing and video by video, of two runs on the same videos."""
        return Resampled(self.replicates - other.replicates, self.left_out - other.left_out, self.in_video)


def missing(n_videos: int) -> str:
    """Why a number of so many videos has no interval."""
    if n_videos >= FEWEST_VIDEOS:
        return "all videos alike"
    return f"{n_videos} video{'s' * (n_videos != 1)}: too few to tell"


def explained(cells: Iterable[str]) -> list[str]:
    """What must be said below a table in which cells say of an interval "(3 videos)", "(doubtful)" or the like."""
    reasons = {cell.rpartition("(")[2] for cell in cells if cell.endswith(")")}
    said = []
    if any(reason.endswith(("video)", "videos)")) and reason[0].isdigit() for reason in reasons):
        said.append(f"(n videos): too few to tell how sure the number is; an interval needs {FEWEST_VIDEOS}")
    if "all videos alike)" in reasons:
        said.append("(all videos alike): how others would differ can't be known from them")
    if "few a class)" in reasons:
        said.append(f"({FEW_A_CLASS.replace(':', '):', 1)}")
    if "doubtful)" in reasons:
        said.append(f"({DOUBTFUL.replace(':', '):', 1)}")
    return said


def spread(
    value: NDArray[np.float64],
    replicates: NDArray[np.float64],
    left_out: NDArray[np.float64],
    n_videos: NDArray[np.int64],
) -> Spread:
    """The spread of numbers `(C,)` from their replicates `(C, B)` and their values without each video `(C, V)`.

    `n_videos (C,)` is how many videos hold ground truth of each. A replicate that is NaN, or a video without which
    there is no number, tells nothing and is left out. Without replicates, B = 0, the jackknife's bias stands in.
    """
    drawn, without = ~np.isnan(replicates), ~np.isnan(left_out)
    n, mean = without.sum(axis=-1), mean_of_known(left_out)
    off = np.where(without, left_out - mean[:, None], 0.0)
    squares, fourth = (off**2).sum(axis=-1), (off**4).sum(axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.sqrt(squares * (n - 1) / n)
        effective = np.where(fourth > 0, 3 * squares**2 / fourth - 2, np.inf)
    bias, below, skew = (n - 1) * (mean - value), np.full(len(value), np.nan), np.full(len(value), np.nan)
    if replicates.shape[-1]:
        bias, skew = mean_of_known(replicates) - value, _skewness(replicates)
        lower = (replicates < value[:, None]).sum(axis=-1) + 0.5 * (replicates == value[:, None]).sum(axis=-1)
        below = np.where(drawn.any(axis=-1), lower / np.maximum(drawn.sum(axis=-1), 1), np.nan)
    freedom = np.minimum(np.maximum(effective, LEAST_FREEDOM), np.maximum(n_videos - 1, 1))
    return Spread(value, bias, error, freedom, below, skew, n_videos)


def _skewness(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The skewness of each row over what isn't NaN; 0 where all are alike."""
    off = values - mean_of_known(values)[..., None]
    variance, third = mean_of_known(off**2), mean_of_known(off**3)
    return np.asarray(third / np.maximum(variance, NO_ERROR**2) ** 1.5)


def mean_of_known(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean of each row over what isn't NaN; NaN where nothing is."""
    known = ~np.isnan(values)
    n = known.sum(axis=-1)
    return np.where(n > 0, np.where(known, values, 0.0).sum(axis=-1) / np.maximum(n, 1), np.nan)
