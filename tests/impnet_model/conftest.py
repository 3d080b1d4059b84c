"""Golden comparisons: any folder with files of the reference's names, and the largest error of each, printed."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ERRORS = pytest.StashKey[dict[str, tuple[float, float]]]()
"""Largest error and bound by what was compared."""

Compare = Callable[[str, Any, Any, float], None]


@pytest.fixture
def golden(golden_dir: Path) -> Callable[[str], Any]:
    """Read one golden file; the test is skipped by the file's name where the folder lacks it."""

    def read(name: str) -> Any:
        if not (golden_dir / name).is_file():
            pytest.skip(f"{name} is not in the golden folder")
        return np.load(golden_dir / name)

    return read


@pytest.fixture
def compare(request: pytest.FixtureRequest) -> Compare:
    """Hold a result against its golden array: largest difference, relative to the largest golden value or to `unit`."""
    largest = request.config.stash.setdefault(ERRORS, {})

    def check(name: str, ours: Any, theirs: Any, bound: float, unit: float | None = None) -> None:
        ours, theirs = np.asarray(ours, np.float64), np.asarray(theirs, np.float64)
        assert ours.shape == theirs.shape, f"{name}: shape {ours.shape}, golden {theirs.shape}"
        unit = float(np.abs(theirs).max(initial=0.0)) or 1.0 if unit is None else unit
        error = float(np.abs(ours - theirs).max(initial=0.0)) / unit
        largest[name] = max(largest.get(name, (0.0, bound)), (error, bound))
        assert error <= bound, f"{name}: error {error:.2e}, bound {bound:.1e}"

    return check


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    largest = config.stash.get(ERRORS, {})
    if largest:
        terminalreporter.section("golden comparisons")
        for name, (error, bound) in largest.items():
            terminalreporter.write_line(f"{name:<52} largest error {error:8.1e}  bound {bound:8.1e}")
