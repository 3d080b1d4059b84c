import csv
from dataclasses import replace

import pytest

from tests.makers import make_index, make_predictions
from vidkit.errors import ChoiceError
from vidkit.evaluation.evaluate import evaluate
from vidkit.plots.figure import COLUMN_WIDTH, write_figure
from vidkit.plots.speed_accuracy import speed_accuracy, speed_accuracy_rows
from vidkit.plots.speed_points import SpeedPoint, check_comparable, curves, pareto, speed_point


def point(method: str, speed: float, score: float, length: int | None = None, **changes: object) -> SpeedPoint:
    options = {} if length is None else {"length": length}
    made = SpeedPoint(
        method, speed, score, options=options, protocol="fgfa", scenario="stream", source=f"{method}{length}"
    )
    return replace(made, **changes)  # type: ignore[arg-type]


RUNS = [
    point("dff", 20, 0.73, 10),
    point("dff", 7, 0.74, 1, interval=(0.7, 0.78), speed_interval=(6.5, 8)),
    point("impression", 19, 0.755, 10, look_ahead=5),
    point("per-frame", 6, 0.742),
]


def lines(points):
    """Label → (x, y) of the drawn lines that stand in the legend."""
    axes = speed_accuracy(points).axes[0]
    return {line.get_label(): line.get_xydata().tolist() for line in axes.get_lines() if line.get_label()[0] != "_"}


def test_there_is_a_curve_for_each_method_ordered_by_length():
    drawn = lines(RUNS)
    assert drawn["dff"] == [[7, 74], [20, 73]]
    assert set(drawn) == {"dff", "impression", "per-frame", "Pareto front"}


def test_points_are_labelled_with_their_length():
    axes = speed_accuracy(RUNS).axes[0]
    assert sorted(text.get_text() for text in axes.texts if text.get_text()) == ["1", "10", "10"]


def test_the_per_frame_point_is_marked_as_none_else():
    axes = speed_accuracy(RUNS).axes[0]
    markers = {line.get_label(): line.get_marker() for line in axes.get_lines()}
    assert markers["per-frame"] == "*"
    assert markers["dff"] != markers["impression"] != "*"


def test_intervals_are_drawn_where_there_are_some():
    axes = speed_accuracy(RUNS).axes[0]
    drawn = [line.get_xydata().tolist() for line in axes.get_lines() if len(line.get_xydata()) == 2]
    assert [[7, 70], [7, 78]] in drawn
    assert [[6.5, 74], [8, 74]] in drawn


def test_other_options_part_a_method():
    runs = [replace(p, options={"length": 5, "gate": gate}) for p in RUNS[:1] for gate in (0.5, 1.0)]
    assert list(curves(runs)) == ["dff gate=0.5", "dff gate=1.0"]


def naive_pareto(points):
    return [
        p
        for p in points
        if not any(
            q.frames_per_second >= p.frames_per_second
            and q.mean_ap >= p.mean_ap
            and (q.frames_per_second, q.mean_ap) != (p.frames_per_second, p.mean_ap)
            for q in points
        )
    ]


def test_the_pareto_front():
    assert [p.source for p in pareto(RUNS)] == ["impression10", "dff10"]
    assert sorted(p.source for p in pareto(RUNS)) == sorted(p.source for p in naive_pareto(RUNS))


@pytest.mark.parametrize("seed", range(10))
def test_the_pareto_front_equals_its_definition(seed):
    import random

    numbers = random.Random(seed)
    points = [point(str(n), numbers.randint(1, 9), numbers.randint(1, 9) / 10) for n in range(seed * 2)]
    front = pareto(points)
    wanted = {(p.frames_per_second, p.mean_ap) for p in naive_pareto(points)}
    assert {(p.frames_per_second, p.mean_ap) for p in front} == wanted
    assert len(front) == len(wanted)


