"""One process of a training run, or one of many that torchrun started: PyTorch's DistributedDataParallel."""

import gc
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from vidkit.errors import ChoiceError

V = TypeVar("V")

CPU = torch.device("cpu")
PATIENCE = 30.0
"""Seconds that a run which was asked to end may take to finish its batch."""


@dataclass(frozen=True)
class Processes:
    """Which of `count` processes this one is, and the device it works on. With more than one, the default process
    group must have been joined."""

    rank: int = 0
    count: int = 1
    device: torch.device = CPU

    def join(self, module: nn.Module) -> nn.Module:
        """The module as one that takes the mean of all processes' gradients."""
        if self.count == 1:
            return module
        return DistributedDataParallel(module)

    def gathering(self, module: nn.Module, last: bool) -> AbstractContextManager[None]:
        """The context of one pass: only after the `last` one do processes exchange their gradients."""
        if isinstance(module, DistributedDataParallel) and not last:
            return module.no_sync()
        return nullcontext()

    def largest(self, *values: float) -> list[float]:
        """The largest of each value over all processes: so that all see one clock and stop as one."""
        if self.count == 1:
            return list(values)
        return self._over_all(torch.tensor(values, dtype=torch.float64), dist.ReduceOp.MAX).tolist()

    def mean(self, values: list[float]) -> list[float]:
        """The mean of each value over all processes."""
        if self.count == 1:
            return values
        return (self._over_all(torch.tensor(values, dtype=torch.float64), dist.ReduceOp.SUM) / self.count).tolist()

    def _over_all(self, values: Tensor, how: dist.ReduceOp.RedOpType) -> Tensor:
        values = values.to(self.device)
        dist.all_reduce(values, how)
        return values.cpu()

    def all_of(self, value: V) -> list[V]:
        """The values of all processes, in their order."""
        values = [value] * self.count
        if self.count > 1:
            dist.all_gather_object(values, value)
        return values

    def wait(self) -> None:
        """Return once all processes are here."""
        if self.count > 1:
            dist.barrier()


ALONE = Processes()


@contextmanager
def joined(device: str | None = None, count: int = 1, local: int = 0) -> Iterator[Processes]:
    """Yield this process: alone, or in the group of `count` that torchrun started, number `local` of its machine.

    device: as torch names it; None: a GPU of its own where there is one. Raises ChoiceError for one that isn't there.
    """
    name = device or (f"cuda:{local}" if torch.cuda.is_available() else "cpu")
    try:
        chosen = torch.device(name)
        torch.empty(0, device=chosen)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise ChoiceError(f"device {name!r}: {str(error).splitlines()[0]}") from None
    if chosen.type == "cuda":
        torch.cuda.set_device(chosen)
    if count == 1:
        yield Processes(device=chosen)
        return
    with joined_group(chosen) as processes:
        yield processes


@contextmanager
def joined_group(device: torch.device) -> Iterator[Processes]:
    """Yield this process in the group of those that torchrun started, and leave the group in good order: together, and
    with none of its threads still running.

    A thread of the group that outlives `destroy_process_group` may let go of a tensor while the interpreter ends, and
    the process aborts ("terminate called without an active exception"), its work all done. The threads end with the
    last reference to the group. So whatever refers to it must be gone: DistributedDataParallel by the end of the `with`
    block, and `torch.distributed.nn.functional`, which keeps the default group of the time of its import as default
    arguments, is imported before there is one; later on an optimizer would import it.
    """
    import torch.distributed.nn.functional  # noqa: F401

    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield Processes(dist.get_rank(), dist.get_world_size(), device)
        dist.barrier()  # nobody leaves while another one still talks to it
    finally:
        gc.collect()  # modules in reference cycles
        dist.destroy_process_group()


@contextmanager
def asked_to_stop() -> Iterator[Callable[[], bool]]:
    """Yield a function that tells whether Ctrl-C or a request to end came.

    A second one ends at once, and so does the first after `PATIENCE` seconds, if a batch takes longer than that.
    """
    asked: list[int] = []

    def note(number: int, frame: object) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(number)
        signal.setitimer(signal.ITIMER_REAL, PATIENCE)

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)}
    try:
        yield lambda: bool(asked)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in before.items():
            signal.signal(number, handler)
