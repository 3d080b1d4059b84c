from dataclasses import replace

import pytest

from tests.makers import make_index, make_predictions
from vidkit.errors import ChoiceError
from vidkit.evaluation.evaluate import evaluate
from vidkit.evaluation.result import EvalResult
from vidkit.plots.gate import draw, gate_of, gate_points

INDEX = make_index(videos=8)
PLAIN = evaluate(INDEX, make_predictions(INDEX), by=())
WITH_INTERVAL = evaluate(INDEX, make_predictions(INDEX, 1), by=(), ci=10)


def result_of(value: object, base: EvalResult = PLAIN, limited: bool = False, **options: object) -> EvalResult:
    run = {"detector": "impression", "options": {"gate": value, **options}, "limited": limited}
    return replace(base, run=run)


def test_points_are_in_the_order_of_the_gate_with_their_intervals() -> None:
    results = {"b": result_of(1.0), "a": result_of(0, WITH_INTERVAL), "c": result_of(0.5)}
    points = gate_points(results)
    assert [(point.run, point.gate) for point in points] == [("a", 0.0), ("c", 0.5), ("b", 1.0)]
    assert WITH_INTERVAL.overall.interval is not None
    assert (points[0].low, points[0].high) == pytest.approx(tuple(WITH_INTERVAL.overall.interval.mean_ap))
    assert points[1].low is None
    figure = draw(results).figure
    (line,) = figure.axes[0].get_lines()
    assert list(line.get_ydata()) == [100 * point.mean_ap for point in points]
    assert len(figure.axes[0].collections) == 1
    made = draw({"b": result_of(1.0), "a": result_of(0), "none": PLAIN}, skip=True)
    assert [row["gate"] for row in made.rows] == [0.0, 1.0]


def test_other_options_part_the_curves() -> None:
    results = {f"{g} {n}": result_of(g, length=n) for g in (0.0, 1.0) for n in (5, 10)}
    assert [point.curve for point in gate_points(results)] == [f"impression length={n}" for n in (10, 10, 5, 5)]
    assert len(draw(results).figure.axes[0].get_lines()) == 2


@pytest.mark.parametrize("value", [None, "1", True, -0.1, 1.1, float("nan")])
def test_what_is_no_gate(value: object) -> None:
    assert gate_of({"gate": value}) is None
    with pytest.raises(ChoiceError, match="a: its run has no option gate"):
        gate_points({"a": result_of(value)})


def test_runs_that_do_not_belong_together_are_refused() -> None:
    with pytest.raises(ChoiceError, match=r"a, b: both are impression with gate 0.5"):
        gate_points({"a": result_of(0.5), "b": result_of(0.5)})
    other = make_index(seed=1)
    elsewhere = evaluate(other, make_predictions(other), by=())
    with pytest.raises(ChoiceError, match="differ in data"):
        gate_points({"a": result_of(0), "b": result_of(1, elsewhere)})
    voc = evaluate(INDEX, make_predictions(INDEX), "voc", by=())
    with pytest.raises(ChoiceError, match="differ in rules"):
        gate_points({"a": result_of(0), "b": result_of(1, voc)})
    made = draw({"a": result_of(0, limited=True)})
    assert "LIMITED" in made.figure.get_supxlabel() and made.told == {"limited": True}
    with pytest.raises(ChoiceError, match="none of the runs can be drawn"):
        draw({})
