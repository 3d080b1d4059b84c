"""`vidkit plot weights`: keyframes under their weight maps, the distribution of w (Impression Network, Figure 4)."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from ..console import print_json, print_table, say
from ..options import data_dir_option, index_option, runs_dir_option
from .figure_options import picture_options
from .recorded import recorded
from .runs import limited_option

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from vidkit.data.index import Index
    from vidkit.keyframes.map_statistics import KeyframeWeight
    from vidkit.keyframes.weight_maps import WeightMaps
    from vidkit.plots.weight_maps import PicturedKeyframe


@click.command("weights")
@click.argument("run", required=False)
@runs_dir_option
@index_option
@data_dir_option
@click.option(
    "--sort",
    type=click.Choice(["objects", "map"]),
    default="objects",
    show_default=True,
    help="By the mean w at the keyframe's objects, or over its whole map.",
)
@click.option("--no-pictures", is_flag=True, help="Draw the distribution alone: no frames are needed.")
@click.option(
    "--frames-root",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Where the frames are, if they were moved since the index was made.",
)
@limited_option
@picture_options
def command(
    run: str | None,
    runs_dir: Path,
    index_path: Path | None,
    data_dir: Path,
    sort: Literal["objects", "map"],
    no_pictures: bool,
    frames_root: Path | None,
    limited: bool,
    outputs: tuple[Path, ...],
    width: float,
    as_json: bool,
) -> None:
    """Draw the keyframes with the lowest, middle and highest mean w, and the distribution of w over all keyframes.

    w is a new keyframe's share in the task feature (Eq. 2); red is where it counts more than the impression. A mean
    over a whole map says little where most of it is background: so w is told at the objects too. RUN is a folder with
    weight maps, the file itself, or a name under the runs folder; `vidkit benchmark --record-weights` makes them. The
    first keyframes of videos, which have nothing to be fused with, are left out.

    \b
    Examples:
      vidkit plot weights impression
      vidkit plot weights runs/impression -o figure4.png -o figure4.pdf --width 7
      vidkit plot weights impression --sort map --no-pictures --json
    """
    from vidkit.data.index_file import read_index
    from vidkit.errors import ChoiceError
    from vidkit.keyframes.map_statistics import keyframe_weights
    from vidkit.plots.figure import check_endings, write_figure
    from vidkit.plots.weight_maps import chosen, sorted_by_weight, weights, weights_rows
    from vidkit.runs.choosing import choose_index

    check_endings(outputs)
    runs = recorded([run] if run else [], runs_dir, limited)
    if len(runs) > 1:
        raise ChoiceError(f"several runs have weight maps: {', '.join(runs)}; name one")
    ((name, maps),) = runs.items()
    index = read_index(choose_index(index_path, data_dir, fingerprint=maps.index_fingerprint, tell=say))
    _check_index(name, maps, index)
    keyframes = keyframe_weights(maps, index)
    if not keyframes:
        raise ChoiceError(f"{name}: no keyframe that was fused with another: its videos have one keyframe each")
    at_objects = sort == "objects" and any(len(each.at_objects) for each in keyframes)
    shown = {} if no_pictures else chosen(sorted_by_weight(keyframes, at_objects))
    pictures = {group: _pictured(each, maps, index, frames_root) for group, each in shown.items()}
    cells = _cells(maps, keyframes)
    rows = weights_rows(keyframes, cells, at_objects)
    conditions = f"{name}; sorted by the mean w " + ("at objects (white)" if at_objects else "over the map")
    figure = weights(keyframes, cells, pictures, conditions, maps.run.limited, width)
    written = write_figure(outputs or [runs_dir / "weights.png"], figure, rows)
    summary = _summary(keyframes, cells)
    if as_json:
        told = {"format": "vidkit-plot-weights", "version": 1, "run": name, "limited": maps.run.limited}
        print_json({**told, "files": written, "distributions": summary, "rows": rows})
        return
    columns = ("over", "number", "mean", "deviation")
    print_table(columns, [[_shown(each[column]) for column in columns] for each in summary])
    say("the paper's, on ImageNet VID val: N(0.5, 0.016²)")
    for path in written:
        click.echo(path)


def _check_index(name: str, maps: WeightMaps, index: Index) -> None:
    from vidkit.errors import PredictionError

    if maps.index_fingerprint != index.fingerprint:
        raise PredictionError(
            f"{name}: its weight maps are of the index {maps.index_fingerprint}, this one is {index.fingerprint}"
        )
    if maps.n_keyframes and maps.frame[-1] >= index.n_frames:
        raise PredictionError(
            f"{name}: weight maps of frame row {maps.frame[-1]}; the index has {index.n_frames} frames"
        )


def _pictured(
    keyframes: Iterable[KeyframeWeight], maps: WeightMaps, index: Index, root: Path | None
) -> list[PicturedKeyframe]:
    """Return keyframes with their images; a FrameError if the index doesn't tell where they are."""
    from vidkit.data.frames import frame
    from vidkit.plots.weight_maps import PicturedKeyframe

    found = []
    for each in keyframes:
        row = int(maps.frame[each.keyframe])
        boxes = index.box[index.instances_of(row)]
        cell = float(maps.cell[each.keyframe])
        image = frame(index, row, root)
        found.append(PicturedKeyframe(each, image, maps.map_of(each.keyframe), cell, boxes))
    return found


def _cells(maps: WeightMaps, keyframes: Iterable[KeyframeWeight]) -> NDArray[np.floating[Any]]:
    import numpy as np

    return np.concatenate([np.zeros(0), *(maps.map_of(each.keyframe).ravel() for each in keyframes)])


def _summary(keyframes: Iterable[KeyframeWeight], cells: NDArray[np.floating[Any]]) -> list[dict[str, Any]]:
    """Return number, mean and standard deviation of w: over cells, whole maps, and objects."""
    import numpy as np

    each = list(keyframes)
    objects = np.concatenate([np.zeros(0), *(key.at_objects for key in each)])
    of = {"cells": cells, "whole maps": np.array([key.mean for key in each]), "objects": objects}
    return [
        {
            "over": name,
            "number": len(values),
            "mean": float(values.mean()) if len(values) else None,
            "deviation": float(values.std()) if len(values) else None,
        }
        for name, values in of.items()
    ]


def _shown(value: object) -> str:
    return "–" if value is None else f"{value:.4f}" if isinstance(value, float) else str(value)
