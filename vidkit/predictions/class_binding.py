"""Which label of a prediction file is which class of the index."""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vidkit.data.index import Index
from vidkit.errors import PredictionError, did_you_mean
from vidkit.predictions.raw import RawPredictions
from vidkit.predictions.read_options import ReadOptions
from vidkit.predictions.reading_report import Understood
from vidkit.reading_door import reading

_NO_LABEL = 2**31
_SAMPLE = 200_000  # detections that are enough for a guess


@dataclass(frozen=True, eq=False)
class ClassBinding:
    """`class_id (D,)` is the row of each detection's class in the index, -1 where the index has no such class."""

    class_id: NDArray[np.int16]
    finding: Understood
    warnings: tuple[str, ...] = ()


def bind_classes(
    raw: RawPredictions, rows: NDArray[np.integer[Any]], index: Index, options: ReadOptions, place: str
) -> ClassBinding:
    """The class of each detection; `rows` are their frames.

    What the option says comes first, then the file's names, then the format's rule, then the guess from the labels and
    from how well they agree with the annotated classes of their frames.
    """
    raw = replace(raw, label=_whole(raw.label))
    if options.classes_from is not None:
        return _as_given(raw, index, options.classes_from)
    if raw.label_names:
        return _by_names(raw.label, raw.label_names, index, Understood("names in the file", "format"))
    if raw.or_scores_of == index.n_classes and options.format is None:
        raise PredictionError(
            f"{place}: three scores a detection, the third 0 or 1: could be REPP's scores of three classes, or YOLOV's "
            "objectness, score and class; say which with --format repp or --format yolov"
        )
    if raw.n_labels is not None and raw.n_labels != index.n_classes:
        way = "the class that all are of" if raw.n_labels == 1 else "a file of its class names, one a line"
        raise PredictionError(
            f"{place}: it has {raw.n_labels} classes ({raw.classes_evidence}), the index has {index.n_classes}; give "
            f"{way}: --classes-from"
        )
    if raw.first_label is not None:
        warnings = () if raw.complete is not None else _doubts(raw.label, rows, index, raw.first_label)
        finding = Understood(_counted_from(raw.first_label, index), "format", raw.classes_evidence)
        return ClassBinding(_shifted(raw.label, raw.first_label, index), finding, warnings)
    return _guessed(raw, rows, index)


def _whole(label: NDArray[Any]) -> NDArray[Any]:
    """Labels as whole numbers; what is none, in labels that are floats, becomes one that no class has."""
    if label.dtype.kind != "f":
        return label
    with np.errstate(invalid="ignore"):
        sound = (np.abs(label) < _NO_LABEL) & (label == np.floor(label))
    return np.where(sound, label, -_NO_LABEL).astype(np.int64)


def _counted_from(first: int, index: Index) -> str:
    return f"labels {first} … {first + index.n_classes - 1} are the {index.n_classes} classes of the index in order"


def _shifted(label: NDArray[Any], first: int, index: Index) -> NDArray[np.int16]:
    inside = (label >= first) & (label < index.n_classes + first)
    if first == 0 and label.dtype == np.int16 and inside.all():
        return label
    return np.where(inside, label.astype(np.int64) - first, -1).astype(np.int16)


