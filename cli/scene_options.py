"""What a picture shows: the index, the runs over it, the video and its frames, all chosen by name or by default."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from vidkit.errors import ChoiceError, did_you_mean

from .console import say
from .places import candidates, choose_index, data_dir_option, runs_dir_option
from .prediction_options import fit

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from vidkit.data.index import Index
    from vidkit.evaluation.verdicts import Verdicts
    from vidkit.predictions.table import Predictions

Command = TypeVar("Command", bound=Callable[..., Any])
PREDICTIONS = "predictions.h5"
PREFERRED_SPLIT = "val"  # where nothing else tells which of several indices to look at


@dataclass(frozen=True)
class Scene:
    """An index, and the runs over it by name."""

    index_file: Path
    index: Index
    runs: Mapping[str, Predictions]

    def verdicts(self, least_score: float, protocol: str) -> dict[str, Verdicts]:
        """Return what the evaluation says of each run."""
        from vidkit.evaluation.protocols import protocol_named
        from vidkit.evaluation.verdicts import judge

        if math.isnan(least_score):
            raise click.UsageError("--score: nan is no score")
        rules = protocol_named(protocol)
        return {name: judge(self.index, run, least_score, rules) for name, run in self.runs.items()}

    def reached(self) -> dict[str, NDArray[np.bool_]]:
        """Return which videos each run reached, `(V,)`: all of them, unless it was limited and tells its times."""
        return {name: _reached(self.index, run) for name, run in self.runs.items()}


def _reached(index: Index, predictions: Predictions) -> NDArray[np.bool_]:
    import numpy as np

    if not predictions.run.limited or predictions.times is None:
        return np.ones(index.n_videos, bool)
    timed = index.frame_video[np.isfinite(predictions.times.compute_seconds)]
    return np.asarray(np.bincount(timed, minlength=index.n_videos) > 0)


_RULES = (
    click.option(
        "--score",
        "least_score",
        type=float,
        default=0.3,
        show_default=True,
        help="Detections of at least this score are shown and count.",
    ),
    click.option("--protocol", default="fgfa", show_default=True, help="The rules of a match, see `vidkit eval`."),
    runs_dir_option,
    data_dir_option,
)


def verdict_options(command: Command) -> Command:
    """Give a command `least_score`, `protocol`, `runs_dir` and `data_dir`."""
    for option in reversed(_RULES):
        command = option(command)
    return command


# -- the index and the runs --------------------------------------------------------------------------------------------


def open_scene(
    index_path: Path | None, runs: Sequence[str], video: str | None, data_dir: Path, runs_dir: Path
) -> Scene:
    """Return the runs called `runs` and their index, which is the one they were made for.

    Without runs it is the one that is named, else the only one that has the video, else the only one in the data
    folder, else the first one of the split "val" or of any; this last choice is said aloud.
    """
    from vidkit.data.index_file import read_index
    from vidkit.predictions.reading import open_predictions

    if not runs:
        return Scene(*_index_alone(index_path, video, data_dir), {})
    opened = {name: open_predictions(path) for name, path in run_files(runs, runs_dir).items()}
    first = next(iter(opened.values()))
    file = choose_index(index_path, data_dir, first.index_fingerprint, first.n_frames)
    index = read_index(file)
    return Scene(file, index, {name: fit(run, index) for name, run in opened.items()})


def run_files(runs: Sequence[str], runs_dir: Path) -> dict[str, Path]:
    """Return the prediction files of runs, by the names that pictures give them.

    A run is a folder with a predictions.h5, a prediction file of any format, or a name under the runs folder. It is
    called as its folder; where two would be called the same, as it was given.
    """
    files: dict[str, Path] = {}
    for run in dict.fromkeys(runs):
        file = _prediction_file(run, runs_dir)
        short = file.parent.name if file.name == PREDICTIONS and file.parent.name else file.stem
        name = run if short in files else short
        if file not in files.values():
            files[name] = file
    return files


def runs_there(runs_dir: Path) -> list[str]:
    """Return the names of the runs in the runs folder that have predictions."""
    return sorted(path.parent.name for path in runs_dir.glob(f"*/{PREDICTIONS}"))


def _prediction_file(run: str, runs_dir: Path) -> Path:
    for place in (Path(run), runs_dir / run):
        if place.is_file():
            return place
        if (place / PREDICTIONS).is_file():
            return place / PREDICTIONS
    known = runs_there(runs_dir)
    there = any(place.exists() for place in (Path(run), runs_dir / run))
    why = f"no {PREDICTIONS} in it, so no finished run" if there else f"no such run{did_you_mean(run, known)}"
    raise ChoiceError(f"{run}: {why}; runs with predictions in {runs_dir}: {', '.join(known) or 'none'}")


def _index_alone(path: Path | None, video: str | None, data_dir: Path) -> tuple[Path, Index]:
    from vidkit.data.index_file import read_index

    if path is not None:
        return path, read_index(path)
    indices = list(_readable(candidates(data_dir)))
    if not indices:
        file = choose_index(None, data_dir)  # says what to do
        return file, read_index(file)
    if video is None or len(indices) == 1:
        return _preferred(indices)
    having = [(file, index) for file, index in indices if len(_videos_called(index, video)) == 1]
    if not having:
        near = did_you_mean(video, [name for _, index in indices for name in index.video_name])
        raise ChoiceError(f"no video called {video!r} in any of the {len(indices)} indices in {data_dir}{near}")
    return _preferred(having)


def _preferred(indices: Sequence[tuple[Path, Index]]) -> tuple[Path, Index]:
    """Return the first index of the preferred split, else the first, those that have frames before those without.

    Where there are others, a message names them.
    """
    file, index = min(indices, key=lambda pair: (pair[1].split != PREFERRED_SPLIT, pair[1].files is None))
    if others := [str(other) for other, _ in indices if other != file]:
        say(f"index: {file}; there are others: {', '.join(others)}")
    return file, index


def _readable(files: Sequence[Path]) -> Iterator[tuple[Path, Index]]:
    """Yield the files that are indices, read."""
    from vidkit.data.index_file import read_index
    from vidkit.errors import FormatError

    for file in files:
        with suppress(FormatError):
            yield file, read_index(file)


# -- the video and its frames ------------------------------------------------------------------------------------------


def video_row(scene: Scene, name: str | None) -> int:
    """Return the row of the video of this name; without one, of the first that has boxes and that all runs reached.

    The folders before the name may be left out.
    """
    index = scene.index
    if index.n_videos == 0:
        raise ChoiceError(f"index {index.dataset} {index.split}: no videos in it")
    if name is None:
        return _first_video(scene)
    rows = _videos_called(index, name)
    if len(rows) != 1:
        known = [index.video_name[row] for row in rows] or list(index.video_name)
        listed = ", ".join(known[:4]) + (", …" if len(known) > 4 else "")
        found = "several videos" if rows else "no video"
        raise ChoiceError(f"{found} called {name!r}{did_you_mean(name, known)}; there are {listed}")
    if absent := [run for run, videos in scene.reached().items() if not videos[rows[0]]]:
        raise ChoiceError(
            f"video {index.video_name[rows[0]]}: not run by {', '.join(absent)}, limited to a part of the data"
        )
    return rows[0]


def _first_video(scene: Scene) -> int:
    import numpy as np

    index = scene.index
    boxes = index.instance_start[index.frame_start[1:]] - index.instance_start[index.frame_start[:-1]]
    reached = np.logical_and.reduce([*scene.reached().values(), np.ones(index.n_videos, bool)])
    if not reached.any():
        raise ChoiceError(f"no video that all of these runs reached: {', '.join(scene.runs)}; some are limited")
    return int(np.argmax(2 * reached + (boxes > 0) * reached))


def _videos_called(index: Index, name: str) -> list[int]:
    """Return the rows of the videos of this name; the folders before it may be left out."""
    exact = [row for row, known in enumerate(index.video_name) if known == name]
    return exact or [row for row, known in enumerate(index.video_name) if known.endswith("/" + name)]


Span = tuple[int | None, int | None]


class FrameSpan(click.ParamType[Span]):
    """Frame numbers from a to b, both included: a..b, a.. or ..b."""

    name = "span"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Span:
        """Return both ends; None where one is left open."""
        if isinstance(value, tuple):
            return value
        found = re.fullmatch(r"(\d{1,9})?\.\.(\d{1,9})?", str(value).strip())
        if not found or not any(found.groups()):
            self.fail(f"{value}: wanted numbers of frames as in 10..40, 10.. or ..40", param, ctx)
        first, last = (None if text is None else int(text) for text in found.groups())
        if first is not None and last is not None and first > last:
            self.fail(f"{value}: the first frame comes after the last", param, ctx)
        return first, last


frames_option = click.option(
    "--frames", "span", type=FrameSpan(), metavar="a..b", help="Frames from number a to number b; a.. or ..b."
)


def frame_rows(index: Index, video: int, numbers: Sequence[int] = (), span: Span | None = None) -> list[int]:
    """Return the rows of the frames with these numbers, or from a to b; all of the video where neither is given."""
    rows = index.frames_of(video)
    if not rows:
        raise ChoiceError(f"video {index.video_name[video]}: the index has no frames of it")
    row_of = {int(index.frame_number[row]): row for row in rows}
    first, last = min(row_of), max(row_of)
    numbered = f"its {len(row_of)} frames are numbered {first} … {last}"
    for number in numbers:
        if number not in row_of:
            near = min(row_of, key=lambda known: abs(known - number))
            raise ChoiceError(f"video {index.video_name[video]}: no frame {number}; {numbered}, the nearest is {near}")
    low, high = span or (None, None)
    inside = [
        row for number, row in row_of.items() if (low is None or low <= number) and (high is None or number <= high)
    ]
    if not inside:
        wanted = "..".join("" if end is None else str(end) for end in (low, high))
        raise ChoiceError(f"video {index.video_name[video]}: no frame in {wanted}; {numbered}")
    return [row_of[number] for number in numbers] if numbers else inside
