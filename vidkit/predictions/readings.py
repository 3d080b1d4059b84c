"""The ways to understand a thing that a file leaves open, and the annotations' veto against a wrong one.

A way is chosen by what the file and the source of the index say, never by how well it scores. The annotations may only
speak against it: where another way agrees clearly better, or a guess can't be told from another, the user is asked.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from vidkit.errors import PredictionError
from vidkit.predictions.reading_report import Understood

T = TypeVar("T")
Overlaps = NDArray[np.float64]

_TELLING = 0.3  # a detection that overlaps less in both of two ways tells nothing of them
_GOOD = 0.5  # what the mean overlap must be at least for a way to be right
_SURE = 4.0  # standard errors
_NOISE = 0.02  # of an overlap: what a mean of few detections can't be trusted for
_MOST, _FAR_BETTER = 0.95, 0.05  # a gain of so many of the detections, and by so much on average
_SAME = 1e-9
_FEW = 10  # detections: fewer don't tell an order from chance


@dataclass(frozen=True, eq=False)
class Way(Generic[T]):
    """One way to understand something: `take` does it, `said` tells of it, `option` is what to type to say so.

    `unless` is what to type to say that it isn't so, where that isn't the option of the way that is taken.
    """

    take: T
    said: Understood
    option: str
    unless: str = ""
    is_fine: bool = False
    """Whether it differs by a pixel only, which a detector's own bias can look like: it must then halve the error."""


@dataclass(frozen=True, eq=False)
class Ways(Generic[T]):
    """All ways to understand something, first the one that is taken unless the annotations speak against it."""

    all: tuple[Way[T], ...]
    is_guess: bool = False
    """Whether nothing speaks for the first one but habit: then it must agree clearly better than each other."""
    against: str = ""
    """What the source says instead, where it says something else than the first one: then detections must overlap."""
    scrambled: Way[T] | None = None
    """A way that can't be right: where the first one is hardly better, nothing speaks for it."""

    @property
    def taken(self) -> Way[T]:
        """The way that is taken."""
        return self.all[0]


def refuse_if_doubtful(ways: Sequence[Ways[Any]], overlaps: Callable[..., Overlaps], place: str) -> None:
    """Raise PredictionError where the first way of each thing isn't the one that the annotations agree with.

    `overlaps` gives the best overlap of each detection, of as many as tell enough, for one way of each thing.
    """
    here = tuple(of.taken for of in ways)
    taken = overlaps(*here)
    unsupported = [of for of in ways if of.against and len(taken) and taken.max() < _TELLING]
    if unsupported:
        raise PredictionError(f"{place}: {_unsupported(unsupported)}")
    others = [other for other in product(*(of.all for of in ways)) if other != here]
    found = [(other, overlaps(*other)) for other in others]
    better = [(_means(taken, there), other) for other, there in found if _is_better(taken, there, _fine(here, other))]
    if better:
        (mean, mean_there), best = max(better, key=lambda pair: pair[0][1])
        raise PredictionError(_asking(place, here, best, (mean, mean_there), "which agrees better"))
    for k, of in enumerate(ways):
        if of.scrambled is not None and _is_chance(taken, overlaps(*here[:k], of.scrambled, *here[k + 1 :])):
            raise PredictionError(f"{place}: {_chance(of)}")
    for other, there in found:
        differing = [of for of, a, b in zip(ways, here, other, strict=True) if a is not b]
        if len(differing) == 1 and differing[0].is_guess and _is_alike(taken, there):
            raise PredictionError(_asking(place, here, other, _means(taken, there), "which can't be told from it"))


def _fine(here: Sequence[Way[Any]], other: Sequence[Way[Any]]) -> bool:
    return all(b.is_fine for a, b in zip(here, other, strict=True) if a is not b)


def _telling(a: Overlaps, b: Overlaps) -> NDArray[np.bool_]:
    return np.asarray(np.maximum(a, b) >= _TELLING)


def _means(a: Overlaps, b: Overlaps) -> tuple[float, float]:
    telling = _telling(a, b)
    return (float(a[telling].mean()), float(b[telling].mean())) if telling.any() else (0.0, 0.0)


def _is_better(a: Overlaps, b: Overlaps, is_fine: bool = False) -> bool:
    """Whether the overlaps `b` are clearly larger than `a`, detection by detection."""
    telling = _telling(a, b)
    if not telling.any() or b[telling].mean() < _GOOD:
        return False
    if is_fine and (1 - b[telling]).mean() > (1 - a[telling]).mean() / 2:
        return False
    return _is_clear((b - a)[telling])


def _is_clear(gain: Overlaps) -> bool:
    """Whether a gain is none of chance: far from 0 for its spread, or by much for nearly all."""
    if (gain > -_NOISE).mean() >= _MOST and gain.mean() > _FAR_BETTER:
        return True
    return bool(gain.mean() > _SURE * np.sqrt((gain.var() + _NOISE**2) / len(gain)))


def _is_alike(a: Overlaps, b: Overlaps) -> bool:
    """Whether `a` isn't clearly better than `b`, though they differ where it tells."""
    differ = np.abs(a - b)[_telling(a, b)]
    return bool(differ.max(initial=0) > _SAME) and not _is_clear((a - b)[_telling(a, b)])


def _is_chance(taken: Overlaps, scrambled: Overlaps) -> bool:
    """Whether overlaps are poor, and not clearly better than those of a way that can't be right."""
    telling = _telling(taken, scrambled)
    gain = (taken - scrambled)[telling]
    if len(taken) < _FEW or not len(gain) or taken[telling].mean() >= _GOOD or np.abs(gain).max() <= _SAME:
        return False
    return not _is_clear(gain)


def _chance(of: Ways[Any]) -> str:
    scrambled = "" if of.scrambled is None else of.scrambled.option
    return (
        f"read so: {of.taken.said.value}, the detections overlap objects no better than if the frames were in another "
        f"order, so these seem to be other frames. Say which: {scrambled}; or as it was read: {of.taken.option}"
    )


def _unsupported(ways: Sequence[Ways[Any]]) -> str:
    against = "; ".join(of.against for of in ways)
    read = "; ".join(of.taken.said.value for of in ways)
    typed = " ".join(of.taken.option for of in ways)
    alone = "no detection overlaps an object of its class"
    return f"{against}. Read so: {read}, {alone}. If that is right all the same: {typed}"


def _asking(
    place: str, here: Sequence[Way[Any]], other: Sequence[Way[Any]], means: tuple[float, float], verdict: str
) -> str:
    pairs = [(a, b) for a, b in zip(here, other, strict=True) if a is not b]
    read, instead = "; ".join(a.said.value for a, _ in pairs), "; ".join(b.said.value for _, b in pairs)
    typed = " ".join(b.option for _, b in pairs if b.option)
    kept = " ".join(b.unless or a.option for a, b in pairs if b.unless or a.option)
    return (
        f"{place}: how it is meant isn't sure. Read so: {read}, the detections overlap objects of their class by "
        f"{means[0]:.0%} on average; read so: {instead}, by {means[1]:.0%}, {verdict}. Say which is right: {typed}, or "
        f"as it was read first: {kept}"
    )
