"""Processes that read in parallel: started quickly, given work in order, ended with their parent."""

import gc
import multiprocessing
import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.context import BaseContext
from typing import Any

from vidkit.errors import AnnotationError

Map = Callable[[Callable[[Any], Any], Sequence[Any]], Iterable[Any]]
"""A function like the built-in `map`."""


def default_workers() -> int:
    """One process for each CPU that this one may use, at most 8."""
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(8, cpus)


@contextmanager
def reading_processes(workers: int) -> Iterator[Map]:
    """Yield a `map` that works in so many processes and gives results in order; none of them outlives the block.

    Start it before any thread, such as that of a progress bar: workers are forked then, which is quick.
    """
    if workers <= 1:
        yield map
        return
    executor = ProcessPoolExecutor(workers, _context(), _start_worker)
    try:
        with _uninterrupted(), warnings.catch_warnings():
            # Python 3.12 and later warn of a fork beside threads; here there are only idle ones of the BLAS library.
            warnings.filterwarnings("ignore", message=".*multi-threaded.*fork", category=DeprecationWarning)
            executor.submit(os.getpid)  # the first task starts all workers
        yield executor.map
    except BrokenProcessPool:
        raise AnnotationError("a reading process was killed (out of memory?); try again with fewer --workers") from None
    finally:
        executor.shutdown(wait=True, cancel_futures=True)


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Put an interrupt off until the end of the block: amid a fork Python drops the KeyboardInterrupt and goes on."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _context() -> BaseContext:
    """Fork where that is safe, because a forked worker starts in a hundredth of the time; else start afresh."""
    forks = sys.platform == "linux" and threading.active_count() == 1
    return multiprocessing.get_context("fork" if forks else "spawn")


def _start_worker() -> None:
    """Leave interrupts to the parent, and end when it ends, even if it is killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.disable()  # millions of small tuples and no cycles: looking for some takes a third of the time
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
