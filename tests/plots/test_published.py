from vidkit.evaluation.protocols import PROTOCOLS
from vidkit.plots.published import PublishedRun, published_panels, published_runs
from vidkit.plots.speed_accuracy import speed_accuracy
from vidkit.plots.speed_points import SpeedPoint


def run(
    method: str, ms: float | None, device: str = "a card", batch: int | None = 1, protocol: str = "fgfa"
) -> PublishedRun:
    return PublishedRun(method, 70.0, None, None, None, ms, device, batch, protocol, "a paper")


def test_every_number_has_a_source_and_can_be_one() -> None:
    runs = published_runs()
    assert len(runs) > 50
    for each in runs:
        assert each.source and 50 < each.ap50 < 100
        assert each.protocol in (*PROTOCOLS, "repp", "")
        assert each.milliseconds is None or 1 < each.milliseconds < 1000
        groups = [each.slow, each.medium, each.fast]
        assert groups == [None] * 3 or None not in groups
        assert None in groups or each.slow > each.medium > each.fast  # type: ignore[operator]  # None was asked for
    assert len({(r.method, r.device, r.batch, r.protocol, r.source) for r in runs}) == len(runs)


def test_only_what_shares_device_batch_and_protocol_stands_together() -> None:
    runs = [run("a", 10), run("b", 20), run("c", 10, batch=32), run("d", 10, protocol="mega"), run("e", 10, "another")]
    runs += [run("f", None), run("g", 10, ""), run("h", 10, ""), run("i", 5, batch=None), run("j", 6, batch=None)]
    panels = {name: [one.method for one in some] for name, some in published_panels(runs).items()}
    assert panels == {
        "a card, batch 1, protocol fgfa": ["a", "b"],
        "a card, batch not told, protocol fgfa": ["i", "j"],
    }
    assert run("a", 10).frames_per_second == 100


def test_published_runs_stand_in_panels_of_their_own() -> None:
    mine = [SpeedPoint("mine", 12, 0.7, protocol="fgfa")]
    others = [run("a", 10), run("b", 20), run("c", 10, "another"), run("d", 4, "another"), run("alone", 1, "a third")]
    first, *panels = speed_accuracy(mine, published=others).axes
    assert [panel.get_title(loc="left") for panel in panels] == list(published_panels(others))
    assert sorted(panels[0].get_lines()[0].get_xdata()) == [50, 100]
    assert [line.get_label() for line in first.get_lines() if line.get_label()[0] != "_"] == ["mine", "Pareto front"]
    assert {text.get_text() for text in panels[1].texts} == {"c", "d"}
