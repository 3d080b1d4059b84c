from pathlib import Path

from vidkit.plots.figure import sheet, write_figure

ROOT = Path(__file__).parent.parent.parent


def test_pyplot_is_never_imported() -> None:
    modules = list((ROOT / "vidkit" / "plots").glob("*.py"))
    assert modules
    assert [module.name for module in modules if "import pyplot" in module.read_text()] == []


def test_names_are_drawn_as_they_are(tmp_path: Path) -> None:
    with sheet(3, 2) as figure:
        axes = figure.add_subplot()
        axes.bar([r"$\frac{", "\x1b[31mred"], [1, 2])
        axes.set_xscale("linear")
        axes.set_yscale("log")
        axes.set_title("$x")
        figure.legend(axes.patches, ["a $ b $", r"$\nonsense$"])
        write_figure([tmp_path / "a.svg", tmp_path / "a.png"], figure, [{"class": r"$\frac{"}])
    drawn = (tmp_path / "a.svg").read_text()
    assert "\x1b" not in drawn
    assert r"$\nonsense$" in drawn
