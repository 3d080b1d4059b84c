import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.makers import make_index, make_predictions
from vidkit.errors import FormatError, PredictionError
from vidkit.keyframes.costs import (
    GFLOP_600X1000,
    StageCosts,
    approximate_cost_ratio,
    cost_ratio,
    flow_cost_ratio,
    measured_ratio,
    read_stage_times,
)
from vidkit.predictions.table import FrameTimes, Predictions, RunInfo

COST = st.floats(0.01, 100)


def simulated_cost(costs: StageCosts, length: int) -> float:
    """Count the calls of a segment one by one (Alg. 1): l flows, one of them for the impression."""
    total = costs.feature
    total += costs.flow + costs.warp + costs.aggregation  # the impression
    for frame in range(length):
        total += costs.task
        if frame != length // 2:
            total += costs.flow + costs.warp
    return total / (length * (costs.feature + costs.task))


@given(costs=st.builds(StageCosts, COST, COST, COST, COST, COST), length=st.integers(1, 40))
def test_cost_ratios_equal_the_count_of_calls(costs: StageCosts, length: int) -> None:
    assert cost_ratio(costs, length) == pytest.approx(simulated_cost(costs, length))
    impression = (costs.flow + costs.warp + costs.aggregation) / (length * (costs.feature + costs.task))
    assert flow_cost_ratio(costs, length) == pytest.approx(cost_ratio(costs, length) - impression)


@given(costs=st.builds(StageCosts, COST, COST, st.just(0.0)), length=st.integers(1, 40))
def test_the_estimate_is_exact_where_all_else_is_negligible(costs: StageCosts, length: int) -> None:
    assert approximate_cost_ratio(costs, length) == pytest.approx(cost_ratio(costs, length))


@pytest.mark.parametrize(
    ("length", "estimate", "exact"),
    [(1, 1.08, 1.15), (2, 0.58, 0.62), (5, 0.28, 0.30), (10, 0.179, 0.197), (20, 0.129, 0.145)],
)
def test_flop_ratios_of_the_paper_network(length: int, estimate: float, exact: float) -> None:
    assert approximate_cost_ratio(GFLOP_600X1000, length) == pytest.approx(estimate, abs=0.006)
    assert cost_ratio(GFLOP_600X1000, length) == pytest.approx(exact, abs=0.006)


@pytest.mark.parametrize("costs", [(0, 1, 1), (1, -1, 1), (1, float("nan"), 1), (float("inf"), 1, 1)])
def test_impossible_costs_are_refused(costs: tuple[float, float, float]) -> None:
    with pytest.raises(ValueError, match="cost"):
        StageCosts(*costs)


GOOD = {
    "format": "vidkit-stage-times",
    "version": 1,
    "source": "one GPU",
    "seconds": {"feature": 0.14, "flow": 0.02, "task": 0.016},
}


def written(folder: Path, content: Any) -> Path:
    path = folder / "times.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def test_stage_times_are_read(tmp_path: Path) -> None:
    costs, source = read_stage_times(written(tmp_path, GOOD))
    assert costs == StageCosts(feature=0.14, flow=0.02, task=0.016)
    assert source == "one GPU"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("not json", "wanted a JSON file of stage times"),
        ("[" * 100_000, "nested too deep"),
        ([], "wanted an object"),
        (GOOD | {"format": "other"}, "wanted an object"),
        (GOOD | {"version": 2}, "version 2"),
        (GOOD | {"seconds": None}, "wanted an object with feature"),
        (GOOD | {"seconds": {"feature": 1, "flow": 1}}, "wanted an object with feature"),
        (GOOD | {"seconds": {"feature": 1, "flow": 1, "task": 1, "other": 1}}, "no others"),
        (GOOD | {"seconds": {"feature": True, "flow": 1, "task": 1}}, "feature is True"),
        (GOOD | {"seconds": {"feature": "1", "flow": 1, "task": 1}}, "feature is '1'"),
        (GOOD | {"seconds": {"feature": 10**400, "flow": 1, "task": 1}}, "seconds"),
        (GOOD | {"seconds": {"feature": -1, "flow": 1, "task": 1}}, "cost of feature: -1"),
        ('{"format": "vidkit-stage-times", "version": 1, "seconds": {"feature": NaN, "flow": 1, "task": 1}}', "nan"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, content: Any, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        read_stage_times(written(tmp_path, content))
    with pytest.raises(FormatError, match=r"missing\.json: can't be read"):
        read_stage_times(tmp_path / "missing.json")


def timed(detector: str, seconds: float, options: dict[str, Any] | None = None, device: str = "cpu") -> Predictions:
    """A run of 36 frames, the first 12 of them warm-up and slow."""
    index = make_index()
    times = FrameTimes(
        compute_seconds=np.where(np.arange(index.n_frames) < 12, 100.0, seconds),
        decode_seconds=np.zeros(index.n_frames),
        look_ahead=np.zeros(index.n_frames, np.int32),
        warm_up=np.arange(index.n_frames) < 12,
    )
    run = RunInfo(detector, options or {}, {"device": device}, "stream")
    return dataclasses.replace(make_predictions(index), times=times, run=run)


def test_ratios_are_measured_and_predicted() -> None:
    per_frame = timed("per-frame", 0.2)
    found = measured_ratio(timed("impression", 0.05, {"length": 10}), per_frame, GFLOP_600X1000)
    assert (found.detector, found.length) == ("impression", 10)
    assert (found.seconds_per_frame, found.ratio) == pytest.approx((0.05, 0.25))
    assert found.predicted == cost_ratio(GFLOP_600X1000, 10)
    flow = measured_ratio(timed("dff", 0.05, {"length": 5}), per_frame, GFLOP_600X1000)
    assert flow.predicted == flow_cost_ratio(GFLOP_600X1000, 5)
    for other in (timed("fgfa", 0.4, {"length": 5}), timed("impression", 0.4), timed("dff", 0.4, {"length": "x"})):
        assert measured_ratio(other, per_frame, GFLOP_600X1000).predicted is None


def test_runs_that_cannot_be_compared_are_refused() -> None:
    per_frame = timed("per-frame", 0.2)
    with pytest.raises(PredictionError, match="device is cuda in one and cpu in the other"):
        measured_ratio(timed("dff", 0.1, device="cuda"), per_frame, GFLOP_600X1000)
    with pytest.raises(PredictionError, match="an unnamed detector hold no times"):
        measured_ratio(make_predictions(make_index()), per_frame, GFLOP_600X1000)
