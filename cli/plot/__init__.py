"""`vidkit plot`: the figures, a module each, imported only when it is called."""

from __future__ import annotations

import click

from ..group import LazyGroup

# name: (module of this package, first line of its help). The module's click command is called `command`.
FIGURES = {
    "speed-accuracy": ("speed_accuracy", "mAP against frames per second, with the Pareto front."),
    "motion": ("motion", "mAP of slow, medium and fast objects, or by any other attribute."),
    "pr": ("precision_recall", "Precision against recall."),
    "errors": ("error_types", "What each type of error costs."),
    "gate": ("gate", "mAP against the memory gate."),
    "contribution": ("contribution", "What earlier keyframes contribute, measured, by how far back they lie."),
    "weights": ("weight_maps", "Keyframes under their weight maps, and the distribution of w."),
    "compare-frames": ("compare_frames", "Two detectors on the same frames, true and false positives."),
    "timeline": ("timeline", "A track through a video: hit, missed, wrong class, keyframes."),
    "propagation": ("propagation", "mAP against the distance from the keyframe; mean distance by keyframe id."),
}


@click.group("plot", cls=LazyGroup, table=FIGURES, package=__name__)
def command() -> None:
    """Draw the figures. Beside each picture stands a CSV of what it shows.

    \b
    Examples:
      vidkit plot speed-accuracy
      vidkit plot speed-accuracy runs/dff* runs/per-frame -o figure8.pdf
    """
