"""Which of a detector's classes are which of the index's: by name, and what is left over on both sides."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vidkit.boxes import Boxes
from vidkit.classes import ObjectClass
from vidkit.detections import Detections
from vidkit.errors import DetectorError, did_you_mean
from vidkit.reading_door import reading

NO_CLASS = frozenset({"", "n/a", "__background__"})
"""What stands, in lists of labels, at labels that are no class."""

SYNONYMS: tuple[frozenset[str], ...] = tuple(
    frozenset(names.split(", "))
    for names in (
        "airplane, aeroplane, plane",
        "bicycle, bike",
        "car, automobile",
        "cattle, cow",
        "couch, sofa",
        "domestic cat, cat",
        "giant panda, panda",
        "motorcycle, motorbike",
        "person, pedestrian, human",
        "red panda, lesser panda",
        "television, tv, tvmonitor",
        "watercraft, boat, ship",
    )
)
"""Names that data sets give to one thing; in each line at most one of them is a name of ImageNet VID."""

LONGEST_FILE = 1_000_000  # bytes
TOLD = 40  # names of a list that are told; of the others their number


@dataclass(frozen=True, eq=False)
class ClassNames:
    """For each label of a detector the class id of the index, `ids (labels,)`, -1 for one that is dropped."""

    ids: NDArray[np.int64]
    matched: tuple[tuple[str, str], ...]
    """(the detector's class, the index's class), in the order of the labels."""
    missing: tuple[str, ...]
    """The index's classes that the detector doesn't know: it will never find one."""
    dropped: tuple[str, ...]
    """The detector's classes that the index doesn't have: what it finds of them is thrown away."""
    own: tuple[ObjectClass, ...] = ()
    """The detector's classes themselves, where there is no index: `ids` then count these."""

    def detections(
        self, boxes: Boxes, scores: Boxes, labels: NDArray[np.integer], width: int, height: int
    ) -> Detections:
        """Return what is of a class of the index, boxes clipped to the frame of `width` by `height` pixels.

        Boxes `(N, 4)` are in vidkit's convention. Those that end up empty are left out. Where several labels go to one
        class, detections that became equal are one.

        Raises DetectorError for a label that has no name.
        """
        if len(labels) and not (labels.min() >= 0 and labels.max() < len(self.ids)):
            wrong = labels[(labels < 0) | (labels >= len(self.ids))][0]
            raise DetectorError(
                f"answered with the label {wrong}; names are known for the labels 0 … {len(self.ids) - 1}"
            )
        ids = self.ids[labels]
        boxes = np.clip(boxes, 0, np.array([width, height, width, height], np.float32)).astype(np.float32)
        kept = (ids >= 0) & (boxes[:, 0] != boxes[:, 2]) & (boxes[:, 1] != boxes[:, 3])
        boxes, scores, ids = boxes[kept], scores[kept].astype(np.float32), ids[kept]
        if len(self.matched) > len({theirs for _, theirs in self.matched}):
            rows = np.column_stack([boxes, scores, ids])
            first = np.sort(np.unique(rows, axis=0, return_index=True)[1])
            boxes, scores, ids = boxes[first], scores[first], ids[first]
        return Detections(boxes, scores, ids)

    def describe(self) -> dict[str, str]:
        """Return what went where, in words, for the environment of a run."""
        return {
            "classes_matched": _several(
                f"{ours} → {theirs}" if ours != theirs else ours for ours, theirs in self.matched
            ),
            "classes_missing": _several(self.missing),
            "classes_dropped": _several(self.dropped),
        }


def match(
    labels: Sequence[str],
    classes: Sequence[ObjectClass],
    pairs: Mapping[str, str] | None = None,
    may_miss: bool = False,
) -> ClassNames:
    """Return which class of the index each label is.

    The name decides: that of `pairs` (the detector's name → the index's, "" to drop it), else the same name or WordNet
    id, else the same but for capitals, "_" and "-", else a synonym. With `may_miss`, no class at all may be found.
    Without any class, which is without an index, the labels are classes themselves.

    Raises DetectorError for pairs that name something unknown, and where no label is a class of the index.
    """
    if not classes:
        return _all_of(labels)
    pairs = pairs or {}
    known = [each.name for each in classes]
    if not known and not may_miss:
        raise DetectorError("the index has no classes to look for; prepare it again with --classes FILE or NAMES")
    for ours, theirs in pairs.items():
        if ours not in labels:
            raise DetectorError(f"classes: the detector has no class {ours!r}{did_you_mean(ours, list(labels))}")
        if theirs and theirs not in known:
            raise DetectorError(f"classes: the index has no class {theirs!r}{did_you_mean(theirs, known)}")
    found = [_class_of(label, classes, pairs) for label in labels]
    real = [(label, row) for label, row in zip(labels, found, strict=True) if label.strip().casefold() not in NO_CLASS]
    matched = tuple((label, known[row]) for label, row in real if row >= 0)
    if not matched and not may_miss:
        raise DetectorError(
            f"none of the detector's classes ({_several(label for label, _ in real)}) is one of the index's "
            f"({_several(known)}); say which is which with --option classes=FILE, "
            "a line DETECTOR CLASS = INDEX CLASS for each"
        )
    hit = {theirs for _, theirs in matched}
    return ClassNames(
        np.array(found, np.int64),
        matched,
        tuple(name for name in known if name not in hit),
        tuple(label for label, row in real if row < 0),
    )


