"""What a run leaves behind, and under which names."""

import re
from collections.abc import Sequence
from pathlib import Path

PREDICTIONS = "predictions.h5"
RESULT = "result.json"
WEIGHT_MAPS = "predictions.weights.h5"


def run_name(detector: str, options: Sequence[str], scenario: str = "stream", limit: int | None = None) -> str:
    """The name of a run's folder: its detector and what was chosen, with nothing that a path can't hold."""
    extras = [*(["offline"] if scenario == "offline" else []), *([] if limit is None else [f"limit={limit}"])]
    return re.sub(r"[^\w.,=+-]+", "-", "_".join([detector, *options, *extras]))[:200]


def parts_folder(predictions: Path) -> Path:
    """Where the shards of a run are until it is finished and its `predictions` are there."""
    return predictions.with_name(predictions.name + ".parts")


def weight_maps_file(predictions: Path) -> Path:
    """Where the weight maps of a run are, whose predictions are at `predictions`."""
    return predictions.with_suffix(".weights.h5")


def result_files(folder: Path) -> list[Path]:
    """The results in a run's folder, one for each protocol."""
    return sorted(folder.glob("result*.json"))
