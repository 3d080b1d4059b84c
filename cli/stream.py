"""`vidkit stream`: a network on a video file or a camera, frame by frame, in strict real time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .console import json_option, print_json, say

if TYPE_CHECKING:
    from vidkit.detections import Detections

METHODS = ("impression", "impression-adaptive", "dff", "per-frame")
"""The methods that answer a frame before they take the next, with the keyframe first in its segment."""


@click.command("stream")
@click.argument("checkpoint", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--source", default="camera", show_default=True, help="A video file, camera, or camera:/dev/video1.")
@click.option("--method", type=click.Choice(METHODS), default="impression", show_default=True, help="The method.")
@click.option("--length", type=click.IntRange(min=1), default=10, show_default=True, help="Frames in a segment.")
@click.option("--device", default="cpu", show_default=True, help="Where it computes, as torch names it.")
@click.option(
    "--precision",
    type=click.Choice(["float32", "bfloat16", "float16"]),
    default="float32",
    show_default=True,
    help="Of the networks.",
)
@click.option("--shorter", type=click.IntRange(min=1), help="Shorter side of the image; default: the checkpoint's.")
@click.option("--least-score", type=click.FloatRange(0, 1), default=0.3, show_default=True, help="What is shown.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Stop after N frames.")
@click.option("--render", type=click.Path(dir_okay=False, path_type=Path), help="Write .mp4 or .webp with boxes.")
@json_option
def command(
    checkpoint: Path,
    source: str,
    method: str,
    length: int,
    device: str,
    precision: str,
    shorter: int | None,
    least_score: float,
    limit: int | None,
    render: Path | None,
    as_json: bool,
) -> None:
    """Detect in a live camera or a video file with the weights in CHECKPOINT, each frame before the next is taken.

    The keyframe is the first of its segment (key id 0), so nothing waits for later frames. Printed are, for each
    detection, frame, class, score, x1, y1, x2, y2 (pixels, x2 and y2 exclusive), parted by tabs, as soon as they are
    known; with --json one object at the end. A camera runs until --limit or Ctrl-C.

    \b
    Examples:
      vidkit stream impression.pt --source clip.mp4
      vidkit stream impression.pt --source camera --least-score 0.5
      vidkit stream impression.pt --source clip.mp4 --limit 100 --render boxes.mp4
    """
    import time

    from impnet_model import class_names, load_detector

    names = class_names(checkpoint)
    options: dict[str, Any] = {"precision": precision, "shorter": shorter}
    if method != "per-frame":
        options["length"] = length
    if method in ("impression", "dff"):
        options["key_id"] = 0
    detector = load_detector(checkpoint, method, device, **options)
    if not as_json and render is None:
        _print_live(_answers(detector, source, limit), names, least_score)
        return
    kept: list[Detections] = []
    start = time.perf_counter()
    if render is None:
        kept = [answer for _, answer in _answers(detector, source, limit)]
    else:
        from vidkit.pictures.films import write_movie

        write_movie(render, _drawn(_answers(detector, source, limit), names, least_score, kept))
    seconds = time.perf_counter() - start
    if as_json:
        print_json(
            {
                "format": "vidkit-stream",
                "version": 1,
                "method": detector.name,
                "source": source,
                "classes": list(names),
                "frames": [_row(answer, least_score) for answer in kept],
                "seconds": seconds,
            }
        )
    if render is not None:
        say(f"written: {render} ({len(kept)} frames)")


def _answers(detector: Any, source: str, limit: int | None) -> Iterator[tuple[Any, Detections]]:
    """Yield each frame with what was found in it."""
    from itertools import islice

    from impnet_model.data.video import frames_of

    frame: Any = None

    def taken() -> Iterator[Any]:
        nonlocal frame
        for each in islice(frames_of(source), limit):
            frame = each
            yield each

    for answer in detector.detect(taken()):  # the methods here have no look-ahead: the answer is for the last frame
        yield frame, answer


def _print_live(answers: Iterator[tuple[Any, Detections]], names: tuple[str, ...], least_score: float) -> None:
    import time

    start, n = time.perf_counter(), 0
    for n, (_, answer) in enumerate(answers, start=1):
        for label, score, box in zip(answer.class_ids, answer.scores, answer.boxes, strict=True):
            if score >= least_score:
                corners = "\t".join(f"{value:.1f}" for value in box)
                click.echo(f"{n - 1}\t{names[int(label)]}\t{float(score):.3f}\t{corners}")
    seconds = time.perf_counter() - start
    say(f"{n} frames in {seconds:.1f} s, {n / seconds if n else 0:.1f} frames/s with decoding")


def _drawn(
    answers: Iterator[tuple[Any, Detections]], names: tuple[str, ...], least_score: float, kept: list[Detections]
) -> Iterator[Any]:
    """Yield each frame with its boxes, and keep what was found."""
    from vidkit.pictures.drawing import colour_of, detection_marks, draw

    for frame, answer in answers:
        kept.append(answer)
        marks = detection_marks(answer, names, colour_of(0), least_score)
        yield draw(frame, marks, caption="key" if answer.is_key else "")


def _row(answer: Detections, least_score: float) -> dict[str, Any]:
    shown = answer.scores >= least_score
    return {
        "is_key": answer.is_key,
        "boxes": answer.boxes[shown],
        "scores": answer.scores[shown],
        "class_ids": answer.class_ids[shown],
    }
