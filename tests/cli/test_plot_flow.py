import json
from pathlib import Path

import pytest
from vidkit_cli.console import DONE, report_errors
from vidkit_cli.main import vidkit

from tests.impnet_model.films import make_films
from vidkit.data.index_file import write_index


def test_flows_are_measured_drawn_and_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_index(tmp_path / "films.h5", make_films(tmp_path / "films", (6,)))
    picture = tmp_path / "flow.png"
    args = ["plot", "flow", "zero", "--index", str(tmp_path / "films.h5"), "--distance", "2", "--every", "1"]
    assert report_errors(vidkit, [*args, "-o", str(picture), "--json"]) == DONE
    told = json.loads(capsys.readouterr().out)
    assert (told["format"], told["composed"], told["far"]) == ("vidkit-plot-flow", True, 4.0)
    first = told["rows"][0]
    assert (first["flow"], first["group"], first["distance"], first["objects"]) == ("zero", "all", 2, 4)
    assert first["error"] == pytest.approx(first["motion"])
    assert picture.is_file()
    assert picture.with_suffix(".csv").read_text().startswith("flow,group,distance,objects,motion,error,far,seconds")
    assert report_errors(vidkit, [*args, "-o", str(picture)]) == DONE
    assert "motion, px" in capsys.readouterr().out
