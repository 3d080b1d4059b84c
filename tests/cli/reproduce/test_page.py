import csv
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from vidkit_cli.reproduce.page import Reproduction, write_report
from vidkit_cli.reproduce.plan import ARTICLES, Grid
from vidkit_cli.reproduce.steps import CommandStep

from tests.cli.reproduce.made_results import INDEX, make_result


@pytest.fixture
def found(tmp_path: Path) -> Reproduction:
    Image.new("RGB", (40, 30)).save(tmp_path / "figure8.png")
    return Reproduction(
        folder=tmp_path,
        articles=ARTICLES,
        grid=Grid(),
        index=INDEX,
        results={"per-frame": make_result("per-frame", None), "impression-l10": make_result(ci=20)},
        networks={
            "impression": {
                "build": {"blocks": [1, 2], "channels": 128, "stride": 8, "shorter": 128, "longer": 160},
                "parameters": {"feature": 900_000, "flow": 700_000},
                "notes": {"settings": {"iterations": 20, "rate": 0.1}, "indices": ["abcdefghijkl"], "origin": "here"},
            },
            "per-frame": {},
        },
        steps=[CommandStep("figure8", ("plot", "speed-accuracy", Path("/a place/x.h5")), (), ())],
        absent={"table3": ["fgfa"]},
    )


def read(found: Reproduction, name: str) -> str:
    return (found.folder / name).read_text(encoding="utf-8")


def test_the_page_is_one_file_with_tables_and_pictures(found):
    write_report(found)
    page = read(found, "report.html")
    assert page.count("data:image/png;base64,") == 1
    assert "<link" not in page
    assert "<script" not in page
    for text in (
        "GTX 1060",
        "cpu, Z80, 1 threads",
        "20 drawings of videos",
        "Left out for want of a checkpoint: fgfa.pt",
    ):
        assert text in page
    assert "![speed and accuracy](figure8.png)" in read(found, "report.md")


def test_each_table_is_a_csv_and_a_markdown_table(found):
    names = [path.name for path in write_report(found)]
    assert names == ["report.md", "report.html"] + [
        f"{table}.{ending}" for table in ("table1", "table2", "table3", "runs") for ending in ("csv", "md")
    ]
    rows = list(csv.DictReader(read(found, "table1.csv").splitlines()))
    assert [(row["row"], row["paper_mean_ap"]) for row in rows] == [("a", "0.742"), ("d", "0.755")]
    assert read(found, "table1.md").count("\n") == 4


def test_networks_say_how_they_were_trained(found):
    write_report(found)
    page = read(found, "report.md")
    assert "| impression.pt | 1.6 | 1-2 | 128 | 8 | 128 to 160 | iterations 20, rate 0.1, on index abcdefgh" in page
    assert "origin: here" in page
    assert "not told" in page


def test_a_limited_run_and_a_failed_step_are_told_first(found):
    results = {"per-frame": make_result("per-frame", None, limited=True)}
    write_report(replace(found, results=results, failed=["benchmark dff-l3: vidkit benchmark dff (exit code 1)"]))
    for name in ("report.md", "report.html"):
        page = read(found, name)
        assert page.index("LIMITED RUN") < page.index("FAILED: benchmark dff-l3") < page.index("What differs")


def test_without_any_result_the_page_says_so(found):
    (found.folder / "figure8.png").unlink()
    names = [path.name for path in write_report(replace(found, results={}, networks={}))]
    assert names == ["report.md", "report.html"]
    assert read(found, "report.md").count("Nothing to show.") == len(ARTICLES)


def test_names_that_are_markup_are_shown_as_they_are(found):
    results = {"per-frame": make_result("<b>|`x`\n\\|", None, cpu="<script>alert(1)</script>")}
    write_report(replace(found, results=results))
    page, text = read(found, "report.html"), read(found, "report.md")
    assert "<script" not in page
    assert "&lt;b&gt;" in page
    assert "\\<b\\>\\|\\`x\\` \\\\\\|" in text


def test_runs_on_two_devices_are_both_told(found):
    results = {"per-frame": make_result("per-frame", None), "impression-l10": make_result(device="NVIDIA X")}
    write_report(replace(found, results=results))
    assert "cpu, Z80, 1 threads" in read(found, "report.md")
    assert "or NVIDIA X" in read(found, "report.md")