def _guessed(raw: RawPredictions, rows: NDArray[np.integer[Any]], index: Index) -> ClassBinding:
    low, high = (int(raw.label.min()), int(raw.label.max())) if len(raw.label) else (1, 1)
    some = slice(None, None, max(len(rows) // _SAMPLE, 1))
    agree = {first: agreement(_shifted(raw.label[some], first, index), rows[some], index) for first in (0, 1)}
    if low == 0 and high < index.n_classes:
        first, why = 0, f"labels are {low} … {high}"
    elif low > 0 and high == index.n_classes:
        first, why = 1, f"labels are {low} … {high}"
    else:
        first = 0 if agree[0] > agree[1] else 1
        why = (
            f"labels are {low} … {high}; counted from 0 {agree[0]:.1%}, from 1 {agree[1]:.1%} of the detections have a "
            "class that is annotated in their frame"
        )
    return ClassBinding(_shifted(raw.label, first, index), Understood(_counted_from(first, index), "guessed", why))


def _doubts(label: NDArray[Any], rows: NDArray[np.integer[Any]], index: Index, first: int) -> tuple[str, ...]:
    """A warning if labels counted from another start agree far better with the annotations."""
    some = slice(None, None, max(len(label) // _SAMPLE, 1))
    label, rows = label[some], rows[some]
    here = agreement(_shifted(label, first, index), rows, index)
    for other in (first - 1, first + 1):
        there = agreement(_shifted(label, other, index), rows, index)
        if len(label) >= 50 and there > 2 * here + 0.1:
            return (
                f"labels counted from {first} name a class annotated in the frame for {here:.1%} of the detections, "
                f"counted from {other} for {there:.1%}: if they are off by one, give --classes-from {other}",
            )
    return ()


def agreement(class_id: NDArray[np.int16], rows: NDArray[np.integer[Any]], index: Index) -> float:
    """The share of detections whose class is annotated in their frame; 0 without detections."""
    if not len(class_id) or not index.n_classes:
        return 0.0
    annotated = np.zeros(index.n_frames * index.n_classes, bool)
    annotated[index.instance_frame.astype(np.int64) * index.n_classes + index.class_id] = True
    known = (class_id >= 0) & (rows >= 0)
    return float(annotated[rows[known] * index.n_classes + class_id[known]].sum() / len(class_id))


def _as_given(raw: RawPredictions, index: Index, said: str) -> ClassBinding:
    if said in ("0", "1"):
        if raw.label_names:
            raise PredictionError(f"--classes-from {said}: the file has class names, not numbers")
        first = int(said)
        return ClassBinding(_shifted(raw.label, first, index), Understood(_counted_from(first, index), "given"))
    if raw.n_labels == 1 and class_rows((said,), index)[0] != [-1]:
        return _by_names(raw.label, (said,), index, Understood(f"all are {said}", "given"))
    names, first = read_class_names(Path(said), 0 if raw.first_label is None else raw.first_label)
    labels = raw.label.astype(np.int64) - first
    return _by_names(labels, names, index, Understood(f"names of {said}, labels from {first}", "given"))


def _by_names(label: NDArray[Any], names: tuple[str, ...], index: Index, finding: Understood) -> ClassBinding:
    ids, unknown = class_rows(names, index)
    table = np.array([*ids, -1], np.int16)
    inside = (label >= 0) & (label < len(names))
    warnings: tuple[str, ...] = ()
    if unknown:
        hint = did_you_mean(unknown[0], list(index.class_names))
        warnings = (f"{len(unknown)} class names aren't in the index: {', '.join(unknown[:5])}{hint}",)
    return ClassBinding(table[np.where(inside, label, len(names))], finding, warnings)


def class_rows(names: tuple[str, ...], index: Index) -> tuple[list[int], list[str]]:
    """The class row for each name or wnid, -1 where there is none, and the names that are unknown."""
    known = {wnid: row for row, wnid in enumerate(c.wnid for c in index.classes)}
    known |= {name.replace(" ", "_"): row for row, name in enumerate(index.class_names)}
    known |= {name: row for row, name in enumerate(index.class_names)}
    rows = [known.get(name, known.get(name.replace(" ", "_"), -1)) for name in names]
    return rows, [name for name, row in zip(names, rows, strict=True) if row < 0 and name]


def read_class_names(path: Path, first: int) -> tuple[tuple[str, ...], int]:
    """The names of the labels from a file, and the label of the first: names, one a line, or a COCO JSON."""
    with reading(path, PredictionError, "--classes-from 0, 1, or a file of class names, one a line"):
        text = path.read_text(encoding="utf-8")
        if text.lstrip().startswith("{"):
            return _coco_categories(text, path)
    names = tuple(line.strip() for line in text.splitlines() if line.strip())
    if names and names[0] in ("__background__", "background"):
        names = names[1:]
    if not names:
        raise PredictionError(f"--classes-from {path}: no class names in it")
    return names, first


def _coco_categories(text: str, path: Path) -> tuple[tuple[str, ...], int]:
    with reading(f"--classes-from {path}", PredictionError, "a COCO JSON with categories"):
        categories = {int(c["id"]): str(c["name"]) for c in json.loads(text)["categories"]}
    if not categories or min(categories) < 0 or max(categories) > 100_000:
        raise PredictionError(f"--classes-from {path}: no usable categories")
    return tuple(categories.get(label, "") for label in range(max(categories) + 1)), 0
