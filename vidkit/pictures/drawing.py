"""Frames with boxes, tracks and labels drawn on them; with Pillow alone.

What is drawn is a list of `Mark`s: ground truth (`truth_marks`), the detections of a run (`detection_marks`), or both
with what the evaluation says of them (`verdict_marks`). Colours are Okabe and Ito's, which people with any kind of
colour vision tell apart; every line has a dark rim, so that it shows on any background. In ground truth alone a line
says how sure the annotation is: solid for plain, dashed for occluded objects; what a tool generated says so in its
label. Verdicts differ in colour, line and sign.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from vidkit.data.index import Index
from vidkit.detections import Detections
from vidkit.evaluation.errors_by_type import BACKGROUND, BOTH, CLASSIFICATION, DUPLICATE, LOCALISATION
from vidkit.evaluation.verdicts import HIT, Verdicts

Colour = tuple[int, int, int]
PALETTE: tuple[Colour, ...] = (
    (230, 159, 0),  # orange
    (86, 180, 233),  # sky blue
    (0, 158, 115),  # bluish green
    (240, 228, 66),  # yellow
    (213, 94, 0),  # vermilion
    (204, 121, 167),  # reddish purple
    (0, 114, 178),  # blue
)
RIM: Colour = (0, 0, 0)
IGNORED_COLOUR: Colour = (170, 170, 170)
LineStyle = Literal["solid", "dashed", "dotted", "thin"]
Sign = Literal["", "tick", "cross", "ring"]
"""What stands before a label."""
LEGIBLE_SIDE = 480
"""Frames whose shorter side has fewer pixels are enlarged before anything is written on them."""


@dataclass(frozen=True)
class Mark:
    """A box to draw: `box` x1, y1, x2, y2 in pixels of the frame, in vidkit's convention."""

    box: tuple[float, float, float, float]
    label: str = ""
    colour: Colour = PALETTE[0]
    line: LineStyle = "solid"
    sign: Sign = ""


@dataclass(frozen=True)
class Trail:
    """Where the centre of a track has been: `points (N, 2)` in pixels of the frame, the latest last."""

    points: NDArray[np.floating[Any]]
    colour: Colour = PALETTE[0]


def draw(
    frame: NDArray[np.uint8],
    marks: Iterable[Mark] = (),
    trails: Iterable[Trail] = (),
    caption: str = "",
    scale: float | None = None,
) -> NDArray[np.uint8]:
    """The frame `(H, W, 3)` resized to `(scale H, scale W, 3)` with trails, boxes, labels and a caption on it.

    Without `scale` it is enlarged by the least whole number that makes it legible. A label stands above its box, or
    where there is no room below or inside it: never beyond the frame and, where that can be had, on no other label and
    no other box.
    """
    scale = scale or legible_scale(frame.shape[1], frame.shape[0])
    image = Image.fromarray(frame)
    if scale != 1:
        image = image.resize((round(image.width * scale), round(image.height * scale)), Image.Resampling.BICUBIC)
    pen = _Pen(image)
    for trail in trails:
        pen.trail([(x * scale, y * scale) for x, y in trail.points.tolist()], trail.colour)
    scaled = [(mark, _scaled(mark.box, scale)) for mark in marks]
    for mark, box in scaled:
        pen.box(box, mark.colour, mark.line)
    pen.caption(caption)
    boxes = [box for _, box in scaled]
    for mark, box in scaled:
        pen.label(box, mark, boxes)
    return np.array(image)


def legible_scale(width: int, height: int) -> int:
    """The whole factor that a frame of this size is enlarged by."""
    return max(1, math.ceil(LEGIBLE_SIDE / max(1, min(width, height))))


def colour_of(number: int) -> Colour:
    """The colour of a track, a class or a run by its number; they repeat after seven."""
    return PALETTE[number % len(PALETTE)]


# -- what to draw ------------------------------------------------------------------------------------------------------


