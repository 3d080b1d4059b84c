"""`vidkit compare`: paired differences of two runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .breakdown_options import GroupChoice, breakdown_options
from .console import FINDINGS, echo, json_option, print_json, print_table, say
from .options import FILE, ci_option, seed_option
from .prediction_options import workspace_options

if TYPE_CHECKING:
    from vidkit.evaluation.compare import Comparison, Difference, VideoShare
    from vidkit.evaluation.protocols import Protocol
    from vidkit.runs.loading import LoadedRuns, Workspace

MOST_VIDEOS = 5
"""How many videos are printed that speak most for either run."""


@click.command("compare")
@click.argument("a", metavar="A")
@click.argument("b", metavar="B")
@workspace_options
@click.option("--protocol", metavar="NAME", help="As for eval; default: that of the results, or fgfa.")
@breakdown_options
@ci_option(1000)
@seed_option
@click.option("--classes", "by_class", is_flag=True, help="Print each class of each group, too.")
@click.option("--fail-if-worse", is_flag=True, help="Exit with 3 if B's mAP is worse and the interval leaves out 0.")
@click.option("-o", "--output", type=FILE, help="Write the comparison as JSON.")
@json_option
def command(
    a: str,
    b: str,
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

    A and B are prediction files of any format, results (result.json), runs' folders, or names under the runs folder.
    The two must be of the same data and, where they are results, of the same protocol. What the options say of a file
    is said of both, but for files of vidkit's own, which leave nothing open.

    \b
    Examples:
      vidkit compare dff impression
      vidkit compare old.pkl new.pkl --index vidkit-data/vid_val.h5 --by motion,area --classes
      vidkit compare old.pkl new.pkl --boxes inclusive --by area --bins area=32,96 --fp-rule all
      vidkit compare baseline.h5 candidate.h5 --fail-if-worse && echo good
    """
    import json

    from vidkit.evaluation.compare import compare
    from vidkit.files import write_text
    from vidkit.runs.finding import find_run

    found = {"A": find_run(a, workspace.runs_dir), "B": find_run(b, workspace.runs_dir)}
    rules = _common_protocol({f"{one.result}": one.result for one in found.values() if one.result}, protocol)
    loaded = workspace.load_found(found)
    _check_results(loaded)
    by = groups.by(loaded.index)
    of_a, of_b = loaded.predictions.values()
    result = compare(loaded.index, of_a, of_b, rules, by, groups.bins, groups.fp_rule, ci, seed)
    if output is not None:
        write_text(output, json.dumps(result.to_json(), indent=1, allow_nan=False, default=str) + "\n")
    if as_json:
        print_json({**result.to_json(), "worse": result.overall.is_worse, "index": str(loaded.index_file)})
    else:
        _print(result, loaded.index_file, by_class)
    if fail_if_worse and result.overall.is_worse:
        say(f"B is worse than A: {_points(result.overall.delta)} points of mAP")
        return FINDINGS
    if fail_if_worse and result.overall.note and ci:
        say(f"warning: --fail-if-worse can't judge ({result.overall.note})")
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
    data = result.a.data
    title = f"B - A in points of mAP ({result.protocol.name}) on {data['dataset']} {data['split']}, index {index_file}"
    rows = [_row(d) for d in _told_once(result.differences) if by_class or not d.class_name]
    print_table(["group", "ground truth", "A", "B", "B - A", "95 % interval", "P(B better)"], rows, title)
    echo()
    of_b = [video for video in result.videos if video.share > 0][:MOST_VIDEOS]
    of_a = [video for video in reversed(result.videos) if video.share < 0][:MOST_VIDEOS]
    _print_videos("speak most for B", of_b)
    _print_videos("speak most for A", of_a)
    echo(f"unmatched detections in groups: rule {result.protocol.fp_rule}; ", newline=False)
    if result.bootstrap is None:
        echo("no intervals: --ci 0")
    else:
        echo(f"{result.bootstrap.replicates} paired resamplings of videos, seed {result.bootstrap.seed}")


def _told_once(differences: Sequence[Difference]) -> list[Difference]:
    """Return the differences without those of a group that is all of the data once more, with the same numbers."""
    from vidkit.evaluation.slices import repeats_all

    whole = {d.class_name: _row(d)[1:] for d in differences if not d.by}
    return [d for d in differences if not (repeats_all(d.by, d.name) and _row(d)[1:] == whole.get(d.class_name))]


def _row(difference: Difference) -> Sequence[str]:
    group = f"{difference.by}: {difference.name}" if difference.by else difference.name
    label = f"{group}, {difference.class_name}" if difference.class_name else group
    known = not difference.note
    return (
        label,
        f"{difference.n_gt}",
        f"{100 * difference.a:.2f}",
        f"{100 * difference.b:.2f}",
        _points(difference.delta),
        f"[{_points(difference.low)}, {_points(difference.high)}]" if known else difference.note,
        f"{difference.p_better:.3f}" if known else "–",
    )


def _print_videos(title: str, videos: Sequence[VideoShare]) -> None:
    if videos:
        rows = [(video.video, _points(video.share), _points(video.delta_without)) for video in videos]
        print_table([f"videos that {title}", "their share", "B - A without"], rows)
        echo()


def _points(value: float) -> str:
    return f"{100 * value:+.2f}"
