"""`write`: predictions of an index in any format that can be written."""

from pathlib import Path

from vidkit.data.index import Index
from vidkit.errors import ChoiceError, did_you_mean
from vidkit.predictions.formats import WRITTEN, PredictionFormat, format_named
from vidkit.predictions.table import Predictions


def write(
    path: str | Path, predictions: Predictions, index: Index, to: str = "vidkit", *, full_precision: bool = False
) -> None:
    """Write `predictions` to `path` in the format `to`, whole or not at all; `docs/prediction_formats.md` has each one.

    `full_precision` writes every digit where the format's own tool rounds (FGFA text). Raises ChoiceError for a format
    that isn't known, PredictionError for one that needs a package that isn't there.
    """
    form = format_named(to) if to in WRITTEN else PredictionFormat()
    writer = (form.write_in_full if full_precision else None) or form.write
    if writer is None:
        raise ChoiceError(f"--to {to}: no such format{did_you_mean(to, list(WRITTEN))}; there are {', '.join(WRITTEN)}")
    writer(Path(path), predictions, index)
