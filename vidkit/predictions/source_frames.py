"""Frames of the index found by the texts that files call them: image ids, paths, file names, stems."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vidkit.data.frame_names import number_at_end
from vidkit.data.index import IMAGE, VIDEO, Index

_SUFFIX = re.compile(r"\.(jpe?g|png|bmp|webp|tiff?|ppm)$", re.IGNORECASE)
_VIDEO_AND_NUMBER = re.compile(r"(.+?)[_-]?(?:frame)?[_-]?0*([0-9]{1,9})$")
_SEVERAL = -2
"""In the place of a row: several frames are called so."""


@dataclass(frozen=True, eq=False)
class TextJoin:
    """`row (E,)` is the frame of each text, -1 where none or several are called so; by what they were found."""

    row: NDArray[np.int64]
    by: str
    n_ambiguous: int = 0


def paths_of(index: Index) -> list[str]:
    """The path of each frame's file as the source writes it, else as the index finds it; "" where neither is known."""
    if index.called.frame_path is not None:
        return [path.decode("utf-8", "replace") for path in index.called.frame_path.tolist()]
    if index.files is None:
        return [""] * index.n_frames
    files, paths = index.files, []
    for video in range(index.n_videos):
        rows, kind, source = index.frames_of(video), files.kind[video], files.source[video]
        pattern = files.pattern[video]
        for row in rows:
            name = files.name[row] if files.name is not None else ""
            if not name and pattern:
                name = pattern.format(int(index.frame_number[row]))
            if kind == IMAGE:
                paths.append(source)
            elif kind in ("", VIDEO) or not name:
                paths.append("")
            else:
                paths.append(name if source == "." else f"{source}/{name}")
    return paths


def named_so(index: Index) -> list[str]:
    """The path of each frame, VIDEO/NUMBER where its file isn't known."""
    videos, numbers = index.frame_video.tolist(), index.frame_number.tolist()
    return [
        path or f"{index.video_name[video]}/{number:06d}"
        for path, video, number in zip(paths_of(index), videos, numbers, strict=True)
    ]


def join_by_text(index: Index, names: Sequence[str]) -> TextJoin:
    """The frames of `names`, found in the first way of these that finds all, or in that which finds most.

    By the source's image ids; by paths that are equal, or one the other's tail, whatever their separators; by the same
    without the suffix of an image; by paths whose folders were joined to one name. Names of several frames find none.
    """
    best = TextJoin(np.full(len(names), -1, np.int64), "")
    if index.called.frame_id is not None:
        ids = _table(
            zip((id.decode("utf-8", "replace") for id in index.called.frame_id.tolist()), _count(), strict=False)
        )
        best = _better(best, _found(names, ids.get, "the image ids of the source"))
    if (best.row >= 0).all():
        return best
    paths, wanted = named_so(index), [_clean(name) for name in names]
    for how, of in (("the paths of the source", str), ("the paths of the source, without suffixes", _stem)):
        best = _better(best, _by_tail([of(_clean(path)) for path in paths], [of(name) for name in wanted], how))
        if (best.row >= 0).all():
            return best
    flat = _table(zip((_flat(path) for path in paths), _count(), strict=False))
    tail = [_flat(name.rpartition("/")[2]) for name in wanted]
    return _better(best, _found(tail, flat.get, "the paths of the source, their folders joined to one name"))


def _count() -> Iterable[int]:
    row = 0
    while True:
        yield row
        row += 1


def _clean(path: str) -> str:
    """A path with plain separators, without what stands before its root."""
    return re.sub(r"^(?:[A-Za-z]:)?(?:\./|/)+", "", path.strip().replace("\\", "/"))


def _stem(path: str) -> str:
    return _SUFFIX.sub("", path)


def _flat(path: str) -> str:
    return _stem(_clean(path)).replace("/", "_")


def _table(pairs: Iterable[tuple[str, int]]) -> dict[str, int]:
    """The rows by their names; of names that come twice none."""
    known: dict[str, int] = {}
    for name, row in pairs:
        if name:
            known[name] = row if known.get(name, row) == row else _SEVERAL
    return known


def _found(names: Sequence[str], row_of: Callable[[str, int], int], by: str) -> TextJoin:
    rows = np.array([row_of(name, -1) for name in names], np.int64)
    return TextJoin(np.maximum(rows, -1), by, int((rows == _SEVERAL).sum()))


def _better(one: TextJoin, other: TextJoin) -> TextJoin:
    """That which finds more, else the first; what it can't tell apart is kept in mind."""
    best = other if (other.row >= 0).sum() > (one.row >= 0).sum() or not one.by else one
    return TextJoin(best.row, best.by, max(one.n_ambiguous, other.n_ambiguous))


def _by_tail(paths: Sequence[str], names: Sequence[str], by: str) -> TextJoin:
    """Names that are a path, end with one, or are the end of one."""
    whole = _table(zip(paths, _count(), strict=False))
    ends = _table(
        ("/".join(parts[at:]), row)
        for row, parts in enumerate(path.split("/") for path in paths)
        for at in range(1, len(parts))
    )

    def row_of(name: str, missing: int) -> int:
        parts = name.split("/")
        for at in range(len(parts)):
            if (found := whole.get("/".join(parts[at:]), missing)) != missing:
                return found
        return ends.get(name, missing)

    return _found(names, row_of, by)


def video_and_number(name: str, videos: Sequence[str] | set[str]) -> tuple[tuple[str, ...], int] | None:
    """The names that the video of a frame may have, and the frame's number, from the frame's name; None: no number.

    A name without a folder tells no video: its name is "".

    >>> video_and_number("data/clip/img1/000012.jpg", ())
    (('data/clip/img1', 'data/clip'), 12)
    >>> video_and_number("clip_12.txt", {"clip"})
    (('clip',), 12)
    """
    folder, _, file = _clean(name).rpartition("/")
    stem = re.sub(r"\.[A-Za-z]{1,4}[0-9]?$", "", file)
    number = number_at_end(stem)
    if number is None:
        return None
    joined = _VIDEO_AND_NUMBER.fullmatch(stem)
    if joined and joined[1] in videos:
        return (joined[1],), int(joined[2])
    return (folder, folder.rpartition("/")[0]) if "/" in folder else (folder,), number
