"""Which frames an epoch shows, how often, and in which order.

The frames that may be drawn are dealt into strata: one for each index, or, with class balance, one for each index and
class. An epoch takes a fixed number of samples, the quota, from each stratum, and goes through its frames in a random
order: each once before any twice, on from one epoch to the next. So shares and balance hold exactly in every epoch, not
only on average.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import floor, isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vidkit.data.frame_lists import sampled_ranks
from vidkit.data.index import Index
from vidkit.errors import ChoiceError
from vidkit.sampling.randomness import SLOTS, STRATA, permutation

EVERY_CLASS = -1


@dataclass(frozen=True)
class Epochs:
    """What an epoch is made of. Raises ValueError for an option outside its range."""

    per_video: int | None = None
    """Only the frames at the centres of so many equal parts of each video, as in the published 15-frame list."""
    labelled: bool = True
    """Only frames with a box, as the field's training code does."""
    shares: tuple[float, ...] | None = None
    """How much of an epoch comes from each index, as in (1, 1) for VID and DET half and half; None: as they are."""
    class_balance: float = 0.0
    """0 takes frames as they are. Above it every class gets a number of samples in proportion to (frames that show
    it) ** (1 - class_balance): 1 gives all the same, 0.5 follows the square root."""
    shuffle: bool = True
    """False: in the order of the indices."""
    size: int | None = None
    """The number of samples in an epoch; None: as many as there are frames to draw."""

    def __post_init__(self) -> None:
        if self.per_video is not None and self.per_video < 1:
            raise ValueError(f"{self.per_video} frames a video: wanted 1 or more")
        if not 0 <= self.class_balance <= 1:
            raise ValueError(f"class balance {self.class_balance}: wanted 0 (as in the data) … 1 (all classes equal)")
        if self.class_balance > 0 and not self.labelled:
            raise ValueError("class balance needs frames with boxes: frames without any belong to no class")
        if self.size is not None and self.size < 1:
            raise ValueError(f"an epoch has 1 sample or more, not {self.size}")
        if self.shares is not None and not (
            all(isfinite(s) and s >= 0 for s in self.shares) and any(s > 0 for s in self.shares)
        ):
            raise ValueError(f"shares {self.shares}: wanted finite numbers, none below 0, not all 0")


WHOLE = Epochs()
"""Every frame with a box once an epoch, in random order."""


@dataclass(frozen=True, eq=False)
class CandidateFrames:
    """The M frames that may be the current frame of a sample, index by index, in the order of the indices' rows.

    Rows count within their index. A frame's video is the rows `first … last` of frames.
    """

    source: NDArray[np.int64]  # (M,) which index
    video: NDArray[np.int64]  # (M,) row of the video
    frame: NDArray[np.int64]  # (M,) row of the frame
    first: NDArray[np.int64]  # (M,) row of the video's first frame
    last: NDArray[np.int64]  # (M,) row of the video's last frame
    aspect: NDArray[np.float64]  # (M,) width / height; nan if not known

    def __len__(self) -> int:
        return len(self.frame)


@dataclass(frozen=True, eq=False)
class Stratum:
    """A part of the candidates from which each epoch takes `quota` samples."""

    source: int
    class_id: int  # EVERY_CLASS where the stratum holds frames of all classes
    rows: NDArray[np.int64]  # rows of the candidates
    quota: int


def candidates(indices: Sequence[Index], options: Epochs) -> CandidateFrames:
    """The frames that may be drawn.

    Raises ChoiceError where an index has nothing to offer, or where the indices have different classes, and ValueError
    where there is no index.
    """
    if not indices:
        raise ValueError("no index to sample from")
    check_same_classes(indices)
    parts = [_candidates_of(index, source, options) for source, index in enumerate(indices)]
    for index, part in zip(indices, parts, strict=True):
        if not len(part):
            raise ChoiceError(
                f"index {index.dataset} {index.split}: nothing to sample: {index.n_frames} frames"
                + (", none of those chosen has a box" if options.labelled and index.n_frames else "")
            )
    names = CandidateFrames.__dataclass_fields__
    return CandidateFrames(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in names})


def check_same_classes(indices: Sequence[Index]) -> None:
    """Raise ChoiceError unless a class id means the same in all indices."""
    for index in indices[1:]:
        if index.classes != indices[0].classes:
            a, b = set(indices[0].class_names), set(index.class_names)
            differ = ", ".join(sorted(a ^ b)[:5]) or "their order or their WordNet ids"
            raise ChoiceError(
                f"the indices {indices[0].dataset} {indices[0].split} ({len(a)} classes) and {index.dataset} "
                f"{index.split} ({len(b)}) can't be sampled together: they differ in {differ}; "
                "prepare them with the same classes"
            )


