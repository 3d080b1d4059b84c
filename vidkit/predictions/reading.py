"""`read`: predictions of any format, for the frames of an index."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vidkit.data.index import Index
from vidkit.errors import PredictionError
from vidkit.predictions.binding import bind
from vidkit.predictions.raw import ByRow, RawPredictions
from vidkit.predictions.read_options import ReadOptions
from vidkit.predictions.reading_report import ReadingReport, Understood
from vidkit.predictions.recognition import open_file
from vidkit.predictions.table import Predictions
from vidkit.reading_door import reading


def read(path: str | Path, index: Index, **options: Any) -> Predictions:
    """The predictions in the file at `path`, in any format of the field, tied to the frames of `index`.

    The format is told by the content, or by format="…". The options are the fields of `ReadOptions`; what they leave
    open is the format's rule or a guess, which `read_with_report` tells. Raises PredictionError or FormatError for a
    file that can't be read, that doesn't fit the index, or whose detections are invalid.
    """
    return read_with_report(path, index, ReadOptions(**options))[0]


def read_with_report(path: str | Path, index: Index, options: ReadOptions) -> tuple[Predictions, ReadingReport]:
    """The predictions in the file at `path` for `index`, and how they were understood. Raises as `read`."""
    return open_predictions(path, options).for_index(index)


@dataclass(frozen=True, eq=False)
class OpenedPredictions:
    """A prediction file that was read but isn't tied to an index yet; what it tells helps to choose the index."""

    path: Path
    options: ReadOptions
    raw: RawPredictions
    format: Understood

    @property
    def index_fingerprint(self) -> str:
        """The fingerprint of the index that the file states; "" if it states none, or any index will do."""
        return "" if self.options.any_index else self.raw.index_fingerprint

    @property
    def n_frames(self) -> int | None:
        """The frames that the index must have, where the file has one entry for each in order; None otherwise."""
        frame = self.raw.frame
        return frame.n_rows if isinstance(frame, ByRow) and self.options.frame_list is None else None

    def for_index(self, index: Index) -> tuple[Predictions, ReadingReport]:
        """The predictions for `index`, and how they were understood. Raises as `read`."""
        wanted = f"predictions for the index {index.dataset} {index.split}"
        with reading(self.path, PredictionError, wanted, names_own=False):  # a list or names may be at fault
            return bind(self.raw, index, self.options, self.path, self.format)


def open_predictions(path: str | Path, options: ReadOptions | None = None) -> OpenedPredictions:
    """The content of a prediction file before an index is chosen. Raises as `read`."""
    path, options = Path(path), options or ReadOptions()
    raw, found = open_file(path, options)
    return OpenedPredictions(path, options, raw, found)
