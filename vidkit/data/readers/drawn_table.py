"""Boxes as a labelling tool gave them → the record of their video."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from vidkit.data.readers.drawn import CROWD, KEPT, MAX_BOXES, MAX_FRAMES, Drawn
from vidkit.data.readers.found_boxes import OTHER, FoundBoxes, Frames, Ints, video_table
from vidkit.data.records import VideoTable
from vidkit.errors import AnnotationError

MAX_FRAMES_IN_ALL = 10 * MAX_FRAMES
NOT_BOXES = "polylines, points, masks and other shapes that are no boxes, left out"
TURNED = "turned boxes, taken as the upright box around them"


def table(place: str, name: str, frames: Frames, drawn: Drawn) -> VideoTable:
    """The video of these frames; the `row` of a box is that of its frame.

    Boxes of classes that aren't wanted and boxes without area are left out and counted. Raises AnnotationError where a
    track is twice in a frame.
    """
    wanted = (drawn.class_id >= 0) & np.all(drawn.box[:, 2:] > drawn.box[:, :2], axis=1)
    kept = drawn.at(wanted & (drawn.kind == KEPT))
    _check_tracks(f"{place}: video {name!r}", kept, frames.number)
    turned = int((wanted & (drawn.angle % 360 != 0)).sum())
    found = FoundBoxes(
        place=lambda _: place,
        frame=drawn.row,
        box=np.concatenate([drawn.box[:, :2], np.maximum(drawn.box[:, 2:], drawn.box[:, :2])], axis=1),
        class_id=np.where(drawn.class_id < 0, OTHER, drawn.class_id),
        track=drawn.track,
        occluded=drawn.occluded,
        ignored=drawn.kind != KEPT,
        crowd=drawn.kind == CROWD,
        generated=drawn.generated,
        attributes={
            key: drawn.attributes[key] for key, column in kept.attributes.items() if not np.isnan(column).all()
        },
    )
    return video_table(name, replace(frames, counts=Counter(frames.counts) + Counter({TURNED: turned})), found)


def bounded(place: str, tables: Iterable[VideoTable]) -> tuple[VideoTable, ...]:
    """The videos, made one after the other. Raises AnnotationError once they are too many frames or boxes in all."""
    made: list[VideoTable] = []
    frames, boxes = 0, 0
    for video in tables:
        made.append(video)
        frames, boxes = frames + len(video.frame_number), boxes + len(video.class_id)
        if frames > MAX_FRAMES_IN_ALL or boxes > MAX_BOXES:
            raise AnnotationError(
                f"{place}: more than {MAX_FRAMES_IN_ALL} frames or {MAX_BOXES} boxes in all; a file may ask for any "
                "number between key frames, so no more are made"
            )
    return tuple(made)


def _check_tracks(place: str, drawn: Drawn, numbers: Ints) -> None:
    """Raise where a track is twice in a frame."""
    pairs = np.sort((drawn.row << 32 | drawn.track)[drawn.track >= 0])
    twice = pairs[1:][pairs[1:] == pairs[:-1]]
    if len(twice):
        frame, track = numbers[int(twice[0]) >> 32], int(twice[0]) & 0xFFFFFFFF
        raise AnnotationError(
            f"{place}: track {track} has two boxes in frame {frame}; wanted one box of a track a frame"
        )
