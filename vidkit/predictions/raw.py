"""What a prediction file says, before it is tied to the frames and classes of an index."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from vidkit.errors import PredictionError
from vidkit.predictions.read_options import BoxConvention, Scale
from vidkit.predictions.table import Predictions

Layout = Literal["corners", "xywh"]


@dataclass(frozen=True, eq=False)
class ByRow:
    """The file is a list with one entry a frame: detection d belongs to entry `row[d]` of `n_rows`."""

    row: NDArray[np.integer[Any]]  # (D,)
    n_rows: int


@dataclass(frozen=True, eq=False)
class ById:
    """Each detection states the id of its frame. `first` is the id of the first frame, None where it is unknown."""

    id: NDArray[np.int64]  # (D,)
    first: int | None = 1
    entries: NDArray[np.int64] | None = None
    """The ids of all frames that the file has an entry for, if it tells of frames without detections."""
    entry: NDArray[np.int64] | None = None
    """`(D,)` the place in `entries` of each detection, where there are entries."""


@dataclass(frozen=True, eq=False)
class ByName:
    """Each detection states its video and frame number: it belongs to entry `frame[d]` of a table of frames."""

    frame: NDArray[np.int64]  # (D,) entry of the two columns below
    video: tuple[str, ...]  # (E,)
    number: NDArray[np.int64]  # (E,)
    counted_from: int = 0
    """1 if the first frame of a video is number 1 whatever its file is called (MOT), else 0."""
    videos_are_rows: bool = False
    """Whether a video called by a number that no video of the index is called by is its row, counted from 0 or 1."""
    are_of_files: bool = False
    """Whether numbers are those in the names of the frames' files, where these differ from what the source counts."""
    are_of_index: bool = False
    """Whether numbers are those of the index, as in vidkit's own files."""
    are_places: bool = False
    """Whether numbers are places among the frames of the video that its source lists, from 0."""


@dataclass(frozen=True, eq=False)
class ByText:
    """Each detection names its frame by a text: an image id, a path, a file's name or its stem.

    It belongs to entry `frame[d]` of the names; -1: to none.
    """

    frame: NDArray[np.int64]  # (D,)
    name: tuple[str, ...]  # (E,)
    counted_from: int = 0
    """1 if a name that ends in a number counts the frames of a video from 1, whatever their files are called."""


FrameKeys = ByRow | ById | ByName | ByText
"""The ways in which files tell which frame a detection is in."""


@dataclass(frozen=True, eq=False)
class RawPredictions:
    """The detections of a file as it states them, in its own order.

    `box`, `score` and `label` have the numbers of the file. A `None` is what the format leaves open and must be guessed
    from the numbers; the evidence says why a value is what it is.
    """

    frame: FrameKeys
    box: NDArray[Any]  # (D, 4)
    score: NDArray[Any]  # (D,)
    label: NDArray[Any]  # (D,) integers
    boxes: BoxConvention | None = None
    """None if the format means "the annotation's own numbers", whatever their convention is."""
    boxes_evidence: str = ""
    layout: Layout = "corners"
    """What the four numbers are, where `boxes` is None."""
    scale: Scale | None = None
    scale_evidence: str = ""
    first_pixel: int = 0
    """The number of a frame's first pixel: 1 in MOT text."""
    network_size: NDArray[np.int64] | None = None
    """`(E, 2)` width and height of the network's input for each entry of the file, where `scale` is "network"."""
    first_label: int | None = None
    """The label of the first class of the index."""
    label_names: tuple[str, ...] = ()
    """The names of the labels from 0 on, where the file tells names."""
    n_labels: int | None = None
    """How many classes the file knows, where it tells."""
    classes_evidence: str = ""
    or_scores_of: int | None = None
    """If the index has so many classes, the file could as well be REPP's stream of score vectors."""
    index_fingerprint: str = ""
    complete: Predictions | None = None
    """The predictions as they were, if the file is vidkit's own: what isn't a column of this table is taken from it."""
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse columns that no format has, whatever reader made them; PredictionError is raised at its door."""
        d = len(self.score)
        if self.box.shape != (d, 4) or self.score.shape != (d,) or self.label.shape != (d,):
            shapes = f"boxes {self.box.shape}, scores {self.score.shape}, labels {self.label.shape}"
            raise PredictionError(f"{shapes}; wanted (D, 4), (D,), (D,)")
        for name, column in (("boxes", self.box), ("scores", self.score), ("labels", self.label)):
            if d and column.dtype.kind not in "fiu":
                raise PredictionError(f"{name} of {column.dtype}; wanted numbers")