def truth_marks(index: Index, frame: int, by: Literal["track", "class"] = "track") -> list[Mark]:
    """A mark for each box of frame row `frame` of an index: its class, its track, what is known of it.

    Colours tell tracks apart, or classes with `by="class"` and where there are no track ids. Ignored regions are grey.
    """
    marks = ignored_marks(index, frame)
    rows = index.instances_of(frame)
    for row in range(rows.start, rows.stop):
        class_id, track = int(index.class_id[row]), int(index.track_id[row])
        occluded = bool(index.occluded[row])
        words = [index.classes[class_id].name]
        words += [str(track)] if track >= 0 else []
        words += ["(occluded)"] if occluded else []
        words += ["(generated)"] if index.generated[row] else []
        colour = colour_of(track if by == "track" and track >= 0 else class_id)
        x1, y1, x2, y2 = index.box[row].tolist()
        marks.append(Mark((x1, y1, x2, y2), " ".join(words), colour, "dashed" if occluded else "solid"))
    return marks


def ignored_marks(index: Index, frame: int) -> list[Mark]:
    """A grey mark for each ignored region of frame row `frame`, with the class that it is about, if it is about one."""
    if index.ignored is None:
        return []
    rows = range(int(index.ignored.start[frame]), int(index.ignored.start[frame + 1]))
    marks = []
    for row in rows:
        class_id = int(index.ignored.class_id[row])
        x1, y1, x2, y2 = index.ignored.box[row].tolist()
        label = "ignored" if class_id < 0 else f"ignored {index.class_names[class_id]}"
        marks.append(Mark((x1, y1, x2, y2), label, IGNORED_COLOUR, "dotted"))
    return marks


def truth_trails(index: Index, frame: int, length: int = 20) -> list[Trail]:
    """The trail of each track that is in frame row `frame`, over at most `length` rows before it."""
    video = int(index.frame_video[frame])
    first = max(frame - length, index.frames_of(video).start)
    now = index.track_id[index.instances_of(frame)]
    rows = slice(int(index.instance_start[first]), index.instances_of(frame).stop)
    tracks, boxes = index.track_id[rows], index.box[rows]
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    return [Trail(centres[tracks == track], colour_of(int(track))) for track in np.unique(now[now >= 0])]


def detection_marks(
    detections: Detections, class_names: Sequence[str], colour: Colour, least_score: float = 0.3, run: str = ""
) -> list[Mark]:
    """A mark for each detection of one frame with a score of at least `least_score`, the best one last.

    All of one run have one colour; `run` is put before the label where several runs are drawn together.
    """
    marks = []
    for row in np.argsort(detections.scores, kind="stable"):
        score = float(detections.scores[row])
        if score >= least_score:
            x1, y1, x2, y2 = detections.boxes[row].tolist()
            label = f"{run} {class_names[int(detections.class_ids[row])]} {score:.2f}".strip()
            marks.append(Mark((x1, y1, x2, y2), label, colour))
    return marks


def class_marks(detections: Detections, class_names: Sequence[str], least_score: float = 0.3) -> list[Mark]:
    """A mark for each detection of one frame with a score of at least `least_score`, a colour for each class."""
    marks = []
    for class_id in np.unique(detections.class_ids).tolist():
        rows = detections.class_ids == class_id
        of_class = Detections(detections.boxes[rows], detections.scores[rows], detections.class_ids[rows])
        marks += detection_marks(of_class, class_names, colour_of(class_id), least_score)
    return marks


VERDICTS: dict[str, tuple[Colour, LineStyle, Sign]] = {
    "true positive": (PALETTE[1], "solid", "tick"),
    "false positive": (PALETTE[4], "dashed", "cross"),
    "missed": (PALETTE[3], "dotted", "ring"),
    "ground truth found": ((255, 255, 255), "thin", ""),
}
"""How the four kinds of marks look that `verdict_marks` makes."""

WHY = {
    CLASSIFICATION: "wrong class",
    LOCALISATION: "badly placed",
    BOTH: "class and place",
    DUPLICATE: "duplicate",
    BACKGROUND: "",  # a cross says enough
}
"""What the label of a false positive says of its type."""


