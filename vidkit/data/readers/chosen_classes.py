"""Which of a source's classes an index takes, and in which rows."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vidkit.classes import ObjectClass
from vidkit.data.class_list import MAX_CLASSES
from vidkit.data.readers.found_boxes import OTHER
from vidkit.errors import AnnotationError


@dataclass(frozen=True)
class ChosenClasses:
    """The classes, how the source numbers each ("" where it doesn't have it), and the row of each of its keys."""

    classes: tuple[ObjectClass, ...]
    ids: tuple[str, ...]
    row: Mapping[Any, int]  # the source's key of a class → row of `classes`, OTHER where it isn't wanted


def choose_classes(
    place: str, known: Mapping[Any, ObjectClass], wanted: Sequence[ObjectClass] | None = None
) -> ChosenClasses:
    """All classes that the source knows, in its order; or those that are `wanted`, joined by name or wnid.

    Raises AnnotationError where none of the wanted classes is known, or there are too many.
    """
    if max(len(known), len(wanted or ())) > MAX_CLASSES:
        raise AnnotationError(f"{place}: {max(len(known), len(wanted or ()))} classes, wanted at most {MAX_CLASSES}")
    if wanted is None:
        return ChosenClasses(
            tuple(known.values()), tuple(str(key) for key in known), {key: row for row, key in enumerate(known)}
        )
    rows = _rows(wanted)
    row_of: dict[Hashable, int] = {key: rows.get(c.name, rows.get(c.wnid, OTHER)) for key, c in known.items()}
    if known and set(row_of.values()) == {OTHER}:
        raise AnnotationError(
            f"{place}: has the classes {_few([c.name for c in known.values()])}; none of those that were asked for "
            f"({_few([c.name for c in wanted])}) is among them; the names must be equal"
        )
    ids = {row: str(key) for key, row in reversed(row_of.items())}
    return ChosenClasses(tuple(wanted), tuple(ids.get(row, "") for row in range(len(wanted))), row_of)


class ClassRows:
    """The same for a source that names classes as it goes: rows by name, in the order in which names appear."""

    def __init__(self, place: str, wanted: Sequence[ObjectClass] | None) -> None:
        self._place, self._wanted = place, wanted
        self._row_of, self._seen = _rows(wanted or ()), dict[str, int]()

    def row(self, name: str) -> int:
        """The row of this class, OTHER where it isn't wanted."""
        seen = self._seen.setdefault(name, len(self._seen))
        if seen >= MAX_CLASSES:
            raise AnnotationError(f"{self._place}: more than {MAX_CLASSES} labels")
        return seen if self._wanted is None else self._row_of.get(name, OTHER)

    def rows(self, names: Sequence[str]) -> NDArray[np.int64]:
        """The rows of several, `(K,)`."""
        return np.array([self.row(name) for name in names], np.int64)

    def chosen(self, numbers: Mapping[str, str] = {}) -> ChosenClasses:
        """What came of it, with the source's own `numbers` of classes by name. Raises as `choose_classes`."""
        chosen = choose_classes(self._place, {c.name: c for c in named_classes(list(self._seen))}, self._wanted)
        return ChosenClasses(chosen.classes, tuple(numbers.get(name, "") for name in chosen.ids), chosen.row)


def named_classes(names: Sequence[str]) -> tuple[ObjectClass, ...]:
    """Classes that have only a name."""
    return tuple(ObjectClass(name, name) for name in names)


def _rows(classes: Sequence[ObjectClass]) -> dict[str, int]:
    """The row of each class by name and by wnid."""
    return {c.wnid: row for row, c in enumerate(classes)} | {c.name: row for row, c in enumerate(classes)}


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:10]) + (f" and {len(names) - 10} more" if len(names) > 10 else "")
