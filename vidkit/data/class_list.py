"""A class list of one's own: a text file of wnids and names, or some of the 30 VID classes by name."""

from collections.abc import Sequence
from pathlib import Path

from vidkit.classes import VID_CLASSES, ObjectClass
from vidkit.data.annotation import read_bytes
from vidkit.errors import AnnotationError, ChoiceError, did_you_mean
from vidkit.reading_door import reading

MAX_CLASSES = 2**15 - 1
_LONGEST_NUMBER = 10  # digits


def choose_classes(given: str, any_name: bool = False) -> tuple[ObjectClass, ...]:
    """The classes of the file `given`, or if there is none, VID's classes of these names, separated by commas.

    With `any_name` other names are classes, too, that have only a name. Raises ChoiceError for a name that isn't one,
    AnnotationError for a malformed file.
    """
    if Path(given).is_file():
        return read_classes(Path(given))
    known = {c.name: c for c in VID_CLASSES} | {c.wnid: c for c in VID_CLASSES}
    names = [name.strip() for name in given.split(",") if name.strip()]
    if any_name and not (given.endswith(".txt") or "/" in given):
        return _unique([known.get(name, ObjectClass(name, name)) for name in names], "--classes")
    for name in names:
        if name not in known:
            raise ChoiceError(
                f"--classes: {name!r} is no file and none of the 30 VID classes{did_you_mean(name, list(known))}; "
                "classes of your own stand in a file, a line `wnid name` each"
            )
    return _unique([known[name] for name in names], "--classes")


def classes_of(root: Path | None) -> tuple[ObjectClass, ...] | None:
    """The classes that a tree brings along in `ROOT/classes.txt`, None where it has no such file."""
    own = None if root is None else root / "classes.txt"
    return read_classes(own) if own is not None and own.is_file() else None


def read_classes(path: Path) -> tuple[ObjectClass, ...]:
    """The classes of a text file with a line `wnid id name`, `wnid name` or `name` for each.

    With ids the classes are sorted by them; without, their order is that of the lines. Empty lines and lines that start
    with # are skipped. Raises AnnotationError that names file and line.
    """
    rows: list[tuple[int | None, ObjectClass]] = []
    with reading(path, AnnotationError, "a line `wnid name` for each class, in UTF-8"):
        for line, text in enumerate(read_bytes(path).decode("utf-8-sig").splitlines(), start=1):
            words = text.split()
            if not words or words[0].startswith("#"):
                continue
            wnid, *rest = words
            numbered = len(rest) > 1 and rest[0].isascii() and rest[0].isdigit() and len(rest[0]) < _LONGEST_NUMBER
            number = int(rest.pop(0)) if numbered else None
            if rows and (number is None) != (rows[0][0] is None):
                raise AnnotationError(f"line {line}: ids must stand in all lines or in none")
            rows.append((number, ObjectClass(" ".join(rest) or wnid, wnid)))
        numbers = [number for number, _ in rows if number is not None]
        if len(set(numbers)) != len(numbers):
            raise AnnotationError("an id stands twice")
    return _unique([c for _, c in sorted(rows, key=lambda row: row[0] or 0)], str(path))


def classes_text(classes: Sequence[ObjectClass]) -> str:
    """A class list as `read_classes` reads it, with ids from 1."""
    return "".join(f"{id_in_list(c)} {number} {c.name}\n" for number, c in enumerate(classes, start=1))


def id_in_list(of: ObjectClass) -> str:
    """A class's WordNet id as one word, since a space ends it in a list."""
    return "_".join(of.wnid.split())


def _unique(classes: Sequence[ObjectClass], place: str) -> tuple[ObjectClass, ...]:
    if not classes:
        raise AnnotationError(f"{place}: no classes; wanted a line `wnid name` for each")
    if len(classes) > MAX_CLASSES:
        raise AnnotationError(f"{place}: {len(classes)} classes; an index holds at most {MAX_CLASSES}")
    for what, values in (("name", [c.name for c in classes]), ("wnid", [c.wnid for c in classes])):
        twice = next((value for value in values if values.count(value) > 1), None)
        if twice is not None:
            raise AnnotationError(f"{place}: the {what} {twice!r} stands twice")
    return tuple(classes)
