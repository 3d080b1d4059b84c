"""Who may import whom, held against the source. docs/architecture.md says why."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# package: what it must not import, not even inside a function
FORBIDDEN = {
    "vidkit": {"impnet_model", "vidkit_cli", "cli", "click"},
    "impnet_model": {"vidkit_cli", "cli", "click"},
}
# library: the file or folder that may import it
ONE_DOOR = {
    "h5py": "vidkit/hdf5.py",
    "matplotlib": "vidkit/plots/",
    "onnxruntime": "vidkit/adapters/onnx_model.py",
    "ultralytics": "vidkit/adapters/ultralytics_model.py",
}


def sources(package: str) -> Iterator[Path]:
    return (ROOT / package).rglob("*.py")


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield str(node.module)


@pytest.mark.parametrize("package", FORBIDDEN)
def test_imports_run_in_one_direction(package: str) -> None:
    wrong = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in sources(package)
        for name in imported(path)
        if name.split(".")[0] in FORBIDDEN[package]
    ]
    assert wrong == []


def test_vidkit_knows_torch_in_its_adapters_only_and_nothing_of_vidkit_imports_these() -> None:
    torch, adapters = [], []
    for path in sources("vidkit"):
        if path.is_relative_to(ROOT / "vidkit" / "adapters"):
            continue
        names = [*imported(path)]
        torch += [path for name in names if name.split(".")[0] in {"torch", "torchvision"}]
        adapters += [path for name in names if name.startswith("vidkit.adapters")]
    assert (torch, adapters) == ([], [])


@pytest.mark.parametrize("library", ONE_DOOR)
def test_a_library_has_one_door(library: str) -> None:
    found = {
        path.relative_to(ROOT).as_posix()
        for package in ("vidkit", "impnet_model", "cli")
        for path in sources(package)
        if library in {name.split(".")[0] for name in imported(path)}
    }
    assert found
    assert [path for path in found if not path.startswith(ONE_DOOR[library])] == []


def test_evaluation_and_benchmark_do_not_know_each_other() -> None:
    for one, other in (("evaluation", "benchmark"), ("benchmark", "evaluation")):
        names = [name for path in sources(f"vidkit/{one}") for name in imported(path)]
        assert not [name for name in names if name.startswith(f"vidkit.{other}")]


def test_importing_vidkit_loads_nothing_heavy() -> None:
    code = "import sys, vidkit; print(sorted({'numpy', 'h5py', 'pandas', 'torch', 'matplotlib'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"


def test_every_public_name_of_vidkit_can_be_imported() -> None:
    import vidkit

    for name in vidkit.__all__:
        assert getattr(vidkit, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = vidkit.nonsense  # type: ignore[attr-defined]
