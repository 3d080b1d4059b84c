"""A JSON file whose top holds lists of objects with ids, as COCO's kin do: the objects, one at a time."""

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import TypeVar

from vidkit.classes import ObjectClass
from vidkit.data.json_sections import sections
from vidkit.data.readers.json_fields import JsonFields

Id = int | str
T = TypeVar("T")


def objects_of(file: Path, names: Collection[str]) -> Iterator[tuple[str, JsonFields]]:
    """The objects of the lists called so, in the order of the file, each with the name of its list; null is no list.

    Raises AnnotationError, naming file and element, for what isn't JSON, and for elements that aren't objects.
    """
    for name, n, value in sections(file):
        if name in names and not (n < 0 and value is None):
            yield name, JsonFields(f"{file}: {name}[{n}]" if n >= 0 else f"{file}: {name}, which is no list", value)


def new_id(fields: JsonFields, known: Collection[Id]) -> Id:
    """The id of an object; an AnnotationError if another has it."""
    key = fields.id("id")
    if key in known:
        raise fields.wrong("id", "an id that stands once")
    return key


def in_order(elements: Mapping[Id, T]) -> dict[Id, T]:
    """The elements by ascending id; those whose ids are texts come last, in the order of the file."""
    keys = sorted(elements, key=lambda key: (isinstance(key, str), 0 if isinstance(key, str) else key))
    return {key: elements[key] for key in keys}


def category(fields: JsonFields) -> ObjectClass:
    """The class that an element of `categories` names."""
    name = fields.text("name")
    return ObjectClass(name, name)
