"""Protocols: every rule that changes a number, as a value. `docs/protocols.md` has each rule's formula and source.

The rules were established from the public evaluators' behaviour: `ilsvrc` is FGFA's and DFF's `imagenet_vid_eval`,
`fgfa` is FGFA's `imagenet_vid_eval_motion`, `mega` is MEGA's `vid_eval`, `voc` is the PASCAL VOC devkit's matching at
IoU 0.5, and `coco` is COCO's evaluation as the field applies it to VID.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import numpy as np

from vidkit.errors import ChoiceError, did_you_mean

FalsePositiveRule = Literal["fgfa", "mega", "all", "none"]
FP_RULES: tuple[FalsePositiveRule, ...] = ("fgfa", "mega", "all", "none")

MOTION_NAMES = ("fast", "medium", "slow")
AREA_NAMES = ("small", "medium", "large")
"""The names of three groups, by rising motion IoU and by rising area; other numbers of groups are named by range."""

COCO_THRESHOLDS: tuple[float, ...] = tuple(np.linspace(0.5, 0.95, 10).tolist())  # COCO's own, to the last bit

AP_DETECTIONS = 100
"""Detections of a class in a frame at which COCO takes `AP`, whatever the protocol's own limits are."""


@dataclass(frozen=True)
class Protocol:
    """The rules of one evaluation. The defaults are those of `fgfa`.

    Sides of boxes are `x2 - x1 + pixel` of the **inclusive** corners that annotation files hold.
    """

    name: str
    source: str
    """Whose evaluator it is."""
    iou_thresholds: tuple[float, ...] = (0.5,)
    """The IoU that a match needs, at least; AP is the mean over them."""
    tolerance: float = 10.0
    """Pixels t: a ground truth of w x h needs only `min(threshold, w h / ((w + t) (h + t)))`; 0: no such rule."""
    pixel: Literal[0, 1, 2] = 1
    """What is added to `x2 - x1` of inclusive corners: 1 counts pixels, 0 is COCO's, 2 is MEGA's (1 added twice)."""
    dtype: Literal["float32", "float64"] = "float64"
    """The arithmetic of boxes and scores."""
    clamp_truth: bool = False
    """Whether ground truth is cut to the image: x1, y1 from below at 0, x2, y2 from above at the last pixel."""
    duplicates: Literal["next best", "false positive"] = "next best"
    """What becomes of a detection whose best ground truth is taken: it may match the next best one, or it may not."""
    equal_truth: Literal["first", "first kept", "last"] = "first"
    """Which ground truth is matched among equal IoUs; "first kept": the first one of the group, else the last."""
    prefer_kept: bool = False
    """Whether a ground truth of the group is preferred to one that is ignored, whatever the IoU."""
    ignored_share: float = 0.5
    """The share of a detection in a region that many may lie in, at least, to be ignored; 0: the IoU of a match."""
    ignored_objects: Literal["last", "as others"] = "last"
    """Objects that needn't be found are taken by one detection that finds no other; or as others, by any number."""
    score_ties: Literal["in order", "reversed"] = "in order"
    """Equal scores: "in order" of rows; "reversed": the later row first in matching, the later frame in ranking."""
    fp_rule: FalsePositiveRule = "fgfa"
    """How much an unmatched detection counts as a false positive in a group of ground truth; see `false_positives`."""
    lone_zero: Literal["in its group", "in every group"] = "in its group"
    """Where an object of motion IoU exactly 0 belongs if no frame of the data has more than one object."""
    area_range: tuple[float, float] | None = (0.0, 1e10)
    """Boxes outside it are ignored, and so are unmatched detections outside it; None: there is no such rule."""
    missing_class: Literal["skip", "zero or nan"] = "skip"
    """A class without ground truth is left out of the mean, or is 0 without and NaN with detections, and counts."""
    integration: Literal["all points", "101 points"] = "all points"
    """The area under the precision envelope, or its mean at recall 0, 0.01 … 1."""
    precision: Literal["floor", "added"] = "floor"
    """`TP / max(TP + FP, eps)` or `TP / (TP + FP + eps)`, eps = 2.2e-16."""
    max_detections: tuple[int, ...] = ()
    """Detections of a class in a frame that count, best first; several numbers are COCO's, the last one rules AP."""
    motion_edges: tuple[float, ...] = (0.7, 0.9)
    """Where the groups of motion IoU meet; with two edges MOTION_NAMES."""
    area_from: Literal["box", "annotation"] = "box"
    """The area of ground truth: its box's, or where the index has an attribute `area` that one."""
    area_edges: tuple[float, ...] = (50.0**2, 150.0**2)
    """Where the groups of area meet, in square pixels; with two edges AREA_NAMES."""

    @property
    def area_pixel(self) -> int:
        """What is added to the sides when an area decides about a group: 1, or 0 for COCO."""
        return min(self.pixel, 1)

    def with_rule(self, fp_rule: FalsePositiveRule | None) -> Protocol:
        """The protocol with another rule for unmatched detections; None: with its own.

        Raises ChoiceError that lists the rules if there is none of this name.
        """
        if fp_rule is not None and fp_rule not in FP_RULES:
            near, known = did_you_mean(str(fp_rule), list(FP_RULES)), ", ".join(FP_RULES)
            raise ChoiceError(f"no rule {fp_rule!r} for unmatched detections{near}; there are {known}")
        return self if fp_rule is None else replace(self, fp_rule=fp_rule)

    def rules(self) -> dict[str, Any]:
        """Return every rule by its name, without the name of the protocol; the values are plain JSON values."""
        return {key: list(v) if isinstance(v, tuple) else v for key, v in asdict(self).items() if key != "name"}


