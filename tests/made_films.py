"""Small films whose pictures are told apart by their grey level, of the kinds that people bring."""

from pathlib import Path
from typing import Any

import numpy as np

WIDTH, HEIGHT = 64, 48
STEP = 10  # of grey from one picture to the next


def write_film(
    path: Path,
    n: int = 23,
    *,
    codec: str = "libx264",
    turned: int | None = None,
    first_time: int = 0,
    steps: tuple[int, ...] = (1,),
) -> Path:
    """A film of `n` pictures of 64 x 48, each 10 levels lighter, white in the upper left quarter; H.264 has B-frames.

    `turned`: degrees by which players turn it, against the clock. `first_time`, `steps`: of the time stamps, in frames.
    """
    import av

    options = {"g": "5", "bf": "2", "crf": "1"} if codec == "libx264" else {}
    with av.open(str(path), "w", options={"movflags": "+faststart"} if path.suffix == ".mp4" else {}) as container:
        stream: Any = container.add_stream(codec, rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        if turned is not None:
            stream.set_display_rotation(turned)
        time = first_time
        for number in range(n):
            frame = av.VideoFrame.from_ndarray(picture(number), format="rgb24")
            frame.pts = time
            time += steps[number % len(steps)]
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def picture(number: int) -> np.ndarray[Any, Any]:
    """What the film shows."""
    image = np.full((HEIGHT, WIDTH, 3), STEP * number, np.uint8)
    image[: HEIGHT // 2, : WIDTH // 2] = 255
    return image


def number_of(image: np.ndarray[Any, Any]) -> int:
    """Which picture this is, by the grey of its middle, which is white in none of the turns."""
    rows, columns = image.shape[0] // 2, image.shape[1] // 2
    quarters = [image[:rows, :columns], image[:rows, columns:], image[rows:, :columns], image[rows:, columns:]]
    return round(float(np.median([quarter[4:-4, 4:-4].mean() for quarter in quarters])) / STEP)
