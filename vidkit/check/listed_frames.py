"""Frame lists, held against the tree that they are meant for."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path, PurePosixPath

from vidkit.check.findings import Findings
from vidkit.check.known_counts import KnownList
from vidkit.data.annotation import read_bytes
from vidkit.errors import AnnotationError

MAX_BYTES = 1 << 29  # a list of every training frame has some 80 MB
FRAME_LISTS_OF_WHOLE_SPLITS = {
    "VID_train_15frames.txt": "train",
    "VID_val_videos.txt": "val",
    "VID_val_frames.txt": "val",
}
_YEAR = re.compile(r"ILSVRC20\d\d")


@dataclass(frozen=True)
class Contents:
    """What a tree holds: snippets by path ("val/NAME") with their length, still images by path, splits that exist.

    A length is the number of the last frame, plus one; None where the snippet's faults are told elsewhere.
    """

    lengths: Mapping[str, int | None]
    stills: Set[str]


@dataclass(frozen=True)
class _ListRow:
    line: int
    path: str
    numbers: tuple[int, ...]


def check_list(path: Path, place: str, tree: Contents, known: KnownList | None, findings: Findings) -> str:
    """Add the faults of the list at `path`, called `place`; return a note about it, "" where there is none.

    The rows may be those of any list in use: (snippet, 1, frame, length), (snippet, first frame's global number, 0,
    length), (frame, number) or (image, 1), with or without the split before the path.
    """
    broken = findings.counts["list-row"]
    rows = _rows(path, place, findings)
    is_sound = findings.counts["list-row"] == broken
    split = _split_of(path)
    distinct = _distinct(rows, place, known, findings)
    if not distinct or split == "test":
        return f"{place}: not checked" if split == "test" else ""
    resolved = _resolve(distinct, split, tree)
    if _is_of_stills(distinct) and not tree.stills:
        return f"{place}: lists {len(distinct):,} still images, and there is no DET here: not checked"
    _check_years(distinct, resolved, place, findings)
    _check_files(distinct, resolved, tree, place, findings)
    if is_sound:  # else what a row that can't be read left out would be told a second time
        if _is_of_whole_videos(distinct):
            _check_first_frames(distinct, place, findings)
        _check_whole(path, distinct, resolved, tree, place, findings)
    if known == KnownList(len(rows), len(distinct)) and known.rows > known.distinct:
        return f"{place}: {known.rows - known.distinct} rows come twice or more, as in the official list"
    return ""


def _rows(path: Path, place: str, findings: Findings) -> list[_ListRow]:
    """The rows that can be read."""
    try:
        text = read_bytes(path, limit=MAX_BYTES).decode("utf-8-sig")
    except AnnotationError as error:
        findings.add("unreadable", place, str(error))
        return []
    except UnicodeDecodeError as error:
        findings.add("list-row", place, f"byte {error.start}: not UTF-8 text")
        return []
    fields = [(line, row.split()) for line, row in enumerate(text.splitlines(), 1) if row.strip()]
    if not fields:
        findings.add("list-row", place, "empty: no rows")
        return []
    columns = Counter(len(row) for _, row in fields).most_common(1)[0][0]
    return [row for line, values in fields if (row := _row(f"{place}: line {line}", line, values, columns, findings))]


def _row(place: str, line: int, values: list[str], columns: int, findings: Findings) -> _ListRow | None:
    path, numbers = values[0], values[1:]
    if len(values) != columns or columns not in (1, 2, 4):
        findings.add(
            "list-row", place, f"{len(values)} columns, wanted {columns if columns in (1, 2, 4) else '2 or 4'}"
        )
    elif path.startswith("/") or ".." in path.split("/"):
        findings.add("list-row", place, f"{path[:80]!r} leads out of the tree")
    elif not all(re.fullmatch(r"-?\d{1,9}", number, re.ASCII) for number in numbers):
        findings.add("list-row", place, f"{' '.join(numbers)[:80]!r}, wanted whole numbers")
    else:
        return _ListRow(line, path, tuple(map(int, numbers)))
    return None


def _split_of(path: Path) -> str:
    """The split that the name of a list tells: "val" of val.txt, "train" of train_17.txt."""
    found = re.search(r"(?:^|_)(train|val|test)(?:_|\.|$)", path.name)
    return found[1] if found else ""


def _distinct(rows: list[_ListRow], place: str, known: KnownList | None, findings: Findings) -> list[_ListRow]:
    """The first of rows that are the same; the others are findings unless the official list has them too."""
    seen: dict[tuple[str, tuple[int, ...]], int] = {}
    first: list[tuple[_ListRow, int]] = []
    repeated: list[tuple[_ListRow, int]] = []
    for row in rows:
        line = seen.setdefault((row.path, row.numbers), row.line)
        (first if line == row.line else repeated).append((row, line))
    if known != KnownList(len(rows), len(first)):
        for row, line in repeated:
            findings.add("list-duplicate-row", f"{place}: line {row.line}", f"{row.path!r} as in line {line}")
    return [row for row, _ in first]


# -- what a row names --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Named:
    """What the path of a row stands for: a snippet, perhaps one frame of it, or a still image; with the path meant."""

    path: str = ""  # "" if there is nothing like it
    frame: int | None = None
    is_still: bool = False
    other_year: bool = False


def _resolve(rows: list[_ListRow], split: str, tree: Contents) -> dict[str, _Named]:
    years = {year for path in tree.lengths for year in _YEAR.findall(path)}
    return {path: _named(path, split, tree, years) for path in {row.path for row in rows}}


def _named(path: str, split: str, tree: Contents, years: Set[str]) -> _Named:
    for prefix in ("", f"{split}/") if split else ("",):
        found = _exact(prefix + path, tree)
        if found.path:
            return found
        for year in years:
            found = _exact(_YEAR.sub(year, prefix + path), tree)
            if found.path:
                return _Named(found.path, found.frame, found.is_still, other_year=True)
    return _Named()


def _exact(path: str, tree: Contents) -> _Named:
    if path in tree.lengths:
        return _Named(path)
    if path in tree.stills:
        return _Named(path, is_still=True)
    folder, _, frame = path.rpartition("/")
    return _Named(folder, int(frame)) if folder in tree.lengths and frame.isdecimal() and frame.isascii() else _Named()


def _is_of_stills(rows: list[_ListRow]) -> bool:
    """Whether most rows name images of DET, whose files are called after their year and number."""
    names = [PurePosixPath(row.path).name for row in rows]
    return sum(bool(re.match(r"(ILSVRC20\d\d_(train|val)_\d{8}|n\d{8}_\d+)$", name)) for name in names) * 2 > len(
        rows
    ) and all(len(row.numbers) < 2 for row in rows)


def _is_of_whole_videos(rows: list[_ListRow]) -> bool:
    """Whether the rows are (snippet, global number of its first frame, 0, length), one a snippet."""
    whole = all(len(row.numbers) == 3 and row.numbers[1] == 0 for row in rows)
    return whole and len({row.path for row in rows}) == len(rows)


def _check_years(rows: list[_ListRow], resolved: Mapping[str, _Named], place: str, findings: Findings) -> None:
    wrong = [row for row in rows if resolved[row.path].other_year]
    if wrong:
        row = wrong[0]
        findings.add(
            "list-wrong-year",
            f"{place}: line {row.line}",
            f"{len(wrong)} of {len(rows)} rows name another year: {row.path!r}, there is {resolved[row.path].path!r}",
        )


def _check_files(
    rows: list[_ListRow], resolved: Mapping[str, _Named], tree: Contents, place: str, findings: Findings
) -> None:
    """Tell of rows that name nothing, and of frames and lengths that the tree doesn't have; once for each snippet."""
    told: set[tuple[str, str]] = set()
    for row in rows:
        named = resolved[row.path]
        for kind, found in _faults_of_row(row, named, tree):
            if (kind, subject := named.path or row.path) not in told:
                told.add((kind, subject))
                findings.add(kind, f"{place}: line {row.line}", found)


