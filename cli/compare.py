"""`vidkit compare`: paired differences of two runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from .breakdown_options import breakdowns_of, edges_of, groups_options
from .console import FINDINGS, json_option, print_json, print_table, say
from .places import choose_index, data_dir_option, index_option
from .prediction_options import fit, read_options, reading_options

if TYPE_CHECKING:
    from vidkit.data.index import Index
    from vidkit.evaluation.compare import Comparison, Difference, VideoShare
    from vidkit.evaluation.protocols import Protocol
    from vidkit.predictions import ReadOptions
    from vidkit.predictions.reading import OpenedPredictions
    from vidkit.predictions.table import Predictions

MOST_VIDEOS = 5
"""How many videos are printed that speak most for either run."""


@click.command("compare")
@click.argument("a_path", metavar="A", type=click.Path(exists=True, path_type=Path))
@click.argument("b_path", metavar="B", type=click.Path(exists=True, path_type=Path))
@index_option
@data_dir_option
@click.option("--protocol", metavar="NAME", help="As for eval; default: that of the results, or fgfa.")
@groups_options
@click.option("--ci", type=click.IntRange(min=0), default=1000, show_default=True, help="Resamplings of videos.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed of the resampling.")
@click.option("--classes", "by_class", is_flag=True, help="Print each class of each group, too.")
@click.option("--fail-if-worse", is_flag=True, help="Exit with 3 if B's mAP is worse and the interval leaves out 0.")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write the comparison as JSON.")
@reading_options
@json_option
def command(
    a_path: Path,
    b_path: Path,
    index_path: Path | None,
    data_dir: Path,
    protocol: str | None,
    breakdowns: tuple[str, ...],
    bins: tuple[str, ...],
    fp_rule: Literal["fgfa", "mega", "all", "none"] | None,
    ci: int,
    seed: int,
    by_class: bool,
    fail_if_worse: bool,
    output: Path | None,
    as_json: bool,
    **reading: Any,
) -> int:
    """Tell how much better B is than A: B - A with intervals over videos, and P(B is better).

    A and B are prediction files of any format, run folders, or result.json files beside their predictions. The two must
    be of the same data and, where they are results, of the same protocol. What the options say of a file is said of
    both, but for files of vidkit's own, which leave nothing open.

    \b
    Examples:
      vidkit compare runs/dff runs/impression
      vidkit compare old.pkl new.pkl --index vidkit-data/vid_val.h5 --by motion,area --classes
      vidkit compare old.pkl new.pkl --boxes inclusive --by area --bins area=32,96 --fp-rule all
      vidkit compare baseline.h5 candidate.h5 --fail-if-worse && echo good
    """
    import json

    from vidkit.data.index_file import read_index
    from vidkit.evaluation.compare import compare
    from vidkit.files import write_text

    edges, options = edges_of(bins), read_options(**reading)
    a, b = _open(a_path, options), _open(b_path, options)
    rules = _common_protocol(a, b, protocol)
    _refuse_unlike_data(a, b)
    fingerprint = a.opened.index_fingerprint or b.opened.index_fingerprint
    index_file = choose_index(index_path, data_dir, fingerprint, a.opened.n_frames)
    index = read_index(index_file)
    of_a, of_b = (side.predictions(index) for side in (a, b))
    result = compare(index, of_a, of_b, rules, breakdowns_of(breakdowns, index), edges, fp_rule, ci, seed)
    if output is not None:
        write_text(output, json.dumps(result.to_json(), indent=1, allow_nan=False, default=str) + "\n")
    if as_json:
        print_json({**result.to_json(), "worse": result.overall.is_worse, "index": str(index_file)})
    else:
        _print(result, index_file, by_class)
    if fail_if_worse and result.overall.is_worse:
        say(f"B is worse than A: {_points(result.overall.delta)} points of mAP")
        return FINDINGS
    return 0


@dataclass(frozen=True, eq=False)
class _Side:
    """One of the two: its predictions; and where a result was given, its protocol and what it was made of."""

    path: Path
    opened: OpenedPredictions
    protocol: Protocol | None = None
    predictions_fingerprint: str = ""

    def predictions(self, index: Index) -> Predictions:
        """Return the predictions; a ChoiceError if they aren't those that the result was made of."""
        from vidkit.errors import ChoiceError

        predictions = fit(self.opened, index)
        if self.predictions_fingerprint not in ("", predictions.fingerprint):
            raise ChoiceError(f"{self.path}: was made of other predictions than lie beside it; evaluate again")
        return predictions


