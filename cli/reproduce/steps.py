"""The steps of a reproduction: vidkit commands, what each reads and writes, and whether it is done.

A step is done when what it writes is there and its stamp, `steps/NAME.json`, tells of the same command on the same
content. So whatever stops a reproduction, it goes on where it was.
"""

import hashlib
import json
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from vidkit.files import write_text
from vidkit.version import __version__

from .plan import Grid, Run, per_frame, runs_of

FORMAT, VERSION = "vidkit-step", 1
PREDICTIONS, WEIGHTS, RESULT = "predictions.h5", "predictions.weights.h5", "result.json"
"""The files of a run's folder."""


@dataclass(frozen=True)
class CommandStep:
    """A vidkit command, to be typed in the folder of the reproduction.

    Arguments that are Paths, and all of `reads`, may lie elsewhere: of them only the content counts. `writes` is
    relative to the folder.
    """

    name: str
    arguments: tuple[str | Path, ...]
    reads: tuple[Path, ...]
    writes: tuple[Path, ...]

    @property
    def command(self) -> list[str]:
        """The arguments of `vidkit`."""
        return [str(argument) for argument in self.arguments]

    @property
    def stamp(self) -> Path:
        """The file that tells what was done, relative to the folder."""
        return Path("steps", re.sub(r"[^\w.,=+-]+", "-", self.name) + ".json")

    @property
    def said(self) -> Path:
        """The file with what the command printed, relative to the folder."""
        return self.stamp.with_suffix(".txt")


@dataclass(frozen=True)
class Given:
    """What the user chose for all runs. Paths are absolute."""

    index: Path
    checkpoints: dict[str, Path]
    """By name, of `plan.CHECKPOINTS`."""
    ci: int = 1000
    device: str = "cpu"
    options: tuple[str, ...] = ()
    limit: int | None = None
    frames_root: Path | None = None


def run_steps(runs: Sequence[Run], given: Given) -> list[CommandStep]:
    """The steps that describe the checkpoints, and run and score every run whose checkpoint is there."""
    possible = [run for run in runs if run.checkpoint in given.checkpoints]
    used = dict.fromkeys(run.checkpoint for run in possible)
    steps = [_show(name, given.checkpoints[name]) for name in used]
    for run in possible:
        steps += [_benchmark(run, given), _eval(run, given)]
    return steps


def folder_of(run: Run) -> Path:
    """The folder of a run, relative to that of the reproduction."""
    return Path("runs", run.name)


def _show(name: str, checkpoint: Path) -> CommandStep:
    return CommandStep(f"checkpoint {name}", ("weights", "show", checkpoint, "--json"), (checkpoint,), ())


def _benchmark(run: Run, given: Given) -> CommandStep:
    checkpoint, output = given.checkpoints[run.checkpoint], folder_of(run) / PREDICTIONS
    arguments: list[str | Path] = ["benchmark", run.detector, "--index", given.index, "--checkpoint", checkpoint]
    for option in (*run.options, *given.options):
        arguments += ["--option", option]
    arguments += ["--device", given.device]
    arguments += [] if given.limit is None else ["--limit", str(given.limit)]
    arguments += [] if given.frames_root is None else ["--frames-root", given.frames_root]
    arguments += ["--record-weights"] if run.weights else []
    arguments += ["-o", str(output)]
    written = (output, output.with_name(WEIGHTS)) if run.weights else (output,)
    return CommandStep(f"benchmark {run.name}", tuple(arguments), (given.index, checkpoint), written)


def _eval(run: Run, given: Given) -> CommandStep:
    predictions, result = folder_of(run) / PREDICTIONS, folder_of(run) / RESULT
    scoring = ("--by", "motion", "--protocol", "fgfa", "--ci", str(given.ci))
    arguments = ("eval", str(predictions), "--index", given.index, *scoring, "-o", str(folder_of(run)))
    return CommandStep(f"eval {run.name}", arguments, (given.index, predictions), (result,))


