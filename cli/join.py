"""`vidkit join`: several indices → one."""

from __future__ import annotations

from pathlib import Path

import click

from .console import json_option, print_json, print_table, say
from .options import FILE


@click.command("join")
@click.argument("indices", metavar="INDEX.h5 INDEX.h5...", nargs=-1, required=True, type=FILE)
@click.option("-o", "--output", type=FILE, required=True, help="The index to write.")
@click.option("--name", "dataset", help="What the data set is called; default: as the parts, as in VID+DET.")
@click.option("--split", help="What the split is called; default: as the parts.")
@click.option("--prefix", is_flag=True, help="Call videos DATASET_SPLIT/NAME, where two parts have videos of one name.")
@json_option
def command(
    indices: tuple[Path, ...], output: Path, dataset: str | None, split: str | None, prefix: bool, as_json: bool
) -> None:
    """Make one index of several, such as VID's and DET's, or of sources that were prepared one after the other.

    Classes are the same where their name or their WordNet id is. Boxes, tracks, ignored regions, attributes and how the
    sources call frames and classes are kept as far as they are one of each; frames lie below the folder that all roots
    have in common. Predictions that were made for a part don't fit the whole.

    \b
    Examples:
      vidkit join vidkit-data/vid_train.h5 vidkit-data/det_train.h5 -o vidkit-data/both_train.h5
      vidkit join a_all.h5 b_all.h5 -o own_val.h5 --name own --split val --prefix
    """
    from vidkit.data.join import join

    done = join(*indices, out=output, dataset=dataset, split=split, prefix=prefix)
    index = done.index
    counts = {
        "videos": index.n_videos,
        "frames": index.n_frames,
        "boxes": index.n_instances,
        "classes": index.n_classes,
    }
    if as_json:
        told = {"file": output, "dataset": index.dataset, "split": index.split, "fingerprint": index.fingerprint}
        print_json({"format": "vidkit-join", "version": 1, **told, **counts, "notes": done.notes})
        return
    print_table([str(output), *counts], [(f"{index.dataset} {index.split}", *(f"{n:,}" for n in counts.values()))])
    for note in done.notes:
        say(note)
