import pytest
from vidkit_cli.reproduce.plan import (
    ARTICLES,
    CHECKPOINTS,
    Grid,
    all_runs,
    dff,
    impression,
    missing,
    per_frame,
    runs_of,
    table_1,
    table_3,
)

GRID = Grid()


def test_all_tables_and_figures_take_these_runs():
    runs = all_runs(ARTICLES, GRID)
    # per-frame; l = 1 … 20 of two methods; fixed, frozen; ids 0 … 4 beside the centre; g = 0 … 0.875; FGFA twice
    assert len(runs) == 1 + 2 * 20 + 2 + 5 + 8 + 2
    assert {run.checkpoint for run in runs} == set(CHECKPOINTS)


def test_one_name_is_one_run():
    runs = [run for article in ARTICLES for run in runs_of(article, GRID)]
    assert len({run.name for run in runs}) == len(set(runs))


def test_the_central_key_and_a_gate_of_one_are_the_run_of_table_1():
    assert impression(10, key_id=5, gate=1.0) == impression() == table_1()["d"]
    assert impression().options == ("length=10",)
    assert impression(key_id=3).options == ("length=10", "key_id=3")
    assert impression(gate=0.125).name == "impression-l10-g0.125"


def test_weight_maps_are_recorded_where_figures_need_them():
    drawn = {run for article in ("figure4", "figure6") for run in runs_of(article, GRID)}
    assert all(run.weights for run in drawn)
    assert not any(run.weights for run in (dff(), per_frame(), impression(5), impression(key_id=0)))


def test_deep_feature_flow_has_the_central_key_of_table_1():
    assert "key_id=none" in dff(4).options


@pytest.mark.parametrize(
    ("gates", "drawn"),
    [
        (GRID.gates, (0, 0.25, 0.5, 0.75, 1)),
        ((0.0, 0.5, 1.0), (0, 0.5, 1)),
        ((1.0,), (1,)),
        ((0.0, 0.1, 0.2, 0.3, 0.4, 1.0), (0.1, 0.3, 1)),
    ],
)
def test_figure_6_has_five_lines_at_most_and_the_last_gate(gates, drawn):
    runs = runs_of("figure6", Grid(gates=gates))
    assert runs == [impression(gate=gate) for gate in drawn]


def test_what_lacks_its_checkpoint_is_told_in_order():
    assert missing(all_runs(ARTICLES, GRID), ["impression", "per-frame"]) == [
        "dff",
        "impression-fixed",
        "impression-frozen",
        "fgfa",
    ]
    assert missing([table_3()["fgfa-fast"]], ["fgfa"]) == []
    assert missing([], []) == []
