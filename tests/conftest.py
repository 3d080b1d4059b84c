"""Options and fixtures for data that isn't part of the repository, and small things that many tests need."""

import os
from pathlib import Path

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--shared",
        metavar="DIR",
        default=os.environ.get("VIDKIT_SHARED"),
        help="folder with golden/eval, golden/model, ilsvrc and drone (default: $VIDKIT_SHARED)",
    )
    parser.addoption(
        "--golden",
        metavar="DIR",
        default=os.environ.get("VIDKIT_GOLDEN"),
        help="folder with golden arrays of the reference networks (default: $VIDKIT_GOLDEN, or --shared/golden/model)",
    )


@pytest.fixture(scope="session")
def shared_data(request: pytest.FixtureRequest) -> Path:
    """The folder given by --shared; the test is skipped where there is none."""
    folder = request.config.getoption("--shared")
    if not folder:
        pytest.skip("needs real data: give --shared DIR or VIDKIT_SHARED")
    return Path(folder)


@pytest.fixture(scope="session")
def golden_dir(request: pytest.FixtureRequest) -> Path:
    """The folder given by --golden; the test is skipped where there is none."""
    folder = request.config.getoption("--golden")
    if not folder and request.config.getoption("--shared"):
        folder = str(Path(request.config.getoption("--shared")) / "golden" / "model")
    if not folder:
        pytest.skip("needs golden arrays of the reference networks: give --golden DIR")
    return Path(folder)
