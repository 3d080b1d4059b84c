"""What a user may say about a prediction file, where a guess isn't wanted."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

BoxConvention = Literal["exclusive", "inclusive", "xywh", "xywh-inclusive"]
BOX_CONVENTIONS: dict[BoxConvention, str] = {
    "exclusive": "x1 y1 x2 y2, x2 and y2 exclusive (vidkit's own)",
    "inclusive": "x1 y1 x2 y2, x2 and y2 inclusive (ILSVRC XML: width = x2 - x1 + 1)",
    "xywh": "x y width height, x + width exclusive",
    "xywh-inclusive": "x y width height, x + width inclusive (width = x2 - x1 of ILSVRC XML corners)",
}
Scale = Literal["pixels", "normalised", "network"]
SCALES: tuple[Scale, ...] = ("pixels", "normalised", "network")
InvalidRule = Literal["refuse", "drop", "keep"]


@dataclass(frozen=True)
class ReadOptions:
    """The options of `vidkit.predictions.read`; None leaves a thing to the format's rule or to the guess."""

    format: str | None = None
    """The name of the format (see `vidkit.predictions.formats`)."""
    boxes: BoxConvention | None = None
    scale: str | None = None
    """One of `SCALES`, or WIDTHxHEIGHT of the image that boxes are in pixels of."""
    first_pixel: int | None = None
    """0 or 1: the number of a frame's first pixel; None: 1 in MOT text, elsewhere 0."""
    classes_from: str | None = None
    """A whole number: the label of the index's first class; "source": labels are the source's category ids.

    Else a file: class names, one a line, or a COCO JSON.
    """
    frames_from: str | None = None
    """A whole number: that of the first frame, of the index for image ids, of each video for frame numbers.

    Or "source": as the source of the index numbers them, "index": as the index does, "files": by the numbers in the
    names of the frames' files; and of a list with an entry for each frame "order": in the order of the index, "ids": in
    that of the image ids.
    """
    frame_list: Path | None = None
    """The frame list that the detector ran over: its entries tell which frame is which."""
    image_ids: Path | None = None
    """The COCO ground truth whose `images` tell which frame an image id is."""
    video: str | None = None
    """The video that a file of one video (MOT text) is about."""
    invalid: InvalidRule = "refuse"
    """"drop" leaves out what is invalid; "keep" keeps negative sizes and duplicates, as peers do, and refuses else."""
    partial: bool = False
    """Whether the file may cover a part of the index only; the other frames count as frames without detections."""
    reordered: bool = False
    """Whether the frame list may have the frames of the index in another order."""
    any_index: bool = False
    """Whether predictions that were made for another index are taken, if its frames are as many."""
    trust_pickle: bool = False
    """Whether code that a pickle names may be imported and run: only for files of one's own making."""
