"""Every JSON that is printed or written says what it is, and docs/formats.md has a line for it."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
NAME = re.compile(r"(vidkit|impnet)-[a-z]+(-[a-z]+)*")
NO_JSON = {
    "vidkit-index",
    "vidkit-predictions",
    "vidkit-weight-maps",
    "impnet-checkpoint",
    "impnet-flow",
    "impnet-replay",
}
"""Formats of other files."""


def names() -> Iterator[str]:
    """The format names in the source: constants called …FORMAT, and the values of the key "format"."""
    for package in ("vidkit", "impnet_model", "cli"):
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Dict):
                    pairs = zip(node.keys, node.values, strict=True)
                    found = [v for k, v in pairs if isinstance(k, ast.Constant) and k.value == "format"]
                elif isinstance(node, ast.Assign) and "FORMAT" in ast.unparse(node.targets[0]):
                    found = [node.value, *getattr(node.value, "elts", [])]
                else:
                    continue
                yield from (v.value for v in found if isinstance(v, ast.Constant) and isinstance(v.value, str))


def documented() -> dict[str, int]:
    """The names and versions in docs/formats.md, in its table of all JSON."""
    text = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")
    return {name: int(version) for name, version in re.findall(r"^\| `([a-z-]+)` \| (\d+) \|", text, re.MULTILINE)}


def test_every_format_has_a_line_in_the_docs() -> None:
    found = {name for name in names() if NAME.fullmatch(name)} - NO_JSON
    assert len(found) > 20
    assert sorted(found - documented().keys()) == []


def test_no_line_of_the_docs_is_about_nothing() -> None:
    text = "".join(
        path.read_text(encoding="utf-8")
        for package in ("vidkit", "impnet_model", "cli", "benchmarks")
        for path in (ROOT / package).rglob("*.py")
    )
    assert 'f"vidkit-plot-{name}"' in text  # the one line for all figures
    assert [name for name in documented() if f'"{name}"' not in text] == []
