"""The classes of a source that names them as it goes, and how it numbers them itself."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from vidkit.classes import ObjectClass
from vidkit.data.class_list import MAX_CLASSES
from vidkit.errors import AnnotationError


class ClassRows:
    """Class rows by name: of `classes` where they are given, else of the names in the order in which they appear."""

    def __init__(self, place: str, classes: Sequence[ObjectClass] | None) -> None:
        self._place, self._wanted = place, classes
        self._rows = {c.name: row for row, c in enumerate(classes or ())}

    def row(self, name: str) -> int:
        """The row of this class, -1 where it isn't wanted."""
        if self._wanted is not None:
            return self._rows.get(name, -1)
        if len(self._rows) >= MAX_CLASSES:
            raise AnnotationError(f"{self._place}: more than {MAX_CLASSES} labels")
        return self._rows.setdefault(name, len(self._rows))

    def rows(self, names: Sequence[str]) -> NDArray[np.int64]:
        """The rows of several, `(K,)`."""
        return np.array([self.row(name) for name in names], np.int64)

    @property
    def classes(self) -> tuple[ObjectClass, ...]:
        """All classes, in the order of their rows."""
        return tuple(self._wanted) if self._wanted is not None else tuple(ObjectClass(n, n) for n in self._rows)

    def ids(self, numbers: Mapping[str, str]) -> tuple[str, ...]:
        """The source's own numbers of the classes, of `numbers` by name, "" where it has none."""
        return tuple(numbers.get(c.name, "") for c in self.classes)
