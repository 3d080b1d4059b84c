"""Frames of an index, decoded and resized once, in one file that any process reads by itself.

For small data that are gone through many times, and for video files, in which a single frame is slow to find.
"""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from impnet_model.data.images import resized_levels
from impnet_model.data.resize import Resize
from vidkit.data.frames import frame, frames_of
from vidkit.data.index import VIDEO, Index
from vidkit.errors import FormatError
from vidkit.files import writing
from vidkit.reading_door import reading


class FrameCache:
    """The frames of an index: `cache[row]` is a frame `(3, h, w)` uint8, resized, and its scale."""

    def __init__(self, path: Path, resize: Resize, sizes: NDArray[np.int32], starts: NDArray[np.int64]) -> None:
        self.path, self.resize, self.sizes, self.starts = path, resize, sizes, starts
        self._bytes: NDArray[np.uint8] | None = None  # opened on first use, in the process that reads

    def __len__(self) -> int:
        return len(self.sizes)

    def __getitem__(self, row: int) -> tuple[Tensor, float]:
        if self._bytes is None:
            self._bytes = np.memmap(self.path, np.uint8, "r")
        if not self.sizes[row].all():
            raise KeyError(f"frame row {row} isn't in {self.path}")
        height, width, scale = self.resize(*self.sizes[row].tolist())
        pixels = np.array(self._bytes[self.starts[row] : self.starts[row] + 3 * height * width])
        return torch.from_numpy(pixels.reshape(3, height, width)), scale

    def __getstate__(self) -> dict[str, object]:
        """Travel to a worker without the open file."""
        return {**self.__dict__, "_bytes": None}


Rows = NDArray[np.int64]


def cached_frames(
    index: Index, resize: Resize, folder: Path, root: Path | None = None, rows: Rows | None = None
) -> FrameCache:
    """The cache of an index in `folder`, made now where it isn't there yet; it appears whole or not at all.

    rows: the frame rows that are wanted, ascending; None for all. A cache is found again by the index's content, the
    places of its frames, the size rule and the rows. Raises FrameError for a frame that can't be read, FormatError for
    a cache that was cut off.
    """
    wanted = np.ones(index.n_frames, bool) if rows is None else np.isin(np.arange(index.n_frames), rows)
    stem = folder / f"frames-{_key(index, resize, root, wanted)}"
    pixels, table = stem.with_suffix(".u8"), stem.with_suffix(".npy")
    if not table.is_file():
        _make(index, resize, pixels, table, root, wanted)
    with reading(table, FormatError, "a table of frame sizes: delete it"):
        sizes = np.load(table, allow_pickle=False).astype(np.int32).reshape(-1, 2)
    lengths = [3 * int(np.prod(resize(*size)[:2])) if all(size) else 0 for size in sizes.tolist()]
    starts = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
    found = pixels.stat().st_size if pixels.is_file() else 0
    if len(sizes) != index.n_frames or found != starts[-1]:
        raise FormatError(f"{pixels}: {found} bytes, wanted {starts[-1]}; delete it and {table.name}")
    return FrameCache(pixels, resize, sizes, starts)


def _make(
    index: Index, resize: Resize, pixels: Path, table: Path, root: Path | None, wanted: NDArray[np.bool_]
) -> None:
    sizes = np.zeros((index.n_frames, 2), np.int32)
    with writing(pixels) as part, part.open("wb") as file:
        for video in range(index.n_videos):
            for row, picture in _pictures(index, video, root, wanted):
                sizes[row] = picture.shape[:2]
                file.write(resized_levels(picture, resize)[0].numpy().tobytes())
        file.flush()
    with writing(table) as part, part.open("wb") as file:  # last: it says that the pixels are complete
        np.save(file, sizes)


def _pictures(
    index: Index, video: int, root: Path | None, wanted: NDArray[np.bool_]
) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """Yield the wanted frames of a video with their rows. Of a film all up to the last one have to be decoded."""
    rows = [row for row in index.frames_of(video) if wanted[row]]
    if not rows:
        return
    if index.files is None or index.files.kind[video] == VIDEO:
        last = rows[-1]
        for row, picture in zip(index.frames_of(video), frames_of(index, video, root), strict=False):
            if wanted[row]:
                yield row, picture
            if row == last:
                return
    else:
        yield from ((row, frame(index, row, root)) for row in rows)


def _key(index: Index, resize: Resize, root: Path | None, wanted: NDArray[np.bool_]) -> str:
    files = index.files
    places = [] if files is None else [files.root if root is None else os.fspath(root), *files.kind, *files.source]
    some = [] if wanted.all() else [np.packbits(wanted).tobytes().hex()]
    said = "\n".join([index.fingerprint, f"{resize.shorter}x{resize.longer}", *places, *some])
    return hashlib.blake2b(said.encode(), digest_size=8).hexdigest()
