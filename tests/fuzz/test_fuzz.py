"""2000 broken files for every reader: each is read as something that makes sense, or refused in one line."""

import os
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context

import pytest

from tests.fuzz.fuzzing import Found, fuzz, is_possible
from tests.fuzz.readers import READERS

INPUTS = 2000


@pytest.fixture(scope="module")
def running() -> Iterator[dict[str, Future[Found]]]:
    """All readers at work, in as many processes as there are processors: one test takes as long as the slowest."""
    with ProcessPoolExecutor(len(os.sched_getaffinity(0)), get_context("spawn")) as pool:
        yield {name: pool.submit(fuzz, name, INPUTS) for name, reader in READERS.items() if is_possible(reader)}


@pytest.mark.parametrize("name", READERS)
def test_broken_files_are_read_with_sense_or_refused_in_one_line(name: str, running: dict[str, Future[Found]]) -> None:
    if name not in running:
        pytest.skip(f"needs {' and '.join(READERS[name].libraries)}")
    found = running[name].result()
    assert found.faults.keys() == set()
    assert found.inputs == INPUTS
    assert found.refused > INPUTS // 10  # else the broken files aren't broken
