"""The plug-in package in examples/, installed into a folder of its own, offline."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.makers import make_index
from vidkit.data.index_file import write_index
from vidkit.predictions.predictions_file import read_predictions

EXAMPLE = Path(__file__).parents[2] / "examples" / "brightest_spot"


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("example")
    shutil.copytree(EXAMPLE, folder / "source")  # a build leaves files beside the source
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    command += ["--disable-pip-version-check", "--target", str(folder / "site"), str(folder / "source")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder / "site"


def vidkit(site: Path, folder: Path, *args: str) -> dict[str, object]:
    path = os.pathsep.join([str(site), *filter(None, [os.environ.get("PYTHONPATH")])])
    command = [sys.executable, "-m", "vidkit_cli.main", *args, "--json"]
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_it_is_a_plug_in_of_about_twenty_lines():
    assert len((EXAMPLE / "brightest_spot.py").read_text().splitlines()) <= 25


def test_it_is_listed(site, tmp_path):
    found = {d["name"]: d for d in vidkit(site, tmp_path, "plugins")["detectors"]}
    assert found["brightest-spot"]["distribution"] == "brightest-spot 1.0"
    assert found["brightest-spot"]["broken"] is None
    assert [option["name"] for option in found["brightest-spot"]["options"]] == ["share", "class_id"]


def test_it_runs(site, tmp_path):
    write_index(tmp_path / "vidkit-data" / "made_val.h5", make_index(videos=2, frames=3))
    told = vidkit(site, tmp_path, "benchmark", "brightest-spot", "--blank-frames", "--option", "class_id=2")
    predictions = read_predictions(tmp_path / str(told["output"]))
    assert np.array_equal(predictions.box, [[0, 0, 320, 240]] * 6)
    assert predictions.class_id.tolist() == [2] * 6
    assert predictions.run.detector == "brightest-spot"
