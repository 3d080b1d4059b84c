"""What a synthetic set is made from: a seed, sizes and the dials of what degrades video."""

from dataclasses import dataclass

from vidkit.classes import ObjectClass
from vidkit.errors import ArgumentError

REFERENCE_SIDE = 128
"""Lengths in pixels are given for a frame whose shorter side is this long, and scale with it."""

CLASSES = tuple(
    ObjectClass(name, f"s{number:07d}")
    for number, name in enumerate(
        ("level", "pillar", "slant", "checker", "ring", "dot", "zigzag", "ray", "brick", "lattice"), start=1
    )
)
"""The made-up classes, each a fine texture (see `vidkit.synth.textures`); a set uses the first so many of them."""


@dataclass(frozen=True)
class Dials:
    """How hard the video is. Lengths are in pixels at a shorter side of 128 and scale with the frame."""

    speed: float = 1.0
    """Factor on the speed of objects and camera."""
    shutter: float = 1.0
    """Share of the frame interval during which the shutter is open; motion blur is the way made in that time."""
    defocus_share: float = 0.4
    """Share of frames in bursts of defocus of 2 to 7 frames, over many frames."""
    defocus_sigma: float = 3.0
    """Mean standard deviation of the Gaussian that stands for defocus; a burst has 2/3 to 4/3 of it."""
    occlusion: float = 0.4
    """Share of videos in which something unlabelled moves in front of the objects."""
    exposure: float = 0.2
    """Amplitude of the slow change of brightness, as a share of it."""
    noise: float = 8.0
    """Mean standard deviation of the sensor's noise in grey levels; a video has 0.7 to 1.3 of it."""
    quality: int = 80
    """JPEG quality; a video has up to 10 less or more, at most 95."""

    def __post_init__(self) -> None:
        for name in ("speed", "defocus_sigma", "noise"):
            if not 0 <= getattr(self, name) <= 100:
                raise ArgumentError(f"dial {name}: {getattr(self, name)}; wanted 0 … 100")
        for name in ("shutter", "occlusion", "exposure"):
            if not 0 <= getattr(self, name) <= 1:
                raise ArgumentError(f"dial {name}: {getattr(self, name)}; wanted 0 … 1")
        if not 0 <= self.defocus_share <= 0.8:  # the bursts have at least one sharp frame between them
            raise ArgumentError(f"dial defocus_share: {self.defocus_share}; wanted 0 … 0.8")
        if not 1 <= self.quality <= 95:
            raise ArgumentError(f"dial quality: {self.quality}; wanted 1 … 95")


STANDARD = Dials()
CLEAN = Dials(shutter=0, defocus_share=0, occlusion=0, exposure=0, noise=0, quality=95)
HARD = Dials(speed=1.6, defocus_share=0.6, defocus_sigma=4.0, occlusion=0.7, exposure=0.35, noise=14.0, quality=50)
DIFFICULTIES = {"clean": CLEAN, "standard": STANDARD, "hard": HARD}


@dataclass(frozen=True)
class Settings:
    """All that a synthetic set depends on besides the versions of numpy and Pillow."""

    seed: int = 0
    width: int = 160
    height: int = 128
    frames: int = 32
    classes: int = 5
    dials: Dials = STANDARD

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise ArgumentError(f"seed {self.seed}: wanted 0 or more")
        if not 1 <= self.classes <= len(CLASSES):
            raise ArgumentError(f"{self.classes} classes: there are 1 … {len(CLASSES)}")
        if not (64 <= self.width <= 4096 and 64 <= self.height <= 4096):
            raise ArgumentError(f"frames of {self.width}x{self.height} pixels: wanted 64 … 4096 on each side")
        if not 1 <= self.frames <= 1_000_000:
            raise ArgumentError(f"{self.frames} frames a video: wanted 1 … 1 000 000")

    @property
    def unit(self) -> float:
        """Pixels of this set's frames for one pixel at a shorter side of 128."""
        return min(self.width, self.height) / REFERENCE_SIDE

    @property
    def object_classes(self) -> tuple[ObjectClass, ...]:
        """The classes of the set, in the order of their ids."""
        return CLASSES[: self.classes]
