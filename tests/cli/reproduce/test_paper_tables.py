import pytest
from vidkit_cli.reproduce.paper import TABLE_2_DISTANCES
from vidkit_cli.reproduce.paper_tables import table_1_rows, table_2_rows, table_3_rows

from tests.cli.reproduce.made_results import make_result

RESULTS = {
    "per-frame": make_result("per-frame", None, speed=10),
    "impression-l10": make_result(speed=25, ci=20),
    "impression-l10-k0": make_result(speed=None),
}


def test_table_1_sets_the_papers_numbers_beside_ours():
    a, d = table_1_rows(RESULTS, {"impression-l10": {"gain_low": -0.1, "gain_high": 0.2, "gain_note": ""}})
    assert [a["row"], d["row"]] == ["a", "d"]
    assert d["ms_per_frame"] == 40
    assert d["ratio"] == pytest.approx(0.4)
    assert (d["gain"], d["gain_low"], d["gain_high"]) == (0, -0.1, 0.2)
    assert (d["paper_mean_ap"], d["paper_ms_per_frame"]) == (0.755, 50)
    assert (d["paper_gain"], d["paper_ratio"]) == (pytest.approx(0.013), pytest.approx(50 / 156))
    assert a["gain_low"] is None
    assert d["low"] < d["mean_ap"] < d["high"]


def test_without_the_baseline_there_is_nothing_to_compare_with():
    (row,) = table_1_rows({"impression-l10": RESULTS["impression-l10"]}, {})
    assert (row["gain"], row["ratio"]) == (None, None)


def test_table_2_has_the_distances_of_the_paper():
    results = {f"impression-l10-k{k}" if k != 5 else "impression-l10": RESULTS["impression-l10"] for k in range(6)}
    rows = table_2_rows(results, range(6))
    assert {row["key_id"]: row["mean_distance"] for row in rows} == TABLE_2_DISTANCES
    assert all(row["mean_distance"] == row["paper_mean_distance"] for row in rows)


def test_a_run_that_was_not_timed_has_no_time():
    (row, _) = table_2_rows(RESULTS, (0, 5))
    assert (row["ms_per_frame"], row["frames_per_second"]) == (None, None)


def test_table_3_has_the_rows_that_were_run():
    assert [row["method"] for row in table_3_rows(RESULTS)] == ["Impression Network"]
    assert table_3_rows({}) == table_1_rows({}, {}) == table_2_rows({}, (0,)) == []
