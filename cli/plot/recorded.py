"""The recorded weight maps of the runs that a figure shows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..run_options import FILE, weights_file

if TYPE_CHECKING:
    from vidkit.keyframes.weight_maps import WeightMaps


def recorded(runs: Sequence[str], runs_dir: Path, limited: bool) -> dict[str, WeightMaps]:
    """Return the weight maps of each run by its name; of all runs that recorded some if none are named.

    Raises ChoiceError for a run that isn't there or recorded none, and for limited runs unless these are wanted or none
    are named: then they are left out.
    """
    from vidkit.errors import ChoiceError
    from vidkit.keyframes.weight_maps_file import read_weight_maps
    from vidkit.plots.comparable import refuse_limited

    inside = weights_file(Path(FILE)).name
    files = [_file(run, runs_dir) for run in runs] or sorted(runs_dir.glob(f"*/{inside}"))
    if not files:
        raise ChoiceError(f"{runs_dir}: no run there that recorded weight maps; `vidkit benchmark … --record-weights`")
    names = [path.parent.name if path.name == inside else path.name.removesuffix(".weights.h5") for path in files]
    found = {
        name if names.count(name) == 1 else str(path): read_weight_maps(path)
        for name, path in zip(names, files, strict=True)
    }
    partial = [name for name, maps in found.items() if maps.run.limited]
    if not limited and runs:
        refuse_limited(partial)
    kept = {name: maps for name, maps in found.items() if limited or name not in partial}
    if not kept:
        raise ChoiceError(f"{runs_dir}: only limited runs there; --limited draws them")
    return kept


def _file(run: str, runs_dir: Path) -> Path:
    from vidkit.errors import ChoiceError, did_you_mean

    inside = weights_file(Path(FILE)).name
    for place in (Path(run), runs_dir / run):
        if place.is_file():
            return weights_file(place) if weights_file(place).is_file() else place
        if (place / inside).is_file():
            return place / inside
    known = sorted(path.parent.name for path in runs_dir.glob(f"*/{inside}"))
    there = Path(run).exists() or (runs_dir / run).exists()
    why = "no weight maps in it; run it with --record-weights" if there else "no such run"
    raise ChoiceError(f"{run}: {why}{did_you_mean(run, known)}; runs with weight maps: {', '.join(known) or 'none'}")
