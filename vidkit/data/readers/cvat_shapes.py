"""The boxes of both of CVAT's XML forms.

Corners count in pixels from the picture's edge, so `xbr` and `ybr` are vidkit's exclusive corners already. A polygon
counts as the box around it; a box may be turned about its centre.
"""

import math
import re
import xml.etree.ElementTree as ET
from collections.abc import Mapping

from vidkit.data.readers.drawn import KEPT, NO_ATTRIBUTES, DrawnBoxes
from vidkit.data.readers.free_attributes import numeric
from vidkit.data.readers.json_fields import in_part
from vidkit.data.readers.source import MAX_PIXELS
from vidkit.data.readers.upright import around
from vidkit.errors import AnnotationError

OUTSIDE = 3
"""The kind of a box that isn't there: it ends a track, or a part of it."""
_FLAG = {"0": False, "1": True}


def add_box(
    into: DrawnBoxes,
    place: str,
    shape: ET.Element,
    row: int,
    class_id: int,
    track: int = -1,
    known: Mapping[str, float] = NO_ATTRIBUTES,
) -> Mapping[str, float] | None:
    """Add the box that an element draws; its attributes, with those `known` before; None where it draws no box."""
    given = shape.attrib
    if shape.tag not in ("box", "polygon"):
        return None
    try:
        if shape.tag == "box":
            corners = float(given["xtl"]), float(given["ytl"]), float(given["xbr"]), float(given["ybr"])
        else:
            corners = around([float(v) for v in re.split("[,;]", given["points"])])
        x1, y1, x2, y2 = corners
        outside, occluded = _FLAG[given.get("outside", "0")], _FLAG[given.get("occluded", "0")]
        generated, angle = not _FLAG[given.get("keyframe", "1")], float(given.get("rotation", 0))
    except (KeyError, ValueError):
        x1 = y1 = x2 = y2 = math.nan
    if not (-MAX_PIXELS <= x1 <= x2 <= MAX_PIXELS and -MAX_PIXELS <= y1 <= y2 <= MAX_PIXELS and abs(angle) <= 1e6):
        wanted = "corners in pixels, outside, occluded and keyframe 0 or 1"
        raise AnnotationError(f"{place}: <{shape.tag}> {in_part(given)}; wanted {wanted}")
    if len(shape):
        known = {**known, **numeric({a.get("name", ""): (a.text or "").strip() for a in shape})}
    into.add(row, class_id, corners, track, occluded, generated, OUTSIDE if outside else KEPT, angle, known)
    return known
