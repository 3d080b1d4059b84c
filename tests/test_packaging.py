"""What a user installs: the wheel, seen from another folder."""

import configparser
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def setup_cfg() -> configparser.ConfigParser:
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    return config


def test_every_package_folder_is_listed() -> None:
    listed = set(setup_cfg()["options"]["packages"].split())
    found = {
        ".".join(("vidkit_cli" if part == "cli" else part) for part in init.parent.relative_to(ROOT).parts)
        for package in ("vidkit", "impnet_model", "cli")
        for init in (ROOT / package).rglob("__init__.py")
    }
    assert listed == found


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy of what git would hand out, so that no stale build folder can help."""
    import shutil

    source = tmp_path_factory.mktemp("source") / "checkout"
    made = {".git", ".venv", "build", "runs", "vidkit-data", "demo"}  # at the top; vidkit/runs is a package
    shutil.copytree(
        ROOT,
        source,
        ignore=lambda folder, names: [
            name
            for name in names
            if name == "__pycache__" or name.endswith(".egg-info") or (Path(folder) == ROOT and name in made)
        ],
    )
    out = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", str(out), str(source)],
        check=True,
        capture_output=True,
    )
    (made,) = out.glob("*.whl")
    return made


def test_the_wheel_holds_the_packages_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    tops = {name.split("/")[0] for name in names if ".dist-info" not in name}
    assert tops == {"vidkit", "vidkit_cli", "impnet_model"}
    assert {"vidkit/py.typed", "vidkit/plots/published.csv"} <= set(names)


def test_the_installed_command_runs_without_torch(wheel: Path, tmp_path: Path) -> None:
    site = tmp_path / "site with a space"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    code = (
        "import sys; sys.path.insert(0, sys.argv.pop(1)); sys.modules['torch'] = None; "
        "import vidkit; assert vidkit.__file__.startswith(sys.path[0]); "
        "from vidkit_cli.main import main; main()"
    )
    command = [sys.executable, "-I", "-c", code, str(site)]
    done = subprocess.run([*command, "--help"], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0
    assert "vidkit prepare --vid-root" in done.stdout
    for name in ("prepare", "eval", "plot"):
        done = subprocess.run([*command, name, "--help"], capture_output=True, text=True, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
