"""KITTI's text with scores: DeepStream's and KITTI's detections, a file a frame; KITTI tracking's, a file a video.

A line is type, truncated, occluded, alpha, left, top, right, bottom, seven numbers in space, score; DeepStream's
tracker puts the track after the type, KITTI tracking frame and track before it. Frames and pixels count from 0; right -
left is the width, as in KITTI's own evaluation.
"""

from pathlib import Path

import numpy as np

from vidkit.errors import PredictionError
from vidkit.predictions.formats import FileReader, PredictionFormat
from vidkit.predictions.json_results import labels_and_names
from vidkit.predictions.raw import ByName, ByText, FrameKeys, RawPredictions
from vidkit.predictions.text import are_numbers, first_line
from vidkit.predictions.text_folders import first_words, floats, frame_name, rows_of, text_files

_OF_FRAME, _WITH_TRACK, _OF_VIDEO = 16, 17, 18  # columns of a line, with the score
_TYPE = {_OF_FRAME: 0, _WITH_TRACK: 0, _OF_VIDEO: 2}  # where the type stands
_DONT_CARE = "DontCare"


def _looks_at(words: list[str]) -> str:
    for columns, first in _TYPE.items():
        numbers = words[:first] + words[first + 1 :]
        if len(words) in (columns - 1, columns) and not are_numbers([words[first]]) and are_numbers(numbers):
            return f"lines of {len(words)} words with a type"
    return ""


def read(path: Path, video: str | None) -> RawPredictions:
    """The detections of a folder, or of one file of a video. Raises PredictionError for lines without a score."""
    files = text_files(path) if path.is_dir() else [path]
    types, rows, keys = [], [], []
    columns = 0
    for file in files:
        for number, words in rows_of(file):
            columns = columns or len(words)
            at = _TYPE.get(columns, 0)
            if len(words) != columns or columns not in _TYPE or are_numbers([words[at]]):
                raise PredictionError(f"{file}: line {number}: {_wrong(len(words), columns)}")
            box = columns - _OF_FRAME + 4
            types.append(words[at])
            rows.append(floats([*words[box : box + 4], words[-1], words[0] if at else "0"], file, number))
            keys.append(file)
    kept = [k for k, word in enumerate(types) if word != _DONT_CARE]
    table = np.array([rows[k] for k in kept], np.float64).reshape(-1, 6)
    label, names = labels_and_names([types[k] for k in kept])
    of = [keys[k] for k in kept]
    frame = _videos(of, table[:, 5], video) if columns == _OF_VIDEO else _frames(files, of, path)
    return RawPredictions(
        frame=frame,
        box=table[:, :4],
        score=table[:, 4],
        label=label,
        boxes="exclusive",
        boxes_evidence="KITTI's left, top, right, bottom",
        scale="pixels",
        label_names=names,
    )


def _wrong(n: int, columns: int) -> str:
    if n == columns and n in (_OF_FRAME - 1, _OF_VIDEO - 1):
        return f"{n} columns, without the score at the end; ground truth in this form is read by `vidkit prepare`"
    return f"{n} columns, wanted {columns if columns in _TYPE and columns != n else '16, 17 or 18 with a type'}"


def _frames(files: list[Path], of: list[Path], path: Path) -> ByText:
    if not path.is_dir():
        return ByText(np.zeros(len(of), np.int64), (path.stem,))
    place = {file: k for k, file in enumerate(files)}
    return ByText(np.array([place[file] for file in of], np.int64), tuple(frame_name(file, path) for file in files))


def _videos(of: list[Path], number: np.ndarray, video: str | None) -> FrameKeys:
    keys = list(zip((video or file.stem for file in of), number.astype(np.int64).tolist(), strict=True))
    known = {key: k for k, key in enumerate(dict.fromkeys(keys))}
    return ByName(
        np.array([known[key] for key in keys], np.int64),
        tuple(name for name, _ in known),
        np.array([n for _, n in known], np.int64),
    )


FORMATS = {
    "kitti": PredictionFormat(
        FileReader(
            lambda path, options: read(path, options.video),
            text=lambda text: _looks_at(first_line(text).split()),
            folder=lambda path: _looks_at(first_words(path)),
        ),
        options=("video",),
    )
}
