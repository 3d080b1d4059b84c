"""`vidkit weights`: published weights into checkpoints, what is in one, and pictures of the weight maps."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from impnet_model.nets.build import BUILDS
from impnet_model.weights.tensor_names import KINDS

from .console import json_option, print_json, print_table, say
from .group import SuggestingGroup
from .options import FILE, FILE_THERE, FOLDER

if TYPE_CHECKING:
    from impnet_model.nets.build import BuildName
    from impnet_model.weights.checkpoints import Checkpoint
    from impnet_model.weights.published import Conversion

PRETRAINED = [name for name, build in BUILDS.items() if build.norm == "fixed"]
"""The builds that published weights go into: batch norm with the statistics of the weights."""


@click.group("weights", cls=SuggestingGroup)
def command() -> None:
    """Weights of the networks: convert published ones, look into a checkpoint, draw weight maps.

    \b
    Examples:
      vidkit weights convert resnet101-63fe2227.pth --kind torchvision-resnet -o start.pt
      vidkit weights show start.pt
      vidkit weights pack runs/imp/model.pt -o impression.pt
      vidkit weights maps impression.pt --source clip.mp4 -o maps/
    """


@command.command("convert")
@click.argument("source", type=FILE_THERE)
@click.option("--kind", type=click.Choice([*KINDS]), required=True, help="What SOURCE holds.")
@click.option("-o", "--output", type=FILE, required=True, help="The checkpoint.")
@click.option(
    "--build", type=click.Choice(PRETRAINED), default="resnet101", show_default=True, help="The network to fill."
)
@click.option("--onto", type=FILE_THERE, help="Add to this checkpoint in place of a fresh network.")
@click.option("--sha256", metavar="HEX", help="The digest that SOURCE must have; known files are verified without it.")
@click.option("--half", is_flag=True, help="Store in half precision.")
@json_option
def convert_command(
    source: Path,
    kind: str,
    output: Path,
    build: BuildName,
    onto: Path | None,
    sha256: str | None,
    half: bool,
    as_json: bool,
) -> None:
    """Turn published weights in SOURCE into a checkpoint: verified, complete, or refused.

    Every tensor of SOURCE must be known and every tensor of that part of the network must be there; else all missing,
    unexpected and misshapen ones are listed and nothing is written. Parts that SOURCE doesn't have are freshly
    initialised: such a checkpoint is a starting point for training, and no detector accepts it. The classes are the 30
    of ImageNet VID.

    \b
    Examples:
      vidkit weights convert resnet101-63fe2227.pth --kind torchvision-resnet -o start.pt
      vidkit weights convert flownets_EPE1.951.pth.tar --kind pinard --onto start.pt -o start.pt
      vidkit weights convert rfcn_dff_flownet_vid-0000.params --kind mxnet-dff -o dff.pt
    """
    from impnet_model.weights.checkpoints import load, save
    from impnet_model.weights.published import convert
    from vidkit.classes import VID_CLASSES

    start = load(onto) if onto else None
    conversion = convert(source, kind, BUILDS[build], VID_CLASSES, start, sha256)
    save(conversion.checkpoint, output, half)
    if as_json:
        told = {"output": str(output), "method": conversion.checkpoint.method}
        told |= {name: getattr(conversion, name) for name in ("sha256", "verified", "filled", "fresh", "ignored")}
        print_json({"format": "vidkit-weights-convert", "version": 1, **told})
    else:
        _print_conversion(conversion, output)


def _print_conversion(conversion: Conversion, output: Path) -> None:
    print_table(
        ["tensors", ""],
        [
            ("filled from the file", len(conversion.filled)),
            ("in the file, not needed", _counted(conversion.ignored)),
            ("freshly initialised", _counted(conversion.fresh)),
        ],
        left=2,
    )
    known = "as published" if conversion.verified else "no published digest to hold it against"
    say(f"SHA-256 {conversion.sha256}: {known}")
    say(f"written: {output} ({conversion.checkpoint.method})")


@command.command("pack")
@click.argument("checkpoint", type=FILE_THERE)
@click.option("-o", "--output", type=FILE, required=True, help="The smaller one.")
@click.option("--note", "notes", metavar="NAME=TEXT", multiple=True, help="Something to keep with it; repeatable.")
@json_option
def pack_command(checkpoint: Path, output: Path, notes: tuple[str, ...], as_json: bool) -> None:
    """Store a trained CHECKPOINT in half precision, to be handed on: its network and notes, nothing of its training.

    \b
    Examples:
      vidkit weights pack runs/imp/model.pt -o impression.pt
      vidkit weights pack runs/imp/model.pt -o impression.pt --note 'scores=mAP 61.2 on 250 synthetic videos'
    """
    from dataclasses import replace

    from impnet_model.weights.checkpoints import load, save

    pairs = [note.partition("=") for note in notes]
    if wrong := [name for name, sign, _ in pairs if not name or not sign]:
        raise click.BadParameter(f"{wrong[0]!r}: wanted NAME=TEXT", param_hint="--note")
    loaded = load(checkpoint)
    kept = {**loaded.notes, **{name: text for name, _, text in pairs}}
    save(replace(loaded, notes=kept), output, half=True)
    size = output.stat().st_size
    if as_json:
        told = {"method": loaded.method, "output": str(output), "bytes": size, "notes": kept}
        print_json({"format": "vidkit-weights-pack", "version": 1, **told})
        return
    say(f"written: {output} ({loaded.method}, {size / 1e6:.2f} MB)")


@command.command("show")
@click.argument("checkpoint", type=FILE_THERE)
@json_option
def show_command(checkpoint: Path, as_json: bool) -> None:
    """Show what CHECKPOINT is: its method, numbers, classes, parameters, and the notes of its making.

    \b
    Examples:
      vidkit weights show impression.pt
      vidkit weights show impression.pt --json
    """
    from impnet_model.weights.checkpoints import load

    loaded = load(checkpoint)
    parameters = _parameters(loaded)
    names = [each.name for each in loaded.classes]
    if as_json:
        from dataclasses import asdict

        print_json(
            {
                "format": "vidkit-weights-show",
                "version": 1,
                "method": loaded.method,
                "build": asdict(loaded.build),
                "classes": names,
                "parameters": parameters,
                "notes": dict(loaded.notes),
            }
        )
        return
    rows: list[tuple[str, object]] = [("method", loaded.method), ("classes", f"{len(names)}: {', '.join(names)}")]
    rows += [(f"parameters of {part}", f"{count:,}".replace(",", " ")) for part, count in parameters.items()]
    rows += [(key, _counted(tuple(value)) if isinstance(value, list) else value) for key, value in loaded.notes.items()]
    print_table(["checkpoint", str(checkpoint)], rows, left=2)


@command.command("maps")
@click.argument("checkpoint", type=FILE_THERE)
@click.option("--source", type=FILE_THERE, required=True, help="A video file.")
@click.option("-o", "--output", type=FOLDER, required=True, help="A folder for the pictures.")
@click.option("--length", type=click.IntRange(min=1), default=10, show_default=True, help="Frames in a segment.")
@click.option("--key-id", type=click.IntRange(min=0), help="Place of the keyframe in its segment; default: the centre.")
@click.option("--limit", type=click.IntRange(min=1), help="Only the first so many frames.")
@json_option
def maps_command(
    checkpoint: Path, source: Path, output: Path, length: int, key_id: int | None, limit: int | None, as_json: bool
) -> None:
    """Draw the weight map of every keyframe of a video (the paper's Figure 4).

    Red: the new keyframe counts more than the impression; blue: less. All pictures share one scale, which is printed.
    The first keyframe has nothing to be fused with and no picture.

    \b
    Examples:
      vidkit weights maps impression.pt --source clip.mp4 -o maps/
      vidkit weights maps impression.pt --source clip.mp4 --length 5 --limit 100 -o maps/
    """
    from impnet_model.api import draw_weight_maps

    if key_id is not None and key_id >= length:
        raise click.UsageError(f"--key-id {key_id} lies outside a segment of {length} frames")
    reach, drawn = draw_weight_maps(checkpoint, source, output, length, key_id, limit)
    if as_json:
        listed = [vars(each) for each in drawn]
        print_json({"format": "vidkit-weights-maps", "version": 1, "reach": reach, "keyframes": listed})
        return
    print_table(
        ["keyframe", "mean w", "lowest", "highest", "picture"],
        [(e.frame, f"{e.mean:.4f}", f"{e.lowest:.4f}", f"{e.highest:.4f}", e.picture) for e in drawn],
    )
    say(f"written: {len(drawn)} pictures in {output}; full colour at 0.5 ± {reach:.4f}")


def _counted(names: tuple[str, ...]) -> str:
    shown = ", ".join(map(str, names[:3]))
    return f"{len(names)}" + (f" ({shown}{' …' if len(names) > 3 else ''})" if names else "")


def _parameters(checkpoint: Checkpoint) -> dict[str, int]:
    """The number of parameters in each of the networks."""
    found: dict[str, int] = {}
    for name, parameter in checkpoint.network.named_parameters():
        part = name.partition(".")[0]
        found[part] = found.get(part, 0) + parameter.numel()
    return found
