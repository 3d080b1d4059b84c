"""vidkit's own HDF5, predictions.h5; see docs/formats.md."""

from pathlib import Path

from vidkit.hdf5 import SIGNATURE
from vidkit.predictions.formats import FileReader, PredictionFormat
from vidkit.predictions.predictions_file import read_predictions, write_predictions
from vidkit.predictions.raw import ByRow, RawPredictions


def read(path: Path) -> RawPredictions:
    """The predictions of a file of vidkit's own. Raises FormatError for a damaged one."""
    stored = read_predictions(path)
    return RawPredictions(
        frame=ByRow(stored.detection_frame, stored.n_frames),
        box=stored.box,
        score=stored.score,
        label=stored.class_id,
        boxes="exclusive",
        scale="pixels",
        first_label=0,
        index_fingerprint=stored.index_fingerprint,
        complete=stored,
    )


FORMATS = {
    "vidkit": PredictionFormat(
        FileReader(
            lambda path, _: read(path),
            head=lambda head: "HDF5 with the format's name" if head.startswith(SIGNATURE) else "",
        ),
        write=lambda path, predictions, _: write_predictions(path, predictions),
    )
}
