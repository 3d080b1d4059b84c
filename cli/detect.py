"""`vidkit detect`: any detector on films, folders of images or a camera, without an index."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .console import echo, json_option, print_json, progress, say
from .options import FILE
from .run_options import find_modules_here

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from vidkit.classes import ObjectClass
    from vidkit.data.footage import Footage
    from vidkit.detections import Detections
    from vidkit.harness.detector import Detector

SHIPPED = "shipped"


@click.command("detect")
@click.argument("name", metavar="DETECTOR")
@click.argument("sources", metavar="VIDEO|FOLDER...", nargs=-1, required=True)
@click.option("--checkpoint", metavar="FILE|shipped", help="A file of weights; shipped: those that come with vidkit.")
@click.option("--option", "options", multiple=True, metavar="NAME=VALUE", help="An option of the detector; repeatable.")
@click.option("--device", default="cpu", show_default=True, help="Where the detector computes, as torch names it.")
@click.option("--least-score", type=click.FloatRange(0, 1), default=0.3, show_default=True, help="What is shown.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Only the first N frames of each.")
@click.option(
    "-o", "--output", type=FILE, help="A film with boxes, .mp4 or .webp; of several a folder that they go into."
)
@click.option("--save", type=FILE, help="All detections: predictions.h5, .csv, .json (COCO) or .txt (MOT).")
@click.option("--quiet", is_flag=True, help="Print no boxes.")
@json_option
def command(
    name: str,
    sources: tuple[str, ...],
    checkpoint: str | None,
    options: tuple[str, ...],
    device: str,
    least_score: float,
    limit: int | None,
    output: Path | None,
    save: Path | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """Find objects in films by any DETECTOR of `vidkit plugins`, or module:factory.

    A VIDEO is a film or "camera" ("camera:/dev/video1"); of a FOLDER the films in it, or its images as one film. For
    each detection film, frame, class, score, x1, y1, x2, y2 are printed (pixels, x2 and y2 exclusive), with tabs
    between, as soon as they are known; with --json one object at the end. Frames count from 0; films that are to be
    turned are turned. A camera runs until --limit or Ctrl-C; there a keyframe is the first of its segment.

    \b
    Examples:
      vidkit detect impression clip.mp4 --checkpoint shipped -o boxes.mp4
      vidkit detect keyframes films/ --option detector=per-frame --checkpoint per-frame.pt --save found.csv --quiet
      vidkit detect per-frame camera --checkpoint per-frame.pt --least-score 0.5
    """
    from vidkit.data.footage import footage_of

    form = _form_of(save)
    footage = footage_of(sources)
    films = _films(footage, output)
    detector = _made(name, checkpoint, options, device, any(each.is_camera for each in footage))
    told = [
        _detect(detector, each, film, least_score, limit, not (quiet or as_json))
        for each, film in zip(footage, films, strict=True)
    ]
    if save is not None:
        _save(save, form, detector, told)
    if as_json:
        _print_json(detector, told, least_score)
    for film in filter(None, films):
        say(f"written: {film}")


FORMS = {".h5": "vidkit", ".csv": "csv", ".json": "coco", ".txt": "mot", ".mot": "mot"}
"""What --save writes, by the end of the file's name."""


def _form_of(save: Path | None) -> str:
    """The format of predictions to be saved; a usage error before anything is run."""
    if save is None:
        return ""
    if save.suffix.lower() not in FORMS:
        raise click.UsageError(f"--save {save}: wanted a name that ends in {', '.join(FORMS)}")
    return FORMS[save.suffix.lower()]


def _films(footage: Sequence[Footage], output: Path | None) -> list[Path | None]:
    """Where the film of each goes."""
    if output is None:
        return [None] * len(footage)
    if len(footage) == 1 and output.suffix:
        return [output]
    if output.suffix:
        raise click.UsageError(f"-o {output}: {len(footage)} films; wanted the name of a folder for them")
    names = [each.name for each in footage]
    films = [output / f"{name}.mp4" for name in names]
    if len({*names}) < len(names):
        raise click.UsageError(f"-o {output}: several films have one name; run them apart")
    return [*films]


def _made(name: str, checkpoint: str | None, options: Sequence[str], device: str, live: bool) -> Detector:
    """The detector; on a camera its keyframes come first, so that no frame waits for a later one."""
    from vidkit.errors import DetectorError
    from vidkit.harness.detector import DetectorContext, OracleDetector
    from vidkit.harness.plugins import make

    find_modules_here()
    file = None if checkpoint in (None, SHIPPED) else Path(str(checkpoint))
    if file is not None and not file.is_file():
        raise click.UsageError(f"--checkpoint {file}: no such file; wanted a file or {SHIPPED}")
    with redirect_stdout(sys.stderr):  # a detector's own printing must not get between the data
        more = _implied(name, options, checkpoint == SHIPPED, live)
        detector, _ = make(name, DetectorContext((), device, file), [*options, *more])
    if isinstance(detector, OracleDetector):
        raise DetectorError(f"detector {name!r} looks at the ground truth; a film has none")
    return detector


