"""`vidkit synth`: a made-up data set in ILSVRC layout."""

import os
from pathlib import Path

import click

from .console import json_option, print_json, print_table, progress, say
from .options import SizeType


@click.command("synth")
@click.argument("out", type=click.Path(file_okay=False, path_type=Path))
@click.option("--videos", default=24, show_default=True, type=click.IntRange(0), help="Training videos.")
@click.option("--val-videos", default=12, show_default=True, type=click.IntRange(0), help="Validation videos.")
@click.option("--frames", default=32, show_default=True, help="Frames in each video.")
@click.option("--size", default="160x128", show_default=True, type=SizeType(), help="Pixels of a frame.")
@click.option("--classes", default=5, show_default=True, help="Classes, 1 to 10; each is a fine texture.")
@click.option("--seed", default=0, show_default=True, help="Another seed, another set.")
@click.option("--difficulty", default="standard", show_default=True, type=click.Choice(["clean", "standard", "hard"]))
@click.option("--speed", type=float, help="Dial: factor on the speed of objects and camera.  [1; 1; 1.6]")
@click.option("--shutter", type=float, help="Dial: share of the frame interval that is exposed.  [0; 1; 1]")
@click.option("--defocus-share", type=float, help="Dial: share of frames in bursts of defocus.  [0; 0.4; 0.6]")
@click.option("--defocus-sigma", type=float, help="Dial: its mean deviation in pixels.  [3; 3; 4]")
@click.option("--occlusion", type=float, help="Dial: share of videos with something in the way.  [0; 0.4; 0.7]")
@click.option("--exposure", type=float, help="Dial: amplitude of changes of brightness.  [0; 0.2; 0.35]")
@click.option("--noise", type=float, help="Dial: mean deviation in grey levels.  [0; 8; 14]")
@click.option("--quality", type=int, help="Dial: JPEG quality.  [95; 80; 50]")
@click.option("--workers", type=click.IntRange(1), help="Processes; default: one a core.")
@click.option("--force", is_flag=True, help="Replace an earlier synthetic set at OUT.")
@json_option
def command(
    out: Path,
    videos: int,
    val_videos: int,
    frames: int,
    size: tuple[int, int],
    classes: int,
    seed: int,
    difficulty: str,
    workers: int | None,
    force: bool,
    as_json: bool,
    **dials: float | None,
) -> None:
    """Make a small annotated video data set at OUT, in the layout of ILSVRC VID, by code and seed.

    The classes are fine textures on moving objects, so that blur takes the class away and leaves the object. The
    numbers in brackets are a dial's values at the difficulties clean, standard and hard; lengths in pixels are those
    at a shorter side of 128 and grow with the frame. What was done to each frame and object stands in OUT/Attributes.

    \b
    Examples:
      vidkit synth tree                                  # 24 + 12 videos of 32 frames, 160x128
      vidkit synth tree --videos 260 --val-videos 250    # enough to train and to compare
      vidkit synth tree --difficulty clean --noise 8     # one dial at a time
      vidkit prepare --vid-root tree                     # then, as with the real one
    """
    from dataclasses import asdict
    from time import perf_counter

    from vidkit.synth import DIFFICULTIES, Dials, Settings, make_dataset
    from vidkit.synth.on_disk import check_place

    turned = {name: value for name, value in dials.items() if value is not None}
    settings = Settings(seed, *size, frames, classes, Dials(**asdict(DIFFICULTIES[difficulty]) | turned))
    check_place(out, force)
    begin = perf_counter()
    done = []
    with progress("synth", videos + val_videos, "videos") as advance:
        for video in make_dataset(out, settings, videos, val_videos, workers or os.cpu_count() or 1, force):
            done.append(video)
            advance(1, f"{sum(v.frames for v in done) / (perf_counter() - begin):.0f} frames/s")
    splits = {
        split: {"videos": len(of), "frames": sum(v.frames for v in of), "boxes": sum(v.boxes for v in of)}
        for split, of in ((s, [v for v in done if v.name.startswith(s)]) for s in ("train", "val"))
    }
    if as_json:
        content = {"out": out, "seconds": perf_counter() - begin, "splits": splits}
        print_json({"format": "vidkit-synth-made", "version": 1, **content})
        return
    print_table(["split", "videos", "frames", "boxes"], [(name, *counts.values()) for name, counts in splits.items()])
    say(f"{out}: made in {perf_counter() - begin:.1f} s; next: vidkit prepare --vid-root {out}")
