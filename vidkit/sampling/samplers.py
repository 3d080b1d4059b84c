"""Named samplers: sample number i of epoch e, for any i and e, without the samples before it.

sampler = impression_triplet([vid, det], length=10, epochs=Epochs(shares=(1, 1)), seed=0)
sampler.item(epoch=3, position=41).frames     # rows of the old key, the current frame and the new key
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from vidkit.data.index import Index
from vidkit.sampling import offsets, randomness
from vidkit.sampling.offsets import Offsets
from vidkit.sampling.strata import WHOLE, CandidateFrames, Epochs, Stratum, candidates, order, strata


@dataclass(frozen=True)
class Sample:
    """One training sample: R frames of one video, in the order of the sampler's roles. Rows count within the index."""

    source: int
    """Which of the sampler's indices."""
    video: int
    frames: tuple[int, ...]
    """Frame rows, clamped to the video. A still image, a video of one frame, gives the same row R times."""
    current: int
    """The frame row whose ground truth is the label."""
    drawn: tuple[int, ...]
    """The offsets from the current frame as they were drawn, before clamping."""
    of_class: int
    """The class that the sample was drawn for, -1 where classes aren't balanced."""


@dataclass(frozen=True, eq=False)
class Samples:
    """n consecutive samples as columns; the fields of `Sample`, with the stratum in place of the class."""

    source: NDArray[np.int64]  # (n,)
    video: NDArray[np.int64]  # (n,)
    frames: NDArray[np.int64]  # (n, R)
    current: NDArray[np.int64]  # (n,)
    drawn: NDArray[np.int64]  # (n, R)
    stratum: NDArray[np.int64]  # (n,)
    last: NDArray[np.int64]  # (n,) row of the video's last frame
    first: NDArray[np.int64]  # (n,) row of the video's first frame

    def __len__(self) -> int:
        return len(self.current)


