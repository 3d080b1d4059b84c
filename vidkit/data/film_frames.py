"""The frames of a film with what its coding says of motion: a flow that was paid for when the film was made."""

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Kind = Literal["I", "P", "B", ""]
"""Coded by itself, from frames before it, from frames before and after it; "" where the film doesn't tell."""
_KINDS: dict[int, Kind] = {1: "I", 2: "P", 3: "B"}  # FFmpeg's numbers


class FilmFrame(np.ndarray[tuple[int, ...], np.dtype[np.uint8]]):
    """A frame `(H, W, 3)` uint8 RGB like any other, with `kind` and `vectors`; what is made of it has none of its own.

    An array of its own kind, so that whoever wants pixels alone needs to know nothing of it.
    """

    kind: Kind
    vectors: NDArray[Any] | None
    """FFmpeg's motion vectors, one for each block and direction: `source` (negative: into a frame before, positive:
    after), `w` and `h` of the block and its centre `dst_x`, `dst_y` in pixels; from there the way in pixels is
    `motion_x / motion_scale`, `motion_y / motion_scale`. None where there are none: in frames of kind I."""

    def __array_finalize__(self, made_from: Any) -> None:
        """Give every array that is made of another one no motion."""
        self.kind, self.vectors = "", None


def film_frame(picture: Any) -> FilmFrame:
    """The frame of a decoded picture (PyAV's VideoFrame) of a stream that `with_vectors` was called for."""
    frame = np.asarray(picture.to_ndarray(format="rgb24"), np.uint8).view(FilmFrame)
    found = picture.side_data.get("MOTION_VECTORS")
    frame.kind = _KINDS.get(int(picture.pict_type), "")
    frame.vectors = None if found is None else found.to_ndarray()
    return frame


def with_vectors(stream: Any) -> None:
    """Let the decoder of a video stream (PyAV) keep the motion vectors, at next to no cost; before it decodes."""
    from av.codec.context import Flags2

    stream.codec_context.flags2 |= Flags2.export_mvs