def _open(path: Path, options: ReadOptions) -> _Side:
    """Return the predictions at `path`, or those beside the result.json that `path` is.

    Raises ChoiceError if there are none, or if the result was made for another index.
    """
    from vidkit.errors import ChoiceError
    from vidkit.evaluation.result import RESULT_FORMAT, read_result
    from vidkit.hdf5 import is_hdf5
    from vidkit.predictions.reading import open_predictions

    is_result = path.suffix == ".json" and _begins_with(path, RESULT_FORMAT)
    if not path.is_dir() and not is_result:
        return _Side(path, open_predictions(path, _of_own(options) if is_hdf5(path) else options))
    place = (path if path.is_dir() else path.parent) / "predictions.h5"
    if not place.is_file():
        raise ChoiceError(f"{path}: no predictions.h5 there; give the prediction file itself")
    opened = open_predictions(place, _of_own(options))
    if not is_result:
        return _Side(path, opened)
    result = read_result(path)
    if opened.index_fingerprint != result.data["index_fingerprint"]:
        raise ChoiceError(f"{path}: was made for another index than {place}; evaluate again")
    return _Side(path, opened, result.protocol, result.data["predictions_fingerprint"])


def _of_own(options: ReadOptions) -> ReadOptions:
    """Return what the options say of a file of vidkit's own: not how to understand it, for the file tells that."""
    from vidkit.predictions import ReadOptions

    return ReadOptions(invalid=options.invalid, partial=options.partial, any_index=options.any_index)


def _begins_with(path: Path, name: str) -> bool:
    with path.open(encoding="utf-8", errors="replace") as file:
        return name in file.read(200)


def _common_protocol(a: _Side, b: _Side, given: str | None) -> Protocol:
    """Return the protocol to compare under; a ChoiceError if the two are of unlike ones."""
    from vidkit.errors import ChoiceError
    from vidkit.evaluation.protocols import FGFA, protocol_named

    wanted = {f"{side.path}": side.protocol for side in (a, b) if side.protocol is not None}
    if given is not None:
        wanted["--protocol"] = protocol_named(given)
    protocols = list(wanted.values())
    if any(protocol != protocols[0] for protocol in protocols):
        said = ", ".join(f"{place}: {protocol.name}" for place, protocol in wanted.items())
        raise ChoiceError(f"unlike protocols can't be compared ({said}); evaluate both under one, or give predictions")
    return protocols[0] if protocols else FGFA


def _refuse_unlike_data(a: _Side, b: _Side) -> None:
    from vidkit.errors import PredictionError

    prints = a.opened.index_fingerprint, b.opened.index_fingerprint
    if all(prints) and prints[0] != prints[1]:
        raise PredictionError(
            f"unlike data can't be compared: {a.path} was made for the index {prints[0]}, {b.path} for {prints[1]}"
        )


def _print(result: Comparison, index_file: Path, by_class: bool) -> None:
    data = result.a.data
    title = f"B - A in points of mAP ({result.protocol.name}) on {data['dataset']} {data['split']}, index {index_file}"
    rows = [_row(d) for d in _told_once(result.differences) if by_class or not d.class_name]
    print_table(["group", "ground truth", "A", "B", "B - A", "95 % interval", "P(B better)"], rows, title)
    click.echo()
    of_b = [video for video in result.videos if video.share > 0][:MOST_VIDEOS]
    of_a = [video for video in reversed(result.videos) if video.share < 0][:MOST_VIDEOS]
    _print_videos("speak most for B", of_b)
    _print_videos("speak most for A", of_a)
    click.echo(f"unmatched detections in groups: rule {result.protocol.fp_rule}; ", nl=False)
    if result.bootstrap is None:
        click.echo("no intervals: --ci 0")
    else:
        click.echo(f"{result.bootstrap.replicates} paired resamplings of videos, seed {result.bootstrap.seed}")


def _told_once(differences: Sequence[Difference]) -> list[Difference]:
    """Return the differences without those of a group that is all of the data once more, with the same numbers."""
    from vidkit.evaluation.slices import repeats_all

    whole = {d.class_name: _row(d)[1:] for d in differences if not d.by}
    return [d for d in differences if not (repeats_all(d.by, d.name) and _row(d)[1:] == whole.get(d.class_name))]


def _row(difference: Difference) -> Sequence[str]:
    group = f"{difference.by}: {difference.name}" if difference.by else difference.name
    label = f"{group}, {difference.class_name}" if difference.class_name else group
    known = difference.p_better == difference.p_better
    return (
        label,
        f"{difference.n_gt}",
        f"{100 * difference.a:.2f}",
        f"{100 * difference.b:.2f}",
        _points(difference.delta),
        f"[{_points(difference.low)}, {_points(difference.high)}]" if known else "–",
        f"{difference.p_better:.3f}" if known else "–",
    )


def _print_videos(title: str, videos: Sequence[VideoShare]) -> None:
    if videos:
        rows = [(video.video, _points(video.share), _points(video.delta_without)) for video in videos]
        print_table([f"videos that {title}", "their share", "B - A without"], rows)
        click.echo()


def _points(value: float) -> str:
    return f"{100 * value:+.2f}"
