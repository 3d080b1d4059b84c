"""One process of a training run, or one of many that torchrun started: PyTorch's DistributedDataParallel."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

CPU = torch.device("cpu")


@dataclass(frozen=True)
class Processes:
    """Which of `count` processes this one is, and the device it works on. With more than one, the default process
    group must have been joined."""

    rank: int = 0
    count: int = 1
    device: torch.device = CPU

    def join(self, module: nn.Module) -> nn.Module:
        """Return the module as one that takes the mean of all processes' gradients."""
        if self.count == 1:
            return module
        return DistributedDataParallel(module)

    def gathering(self, module: nn.Module, last: bool) -> AbstractContextManager[None]:
        """Return the context of one pass: only after the `last` one do processes exchange their gradients."""
        if isinstance(module, DistributedDataParallel) and not last:
            return module.no_sync()
        return nullcontext()

    def largest(self, *values: float) -> list[float]:
        """Return the largest of each value over all processes: so that all see one clock and stop as one."""
        if self.count == 1:
            return list(values)
        return self._over_all(torch.tensor(values, dtype=torch.float64), dist.ReduceOp.MAX).tolist()

    def mean(self, values: list[float]) -> list[float]:
        """Return the mean of each value over all processes."""
        if self.count == 1:
            return values
        return (self._over_all(torch.tensor(values, dtype=torch.float64), dist.ReduceOp.SUM) / self.count).tolist()

    def _over_all(self, values: Tensor, how: dist.ReduceOp.RedOpType) -> Tensor:
        values = values.to(self.device)
        dist.all_reduce(values, how)
        return values.cpu()

    def wait(self) -> None:
        """Return once all processes are here."""
        if self.count > 1:
            dist.barrier()


ALONE = Processes()
