import random
from pathlib import Path

import numpy as np
import pytest

from tests.fuzz.damaged_values import damaged_text
from vidkit.data.readers.number_rows import read_rows
from vidkit.errors import AnnotationError

WANTED = "a, b, c"


def write(folder: Path, data: str | bytes) -> Path:
    path = folder / "rows.txt"
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


@pytest.mark.parametrize("separator", [",", ", ", " ", "\t", "   "])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("n", [0, 1, 2, 50])
def test_rows_equal_a_loop_over_the_lines(tmp_path: Path, separator: str, end: str, n: int) -> None:
    draw = random.Random(n)
    lines = [separator.join(repr(draw.uniform(-1e3, 1e3)) for _ in range(3)) for _ in range(n)]
    gaps = [line for text in lines for line in ([text, "", "  "] if draw.random() < 0.2 else [text])]
    rows = read_rows(write(tmp_path, end.join(gaps)), (3,), WANTED)
    assert rows.value.shape == (n, 3)
    expected = [
        (number, [float(field) for field in text.replace(",", " ").split()])
        for number, text in enumerate(gaps, start=1)
        if text.strip()
    ]
    assert list(zip(rows.line.tolist(), rows.value.tolist(), strict=True)) == expected


def test_words_are_numbered_by_their_first_appearance(tmp_path: Path) -> None:
    rows = read_rows(write(tmp_path, "1 b 2\n1 a 2\n1 b 2\n"), (3,), WANTED, word=1)
    assert (rows.words, rows.value[:, 1].tolist()) == (("b", "a"), [0, 1, 0])


def test_a_byte_order_mark_and_commas_at_the_ends_of_lines_do_no_harm(tmp_path: Path) -> None:
    assert read_rows(write(tmp_path, b"\xef\xbb\xbf1,2,3,\n4,5,6,\n"), (3,), WANTED).value.tolist() == [
        [1, 2, 3],
        [4, 5, 6],
    ]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("1,2,3\n1,x,3\n", "line 2: 'x' is no number; wanted a, b, c"),
        ("1,2,3\n\n1,,3\n", "line 3: '' is no number"),
        ("1,2,3\n1,2\n", "line 2: 2 columns, wanted 3, as in the lines before: a, b, c"),
        ("1,2\n", "line 1: 2 columns, wanted 3"),
        ("1,2,3\n1 2 3\n", "line 2: '1 2 3' is no number"),
        ("1 2 3\n1,2,3\n", "line 2: '1,2,3' is no number"),
        (b"1,2,\xff\n", "byte 4: not UTF-8"),
        ("1,2,3\n".encode("utf-16"), "byte 0: not UTF-8"),
    ],
)
def test_what_is_no_row_is_refused_with_its_line(tmp_path: Path, data: str | bytes, message: str) -> None:
    with pytest.raises(AnnotationError, match=r"rows\.txt: " + message):
        read_rows(write(tmp_path, data), (3,), WANTED)


def test_files_that_are_none_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "none.txt", tmp_path):
        with pytest.raises(AnnotationError, match=f"{path}: can't be read"):
            read_rows(path, (3,), WANTED)


@pytest.mark.parametrize("text", ["0.5", "nan", "inf", "-1", "11"])
def test_whole_numbers_are_checked(tmp_path: Path, text: str) -> None:
    rows = read_rows(write(tmp_path, f"1,2,3\n1,{text},3\n"), (3,), WANTED)
    assert rows.whole(0, "frame", 1).tolist() == [1, 1]
    with pytest.raises(AnnotationError, match=rf"line 2: frame {text}, wanted a whole number from 0 to 10"):
        rows.whole(1, "frame", 0, 10)


def test_damaged_files_are_read_or_refused(tmp_path: Path) -> None:
    for data in damaged_text(b"1,2,3\n4,5.5,6\n7,8,9e3\n"):
        try:
            rows = read_rows(write(tmp_path, data), (3,), WANTED)
        except AnnotationError as error:
            assert "rows.txt" in str(error)
        else:
            assert rows.value.shape == (len(rows.line), 3)
            assert rows.value.dtype == np.float64
