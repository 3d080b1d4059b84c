"""Labels of points: each beside its point, over no other label and no marker, off the lines where there is room."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.text import Annotation
from numpy.typing import NDArray

Polyline = Sequence[tuple[float, float]]
"""The corners of a line, in data."""
PageBox = NDArray[np.float64]
"""x1, y1, x2, y2 in points of the page."""

GAP = 0.5
"""Points of the page that stay free around a label."""
FONT_SIZE = 5.5
RINGS = 5
"""How many rings of places around a point, 2 points of the page apart, are tried."""


@dataclass(frozen=True)
class Label:
    """A text for the point at `at`, in data."""

    text: str
    at: tuple[float, float]
    colour: str


def draw_labels(
    figure: Figure, axes: Axes, labels: Sequence[Label], lines: Sequence[Polyline], marker_size: float
) -> list[Annotation]:
    """Draw each label beside its point and return them; the limits of the axes must be final.

    A label lies over no other label and on no marker, which are the labels' points and the corners of the `lines`, with
    a `marker_size` in points; among the places left it takes the one that covers least of the lines and is nearest. Far
    ones are tied to their point by a thin line. A label for which there is no place near its point and within the axes
    isn't drawn; so the labels that matter most come first.
    """
    figure.draw_without_rendering()  # the layout settles where the axes are
    scale = 72 / figure.dpi
    window = axes.get_window_extent()
    inside = scale * np.array([window.x0, window.y0, window.x1, window.y1])
    centres = _on_page(axes, [label.at for label in labels] + [corner for line in lines for corner in line], scale)
    taken = [np.concatenate([centre - marker_size / 2, centre + marker_size / 2]) for centre in centres]
    ink = np.concatenate([np.zeros((0, 2)), *(_dots(_on_page(axes, line, scale)) for line in lines)])
    drawn = []
    for label, centre in zip(labels, centres, strict=False):
        text = _annotation(axes, label)
        extent = text.get_window_extent()
        size = scale * np.array([extent.width, extent.height]) + 2 * GAP
        offset = _best_offset(centre, size, marker_size, taken, ink, inside)
        if offset is None:
            text.remove()
            continue
        text.set_position((offset[0], offset[1]))
        taken.append(_box(centre + offset, size))
        drawn.append(text)
        if _is_far(offset, size, marker_size):
            _tie(axes, label, offset, size)
            ink = np.concatenate([ink, _dots(np.array([centre, centre + offset]))])
    return drawn


def _on_page(axes: Axes, points: Sequence[tuple[float, float]], scale: float) -> NDArray[np.float64]:
    return scale * np.asarray(axes.transData.transform(np.reshape(points, (-1, 2))), np.float64)


def _annotation(axes: Axes, label: Label) -> Annotation:
    text = axes.annotate(
        label.text,
        label.at,
        (0, 0),
        textcoords="offset points",
        fontsize=FONT_SIZE,
        color=label.colour,
        ha="center",
        va="center",
        zorder=7,
    )
    text.set_path_effects([withStroke(linewidth=1.5, foreground="white")])
    text.set_in_layout(False)  # else a later layout would move the axes away from below the labels
    return text


def _tie(axes: Axes, label: Label, offset: NDArray[np.float64], size: NDArray[np.float64]) -> None:
    end = offset * (1 - 0.5 * min(size) / np.hypot(*offset))
    line = axes.annotate(
        "",
        label.at,
        (end[0], end[1]),
        textcoords="offset points",
        arrowprops={"arrowstyle": "-", "linewidth": 0.4, "color": label.colour, "shrinkA": 0, "shrinkB": 0},
    )
    line.set_in_layout(False)


def _best_offset(
    centre: NDArray[np.float64],
    size: NDArray[np.float64],
    marker_size: float,
    taken: Sequence[PageBox],
    ink: NDArray[np.float64],
    inside: PageBox,
) -> NDArray[np.float64] | None:
    """The free place with the least ink below it, counted with the distance from the point; None: none."""
    best, least = None, np.inf
    for distance, offset in _offsets(size, marker_size):
        if distance >= least:
            break
        box = _box(centre + offset, size)
        if (box[:2] < inside[:2]).any() or (box[2:] > inside[2:]).any() or _meets(box, np.array(taken)):
            continue
        if _is_far(offset, size, marker_size) and _tie_meets(centre, offset, np.array(taken)):
            continue
        covered = ((ink > box[:2]) & (ink < box[2:])).all(axis=1).sum() if len(ink) else 0
        if distance + covered < least:
            best, least = offset, distance + covered
    return best


def _is_far(offset: NDArray[np.float64], size: NDArray[np.float64], marker_size: float) -> bool:
    return bool(np.hypot(*offset) > marker_size / 2 + np.hypot(*size))


def _tie_meets(centre: NDArray[np.float64], offset: NDArray[np.float64], taken: NDArray[np.float64]) -> bool:
    """Whether the tie of a label would cross a label or a marker, those at its own point left out."""
    dots = _dots(np.array([centre, centre + offset]))
    others = taken[~((taken[:, :2] < centre) & (taken[:, 2:] > centre)).all(axis=1)]
    return any(_meets(np.concatenate([dot, dot]), others) for dot in dots)


def _offsets(size: NDArray[np.float64], marker_size: float) -> Iterator[tuple[float, NDArray[np.float64]]]:
    """Yield places around a point, the near ones first, each with its distance; above and right come first."""
    for ring in range(RINGS):
        radius = 2.0 * ring
        for turn in range(16):
            angle = np.pi * (0.25 + turn / 8)
            direction = np.array([np.cos(angle), np.sin(angle)])
            reach = (marker_size + size) / 2  # so that marker and label touch at the nearest ring
            stretch = 1 / max(abs(direction) / reach)
            yield 2 * radius + 0.01 * turn, direction * (stretch + radius)


def _box(centre: NDArray[np.float64], size: NDArray[np.float64]) -> PageBox:
    return np.concatenate([centre - size / 2, centre + size / 2])


def _meets(box: PageBox, others: NDArray[np.float64]) -> bool:
    if not len(others):
        return False
    apart = (box[2:] <= others[:, :2]) | (others[:, 2:] <= box[:2])
    return bool((~apart.any(axis=1)).any())


def _dots(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """Dots along a line, a point of the page or less apart."""
    found = [corners[:1]]
    for start, end in pairwise(corners):
        n = int(np.ceil(np.hypot(*(end - start)))) + 1
        found.append(np.linspace(start, end, n + 1)[1:])
    return np.concatenate(found)
