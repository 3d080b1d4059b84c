"""What figures are made of: the options that choose it, and what these load."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vidkit.errors import ChoiceError

from ..breakdown_options import breakdowns_of, edges_of, groups_options
from ..console import say
from ..places import choose_index, data_dir_option, index_option, runs_dir_option
from ..scene_options import Scene, frame_rows, open_scene, run_files, runs_there, verdict_options, video_row
from .predictions import load_runs, runs_options
from .recorded import recorded
from .runs import limited_option, protocol_option, result_files, results_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from vidkit.evaluation.result import EvalResult

Decorator = Callable[[Any], Any]
"""What gives a command an option, or several."""


@dataclass(frozen=True)
class Inputs:
    """A kind of what figures are made of."""

    options: tuple[Decorator, ...]
    load: Callable[..., dict[str, Any]]
    """From what the options say, by their names, to arguments of `draw`."""
    run: str
    """What a RUN is, for the help."""

    @property
    def names(self) -> list[str]:
        """The names that the options have in Python."""
        return [str(option.name) for option in click.command(with_options(lambda: None, self.options)).params]


def with_options(function: Callable[..., Any], options: Sequence[Decorator]) -> Callable[..., Any]:
    """The function as one that takes these options, in their order in the help."""
    for option in reversed(options):
        function = option(function)
    return function


# -- results -----------------------------------------------------------------------------------------------------------


def _results(runs: Sequence[str], runs_dir: Path, protocol: str, limited: bool) -> dict[str, Any]:
    """The results of the named runs, or of all that are there: then what can't be drawn is left out, and said."""
    from vidkit.plots.comparable import refuse_limited

    results = results_of(result_files(runs, runs_dir), protocol)
    partial = [name for name, result in results.items() if result.limited and not limited]
    if runs:
        refuse_limited(partial)
    for name in partial:
        say(f"left out: {name}: limited to a part of the data, so no score; --limited draws it")
        del results[name]
    if not results:
        raise ChoiceError(f"{runs_dir}: only limited runs there; --limited draws them")
    return {"results": results, "skip": not runs}


_ANY_RUNS = click.argument("runs", nargs=-1, metavar="[RUN]...")
RESULTS = Inputs(
    (_ANY_RUNS, runs_dir_option, protocol_option, limited_option),
    _results,
    "A RUN is a folder with a result.json, the file itself, or a name under the runs folder; without any, all that can "
    "be drawn are.",
)

# -- predictions -------------------------------------------------------------------------------------------------------


def _predictions(protocol: str, **given: Any) -> dict[str, Any]:
    index, predictions = load_runs(**given)
    return {"index": index, "predictions": predictions, "protocol": protocol}


def _grouped(breakdowns: Sequence[str], bins: Sequence[str], fp_rule: str | None, **given: Any) -> dict[str, Any]:
    edges = edges_of(bins)
    loaded = _predictions(**given)
    return {**loaded, "by": breakdowns_of(breakdowns, loaded["index"]), "bins": edges, "fp_rule": fp_rule}


def _with_results(runs: Sequence[str], runs_dir: Path, protocol: str, **given: Any) -> dict[str, Any]:
    """The predictions, and the results that lie beside them."""
    from vidkit.evaluation.result import read_result

    results: dict[str, EvalResult] = {}
    for name, path in run_files(runs, runs_dir).items():
        for result in map(read_result, sorted(path.parent.glob("result*.json"))):
            if result.protocol.name == protocol:
                results[name] = result
    return {**_predictions(protocol, runs=runs, runs_dir=runs_dir, **given), "results": results}


_PREDICTED = "A RUN is a folder with predictions.h5, a prediction file of any format, or a name under the runs folder."
PREDICTIONS = Inputs((runs_options, groups_options, limited_option), _grouped, _PREDICTED)
SCORED_PREDICTIONS = Inputs((runs_options, limited_option), _with_results, _PREDICTED)

