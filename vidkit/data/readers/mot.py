"""MOTChallenge sequences → records: `SEQUENCE/gt/gt.txt` and `SEQUENCE/seqinfo.ini`.

A row of gt.txt is frame, id, left, top, width, height, flag, class, visibility. Frames and pixels count from 1:
the first frame is 1 and its file 000001.jpg, the first pixel is (1, 1). vidkit counts both from 0, so 1 is taken off
the frame and off left and top; width and height are lengths and stay, so that left - 1 + width is the exclusive corner.
Rows of flag 0 and distractors are ignored regions (`mot_rows`). The ten columns of MOT15 have a point in space in the
place of class and visibility. docs/other_sources.md tells all rules.
"""

import configparser
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vidkit.classes import ObjectClass
from vidkit.data.annotation import read_bytes
from vidkit.data.index import FOLDER
from vidkit.data.readers.chosen_classes import named_classes
from vidkit.data.readers.found_boxes import Frames, video_table
from vidkit.data.readers.mot_rows import COLUMNS, WANTED, found_rows
from vidkit.data.readers.number_rows import read_rows
from vidkit.data.readers.numbered_images import MAX_FRAMES
from vidkit.data.readers.source import MAX_PIXELS, Source, check_names
from vidkit.data.records import FrameNames, LeftOut, VideoFiles, VideoTable
from vidkit.errors import AnnotationError

MOT_CLASSES = named_classes(
    (
        *("pedestrian", "person_on_vehicle", "car", "bicycle", "motorbike", "non_motorized_vehicle", "static_person"),
        *("distractor", "occluder", "occluder_on_the_ground", "occluder_full", "reflection", "crowd"),
    )
)
"""The classes 1 … 13 of MOT16, MOT17 and MOT20."""

NO_GT = "no gt/gt.txt: a sequence for testing?"
_DETECTOR = re.compile(r"(MOT17-\d+)-(DPM|FRCNN|SDP)")
_SEQINFO = "Sequence"


@dataclass(frozen=True)
class _SequenceInfo:
    length: int = 0  # 0: not told
    size: tuple[int, int] = (0, 0)
    images: str = "img1"
    suffix: str = ".jpg"


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
        deeper = sorted({p.parent.name for p in root.glob("*/*") if p.is_dir() and _is_sequence(p)})
        raise AnnotationError(
            f"{root}: no sequences with gt/gt.txt, neither itself nor in its folders"
            + (f" ({len(left_out)} without)" if left_out else "")
            + (f"; there are in {', '.join(deeper)}: give one of these folders" if deeper else "")
        )
    for sequence in chosen:
        if (sequence / "gt" / "labels.txt").exists() and tuple(classes) == MOT_CLASSES:
            raise AnnotationError(
                f"{sequence}/gt/labels.txt: this is CVAT's MOT export, with pixels from 0 and classes of its own: "
                f"vidkit prepare {root} (or --from cvat-mot)"
            )
    videos = tuple(_sequence(sequence, base, tuple(classes), first_pixel) for sequence in chosen)
    check_names(str(root), videos)
    ids = tuple(str(number) for number in range(1, len(classes) + 1))
    return Source(tuple(classes), videos, base, tuple(left_out), class_ids=ids)


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


def _sequence(folder: Path, base: Path, classes: tuple[ObjectClass, ...], first_pixel: int) -> VideoTable:
    info = _read_info(folder / "seqinfo.ini")
    rows = read_rows(folder / "gt" / "gt.txt", COLUMNS, WANTED)
    last = rows.value[:, 0].max(initial=0)
    n_frames = info.length or (int(last) if last <= MAX_FRAMES else 0)
    found = found_rows(rows, n_frames, len(classes), first_pixel, classes == MOT_CLASSES)
    return video_table(folder.resolve().name, _frames(folder, base, info, n_frames), found)


def _frames(folder: Path, base: Path, info: _SequenceInfo, n_frames: int) -> Frames:
    """The frames, and where their images are: frame 0 is the file of frame 1, so no pattern gives the name."""
    images = folder / info.images
    source = (images if base == folder else images.relative_to(base)).as_posix()
    names = tuple(f"{number:06d}{info.suffix}" for number in range(1, n_frames + 1))
    return Frames(
        number=np.arange(n_frames),
        called=FrameNames(path=tuple(f"{source}/{name}" for name in names), number=tuple(range(1, n_frames + 1))),
        files=VideoFiles(FOLDER, source, name=names) if images.is_dir() else VideoFiles(),
        size=info.size,
    )


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
