"""How a gradient becomes a step: schedule, optimizers, precision (Impression Network, Sec. 4.1)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn
from torch.optim import SGD, AdamW, Optimizer

from vidkit.number_ranges import check_ranges

Precision = Literal["float32", "bfloat16", "float16"]


RANGES: dict[str, tuple[float, float]] = {
    **dict.fromkeys(("iterations", "log_every", "checkpoint_every"), (1, 10**12)),
    **dict.fromkeys(("batch", "accumulate"), (1, 10_000)),
    **dict.fromkeys(("rate", "weight_decay", "flow_rate"), (0, 1e6)),
    "warmup": (0, 10**12),
    "minutes": (0, 1e7),
    "clip": (0, 1e12),
}
"""The least and the most that each number of the schedule may be."""


@dataclass(frozen=True)
class Optimisation:
    """The numbers of the schedule. Defaults: the paper's, and the published code's where the paper is silent.

    The published code sums the gradients of four GPUs at rate 2.5e-4 and weight decay 5e-4; for their mean, which is
    taken here, that is rate 1e-3 and weight decay 1.25e-4. Biases, and shifts of norms, don't decay.

    Raises ValueError for a number outside its range.
    """

    iterations: int = 120_000
    minutes: float | None = None
    """Stop after so much time spent in training, if that comes first; the schedule then follows the clock."""
    batch: int = 8
    """Samples of one step, over all processes and passes."""
    accumulate: int = 1
    """Passes in which each process takes its part of a batch."""
    optimizer: Literal["sgd", "adamw"] = "sgd"
    rate: float = 1e-3
    momentum: float = 0.9
    """SGD's."""
    weight_decay: float = 1.25e-4
    drops: tuple[float, ...] = (7 / 12,)
    """After these shares of the training the rate is multiplied by `drop_factor`: 70 000 of 120 000."""
    drop_factor: float = 0.1
    warmup: int = 0
    """Iterations over which the rate rises linearly to its value."""
    flow_rate: float = 1.0
    """Factor on the rate of the flow network."""
    clip: float | None = None
    """Most that the norm of the gradient may be; longer ones are shortened."""
    precision: Precision = "float32"
    log_every: int = 20
    """Iterations between two lines of the log."""
    checkpoint_every: int = 1000
    """Iterations between two checkpoints; the last iteration has one in any case."""

    def __post_init__(self) -> None:
        check_ranges(self, RANGES)
        for name in ("minutes", "clip"):
            if getattr(self, name) == 0:
                raise ValueError(f"{name} 0: wanted a number above 0")
        if not 0 <= self.momentum < 1 or not 0 < self.drop_factor <= 1 or any(not 0 < d < 1 for d in self.drops):
            raise ValueError(
                f"momentum {self.momentum}, drop_factor {self.drop_factor}, drops {self.drops}: wanted 0 … 1"
            )
        if self.batch % self.accumulate:
            raise ValueError(f"a batch of {self.batch} can't be taken in {self.accumulate} equal passes")

    def share(self, iteration: int, seconds: float) -> float:
        """How much of the training is done, 0 … 1."""
        by_clock = 0.0 if self.minutes is None else seconds / (60 * self.minutes)
        return max(iteration / self.iterations, by_clock)

    def rate_at(self, iteration: int, seconds: float) -> float:
        """The rate of an iteration, counted from 0, after so many seconds of training."""
        share = self.share(iteration, seconds)
        dropped = self.rate * self.drop_factor ** sum(share >= drop for drop in self.drops)
        return dropped * min(1.0, (iteration + 1) / (self.warmup + 1))


def optimizer_of(module: nn.Module, optimisation: Optimisation) -> Optimizer:
    """The optimizer of all parameters that are trained; `factor` of a group multiplies the rate."""
    groups = [
        {"params": parameters, "weight_decay": optimisation.weight_decay if decays else 0.0, "factor": factor}
        for decays in (True, False)
        for flow, factor in ((False, 1.0), (True, optimisation.flow_rate))
        if (parameters := list(_trained(module, decays, flow)))
    ]
    match optimisation.optimizer:
        case "sgd":
            return SGD(groups, optimisation.rate, optimisation.momentum)
        case "adamw":
            return AdamW(groups, optimisation.rate)


def _trained(module: nn.Module, decays: bool, flow: bool) -> Iterator[nn.Parameter]:
    for name, parameter in module.named_parameters():
        is_flow = "flow" in name.split(".")[:-2]
        if parameter.requires_grad and name.endswith("bias") != decays and is_flow == flow:
            yield parameter


def set_rate(optimizer: Optimizer, rate: float) -> None:
    """Make `rate` that of the next step."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group["factor"]


def scaler_of(optimisation: Optimisation, device: torch.device) -> torch.amp.GradScaler:
    """What keeps small gradients of float16 from vanishing; it does nothing in other precisions."""
    return torch.amp.GradScaler(device.type, enabled=optimisation.precision == "float16")


def autocast(optimisation: Optimisation, device: torch.device) -> torch.autocast:
    """The context in which the networks run in the chosen precision; parameters stay in float32."""
    dtype = {"float32": None, "bfloat16": torch.bfloat16, "float16": torch.float16}[optimisation.precision]
    return torch.autocast(device.type, dtype=dtype, enabled=dtype is not None)
