"""`vidkit plot propagation`: AP against the distance from the keyframe, and mean distance by keyframe id (Table 2)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..console import print_json
from .figure_options import picture_options
from .predictions import load_runs, runs_options
from .runs import limited_option

if TYPE_CHECKING:
    from vidkit.evaluation.distance import DistanceScore
    from vidkit.evaluation.result import EvalResult
    from vidkit.plots.propagation import KeyIdScore
    from vidkit.predictions.table import Predictions

MOST_LENGTH = 1000


@click.command("propagation")
@runs_options
@click.option(
    "--length",
    type=click.IntRange(1, MOST_LENGTH),
    help="Of segments, for the mean distance; default: the runs', or 10.",
)
@click.option(
    "--by", type=click.Choice(["motion", "none"]), default="none", show_default=True, help="Groups of objects."
)
@click.option("--ci", type=click.IntRange(0), default=0, metavar="N", help="Intervals from N resamplings of videos.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Seed of the resampling.")
@limited_option
@picture_options
def command(
    runs: tuple[str, ...],
    runs_dir: Path,
    index_path: Path | None,
    data_dir: Path,
    protocol: str,
    length: int | None,
    by: str,
    ci: int,
    seed: int,
    limited: bool,
    outputs: tuple[Path, ...],
    width: float,
    as_json: bool,
    **reading: Any,
) -> None:
    """Draw the mAP of frames at each distance |t - key| from their keyframe, and the mean distance by keyframe id.

    RUNs are folders with predictions that tell their keyframes, or the files themselves. The lower panel is the closed
    form of Table 2; beside it stand the mAPs of those RUNs that differ in their keyframe id and that `vidkit eval` has
    scored.

    \b
    Examples:
      vidkit plot propagation impression
      vidkit plot propagation impression --by motion --ci 1000 -o distance.pdf
      vidkit plot propagation impression_key_id=* -o table2.png
    """
    from vidkit.evaluation.distance import scores_by_distance, told_distances
    from vidkit.plots.figure import check_endings, write_figure
    from vidkit.plots.propagation import propagation, propagation_rows

    check_endings(outputs)
    index, loaded = load_runs(runs, runs_dir, index_path, data_dir, limited, **reading)
    scores: dict[str, list[DistanceScore]] = {}
    for name, predictions in loaded.items():
        distances = told_distances(index, predictions)
        scores[name] = scores_by_distance(index, predictions, distances, protocol, by == "motion", ci, seed)
    length = length or _length(loaded)
    by_key_id = _by_key_id(loaded, runs, runs_dir, protocol, length)
    rows = propagation_rows(scores, length, by_key_id)
    partial = any(predictions.run.limited for predictions in loaded.values())
    figure = propagation(scores, length, by_key_id, protocol, partial, width)
    written = write_figure(outputs or [runs_dir / "propagation.png"], figure, rows)
    if as_json:
        told = {"format": "vidkit-plot-propagation", "version": 1, "length": length, "limited": partial}
        print_json({**told, "files": written, "rows": rows})
        return
    for path in written:
        click.echo(path)


def _length(loaded: dict[str, Predictions]) -> int:
    """Return the segment length that the runs have in common; 10 where they tell none."""
    from vidkit.errors import ChoiceError

    told = {name: predictions.run.options.get("length") for name, predictions in loaded.items()}
    known = {value for value in told.values() if type(value) is int and 1 <= value <= MOST_LENGTH}
    if len(known) > 1:
        listed = ", ".join(f"{name}: {value}" for name, value in told.items())
        raise ChoiceError(f"the runs have segments of different lengths ({listed}); choose some, or give --length")
    return known.pop() if known else 10


def _by_key_id(
    loaded: dict[str, Predictions], runs: tuple[str, ...], runs_dir: Path, protocol: str, length: int
) -> list[KeyIdScore]:
    """Return the scores of the runs whose keyframe id is known and that were evaluated, by rising id.

    Runs with other segments than `length` are left out, and so are results of other predictions than those in the run.
    """
    from vidkit.plots.gate import options_of
    from vidkit.plots.propagation import KeyIdScore

    known = {predictions.fingerprint for predictions in loaded.values()}
    found = []
    for name, result in _results(runs, runs_dir, protocol):
        key_id = _key_id(options_of(result), length)
        if key_id is None or result.data.get("predictions_fingerprint") not in known:
            continue
        low, high = (None, None) if result.overall.interval is None else map(float, result.overall.interval.mean_ap)
        found.append(KeyIdScore(name, key_id, result.mean_ap, low, high))
    return sorted(found, key=lambda score: (score.key_id, score.run))


def _key_id(options: Mapping[str, Any], length: int) -> int | None:
    """Return the keyframe id of a run with segments of `length` frames; None where it isn't told."""
    if options.get("length") != length or "key_id" not in options:
        return None
    key_id = options["key_id"]
    if key_id is None:
        return length // 2
    return key_id if type(key_id) is int and 0 <= key_id < length else None


def _results(runs: tuple[str, ...], runs_dir: Path, protocol: str) -> Iterator[tuple[str, EvalResult]]:
    """Yield the results under a protocol that lie beside the predictions of the runs, with the names of the runs."""
    from vidkit.evaluation.result import read_result

    for run in runs:
        place = next((path for path in (Path(run), runs_dir / run) if path.exists()), None)
        folder = None if place is None else place if place.is_dir() else place.parent
        if folder is None:
            continue
        for file in sorted(folder.glob("result*.json")):
            result = read_result(file)
            if result.protocol.name == protocol:
                yield folder.name, result
