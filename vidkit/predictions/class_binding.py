"""Which label of a prediction file is which class of the index."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vidkit.data.index import Index
from vidkit.errors import PredictionError, did_you_mean
from vidkit.predictions.distinct import distinct
from vidkit.predictions.raw import RawPredictions
from vidkit.predictions.read_options import ReadOptions
from vidkit.predictions.reading_report import Understood
from vidkit.predictions.readings import Way, Ways
from vidkit.reading_door import reading

_NO_LABEL = 2**31


Namer = Callable[[NDArray[Any]], NDArray[np.int16]]
"""From the labels of a file to rows of the index's classes, -1 where the index has no such class."""
ClassWay = Way[Namer]
_SOURCE = "source"


@dataclass(frozen=True, eq=False)
class ClassBinding:
    """How the labels of a file may be meant: `label (D,)` whole numbers, and the ways from them to classes."""

    label: NDArray[Any]
    ways: Ways[Namer]
    warnings: tuple[str, ...] = ()

    def class_id(self) -> NDArray[np.int16]:
        """The row of each detection's class in the index, `(D,)`, -1 where the index has no such class."""
        return self.ways.taken.take(self.label)


def bind_classes(raw: RawPredictions, index: Index, options: ReadOptions, place: str) -> ClassBinding:
    """The class of each detection.

    What the option says comes first, then the file's names, then the format's rule, then the category ids of the
    source, then the range of the labels.
    """
    label = _whole(raw.label)
    if options.classes_from is not None:
        return _as_given(raw, label, index, options.classes_from, place)
    if raw.label_names:
        return _by_names(label, raw.label_names, index, Understood("names in the file", "format"))
    if raw.or_scores_of == index.n_classes and options.format is None:
        raise PredictionError(
            f"{place}: three scores a detection, the third 0 or 1: could be REPP's scores of three classes, or YOLOV's "
            "objectness, score and class; say which with --format repp or --format yolov"
        )
    if raw.n_labels is not None and raw.n_labels != index.n_classes:
        one = raw.n_labels == 1
        way = "the class that all are of" if one else "a file of its class names, one a line"
        raise PredictionError(
            f"{place}: it has {raw.n_labels} classes ({raw.classes_evidence}), the index has {index.n_classes}; give "
            f"{way}: --classes-from {'NAME' if one else 'FILE'}"
        )
    ways = _ways(raw, label, index)
    return ClassBinding(label, ways, _unknown(ways.taken, label, index))


def _unknown(way: ClassWay, label: NDArray[Any], index: Index) -> tuple[str, ...]:
    """What to do about labels that no class has."""
    labels = distinct(label[label != -_NO_LABEL])
    without = labels[way.take(labels) < 0].tolist()
    if not without:
        return ()
    few = ", ".join(map(str, without[:5])) + (" …" if len(without) > 5 else "")
    if labels[-1] - labels[0] < index.n_classes:
        start = f"; if label {labels[0]} is the first class: --classes-from {labels[0]}"
    else:
        start = ""
    return (
        f"no class of the index has the labels {few} ({way.said.value}){start}; or give the names of the labels, one a "
        "line: --classes-from FILE",
    )


def _ways(raw: RawPredictions, label: NDArray[Any], index: Index) -> Ways[Namer]:
    """The ways of labels that are numbers, first the format's rule, or what fits most of them."""
    low, high = (int(label.min()), int(label.max())) if len(label) else (0, 0)
    labels = distinct(label)
    said = f"labels are {low} … {high}" if len(label) else ""
    source = _source_ids(index, said)
    starts = [_counted_from(first, index, "guessed", said) for first in ((0, 1) if low == 0 and len(label) else (1, 0))]
    others = [*([] if source is None else [source]), *starts]
    fit = [int((way.take(labels) >= 0).sum()) for way in others]
    if raw.first_label is not None:
        rule = _counted_from(raw.first_label, index, "format", raw.classes_evidence)
        n = int((rule.take(labels) >= 0).sum())
        kept = [way for way, count in zip(others, fit, strict=True) if count >= n and raw.complete is None]
        return Ways((rule, *_unlike(kept, [rule], labels)))
    most = max(fit)
    kept = [way for way, count in zip(others, fit, strict=True) if count == most]
    kept = _unlike(kept, [], labels)
    against = "" if source is None or kept[0] is source else f"not all {source.said.value}; {said}"
    return Ways(tuple(kept), is_guess=kept[0].said.how == "guessed", against=against)


def _unlike(ways: Iterable[ClassWay], than: Iterable[ClassWay], labels: NDArray[Any]) -> list[ClassWay]:
    """The ways that give `labels` other classes than those before them and `than`."""
    seen = [way.take(labels).tolist() for way in than]
    kept = []
    for way in ways:
        classes = way.take(labels).tolist()
        if classes not in seen:
            seen.append(classes)
            kept.append(way)
    return kept


