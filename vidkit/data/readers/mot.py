"""MOTChallenge sequences → records: `SEQUENCE/gt/gt.txt` and `SEQUENCE/seqinfo.ini`.

A row of gt.txt is frame, id, left, top, width, height, confidence, class, visibility. Frames and pixels count from 1:
the first frame is 1 and its file 000001.jpg, the first pixel is (1, 1). vidkit counts both from 0, so 1 is taken off
the frame and off left and top; width and height are lengths and stay, so that left - 1 + width is the exclusive corner.
Rows of confidence 0 are those that MOT's evaluation passes over; they are left out and counted. The ten columns of
MOT15 have a point in space in the place of class and visibility. docs/other_sources.md tells all rules.
"""

import configparser
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vidkit.boxes import from_xywh
from vidkit.classes import ObjectClass
from vidkit.data.annotation import read_bytes
from vidkit.data.index import FOLDER
from vidkit.data.readers.source import MAX_PIXELS, Source, check_names
from vidkit.data.records import LeftOut, VideoFiles, VideoTable
from vidkit.errors import AnnotationError

MOT_CLASSES = tuple(
    ObjectClass(name, name)
    for name in (
        *("pedestrian", "person_on_vehicle", "car", "bicycle", "motorbike", "non_motorized_vehicle", "static_person"),
        *("distractor", "occluder", "occluder_on_the_ground", "occluder_full", "reflection", "crowd"),
    )
)
"""The classes 1 … 13 of MOT16, MOT17 and MOT20."""

IGNORED, NO_AREA = "boxes to be ignored (confidence 0), left out", "boxes without area, left out"
NO_GT = "no gt/gt.txt: a sequence for testing?"
MAX_BYTES, MAX_FRAMES = 1 << 28, 1_000_000
_DETECTOR = re.compile(r"(MOT17-\d+)-(DPM|FRCNN|SDP)")
_SEQINFO = "Sequence"


@dataclass(frozen=True)
class _SequenceInfo:
    length: int = 0  # 0: not told
    size: tuple[int, int] = (0, 0)
    images: str = "img1"
    suffix: str = ".jpg"


@dataclass(frozen=True)
class _GtRow:
    line: int
    frame: int  # from 0
    track: int
    xywh: tuple[float, float, float, float]  # from 0
    class_id: int
    visibility: float | None


def read_mot(root: Path, classes: Sequence[ObjectClass] = MOT_CLASSES, first_pixel: int = 1) -> Source:
    """The sequences at `root`, which is one sequence or a folder of them, by name.

    Class k of a row is the k-th of `classes`. `first_pixel` is 0 for data that count pixels from 0 in this form. Of the
    three copies of each sequence that MOT17 has, one for each of its public detectors, the first is taken and the
    others are told as left out, as are sequences without gt.txt. All frames up to `seqLength` are in the index,
    annotated or not. Raises AnnotationError, naming file and line, for whatever is malformed.
    """
    if not root.is_dir():
        raise AnnotationError(f"{root}: no such folder; wanted a MOTChallenge sequence, or a folder of sequences")
    sequences = [root] if _is_sequence(root) else sorted(p for p in root.iterdir() if p.is_dir() and _is_sequence(p))
    base = root.parent if sequences == [root] else root
    chosen, left_out = _chosen(sequences)
    if not chosen:
        raise AnnotationError(
            f"{root}: no sequences with gt/gt.txt, neither itself nor in its folders"
            + (f" ({len(left_out)} without)" if left_out else "")
        )
    videos = tuple(_sequence(sequence, base, len(classes), first_pixel) for sequence in chosen)
    check_names(str(root), videos)
    return Source(tuple(classes), videos, base, tuple(left_out))


def looks_like(path: Path) -> bool:
    """Whether `path` is a folder that is a sequence or holds one."""
    return path.is_dir() and any(_is_sequence(folder) for folder in (path, *path.iterdir()) if folder.is_dir())


def _is_sequence(folder: Path) -> bool:
    return (folder / "gt" / "gt.txt").exists() or (folder / "seqinfo.ini").exists()


def _chosen(sequences: Sequence[Path]) -> tuple[list[Path], list[LeftOut]]:
    taken: dict[str, Path] = {}
    left_out = []
    for sequence in sequences:
        copy = _DETECTOR.fullmatch(sequence.name)
        key = copy[1] if copy else sequence.name
        if not (sequence / "gt" / "gt.txt").exists():
            left_out.append(LeftOut(str(sequence), NO_GT))
        elif key in taken:
            left_out.append(LeftOut(str(sequence), f"the same frames and boxes as {taken[key].name}"))
        else:
            taken[key] = sequence
    return list(taken.values()), left_out


def _sequence(folder: Path, base: Path, n_classes: int, first_pixel: int) -> VideoTable:
    info = _read_info(folder / "seqinfo.ini")
    path = folder / "gt" / "gt.txt"
    noticed: Counter[str] = Counter()
    rows = _rows(path, n_classes, first_pixel, noticed)
    n_frames = info.length or 1 + max((row.frame for row in rows), default=-1)
    _check_rows(path, rows, n_frames)
    rows.sort(key=lambda row: row.frame)
    visible = {"visibility"} if any(row.visibility is not None for row in rows) else set()
    return VideoTable(
        name=folder.resolve().name,
        frame_number=np.arange(n_frames, dtype=np.int32),
        instance_count=np.bincount([row.frame for row in rows], minlength=n_frames).astype(np.int32),
        box=from_xywh(np.array([row.xywh for row in rows], np.float64).reshape(-1, 4)),
        class_id=np.array([row.class_id for row in rows], np.int16),
        track_id=np.array([row.track for row in rows], np.int32),
        occluded=np.zeros(len(rows), np.bool_),
        generated=np.zeros(len(rows), np.bool_),
        size=info.size,
        instance_attributes={
            name: np.array([np.nan if row.visibility is None else row.visibility for row in rows]) for name in visible
        },
        files=_files(folder, base, info, n_frames),
        counts=dict(+noticed),
    )


