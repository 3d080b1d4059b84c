import numpy as np
import pytest

from vidkit.keyframes.map_statistics import OffsetShare
from vidkit.plots.contribution import RunShares, contribution, contribution_rows

RUNS = [
    RunShares(f"run {g}", g, 0.5, [OffsetShare(o, 9 - o, 0.5**o, 0.1, 0.4**o) for o in range(n)])
    for g, n in ((0.0, 2), (1.0, 5))
]


def test_measured_shares_and_the_closed_form_are_drawn() -> None:
    axes = contribution(RUNS).axes[0]
    for run in RUNS:
        measured = next(line for line in axes.get_lines() if line.get_label() == f"g = {run.gate:g}")
        np.testing.assert_allclose(measured.get_ydata(), [100 * share.share for share in run.shares])
        np.testing.assert_allclose(measured.get_xdata(), range(len(run.shares)))
    dashed = [line for line in axes.get_lines() if line.get_linestyle() == "--"]
    assert [len(line.get_ydata()) for line in dashed] == [2, 5]
    np.testing.assert_allclose(dashed[1].get_ydata(), [100 * 0.4**o for o in range(5)])


def test_there_is_a_row_for_each_point() -> None:
    rows = contribution_rows(RUNS)
    assert len(rows) == 7
    assert rows[0] == {
        "run": "run 0.0",
        "gate": 0.0,
        "mean_weight": 0.5,
        "offset": 0,
        "keyframes": 9,
        "share": 1.0,
        "deviation": 0.1,
        "closed_form": 1.0,
    }


def test_runs_of_one_gate_are_told_apart() -> None:
    both = [RUNS[1], RunShares("other", 1.0, 0.6, RUNS[1].shares)]
    labels = {line.get_label() for line in contribution(both).axes[0].get_lines()}
    assert {"run 1.0, g = 1", "other, g = 1"} <= labels


def test_limited_runs_are_marked_and_none_are_refused() -> None:
    assert "LIMITED" in contribution(RUNS, limited=True).get_supxlabel()
    with pytest.raises(ValueError, match="no runs"):
        contribution([])