def _implied(name: str, options: Sequence[str], shipped: bool, live: bool) -> list[str]:
    """The options that --checkpoint shipped and a camera stand for."""
    from vidkit.errors import DetectorError
    from vidkit.harness.detector_options import options_of
    from vidkit.harness.plugins import find, load

    known = options_of(load(find(name)))
    implied = []
    if shipped:
        build = next((each for each in ("build", "inner.build") if each.partition(".")[0] in known), None)
        if build is None:
            raise DetectorError(f"detector {name!r}: no weights of it come with vidkit; give --checkpoint FILE")
        implied.append(f"{build}={SHIPPED}")
    if live and "key_id" in known and not any(each.startswith("key_id=") for each in options):
        implied.append("key_id=0")
    return implied


class _FilmFound:
    """What was found in one film."""

    def __init__(self, footage: Footage) -> None:
        self.footage = footage
        self.answers: list[Detections] = []
        self.size = (0, 0)
        self.seconds = 0.0


def _detect(
    detector: Detector, footage: Footage, film: Path | None, least_score: float, limit: int | None, printed: bool
) -> _FilmFound:
    """What is found in one film, printed and drawn on the way."""
    from vidkit.harness.live import answered
    from vidkit.pictures.films import write_movie

    found = _FilmFound(footage)
    promised = footage.promised()
    total = min(promised or limit or 0, limit or promised or 0)
    start = time.perf_counter()
    with progress(footage.name, total, "frames") as advance:

        def on_the_way() -> Iterator[NDArray[Any]]:
            for frame, answer in answered(detector, footage.frames(), limit):
                found.answers.append(answer)
                found.size = (frame.shape[1], frame.shape[0])
                if printed:
                    _print_boxes(detector, found, least_score)
                advance(1, f"{len(found.answers) / (time.perf_counter() - start):.1f} frames/s")
                yield frame if film is None else _drawn(detector, frame, answer, least_score)

        if film is None:
            for _ in on_the_way():
                pass
        else:
            write_movie(film, on_the_way(), footage.rate() or 25.0)
    found.seconds = time.perf_counter() - start
    n = len(found.answers)
    say(f"{footage.name}: {n} frames in {found.seconds:.1f} s, {n / found.seconds:.1f} frames/s with decoding")
    return found


def _print_boxes(detector: Detector, found: _FilmFound, least_score: float) -> None:
    """Print the boxes of the last frame."""
    answer = found.answers[-1]
    names = _classes(detector, [answer])
    for label, score, box in zip(answer.class_ids, answer.scores, answer.boxes, strict=True):
        if score >= least_score:
            corners = "\t".join(f"{value:.1f}" for value in box)
            frame = len(found.answers) - 1
            echo(f"{found.footage.name}\t{frame}\t{names[int(label)].name}\t{float(score):.3f}\t{corners}")


def _classes(detector: Detector, answers: Sequence[Detections]) -> tuple[ObjectClass, ...]:
    from vidkit.harness.live import class_names

    return class_names(detector, answers)


def _drawn(detector: Detector, frame: NDArray[Any], answer: Detections, least_score: float) -> NDArray[Any]:
    """A frame with its boxes, a colour for each class."""
    from vidkit.pictures.drawing import class_marks, draw

    names = [each.name for each in _classes(detector, [answer])]
    return draw(frame, class_marks(answer, names, least_score), caption="key" if answer.is_key else "")


def _save(save: Path, form: str, detector: Detector, told: Sequence[_FilmFound]) -> None:
    """Write what was found, and for vidkit's own format the index that it belongs to beside it."""
    from vidkit.data.index_file import write_index
    from vidkit.data.unannotated import Film, unannotated
    from vidkit.predictions.table import RunInfo, from_frames
    from vidkit.predictions.writing import write

    answers = [answer for found in told for answer in found.answers]
    films = [Film(found.footage.name, found.footage.source, *found.size, len(found.answers)) for found in told]
    index = unannotated(films, _classes(detector, answers))
    write(save, from_frames(answers, index.fingerprint, run=RunInfo(detector.name)), index, form)
    say(f"written: {save} ({form}, {sum(map(len, answers))} detections)")
    if form == "vidkit":
        beside = save.with_suffix(".index.h5")
        write_index(beside, index)
        say(f"written: {beside}, the index of its frames")


def _print_json(detector: Detector, told: Sequence[_FilmFound], least_score: float) -> None:
    names = _classes(detector, [answer for found in told for answer in found.answers])
    films = [
        {
            "film": found.footage.source,
            "width": found.size[0],
            "height": found.size[1],
            "frames_per_second": found.footage.rate(),
            "seconds": found.seconds,
            "frames": [_row(answer, least_score) for answer in found.answers],
        }
        for found in told
    ]
    classes = [each.name for each in names]
    print_json({"format": "vidkit-detect", "version": 1, "detector": detector.name, "classes": classes, "films": films})


def _row(answer: Detections, least_score: float) -> dict[str, Any]:
    shown = answer.scores >= least_score
    return {
        "is_key": answer.is_key,
        "boxes": answer.boxes[shown],
        "scores": answer.scores[shown],
        "class_ids": answer.class_ids[shown],
    }
