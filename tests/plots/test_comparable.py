"""What may stand in one figure, and what is left out of it."""

import pytest

from tests.makers import make_index, make_predictions
from vidkit.errors import ChoiceError
from vidkit.evaluation.evaluate import evaluate
from vidkit.evaluation.result import EvalResult
from vidkit.plots.comparable import drawable

INDEX = make_index()
RESULT = evaluate(INDEX, make_predictions(INDEX), by=())


def check(_result: EvalResult, name: str) -> None:
    if name.startswith("odd"):
        raise ChoiceError(f"{name}: can't be drawn")


def test_what_can_not_be_drawn_is_left_out_with_a_note() -> None:
    kept, notes = drawable({"odd 1": RESULT, "even": RESULT, "odd 2": RESULT}, check, skip=True)
    assert (list(kept), notes) == (["even"], ["left out: odd 1: can't be drawn", "left out: odd 2: can't be drawn"])


def test_it_is_refused_where_nothing_may_be_left_out() -> None:
    with pytest.raises(ChoiceError, match=r"^odd: can't be drawn$"):
        drawable({"even": RESULT, "odd": RESULT}, check, skip=False)
    assert drawable({"even": RESULT}, check, skip=False) == ({"even": RESULT}, [])


def test_nothing_left_is_refused_with_a_reason() -> None:
    with pytest.raises(ChoiceError, match="none of the runs can be drawn: odd: can't be drawn"):
        drawable({"odd": RESULT, "odd too": RESULT}, check, skip=True)
    with pytest.raises(ChoiceError, match=r"^none of the runs can be drawn$"):
        drawable({}, check, skip=True)
