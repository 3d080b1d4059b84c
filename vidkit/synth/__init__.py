"""Made-up video with exact ground truth: scenes as pure functions of (settings, split, video), drawn and written.

`make_scene` says what is where and when, `render` draws a frame of it, `annotate` gives its boxes, `true_flow` the
exact flow between two of its frames, and `make_dataset` writes a whole set in ILSVRC layout.
"""

from vidkit.synth.dials import CLEAN, DIFFICULTIES, HARD, STANDARD, Dials, Settings
from vidkit.synth.on_disk import make_dataset, read_settings, scene_of
from vidkit.synth.pixels import annotate, render, render_clean
from vidkit.synth.scene import Scene, make_scene
from vidkit.synth.scene_flow import true_flow

__all__ = [
    "CLEAN",
    "DIFFICULTIES",
    "HARD",
    "STANDARD",
    "Dials",
    "Scene",
    "Settings",
    "annotate",
    "make_dataset",
    "make_scene",
    "read_settings",
    "render",
    "render_clean",
    "scene_of",
    "true_flow",
]
