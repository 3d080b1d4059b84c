"""The loop of all training here: losses, gradient, step; and now and then a line of progress and a checkpoint."""

import math
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any, NamedTuple, Protocol, Self, TypeVar

import torch
from torch import Tensor, nn

from impnet_model.training.config import TrainingError
from impnet_model.training.optimisation import Optimisation, autocast, optimizer_of, scaler_of, set_rate
from impnet_model.training.processes import Processes
from impnet_model.training.run_folder import RunFolder
from vidkit.errors import VidkitError
from vidkit.sampling.batches import Dealing

REPLAY = "impnet-replay"


class Pass(Protocol):
    """The samples of one pass: a dataclass of plain values and tensors."""

    @property
    def images(self) -> Tensor:
        """`(B, R, …)`: R images of B samples."""

    def to(self, device: torch.device) -> Self:
        """The same on a device."""


P = TypeVar("P", bound=Pass)
Content = Callable[[], dict[str, Any]]


@dataclass(frozen=True)
class Progress:
    """How a run is getting on; losses, gradient and speeds are means since the one before."""

    iteration: int
    """Iterations done."""
    iterations: int
    losses: Mapping[str, float]
    gradient: float
    """Norm of the gradient, before it was clipped."""
    rate: float
    samples_per_second: float
    """Over all processes."""
    images_per_second: float
    """A sample of three frames counts three."""
    wait_share: float
    """Share of the time that was spent waiting for data."""
    seconds: float
    """In training so far."""
    seconds_left: float
    validation: Mapping[str, float | None] | None = None
    """mAP, and that of each group of motion, in 0 … 1, where the network was scored at this iteration."""

    def line(self) -> dict[str, Any]:
        """What the log has of it."""
        said = {**vars(self), "losses": dict(self.losses)}
        return said if self.validation is not None else {k: v for k, v in said.items() if k != "validation"}


@dataclass(frozen=True)
class Scoring:
    """How a network is scored while it trains, and after how many iterations each."""

    every: int
    score: Callable[[], Mapping[str, float | None]]


class NotFiniteError(ArithmeticError):
    """A loss or a gradient that isn't finite."""

    def __init__(self, values: Mapping[str, float]) -> None:
        super().__init__(", ".join(f"{name} {value:g}" for name, value in values.items()))
        self.values = dict(values)


class Iteration(NamedTuple):
    """One iteration that was done."""

    losses: Mapping[str, float]
    gradient: float
    samples: int
    images: int
    waited: float
    """Seconds, of those that it took."""
    seconds: float


class Learner:
    """A module that gives the losses of a pass by name, all of weight 1, with what changes its parameters."""

    def __init__(self, module: nn.Module, optimisation: Optimisation, processes: Processes) -> None:
        self.module, self.optimisation, self.processes = module.to(processes.device), optimisation, processes
        self.joined = processes.join(self.module)  # the same module, as all processes share it
        self.optimizer = optimizer_of(self.module, optimisation)
        self.scaler = scaler_of(optimisation, processes.device)

    def step(self, passes: Iterator[P], rate: float, taken: list[P]) -> Iteration:
        """Take one step; `taken` is filled with the passes that it is made from.

        Raises NotFiniteError before anything has changed where a loss or the gradient isn't finite.
        """
        n, device, start = self.optimisation.accumulate, self.processes.device, perf_counter()
        set_rate(self.optimizer, rate)
        self.optimizer.zero_grad()
        sums: dict[str, float] = {}
        waited = 0.0
        for number in range(n):
            begun = perf_counter()
            batch = next(passes)
            waited += perf_counter() - begun
            taken.append(batch.to(device))
            with self.processes.gathering(self.joined, last=number == n - 1):
                for name, loss in self.gradient_of(taken[-1]).items():
                    sums[name] = sums.get(name, 0.0) + loss / n
        self.scaler.unscale_(self.optimizer)
        norm = float(nn.utils.clip_grad_norm_(self.module.parameters(), self.optimisation.clip or math.inf))
        if not math.isfinite(norm) and not self.scaler.is_enabled():  # the scaler itself leaves such a step out
            raise NotFiniteError({"gradient": norm})
        self.scaler.step(self.optimizer)
        self.scaler.update()
        sizes = [each.images.shape[:2] for each in taken]
        samples, images = sum(b for b, _ in sizes), sum(b * r for b, r in sizes)
        return Iteration(sums, norm, samples, images, waited, perf_counter() - start)

    def gradient_of(self, batch: Pass) -> dict[str, float]:
        """Add the gradient of one pass to the parameters' and return its losses."""
        with autocast(self.optimisation, self.processes.device):
            losses = self.joined(batch)
        values = dict(zip(losses, torch.stack([*losses.values()]).tolist(), strict=True))
        if not all(map(math.isfinite, values.values())):
            raise NotFiniteError(values)
        self.scaler.scale(sum(losses.values()) / self.optimisation.accumulate).backward()
        return values

    def state(self) -> dict[str, Any]:
        """What goes on from one leg of a run to the next, besides parameters."""
        return {"optimizer": self.optimizer.state_dict(), "scaler": self.scaler.state_dict()}

    def load(self, state: Mapping[str, Any]) -> None:
        """Go on from a state. Raises TrainingError where it is another module's."""
        try:
            self.optimizer.load_state_dict(state["optimizer"])
            self.scaler.load_state_dict(state["scaler"])
        except (ValueError, KeyError, TypeError, RuntimeError) as error:
            raise TrainingError(f"the checkpoint's optimizer doesn't fit: {error}; begin a new run") from None


