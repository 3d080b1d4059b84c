"""`vidkit compare`: paired differences of two runs, or of each pair of many."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import click

from .breakdown_options import GroupChoice, breakdown_options
from .console import FINDINGS, echo, json_option, print_json, print_table, say
from .options import FILE, ci_option, seed_option
from .prediction_options import runs_argument, workspace_options

if TYPE_CHECKING:
    from vidkit.evaluation.compare import Comparison, Difference, VideoShare
    from vidkit.evaluation.compare_many import ComparisonOfMany, GroupOfRuns
    from vidkit.evaluation.protocols import Protocol
    from vidkit.evaluation.result import Bootstrap
    from vidkit.runs.loading import LoadedRuns, Workspace

MOST_VIDEOS = 5
"""How many videos are printed that speak most for either run."""


@click.command("compare")
@runs_argument
@workspace_options
@click.option("--protocol", metavar="NAME", help="As for eval; default: that of the results, or fgfa.")
@breakdown_options
@ci_option(1000)
@seed_option
@click.option("--classes", "by_class", is_flag=True, help="Print each class of each group, too; of two runs.")
@click.option(
    "--fail-if-worse",
    is_flag=True,
    help="Exit with 3 if the mAP of the second of two runs is worse beyond chance: the interval lies below 0.",
)
@click.option("-o", "--output", type=FILE, help="Write the comparison as JSON.")
@json_option
def command(
    runs: tuple[str, ...],
    workspace: Workspace,
    protocol: str | None,
    groups: GroupChoice,
    ci: int,
    seed: int,
    by_class: bool,
    fail_if_worse: bool,
    output: Path | None,
    as_json: bool,
) -> int:
    """Tell how much better B is than A: B - A with intervals over videos, and P(B is better).

    Of more than two runs: the difference of each pair with P adjusted for their number (Holm), and which run is best,
    with what certainty. A RUN is a prediction file of any format, a result (result.json), a run's folder, or a name
    under the runs folder. All must be of the same data and, where they are results, of the same protocol. What the
    options say of a file is said of all, but for files of vidkit's own, which leave nothing open.

    \b
    Examples:
      vidkit compare dff impression
      vidkit compare per-frame dff impression --by motion
      vidkit compare old.pkl new.pkl --index vidkit-data/vid_val.h5 --by motion,area --classes
      vidkit compare old.pkl new.pkl --boxes inclusive --by area --bins area=32,96 --fp-rule all
      vidkit compare baseline.h5 candidate.h5 --fail-if-worse && echo good
    """
    from vidkit.evaluation.compare import compare
    from vidkit.evaluation.compare_many import compare_many
    from vidkit.runs.finding import find_run, find_runs

    two = len(runs) == 2
    _check_number(len(runs), fail_if_worse=fail_if_worse, classes=by_class)
    found = dict(zip("AB", (find_run(run, workspace.runs_dir) for run in runs), strict=False))
    found = found if two else find_runs(runs, workspace.runs_dir)
    rules = _common_protocol({f"{one.result}": one.result for one in found.values() if one.result}, protocol)
    loaded = groups.told(workspace.load_found(found))
    _check_results(loaded)
    settings = (rules, groups.by(loaded.index), groups.bins, groups.fp_rule, ci, seed)
    if not two:
        many = compare_many(loaded.index, loaded.predictions, *settings)
        _tell(many.to_json(), output, as_json, loaded.index_file, lambda: _print_many(many, loaded.index_file))
        return 0
    result = compare(loaded.index, loaded.predictions["A"], loaded.predictions["B"], *settings)
    told = {"worse": result.overall.is_worse}
    _tell(
        result.to_json(), output, as_json, loaded.index_file, lambda: _print(result, loaded.index_file, by_class), told
    )
    return _verdict(result.overall) if fail_if_worse else 0


def _check_number(runs: int, **of_two: bool) -> None:
    """Refuse one run, and options that are for two where there are more."""
    if runs < 2:
        raise click.UsageError("one RUN: wanted two or more to compare")
    for option in (option.replace("_", "-") for option, given in of_two.items() if given and runs > 2):
        raise click.UsageError(f"--{option} is for two runs, not {runs}")


def _tell(
    content: dict[str, Any],
    output: Path | None,
    as_json: bool,
    index_file: Path,
    show: Callable[[], None],
    told: Mapping[str, Any] = MappingProxyType({}),
) -> None:
    """Write a comparison where it was asked for, and print it."""
    import json

    from vidkit.files import write_text

    if output is not None:
        write_text(output, json.dumps(content, indent=1, allow_nan=False, default=str) + "\n")
    if as_json:
        print_json({**content, **told, "index": str(index_file)})
    else:
        show()


def _verdict(overall: Difference) -> int:
    """The exit code that says whether B is worse; where that can't be judged a warning."""
    from vidkit.evaluation.compare import NOT_ASKED

    if overall.is_worse:
        say(f"B is worse than A: {_points(overall.delta)} points of mAP")
        return FINDINGS
    if overall.note not in ("", NOT_ASKED):
        say(f"warning: --fail-if-worse can't judge ({overall.note})")
    return 0