def _faults_of_row(row: _ListRow, named: _Named, tree: Contents) -> Iterator[tuple[str, str]]:
    if not named.path:
        yield "list-without-files", f"{row.path!r} isn't in the tree"
        return
    length = tree.lengths.get(named.path)
    if named.is_still or length is None:
        return
    frame = row.numbers[1] if len(row.numbers) == 3 else named.frame
    if len(row.numbers) == 3 and row.numbers[2] != length:
        yield "list-length", f"{row.path!r} with {row.numbers[2]} frames, the tree has {length}"
    elif frame is not None and not 0 <= frame < length:
        yield "list-length", f"frame {frame} of {row.path!r}, the tree has {length} frames"


def _check_first_frames(rows: list[_ListRow], place: str, findings: Findings) -> None:
    expected = 1
    for row in rows:
        if row.numbers[0] != expected:
            findings.add(
                "list-first-frame",
                f"{place}: line {row.line}",
                f"first frame {row.numbers[0]}, wanted {expected}: 1 + the lengths of the rows before",
            )
            return
        expected += row.numbers[2]


def _check_whole(
    path: Path, rows: list[_ListRow], resolved: Mapping[str, _Named], tree: Contents, place: str, findings: Findings
) -> None:
    """A list of a whole split names each of its snippets, in the order of their names."""
    split = FRAME_LISTS_OF_WHOLE_SPLITS.get(path.name)
    if split is None:
        return
    listed = {named.path for named in resolved.values()}
    for video in tree.lengths:
        if video.startswith(f"{split}/") and video not in listed:
            findings.add("video-not-listed", place, f"{video!r} is in the tree and not in the list")
    for before, after in pairwise(rows):
        if before.path > after.path:
            findings.add("list-order", f"{place}: line {after.line}", f"{after.path!r} stands behind {before.path!r}")
            return
