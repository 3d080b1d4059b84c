"""The figure of flows: a line for each, a panel for each group, the way of the objects behind."""

import pytest

from vidkit.errors import ChoiceError
from vidkit.plots.flow import draw


def row(flow: str, group: str, distance: int, error: float | None) -> dict[str, object]:
    objects = 0 if error is None else 5
    far = None if error is None else 0.25
    motion = None if error is None else 2.0 * distance
    about = {"flow": flow, "group": group, "distance": distance, "objects": objects}
    return about | {"motion": motion, "error": error, "far": far, "seconds": 0.0123}


ROWS = [row(flow, group, n, n * 0.5) for flow in ("zero", "dis") for group in ("all", "fast") for n in (1, 2, 5)]


def test_each_flow_is_a_line_in_the_panel_of_each_group() -> None:
    drawing = draw(ROWS, 4.0)
    panels = [axes for axes in drawing.figure.axes if axes.get_title()]
    assert [axes.get_title() for axes in panels] == ["all", "fast"]
    for axes in panels:
        way, *lines = axes.get_lines()
        assert list(way.get_ydata()) == [2, 4, 10]
        assert [line.get_label() for line in lines] == ["zero", "dis"]
        assert list(lines[0].get_ydata()) == [0.5, 1.0, 2.5]
    assert drawing.told == {"far": 4.0}


def test_the_table_tells_all_rows_those_without_objects_too() -> None:
    drawing = draw([*ROWS, row("dis", "slow", 1, None)], 4.0)
    assert drawing.table is not None
    columns, lines = drawing.table
    assert columns[6] == "> 4 px"
    assert lines[0] == ["zero", "all", "1", "5", "2.00", "0.50", "25 %", "12.3"]
    assert lines[-1] == ["dis", "slow", "1", "0", "–", "–", "–", "12.3"]


def test_without_an_object_there_is_nothing_to_draw() -> None:
    with pytest.raises(ChoiceError, match="nothing to draw"):
        draw([row("dis", "all", 1, None)], 4.0)
