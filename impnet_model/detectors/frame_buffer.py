"""The frames of one video, taken when they are asked for and kept until they are let go."""

from collections.abc import Callable, Iterable

from impnet_model.detectors.engine import Frame


class FrameBuffer:
    """Frames by their place in the video, from 0; `on_taken` is told each frame once, in order, when it is taken."""

    def __init__(self, frames: Iterable[Frame], on_taken: Callable[[Frame], object] = lambda frame: None) -> None:
        self._frames, self._on_taken = iter(frames), on_taken
        self._kept: dict[int, Frame] = {}
        self.taken = 0

    def at(self, place: int) -> Frame | None:
        """A frame that wasn't let go, taken now with those before it where it is needed; None after the last."""
        while self.taken <= place:
            frame = next(self._frames, None)
            if frame is None:
                return None
            self._on_taken(frame)
            self._kept[self.taken] = frame
            self.taken += 1
        return self._kept[place]

    def let_go(self, before: int) -> None:
        """Keep no frame before this place."""
        for place in [each for each in self._kept if each < before]:
            del self._kept[place]
