"""Results of runs that nobody ran: scores of made-up predictions, with given speeds."""

from dataclasses import replace
from typing import Any

from tests.makers import make_index, make_predictions
from vidkit.evaluation.evaluate import evaluate
from vidkit.evaluation.result import EvalResult

INDEX = make_index(seed=3, videos=6, frames=20)


def make_result(
    detector: str = "impression",
    length: int | None = 10,
    speed: float | None = 20.0,
    ci: int = 0,
    limited: bool = False,
    **environment: Any,
) -> EvalResult:
    """A result, timed unless `speed` is None."""
    run = {
        "detector": detector,
        "options": {} if length is None else {"length": length},
        "environment": {"device": "cpu", "cpu": "Z80", "threads": 1, "input_size": "tiny", **environment},
        "scenario": "stream",
        "limited": limited,
        "frames_per_second": speed,
        "look_ahead_max": 0 if length is None else length // 2,
    }
    return replace(evaluate(INDEX, make_predictions(INDEX), by=("motion",), ci=ci), run=run)