def _source_ids(index: Index, said: str, how: str = "source") -> ClassWay | None:
    ids = index.called.class_id
    if ids is None or not all(id.isdecimal() and len(id) < 10 for id in ids):
        return None
    known = np.array([int(id) for id in ids], np.int64)
    order = np.argsort(known)

    def take(label: NDArray[Any]) -> NDArray[np.int16]:
        at = np.minimum(np.searchsorted(known[order], label), max(len(known) - 1, 0))
        return np.where(known[order][at] == label, order[at], -1).astype(np.int16)

    shown = ", ".join(ids[:6]) + (" …" if len(ids) > 6 else "")
    text = f"labels are the category ids of the source, {shown}"
    in_order = len(ids) and bool((np.diff(known) == 1).all())
    typed = f"--classes-from {ids[0] if in_order else _SOURCE}"
    return Way(take, Understood(text, how, said), typed) if len(ids) else None


def _whole(label: NDArray[Any]) -> NDArray[Any]:
    """Labels as whole numbers; what is none, in labels that are floats, becomes one that no class has."""
    if label.dtype.kind != "f":
        return label
    with np.errstate(invalid="ignore"):
        sound = (np.abs(label) < _NO_LABEL) & (label == np.floor(label))
    return np.where(sound, label, -_NO_LABEL).astype(np.int64)


def _counted_from(first: int, index: Index, how: str, evidence: str = "") -> ClassWay:
    n = index.n_classes
    said = f"labels {first} … {first + n - 1} are the {n} classes of the index in order"
    return Way(lambda label: _shifted(label, first, index), Understood(said, how, evidence), f"--classes-from {first}")


def _shifted(label: NDArray[Any], first: int, index: Index) -> NDArray[np.int16]:
    inside = (label >= first) & (label < index.n_classes + first)
    if first == 0 and label.dtype == np.int16 and inside.all():
        return label
    return np.where(inside, label.astype(np.int64) - first, -1).astype(np.int16)


def _as_given(raw: RawPredictions, label: NDArray[Any], index: Index, said: str, place: str) -> ClassBinding:
    if said == _SOURCE or (said.isdecimal() and len(said) < 6):
        if raw.label_names:
            raise PredictionError(f"--classes-from {said}: the file has class names, not numbers")
        way = _source_ids(index, "", "given") if said == _SOURCE else _counted_from(int(said), index, "given")
        if way is None:
            raise PredictionError(f"{place}: --classes-from {_SOURCE}: the index has no category ids of its source")
        return ClassBinding(label, Ways((way,)))
    if raw.n_labels == 1 and class_rows((said,), index)[0] != [-1]:
        return _by_names(label, (said,), index, Understood(f"all are {said}", "given"))
    names, first = read_class_names(Path(said), 0 if raw.first_label is None else raw.first_label)
    finding = Understood(f"names of {said}, labels from {first}", "given")
    return _by_names(label.astype(np.int64) - first, names, index, finding)


def _by_names(label: NDArray[Any], names: tuple[str, ...], index: Index, finding: Understood) -> ClassBinding:
    ids, unknown = class_rows(names, index)
    table = np.array([*ids, -1], np.int16)

    def take(label: NDArray[Any]) -> NDArray[np.int16]:
        return table[np.where((label >= 0) & (label < len(names)), label, len(names))]

    warnings: tuple[str, ...] = ()
    if unknown:
        hint = did_you_mean(unknown[0], list(index.class_names))
        warnings = (f"{len(unknown)} class names aren't in the index: {', '.join(unknown[:5])}{hint}",)
    return ClassBinding(label, Ways((Way(take, finding, "--classes-from FILE"),)), warnings)


def class_rows(names: tuple[str, ...], index: Index) -> tuple[list[int], list[str]]:
    """The class row for each name or wnid, -1 where there is none, and the names that are unknown.

    Capitals and underscores don't count where no two classes differ by them only.
    """
    plain: dict[str, int] = {}
    for row, name in enumerate(index.class_names):
        plain[_plain(name)] = -1 if _plain(name) in plain else row
    known = {wnid: row for row, wnid in enumerate(c.wnid for c in index.classes)}
    known |= {name: row for row, name in enumerate(index.class_names)}
    rows = [known[name] if name in known else plain.get(_plain(name), -1) for name in names]
    return rows, [name for name, row in zip(names, rows, strict=True) if row < 0 and name]


def _plain(name: str) -> str:
    return name.strip().replace("_", " ").casefold()


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
