"""What figures are made of: the options that choose it, and what these load."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vidkit.errors import ChoiceError

from ..breakdown_options import GroupChoice, breakdown_options
from ..console import say
from ..options import Decorator, data_dir_option, index_option, protocol_option, runs_dir_option
from ..picture_options import verdict_options
from ..prediction_options import all_runs_argument, runs_argument, workspace_options

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from vidkit.evaluation.result import EvalResult
    from vidkit.keyframes.weight_maps import WeightMaps
    from vidkit.runs.loading import LoadedRuns, Workspace


@dataclass(frozen=True)
class Inputs:
    """A kind of what figures are made of."""

    options: tuple[Decorator, ...]
    load: Callable[..., dict[str, Any]]
    """From what the options say, by their names, to arguments of `draw`, and `told`: what JSON tells besides."""
    run: str
    """What is needed of a RUN, for the help."""

    @property
    def names(self) -> list[str]:
        """What `load` takes, by name."""
        return list(signature(self.load).parameters)


limited_option = click.option("--limited", is_flag=True, help="Draw runs over a part of the data too.")
mix_option = click.option(
    "--mix", is_flag=True, help="Draw runs of different devices, scenarios, image sizes or data in one figure."
)
results_protocol_option = click.option(
    "--protocol", default="fgfa", show_default=True, help="Which results to draw, where there are several."
)

# -- results -----------------------------------------------------------------------------------------------------------


def results_of(runs: Sequence[str], runs_dir: Path, protocol: str) -> dict[str, EvalResult]:
    """The results of the named runs, or of all that are there, under one protocol; ChoiceError if there are none."""
    from vidkit.evaluation.result import read_result
    from vidkit.runs.finding import find_runs

    found: dict[str, EvalResult] = {}
    protocols = set()
    for run in find_runs(runs, runs_dir, "results").values():
        for file in run.files:
            result = read_result(file)
            protocols.add(result.protocol.name)
            if result.protocol.name == protocol:
                found[file.parent.name if file.parent.name not in found else str(file)] = result
    if not found:
        raise ChoiceError(f"no result under the protocol {protocol!r}; there are {', '.join(sorted(protocols))}")
    return found


def _results(runs: Sequence[str], runs_dir: Path, protocol: str, limited: bool) -> dict[str, Any]:
    """The results of the named runs, or of all that are there: then what can't be drawn is left out, and said."""
    from vidkit.plots.comparable import refuse_limited

    results = results_of(runs, runs_dir, protocol)
    partial = [name for name, result in results.items() if result.limited and not limited]
    if runs:
        refuse_limited(partial)
    for name in partial:
        say(f"left out: {name}: limited to a part of the data, so no score; --limited draws it")
        del results[name]
    if not results:
        raise ChoiceError(f"{runs_dir}: only limited runs there; --limited draws them")
    return {"results": results, "skip": not runs}


RESULTS = Inputs(
    (all_runs_argument, runs_dir_option, results_protocol_option, limited_option),
    _results,
    "Of a RUN its results are needed; without any RUN, all that can be drawn are.",
)

# -- predictions -------------------------------------------------------------------------------------------------------


def _loaded(runs: Sequence[str], workspace: Workspace, limited: bool) -> LoadedRuns:
    from vidkit.plots.comparable import refuse_limited

    loaded = workspace.load(runs)
    if not limited:
        refuse_limited(loaded.limited)
    return loaded


def _predictions(
    runs: Sequence[str], workspace: Workspace, protocol: str, groups: GroupChoice, limited: bool
) -> dict[str, Any]:
    loaded = groups.told(_loaded(runs, workspace, limited))
    chosen = {"by": groups.by(loaded.index), "bins": groups.bins, "fp_rule": groups.fp_rule}
    return {"index": loaded.index, "predictions": dict(loaded.predictions), "protocol": protocol, **chosen}


def _scored_predictions(runs: Sequence[str], workspace: Workspace, protocol: str, limited: bool) -> dict[str, Any]:
    from vidkit.evaluation.result import read_result
    from vidkit.runs.folder import result_files

    loaded = _loaded(runs, workspace, limited)
    results: dict[str, EvalResult] = {}
    for run in loaded.found:
        for result in map(read_result, result_files(loaded.file_of(run).parent)):
            if result.protocol.name == protocol:
                results[run] = result
    return {"index": loaded.index, "predictions": dict(loaded.predictions), "protocol": protocol, "results": results}


_PREDICTED = "Of a RUN its predictions are needed, of any format."
PREDICTIONS = Inputs(
    (runs_argument, workspace_options, protocol_option, breakdown_options, limited_option), _predictions, _PREDICTED
)
SCORED_PREDICTIONS = Inputs(
    (runs_argument, workspace_options, protocol_option, limited_option), _scored_predictions, _PREDICTED
)

# -- recorded weight maps ----------------------------------------------------------------------------------------------


