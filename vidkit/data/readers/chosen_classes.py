"""Which of a source's classes an index takes, and in which rows."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

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
    rows = {c.wnid: row for row, c in enumerate(wanted)} | {c.name: row for row, c in enumerate(wanted)}
    row_of: dict[Hashable, int] = {key: rows.get(c.name, rows.get(c.wnid, OTHER)) for key, c in known.items()}
    if known and set(row_of.values()) == {OTHER}:
        raise AnnotationError(
            f"{place}: has the classes {_few([c.name for c in known.values()])}; none of those that were asked for "
            f"({_few([c.name for c in wanted])}) is among them; the names must be equal"
        )
    ids = {row: str(key) for key, row in reversed(row_of.items())}
    return ChosenClasses(tuple(wanted), tuple(ids.get(row, "") for row in range(len(wanted))), row_of)


def named_classes(names: Sequence[str]) -> tuple[ObjectClass, ...]:
    """Classes that have only a name."""
    return tuple(ObjectClass(name, name) for name in names)


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:10]) + (f" and {len(names) - 10} more" if len(names) > 10 else "")
