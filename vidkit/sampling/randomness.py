"""Random words by counter: the words of one sample are computed without those of the samples before it.

Philox, keyed by the seed, turns a counter into 4 words of 64 bits. The counter is (item, 0, epoch, stream), so each
item of each epoch of each stream has 4 words of its own. Only the raw words are used: numpy keeps them the same in all
its versions, which it doesn't promise of `Generator.integers` or `Generator.permutation`.
"""

import numpy as np
from numpy.typing import NDArray

SLOTS, STRATA, OFFSETS, AUGMENTATION = range(4)
"""The streams: shuffling an epoch, going through a stratum, drawing offsets, and what a user draws for a sample."""

Words = NDArray[np.uint64]


def words(seed: int, stream: int, epoch: int, start: int, n: int) -> Words:
    """The random words of items `start … start + n - 1`, `(n, 4)`.

    Raises ValueError for a number outside 0 … 2**64 - 1.
    """
    return _philox(seed, (start, 0, epoch, stream)).random_raw(4 * n).reshape(n, 4)


def permutation(seed: int, stream: int, epoch: int, which: int, n: int) -> NDArray[np.int64]:
    """Permutation number `which` of `0 … n - 1`, `(n,)`: the ranks of n random words."""
    drawn = _philox(seed, (0, which, epoch, stream)).random_raw(n)
    return np.argsort(drawn, kind="stable")


def generator(seed: int, epoch: int, item: int) -> np.random.Generator:
    """A generator that belongs to one item of one epoch, for whatever else is random about it: a flip, a crop.

    What it draws is the same on each machine for one version of numpy.
    """
    return np.random.Generator(_philox(seed, (0, item, epoch, AUGMENTATION)))


def pick(drawn: Words, choices: range) -> NDArray[np.int64]:
    """One of the consecutive integers `choices` for each word, all equally likely to 1 in 2**32.

    Raises ValueError where there is nothing to choose from.
    """
    if not choices or choices.step != 1:
        raise ValueError(f"{choices}: wanted consecutive integers, one at least")
    scaled = (drawn >> np.uint64(32)) * np.uint64(len(choices)) >> np.uint64(32)
    return np.asarray(scaled.astype(np.int64) + choices.start)


def _philox(seed: int, counter: tuple[int, int, int, int]) -> np.random.Philox:
    for name, value in (("seed", seed), ("item", counter[0]), ("item", counter[1]), ("epoch", counter[2])):
        if not 0 <= value < 2**64:
            raise ValueError(f"{name} {value} lies outside 0 … 2**64 - 1")
    return np.random.Philox(counter=np.array(counter, np.uint64), key=np.array([seed, 0], np.uint64))
