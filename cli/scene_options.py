"""What a picture shows: the index, the runs over it, the video and its frames, all chosen by name or by default."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from vidkit.errors import ChoiceError, did_you_mean

from .console import say
from .options import data_dir_option, runs_dir_option

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from vidkit.data.index import Index
    from vidkit.evaluation.verdicts import Verdicts
    from vidkit.predictions.table import Predictions

Command = TypeVar("Command", bound=Callable[..., Any])


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
    """The runs called `runs` and their index; without runs the one that is named, or that has the video."""
    from vidkit.data.index_file import read_index
    from vidkit.runs.loading import Workspace

    workspace = Workspace(data_dir, runs_dir, index_path, tell=say)
    if not runs:
        file = workspace.choose_index(video=video)
        return Scene(file, read_index(file), {})
    loaded = workspace.load(runs)
    return Scene(loaded.index_file, loaded.index, loaded.predictions)


def runs_there(runs_dir: Path) -> list[str]:
    """The names of the runs in the runs folder that have predictions."""
    from vidkit.runs.finding import run_names

    return run_names(runs_dir)


# -- the video and its frames ------------------------------------------------------------------------------------------


def video_row(scene: Scene, name: str | None) -> int:
    """Return the row of the video of this name; without one, of the first that has boxes and that all runs reached.

    The folders before the name may be left out.
    """
    from vidkit.runs.choosing import videos_called

    index = scene.index
    if index.n_videos == 0:
        raise ChoiceError(f"index {index.dataset} {index.split}: no videos in it")
    if name is None:
        return _first_video(scene)
    rows = videos_called(index, name)
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
