"""The pages that promise to run are run, block by block."""

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"


def blocks(page: str) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```$", (DOCS / page).read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def test_every_block_of_the_page_on_python_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for place, block in enumerate(blocks("python.md"), start=1):
        exec(compile(block, f"python.md, block {place}", "exec"), names)
    assert (tmp_path / "errors.png").is_file()
    assert "motion: fast" in repr(names["result"])