def _files(folder: Path, base: Path, info: _SequenceInfo, n_frames: int) -> VideoFiles:
    """Where the images are: frame 0 is the file of frame 1, so no pattern of the number gives the name."""
    images = folder / info.images
    if not images.is_dir():
        return VideoFiles()
    source = (images if base == folder else images.relative_to(base)).as_posix()
    return VideoFiles(FOLDER, source, name=tuple(f"{number:06d}{info.suffix}" for number in range(1, n_frames + 1)))


# -- seqinfo.ini -------------------------------------------------------------------------------------------------------


def _read_info(path: Path) -> _SequenceInfo:
    if not path.exists():
        return _SequenceInfo()
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(read_bytes(path).decode("utf-8-sig"))
        section = parser[_SEQINFO]
    except (AnnotationError, configparser.Error, UnicodeDecodeError, KeyError) as error:
        reason = f"no section [{_SEQINFO}]" if isinstance(error, KeyError) else " ".join(str(error).split())
        raise AnnotationError(f"{path}: {reason}; wanted a seqinfo.ini of MOTChallenge") from None
    images, suffix = section.get("imDir", "img1"), section.get("imExt", ".jpg")
    if not re.fullmatch(r"[\w -]{1,64}", images) or not re.fullmatch(r"\.\w{1,5}", suffix):
        raise AnnotationError(f"{path}: imDir {images[:60]!r}, imExt {suffix[:60]!r}; wanted a folder and a suffix")
    return _SequenceInfo(
        _whole(path, section, "seqLength", MAX_FRAMES),
        (_whole(path, section, "imWidth", MAX_PIXELS), _whole(path, section, "imHeight", MAX_PIXELS)),
        images,
        suffix,
    )


def _whole(path: Path, section: configparser.SectionProxy, key: str, most: int) -> int:
    text = section.get(key, "0")
    if not re.fullmatch(r"\d{1,7}", text, re.ASCII) or int(text) > most:
        raise AnnotationError(f"{path}: {key} {text[:60]!r}, wanted a whole number up to {most}")
    return int(text)


# -- gt.txt ------------------------------------------------------------------------------------------------------------


def _rows(path: Path, n_classes: int, first_pixel: int, noticed: Counter[str]) -> list[_GtRow]:
    try:
        text = read_bytes(path, limit=MAX_BYTES).decode("ascii")
    except AnnotationError as error:
        raise AnnotationError(f"{path}: {error}") from None
    except UnicodeDecodeError as error:
        raise AnnotationError(f"{path}: byte {error.start}: not text; wanted rows of numbers") from None
    rows = []
    for line, content in enumerate(text.splitlines(), start=1):
        if content.strip():
            row = _row(f"{path}: line {line}", line, content, n_classes, first_pixel, noticed)
            rows += [row] if row else []
    return rows


def _row(place: str, line: int, content: str, n_classes: int, first_pixel: int, noticed: Counter[str]) -> _GtRow | None:
    values = _numbers(place, content)
    frame, track, left, top, width, height, confidence = values[:7]
    if confidence == 0:
        noticed[IGNORED] += 1
        return None
    has_class = len(values) in (8, 9) and values[7] != -1
    class_number = values[7] if has_class else 1.0
    for name, value, low, high in (
        ("frame", frame, 1, MAX_FRAMES),
        ("id", track, -1, 2**31 - 1),
        ("class", class_number, 1, n_classes),
    ):
        if value != int(value) or not low <= value <= high:
            raise AnnotationError(f"{place}: {name} {value:g}, wanted a whole number from {low} to {high}")
    if width < 0 or height < 0 or max(abs(left), abs(top), width, height) > MAX_PIXELS:
        raise AnnotationError(f"{place}: box {left:g}, {top:g}, {width:g}, {height:g}; wanted left, top, width, height")
    if width == 0 or height == 0:
        noticed[NO_AREA] += 1
        return None
    return _GtRow(
        line,
        int(frame) - 1,
        int(track),
        (left - first_pixel, top - first_pixel, width, height),
        int(class_number) - 1,
        values[8] if len(values) == 9 and values[8] >= 0 else None,
    )


def _numbers(place: str, content: str) -> list[float]:
    texts = content.split(",") if "," in content else content.split()
    try:
        values = [float(text) for text in texts]
    except ValueError:
        raise AnnotationError(f"{place}: {content[:60]!r}; wanted numbers: frame, id, left, top, width, …") from None
    if not 7 <= len(values) <= 10:
        raise AnnotationError(f"{place}: {len(values)} columns, wanted 7 to 10: frame, id, left, top, width, height, …")
    if not all(abs(value) < 1e12 for value in values):
        raise AnnotationError(f"{place}: a number that isn't finite")
    return values


def _check_rows(path: Path, rows: Sequence[_GtRow], n_frames: int) -> None:
    seen: dict[tuple[int, int], int] = {}
    for row in rows:
        if row.frame >= n_frames:
            raise AnnotationError(
                f"{path}: line {row.line}: frame {row.frame + 1}, but seqinfo.ini tells {n_frames} frames"
            )
        before = seen.setdefault((row.frame, row.track), row.line)
        if before != row.line and row.track >= 0:
            raise AnnotationError(
                f"{path}: line {row.line}: id {row.track} is in frame {row.frame + 1} already, in line {before}"
            )
