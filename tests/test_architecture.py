"""Who may import whom, held against the source. docs/architecture.md says why."""

import ast
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = {"vidkit": "vidkit", "impnet_model": "impnet_model", "cli": "vidkit_cli"}
"""The folders and the names that they are imported by."""

# The whole order: a room may import those before it, and no room those after it. A room is a module or a folder.
ORDER = [
    *("vidkit.version", "vidkit.safe_text", "vidkit.errors", "vidkit.reading_door"),
    "vidkit.number_ranges",
    *("vidkit.progress", "vidkit.shown", "vidkit.files"),
    *("vidkit.boxes", "vidkit.classes", "vidkit.detections", "vidkit.segments", "vidkit.hdf5", "vidkit.npz_arrays"),
    *("vidkit.data", "vidkit.check", "vidkit.pickles", "vidkit.predictions", "vidkit.keyframes"),
    *("vidkit.evaluation", "vidkit.sampling", "vidkit.synth", "vidkit.harness", "vidkit.adapters"),
    *("vidkit.runs", "vidkit.pictures", "vidkit.plots", "vidkit.pages"),
    *("impnet_model.methods", "impnet_model.flows", "impnet_model.data", "impnet_model.nets", "impnet_model.weights"),
    *("impnet_model.detectors", "impnet_model.training", "impnet_model.api", "vidkit_cli"),
]
STRANGERS = [
    ("vidkit.evaluation", "vidkit.harness"),  # they meet in predictions.h5 and in vidkit.runs
    ("vidkit.runs", "vidkit.adapters"),  # entry points, found by name
    ("vidkit.check", "vidkit.predictions"),
]
"""Rooms that don't know each other, though the order would allow it."""
OUTSIDE = {"vidkit": {"click", "rich"}, "impnet_model": {"click", "rich"}}
"""Libraries that a package doesn't use."""
# library: the file or folder that may import it
ONE_DOOR = {
    "h5py": "vidkit/hdf5.py",
    "matplotlib": "vidkit/plots/",
    "cv2": "impnet_model/flows/classical.py",
    "onnxruntime": "vidkit/adapters/onnx_model.py",
    "ultralytics": "vidkit/adapters/ultralytics_model.py",
}


def sources(package: str) -> Iterator[Path]:
    return (ROOT / package).rglob("*.py")


def module_of(path: Path) -> str:
    """The name that a source file is imported by."""
    first, *rest = path.relative_to(ROOT).with_suffix("").parts
    return ".".join((PACKAGES[first], *rest)).removesuffix(".__init__")


def imported(path: Path) -> Iterator[str]:
    """The modules that a file imports anywhere in it, also inside of functions."""
    module = module_of(path) if path.relative_to(ROOT).parts[0] in PACKAGES else path.stem
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parts = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*parts, *([node.module] if node.module else [])])
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


def room_of(module: str) -> str | None:
    """The room that a module is in; None for what is in no room, such as another library."""
    return next((room for room in ORDER if module == room or module.startswith(f"{room}.")), None)


def every_source() -> Iterator[Path]:
    return (path for package in PACKAGES for path in sources(package))


def test_every_module_has_a_room() -> None:
    faces = {"vidkit", "impnet_model"}  # what a package shows of itself: it names what lies in its rooms
    assert [
        module_of(path) for path in every_source() if module_of(path) not in faces and not room_of(module_of(path))
    ] == []
    rooms = {room_of(module_of(path)) for path in every_source()}
    assert [room for room in ORDER if room not in rooms] == []


def test_no_import_goes_up() -> None:
    up = []
    for path in every_source():
        room = room_of(module_of(path))
        for name in imported(path):
            other = room_of(name)
            if room and other and ORDER.index(other) > ORDER.index(room):
                up.append(f"{module_of(path)} imports {name}")
    assert up == []


@pytest.mark.parametrize(("one", "other"), STRANGERS)
def test_strangers_do_not_know_each_other(one: str, other: str) -> None:
    pairs = {(one, other), (other, one)}
    known = [
        f"{module_of(path)} imports {name}"
        for path in every_source()
        for name in imported(path)
        if (room_of(module_of(path)), room_of(name)) in pairs
    ]
    assert known == []


@pytest.mark.parametrize("package", OUTSIDE)
def test_libraries_of_the_command_line_stay_there(package: str) -> None:
    wrong = [
        f"{module_of(path)}: {name}"
        for path in sources(package)
        for name in imported(path)
        if name.split(".")[0] in OUTSIDE[package]
    ]
    assert wrong == []


def test_vidkit_knows_torch_in_its_adapters_only() -> None:
    torch = [
        module_of(path)
        for path in sources("vidkit")
        for name in imported(path)
        if name.split(".")[0] in {"torch", "torchvision"} and room_of(module_of(path)) != "vidkit.adapters"
    ]
    assert torch == []


def test_a_class_name_stands_for_one_thing() -> None:
    homes = defaultdict(list)
    for path in every_source():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                homes[node.name].append(module_of(path))
    assert {name: modules for name, modules in homes.items() if len(modules) > 1} == {}


ONE_SUBJECT = {"vidkit_cli", "vidkit_cli.plot", "vidkit_cli.reproduce"}
"""Commands and figures are called as what they print and draw."""


def test_a_module_name_stands_for_one_subject() -> None:
    homes = defaultdict(list)
    for path in every_source():
        package, _, name = module_of(path).rpartition(".")
        if path.name != "__init__.py" and package not in ONE_SUBJECT:
            homes[name].append(package)
    shared = {name: packages for name, packages in homes.items() if len(packages) > 1}
    # a figure is called as what it shows
    assert {name: packages for name, packages in shared.items() if "vidkit.plots" not in packages} == {}


def bodies() -> Iterator[tuple[str, int, int]]:
    """Each function by its place, its lines, and those of its body below the docstring."""
    for path in every_source():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                documented = ast.get_docstring(node) is not None and len(node.body) > 1
                first = node.body[1] if documented else node.body[0]
                lines = (node.end_lineno or 0) - node.lineno + 1
                yield f"{module_of(path)}.{node.name}", lines, (node.end_lineno or 0) - first.lineno + 1


def test_functions_are_short() -> None:
    """Of a command the signature is its options and the docstring its help: there the body counts."""
    commands = re.compile(r"vidkit_cli\..*\.(\w+_)?command$")
    long = [
        (place, lines, body) for place, lines, body in bodies() if (body > 40 if commands.match(place) else lines >= 60)
    ]
    assert long == []


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
