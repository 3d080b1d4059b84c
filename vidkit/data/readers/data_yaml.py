"""The part of YAML that a data.yaml of YOLO needs: scalars, lists and numbered names at its top level.

Other keys may hold anything; they are passed over. No tags, anchors or documents: nothing in the file does anything.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from vidkit.data.annotation import read_bytes
from vidkit.data.readers.json_fields import in_part, is_text
from vidkit.data.readers.looking import is_plain
from vidkit.data.readers.text_lines import read_lines
from vidkit.errors import AnnotationError
from vidkit.reading_door import reading

MAX_BYTES = 1 << 18
_CLASSES = ("classes.txt", "labels/classes.txt", "obj.names")
_KEY = re.compile(r"([A-Za-z_]\w*)[ \t]*:(?:[ \t](.*))?")


def read_data_yaml(path: Path, wanted: Sequence[str]) -> dict[str, dict[str, str]]:
    """The `wanted` keys at the top of the file: texts by their keys; those of a list by their place, as is a scalar.

    Raises AnnotationError, naming file and key, for what isn't of these forms.
    """
    with reading(path, AnnotationError, "YAML in UTF-8"):
        text = read_bytes(path, limit=MAX_BYTES).decode("utf-8-sig")
    found: dict[str, list[str]] = {}
    key = ""
    for line in text.splitlines():
        line = _without_comment(line).rstrip()
        if not line or line.startswith(("---", "%")):
            continue
        top = None if line[0] in " \t-]}" else _KEY.fullmatch(line)
        key = top[1] if top else key
        found.setdefault(key, []).append(((top[2] or "") if top else line).strip())
    return {key: _texts(f"{path}: {key}", lines) for key, lines in found.items() if key in wanted}


def class_names(root: Path, place: str, told: Mapping[str, str]) -> dict[int, str]:
    """The names of classes by number, as a YAML file at `place` has `told`, else of a list in a file below the root."""
    file = next((root / name for name in _CLASSES if is_plain(root / name)), None)
    if not told and file is not None:
        place, told = str(file), {str(number): name for number, name in enumerate(read_lines(file))}
    for number, name in told.items():
        if not re.fullmatch(r"\d{1,5}", number, re.ASCII) or not is_text(name):
            raise AnnotationError(f"{place}: names: {in_part(number)}: {in_part(name)}; wanted names by their numbers")
    return {int(number): name for number, name in told.items()}


def _texts(place: str, lines: list[str]) -> dict[str, str]:
    first, rest = lines[0], lines[1:]
    if first[:1] in ("[", "{"):
        whole = " ".join(lines)
        if not whole.endswith({"[": "]", "{": "}"}[first[0]]):
            raise AnnotationError(f"{place}: {in_part(whole)}; wanted a list with an end")
        parts = [part for part in _items(whole[1:-1]) if part]
        pairs = _pairs(parts) if first[0] == "{" else _numbered(parts)
    elif first:
        pairs = _numbered([" ".join(lines)])
    elif all(line.startswith("-") for line in rest):
        pairs = _numbered(line[1:].strip() for line in rest)
    else:
        pairs = _pairs(rest)
    texts = {_plain(key): _plain(value) for key, value in pairs}
    for key, value in texts.items():
        if not is_text(key) or not is_text(value):
            raise AnnotationError(f"{place}: {in_part(key)}: {in_part(value)}; wanted texts")
    return texts


def _numbered(parts: Iterable[str]) -> Iterator[tuple[str, str]]:
    return ((str(n), part) for n, part in enumerate(parts))


def _pairs(parts: Iterable[str]) -> Iterator[tuple[str, str]]:
    return ((key.strip(), value.strip()) for key, _, value in (part.partition(":") for part in parts))


def _items(text: str) -> list[str]:
    """What stands between commas that aren't inside quotes."""
    parts: list[list[str]] = [[]]
    quote, before = "", ","
    for char in text:
        if quote:
            quote = "" if char == quote else quote
        elif char in "'\"" and before in ",:":
            quote = char
        if char == "," and not quote:
            parts.append([])
        else:
            parts[-1].append(char)
        before = before if char.isspace() else char
    return ["".join(part).strip() for part in parts]


def _plain(text: str) -> str:
    """A scalar without its quotes."""
    if len(text) > 1 and text[0] == text[-1] == "'":
        return text[1:-1].replace("''", "'")
    if len(text) > 1 and text[0] == text[-1] == '"':
        try:
            return str(json.loads(text))
        except ValueError:
            return text[1:-1]
    return text


def _without_comment(line: str) -> str:
    """The line up to a # at its beginning or behind a space, if that isn't inside quotes."""
    for found in re.finditer(r"(?:^|[ \t])#", line):
        before = line[: found.start()]
        if before.count("'") % 2 == 0 and before.count('"') % 2 == 0:
            return before
    return line