def _all_of(labels: Sequence[str]) -> ClassNames:
    """Each label as a class of its own, but for those that are no class."""
    real = [label.strip().casefold() not in NO_CLASS for label in labels]
    ids = np.where(real, np.cumsum(real) - 1, -1).astype(np.int64)
    own = tuple(ObjectClass(label, label) for label, is_class in zip(labels, real, strict=True) if is_class)
    return ClassNames(ids, tuple((each.name, each.name) for each in own), (), (), own)


def _class_of(label: str, classes: Sequence[ObjectClass], pairs: Mapping[str, str]) -> int:
    if label in pairs:
        return [each.name for each in classes].index(pairs[label]) if pairs[label] else -1
    if label.strip().casefold() in NO_CLASS:
        return -1
    plain = _plain(label)
    same = {name for names in SYNONYMS if plain in names for name in names}
    for fits in (
        [row for row, each in enumerate(classes) if label in (each.name, each.wnid)],
        [row for row, each in enumerate(classes) if plain == _plain(each.name)],
        [row for row, each in enumerate(classes) if _plain(each.name) in same],
    ):
        if len(fits) == 1:
            return fits[0]
        if fits:
            names = ", ".join(repr(classes[row].name) for row in fits)
            raise DetectorError(
                f"the detector's class {label!r} may be {names} of the index; say by --option classes=FILE"
            )
    return -1


def _plain(name: str) -> str:
    return " ".join(name.casefold().replace("_", " ").replace("-", " ").split())


def _several(names: Iterable[str]) -> str:
    listed = list(names)
    more = f", … ({len(listed)} in all)" if len(listed) > TOLD else ""
    return (", ".join(listed[:TOLD]) + more) or "none"


# -- files of names ----------------------------------------------------------------------------------------------------


def read_pairs(path: Path | None) -> dict[str, str]:
    """Return the pairs of a file with lines `DETECTOR CLASS = INDEX CLASS`, nothing after the sign to drop a class.

    Empty lines, and lines that begin with "#", are left out. Raises DetectorError for anything else.
    """
    pairs: dict[str, str] = {}
    for number, line in enumerate(_lines(path) if path else [], start=1):
        if not line or line.startswith("#"):
            continue
        ours, sign, theirs = (part.strip() for part in line.partition("="))
        if not sign or not ours:
            raise DetectorError(f"{path}, line {number}: {line[:80]!r}; wanted DETECTOR CLASS = INDEX CLASS")
        if ours in pairs:
            raise DetectorError(f"{path}, line {number}: {ours!r} is named twice")
        pairs[ours] = theirs
    return pairs


def labels_of(option: str | Path | None, classes: Sequence[ObjectClass]) -> tuple[str, ...] | None:
    """Return the names that an option `labels` tells: "index" for the index's classes, else a file; None for none."""
    if option is None:
        return None
    return tuple(each.name for each in classes) if option == "index" else read_labels(Path(option))


def read_labels(path: Path) -> tuple[str, ...]:
    """Return the names of labels 0, 1, … of a file, a line each; `__background__` or `N/A` where there is no class."""
    labels = _lines(path)
    if not labels:
        raise DetectorError(f"{path}: empty; wanted the name of a label in each line, beginning with label 0")
    return tuple(labels)


def _lines(path: Path) -> list[str]:
    with reading(path, DetectorError, "class names, a line each, in UTF-8"):
        if path.stat().st_size > LONGEST_FILE:
            raise DetectorError(f"{path}: more than {LONGEST_FILE} bytes; that is no list of class names")
        text = path.read_text(encoding="utf-8-sig")
    return [line.strip() for line in text.splitlines()]