def _recorded(runs: Sequence[str], runs_dir: Path, limited: bool) -> dict[str, WeightMaps]:
    """The weight maps of each run by its name; limited ones are refused where they are named, else left out."""
    from vidkit.keyframes.weight_maps_file import read_weight_maps
    from vidkit.plots.comparable import refuse_limited
    from vidkit.runs.finding import find_runs

    found = {name: read_weight_maps(run.files[0]) for name, run in find_runs(runs, runs_dir, "weight maps").items()}
    partial = [name for name, maps in found.items() if maps.run.limited]
    if not limited and runs:
        refuse_limited(partial)
    kept = {name: maps for name, maps in found.items() if limited or name not in partial}
    if not kept:
        raise ChoiceError(f"{runs_dir}: only limited runs there; --limited draws them")
    return kept


def _weight_maps(runs: Sequence[str], runs_dir: Path, limited: bool) -> dict[str, Any]:
    return {"runs": _recorded(runs, runs_dir, limited)}


def _weight_maps_of_one(
    run: str | None, runs_dir: Path, index_path: Path | None, data_dir: Path, limited: bool
) -> dict[str, Any]:
    from vidkit.data.index_file import read_index
    from vidkit.runs.choosing import choose_index

    found = _recorded([run] if run else [], runs_dir, limited)
    if len(found) > 1:
        raise ChoiceError(f"several runs have weight maps: {', '.join(found)}; name one")
    ((name, maps),) = found.items()
    file = choose_index(index_path, data_dir, fingerprint=maps.index_fingerprint, tell=say)
    return {"run": name, "maps": maps, "index": read_index(file)}


_MAPS = (
    "Of a RUN its weight maps are needed, which `vidkit benchmark --record-weights` makes; without any RUN, all that "
    "recorded some are taken."
)
WEIGHT_MAPS = Inputs((all_runs_argument, runs_dir_option, limited_option), _weight_maps, _MAPS)
WEIGHT_MAPS_OF_ONE = Inputs(
    (click.argument("run", required=False), runs_dir_option, index_option, data_dir_option, limited_option),
    _weight_maps_of_one,
    _MAPS,
)

# -- what the evaluation says of each box ------------------------------------------------------------------------------


def _verdicts(
    runs: Sequence[str], workspace: Workspace, video: str | None, least_score: float, protocol: str
) -> dict[str, Any]:
    loaded = workspace.load(runs)
    return _judged(loaded, _videos(loaded, video), least_score, protocol)


def _verdicts_of_two(
    runs: Sequence[str],
    workspace: Workspace,
    video: str | None,
    numbers: Sequence[int],
    least_score: float,
    protocol: str,
) -> dict[str, Any]:
    from vidkit.pictures.choice import frame_rows
    from vidkit.runs.finding import find_runs, run_names

    if numbers and video is None:
        raise click.UsageError("--frame: of which video? name it with --video")
    found = find_runs(runs, workspace.runs_dir)
    if len(found) != 2:
        there = ", ".join(run_names(workspace.runs_dir))
        raise ChoiceError(f"{len(found)} runs; name the two to compare. There are {there}")
    loaded = workspace.load_found(found)
    videos = _videos(loaded, video)
    rows = frame_rows(loaded.index, int(videos.argmax()), numbers) if numbers else []
    return {**_judged(loaded, videos, least_score, protocol), "rows": rows}


def _videos(loaded: LoadedRuns, video: str | None) -> NDArray[np.bool_]:
    """The videos `(V,)` to draw: the named one, or all that every run reached."""
    import numpy as np

    from vidkit.pictures.choice import video_row

    if video is not None:
        return np.asarray(np.arange(loaded.index.n_videos) == video_row(loaded, video))
    return np.asarray(np.logical_and.reduce(list(loaded.reached().values())))


def _judged(loaded: LoadedRuns, videos: NDArray[np.bool_], least_score: float, protocol: str) -> dict[str, Any]:
    runs = loaded.verdicts(least_score, protocol)
    return {"runs": runs, "videos": videos, "told": {"index": loaded.index_file}}


_JUDGED = "Of a RUN its predictions are needed; without any RUN, "
_VIDEO = click.option("--video", metavar="NAME", help="Of this video alone.")
_FRAME = click.option(
    "--frame", "numbers", metavar="N", type=int, multiple=True, help="A frame's number in --video; repeatable."
)
VERDICTS = Inputs(
    (all_runs_argument, workspace_options, _VIDEO, verdict_options),
    _verdicts,
    _JUDGED + "all in the runs folder are taken.",
)
VERDICTS_OF_TWO = Inputs(
    (click.argument("runs", nargs=-1, metavar="[RUN RUN]"), workspace_options, _VIDEO, _FRAME, verdict_options),
    _verdicts_of_two,
    _JUDGED + "the runs folder must hold just two.",
)
