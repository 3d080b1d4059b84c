"""`vidkit stream`: a network on a video file or a camera, frame by frame, in strict real time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from impnet_model.methods import methods_with

from .console import echo, json_option, print_json, say
from .options import FILE, FILE_THERE

if TYPE_CHECKING:
    from vidkit.detections import Detections


@click.command("stream")
@click.argument("checkpoint", type=FILE_THERE)
@click.option("--source", default="camera", show_default=True, help="A video file, camera, or camera:/dev/video1.")
@click.option(
    "--method", type=click.Choice(methods_with("streams")), default="impression", show_default=True, help="The method."
)
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
@click.option("--render", type=FILE, help="Write .mp4 or .webp with boxes.")
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
    detection, frame, class, score, x1, y1, x2, y2 (pixels, x2 and y2 exclusive), separated by tabs, as soon as they are
    known; with --json one object at the end. A camera runs until --limit or Ctrl-C.

    \b
    Examples:
      vidkit stream impression.pt --source clip.mp4
      vidkit stream impression.pt --source camera --least-score 0.5
      vidkit stream impression.pt --source clip.mp4 --limit 100 --render boxes.mp4
    """
    from impnet_model.api import class_names, detect_live, load_live_detector

    names = class_names(checkpoint)
    detector = load_live_detector(checkpoint, method, device, length, precision=precision, shorter=shorter)
    answers = detect_live(detector, source, limit)
    if not as_json and render is None:
        _print_live(answers, names, least_score)
        return
    start = time.perf_counter()
    kept: list[Detections] = []
    if render is None:
        kept += [answer for _, answer in answers]
    else:
        from vidkit.pictures.films import write_movie

        write_movie(render, _drawn(answers, names, least_score, kept))
    if as_json:
        told = {"method": detector.name, "source": source, "classes": list(names)}
        rows = [_row(answer, least_score) for answer in kept]
        print_json(
            {"format": "vidkit-stream", "version": 1, **told, "frames": rows, "seconds": time.perf_counter() - start}
        )
    if render is not None:
        say(f"written: {render} ({len(kept)} frames)")


def _print_live(answers: Iterator[tuple[Any, Detections]], names: tuple[str, ...], least_score: float) -> None:
    start, n = time.perf_counter(), 0
    for n, (_, answer) in enumerate(answers, start=1):
        for label, score, box in zip(answer.class_ids, answer.scores, answer.boxes, strict=True):
            if score >= least_score:
                corners = "\t".join(f"{value:.1f}" for value in box)
                echo(f"{n - 1}\t{names[int(label)]}\t{float(score):.3f}\t{corners}")
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
