"""The worked example of docs/protocols.md."""

import numpy as np
import pytest

from tests.evaluation.tables_of_frames import index_and_predictions
from vidkit.evaluation.matching import match
from vidkit.evaluation.protocols import FGFA
from vidkit.evaluation.scoring import ranked
from vidkit.evaluation.slices import breakdown

SLOW, FAST, AWAY = (0.0, 0.0, 99.0, 99.0), (400.0, 0.0, 499.0, 99.0), (600.0, 300.0, 699.0, 399.0)
FRAMES = [
    {
        "gt": [(SLOW, 0, 0.95), ((200.0, 0.0, 299.0, 99.0), 0, 0.95), (FAST, 1, 0.5)],
        "det": [((60.0, 0.0, 159.0, 99.0), 0, 0.9), ((440.0, 0.0, 539.0, 99.0), 0, 0.8), (AWAY, 0, 0.7)],
        "size": (800, 600),
    },
    {"gt": [], "det": [(SLOW, 0, 0.6)], "size": (800, 600)},
]


@pytest.mark.parametrize(
    ("rule", "slow", "fast"),
    [
        ("fgfa", [1, 0, 1 / 3, 0.5], [0, 1, 2 / 3, 0.5]),
        ("mega", [1, 1, 1, 0.5], [0, 0, 0, 0.5]),
        ("all", [1, 1, 1, 1], [1, 1, 1, 1]),
        ("none", [0, 0, 0, 0], [0, 0, 0, 0]),
    ],
)
def test_unmatched_detections_weigh_as_the_document_says(rule: str, slow: list[float], fast: list[float]) -> None:
    index, predictions = index_and_predictions(FRAMES, 2)
    protocol = FGFA.with_rule(rule)  # type: ignore[arg-type]  # the parameters are the four literals
    scope = {"fgfa": "frame", "mega": "class"}.get(rule)
    matches = match(index, predictions, protocol, scope)  # type: ignore[arg-type]  # as above
    assert (matches.matched == -1).all()
    rows = ranked(matches)
    groups = {group.name: group for group in breakdown("motion", index, protocol).groups}
    for name, wanted in (("slow", slow), ("fast", fast)):
        weigh = rows.weighing(groups[name])
        in_order = np.empty(4)
        start = rows.ranking.start.tolist()
        in_order[rows.ranking.order] = np.concatenate([weigh(slice(start[c], start[c + 1]), c)[0] for c in (0, 1)])
        np.testing.assert_allclose(in_order, wanted)
