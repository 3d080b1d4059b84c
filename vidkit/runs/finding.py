"""RUN, as every command takes it: a file, a run's folder, or a name under the runs folder."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vidkit.errors import ChoiceError, FormatError, did_you_mean
from vidkit.runs.folder import PREDICTIONS, RESULT, WEIGHT_MAPS, result_files, weight_maps_file

Content = Literal["predictions", "results", "weight maps"]
"""What is wanted of a run."""

RESULT_FORMAT = b'"vidkit-result"'
TEXTS = ("*.txt", "*/*.txt", "labels/*/*.txt")
"""Where text of predictions lies in a folder: a file for each video or frame."""
ADVICE: dict[Content, str] = {
    "predictions": f"no {PREDICTIONS} in it, so no finished run",
    "results": "no result.json in it; score it with `vidkit eval`",
    "weight maps": "no weight maps in it; run it with --record-weights",
}
MAKERS: dict[Content, str] = {
    "predictions": "no predictions there; `vidkit benchmark` makes some",
    "results": "no result there; `vidkit benchmark`, then `vidkit eval`, make some",
    "weight maps": "no weight maps there; `vidkit benchmark … --record-weights` makes some",
}


@dataclass(frozen=True)
class FoundRun:
    """A run by its name, and the files of it that were wanted."""

    name: str
    """As tables and figures call it: its folder's name; of a file of another name, that name."""
    files: tuple[Path, ...]
    result: Path | None = None
    """The result.json that was named, or that told where the predictions are."""


def find_run(run: str | Path, runs_dir: Path, content: Content = "predictions") -> FoundRun:
    """The run called `run`: a file, a run's folder, or a name under `runs_dir`; a place of its own goes first.

    A folder without predictions of its own that holds a result.json stands for the predictions that this was made of;
    one of text files, for predictions in MOTChallenge's form. Raises ChoiceError, which lists what is there.
    """
    places = (Path(run), runs_dir / run)
    for place in places:
        if (found := _LOOK[content](place)) is not None:
            return found
    known = run_names(runs_dir, content)
    why = ADVICE[content] if any(place.exists() for place in places) else f"no such run{did_you_mean(str(run), known)}"
    raise ChoiceError(f"{run}: {why}; runs with {content} in {runs_dir}: {', '.join(known) or 'none'}")


def find_runs(runs: Iterable[str | Path], runs_dir: Path, content: Content = "predictions") -> dict[str, FoundRun]:
    """The runs called `runs` by their names, each once; where two would be called the same, as they were given.

    Without any, all runs under `runs_dir` that have the content. Raises ChoiceError where one or all aren't there.
    """
    given = list(dict.fromkeys(runs)) or run_names(runs_dir, content)
    if not given:
        raise ChoiceError(f"{runs_dir}: {MAKERS[content]}")
    found: dict[str, FoundRun] = {}
    for run in given:
        one = find_run(run, runs_dir, content)
        if all(one.files != other.files for other in found.values()):
            found[str(run) if one.name in found else one.name] = one
    return found


def run_names(runs_dir: Path, content: Content = "predictions") -> list[str]:
    """The names of the runs in the runs folder that have the content."""
    inside = {"predictions": PREDICTIONS, "results": "result*.json", "weight maps": WEIGHT_MAPS}[content]
    return sorted({path.parent.name for path in runs_dir.glob(f"*/{inside}")})


def results_folder(predictions: Path, runs_dir: Path) -> Path:
    """Where results of predictions go: beside them if they lie in the runs folder, else to a folder of their name.

    Where that folder holds the results of another file, as with `a/results.pkl` and `b/results.pkl`, the names of the
    folders before it join in, as in `b-results`.
    """
    own, runs = predictions.resolve(), runs_dir.resolve()
    if runs in own.parents:
        return predictions.parent
    names = [_stem(predictions), *(parent.name for parent in own.parents if parent.name)]
    folders = [runs_dir / "-".join(reversed(names[:n])) for n in range(1, len(names) + 1)]
    scored = {folder: scored_file(folder / RESULT) for folder in folders}
    for folder, file in scored.items():
        if file is not None and file.resolve() == own:
            return folder
    free = (folder for folder, file in scored.items() if file is None or not file.exists())
    return next(free, folders[-1])


def scored_file(result: Path) -> Path | None:
    """The prediction file that a result.json was made of; None if there is no result, or it doesn't tell."""
    from vidkit.evaluation.result import read_result

    try:
        file = read_result(result).data.get("predictions_file")
    except FormatError:
        return None
    return Path(file) if isinstance(file, str) and file else None


def _stem(path: Path) -> str:
    return path.name if path.is_dir() else path.stem


def _name_of(path: Path, inside: Sequence[str]) -> str:
    """The name of a run whose file is `path`; its folder's, where the file is called as in any run."""
    own = path.resolve()
    return own.parent.name if path.name in inside and own.parent.name else _stem(path)


# -- what is wanted of a run -------------------------------------------------------------------------------------------


def _predictions(place: Path) -> FoundRun | None:
    if place.is_file():
        return _of_result(place) if is_result(place) else FoundRun(_name_of(place, [PREDICTIONS]), (place,))
    if (place / PREDICTIONS).is_file():
        return FoundRun(_name_of(place / PREDICTIONS, [PREDICTIONS]), (place / PREDICTIONS,))
    if (place / RESULT).is_file():
        return _of_result(place / RESULT)
    texts = any(file for pattern in TEXTS for file in place.glob(pattern))
    return FoundRun(place.resolve().name, (place,)) if texts else None


def _of_result(result: Path) -> FoundRun:
    """The predictions beside a result.json, or those that it was made of."""
    beside = result.parent / PREDICTIONS
    file = beside if beside.is_file() else scored_file(result)
    if file is None:
        raise ChoiceError(f"{result}: no {PREDICTIONS} beside it, and no word of what it was made of; name that file")
    if not file.exists():
        raise ChoiceError(f"{result}: was made of {file}, which isn't there any more; name the prediction file itself")
    return FoundRun(_name_of(result, [result.name]), (file,), result)


def _results(place: Path) -> FoundRun | None:
    files = (place,) if place.is_file() else tuple(result_files(place))
    if not files:
        return None
    return FoundRun(_name_of(files[0], [files[0].name]), files)


def _weight_maps(place: Path) -> FoundRun | None:
    if place.is_file():
        beside = weight_maps_file(place)
        file = beside if beside.is_file() else place
    else:
        file = place / WEIGHT_MAPS
        if not file.is_file():
            return None
    name = _name_of(file, [WEIGHT_MAPS])
    return FoundRun(name.removesuffix(".weights"), (file,))


_LOOK: dict[Content, Callable[[Path], FoundRun | None]] = {
    "predictions": _predictions,
    "results": _results,
    "weight maps": _weight_maps,
}


def is_result(path: Path) -> bool:
    """Whether a file is a result.json of vidkit, told by how it begins."""
    if path.suffix != ".json":
        return False
    with path.open("rb") as file:
        return RESULT_FORMAT in file.read(200)