def _common_protocol(results: Mapping[str, Path], given: str | None) -> Protocol:
    """The protocol to compare under; a ChoiceError if the results and the option are of unlike ones."""
    from vidkit.errors import ChoiceError
    from vidkit.evaluation.protocols import FGFA, protocol_named
    from vidkit.evaluation.result import read_result

    wanted = {place: read_result(file).protocol for place, file in results.items()}
    if given is not None:
        wanted["--protocol"] = protocol_named(given)
    protocols = list(wanted.values())
    if any(protocol != protocols[0] for protocol in protocols):
        said = ", ".join(f"{place}: {protocol.name}" for place, protocol in wanted.items())
        raise ChoiceError(f"unlike protocols can't be compared ({said}); evaluate both under one, or give predictions")
    return protocols[0] if protocols else FGFA


def _check_results(loaded: LoadedRuns) -> None:
    """Refuse predictions that aren't those which the result that led to them was made of."""
    from vidkit.errors import ChoiceError
    from vidkit.evaluation.result import read_result

    for name, run in loaded.found.items():
        if run.result is None:
            continue
        data = read_result(run.result).data
        if data["index_fingerprint"] != loaded.index.fingerprint:
            raise ChoiceError(f"{run.result}: was made for another index than {loaded.index_file}; evaluate again")
        if data["predictions_fingerprint"] != loaded.predictions[name].fingerprint:
            raise ChoiceError(f"{run.result}: was made of other predictions than {run.files[0]} holds; evaluate again")


def _print(result: Comparison, index_file: Path, by_class: bool) -> None:
    from vidkit.evaluation.intervals import explained

    data = result.a.data
    title = f"B - A in points of mAP ({result.protocol.name}) on {data['dataset']} {data['split']}, index {index_file}"
    rows = [_row(d) for d in _told_once(result.differences) if by_class or not d.class_name]
    print_table(["group", "ground truth", "A", "B", "B - A", "95 % interval", "P(B better)"], rows, title)
    for line in explained(row[5] for row in rows):
        echo(line)
    echo()
    of_b = [video for video in result.videos if video.share > 0][:MOST_VIDEOS]
    of_a = [video for video in reversed(result.videos) if video.share < 0][:MOST_VIDEOS]
    _print_videos("speak most for B", of_b)
    _print_videos("speak most for A", of_a)
    _print_settings(result.protocol, result.bootstrap)


def _print_settings(protocol: Protocol, bootstrap: Bootstrap | None) -> None:
    echo(f"unmatched detections in groups: rule {protocol.fp_rule}; ", newline=False)
    if bootstrap is None:
        echo("no intervals: --ci 0")
    else:
        echo(f"{bootstrap.replicates} paired resamplings of videos, seed {bootstrap.seed}")


def _print_many(many: ComparisonOfMany, index_file: Path) -> None:
    from vidkit.evaluation.compare_many import verdict
    from vidkit.evaluation.intervals import explained
    from vidkit.evaluation.slices import repeats_all

    data = next(iter(many.results.values())).data
    echo(f"{many.protocol.name} on {data['dataset']} {data['split']}, index {index_file}\n")
    for group in many.groups:
        if not group.best or (repeats_all(group.by, group.name) and group.n_gt == many.overall.n_gt):
            continue
        label = f"{group.by}: {group.name}" if group.by else "all"
        title = f"{label}, {group.n_gt} ground truth: row - column in points of mAP, P of all pairs together (Holm)"
        rows = [[run, _percent(value), *_against_each(group, run)] for run, value in group.mean_ap.items()]
        print_table(["run", "mAP %", *group.mean_ap], rows, title)
        echo(f"{verdict(group)}\n")
    pairs = [
        [f"{pair.b} - {pair.a}", _points(pair.difference.delta), pair.difference.told(), _p(pair.p_adjusted)]
        for pair in many.overall.pairs
    ]
    print_table(["pair", "points", "95 % interval", "P (Holm)"], pairs, "all")
    for line in explained(pair[2] for pair in pairs):
        echo(line)
    echo()
    _print_settings(many.protocol, many.bootstrap)


def _against_each(group: GroupOfRuns, run: str) -> list[str]:
    """The row of a run in the matrix: its mean AP minus that of each run, with the adjusted P."""
    cells = []
    for other, value in group.mean_ap.items():
        told = (
            "" if other == run else f"{_points(group.mean_ap[run] - value)} ({_p(group.pair(run, other).p_adjusted)})"
        )
        cells.append(told)
    return cells


def _p(value: float) -> str:
    return "–" if value != value else f"{value:.3f}" if value >= 0.001 else "<.001"


def _told_once(differences: Sequence[Difference]) -> list[Difference]:
    """Return the differences without those of a group that is all of the data once more, with the same numbers."""
    from vidkit.evaluation.slices import repeats_all

    whole = {d.class_name: _row(d)[1:] for d in differences if not d.by}
    return [d for d in differences if not (repeats_all(d.by, d.name) and _row(d)[1:] == whole.get(d.class_name))]


def _row(difference: Difference) -> Sequence[str]:
    group = f"{difference.by}: {difference.name}" if difference.by else difference.name
    label = f"{group}, {difference.class_name}" if difference.class_name else group
    return (
        label,
        f"{difference.n_gt}",
        _percent(difference.a),
        _percent(difference.b),
        _points(difference.delta),
        difference.told(),
        f"{difference.p_better:.3f}" if difference.ends else "–",
    )


def _print_videos(title: str, videos: Sequence[VideoShare]) -> None:
    if videos:
        rows = [(video.video, _points(video.share), _points(video.delta_without)) for video in videos]
        print_table([f"videos that {title}", "their share", "B - A without"], rows)
        echo()


def _points(value: float) -> str:
    return "–" if value != value else f"{100 * value:+.2f}"


def _percent(value: float) -> str:
    from vidkit.shown import percent

    return percent(value)
