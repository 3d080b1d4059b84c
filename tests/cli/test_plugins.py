import json
import sys

import pytest
from vidkit_cli.console import report_errors
from vidkit_cli.main import vidkit


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A folder on the path with two distributions: of one detector each is good, broken, or offered by both."""
    for name, text in {
        "goodies": "def good(context, length: int = 3):\n    'Good at nothing.'\nprint('imported')\n",
        "rivals": "import absent_module\n",
    }.items():
        info = tmp_path / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        entries = "good = goodies:good\n" if name == "goodies" else "bad = rivals:bad\n"
        (info / "entry_points.txt").write_text(f"[vidkit.detectors]\nboth = {name}:both\n{entries}")
        (tmp_path / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    sys.modules.pop("goodies", None)


def test_detectors_are_listed_with_their_options(capsys):
    assert report_errors(vidkit, ["plugins"]) == 0
    out = capsys.readouterr().out
    assert "oracle-jitter  (vidkit.harness.stand_ins:oracle_jitter, vidkit-vod " in out
    assert "--option length: int = 10" in out


def test_broken_ones_are_listed_with_the_reason(site, capsys):
    assert report_errors(vidkit, ["plugins", "--json"]) == 0
    found = {d["name"] + d["distribution"]: d for d in json.loads(capsys.readouterr().out)["detectors"]}
    assert "No module named 'absent_module'" in found["badrivals 1.0"]["broken"]
    assert 'rivals.py", line 1' in found["badrivals 1.0"]["traceback"]
    assert found["goodgoodies 1.0"]["broken"] is None
    assert found["goodgoodies 1.0"]["help"] == "Good at nothing."
    for name in ("bothgoodies 1.0", "bothrivals 1.0"):
        assert "offered by goodies 1.0 (goodies:both) and rivals 1.0 (rivals:both)" in found[name]["broken"]


def test_broken_ones_are_shown_to_people_too(site, capsys):
    assert report_errors(vidkit, ["plugins"]) == 0
    out = capsys.readouterr().out
    assert "BROKEN: " in out
    assert "imported" not in out.splitlines()


def test_a_missing_library_is_not_called_broken_and_has_no_traceback(tmp_path, monkeypatch, capsys):
    info = tmp_path / "needy-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: needy\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[vidkit.detectors]\nneedy = needy:factory\n")
    raises = "raise MissingLibraryError('it is not installed: pip install it')"
    (tmp_path / "needy.py").write_text(f"from vidkit.errors import MissingLibraryError\n{raises}\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert report_errors(vidkit, ["plugins"]) == 0
    out = capsys.readouterr().out
    assert (
        "    NOT INSTALLED: detector 'needy' (needy:factory of needy 1.0): it is not installed: pip install it" in out
    )
    assert report_errors(vidkit, ["plugins", "--json"]) == 0
    (needy,) = [each for each in json.loads(capsys.readouterr().out)["detectors"] if each["name"] == "needy"]
    assert (needy["missing"], needy["traceback"]) == (True, "")


def test_a_broken_one_spoils_no_other_command(site, capsys):
    assert report_errors(vidkit, ["--help"]) == 0
    assert report_errors(vidkit, ["benchmark", "--help"]) == 0
