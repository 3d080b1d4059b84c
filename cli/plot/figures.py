"""The figures: what each is called, made of, and asked for; their drawing is `vidkit.plots`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import click

from ..error_types import check_thresholds, threshold_options
from ..options import Decorator, ci_option, frames_root_option, seed_option
from .flow_inputs import FLOWS
from .inputs import (
    PREDICTIONS,
    RESULTS,
    SCORED_PREDICTIONS,
    VERDICTS,
    VERDICTS_OF_TWO,
    WEIGHT_MAPS,
    WEIGHT_MAPS_OF_ONE,
    Inputs,
    mix_option,
)


@dataclass(frozen=True)
class FigureRow:
    """A figure: `draw` of its module in `vidkit.plots` takes what the inputs load, the options by name, and a width."""

    module: str
    inputs: Inputs
    line: str
    """What it shows, for the list of figures."""
    text: str
    """What it shows, for its help."""
    examples: tuple[str, ...]
    options: tuple[Decorator, ...] = ()
    """Those of this figure alone."""
    check: Callable[..., None] | None = None
    """Raises a usage error where the options, by their names, don't go together; before anything is read."""

    @property
    def help(self) -> str:
        """The help of its command."""
        return "\n\n".join([self.text, self.inputs.run, "\b\nExamples:\n  " + "\n  ".join(self.examples)])


def _check_thresholds(protocol: str, foreground: float | None, background: float, **_: Any) -> None:
    check_thresholds(protocol, foreground, background)


def _check_track(track_id: int | None, video: str | None, **_: Any) -> None:
    if track_id is not None and video is None:
        raise click.UsageError("--track: of which video? name it with --video")


_BY = click.option(
    "--by", default="motion", show_default=True, metavar="ATTRIBUTE", help="Any that `vidkit eval --by` was given."
)
_CLASSES = click.option(
    "--class", "classes", multiple=True, metavar="NAME", help="This class, not the mean; repeatable."
)
_OFFSETS = click.option("--offsets", type=click.IntRange(1, 64), default=6, show_default=True, help="How many to show.")
_SORT = click.option(
    "--sort",
    type=click.Choice(["objects", "map"]),
    default="objects",
    show_default=True,
    help="By the mean w at the keyframe's objects, or over its whole map.",
)
_NO_PICTURES = click.option("--no-pictures", is_flag=True, help="Draw the distribution alone: no frames are needed.")
_COUNT = click.option(
    "--count",
    type=click.IntRange(1, 40),
    default=4,
    show_default=True,
    help="How many frames, where they aren't named: those on which the runs differ most, of different videos.",
)
_TRACK = click.option("--track", "track_id", type=click.IntRange(0), metavar="N", help="The track's number in --video.")
_LENGTH = click.option(
    "--length",
    type=click.IntRange(1, 1000),
    help="Of segments, for the mean distance; default: the runs', or 10.",
)
_PUBLISHED = click.option(
    "--published",
    is_flag=True,
    help="Below, what the field published: a panel for each device, batch and protocol, a source for each number.",
)
_MOTION = click.option(
    "--by", type=click.Choice(["motion", "none"]), default="none", show_default=True, help="Groups of objects."
)

