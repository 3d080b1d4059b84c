"""Any detector on keyframes only, with its boxes brought to the frames between: the rival of moving features.

No training, no network of its own. A detector's boxes cost a keyframe each; between them they are held, go on with the
speed that they had, or are interpolated between two keyframes, which waits for the second.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any, Literal, NamedTuple

import torch

from impnet_model.detectors.engine import Frame
from impnet_model.detectors.frame_buffer import FrameBuffer
from impnet_model.detectors.links import Pairs, extrapolated, inside, interpolated, linked
from impnet_model.detectors.options import impossible
from impnet_model.detectors.stages import Stages
from vidkit.detections import Detections
from vidkit.errors import DetectorError
from vidkit.harness.detector import Detector, DetectorContext, Measuring, OracleDetector
from vidkit.harness.plugins import make
from vidkit.segments import check_key_id

Between = Literal["interpolate", "velocity", "copy"]
CPU = torch.device("cpu")


def keyframes(
    context: DetectorContext,
    *,
    detector: str,
    length: int = 10,
    key_id: int | None = 0,
    between: Between = "interpolate",
    inner: Mapping[str, str] = {},
) -> Detector:
    """Any detector on keyframes only; its boxes interpolated, moved or held between them.

    inner.NAME=VALUE: options of the detector, which is given the checkpoint too.
    """
    made, _ = make(detector, context, [f"{name}={value}" for name, value in inner.items()])
    if isinstance(made, OracleDetector):
        raise DetectorError(f"detector {detector!r} looks at the ground truth; keyframes are for those that see frames")
    with impossible():
        return KeyframeDetector(made, length, check_key_id(length, key_id), between)


class KeyDetections(NamedTuple):
    """A keyframe's place in the video, and what was found in it."""

    place: int
    found: Detections


@dataclass(frozen=True, eq=False)
class KeyframeDetector:
    """A detector that is given every `length`-th frame of a video, from frame `key_id` on.

    interpolate: a frame waits for the keyframe after it; the last frame of a video is a keyframe too, and before the
    first one its boxes are held. velocity, copy: the keyframe is that of the segment, see `vidkit.segments`.
    """

    inner: Detector
    length: int
    key_id: int
    between: Between
    stages: Stages = field(default_factory=Stages)

    @property
    def name(self) -> str:
        """The detector's name and how its boxes get to the other frames."""
        return f"{self.inner.name}+{self.between}"

    def detect(self, frames: Iterable[Frame]) -> Iterator[Detections]:
        """Yield the detections of each frame."""
        video = FrameBuffer(frames, lambda frame: None)
        keys = self._keys(video)
        return self._interpolated(video, keys) if self.between == "interpolate" else self._segments(video, keys)

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

    def _segments(self, video: FrameBuffer, keys: Iterator[KeyDetections]) -> Iterator[Detections]:
        """Yield the answers of each segment from its own keyframe and those before it."""
        to_frame = {"copy": held, "velocity": with_velocity}[self.between]()
        start = 0
        for key in keys:
            go_on = to_frame(key)
            for place in range(start, start + self.length):
                frame = video.at(place)
                if frame is None:
                    break
                with self.stages.time("postprocess", CPU):
                    answer = _at(place, key, inside(go_on(place), frame.shape[1], frame.shape[0]))
                yield answer
                video.let_go(place + 1)
            start += self.length

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

    def synchronize(self) -> None:
        """Wait for the device."""
        self.inner.synchronize()

    def measurements(self) -> Mapping[str, float]:
        """What the detector measured so far, the seconds of moving boxes added to its postprocessing."""
        inner = self.inner.measurements() if isinstance(self.inner, Measuring) else {}
        own = self.stages.measurements(CPU)["postprocess_seconds"]
        return {**inner, "postprocess_seconds": inner.get("postprocess_seconds", 0.0) + own}

    def describe(self) -> Mapping[str, Any]:
        """What the speed depends on."""
        return {**getattr(self.inner, "describe", dict)()}


GoOn = Callable[[int], Detections]
"""From a frame's place to the boxes there."""


def held() -> Callable[[KeyDetections], GoOn]:
    """The boxes of a keyframe as they are, wherever."""
    return lambda key: lambda place: key.found


def with_velocity() -> Callable[[KeyDetections], GoOn]:
    """The boxes of a keyframe, going on as they came from the keyframe before it; held for the first keyframe."""
    before: list[KeyDetections] = []

    def to_frame(key: KeyDetections) -> GoOn:
        last = before[-1] if before else key
        pairs = linked(last.found, key.found)
        before[:] = [key]
        frames = max(1, key.place - last.place)
        return lambda place: extrapolated(last.found, key.found, pairs, (place - key.place) / frames)

    return to_frame


def _in_between(place: int, before: KeyDetections | None, key: KeyDetections, pairs: Pairs | None) -> Detections:
    """The answer for a frame up to a keyframe, from it and the one before."""
    if before is None or pairs is None or place == key.place:
        return _at(place, key, key.found)
    share = (place - before.place) / (key.place - before.place)
    nearer = before if share <= 0.5 else key
    return _at(place, nearer, interpolated(before.found, key.found, pairs, share))


def _at(place: int, key: KeyDetections, found: Detections) -> Detections:
    return replace(found, is_key=place == key.place, key_distance=key.place - place)
