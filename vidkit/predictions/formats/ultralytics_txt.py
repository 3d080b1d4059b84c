"""ultralytics' text: a folder with a file for each frame, lines `class cx cy w h score`, in shares of the frame."""

from pathlib import Path

import numpy as np

from vidkit.errors import PredictionError
from vidkit.predictions.formats import FileReader, PredictionFormat
from vidkit.predictions.raw import ByText, RawPredictions
from vidkit.predictions.text import are_numbers
from vidkit.predictions.text_folders import first_words, floats, frame_name, rows_of, text_files

_COLUMNS = "class cx cy width height score, or a track number after them"


def _looks(path: Path) -> str:
    words = first_words(path)
    if not 5 <= len(words) <= 7 or not are_numbers(words) or not words[0].isdecimal():
        return ""
    return "a folder of lines of a class and shares of the frame" if max(map(float, words[1:5])) <= 2 else ""


def read_folder(path: Path) -> RawPredictions:
    """The detections of a folder, also below `labels`; a file is called as its frame, or VIDEO_NUMBER from 1."""
    files, rows, entry = text_files(path), [], []
    for k, file in enumerate(files):
        for number, words in rows_of(file):
            if len(words) == 5:
                raise PredictionError(
                    f"{file}: line {number}: 5 numbers, without a score: write them with save_conf=True; ground truth "
                    "in this form is read by `vidkit prepare`"
                )
            if len(words) > 7:
                raise PredictionError(f"{file}: line {number}: {len(words)} numbers (a mask?), wanted {_COLUMNS}")
            rows.append(floats(words[:6], file, number))
            entry.append(k)
    table = np.array(rows, np.float64).reshape(-1, 6)
    sides = table[:, 3:5]
    return RawPredictions(
        frame=ByText(np.array(entry, np.int64), tuple(frame_name(file, path) for file in files), counted_from=1),
        box=np.column_stack([table[:, 1:3] - sides / 2, sides]),
        score=table[:, 5],
        label=table[:, 0],
        boxes="xywh",
        boxes_evidence="ultralytics writes the centre, width and height",
        scale="normalised",
        scale_evidence="in shares of the frame's sides",
        first_label=0,
    )


FORMATS = {"ultralytics-txt": PredictionFormat(FileReader(lambda path, _: read_folder(path), folder=_looks))}
