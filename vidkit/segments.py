"""Segments: how a video is cut into runs of l frames with a keyframe each."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Segment:
    """Frames `start … stop - 1` of a video, counted from its first, and the keyframe `key` among them."""

    start: int
    stop: int
    key: int

    def __len__(self) -> int:
        return self.stop - self.start


def segments(n_frames: int, length: int = 10, key_id: int | None = None) -> Iterator[Segment]:
    """Yield the segments `S_k = {I_kl … I_(k+1)l-1}` of a video, in order (Impression Network, Alg. 1).

    `key_id` is the place of the keyframe within its segment, 0 … length - 1; the default is the central frame
    `floor(length / 2)`. The last segment may be shorter: its keyframe is then `min(kl + key_id, last frame)`.

    >>> list(segments(13, length=10))
    [Segment(start=0, stop=10, key=5), Segment(start=10, stop=13, key=12)]

    Raises ValueError for a negative number of frames, a length below 1 or a `key_id` outside the segment.
    """
    key_id = check_key_id(length, key_id)
    if n_frames < 0:
        raise ValueError(f"a video has 0 frames or more, not {n_frames}")
    for start in range(0, n_frames, length):
        stop = min(start + length, n_frames)
        yield Segment(start, stop, min(start + key_id, stop - 1))


def check_key_id(length: int, key_id: int | None) -> int:
    """Return `key_id`, or the central one for None; ValueError where it lies outside a segment of `length` frames."""
    if length < 1:
        raise ValueError(f"a segment has 1 frame or more, not {length}")
    if key_id is None:
        return length // 2
    if not 0 <= key_id < length:
        raise ValueError(f"keyframe id {key_id} lies outside 0 … {length - 1}, a segment of {length} frames")
    return key_id


def key_of_frames(n_frames: int, length: int = 10, key_id: int | None = None) -> NDArray[np.int64]:
    """Return the keyframe of every frame of a video, `(n_frames,)`, as `segments` chooses it."""
    key_id = check_key_id(length, key_id)
    start = np.arange(n_frames, dtype=np.int64) // length * length
    return np.asarray(np.minimum(start + key_id, n_frames - 1))
