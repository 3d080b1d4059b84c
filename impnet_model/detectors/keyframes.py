"""Any detector on keyframes only, with its boxes brought to the frames between: the rival of moving features.

No training, no network of its own. A detector's boxes cost a keyframe each; between them they are held, go on with the
speed that they had, move along a flow, or are interpolated between two keyframes, which waits for the second.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Literal

import torch

from impnet_model.detectors.after_key import AfterKey, AlongFlow, Held, KeyDetections, WithVelocity
from impnet_model.detectors.around import Around
from impnet_model.detectors.engine import Frame
from impnet_model.detectors.frame_buffer import FrameBuffer
from impnet_model.detectors.frame_flows import frame_steps
from impnet_model.detectors.links import Pairs, interpolated, linked
from impnet_model.detectors.moved_boxes import inside
from impnet_model.detectors.options import impossible
from impnet_model.detectors.stages import Stages
from impnet_model.detectors.video_motion import FlowChoice
from impnet_model.flows.memory import FlowMemory
from vidkit.detections import Detections
from vidkit.errors import DetectorError
from vidkit.harness.detector import Detector, DetectorContext, Measuring, OracleDetector
from vidkit.harness.plugins import make
from vidkit.segments import check_key_id

Between = Literal["interpolate", "flow", "velocity", "copy"]
CPU = torch.device("cpu")


def keyframes(
    context: DetectorContext,
    *,
    detector: str,
    length: int = 10,
    key_id: int | None = 0,
    between: Between = "interpolate",
    flow: FlowChoice = "farneback",
    composed: bool = True,
    flow_side: int = 256,
    inner: Mapping[str, str] = {},
) -> Detector:
    """Any detector on keyframes only; its boxes interpolated, moved or held between them.

    inner.NAME=VALUE: options of the detector, which is given the checkpoint too. flow, composed, flow_side: for
    between=flow, as of the methods that propagate features; the learned one is the checkpoint's, or the shipped DFF's.
    """
    made, _ = make(detector, context, [f"{name}={value}" for name, value in inner.items()])
    if isinstance(made, OracleDetector):
        raise DetectorError(f"detector {detector!r} looks at the ground truth; keyframes are for those that see frames")
    steps = frame_steps(flow, flow_side, context.checkpoint, context.device) if between == "flow" else None

    def after_key() -> AfterKey:
        if steps is not None:
            return AlongFlow(FlowMemory(steps(), composed))
        return WithVelocity() if between == "velocity" else Held()

    with impossible():
        return KeyframeDetector(made, length, check_key_id(length, key_id), between, after_key)


@dataclass(frozen=True, eq=False)
class KeyframeDetector(Around):
    """A detector that is given every `length`-th frame of a video, from frame `key_id` on.

    interpolate: a frame waits for the keyframe after it; the last frame of a video is a keyframe too, and before the
    first one its boxes are held. Else the keyframe is that of the segment, see `vidkit.segments`; `after_key` makes,
    for each video, the way to the other frames.
    """

    inner: Detector
    length: int
    key_id: int
    between: Between
    after_key: Callable[[], AfterKey]
    stages: Stages = field(default_factory=Stages)

    @property
    def name(self) -> str:
        """The detector's name and how its boxes get to the other frames."""
        return f"{self.inner.name}+{self.between}"

    def detect(self, frames: Iterable[Frame]) -> Iterator[Detections]:
        """Yield the detections of each frame."""
        if self.between == "interpolate":
            video = FrameBuffer(frames)
            return self._interpolated(video, self._keys(video))
        way = self.after_key()
        video = FrameBuffer(frames, lambda frame: self._see(way, frame))
        return self._segments(video, self._keys(video), way)

    def _see(self, way: AfterKey, frame: Frame) -> None:
        with self.stages.time(way.stage, CPU):
            way.see(frame)

    def _keys(self, video: FrameBuffer) -> Iterator[KeyDetections]:
        """Yield what the detector finds in each keyframe; it may take several before it answers."""
        handed: deque[int] = deque()

        def keyframes() -> Iterator[Frame]:
            for place in count(self.key_id, self.length):
                frame = video.at(place)
                if frame is None:
                    break
                handed.append(place)
                yield frame
            last = video.taken - 1
            previous = place - self.length
            first_left = previous + 1 if self.between == "interpolate" else place - self.key_id
            if last >= max(first_left, 0) and (frame := video.at(last)) is not None:
                handed.append(last)
                yield frame

        for found in self.inner.detect(keyframes()):
            if not handed:
                raise DetectorError(f"{self.inner.name} answered more often than it was given keyframes")
            yield KeyDetections(handed.popleft(), found)
        if handed:
            raise DetectorError(f"{self.inner.name} left {len(handed)} keyframes without an answer")

    def _segments(self, video: FrameBuffer, keys: Iterator[KeyDetections], way: AfterKey) -> Iterator[Detections]:
        """Yield the answers of each segment from its own keyframe and those before it."""
        for start, key in zip(count(0, self.length), keys, strict=False):
            with self.stages.time(way.stage, CPU):
                go_on = way.go_on(key, start)
            for place in range(start, start + self.length):
                frame = video.at(place)
                if frame is None:
                    break
                with self.stages.time(way.stage, CPU):
                    answer = _at(place, key, inside(go_on(place, frame), frame.shape[1], frame.shape[0]))
                yield answer
                video.let_go(place + 1)

    def _interpolated(self, video: FrameBuffer, keys: Iterator[KeyDetections]) -> Iterator[Detections]:
        """Yield the answers up to each keyframe, once it is there."""
        before: KeyDetections | None = None
        start = 0
        for key in keys:
            with self.stages.time("postprocess", CPU):
                pairs = None if before is None else linked(before.found, key.found)
            for place in range(start, key.place + 1):
                with self.stages.time("postprocess", CPU):
                    answer = _in_between(place, before, key, pairs)
                yield answer
            before, start = key, key.place + 1
            video.let_go(key.place)

    def measurements(self) -> Mapping[str, float]:
        """What the detector measured so far; boxes are moved in postprocessing, flow is a stage of its own."""
        inner = self.inner.measurements() if isinstance(self.inner, Measuring) else {}
        own = self.stages.measurements(CPU)
        return {**inner, **{name: inner.get(name, 0.0) + own[name] for name in own if own[name] or name in inner}}


def _in_between(place: int, before: KeyDetections | None, key: KeyDetections, pairs: Pairs | None) -> Detections:
    """The answer for a frame up to a keyframe, from it and the one before."""
    if before is None or pairs is None or place == key.place:
        return _at(place, key, key.found)
    share = (place - before.place) / (key.place - before.place)
    nearer = before if share <= 0.5 else key
    return _at(place, nearer, interpolated(before.found, key.found, pairs, share))


def _at(place: int, key: KeyDetections, found: Detections) -> Detections:
    return replace(found, is_key=place == key.place, key_distance=key.place - place)
