"""`vidkit samples`: what a training sampler draws."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from inspect import signature
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from .choices import OneOf
from .console import echo, json_option, print_json, print_table, progress, say
from .options import FILE, data_dir_option, open_index

if TYPE_CHECKING:
    from vidkit.data.index import Index
    from vidkit.sampling.samplers import Sampler
    from vidkit.sampling.strata import Epochs
    from vidkit.sampling.survey import RoleSurvey, Survey

BAR = 40  # characters of the longest bar
LABEL = 12  # characters of an offset, or of a run of offsets
LINES = 48  # most lines of a histogram; longer ones are drawn in runs of offsets
CHUNK = 10_000  # samples at a time


def _names() -> Iterable[str]:
    from vidkit.sampling.samplers import SAMPLERS

    return SAMPLERS


@click.command("samples")
@click.argument("name", metavar="SAMPLER", type=OneOf(_names))
@click.option(
    "--index",
    "index_paths",
    type=FILE,
    multiple=True,
    help="An index; give VID and DET one after the other. Default: the one in the data folder.",
)
@data_dir_option
@click.option(
    "--length", type=click.IntRange(1, 1000), help="Frames in a segment, l; default 10. Not for fgfa, uniform15."
)
@click.option("--radius", type=click.IntRange(1, 1000), help="Only fgfa: how far away neighbours may be; default 9.")
@click.option(
    "--ratio", metavar="A:B…", help="Shares of the indices in an epoch, as 1:1; default: as many as they have."
)
@click.option(
    "--class-balance",
    type=click.FloatRange(0, 1),
    default=0.0,
    show_default=True,
    help="0: frames as they are; 1: all classes the same number of samples.",
)
@click.option("--per-video", type=click.IntRange(min=1), help="Only this many evenly spaced frames of each video.")
@click.option("--empty/--no-empty", default=None, help="With or without frames that have no box.  [default: without]")
@click.option("--shuffle/--in-order", default=None, help="Random or in the order of the index.  [default: random]")
@click.option("--epoch-size", type=click.IntRange(1, 10**8), help="Samples in an epoch; default: one for each frame.")
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=0, show_default=True)
@click.option("--epoch", type=click.IntRange(0, 2**32), default=0, show_default=True, help="The first epoch to show.")
@click.option(
    "--epochs", "n_epochs", type=click.IntRange(1, 100), default=1, show_default=True, help="How many to show."
)
@click.option("--dump", type=click.Choice(["csv"]), help="Write the samples one by one in place of the counts.")
@click.option("--shard", metavar="R/N", help="Only with --dump: the samples of process R of N, counted from 0.")
@click.option("--plot", is_flag=True, help="Draw the counts as well, with a CSV of what is drawn beside the picture.")
@click.option(
    "-o", "--output", type=FILE, help="Where --dump (default: stdout) or --plot (default: samples_SAMPLER.png) goes."
)
@json_option
def command(
    name: str,
    index_paths: tuple[Path, ...],
    data_dir: Path,
    length: int | None,
    radius: int | None,
    ratio: str | None,
    class_balance: float,
    per_video: int | None,
    empty: bool | None,
    shuffle: bool | None,
    epoch_size: int | None,
    seed: int,
    epoch: int,
    n_epochs: int,
    dump: str | None,
    shard: str | None,
    plot: bool,
    output: Path | None,
    as_json: bool,
) -> None:
    """Show what SAMPLER draws: offsets, clamping at the ends of videos, class balance, shares of the indices.

    \b
    SAMPLER is one of
      impression_triplet  old key in [-l, -l/2], current frame, new key in [-l/2, l/2] (Impression Network)
      causal              new key in [-(l-1), 0], old key l frames before it: no look-ahead
      dff_pair            key in [-(l-1), 0], current frame (Deep Feature Flow)
      fgfa                current frame and two others within the radius (FGFA)
      uniform15           single frames of the published 15-frame list, in order; --shuffle --no-empty to train on it

    The stream is a function of seed, epoch and position: the number of workers or processes doesn't change it.

    \b
    Examples:
      vidkit samples impression_triplet --index vid_train.h5 --index det_train.h5 --ratio 1:1
      vidkit samples impression_triplet --length 20 --plot -o triplets.pdf
      vidkit samples uniform15 --index vid_train.h5 --dump csv -o list.csv
      vidkit samples dff_pair --class-balance 0.5 --json
    """
    if shard and not dump:
        raise click.UsageError("--shard needs --dump")
    if dump and (plot or (as_json and output is None)):
        raise click.UsageError("--dump takes stdout, or the file of -o: it goes with neither --plot nor a bare --json")
    labelled, shares = None if empty is None else not empty, None if ratio is None else _shares(ratio)
    chosen: dict[str, Any] = {"per_video": per_video, "labelled": labelled, "shuffle": shuffle, "size": epoch_size}
    chosen |= {"shares": shares, "class_balance": class_balance}
    options = _epochs(name, {key: value for key, value in chosen.items() if value is not None})
    opened = [open_index(path, data_dir, prefer="train") for path in index_paths or (None,)]
    paths, indices = [path for path, _ in opened], [index for _, index in opened]
    if options.shares and len(options.shares) != len(indices):
        raise click.UsageError(f"--ratio {ratio}: {len(options.shares)} shares for {len(indices)} indices")
    numbers = {key: value for key, value in (("length", length), ("radius", radius)) if value is not None}
    drawn = DrawnSamples(
        _sampler(name, indices, options, seed, numbers), indices, paths, range(epoch, epoch + n_epochs)
    )
    if dump:
        _dump(drawn, _shard(shard), output)
        if as_json:
            print_json({"format": "vidkit-samples-dump", "version": 1, "file": str(output)})
        return
    _report(name, drawn, as_json, (output or Path(f"samples_{name}.png")) if plot else None)


@dataclass(frozen=True)
class DrawnSamples:
    """What is shown: a sampler over indices, and some of its epochs."""

    sampler: Sampler
    indices: Sequence[Index]
    paths: Sequence[Path]
    epochs: range


def _epochs(name: str, chosen: Mapping[str, Any]) -> Epochs:
    """What an epoch is made of: the sampler's own default where an option isn't given."""
    from vidkit.sampling.samplers import PUBLISHED_LIST
    from vidkit.sampling.strata import WHOLE

    if name == "uniform15" and chosen.get("per_video", 15) != 15:
        raise click.UsageError("uniform15 takes 15 frames of each video: leave --per-video out")
    try:
        return replace(PUBLISHED_LIST if name == "uniform15" else WHOLE, **chosen)
    except ValueError as error:
        raise click.UsageError(str(error)) from None


def _shares(ratio: str) -> tuple[float, ...]:
    try:
        return tuple(float(share) for share in ratio.split(":"))
    except ValueError:
        raise click.UsageError(f"--ratio {ratio}: wanted numbers with colons between them, such as 1:1") from None


def _shard(text: str | None) -> tuple[int, int]:
    rank, slash, processes = (text or "0/1").partition("/")
    if slash and rank.isdecimal() and processes.isdecimal() and int(rank) < int(processes):
        return int(rank), int(processes)
    raise click.UsageError(f"--shard {text}: wanted R/N with R in 0 … N - 1, such as 0/4")


def _sampler(name: str, indices: Sequence[Index], epochs: Epochs, seed: int, numbers: Mapping[str, int]) -> Sampler:
    from vidkit.sampling.samplers import SAMPLERS

    for number in numbers:
        if number not in signature(SAMPLERS[name]).parameters:
            raise click.UsageError(f"--{number} is not for {name}")
    return SAMPLERS[name](indices, epochs=epochs, seed=seed, **numbers)


# -- one by one --------------------------------------------------------------------------------------------------------


def _dump(drawn: DrawnSamples, shard: tuple[int, int], output: Path | None) -> None:
    sampler = drawn.sampler
    with _opened(output) as file, progress("samples", len(drawn.epochs) * len(sampler), "samples") as advance:
        rows = csv.writer(file, lineterminator="\n")
        offsets = [f"{role}_offset_drawn" for role in sampler.roles if role != "current"]
        rows.writerow(["epoch", "position", "index", "video", *sampler.roles, *offsets, "class"])
        for epoch in drawn.epochs:
            for start in range(0, len(sampler), CHUNK):
                stop = min(start + CHUNK, len(sampler))
                rows.writerows(_rows(drawn, epoch, start, stop, shard))
                advance(stop - start)
    if output:
        say(f"wrote {output}")


def _rows(drawn: DrawnSamples, epoch: int, start: int, stop: int, shard: tuple[int, int]) -> Iterator[list[object]]:
    """Yield the rows of the dump: frames by the numbers that the index gives them, offsets as they were drawn."""
    sampler, (rank, processes) = drawn.sampler, shard
    others = [column for column, role in enumerate(sampler.roles) if role != "current"]
    taken = sampler.take(epoch, start, stop)
    for row in range((rank - start) % processes, stop - start, processes):
        source = int(taken.source[row])
        index, class_id = drawn.indices[source], sampler.strata[int(taken.stratum[row])].class_id
        yield [
            epoch,
            start + row,
            drawn.paths[source].name,
            index.video_name[int(taken.video[row])],
            *index.frame_number[taken.frames[row]].tolist(),
            *taken.drawn[row, others].tolist(),
            index.class_names[class_id] if class_id >= 0 else "",
        ]


@contextmanager
def _opened(output: Path | None) -> Iterator[IO[str]]:
    from vidkit.files import writing

    if output is None:
        yield sys.stdout
        return
    with writing(output) as part, part.open("w", encoding="utf-8", newline="") as file:
        yield file


# -- counts ------------------------------------------------------------------------------------------------------------


def _report(name: str, drawn: DrawnSamples, as_json: bool, picture: Path | None) -> None:
    from vidkit.sampling.survey import survey

    sampler, epochs = drawn.sampler, drawn.epochs
    found = survey(sampler, drawn.indices, epochs)
    if picture:
        from vidkit.plots.figure import write_figure
        from vidkit.plots.samples import samples, samples_rows

        written = write_figure([picture], samples(found, name), samples_rows(found))
        say(f"wrote {', '.join(map(str, written))}")
    if as_json:
        told = {"sampler": name, "seed": sampler.seed, "epochs": list(epochs), "epoch_size": len(sampler)}
        files = {"indices": [str(path) for path in drawn.paths]}
        print_json({"format": "vidkit-samples", "version": 1, **told, **files, **asdict(found)})
    else:
        _print(name, found, len(sampler), epochs)


def _print(name: str, found: Survey, epoch_size: int, epochs: range) -> None:
    which = f"epoch {epochs[0]}" if len(epochs) == 1 else f"epochs {epochs[0]} … {epochs[-1]}"
    echo(f"{name}: {found.samples} samples, {which} of {epoch_size}")
    echo()
    print_table(
        ["index", "frames", "seen", "samples", "share", "of stills"],
        [
            (s.name, s.frames, s.frames_seen, s.samples, _percent(s.samples, found.samples), s.stills)
            for s in found.sources
        ],
    )
    for role in found.roles:
        _print_role(role, found)
    if len(found.roles):
        equal = _percent(found.all_frames_equal, found.of_videos)
        echo(f"\nSamples of videos with the same frame in all roles: {found.all_frames_equal} ({equal})")
    echo()
    print_table(
        ["class", "frames", "samples", "share of samples", "drawn for it", "boxes"],
        [
            (c.name, c.frames, c.samples, _percent(c.samples, found.samples), c.drawn_for or "-", c.boxes)
            for c in found.classes
            if c.frames
        ],
    )
    missing = sum(not c.frames for c in found.classes)
    if missing:
        echo(f"classes without a frame that may be drawn: {missing}")


def _print_role(role: RoleSurvey, found: Survey) -> None:
    low, high = role.declared
    start, end = (f"{n} ({_percent(n, found.of_videos)})" for n in (role.clamped_at_start, role.clamped_at_end))
    echo(f"\n{role.role}: drawn uniformly from {low} … {high}")
    echo(f"in {found.of_videos} samples of videos, clamped at the start {start}, at the end {end}")
    echo(f"{'offset':>{LABEL}}{'drawn':>9}{'used':>9}")
    for line in _histogram(role, found):
        echo(line.rstrip())


def _histogram(role: RoleSurvey, found: Survey) -> Iterator[str]:
    """Yield a line for each offset, or run of offsets: its share as drawn and after clamping, a bar for the latter."""
    offsets = sorted(role.drawn.keys() | role.used.keys())
    step = -(-len(offsets) // LINES)
    runs = [offsets[start : start + step] for start in range(0, len(offsets), step)]
    used = [sum(role.used.get(offset, 0) for offset in run) for run in runs]
    highest = max(used, default=0) or 1
    for run, n in zip(runs, used, strict=True):
        label = f"{run[0]:+d}" if len(run) == 1 else f"{run[0]:+d}…{run[-1]:+d}"
        drawn = sum(role.drawn.get(offset, 0) for offset in run)
        share = _percent(drawn, found.of_videos) if drawn or run[0] in role.drawn else "-"
        yield f"{label:>{LABEL}}{share:>9}{_percent(n, found.of_videos):>9}  {'█' * round(BAR * n / highest)}"


def _percent(n: int, of: int) -> str:
    return f"{100 * n / of:.1f} %" if of else "-"
