"""What `view`, `render` and the figures with frames share: what they show, and how large."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from .options import frames_root_option, protocol_option, together

if TYPE_CHECKING:
    from vidkit.evaluation.verdicts import Verdicts
    from vidkit.pictures.choice import Span

FILMS, PICTURES = (".mp4", ".webp"), (".png",)


class FrameSpan(click.ParamType["Span"]):
    """Frame numbers from a to b, both included: a..b, a.. or ..b."""

    name = "span"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Span:
        """Both ends; None where one is left open."""
        if isinstance(value, tuple):
            return value
        found = re.fullmatch(r"(\d{1,9})?\.\.(\d{1,9})?", str(value).strip())
        if not found or not any(found.groups()):
            self.fail(f"{value}: wanted numbers of frames as in 10..40, 10.. or ..40", param, ctx)
        first, last = (None if text is None else int(text) for text in found.groups())
        if first is not None and last is not None and first > last:
            self.fail(f"{value}: the first frame comes after the last", param, ctx)
        return first, last


class Score(click.ParamType[float]):
    """A number."""

    name = "float"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number; a usage error for nan."""
        number = click.FLOAT.convert(value, param, ctx)
        return self.fail("nan is no score", param, ctx) if math.isnan(number) else float(number)


verdict_options = together(
    click.option(
        "--score",
        "least_score",
        type=Score(),
        default=0.3,
        show_default=True,
        help="Detections of at least this score are shown and count.",
    ),
    protocol_option,
)
frames_option = click.option(
    "--frames", "span", type=FrameSpan(), metavar="a..b", help="Frames from number a to number b; a.. or ..b."
)
look_options = together(
    click.option(
        "--by",
        default="track",
        show_default=True,
        type=click.Choice(["track", "class"]),
        help="Without runs: what colours tell.",
    ),
    click.option("--zoom", type=click.FloatRange(0.1, 16), help="Factor on the size; default: what makes it legible."),
    click.option(
        "--columns",
        type=click.IntRange(1, 20),
        help="Panels side by side; 1 stacks them. Default: up to three in a row.",
    ),
    frames_root_option,
)
"""How frames look; the commands hand them on to `vidkit.pictures.sequences.draw_frames`, by name."""
fps_option = click.option(
    "--fps", default=25.0, show_default=True, type=click.FloatRange(0.1, 1000), help="Frames a second of a film."
)


def counts_of(verdicts: Mapping[str, Verdicts], rows: Sequence[int]) -> list[dict[str, Any]]:
    """For each run how many true and false positives and misses these frames have."""
    return [
        {"run": name, **{kind: int(column[list(rows)].sum()) for kind, column in run.counts_of_frames().items()}}
        for name, run in verdicts.items()
    ]


def file_stem(video: str) -> str:
    """A file name for a video: an index may come from anyone."""
    return re.sub(r"[^\w.-]", "_", video)[-100:]
