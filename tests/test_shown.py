import math

import pytest

from tests.makers import make_index, make_predictions
from vidkit.evaluation.compare import compare
from vidkit.evaluation.delay import average_delay
from vidkit.evaluation.errors_by_type import decompose
from vidkit.evaluation.evaluate import evaluate
from vidkit.evaluation.stability import stability
from vidkit.shown import as_html, as_text, percent


def results() -> list[object]:
    index = make_index(videos=4)
    a, b = make_predictions(index), make_predictions(index, seed=1)
    return [
        evaluate(index, a, by=["motion", "class", "video"], ci=5),
        compare(index, a, b, by=["motion", "video"], ci=5),
        decompose(index, a, by=["motion", "video"]),
        average_delay(index, a),
        stability(index, a),
    ]


@pytest.mark.parametrize("result", results(), ids=lambda result: type(result).__name__)
def test_a_result_fits_ten_lines_and_has_its_table_in_a_notebook(result: object) -> None:
    text = repr(result)
    assert 2 < len(text.splitlines()) <= 10
    assert all(len(line) < 200 for line in text.splitlines())
    html = result._repr_html_()  # type: ignore[attr-defined]
    assert html.startswith("<table>") and html.count("<tr>") > 2


def test_large_tables_of_columns_show_counts_not_columns() -> None:
    index = make_index()
    assert repr(index).startswith("Index made val: 3 videos, 36 frames") and len(repr(index)) < 200
    assert "36 frames" in repr(make_predictions(index)) and len(repr(make_predictions(index))) < 200


def test_names_from_data_stay_text_in_html() -> None:
    assert "<script>" not in as_html("<script>", [{"<script>": "<script>"}])


def test_what_is_not_shown_is_counted() -> None:
    rows = [{"n": n, "share": n / 3} for n in range(20)]
    assert as_text("title", rows).splitlines()[-1] == "… and 13 more rows: to_frame()"
    assert as_text("title", []) == "title"
    assert as_text("title", [{"a": math.nan, "b": None}]).splitlines() == ["title", "a  b", "–  –"]


def test_percent() -> None:
    assert (percent(0.5), percent(math.nan)) == ("50.00", "–")
