import sys
from pathlib import Path

import pytest

from tests.makers import make_classes
from vidkit.errors import DetectorError, MissingLibraryError
from vidkit.harness.detector import DetectorContext
from vidkit.harness.plugins import Plugin, find, installed, load, make

CONTEXT = DetectorContext(make_classes(3))


def install(folder: Path, name: str, entries: dict[str, str], module: str = "") -> None:
    """Write what an installed distribution consists of."""
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    lines = "".join(f"{entry} = {target}\n" for entry, target in entries.items())
    (info / "entry_points.txt").write_text(f"[vidkit.detectors]\n{lines}")
    (folder / f"{name}.py").write_text(module)


@pytest.fixture
def site(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(tmp_path)):
            del sys.modules[name]


GOOD = """
class Nothing:
    name = "nothing"
    def detect(self, frames): ...
    def synchronize(self): ...
def nothing(context, length: int = 3): return Nothing()
def failing(context): raise RuntimeError("no weights there")
def wrong(context): return object()
def nameless(context):
    detector = Nothing(); detector.name = ""
    return detector
number = 3
"""


def test_our_own_are_installed():
    assert {"oracle-jitter", "frame-copy"} <= {plugin.name for plugin in installed()}


def test_an_entry_point_is_found_and_made_with_its_options(site):
    install(site, "goodies", {"nothing": "goodies:nothing"}, GOOD)
    detector, options = make("nothing", CONTEXT, ["length=5"])
    assert (detector.name, options) == ("nothing", {"length": 5})
    assert find("nothing").distribution == "goodies 1.0"


def test_a_module_and_factory_is_found(site):
    (site / "loose.py").write_text(GOOD)
    assert make("loose:nothing", CONTEXT, [])[1] == {"length": 3}


def test_an_unknown_name_suggests_a_near_one():
    with pytest.raises(DetectorError, match=r"no detector 'orcale-jitter' \(did you mean 'oracle-jitter'\?\)"):
        find("orcale-jitter")


def test_a_name_offered_twice_names_both_and_spoils_no_other(site):
    install(site, "goodies", {"nothing": "goodies:nothing", "another": "goodies:nothing"}, GOOD)
    install(site, "rivals", {"nothing": "rivals:nothing"}, GOOD)
    with pytest.raises(DetectorError, match=r"goodies 1.0 \(goodies:nothing\) and rivals 1.0 \(rivals:nothing\)"):
        make("nothing", CONTEXT, [])
    assert make("another", CONTEXT, [])[0].name == "nothing"


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("absent_module:nothing", "can't be imported: ModuleNotFoundError"),
        ("goodies:absent", "can't be imported: AttributeError"),
        ("goodies", "can't be imported"),
        (":nothing", "can't be imported"),
        ("goodies:number", "a int was found where a factory was wanted"),
        ("goodies:failing", "its factory failed: RuntimeError: no weights there"),
        ("goodies:wrong", r"returned a object without name, a string and detect\(frames\) and synchronize\(\)"),
        ("goodies:nameless", "returned a Nothing without name"),
    ],
)
def test_broken_ones_are_told_with_the_reason(site, target, message):
    install(site, "goodies", {"broken": target}, GOOD)
    with pytest.raises(DetectorError, match=message) as caught:
        make("broken", CONTEXT, [])
    assert "goodies 1.0" in str(caught.value)


def test_a_plain_function_on_one_image_is_made_a_detector(site):
    (site / "mine.py").write_text("def whole(image, share: float = 1.0): return [[0, 0, 2, 2]], [share], [0]")
    detector, options = make("mine:whole", CONTEXT, ["share=0.25"])
    assert (detector.name, options) == ("whole", {"share": 0.25})
    assert next(detector.detect([None])).scores.tolist() == [0.25]


def test_a_missing_library_is_told_with_the_command_that_installs_it(site):
    text = (
        "from vidkit.errors import MissingLibraryError\nraise MissingLibraryError('x is not installed: pip install x')"
    )
    install(site, "needy", {"needy": "needy:factory"}, text)
    with pytest.raises(MissingLibraryError, match=r"detector 'needy' .*: x is not installed: pip install x$"):
        load(find("needy"))


@pytest.mark.parametrize(
    ("name", "library"), [("onnx", "onnxruntime"), ("torchvision", "torchvision"), ("ultralytics", "ultralytics")]
)
def test_our_adapters_tell_the_extra_that_they_need(name, library, monkeypatch):
    monkeypatch.setitem(sys.modules, library, None)  # as if it weren't installed
    monkeypatch.delitem(sys.modules, f"vidkit.adapters.{name}_model", raising=False)
    with pytest.raises(MissingLibraryError, match=rf'is not installed: pip install "vidkit-vod\[{name}\]"'):
        load(Plugin(name, f"vidkit.adapters.{name}_model:{name}", ""))


@pytest.mark.parametrize("statement", ["raise SystemExit(3)", "1 / 0", "def :"])
def test_a_module_that_fails_at_import(site, statement):
    install(site, "broken_one", {"broken": "broken_one:factory"}, statement)
    with pytest.raises(DetectorError, match=r"can't be imported: (SystemExit|ZeroDivisionError|SyntaxError)"):
        load(find("broken"))