# -- recorded weight maps ----------------------------------------------------------------------------------------------


def _weight_maps(runs: Sequence[str], runs_dir: Path, limited: bool) -> dict[str, Any]:
    return {"runs": recorded(runs, runs_dir, limited)}


def _weight_maps_of_one(
    run: str | None, runs_dir: Path, index_path: Path | None, data_dir: Path, limited: bool
) -> dict[str, Any]:
    from vidkit.data.index_file import read_index

    found = recorded([run] if run else [], runs_dir, limited)
    if len(found) > 1:
        raise ChoiceError(f"several runs have weight maps: {', '.join(found)}; name one")
    ((name, maps),) = found.items()
    return {"run": name, "maps": maps, "index": read_index(choose_index(index_path, data_dir, maps.index_fingerprint))}


_RECORDED = (
    "A RUN is a folder with weight maps, the file itself, or a name under the runs folder; without any, all that "
    "recorded some are taken. `vidkit benchmark --record-weights` makes them."
)
WEIGHT_MAPS = Inputs((_ANY_RUNS, runs_dir_option, limited_option), _weight_maps, _RECORDED)
WEIGHT_MAPS_OF_ONE = Inputs(
    (click.argument("run", required=False), runs_dir_option, index_option, data_dir_option, limited_option),
    _weight_maps_of_one,
    _RECORDED,
)

# -- what the evaluation says of each box ------------------------------------------------------------------------------


def _verdicts(least_score: float, protocol: str, **given: Any) -> dict[str, Any]:
    return _judged(*_opened(**given), least_score, protocol)


def _verdicts_of_two(numbers: Sequence[int], least_score: float, protocol: str, **given: Any) -> dict[str, Any]:
    if numbers and given["video"] is None:
        raise click.UsageError("--frame: of which video? name it with --video")
    scene, videos = _opened(**given)
    if len(scene.runs) != 2:
        there = ", ".join(runs_there(given["runs_dir"]))
        raise ChoiceError(f"{len(scene.runs)} runs; name the two to compare. There are {there}")
    rows = frame_rows(scene.index, int(videos.argmax()), numbers) if numbers else []
    return {**_judged(scene, videos, least_score, protocol), "rows": rows}


def _opened(
    runs: Sequence[str], index_path: Path | None, video: str | None, data_dir: Path, runs_dir: Path
) -> tuple[Scene, NDArray[np.bool_]]:
    """The runs over their index, and the videos `(V,)` to draw: the named one, or all that every run reached."""
    import numpy as np

    names = runs or runs_there(runs_dir)
    if not names:
        raise ChoiceError(f"{runs_dir}: no runs there; `vidkit benchmark` makes some")
    scene = open_scene(index_path, names, video, data_dir, runs_dir)
    if video is not None:
        return scene, np.arange(scene.index.n_videos) == video_row(scene, video)
    return scene, np.logical_and.reduce(list(scene.reached().values()))


def _judged(scene: Scene, videos: NDArray[np.bool_], least_score: float, protocol: str) -> dict[str, Any]:
    runs = scene.verdicts(least_score, protocol)
    return {"runs": runs, "videos": videos, "index_file": scene.index_file}


_JUDGED = "A RUN is a folder with predictions.h5, a prediction file, or a name under the runs folder; without any, "
_VIDEO = click.option("--video", metavar="NAME", help="Of this video alone.")
_FRAME = click.option(
    "--frame", "numbers", metavar="N", type=int, multiple=True, help="A frame's number in --video; repeatable."
)
VERDICTS = Inputs(
    (_ANY_RUNS, index_option, _VIDEO, verdict_options), _verdicts, _JUDGED + "all in the runs folder are taken."
)
VERDICTS_OF_TWO = Inputs(
    (click.argument("runs", nargs=-1, metavar="[RUN RUN]"), index_option, _VIDEO, _FRAME, verdict_options),
    _verdicts_of_two,
    _JUDGED + "the runs folder must hold just two.",
)
