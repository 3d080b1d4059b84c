"""One frame as several runs see it: a panel a run, with true and false positives and misses, and the legend of it all.

A panel has the run's name above it. On a keyframe this bar is black and says so; on other frames it tells how many
frames away the keyframe is (-3: three frames before), as far as the predictions know.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from vidkit.evaluation.verdicts import Verdicts
from vidkit.pictures.drawing import (
    LEGIBLE_SIDE,
    VERDICTS,
    Colour,
    Mark,
    contact_sheet,
    draw,
    label_font,
    legible_scale,
    verdict_marks,
)
from vidkit.predictions.table import NO_KEY

Pixels = NDArray[np.uint8]
WHITE: Colour = (255, 255, 255)
BLACK: Colour = (0, 0, 0)
GAP = 4  # pixels between panels
LEGEND_SIDE = 640  # pixels: the legend's letters grow no further with the picture


@dataclass(frozen=True)
class Panel:
    """A run in a picture: its name and what the evaluation says of its detections."""

    name: str
    verdicts: Verdicts


def picture(
    frame: Pixels, row: int, panels: Sequence[Panel], scale: float | None = None, columns: int | None = None
) -> Pixels:
    """Frame row `row`, of which `frame (H, W, 3)` is the image, once for each panel, under its video and number.

    Without `scale` small frames are enlarged until they are legible, and large ones made smaller where there are
    several panels. Without `columns` up to three panels stand side by side, more of them in a square.
    """
    if not panels:
        raise ValueError("a picture of no panels")
    index = panels[0].verdicts.index
    scale = scale or panel_scale(frame.shape[1], frame.shape[0], len(panels))
    columns = columns or (len(panels) if len(panels) <= 3 else math.ceil(math.sqrt(len(panels))))
    drawn = contact_sheet([_panel(frame, row, panel, scale) for panel in panels], columns, GAP)
    side = round(min(frame.shape[:2]) * scale)
    title = f"{index.video_name[index.frame_video[row]]}   frame {index.frame_number[row]}"
    return np.concatenate([_bar(drawn.shape[1], side, title, ""), drawn])


def panel_scale(width: int, height: int, panels: int) -> float:
    """The factor that frames of this size are resized by where so many panels stand together."""
    if panels > 1 and min(width, height) > LEGIBLE_SIDE:
        return LEGIBLE_SIDE / min(width, height)
    return legible_scale(width, height)


def with_legend(drawn: Pixels, verdicts: Verdicts) -> Pixels:
    """A picture with the legend of its marks below, which tells the score threshold and the protocol too."""
    font, width = label_font(min(*drawn.shape[:2], LEGEND_SIDE)), drawn.shape[1]
    line = round(1.7 * font.getbbox("Ag")[3])
    sample = round(2.6 * line)
    score = verdicts.least_score
    rules = [f"score at least {score:g}"] if math.isfinite(score) else []
    texts = [*VERDICTS, " · ".join([*rules, f"protocol {verdicts.matches.protocol.name}"])]
    places, x, y = [], line // 2, 0
    for place, text in enumerate(texts):
        extent = (sample if place < len(VERDICTS) else 0) + round(font.getlength(text)) + line
        if x > line // 2 and x + extent > width:
            x, y = line // 2, y + line
        places.append((x, y))
        x += extent
    strip = np.full((y + line + line // 3, width, 3), 255, np.uint8)
    marks = []
    for (x, y), (colour, stroke, sign) in zip(places, VERDICTS.values(), strict=False):
        box = (x + 4, y + line * 0.3 + 4, x + sample - line * 0.4, y + line * 1.2 - 4)
        marks.append(Mark(box, "", colour, stroke, sign))
    image = Image.fromarray(draw(strip, marks, scale=1))
    pen = ImageDraw.Draw(image)
    for place, ((x, y), text) in enumerate(zip(places, texts, strict=True)):
        pen.text((x + (sample if place < len(VERDICTS) else 0), y + line * 0.35), text, BLACK, font)
    return np.concatenate([drawn, np.array(image)])


def _panel(frame: Pixels, row: int, panel: Panel, scale: float) -> Pixels:
    drawn = draw(frame, verdict_marks(panel.verdicts, row), scale=scale)
    key = keyframe_text(panel.verdicts, row)
    bar = _bar(drawn.shape[1], min(drawn.shape[:2]), panel.name, key, inverted=key == "keyframe")
    return np.concatenate([bar, drawn])


def keyframe_text(verdicts: Verdicts, row: int) -> str:
    """ "keyframe", or "key -3" where it lies three frames before, as far as it is known.

    Nothing where every frame of the video is one, as in per-frame detection.
    """
    predictions, index = verdicts.predictions, verdicts.index
    if predictions.is_key is not None and predictions.is_key[row]:
        video = index.frames_of(int(index.frame_video[row]))
        return "" if predictions.is_key[video.start : video.stop].all() else "keyframe"
    if predictions.key_distance is None or predictions.key_distance[row] == NO_KEY:
        return ""
    return f"key {predictions.key_distance[row]:+d}"


def _bar(width: int, side: int, left: str, right: str, inverted: bool = False) -> Pixels:
    """A bar with a text at either end; the left one is shortened where there is no room for both."""
    font = label_font(side)
    height = round(1.6 * font.getbbox("Ag")[3])
    front, back = (WHITE, BLACK) if inverted else (BLACK, WHITE)
    image = Image.new("RGB", (width, height), back)
    pen = ImageDraw.Draw(image)
    room = width - font.getlength(right) - 16
    pen.text((4, 0.2 * height), _shortened(left, lambda text: font.getlength(text) <= room), front, font)
    pen.text((width - 4 - font.getlength(right), 0.2 * height), right, front, font)
    return np.array(image)


def _shortened(text: str, fits: Callable[[str], bool]) -> str:
    """The text, or its two ends with dots between them so that it fits."""
    if fits(text):
        return text
    for kept in range(len(text) - 1, 1, -1):
        short = text[: kept - kept // 2] + "…" + text[len(text) - kept // 2 :]
        if fits(short):
            return short
    return ""
