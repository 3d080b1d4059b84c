"""Text of strangers where people read it: on a terminal, on a page, in a sheet. Data keep it as it is."""

import re

LONGEST_MESSAGE = 400
"""Characters of an error's message; of a longer one the middle is left out."""
_TAIL = 140
_LINE_BREAK = re.compile(r"\s*[\r\n\v\f\x1c-\x1e\x85\u2028\u2029]\s*")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def printable(text: str) -> str:
    """The text in one line, with control characters, invisible marks and lone surrogates as escapes such as `\\x1b`."""
    return text if text.isprintable() else "".join(map(_escaped, text))


def _escaped(char: str) -> str:
    return char if char.isprintable() else char.encode("unicode_escape").decode("ascii")


def printable_lines(text: str) -> str:
    """The text with its tabs and line ends as they are, and printable between them."""
    return text if text.isprintable() else "".join(c if c in "\t\n" else _escaped(c) for c in text)


def message(text: str) -> str:
    """The text of an error: one printable line of at most `LONGEST_MESSAGE` characters, its beginning and its end."""
    line = printable(_LINE_BREAK.sub(" ", text.strip()))
    if len(line) <= LONGEST_MESSAGE:
        return line
    return f"{line[: LONGEST_MESSAGE - _TAIL - 3]} … {line[-_TAIL:]}"


def sheet_cell(value: object) -> object:
    """A cell of a CSV that people open in a spreadsheet: text that a sheet would take for a formula gets a quote."""
    if not isinstance(value, str):
        return value
    text = printable(value)
    return f"'{text}" if value.startswith(_FORMULA) and not _is_number(text) else text


def _is_number(text: str) -> bool:
    try:
        return float(text) is not None
    except ValueError:
        return False