@pytest.mark.parametrize("name", ["device", "scenario", "image_size", "data"])
def test_runs_that_differ_are_refused_unless_told(name):
    runs = [RUNS[0], replace(RUNS[1], **{name: "another"})]
    with pytest.raises(ChoiceError, match=f"differ in {name.replace('_', ' ')}.*another: dff1.*--mix"):
        check_comparable(runs)
    check_comparable(runs, mix=True)


def test_protocols_are_never_mixed():
    with pytest.raises(ChoiceError, match="differ in protocol"):
        check_comparable([RUNS[0], replace(RUNS[1], protocol="voc")], mix=True)


def test_limited_runs_are_marked():
    assert "LIMITED RUNS" in speed_accuracy([RUNS[0], replace(RUNS[1], limited=True)]).get_supxlabel()


def test_a_figure_of_no_points_is_a_mistake():
    with pytest.raises(ValueError, match="no points"):
        speed_accuracy([])


@pytest.mark.parametrize(
    "points", [RUNS[:1], RUNS[3:], [RUNS[0]] * 2, [replace(RUNS[0], frames_per_second=1000), RUNS[0]]]
)
def test_degenerate_figures_are_drawn(points, tmp_path):
    write_figure([tmp_path / "a.png"], speed_accuracy(points), speed_accuracy_rows(points))


def test_pictures_have_a_csv_of_what_they_show_beside_them(tmp_path):
    paths = [tmp_path / f"figure.{ending}" for ending in ("png", "svg", "pdf")]
    written = write_figure(paths, speed_accuracy(RUNS), speed_accuracy_rows(RUNS))
    assert written == [*paths, tmp_path / "figure.csv"]
    assert paths[0].read_bytes()[:4] == b"\x89PNG"
    assert b"<svg" in paths[1].read_bytes()
    assert paths[2].read_bytes()[:4] == b"%PDF"
    with written[-1].open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["curve"], row["length"], float(row["mean_ap"]), row["pareto"]) for row in rows] == [
        ("dff", "1", 0.74, "False"),
        ("dff", "10", 0.73, "True"),
        ("impression", "10", 0.755, "True"),
        ("per-frame", "", 0.742, "False"),
    ]


def test_the_same_numbers_give_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        figure = speed_accuracy(RUNS)
        write_figure([tmp_path / f"{name}.{e}" for e in ("png", "svg", "pdf")], figure, speed_accuracy_rows(RUNS))
    for ending in ("png", "svg", "pdf", "csv"):
        assert (tmp_path / f"a.{ending}").read_bytes() == (tmp_path / f"b.{ending}").read_bytes()


def test_one_column_is_the_default_width():
    assert speed_accuracy(RUNS).get_figwidth() == COLUMN_WIDTH
    assert speed_accuracy(RUNS, width=7).get_figwidth() == 7


def test_an_unknown_kind_of_picture_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(ChoiceError, match=r"figure\.gif: can't draw \.gif; wanted png, svg, pdf"):
        write_figure([tmp_path / "a.png", tmp_path / "figure.gif"], speed_accuracy(RUNS), [])
    assert list(tmp_path.iterdir()) == []


def test_a_result_becomes_a_point():
    index = make_index()
    result = evaluate(index, make_predictions(index))
    run = {
        "detector": "dff",
        "options": {"length": 5},
        "frames_per_second": 12.5,
        "look_ahead_max": 2,
        "scenario": "stream",
        "environment": {"device": "cpu", "cpu": "a chip", "image_size": "320x240"},
    }
    made = speed_point(replace(result, run=run), "runs/dff")
    assert (made.method, made.length, made.frames_per_second, made.mean_ap) == ("dff", 5, 12.5, result.mean_ap)
    assert (made.device, made.image_size, made.look_ahead) == ("cpu, a chip", "320x240", 2)
    assert (made.interval, made.speed_interval) == (None, None)
    with_ends = speed_point(replace(result, run=run | {"frames_per_second_interval": [12, 13.5]}), "runs/dff")
    assert with_ends.speed_interval == (12.0, 13.5)
    with pytest.raises(ChoiceError, match="runs/mine: was not timed"):
        speed_point(result, "runs/mine")
