import numpy as np
import pytest

from vidkit.evaluation.distance import DistanceScore
from vidkit.keyframes.propagation import mean_distance
from vidkit.plots.propagation import KeyIdScore, propagation, propagation_rows

SCORES = {
    "one": [DistanceScore(d, "all", 5, 9, 0.7 - 0.1 * d, (0.6 - 0.1 * d, 0.8 - 0.1 * d)) for d in range(3)],
    "two": [DistanceScore(d, "all", 5, 9, 0.5, None) for d in range(3)],
}
BY_KEY = [KeyIdScore("one", 0, 0.4, 0.3, 0.5), KeyIdScore("two", 2, 0.6)]


def test_scores_and_mean_distances_are_drawn() -> None:
    figure = propagation(SCORES, 5, BY_KEY, "fgfa")
    upper, lower, beside = figure.axes
    drawn = {line.get_label(): line.get_ydata() for line in upper.get_lines()}
    np.testing.assert_allclose(drawn["one"], [70, 60, 50])
    np.testing.assert_allclose(drawn["two"], [50, 50, 50])
    np.testing.assert_allclose(lower.get_lines()[0].get_ydata(), [mean_distance(5, k) for k in range(5)])
    np.testing.assert_allclose(beside.get_lines()[0].get_ydata(), [40, 60])
    assert len(upper.collections) == 3 and len(beside.collections) == 1
    assert "intervals" in figure.get_supxlabel()


def test_there_is_a_row_for_each_point() -> None:
    rows = propagation_rows(SCORES, 5, BY_KEY)
    assert len(rows) == 6 + 5
    assert [row["mean_distance"] for row in rows[6:]] == [mean_distance(5, k) for k in range(5)]
    assert [(row["at"], row["mean_ap"]) for row in rows[6:] if row["run"]] == [(0, 0.4), (2, 0.6)]
    assert (rows[0]["low"], rows[0]["high"]) == (0.6, 0.8)
    assert all(rows[0].keys() == row.keys() for row in rows)


def test_table_2_as_it_is_in_the_paper() -> None:
    rows = propagation_rows({}, 10)
    assert [row["mean_distance"] for row in rows[:6]] == [5.5, 4.7, 4.1, 3.7, 3.5, 3.5]
    assert len(propagation({}, 10).axes) == 1


def test_groups_by_motion_and_missing_scores() -> None:
    scores = {"one": [DistanceScore(0, m, 5, 9, v) for m, v in (("all", 0.5), ("slow", float("nan")))]}
    upper = propagation(scores, 5, limited=True).axes[0]
    assert [line.get_label() for line in upper.get_lines()] == ["all", "slow"]
    assert propagation_rows(scores, 5)[1]["mean_ap"] is None
    assert "LIMITED" in propagation(scores, 5, limited=True).get_supxlabel()


@pytest.mark.parametrize("length", [1, 2])
def test_short_segments(length: int) -> None:
    assert propagation({}, length).axes[0].get_lines()[0].get_ydata().shape == (length,)
