"""MOTChallenge text: lines `frame, id, left, top, width, height, score, class, …`, one file a video."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vidkit.boxes import to_xywh
from vidkit.data.index import Index
from vidkit.errors import ChoiceError, PredictionError
from vidkit.files import writing_folder
from vidkit.predictions.formats import FileReader, PredictionFormat
from vidkit.predictions.raw import ByName, RawPredictions
from vidkit.predictions.table import Predictions
from vidkit.predictions.text import are_numbers, first_line, read_numbers
from vidkit.predictions.text_folders import text_files

NAMES = ("frame", "id", "left", "top", "width", "height", "score", "class", "visibility", "z")
NO_CLASS = -1
_HEAD = 4096


def _is_text(text: str) -> str:
    line = first_line(text)
    by, least = (",", 7) if "," in line else (None, 8)  # seven numbers with blanks are FGFA's
    cells = line.split(by)
    if not least <= len(cells) <= len(NAMES) or not are_numbers(cells):
        return ""
    return f"lines of {len(cells)} numbers with {'commas' if by else 'blanks'}"


def _is_folder(path: Path) -> str:
    files = text_files(path)
    firsts = (first_line(file.read_text(encoding="utf-8-sig", errors="replace")[:_HEAD]) for file in files)
    first = next((line for line in firsts if line), "")
    return "a folder of text files" if files and (not first or "," in first or _is_text(first)) else ""


def read_text(path: Path, video: str | None) -> RawPredictions:
    """The detections of a MOT file, or of the `.txt` files in a folder, each called by its video.

    Frames are counted from 1, and so are pixels: the first pixel of a frame is (1, 1).
    """
    files = text_files(path) if path.is_dir() else [path]
    tables = [_table(file) for file in files]
    entries: list[tuple[str, int]] = []
    entry = []
    for file, table in zip(files, tables, strict=True):
        numbers, of = np.unique(table["frame"].astype(np.int64), return_inverse=True)
        entry.append(of + len(entries))
        entries.extend((video or file.stem, number) for number in numbers.tolist())
    joined = {name: np.concatenate([table[name] for table in tables]) for name in NAMES[:8]}
    box = np.column_stack([joined[name] for name in ("left", "top", "width", "height")])
    label = joined["class"].astype(np.int64)
    known = not len(label) or bool((label != NO_CLASS).any())
    return RawPredictions(
        frame=ByName(
            np.concatenate(entry).astype(np.int64),
            tuple(name for name, _ in entries),
            np.array([number for _, number in entries], np.int64),
            counted_from=1,
        ),
        box=box,
        score=joined["score"],
        label=label if known else np.zeros(len(label), np.int64),
        boxes="xywh",
        boxes_evidence="MOT states left, top, width, height; pixels are counted from 1",
        first_pixel=1,
        scale="pixels",
        first_label=1 if known else 0,
        n_labels=None if known else 1,
        classes_evidence="" if known else "the file has no classes",
    )


def _table(path: Path) -> dict[str, NDArray[Any]]:
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        first = next((line for line in file if line.strip()), "")
    separator = "," if "," in first else r"\s+"
    count = len(first.split(",") if separator == "," else first.split())
    if first and not 7 <= count <= len(NAMES):
        raise PredictionError(f"{path}: {count} columns; MOT text has 7 to 10: {', '.join(NAMES)}")
    names = NAMES[: max(count, 7)]
    table = read_numbers(path, dict.fromkeys(names, "float64"), separator)
    for name in ("frame", "class"):
        if name in table and not (np.isfinite(table[name]) & (table[name] == np.floor(table[name]))).all():
            raise PredictionError(f"{path}: a {name} that is no whole number")
    return {"class": np.full(len(table["frame"]), float(NO_CLASS)), **table}


def write_folder(path: Path, predictions: Predictions, index: Index) -> None:
    """Write a folder of MOT text, one file a video: every digit, id -1, class from 1; whole or not at all.

    Raises PredictionError where `path` is there already with other content, or two videos would get one file.
    """
    names = [name.rstrip("/").rsplit("/", 1)[-1] for name in index.video_name]
    if len(set(names)) < len(names):
        raise PredictionError(f"{path}: two videos would get one file: their names differ in their folders only")
    if wrong := next((name for name in names if "\0" in name or len(name.encode()) > 250), None):
        raise PredictionError(f"{path}: no file can be called as the video {wrong[:80]!r}")
    try:
        with writing_folder(path) as part:
            for video, name in enumerate(names):
                (part / f"{name}.txt").write_text("".join(_lines(predictions, index, video)), encoding="ascii")
    except ChoiceError:
        raise PredictionError(
            f"{path}: there already; MOT text is a folder of one file a video, give a new name"
        ) from None


def _lines(predictions: Predictions, index: Index, video: int) -> Iterator[str]:
    frames = index.frames_of(video)
    if not frames:
        return
    first = 1 if index.frame_number[frames[0]] == 0 else 0
    rows = slice(int(predictions.detection_start[frames[0]]), int(predictions.detection_start[frames[-1] + 1]))
    boxes = to_xywh(predictions.box[rows].astype(np.float64))
    boxes[:, :2] += 1
    numbers = index.frame_number[predictions.detection_frame[rows]] + first
    scores, labels = predictions.score[rows].astype(np.float64), predictions.class_id[rows] + 1
    for number, box, score, label in zip(
        numbers.tolist(), boxes.tolist(), scores.tolist(), labels.tolist(), strict=True
    ):
        yield f"{number},-1,{','.join(map(repr, box))},{score!r},{label},-1,-1\n"


FORMATS = {
    "mot": PredictionFormat(
        FileReader(lambda path, options: read_text(path, options.video), text=_is_text, folder=_is_folder),
        write_folder,
        options=("video",),
    )
}
