"""The recorded weight maps of the runs that a figure shows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

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
    from vidkit.runs.finding import find_runs

    found = {name: read_weight_maps(run.files[0]) for name, run in find_runs(runs, runs_dir, "weight maps").items()}
    partial = [name for name, maps in found.items() if maps.run.limited]
    if not limited and runs:
        refuse_limited(partial)
    kept = {name: maps for name, maps in found.items() if limited or name not in partial}
    if not kept:
        raise ChoiceError(f"{runs_dir}: only limited runs there; --limited draws them")
    return kept
