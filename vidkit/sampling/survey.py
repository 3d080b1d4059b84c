"""What a sampler really draws: offsets, clamping at the ends of videos, shares of indices, balance of classes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vidkit.data.index import Index
from vidkit.sampling.offsets import CURRENT
from vidkit.sampling.samplers import Sampler, Samples
from vidkit.sampling.strata import EVERY_CLASS


@dataclass(frozen=True)
class RoleSurvey:
    """The offsets of one of a sample's frames, over samples of videos: in stills there is only one frame to take."""

    role: str
    declared: tuple[int, int]
    """The smallest and the largest offset that the method draws; all between are as likely."""
    drawn: dict[int, int]
    """Samples by the offset that was drawn, in rising order of all declared offsets."""
    used: dict[int, int]
    """Samples by the offset after clamping, for the same offsets and those that clamping added."""
    clamped_at_start: int
    """Samples whose offset led before the video's first frame."""
    clamped_at_end: int


@dataclass(frozen=True)
class SourceSurvey:
    """What comes from one index."""

    name: str
    frames: int
    """Frames that may be the current one."""
    frames_seen: int
    """How many of them were."""
    samples: int
    stills: int
    """Samples from videos of one frame."""


@dataclass(frozen=True)
class ClassSurvey:
    """One class, over all indices."""

    name: str
    frames: int
    """Frames with the class among those that may be the current one."""
    samples: int
    """Samples whose current frame shows it."""
    drawn_for: int
    """Samples that were drawn for its sake; 0 where classes aren't balanced."""
    boxes: int
    """Its boxes in those frames, each time it is shown."""


@dataclass(frozen=True)
class Survey:
    """Counts over whole epochs."""

    samples: int
    of_videos: int
    """Samples from videos of more than one frame."""
    all_frames_equal: int
    """How many of those give the same frame in all roles, so that nothing can be learned from motion."""
    roles: tuple[RoleSurvey, ...]
    sources: tuple[SourceSurvey, ...]
    classes: tuple[ClassSurvey, ...]


def survey(sampler: Sampler, indices: Sequence[Index], epochs: range = range(1)) -> Survey:
    """What `sampler` draws in `epochs`; `indices` are those it was made from, in the same order."""
    taken = _joined([sampler.take(epoch) for epoch in epochs])
    moving = taken.first < taken.last
    shown = [
        np.bincount(taken.current[taken.source == source], minlength=index.n_frames)
        for source, index in enumerate(indices)
    ]
    equal = (taken.frames == taken.frames[:, :1]).all(axis=1)
    return Survey(
        samples=len(taken),
        of_videos=int(moving.sum()),
        all_frames_equal=int((equal & moving).sum()),
        roles=tuple(_roles(sampler, taken, moving)),
        sources=tuple(_sources(sampler, indices, taken, moving, shown)),
        classes=tuple(_classes(sampler, indices, shown, len(epochs))),
    )


def _joined(parts: Sequence[Samples]) -> Samples:
    if not parts:
        raise ValueError("no epoch to survey")
    names = Samples.__dataclass_fields__
    return Samples(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in names})


def _roles(sampler: Sampler, taken: Samples, moving: NDArray[np.bool_]) -> Iterator[RoleSurvey]:
    for column, (role, declared) in enumerate(zip(sampler.roles, sampler.offsets.ranges, strict=True)):
        if role == CURRENT:
            continue
        wanted = (taken.current + taken.drawn[:, column])[moving]
        used = (taken.frames[:, column] - taken.current)[moving]
        yield RoleSurvey(
            role=role,
            declared=(declared[0], declared[-1]),
            drawn=_counts(taken.drawn[moving, column], declared),
            used=_counts(used, declared),
            clamped_at_start=int((wanted < taken.first[moving]).sum()),
            clamped_at_end=int((wanted > taken.last[moving]).sum()),
        )


def _counts(offsets: NDArray[np.int64], declared: range) -> dict[int, int]:
    low = min(declared[0], int(offsets.min(initial=0)))
    high = max(declared[-1], int(offsets.max(initial=declared[-1])))
    counts = np.bincount(offsets - low, minlength=high - low + 1)
    return {offset: int(n) for offset, n in zip(range(low, high + 1), counts, strict=True) if n or offset in declared}


def _sources(
    sampler: Sampler,
    indices: Sequence[Index],
    taken: Samples,
    moving: NDArray[np.bool_],
    shown: Sequence[NDArray[np.int64]],
) -> Iterator[SourceSurvey]:
    for source, index in enumerate(indices):
        here = taken.source == source
        yield SourceSurvey(
            name=f"{index.dataset} {index.split}".strip(),
            frames=int((sampler.candidates.source == source).sum()),
            frames_seen=int((shown[source] > 0).sum()),
            samples=int(here.sum()),
            stills=int((here & ~moving).sum()),
        )


def _classes(
    sampler: Sampler, indices: Sequence[Index], shown: Sequence[NDArray[np.int64]], n_epochs: int
) -> Iterator[ClassSurvey]:
    n_classes = indices[0].n_classes
    frames, samples, drawn_for, boxes = (np.zeros(n_classes, np.int64) for _ in range(4))
    for part in sampler.strata:
        if part.class_id != EVERY_CLASS:
            drawn_for[part.class_id] += n_epochs * part.quota
    for source, index in enumerate(indices):
        may_be_shown = np.zeros(index.n_frames, np.int64)
        may_be_shown[sampler.candidates.frame[sampler.candidates.source == source]] = 1
        pairs = np.unique(index.class_id.astype(np.int64) * index.n_frames + index.instance_frame)
        class_id, frame = np.divmod(pairs, max(index.n_frames, 1))
        frames += _sums(class_id, may_be_shown[frame], n_classes)
        samples += _sums(class_id, shown[source][frame], n_classes)
        boxes += _sums(index.class_id, shown[source][index.instance_frame], n_classes)
    for name, *counts in zip(indices[0].class_names, frames, samples, drawn_for, boxes, strict=True):
        yield ClassSurvey(name, *(int(n) for n in counts))


def _sums(keys: NDArray[np.integer], values: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    return np.bincount(keys, weights=values, minlength=n).astype(np.int64)
