import json
from dataclasses import replace
from pathlib import Path

import pytest
from vidkit_cli.console import report_errors
from vidkit_cli.main import vidkit

from tests.makers import make_index, make_predictions
from vidkit.evaluation.evaluate import evaluate
from vidkit.evaluation.result import write_result

INDEX = make_index()
RUN = {
    "detector": "dff",
    "options": {"length": 5},
    "frames_per_second": 12.5,
    "look_ahead_max": 2,
    "scenario": "stream",
    "environment": {"device": "cpu", "cpu": "a chip", "image_size": "320x240"},
}


def put(folder: Path, name: str, file: str = "result.json", protocol: str = "fgfa", **changes: object) -> None:
    result = evaluate(INDEX, make_predictions(INDEX), protocol)
    write_result(folder / "runs" / name / file, replace(result, run={**RUN, **changes}))


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    put(tmp_path, "dff_length=5")
    put(tmp_path, "dff_length=5", "result-voc.json", "voc")
    put(tmp_path, "dff_length=10", options={"length": 10}, frames_per_second=20.0)
    return tmp_path


def plot(*args: str) -> int:
    return report_errors(vidkit, ["plot", "speed-accuracy", *args])


def drawn(capsys) -> list[dict[str, object]]:
    return json.loads(capsys.readouterr().out)["points"]


def test_bare_it_draws_what_is_there(here, capsys):
    assert plot() == 0
    assert capsys.readouterr().out.split() == ["runs/speed-accuracy.png", "runs/speed-accuracy.csv"]
    assert (here / "runs" / "speed-accuracy.png").is_file()


def test_only_results_of_the_protocol_are_drawn(here, capsys):
    assert plot("--json") == 0
    assert [p["length"] for p in drawn(capsys)] == [5, 10]
    assert plot("--json", "--protocol", "voc") == 0
    assert [p["length"] for p in drawn(capsys)] == [5]
    assert plot("--protocol", "coco") == 1
    assert "no result under the protocol 'coco'; there are fgfa, voc" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["dff_length=10", "runs/dff_length=10", "runs/dff_length=10/result.json"])
def test_runs_are_chosen_by_name_folder_or_file(here, capsys, name):
    assert plot(name, "--json") == 0
    assert [p["length"] for p in drawn(capsys)] == [10]


def test_runs_of_one_name_in_different_folders_are_both_drawn(here, capsys):
    put(here / "elsewhere", "dff_length=10", options={"length": 20})
    assert plot("dff_length=10", "elsewhere/runs/dff_length=10", "--json") == 0
    assert [p["length"] for p in drawn(capsys)] == [10, 20]


def test_several_pictures_share_a_csv(here):
    assert plot("-o", "a.svg", "-o", "a.pdf", "-o", "sub/b.png") == 0
    assert sorted(
        str(p.relative_to(here)) for p in here.rglob("*") if p.suffix in (".svg", ".pdf", ".png", ".csv")
    ) == [
        "a.csv",
        "a.pdf",
        "a.svg",
        "sub/b.csv",
        "sub/b.png",
    ]


def test_an_unknown_run_suggests_a_near_one(here, capsys):
    assert plot("dff_lenght=5") == 1
    assert "no such run (did you mean 'dff_length=5'?)" in capsys.readouterr().err


def test_a_run_without_result_is_told(here, capsys):
    (here / "runs" / "empty").mkdir()
    assert plot("empty") == 1
    assert "no result.json in it; score it with `vidkit eval`" in capsys.readouterr().err


def test_nothing_there(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert plot() == 1
    assert "runs: no result there" in capsys.readouterr().err


def test_runs_without_times_are_left_out_and_said(here, capsys):
    put(here, "theirs", frames_per_second=None)
    assert plot() == 0
    assert "left out: theirs: was not timed" in capsys.readouterr().err
    assert plot("theirs") == 1


def test_different_devices_are_refused_unless_told(here, capsys):
    put(here, "on-gpu", environment={"device": "a card", "image_size": "320x240"})
    assert plot() == 1
    err = capsys.readouterr().err
    assert "the runs differ in device" in err
    assert "a card: on-gpu" in err
    assert plot("--mix") == 0


def test_limited_runs_are_refused_unless_told(here, capsys):
    put(here, "smoke", limited=True)
    assert plot("smoke") == 1
    assert "smoke; draw them with --limited" in capsys.readouterr().err
    put(here, "whole")
    assert plot() == 0
    assert "left out: smoke: limited" in capsys.readouterr().err
    assert plot("--limited") == 0


@pytest.mark.parametrize(
    "content",
    ["", "{}", '{"format": "vidkit-result", "version": 99}', "\0", '{"format": "vidkit-result", "version": 1}'],
)
def test_a_damaged_result_is_named(here, capsys, content):
    (here / "runs" / "dff_length=5" / "result.json").write_text(content)
    assert plot() == 1
    assert "runs/dff_length=5/result.json" in capsys.readouterr().err


@pytest.mark.parametrize(
    "changes",
    [
        {"frames_per_second": "fast"},
        {"frames_per_second": -3.0},
        {"environment": "none"},
        {"options": [1]},
        {"options": {"length": "five"}},
        {"frames_per_second_interval": "wide"},
        {"frames_per_second_interval": [1, 2, 3]},
        {"frames_per_second_interval": [None, 3]},
        {"frames_per_second_interval": [5, 2]},
        {"frames_per_second_interval": 7},
    ],
)
def test_hostile_run_information_is_no_crash(here, capsys, changes):
    put(here, "odd", **changes)
    assert plot("odd", "--mix") in (0, 1)
    assert "Traceback" not in capsys.readouterr().err


def test_an_unknown_figure(capsys):
    assert report_errors(vidkit, ["plot", "speed"]) == 2


def test_published_numbers_stand_below_with_their_sources(here, capsys):
    assert plot("--published", "--json", "-o", "both.png") == 0
    told = capsys.readouterr()
    content = json.loads(told.out)
    assert {"YOLOV-x", "Impression Network"} <= {run["method"] for run in content["published"]}
    assert "share device, batch and protocol with no other" in told.err
    points = [point for point in content["points"] if point["curve"] == "published"]
    assert len(points) == len(content["published"]) and all(point["source"] for point in points)
    assert plot("--json") == 0
    assert "published" not in json.loads(capsys.readouterr().out)


def test_a_stated_speed_is_drawn_as_stated(here, capsys):
    put(here, "stated", scenario="stated", detector="theirs", environment={"device": "Titan X"})
    assert plot("stated", "--json") == 0
    (point,) = drawn(capsys)
    assert (point["scenario"], point["device"], point["frames_per_second"]) == ("stated", "Titan X", 12.5)
    assert plot("stated", "dff_length=5") == 1
    assert "the runs differ in device" in capsys.readouterr().err
    assert plot("stated", "dff_length=5", "--mix", "-o", "mixed.svg") == 0
    assert "theirs (stated)" in (here / "mixed.svg").read_text()
