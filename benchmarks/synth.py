"""How fast synthetic video is made, and whether blur really takes the class away and leaves the object.

    python benchmarks/synth.py [--difficulty standard]

A small convolutional network is trained on crops around the true boxes of training videos (so the place is given and
only the class is asked for) and tested on crops of other videos, sharp and blurred ones apart. Needs torch.
"""

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import process_time

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from vidkit.synth import DIFFICULTIES, Settings, annotate, make_dataset, make_scene, render

SIDE = 40
BINS = ((0.0, 0.0), (1.5, 2.2), (2.2, 2.8), (2.8, 3.4), (3.4, 9.0))


def main() -> None:
    """Make, train, test and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--difficulty", choices=DIFFICULTIES, default="standard")
    parser.add_argument("--train-videos", type=int, default=500)
    parser.add_argument("--val-videos", type=int, default=150)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    settings = Settings(dials=DIFFICULTIES[args.difficulty])
    print(f"{args.difficulty}, {settings.width}x{settings.height}, torch {torch.__version__}, numpy {np.__version__}")
    print(f"{frames_a_second(settings):.0f} frames a second of CPU time, files written, one process")
    print(f"{sharp_neighbours(settings, args.val_videos):.3f} of the blurred objects are sharp within 5 frames")
    network = trained(*crops(settings, "train", args.train_videos, step=6)[:2])
    images, classes, blur = crops(settings, "val", args.val_videos, step=4)
    with torch.no_grad():
        right = (network(images).argmax(1) == classes).numpy()
    print(f"class of an object whose box is given; chance is {1 / settings.classes:.2f}")
    for low, high in BINS:
        chosen = (blur >= low) & (blur < high) if high else blur == 0
        name = f"blur of {low} to {high} pixels" if high else "sharp"
        if chosen.any():
            print(f"  {name:<28} {right[chosen].mean():.2f}  ({chosen.sum()} objects)")


def frames_a_second(settings: Settings, videos: int = 20) -> float:
    """Return the frames written for each second of CPU time, by one process."""
    with tempfile.TemporaryDirectory() as folder:
        begin = process_time()
        frames = sum(video.frames for video in make_dataset(Path(folder) / "set", settings, videos, 0))
        return frames / (process_time() - begin)


def sharp_neighbours(settings: Settings, videos: int, reach: int = 5) -> float:
    """Return which share of the objects in blurred frames has a box in a sharp frame at most `reach` frames away."""
    helped = []
    for video in range(videos):
        scene = make_scene(settings, "val", video)
        tracks = [{item.track_id for item in annotate(scene, time)} for time in range(settings.frames)]
        for time in np.flatnonzero(scene.defocus):
            near = range(max(time - reach, 0), min(time + reach + 1, settings.frames))
            sharp = {track for at in near if scene.defocus[at] == 0 for track in tracks[at]}
            helped += [track in sharp for track in tracks[time]]
    return float(np.mean(helped)) if helped else 0.0


def crops(settings: Settings, split: str, videos: int, step: int) -> tuple[Tensor, Tensor, NDArray[np.float64]]:
    """Return crops `(N, 3, SIDE, SIDE)`, classes `(N,)` and the blur of their frames `(N,)`."""
    images, classes, blur = zip(*_crops(settings, split, videos, step), strict=True)
    return torch.from_numpy(np.stack(images)).float() / 64 - 2, torch.tensor(classes), np.array(blur)


def _crops(settings: Settings, split: str, videos: int, step: int) -> Iterator[tuple[NDArray[np.uint8], int, float]]:
    half = SIDE // 2
    for video in range(videos):
        scene = make_scene(settings, split, video)
        for time in range(0, settings.frames, step):
            frame = np.pad(render(scene, time), ((half, half), (half, half), (0, 0)), mode="edge")
            for item in annotate(scene, time):
                if min(item.visible, item.inside) >= 0.7:
                    x, y = (item.box[0] + item.box[2]) // 2, (item.box[1] + item.box[3]) // 2
                    crop = frame[y : y + SIDE, x : x + SIDE].transpose(2, 0, 1)
                    yield crop, item.class_id, float(scene.defocus[time])


def trained(images: Tensor, classes: Tensor, epochs: int = 14) -> nn.Module:
    """Return a network that tells the class of a crop."""
    network = nn.Sequential(
        *(nn.Conv2d(3, 24, 5, 2, 2), nn.ReLU(), nn.Conv2d(24, 48, 3, 1, 1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(48, 64, 3, 1, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(256, 10)),
    )
    optimizer = torch.optim.AdamW(network.parameters(), 1e-3)
    for _ in range(epochs):
        for rows in torch.randperm(len(images)).split(64):
            batch = images[rows].flip(3) if torch.rand(1) < 0.5 else images[rows]
            optimizer.zero_grad()
            nn.functional.cross_entropy(network(batch), classes[rows]).backward()
            optimizer.step()
    return network


if __name__ == "__main__":
    main()