FIGURES = {
    "speed-accuracy": FigureRow(
        "speed_accuracy",
        RESULTS,
        "mAP against frames per second, with the Pareto front.",
        "Draw mAP against frames per second, one curve a method, points labelled with the segment length l.",
        (
            "vidkit plot speed-accuracy",
            "vidkit plot speed-accuracy frame-copy_length=5 oracle-jitter -o picture.svg -o picture.pdf",
            "vidkit plot speed-accuracy --protocol voc --json",
            "vidkit plot speed-accuracy --published",
        ),
        (mix_option, _PUBLISHED),
    ),
    "motion": FigureRow(
        "motion",
        RESULTS,
        "mAP of slow, medium and fast objects, or by any other attribute.",
        "Draw the mAP of slow, medium and fast objects, a marker for each run, with the intervals that the results "
        "have.",
        (
            "vidkit plot motion",
            "vidkit plot motion per-frame impression -o motion.pdf",
            "vidkit plot motion per-frame impression --by 'motion x area' --width 7",
            "vidkit plot motion per-frame impression --by class --json",
        ),
        (_BY, mix_option),
    ),
    "pr": FigureRow(
        "precision_recall",
        PREDICTIONS,
        "Precision against recall.",
        "Draw precision against recall: of one RUN a line for each group, of several a panel, with a line for each "
        "run. The precision is the highest at each recall or above, the mean over the classes, or that of each "
        "--class.",
        (
            "vidkit plot pr impression",
            "vidkit plot pr per-frame impression --by none -o pr.pdf",
            "vidkit plot pr per-frame impression --class car --class bus --width 7",
            "vidkit plot pr results.pkl --index vidkit-data/vid_val.h5 --by area --json",
        ),
        (_CLASSES,),
    ),
    "errors": FigureRow(
        "error_types",
        PREDICTIONS,
        "What each type of error costs.",
        "Draw what each type of error costs in points of mAP, as `vidkit errors` tells it. Of one RUN there is a bar "
        "for each group, of several a panel for each group, with a bar for each run.",
        (
            "vidkit plot errors impression",
            "vidkit plot errors per-frame impression --by none -o errors.pdf",
            "vidkit plot errors results.pkl --index vidkit-data/vid_val.h5 --protocol coco --json",
        ),
        (threshold_options,),
        _check_thresholds,
    ),
    "gate": FigureRow(
        "gate",
        RESULTS,
        "mAP against the memory gate.",
        "Draw mAP against the memory gate g, with the intervals that the results have, a line for each set of other "
        "options. Runs whose detector has no gate aren't drawn.",
        (
            "vidkit sweep impression --option gate=0..1:0.125 --checkpoint impression.pt",
            "vidkit plot gate",
            "vidkit plot gate impression_gate=* -o figure7.png -o figure7.svg",
        ),
    ),
    "contribution": FigureRow(
        "contribution",
        WEIGHT_MAPS,
        "What earlier keyframes contribute, measured, by how far back they lie.",
        "Draw the mean share that keyframe k - o has in the task feature of keyframe k, measured, against the offset "
        "o. One line a run, mostly one for each memory gate; dashed beside it the closed form for weights that are all "
        "equal to the run's mean w. The mean is over the keyframes that have one so far back.",
        (
            "vidkit plot contribution",
            "vidkit plot contribution impression_gate=0 impression_gate=0.5 impression --offsets 4 -o figure6.pdf",
            "vidkit plot contribution --json",
        ),
        (_OFFSETS,),
    ),
    "weights": FigureRow(
        "weight_maps",
        WEIGHT_MAPS_OF_ONE,
        "Keyframes under their weight maps, and the distribution of w.",
        "Draw the keyframes with the lowest, middle and highest mean w, and the distribution of w over all keyframes. "
        "w is a new keyframe's share in the task feature (Eq. 2); red is where it counts more than the impression. A "
        "mean over a whole map says little where most of it is background: so w is told at the objects too. The first "
        "keyframes of videos, which have nothing to be fused with, are left out.",
        (
            "vidkit plot weights impression",
            "vidkit plot weights runs/impression -o figure4.png -o figure4.pdf --width 7",
            "vidkit plot weights impression --sort map --no-pictures --json",
        ),
        (_SORT, _NO_PICTURES, frames_root_option),
    ),
    "compare-frames": FigureRow(
        "compare_frames",
        VERDICTS_OF_TWO,
        "Two detectors on the same frames, true and false positives.",
        "Draw two runs side by side over the same frames, with their true and false positives and what they miss. "
        "Without --frame these are the frames on which they differ most: by the number of objects that only one of "
        "them finds plus the difference in false positives. So that nobody takes them for typical, a line below tells "
        "of all objects how many both find, only one of them, and neither.",
        (
            "vidkit plot compare-frames per-frame impression_length=10",
            "vidkit plot compare-frames per-frame dff --video synth_val_00000003 --frame 12 --frame 20 -o figure5.pdf",
            "vidkit plot compare-frames per-frame impression --score 0.5 --count 8 --width 7 --json",
        ),
        (_COUNT, frames_root_option),
    ),
    "timeline": FigureRow(
        "timeline",
        VERDICTS,
        "A track through a video: hit, missed, wrong class, keyframes.",
        "Draw one object through its video: in each frame and for each RUN hit, badly placed, wrong class or missed. "
        "Keyframes are marked; below stand the object's motion IoU and what the index tells of blur. Without --track "
        "it is the track on which the runs differ in most frames, or whose state changes most often where there is one "
        "run. Badly placed and wrong class are TIDE's (docs/errors_and_measures.md).",
        (
            "vidkit plot timeline per-frame impression_length=10",
            "vidkit plot timeline per-frame dff impression --video synth_val_00000003 --track 1 -o track.pdf",
            "vidkit plot timeline impression --score 0.5 --json",
        ),
        (_TRACK,),
        _check_track,
    ),
    "flow": FigureRow(
        "flow",
        FLOWS,
        "Error of flows at objects, by distance and motion group.",
        "Measure flows at the objects of an index: each object's centre is moved along the flow to where its track is "
        "1, 2, 5 and 10 frames later. Drawn and printed are the medians by motion group, and the time a flow takes.",
        (
            "vidkit plot flow --index vidkit-data/vid_val.h5",
            "vidkit plot flow farneback dis --index vidkit-data/drone_val.h5 --every 5 -o flow.pdf",
            "vidkit plot flow learned --checkpoint impression.pt --direct --json",
        ),
    ),
    "propagation": FigureRow(
        "propagation",
        SCORED_PREDICTIONS,
        "mAP against the distance from the keyframe; mean distance by keyframe id.",
        "Draw the mAP of frames at each distance |t - key| from their keyframe, and the mean distance by keyframe id. "
        "The predictions must tell their keyframes. The lower panel is the closed form of Table 2; beside it stand the "
        "mAPs of those RUNs that differ in their keyframe id and that `vidkit eval` has scored.",
        (
            "vidkit plot propagation impression",
            "vidkit plot propagation impression --by motion --ci 1000 -o distance.pdf",
            "vidkit plot propagation impression_key_id=* -o table2.png",
        ),
        (_LENGTH, _MOTION, ci_option(), seed_option),
    ),
}
