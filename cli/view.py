"""`vidkit view`: frames with boxes, tracks and labels."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from vidkit.errors import ChoiceError, did_you_mean

from .console import Advance, json_option, print_json, progress
from .places import candidates, data_dir_option, open_index

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from vidkit.data.index import Index

FILMS, PICTURES = (".mp4", ".webp"), (".png",)
SHEET_FRAMES = 12
SHEET_SIDE = 300  # pixels of a frame's shorter side on a sheet


@click.command("view")
@click.argument("index_path", metavar="[INDEX.h5]", required=False, type=click.Path(dir_okay=False, path_type=Path))
@click.option("--video", metavar="NAME", help="Its name in the index; default: the first video that has boxes.")
@click.option("--frame", "numbers", metavar="N", type=int, multiple=True, help="A frame's number; may be given again.")
@click.option(
    "-o", "--output", "out", type=click.Path(dir_okay=False, path_type=Path), help="A .png, .mp4 or .webp file."
)
@click.option("--frames-root", type=click.Path(file_okay=False, path_type=Path), help="Where the frames were moved to.")
@click.option(
    "--by", default="track", show_default=True, type=click.Choice(["track", "class"]), help="What colours tell."
)
@click.option(
    "--fps", default=25.0, show_default=True, type=click.FloatRange(0.1, 1000), help="Frames a second of a film."
)
@click.option("--scale", type=click.FloatRange(0.1, 16), help="Factor on the size; default: what makes it legible.")
@data_dir_option
@json_option
def command(
    index_path: Path | None,
    video: str | None,
    numbers: tuple[int, ...],
    out: Path | None,
    frames_root: Path | None,
    by: Literal["track", "class"],
    fps: float,
    scale: float | None,
    data_dir: Path,
    as_json: bool,
) -> None:
    """Draw frames of a video with boxes, tracks and labels, and say where the picture or film is.

    A .png of one --frame is that frame; of several, or of a whole video, a sheet of them. A .mp4 (needs PyAV) or .webp
    is a film. Boxes of occluded objects are dashed; a line follows each track over its last 20 frames. Small frames are
    enlarged.

    \b
    Examples:
      vidkit view                                            # the only index, its first video, as a sheet
      vidkit view vidkit-data/vid_val.h5 --video ILSVRC2015_val_00000000 -o turtle.mp4
      vidkit view --video synth_val_00000003 --frame 12 -o frame.png
      vidkit view --frame 0 --frame 10 --frame 20 --by class
    """
    from vidkit.drawing import contact_sheet
    from vidkit.movies import write_movie

    path, index = _open(index_path, data_dir, video)
    row = _video_row(index, video)
    rows = _frame_rows(index, row, numbers)
    out = out or Path(_file_name(index.video_name[row], numbers))
    if out.suffix.lower() not in FILMS + PICTURES:
        raise click.UsageError(f"-o {out}: wanted a name that ends with .png, .mp4 or .webp")
    is_film = out.suffix.lower() in FILMS
    if not is_film and len(rows) > SHEET_FRAMES and not numbers:
        rows = [rows[(2 * i + 1) * len(rows) // (2 * SHEET_FRAMES)] for i in range(SHEET_FRAMES)]
    on_sheet = not is_film and len(rows) > 1
    with progress("view", len(rows), "frames") as advance:
        drawn = _drawn(index, rows, frames_root, by, scale, on_sheet, advance)
        if is_film:
            write_movie(out, drawn, fps)
        else:
            _write_png(out, contact_sheet(list(drawn)))
    if as_json:
        print_json({"index": path, "video": index.video_name[row], "frames": len(rows), "file": out})
        return
    click.echo(out)


def _file_name(video: str, numbers: Sequence[int]) -> str:
    safe = re.sub(r"[^\w.-]", "_", video)[-100:]  # an index may come from anyone
    return f"{safe}_{numbers[0]:06d}.png" if len(numbers) == 1 else f"{safe}.png"


def _open(path: Path | None, data_dir: Path, video: str | None) -> tuple[Path, Index]:
    """Return the index to look at: the one that is named, else the only one that has the video, else the only one."""
    if path is None and video is not None:
        indices = list(_readable(candidates(data_dir)))
        having = [(file, index) for file, index in indices if len(_videos_called(index, video)) == 1]
        if len(having) == 1:
            return having[0]
        if len(indices) > 1 and not having:
            near = did_you_mean(video, [name for _, index in indices for name in index.video_name])
            raise ChoiceError(f"no video called {video!r} in any of the {len(indices)} indices in {data_dir}{near}")
    return open_index(path, data_dir)


def _readable(files: Sequence[Path]) -> Iterator[tuple[Path, Index]]:
    """Yield the files that are indices, read."""
    from vidkit.data.hdf5 import read_index
    from vidkit.errors import FormatError

    for file in files:
        with suppress(FormatError):
            yield file, read_index(file)


def _videos_called(index: Index, name: str) -> list[int]:
    """Return the rows of the videos of this name; the folders before it may be left out."""
    exact = [row for row, known in enumerate(index.video_name) if known == name]
    return exact or [row for row, known in enumerate(index.video_name) if known.endswith("/" + name)]


def _video_row(index: Index, name: str | None) -> int:
    if index.n_videos == 0:
        raise ChoiceError(f"index {index.dataset} {index.split}: no videos in it")
    if name is None:
        boxes = index.instance_start[index.frame_start[1:]] - index.instance_start[index.frame_start[:-1]]
        return int((boxes > 0).argmax())
    rows = _videos_called(index, name)
    if len(rows) == 1:
        return rows[0]
    known = [index.video_name[row] for row in rows] or list(index.video_name)
    listed = ", ".join(known[:4]) + (", …" if len(known) > 4 else "")
    found = "several videos" if rows else "no video"
    raise ChoiceError(f"{found} called {name!r}{did_you_mean(name, known)}; there are {listed}")


def _frame_rows(index: Index, video: int, numbers: Sequence[int]) -> list[int]:
    """Return the rows of the frames with these numbers; all of the video where none is given."""
    rows = index.frames_of(video)
    if not rows:
        raise ChoiceError(f"video {index.video_name[video]}: the index has no frames of it")
    row_of = {int(index.frame_number[row]): row for row in rows}
    for number in numbers:
        if number not in row_of:
            first, last = min(row_of), max(row_of)
            near = min(row_of, key=lambda known: abs(known - number))
            raise ChoiceError(
                f"video {index.video_name[video]}: no frame {number}; "
                f"its {len(row_of)} frames are numbered {first} … {last}, the nearest is {near}"
            )
    return [row_of[number] for number in numbers] if numbers else list(rows)


def _drawn(
    index: Index,
    rows: Sequence[int],
    root: Path | None,
    by: Literal["track", "class"],
    scale: float | None,
    on_sheet: bool,
    advance: Advance,
) -> Iterator[NDArray[np.uint8]]:
    """Yield the frames of these rows, which are all of one video, with all that is known of them drawn on."""
    from vidkit.data.frames import frame, frames_of
    from vidkit.drawing import draw, truth_marks, truth_trails

    video = int(index.frame_video[rows[0]])
    whole = list(rows) == list(index.frames_of(video))
    images = frames_of(index, video, root) if whole else (frame(index, row, root) for row in rows)
    for row, image in zip(rows, images, strict=True):
        caption = f"{index.video_name[video]}  {index.frame_number[row]}"
        trails = truth_trails(index, row) if by == "track" else []
        factor = scale or (SHEET_SIDE / min(image.shape[:2]) if on_sheet else None)
        yield draw(image, truth_marks(index, row, by), trails, caption, factor)
        advance(1)


def _write_png(path: Path, picture: NDArray[np.uint8]) -> None:
    from PIL import Image

    from vidkit.files import writing

    with writing(path) as part:
        Image.fromarray(picture).save(part, "PNG")
