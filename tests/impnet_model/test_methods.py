"""The table of methods: its places exist, setup.cfg has the same detectors, and names cost no torch."""

import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path
from typing import get_args

import pytest

from impnet_model.methods import METHODS, Part, method_with, methods_with, part_of
from impnet_model.nets.build import BUILDS, BuildName
from vidkit.errors import ChoiceError

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", METHODS)
def test_every_place_leads_to_something(name: str) -> None:
    parts = [part for part in ("detector", "wiring", "offsets", "forward") if getattr(METHODS[name], part)]
    assert parts
    assert all(callable(part_of(name, part)) for part in parts)
    assert len({bool(getattr(METHODS[name], part)) for part in ("wiring", "offsets", "forward")}) == 1


def test_setup_cfg_names_the_same_detectors() -> None:
    config = ConfigParser()
    config.read(ROOT / "setup.cfg")
    lines = config["options.entry_points"]["vidkit.detectors"].strip().splitlines()
    entries = dict(line.replace(" ", "").split("=") for line in lines)
    ours = {name: place for name, place in entries.items() if place.startswith("impnet_model.")}
    assert ours.pop("seq-nms").endswith(":seq_nms_on")
    assert ours.pop("keyframes").endswith(":keyframes")
    assert ours == {name: METHODS[name].detector for name in methods_with("detector")}


def test_an_unknown_method_is_told_those_with_the_part() -> None:
    for part in get_args(Part):
        with pytest.raises(ChoiceError, match=f"did you mean 'dff'.*known are {', '.join(methods_with(part))}$"):
            method_with("dfff", part)
    with pytest.raises(ChoiceError, match="no method 'fgfa-fast'"):
        part_of("fgfa-fast", "wiring")


def test_builds_have_the_names_of_their_type() -> None:
    assert tuple(BUILDS) == get_args(BuildName)


@pytest.mark.parametrize("command", ["train", "detect", "weights convert", "plugins"])
def test_help_needs_no_torch(command: str) -> None:
    code = "import sys; sys.modules['torch'] = None; from vidkit_cli.main import main; main()"
    arguments = [sys.executable, "-c", code, *command.split(), "--help"]
    done = subprocess.run(arguments, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    listed = methods_with("wiring") if command == "train" else ()
    assert all(name in done.stdout for name in listed)
