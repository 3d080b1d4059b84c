"""Text of strangers where people read it: printable, in one line, bounded; data keep it."""

import pytest

from vidkit.errors import AnnotationError, ArgumentError, PredictionError
from vidkit.files import csv_text
from vidkit.safe_text import LONGEST_MESSAGE, message, printable, printable_lines, sheet_cell


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain, äöü 雪!", "plain, äöü 雪!"),
        ("\x1b[31mred", r"\x1b[31mred"),
        ("a\x9bb\x7f", r"a\x9bb\x7f"),  # one character that begins a sequence as ESC [ does
        ("left\u202eright", r"left\u202eright"),
        ("half \udc80", r"half \udc80"),
        ("a\nb\tc\xa0d", r"a\nb\tc\xa0d"),
    ],
)
def test_what_steers_a_terminal_is_shown_as_an_escape(text: str, shown: str) -> None:
    assert printable(text) == shown
    assert printable(text).isprintable()


def test_lines_keep_their_ends_and_tabs() -> None:
    assert printable_lines("a\x1b\tb\nc") == "a\\x1b\tb\nc"


def test_a_message_is_one_line_that_keeps_its_beginning_and_its_end() -> None:
    said = message("val.json: " + "x" * 5000 + "\n  broken\x00; do this")
    assert len(said) == LONGEST_MESSAGE
    assert said.startswith("val.json: xxx")
    assert said.endswith(r"xxx broken\x00; do this")


def test_errors_show_themselves_so() -> None:
    assert str(AnnotationError("a\x1b\nb")) == r"a\x1b b"
    assert len(str(PredictionError("y" * 10_000))) == LONGEST_MESSAGE
    assert str(ArgumentError("--x")) == "--x"


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
        ("+1+1", "'+1+1"),
        ("@x", "'@x"),
        ("\t=x", "'\\t=x"),
        ("-1.5e3", "-1.5e3"),
        ("dog", "dog"),
        (-1.5, -1.5),
    ],
)
def test_a_cell_of_a_sheet_is_no_formula(value: object, cell: object) -> None:
    assert sheet_cell(value) == cell


def test_csv_quotes_formulas() -> None:
    assert csv_text([{"class": "=1+1", "ap": -0.5}]) == "class,ap\n'=1+1,-0.5\n"