class Sampler:
    """Samples as a pure function of (seed, epoch, position).

    Position i of epoch e is also step `e * len(sampler) + i` of one endless stream. Workers, processes and resumed runs
    only choose which steps they ask for, see `vidkit.sampling.batches`. A sampler holds a few columns, not its indices,
    and travels to worker processes cheaply.

    Raises ChoiceError where an index has nothing to sample or the indices have different classes, ValueError for a
    seed outside 0 … 2**64 - 1, or shares that don't fit the number of indices.
    """

    def __init__(self, indices: Sequence[Index], offsets: Offsets, epochs: Epochs = WHOLE, seed: int = 0) -> None:
        if not 0 <= seed < 2**64:
            raise ValueError(f"seed {seed} lies outside 0 … 2**64 - 1")
        self.offsets = offsets
        self.seed = seed
        self.shuffle = epochs.shuffle
        self.candidates: CandidateFrames = candidates(indices, epochs)
        self.strata: tuple[Stratum, ...] = strata(indices, self.candidates, epochs)
        self._size = sum(part.quota for part in self.strata)
        self._orders: dict[int, tuple[NDArray[np.int64], NDArray[np.int64]]] = {}  # of the epochs in use: see _order

    @property
    def roles(self) -> tuple[str, ...]:
        """The names of a sample's frames, such as ("old", "current", "new")."""
        return self.offsets.roles

    def __len__(self) -> int:
        """The number of samples in an epoch."""
        return self._size

    def at(self, step: int) -> Sample:
        """A sample by its step in the endless stream of epochs: what a torch Dataset asks for."""
        return self.item(*divmod(step, self._size))

    def item(self, epoch: int, position: int) -> Sample:
        """One sample. Raises ValueError for a position outside the epoch or a negative epoch."""
        taken = self.take(epoch, position, position + 1)
        part = self.strata[int(taken.stratum[0])]
        return Sample(
            source=int(taken.source[0]),
            video=int(taken.video[0]),
            frames=tuple(taken.frames[0].tolist()),
            current=int(taken.current[0]),
            drawn=tuple(taken.drawn[0].tolist()),
            of_class=part.class_id,
        )

    def epoch(self, epoch: int) -> Iterator[Sample]:
        """Yield the samples of an epoch in order."""
        return (self.item(epoch, position) for position in range(self._size))

    def take(self, epoch: int, start: int = 0, stop: int | None = None) -> Samples:
        """The samples `start … stop - 1` of an epoch, all by default, as columns."""
        stop = self._size if stop is None else stop
        if epoch < 0 or not 0 <= start <= stop <= self._size:
            raise ValueError(f"samples {start} … {stop - 1} of epoch {epoch}: an epoch has 0 … {self._size - 1}")
        rows, stratum = (column[start:stop] for column in self._order(epoch))
        drawn = self.offsets.draw(randomness.words(self.seed, randomness.OFFSETS, epoch, start, stop - start))  # (n, R)
        first, last, current = (getattr(self.candidates, name)[rows] for name in ("first", "last", "frame"))
        return Samples(
            source=self.candidates.source[rows],
            video=self.candidates.video[rows],
            frames=np.clip(current[:, None] + drawn, first[:, None], last[:, None]),  # (n, R)
            current=current,
            drawn=drawn,
            stratum=stratum,
            first=first,
            last=last,
        )

    def aspects(self, epoch: int) -> NDArray[np.float64]:
        """Width / height of each sample of an epoch, `(epoch_size,)`; nan where it isn't known."""
        return self.candidates.aspect[self._order(epoch)[0]]

    def reach(self, source: int) -> NDArray[np.int64]:
        """The rows of an index's frames that a sample may hold, ascending: what is worth keeping decoded."""
        of_index = self.candidates.source == source
        current, first, last = (getattr(self.candidates, name)[of_index] for name in ("frame", "first", "last"))
        offsets = np.unique(np.concatenate([np.asarray(each) for each in self.offsets.ranges]))
        rows = [np.unique(np.clip(current + offset, first, last)) for offset in offsets]
        return np.unique(np.concatenate(rows)).astype(np.int64)

    def generator(self, epoch: int, position: int) -> np.random.Generator:
        """The random generator that belongs to one sample, for a flip or a crop of all its frames."""
        return randomness.generator(self.seed, epoch, position)

    def _order(self, epoch: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """`strata.order` of an epoch. Two are kept, since workers that run ahead are in the next one already."""
        found = self._orders.get(epoch)
        if found is None:
            found = order(self.strata, self.seed, epoch, self.shuffle)
            if len(self._orders) > 1:
                self._orders.clear()
            self._orders[epoch] = found
        return found


def impression_triplet(indices: Sequence[Index], length: int = 10, epochs: Epochs = WHOLE, seed: int = 0) -> Sampler:
    """The sampler of Impression Network, Sec. 3.2: old key, current frame, new key; segments of `length`."""
    return Sampler(indices, offsets.impression_triplet(length), epochs, seed)


def causal(indices: Sequence[Index], length: int = 10, epochs: Epochs = WHOLE, seed: int = 0) -> Sampler:
    """The sampler of triplets without look-ahead: keys at the starts of segments of `length` frames."""
    return Sampler(indices, offsets.causal(length), epochs, seed)


def dff_pair(indices: Sequence[Index], length: int = 10, epochs: Epochs = WHOLE, seed: int = 0) -> Sampler:
    """The sampler of Deep Feature Flow: a key 0 … `length - 1` frames back, and the current frame."""
    return Sampler(indices, offsets.dff_pair(length), epochs, seed)


def fgfa(indices: Sequence[Index], radius: int = 9, epochs: Epochs = WHOLE, seed: int = 0) -> Sampler:
    """The sampler of Flow-Guided Feature Aggregation: the current frame and two others within `radius`."""
    return Sampler(indices, offsets.fgfa(radius), epochs, seed)


PUBLISHED_LIST = Epochs(per_video=15, labelled=False, shuffle=False)
"""The frames of VID_train_15frames in its order; each still image once."""


def uniform15(indices: Sequence[Index], epochs: Epochs = PUBLISHED_LIST, seed: int = 0) -> Sampler:
    """The sampler of single frames from the published 15-frame list, whatever `epochs.per_video` says.

    By default it is the list itself, in order and with frames without boxes. To train on it, give
    `Epochs()`: shuffled, frames with boxes only.
    """
    return Sampler(indices, offsets.single_frame(), replace(epochs, per_video=15), seed)


SAMPLERS: dict[str, Callable[..., Sampler]] = {
    "impression_triplet": impression_triplet,
    "causal": causal,
    "dff_pair": dff_pair,
    "fgfa": fgfa,
    "uniform15": uniform15,
}
