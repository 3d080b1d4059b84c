"""What is no choice is refused with the choices, by every function that takes it."""

from typing import Any

import pytest

from tests.makers import make_index, make_predictions
from vidkit.errors import ChoiceError
from vidkit.evaluation.compare import compare
from vidkit.evaluation.curves import precision_recall
from vidkit.evaluation.delay import average_delay
from vidkit.evaluation.distance import scheduled_distances, scores_by_distance
from vidkit.evaluation.errors_by_type import decompose
from vidkit.evaluation.evaluate import evaluate
from vidkit.evaluation.protocols import FGFA, protocol_named
from vidkit.evaluation.streaming import stream

INDEX = make_index()
RUN = make_predictions(INDEX)

FUNCTIONS = {
    "evaluate": lambda **given: evaluate(INDEX, RUN, **given),
    "compare": lambda **given: compare(INDEX, RUN, RUN, **{"ci": 0, **given}),
    "decompose": lambda **given: decompose(INDEX, RUN, **given),
    "precision_recall": lambda **given: precision_recall(INDEX, RUN, **given),
}


@pytest.mark.parametrize("protocol", ["fgfa", FGFA])
@pytest.mark.parametrize("function", FUNCTIONS)
def test_an_unknown_rule_for_unmatched_detections_is_refused(function: str, protocol: Any) -> None:
    with pytest.raises(ChoiceError, match=r"no rule 'meag' .*did you mean 'mega'.*there are fgfa, mega, all, none"):
        FUNCTIONS[function](protocol=protocol, fp_rule="meag")


@pytest.mark.parametrize("function", FUNCTIONS)
def test_bins_that_nothing_uses_are_refused(function: str) -> None:
    with pytest.raises(ChoiceError, match=r"bins for area, but nothing is broken down by that; used: \['motion'\]"):
        FUNCTIONS[function](by="motion", bins={"area": (32.0,)})


@pytest.mark.parametrize("function", FUNCTIONS)
def test_several_breakdowns_may_be_one_text(function: str) -> None:
    FUNCTIONS[function](by="motion,class")


@pytest.mark.parametrize(("ci", "seed"), [(-5, 0), (10, -1)])
def test_a_negative_number_of_resamplings_is_refused(ci: int, seed: int) -> None:
    distances = scheduled_distances(INDEX, 4)
    for function in (
        lambda: evaluate(INDEX, RUN, ci=ci, seed=seed),
        lambda: compare(INDEX, RUN, RUN, ci=ci, seed=seed),
        lambda: scores_by_distance(INDEX, RUN, distances, ci=ci, seed=seed),
    ):
        with pytest.raises(ValueError, match="wanted a number of resamplings, as 1000, or 0 for no intervals"):
            function()


def test_other_words_are_refused_with_those_that_are_known() -> None:
    wrong: Any = "box"
    with pytest.raises(ValueError, match="wanted object or frame"):
        average_delay(INDEX, RUN, per=wrong)
    with pytest.raises(ValueError, match="wanted newest, every or None"):
        stream(INDEX, RUN, 30.0, wrong)
    with pytest.raises(ChoiceError, match="no rule 'box'"):
        protocol_named("fgfa", wrong)