FGFA = Protocol(name="fgfa", source="FGFA imagenet_vid_eval_motion.py")
ILSVRC = replace(
    FGFA, name="ilsvrc", source="FGFA and DFF imagenet_vid_eval.py", area_range=None, missing_class="zero or nan"
)
MEGA = Protocol(
    name="mega",
    source="MEGA vid_eval.py",
    tolerance=0.0,
    pixel=2,
    dtype="float32",
    clamp_truth=True,
    equal_truth="first kept",
    score_ties="reversed",
    fp_rule="mega",
    lone_zero="in every group",
    area_range=None,
    precision="added",
)
VOC = Protocol(
    name="voc",
    source="PASCAL VOC devkit (2010 and later)",
    tolerance=0.0,
    duplicates="false positive",
    ignored_objects="as others",
    area_range=None,
)
COCO = Protocol(
    name="coco",
    source="COCOeval on VID as mmtracking and YOLOV convert it",
    iou_thresholds=COCO_THRESHOLDS,
    tolerance=0.0,
    pixel=0,
    equal_truth="last",
    prefer_kept=True,
    ignored_share=0.0,
    integration="101 points",
    precision="added",
    max_detections=(1, 10, 100),
    area_from="annotation",
    area_edges=(32.0**2, 96.0**2),
)
COCO_MMDET = replace(COCO, name="coco-mmdet", source="mmdet 2 and mmtracking 0.x", max_detections=(100, 300, 1000))
COCO_XYWH = replace(COCO, name="coco-xywh", source="COCOeval on data that were x, y, width, height", pixel=1)

PROTOCOLS = {p.name: p for p in (FGFA, VOC, ILSVRC, MEGA, COCO, COCO_MMDET, COCO_XYWH)}
HEADLINE = ("fgfa", "voc")
"""What `vidkit eval` prints when it isn't told otherwise."""


def protocol_named(name: str, fp_rule: FalsePositiveRule | None = None) -> Protocol:
    """Return a protocol by its name, with another rule for unmatched detections where one is given.

    Raises ChoiceError that lists the names if there is none.
    """
    if name not in PROTOCOLS:
        known = list(PROTOCOLS)
        raise ChoiceError(f"no protocol {name!r}{did_you_mean(name, known)}; there are {', '.join(known)}")
    return PROTOCOLS[name].with_rule(fp_rule)


def differences(protocol: Protocol, other: Protocol = FGFA) -> dict[str, Any]:
    """Return the rules of `protocol` that are not those of `other`."""
    theirs = other.rules()
    return {key: value for key, value in protocol.rules().items() if value != theirs[key] and key != "source"}
