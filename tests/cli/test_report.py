import json
from pathlib import Path

import pytest
from vidkit_cli.console import report_errors
from vidkit_cli.main import vidkit

from tests.cli.reproduce.made_results import make_result
from vidkit.evaluation.result import write_result


@pytest.fixture(autouse=True)
def runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_result(Path("runs/per-frame/result.json"), make_result("per-frame", None, speed=10.0, ci=20))
    write_result(Path("runs/impression/result.json"), make_result(speed=25.0, ci=20))


def test_a_page_of_all_runs_with_its_figures(capsys):
    assert report_errors(vidkit, ["report"]) == 0
    assert capsys.readouterr().out == "runs/report/report.html\n"
    page = Path("runs/report/report.html").read_text()
    assert page.count("data:image/png") == 2
    assert '<td class="left">per-frame</td>' in page
    assert "cpu, Z80" in page
    assert "![Speed and accuracy](speed-accuracy.png)" in Path("runs/report/report.md").read_text()
    assert Path("runs/report/runs.csv").read_text().startswith("run,detector,length,mean_ap,low,high")
    assert report_errors(vidkit, ["report"]) == 0  # the page isn't taken for a run


def test_one_run_into_a_folder(capsys):
    assert report_errors(vidkit, ["report", "impression", "-o", "page", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["runs"] == ["impression"]
    assert all(Path(file).is_file() for file in told["files"])


def test_a_figure_that_can_not_be_drawn_is_left_out_and_said():
    write_result(Path("runs/gpu/result.json"), make_result(device="NVIDIA X", length=5))
    assert report_errors(vidkit, ["report", "-o", "page"]) == 0
    page = Path("page/report.md").read_text()
    assert "Left out: the runs differ in device" in page
    assert "; or cpu, Z80" in page


def test_limited_runs_are_marked():
    write_result(Path("runs/part/result.json"), make_result(limited=True))
    assert report_errors(vidkit, ["report", "part", "-o", "page"]) == 0
    assert "**LIMITED: part: limited run" in Path("page/report.md").read_text()


def test_no_such_run(capsys):
    assert report_errors(vidkit, ["report", "impresion"]) == 1
    assert "did you mean 'impression'?" in capsys.readouterr().err
