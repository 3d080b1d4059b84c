from itertools import combinations

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Annotation
from matplotlib.transforms import Bbox

from vidkit.plots.labels import Label, draw_labels

MARKER = 4.0


def figure_of(points: np.ndarray, log: bool = False) -> tuple[Figure, Axes, list[Annotation]]:
    figure = Figure(figsize=(3.5, 2.3), layout="constrained", dpi=100)
    axes = figure.add_subplot()
    if log:
        axes.set_xscale("log")
    axes.plot(points[:, 0], points[:, 1], marker="o", markersize=MARKER)
    axes.set(xlim=axes.get_xlim(), ylim=axes.get_ylim())
    labels = [Label(str(n), (float(x), float(y)), "black") for n, (x, y) in enumerate(points)]
    line = [(float(x), float(y)) for x, y in points]
    return figure, axes, draw_labels(figure, axes, labels, [line], MARKER)


def boxes(figure: Figure, drawn: list[Annotation]) -> list[Bbox]:
    figure.draw_without_rendering()
    return [Annotation.get_window_extent(text) for text in drawn]


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_labels_lie_neither_on_each_other_nor_on_markers_nor_outside(seed: int, log: bool) -> None:
    points = np.random.default_rng(seed).uniform(1, 100, (25, 2))
    figure, axes, drawn = figure_of(points, log)
    found = boxes(figure, drawn)
    assert len(found) > 15
    assert not [pair for pair in combinations(found, 2) if Bbox.intersection(*pair) is not None]
    inside = axes.get_window_extent()
    assert all(inside.x0 <= b.x0 and inside.y0 <= b.y0 and b.x1 <= inside.x1 and b.y1 <= inside.y1 for b in found)
    half = MARKER / 2 * figure.dpi / 72
    for x, y in axes.transData.transform(points):
        marker = Bbox.from_extents(x - half, y - half, x + half, y + half)
        assert not [b for b in found if Bbox.intersection(b, marker) is not None]


def test_a_lone_label_touches_its_marker_nearly() -> None:
    figure, axes, (text,) = figure_of(np.array([[1.0, 1.0]]))
    (box,) = boxes(figure, [text])
    x, y = axes.transData.transform((1.0, 1.0))
    assert np.hypot((box.x0 + box.x1) / 2 - x, (box.y0 + box.y1) / 2 - y) < 12 * figure.dpi / 72


def test_equal_points_have_labels_of_their_own_as_long_as_there_is_room() -> None:
    few, _, drawn = figure_of(np.ones((3, 2)))
    assert len(drawn) == 3
    assert not [pair for pair in combinations(boxes(few, drawn), 2) if Bbox.intersection(*pair) is not None]
    _, _, of_many = figure_of(np.ones((400, 2)))
    assert 3 < len(of_many) < 400
    assert [text.get_text() for text in of_many[:3]] == ["0", "1", "2"]


def test_no_labels() -> None:
    figure = Figure()
    assert draw_labels(figure, figure.add_subplot(), [], [], MARKER) == []
