"""`vidkit degrade`: real video made worse in bursts, with the truth that it had."""

import os
from pathlib import Path

import click

from .console import json_option, print_json, progress, say
from .options import FILE_THERE, FOLDER, frames_root_option


@click.command("degrade")
@click.argument("index_path", metavar="INDEX", type=FILE_THERE)
@click.argument("out", type=FOLDER)
@click.option(
    "--kind",
    "kinds",
    multiple=True,
    type=click.Choice(["defocus", "motion-blur", "low-light"]),
    help="What a burst is; may be given again. Default: each burst one of the three.",
)
@click.option("--share", default=0.4, show_default=True, help="Share of the frames in bursts, 0 to 0.8.")
@click.option("--strength", default=1.0, show_default=True, help="Factor on how bad it gets.")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0), help="Another seed, other bursts.")
@click.option("--workers", type=click.IntRange(1), help="Processes; default: one a core.")
@frames_root_option
@json_option
def command(
    index_path: Path,
    out: Path,
    kinds: tuple[str, ...],
    share: float,
    strength: float,
    seed: int,
    workers: int | None,
    frames_root: Path | None,
    as_json: bool,
) -> None:
    """Make the video of INDEX worse in bursts of 2 to 7 frames, by code and seed, and write it to OUT as an index.

    defocus: a Gaussian of 1 to 2 pixels at a shorter side of 128. motion-blur: 3 to 7 pixels along the way of the
    camera, any way where it stands still. low-light: 15 to 35 % of the light, noise, and JPEG of quality 15. The truth
    stays; what was done to each frame is in the index, for `vidkit eval --by degraded` and `--by degradation`.

    \b
    Examples:
      vidkit degrade vidkit-data/drone_val.h5 worse/val                      # 40 % of the frames, all three kinds
      vidkit degrade vidkit-data/drone_val.h5 dark --kind low-light --share 0.2
      vidkit benchmark per-frame --index worse/val/drone_val.h5              # then, as with any index
      vidkit eval per-frame --index worse/val/drone_val.h5 --by degraded
    """
    from vidkit.data.index_file import read_index
    from vidkit.synth.degrade import KINDS, Degradation, degrade

    index = read_index(index_path)
    degradation = Degradation(tuple(k for k in KINDS if k in kinds) or KINDS, share, strength, seed)
    with progress("degrade", index.n_frames, "frames") as advance:
        for name in degrade(index, out, degradation, frames_root, workers or os.cpu_count() or 1):
            advance(len(index.frames_of(index.video(name))), name)
    made = out / f"{index.dataset}_{index.split}.h5"
    worse = int(read_index(made).frame_attributes["degraded"].sum())
    if as_json:
        counts = {"videos": index.n_videos, "frames": index.n_frames, "degraded": worse}
        print_json({"format": "vidkit-degraded", "version": 1, "index": made, **counts})
        return
    say(f"{made}: {worse} of {index.n_frames} frames in bursts; frames in {out / 'frames'}")
