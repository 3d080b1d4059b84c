from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


def test_pyplot_is_never_imported() -> None:
    modules = list((ROOT / "vidkit" / "plots").glob("*.py"))
    assert modules
    assert [module.name for module in modules if "import pyplot" in module.read_text()] == []