def verdict_marks(verdicts: Verdicts, frame: int) -> list[Mark]:
    """The marks of one run in frame row `frame`: objects, false positives, true positives, each as in VERDICTS.

    Objects that aren't hit count as missed, also where a false positive lies on them.
    """
    index, predictions = verdicts.index, verdicts.predictions
    objects = index.instances_of(frame)
    marks = ignored_marks(index, frame)
    for row in range(objects.start, objects.stop):
        if verdicts.state[row] == HIT:
            marks.append(_verdict_mark("ground truth found", index.box[row].tolist(), ""))
        elif verdicts.state[row] > HIT:
            marks.append(_verdict_mark("missed", index.box[row].tolist(), index.class_names[index.class_id[row]]))
    shown = verdicts.shown_in(frame)
    for row in (*shown[verdicts.false[shown]].tolist(), *shown[verdicts.true[shown]].tolist()):
        label = f"{index.class_names[predictions.class_id[row]]} {predictions.score[row]:.2f}"
        kind = "true positive" if verdicts.true[row] else "false positive"
        why = WHY.get(int(verdicts.error[row]), "")
        marks.append(_verdict_mark(kind, predictions.box[row].tolist(), f"{label} {why}".strip()))
    return marks


def _verdict_mark(kind: str, box: Sequence[float], label: str) -> Mark:
    colour, line, sign = VERDICTS[kind]
    x1, y1, x2, y2 = box
    return Mark((x1, y1, x2, y2), label, colour, line, sign)


def contact_sheet(frames: Sequence[NDArray[np.uint8]], columns: int | None = None, gap: int = 4) -> NDArray[np.uint8]:
    """Frames `(H, W, 3)` side by side, row by row, with gaps between them; the largest gives the raster.

    Without `columns` the sheet is made about as wide as 4:3. Raises ValueError if there are none.
    """
    if not frames:
        raise ValueError("contact sheet of no frames")
    n, height, width = len(frames), max(f.shape[0] for f in frames), max(f.shape[1] for f in frames)
    columns = min(n, columns or max(1, round(math.sqrt(n * 4 / 3 * height / width))))
    rows = math.ceil(n / columns)
    sheet = np.full((rows * (height + gap) - gap, columns * (width + gap) - gap, 3), 255, np.uint8)
    for place, frame in enumerate(frames):
        y, x = place // columns * (height + gap), place % columns * (width + gap)
        sheet[y : y + frame.shape[0], x : x + frame.shape[1]] = frame
    return sheet


# -- the pen -----------------------------------------------------------------------------------------------------------

DrawnBox = tuple[float, float, float, float]
Point = tuple[float, float]


def _scaled(box: DrawnBox, scale: float) -> DrawnBox:
    return box[0] * scale, box[1] * scale, box[2] * scale, box[3] * scale


