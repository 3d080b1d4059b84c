"""The size of the images that the networks see. No torch here (docs/decisions.md, 0.12)."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Resize:
    """The size rule: the shorter side becomes `shorter` pixels, unless the longer one would pass `longer`."""

    shorter: int = 600
    longer: int = 1000

    def __post_init__(self) -> None:
        if not 1 <= self.shorter <= self.longer:
            raise ValueError(f"resize: shorter side {self.shorter}, longer side {self.longer}; wanted 1 <= s <= l")

    def __call__(self, height: int, width: int) -> tuple[int, int, float]:
        """Height, width and scale of the resized image; the sizes round half to even, as OpenCV's do.

        >>> Resize()(720, 1280)
        (562, 1000, 0.78125)
        """
        scale = self.shorter / min(height, width)
        if round(scale * max(height, width)) > self.longer:
            scale = self.longer / max(height, width)
        return max(1, round(height * scale)), max(1, round(width * scale)), scale
