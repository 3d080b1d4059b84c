"""The `vidkit` command: a table of sub-commands, each imported only when it is called."""

import sys
import warnings

import click

from .console import report_errors
from .group import LazyGroup

# name: (module of this package, first line of its help). The module's click command is called `command`.
COMMANDS = {
    "prepare": ("prepare", "Turn annotations into an index."),
    "join": ("join", "Make one index of several."),
    "export": ("export", "Write an index's annotations in another form."),
    "check": ("check", "Look for faults in a data set on disk."),
    "info": ("info", "Show what is in an index."),
    "lists": ("lists", "Write the frame lists of the field for any tree."),
    "synth": ("synth", "Make a small annotated video data set."),
    "degrade": ("degrade", "Make real video worse in bursts, with the truth that it had."),
    "view": ("view", "Draw frames with boxes, tracks and labels, or as several runs see them."),
    "render": ("render", "Make a film of a video as several runs see it."),
    "eval": ("eval", "Score predictions: mAP by motion speed and other attributes."),
    "compare": ("compare", "Tell how much better one run is than others, with intervals."),
    "errors": ("error_types", "Tell what keeps mAP below 100: six types of error and their cost."),
    "measures": ("measures", "Delay, stability, distance from the keyframe, streaming accuracy."),
    "curves": ("curves", "Precision against recall, score histograms, videos, calibration."),
    "convert": ("convert", "Read any prediction file, write any other."),
    "benchmark": ("benchmark", "Run a detector over an index and time it."),
    "sweep": ("sweep", "Run a detector with every combination of some options."),
    "plugins": ("plugins", "List the detectors that are installed."),
    "samples": ("samples", "Show what a training sampler draws."),
    "train": ("train", "Train a network: per-frame, DFF, Impression Network, FGFA."),
    "propagation": ("propagation", "How far features travel, what it costs, what is remembered."),
    "weights": ("weights", "Convert published weights, show a checkpoint, draw weight maps."),
    "detect": ("detect", "Find objects in films, folders of images or a camera."),
    "plot": ("plot", "Draw the figures."),
    "report": ("report", "A page of runs: tables and figures, for reading and printing."),
    "reproduce": ("reproduce.command", "The paper's tables and figures in one go, its numbers beside ours."),
    "demo": ("demo", "From nothing to a table and a figure, command by command."),
}


def _show_version(ctx: click.Context, _param: click.Parameter, wanted: bool) -> None:
    if not wanted or ctx.resilient_parsing:
        return
    from importlib.metadata import PackageNotFoundError, version

    click.echo(f"vidkit {version('vidkit-vod')}")
    click.echo(f"Python {sys.version.split()[0]}")
    for name in ("numpy", "h5py", "torch"):
        try:
            click.echo(f"{name} {version(name)}")
        except PackageNotFoundError:
            click.echo(f"{name} not installed")
    ctx.exit()


@click.group(
    cls=LazyGroup,
    table=COMMANDS,
    package=__package__,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Each command has examples in its --help. Shell completion: see docs/cli.md.",
)
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_show_version, help="Show versions."
)
def vidkit() -> None:
    """Video object detection, measured properly.

    \b
    Examples:
      vidkit prepare --vid-root ILSVRC2015      # annotations → vidkit-data/vid_val.h5 …
      vidkit eval predictions.pkl               # mAP, slow / medium / fast
      vidkit plot speed-accuracy                # the figure of all runs in runs/
    """


def main() -> None:
    """Run the command line and exit with its code: 0 done, 1 bad input, 2 bad usage, 3 findings, 130 interrupted."""
    warnings.filterwarnings("ignore", message="Image size .* exceeds limit")  # Pillow's; frames have a limit of our own
    sys.exit(report_errors(vidkit))


if __name__ == "__main__":
    main()