class _Pen:
    """Draws on one image, with widths and letters that fit its size, and keeps labels apart."""

    def __init__(self, image: Image.Image) -> None:
        side = min(image.size)
        self._size = image.size
        self._draw = ImageDraw.Draw(image)
        self._width = max(2, round(side / 180))
        self._font = label_font(side)
        self._taken: list[DrawnBox] = []

    def box(self, box: DrawnBox, colour: Colour, line: LineStyle) -> None:
        # The line runs around the box, so that it hides nothing of a small object; at the border it stays on the frame.
        x1, y1 = max(box[0], 0.0), max(box[1], 0.0)
        x2, y2 = min(box[2], self._size[0]), min(box[3], self._size[1])
        if not (x1 <= x2 and y1 <= y2):  # also False for NaN
            return
        thick = 3 if line == "thin" else self._width + 2
        left, top = max(round(x1) - thick, 0), max(round(y1) - thick, 0)
        right, bottom = min(round(x2) + thick, self._size[0]), min(round(y2) + thick, self._size[1])
        dash = {"dashed": 6 * self._width, "dotted": 2 * self._width}.get(line)
        pieces = [
            *((a, y, b, y + thick) for y in (top, bottom - thick) for a, b in _strokes(left, right, dash)),
            *((x, a, x + thick, b) for x in (left, right - thick) for a, b in _strokes(top, bottom, dash)),
        ]
        for piece in pieces:
            self._fill(piece, RIM)
        for a, b, c, d in pieces:
            self._fill((a + 1, b + 1, c - 1, d - 1), colour)

    def _fill(self, corners: tuple[int, int, int, int], colour: Colour) -> None:
        x1, y1, x2, y2 = corners
        if x1 < x2 and y1 < y2:
            self._draw.rectangle((x1, y1, x2 - 1, y2 - 1), colour)

    def trail(self, points: Sequence[Point], colour: Colour) -> None:
        if len(points) > 1:
            self._draw.line(points, RIM, self._width + 2)
            self._draw.line(points, colour, self._width)

    def caption(self, text: str) -> None:
        if text:
            self._text((0.0, self._size[1] - self._extent(text)[1]), text, RIM, (255, 255, 255))

    def label(self, box: DrawnBox, mark: Mark, boxes: Sequence[DrawnBox]) -> None:
        if (mark.label or mark.sign) and all(map(math.isfinite, box)):
            others = [other for other in boxes if other != box]
            extent = self._extent(mark.label, mark.sign)
            place = free_place(box, extent, self._size, self._width, others, self._taken)
            self._text(place, mark.label, mark.colour, RIM, mark.sign)

    def _extent(self, text: str, sign: Sign = "") -> tuple[float, float]:
        left, _, right, _ = self._font.getbbox(text)
        ascent, descent = _metrics(self._font)
        height = ascent + descent + 2
        return right - left + 6 + (height if sign else 0), height

    def _text(self, place: Point, text: str, back: Colour, front: Colour, sign: Sign = "") -> None:
        width, height = self._extent(text, sign)
        x, y = place
        self._taken.append((x, y, x + width, y + height))
        self._draw.rectangle((x, y, x + width - 1, y + height - 1), back)
        if sign:
            self._sign((x, y, x + height, y + height), sign, front)
            x += height - 2
        self._draw.text((x + 3, y + 1), text, front, self._font)

    def _sign(self, square: DrawnBox, sign: Sign, colour: Colour) -> None:
        x, y, side = square[0], square[1], square[2] - square[0]
        strokes: dict[str, tuple[tuple[Point, ...], ...]] = {
            "tick": (((0.22, 0.55), (0.42, 0.75), (0.78, 0.27)),),
            "cross": (((0.25, 0.25), (0.75, 0.75)), ((0.25, 0.75), (0.75, 0.25))),
        }
        width = max(2, round(side / 9))
        for stroke in strokes.get(sign, ()):
            self._draw.line([(x + a * side, y + b * side) for a, b in stroke], colour, width, joint="curve")
        if sign == "ring":
            inner = (x + 0.22 * side, y + 0.22 * side, x + 0.78 * side, y + 0.78 * side)
            self._draw.ellipse(inner, outline=colour, width=width)


def free_place(
    box: DrawnBox, extent: Point, size: Point, gap: float, others: Sequence[DrawnBox], taken: Sequence[DrawnBox]
) -> Point:
    """Where a label `extent` wide and high is to stand, its upper left corner, on a picture of this size.

    It is the first place near the box where it is on no other label, `taken`, and best on no other box either; `gap` is
    how far from the box it stays.
    """
    x1, y1, x2, y2 = box
    width, height = extent
    around = [(x, y) for x in (x1, x2 - width) for y in (y1 - height - gap, y2 + gap)]
    within = [(x, y) for x in (x1, x2 - width) for y in (y1 + gap, y1 - 2 * height, y2 + height)]
    places = [(max(0.0, min(x, size[0] - width)), max(0.0, min(y, size[1] - height))) for x, y in around + within]
    for covered in ([box, *others, *taken], [*others, *taken], taken):
        for x, y in places:
            if not any(_overlap((x, y, x + width, y + height), other) for other in covered):
                return x, y
    return places[0]


def label_font(side: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """The font of labels on a picture whose shorter side has so many pixels."""
    return ImageFont.load_default(max(12, round(side / 36)))


def _strokes(start: int, stop: int, dash: int | None) -> list[tuple[int, int]]:
    """The strokes of a side: one at either corner, gaps of about `dash` pixels; without `dash` one stroke."""
    if dash is None:
        return [(start, stop)]
    gaps = max(1, round((stop - start - dash) / (2 * dash)))
    unit = (stop - start) / (2 * gaps + 1)
    return [(start + round(2 * i * unit), start + round((2 * i + 1) * unit)) for i in range(gaps + 1)]


def _metrics(font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> tuple[float, float]:
    if isinstance(font, ImageFont.FreeTypeFont):
        return font.getmetrics()
    return font.getbbox("Ag")[3], 0  # Pillow built without FreeType has one small bitmap font


def _overlap(a: DrawnBox, b: DrawnBox) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