def strata(indices: Sequence[Index], entries: CandidateFrames, options: Epochs) -> tuple[Stratum, ...]:
    """The strata; their quotas sum to the size of an epoch. A frame of several classes is in several strata.

    Raises ValueError unless there is a share for each index.
    """
    size = len(entries) if options.size is None else options.size
    weights = options.shares or np.bincount(entries.source).tolist()
    if len(weights) != len(indices):
        raise ValueError(f"{len(weights)} shares for {len(indices)} indices: wanted one for each")
    made: list[Stratum] = []
    for source, share in enumerate(apportion(size, weights)):
        rows = np.flatnonzero(entries.source == source)
        if options.class_balance == 0:
            made.append(Stratum(source, EVERY_CLASS, rows, share))
            continue
        by_class = rows_by_class(indices[source], entries, rows)
        quotas = apportion(share, np.array([len(r) for r in by_class.values()]) ** (1.0 - options.class_balance))
        made += [Stratum(source, c, r, q) for (c, r), q in zip(by_class.items(), quotas, strict=True)]
    return tuple(made)


def rows_by_class(index: Index, entries: CandidateFrames, rows: NDArray[np.int64]) -> dict[int, NDArray[np.int64]]:
    """Return, for each class that `rows` of the candidates of one index show, the rows that show it, ascending."""
    entry_of_frame = np.full(index.n_frames, -1, np.int64)
    entry_of_frame[entries.frame[rows]] = rows
    entry = entry_of_frame[index.instance_frame]  # (N,)
    chosen = entry >= 0
    pairs = np.unique(index.class_id[chosen].astype(np.int64) * len(entries) + entry[chosen])  # (class, entry), sorted
    class_id, entry = np.divmod(pairs, len(entries))
    classes, starts = np.unique(class_id, return_index=True)
    return {int(c): part for c, part in zip(classes, np.split(entry, starts[1:]), strict=True)}


def apportion(total: int, weights: Sequence[float] | NDArray[np.floating[Any] | np.integer[Any]]) -> list[int]:
    """Whole numbers in proportion to `weights` that sum to `total`, each less than 1 from its exact share.

    By largest remainder, in exact fractions; the earlier wins a tie.
    """
    parts = [Fraction(float(weight)) for weight in weights]
    whole_weight = sum(parts)
    exact = [total * part / whole_weight for part in parts]
    whole = [floor(share) for share in exact]
    by_remainder = sorted(range(len(parts)), key=lambda i: whole[i] - exact[i])
    for place in by_remainder[: total - sum(whole)]:
        whole[place] += 1
    return whole


def order(
    parts: Sequence[Stratum], seed: int, epoch: int, shuffle: bool
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The rows of the candidates in the order of one epoch, and the stratum of each, `(epoch_size,)` both.

    Without `shuffle` the strata come one after the other, each in the order of its rows.
    """
    rows = [_passes(part, seed, number, epoch, shuffle) for number, part in enumerate(parts)]
    taken = np.concatenate(rows)
    stratum = np.repeat(np.arange(len(parts)), [part.quota for part in parts])
    if not shuffle:
        return taken, stratum
    slots = permutation(seed, SLOTS, epoch, 0, len(taken))
    return taken[slots], stratum[slots]


def _passes(part: Stratum, seed: int, number: int, epoch: int, shuffle: bool) -> NDArray[np.int64]:
    """The `quota` rows of an epoch: the next ones of endless passes over the stratum, each pass shuffled."""
    n = len(part.rows)
    first, skipped = divmod(epoch * part.quota, n)
    place = np.arange(skipped, skipped + part.quota)
    if not shuffle:
        return np.asarray(part.rows[place % n])
    passes = range(first, first + -(-(skipped + part.quota) // n))
    orders = [permutation(seed, STRATA, once, number, n) for once in passes]
    return np.asarray(part.rows[np.concatenate([*orders, np.zeros(0, np.int64)])[place]])


def _candidates_of(index: Index, source: int, options: Epochs) -> CandidateFrames:
    frames = np.arange(index.n_frames, dtype=np.int64)
    if index.annotated is not None:
        frames = frames[index.annotated]
    if options.per_video is not None:
        starts = np.searchsorted(frames, index.frame_start)
        chosen = [
            frames[start + np.array(sampled_ranks(int(n), options.per_video), np.int64)]
            for start, n in zip(starts[:-1], np.diff(starts), strict=True)
        ]
        frames = np.concatenate([*chosen, np.zeros(0, np.int64)])
    if options.labelled:
        frames = frames[np.diff(index.instance_start)[frames] > 0]
    video = index.frame_video[frames].astype(np.int64)
    width, height = index.video_size[video].T.astype(np.float64)
    known = (width > 0) & (height > 0)
    return CandidateFrames(
        source=np.full(len(frames), source, np.int64),
        video=video,
        frame=frames,
        first=index.frame_start[video],
        last=index.frame_start[video + 1] - 1,
        aspect=np.divide(width, height, out=np.full(len(frames), np.nan), where=known),
    )
