import numpy as np
import pytest

from tests.keyframes.test_weight_maps import make_maps
from tests.makers import make_index
from vidkit.keyframes.map_statistics import KeyframeWeight, keyframe_weights
from vidkit.plots.figure import COLUMN_WIDTH
from vidkit.plots.weight_maps import (
    GROUPS,
    PicturedKeyframe,
    chosen,
    distribution,
    sorted_by_weight,
    weights,
    weights_rows,
)


def keyframe(place: int, mean: float, objects: list[float]) -> KeyframeWeight:
    return KeyframeWeight(place, "video", place, mean, mean - 0.1, mean + 0.1, np.array(objects))


MANY = [keyframe(k, 0.3 + 0.01 * ((7 * k) % 20), [] if k % 4 == 0 else [0.9 - 0.02 * k]) for k in range(20)]


def test_keyframes_are_sorted_by_the_mean_asked_for() -> None:
    by_map = sorted_by_weight(MANY, at_objects=False)
    assert [each.mean for each in by_map] == sorted(each.mean for each in MANY)
    by_objects = sorted_by_weight(MANY, at_objects=True)
    assert len(by_objects) == 15
    assert [each.mean_at_objects for each in by_objects] == sorted(each.mean_at_objects for each in by_objects)


@pytest.mark.parametrize("n", range(13))
def test_each_is_chosen_once_and_in_order(n: int) -> None:
    keyframes = sorted_by_weight(MANY, at_objects=False)[:n]
    groups = chosen(keyframes)
    shown = [each for name in GROUPS for each in groups[name]]
    assert shown == sorted(shown, key=lambda each: each.mean)
    assert len({each.keyframe for each in shown}) == len(shown) == min(n, 9)
    assert groups["lowest"] == keyframes[: min(n, 3)]
    if n >= 6:
        assert groups["highest"] == keyframes[-3:]


def test_there_is_a_row_for_each_keyframe_and_bin() -> None:
    cells = np.linspace(0.2, 0.8, 101)
    rows = weights_rows(MANY, cells, at_objects=True)
    keyframes = [row for row in rows if row["panel"] == "keyframe"]
    assert len(keyframes) == 20
    assert [row["mean_at_objects"] for row in keyframes[15:]] == [None] * 5
    assert sum(row["pictured"] is not None for row in keyframes) == 9
    bins = [row for row in rows if row["panel"] == "distribution"]
    assert sum(row["cells"] for row in bins) == pytest.approx(1)
    assert sum(row["at_objects"] for row in bins) == pytest.approx(1)
    assert all(rows[0].keys() == row.keys() for row in rows)


def test_the_distribution_is_that_of_the_loop() -> None:
    cells = np.random.default_rng(0).random(200)
    edges, shares, _ = distribution([], cells)
    for place, share in enumerate(shares):
        last = place == len(shares) - 1
        inside = [v for v in cells if edges[place] <= v and (v < edges[place + 1] or last)]
        assert share == pytest.approx(len(inside) / 200)


@pytest.mark.parametrize("cells", [np.zeros(0), np.full(5, 0.5)])
def test_nothing_and_one_value_can_be_drawn(cells: np.ndarray) -> None:
    edges, shares, _ = distribution([], cells)
    assert (np.diff(edges) > 0).all()
    assert shares.sum() == pytest.approx(float(len(cells) > 0))
    assert weights([], cells, {}).get_figwidth() == COLUMN_WIDTH


def test_pictures_stand_above_the_distribution() -> None:
    maps, index = make_maps(), make_index(videos=2, frames=10)
    keyframes = keyframe_weights(maps, index)
    pictured = [
        PicturedKeyframe(
            each, np.zeros((24, 32, 3), np.uint8), maps.map_of(each.keyframe), 8.0, np.array([[1.0, 1, 9, 9]])
        )
        for each in keyframes
    ]
    cells = maps.map_of(1).ravel()
    figure = weights(keyframes, cells, {"lowest": pictured, "middle": [], "highest": []}, "a run", limited=True)
    assert len(figure.axes) == 3
    assert figure.axes[0].get_ylabel() == "lowest"
    assert figure.axes[0].get_title().startswith(f"{keyframes[0].mean:.3f}")
    assert "LIMITED" in figure.get_supxlabel()