def dealing_of(optimisation: Optimisation, processes: Processes) -> Dealing:
    """How batches are dealt out. Raises TrainingError where that can't be done evenly."""
    try:
        return Dealing(optimisation.batch, optimisation.accumulate, processes.rank, processes.count)
    except ValueError as error:
        raise TrainingError(f"{error}; set batch or accumulate") from None


def loop(
    learner: Learner,
    passes_from: Callable[[int], Iterator[P]],
    run: RunFolder,
    content: Content,
    resumed: Mapping[str, Any] | None = None,
    should_stop: Callable[[], bool] = bool,
    scoring: Scoring | None = None,
) -> Generator[Progress, None, bool]:
    """Train to the end or until `should_stop`; yield progress, each a line of the log; return whether it is the end.

    passes_from: the endless passes from those of an iteration on. content: what a checkpoint holds besides its
    `training`. resumed: the checkpoint to go on from. scoring: None for no scores; their time isn't that of training.
    The last checkpoint is written before the last progress is told.

    Raises TrainingError where a loss or the gradient isn't finite, memory doesn't suffice, or a file can't be written.
    """
    plan, processes = learner.optimisation, learner.processes
    iteration, spent = 0, 0.0
    if resumed is not None:
        learner.load(resumed["training"])
        iteration, spent = int(resumed["training"]["iteration"]), float(resumed["training"]["seconds"])
    passes = passes_from(iteration)
    done: list[Iteration] = []
    saved = iteration
    while True:
        spent, stop = processes.largest(spent, float(should_stop()))  # one clock and one decision for all
        at_end = bool(stop) or plan.share(iteration, spent) >= 1
        if iteration > saved and (at_end or iteration % plan.checkpoint_every == 0):
            state = {"iteration": iteration, "seconds": spent, **learner.state()}
            if processes.rank == 0:
                run.save(run.checkpoint, content() | {"training": state})
            saved = iteration
        scores = done and scoring is not None and (iteration % scoring.every == 0 or (at_end and not stop))
        if done and (at_end or scores or iteration % plan.log_every == 0):
            progress = progress_of(done, iteration, spent, plan, processes)
            if scores and scoring is not None:
                progress = replace(progress, validation=scoring.score())
            if processes.rank == 0:
                run.add_to_log(progress.line())
            yield progress
            done = []
        if at_end:
            return not stop
        taken: list[P] = []
        with explaining(run, iteration, taken, content, processes):
            done.append(learner.step(passes, plan.rate_at(iteration, spent), taken))
        iteration, spent = iteration + 1, spent + done[-1].seconds


def progress_of(
    done: Sequence[Iteration], iteration: int, spent: float, plan: Optimisation, processes: Processes
) -> Progress:
    """How a run is getting on after what was `done` since progress was told last: means over all processes."""
    n, names, seconds = len(done), [*done[0].losses], sum(step.seconds for step in done)
    losses = [sum(step.losses[name] for step in done) / n for name in names]
    waited = sum(step.waited for step in done) / seconds
    *losses, gradient, wait_share = processes.mean([*losses, done[-1].gradient, waited])
    return Progress(
        iteration,
        plan.iterations,
        dict(zip(names, losses, strict=True)),
        gradient,
        plan.rate_at(iteration - 1, spent),
        processes.count * sum(step.samples for step in done) / seconds,
        processes.count * sum(step.images for step in done) / seconds,
        wait_share,
        spent,
        _seconds_left(iteration, spent, seconds / n, plan),
    )


def _seconds_left(iteration: int, spent: float, each: float, plan: Optimisation) -> float:
    by_count = (plan.iterations - iteration) * each
    return by_count if plan.minutes is None else max(0.0, min(by_count, 60 * plan.minutes - spent))


@contextmanager
def explaining(
    run: RunFolder, iteration: int, taken: Sequence[Pass], content: Content, processes: Processes
) -> Iterator[None]:
    """Make of what can stop a step a TrainingError that says what to do."""
    try:
        yield
    except NotFiniteError as found:
        name = "nonfinite.pt" if processes.rank == 0 else f"nonfinite-{processes.rank}.pt"
        what = {"iteration": iteration, "losses": found.values, "passes": [vars(each.to(_CPU)) for each in taken]}
        run.save(run.path / name, {"format": REPLAY, "version": 1, **what, "model": content()})
        raise TrainingError(
            f"iteration {iteration + 1}: not finite: {found}; the batch and the network are kept for replay in "
            f"{run.path / name}; a lower rate, warmup or clip may help; {run.kept()}"
        ) from None
    except VidkitError as error:
        raise type(error)(_last_line(str(error))) from None  # what a worker says comes with its traceback
    except (RuntimeError, MemoryError) as error:
        if not (reason := _reason(error)):
            raise
        shape = f", {tuple(taken[-1].images.shape)} images in one pass" if taken else ""
        raise TrainingError(f"iteration {iteration + 1}{shape}: {reason}; {run.kept()}") from error


_CPU = torch.device("cpu")


def _reason(error: Exception) -> str:
    """What a failure for want of memory means, "" for any other failure."""
    said = str(error)
    if "DataLoader worker" in said and ("exited unexpectedly" in said or "killed by signal" in said):
        return "a process that loads data was killed, for want of memory mostly; set fewer workers or a smaller batch"
    if isinstance(error, MemoryError | torch.OutOfMemoryError) or "can't allocate memory" in said:
        return "out of memory; set a larger accumulate, a smaller batch or a smaller shorter side"
    return ""


def _last_line(message: str) -> str:
    """An error's own message where it comes out of a worker process with the traceback before it."""
    if not message.startswith("Caught "):
        return message
    return message.rstrip().rsplit("\n", 1)[-1].partition(": ")[2]