def result_steps(articles: Sequence[str], grid: Grid, results: Collection[str], given: Given) -> list[CommandStep]:
    """The steps that go out from results, of those runs that have some, named.

    They compare the methods of Table 1 with (a), where intervals are wanted and all of the data was run, and draw the
    figures.
    """
    drawn = {article: [run for run in runs_of(article, grid) if run.name in results] for article in articles}
    table_1, base = drawn.get("table1", []), per_frame()
    compared = base in table_1 and given.ci > 0 and given.limit is None
    steps = [_compare(base, run, given) for run in table_1 if run != base and compared]
    return steps + [
        _plot(article, runs, given) for article, runs in drawn.items() if article in DRAWN and enough(article, runs)
    ]


def enough(article: str, runs: Sequence[Run]) -> bool:
    """Whether a figure can be drawn of these runs: Figure 5 needs both of its own, the others any."""
    return len(runs) >= (2 if article == "figure5" else 1)


def gain_file(run: Run) -> Path:
    """Where the comparison of a run with the per-frame baseline is, relative to the reproduction's folder."""
    return folder_of(run) / "gain.json"


def _compare(base: Run, run: Run, given: Given) -> CommandStep:
    results = tuple(folder_of(each) / RESULT for each in (base, run))
    drawing = ("--by", "none", "--ci", str(given.ci), "-o", str(gain_file(run)))
    arguments = ("compare", str(results[0]), str(results[1]), "--index", given.index, *drawing)
    reads = (given.index, *results, *(result.with_name(PREDICTIONS) for result in results))
    return CommandStep(f"compare {run.name}", arguments, reads, (gain_file(run),))


# For each figure what `vidkit plot` calls it, the file of a run that it is made of, its width in inches.
DRAWN = {
    "figure4": ("weights", WEIGHTS, 7.0),
    "figure5": ("compare-frames", PREDICTIONS, 5.0),
    "figure6": ("contribution", WEIGHTS, 3.5),
    "figure7": ("gate", RESULT, 3.5),
    "figure8": ("speed-accuracy", RESULT, 3.5),
}


def _plot(article: str, runs: Sequence[Run], given: Given) -> CommandStep:
    """The step that draws a figure of some runs."""
    subject, file, width = DRAWN[article]
    arguments: list[str | Path] = ["plot", subject, *(str(folder_of(run)) for run in runs), "--width", f"{width:g}"]
    reads = [folder_of(run) / file for run in runs]
    if article in ("figure4", "figure5"):  # those with pictures
        arguments += ["--index", given.index]
        arguments += [] if given.frames_root is None else ["--frames-root", given.frames_root]
        reads.append(given.index)
    if article == "figure5":
        arguments += ["--count", "3"]  # a page high
    if given.limit is not None and article != "figure5":  # which takes frames that both runs reached
        arguments.append("--limited")
    pictures = [f"{article}.png", f"{article}.svg"]
    for picture in pictures:
        arguments += ["-o", picture]
    return CommandStep(article, tuple(arguments), tuple(reads), tuple(map(Path, (*pictures, f"{article}.csv"))))


def lacking(step: CommandStep, folder: Path) -> list[Path]:
    """What the step reads and isn't there."""
    return [path for path in step.reads if not (folder / path).is_file()]


def is_done(step: CommandStep, folder: Path) -> bool:
    """Whether a step was done in `folder` with this command on this content, and what it wrote is there."""
    if lacking(step, folder) or not all((folder / path).is_file() for path in (*step.writes, step.said)):
        return False
    try:
        found = json.loads((folder / step.stamp).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(found, dict) and {**found, "seconds": None} == _stamp(step, folder, None)


def mark_done(step: CommandStep, folder: Path, seconds: float) -> None:
    """Write the stamp of a step that was just done, in `seconds`."""
    write_text(folder / step.stamp, json.dumps(_stamp(step, folder, seconds), indent=1) + "\n")


def _stamp(step: CommandStep, folder: Path, seconds: float | None) -> dict[str, object]:
    return {
        "format": FORMAT,
        "version": VERSION,
        "command": [argument.name if isinstance(argument, Path) else argument for argument in step.arguments],
        "reads": [_digest(folder / path) for path in step.reads],
        "vidkit": __version__,
        "seconds": seconds,
    }


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
