"""Overfitting: every method learns two synthetic videos by heart; its mAP on them, and what it took.

    python benchmarks/overfit.py --out overfit                     # all methods, one after the other
    python benchmarks/overfit.py --out overfit impression fgfa     # some of them; per-frame must be there

The per-frame network starts from random weights, the others from it, as the paper's start from ImageNet's; the flow
network starts from random weights, too, and is learned along (impression-frozen takes that of the impression network
trained before it, since it keeps what it starts from). Only commands of `vidkit` are run; they are printed.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from time import perf_counter

ITERATIONS = {
    "per-frame": 600,
    "dff": 300,
    "impression-fixed": 300,
    "impression": 300,
    "impression-frozen": 200,
    "fgfa": 300,
}
DETECTORS = {
    "per-frame": ["per-frame"],
    "dff": ["dff", "--option", "key_id=none"],
    "impression-fixed": ["impression"],
    "impression": ["impression"],
    "impression-frozen": ["impression"],
    "fgfa": ["fgfa", "--option", "radius=5"],
}
SETTINGS = [
    "build=tiny",
    "shorter=128",
    "longer=160",
    "workers=0",
    "warmup=30",
    "flips=0",
    "flow_rate=1",
    "log_every=50",
]


def main() -> None:
    """Make the data, train and judge each method, print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("methods", nargs="*", metavar="METHOD", help=f"of {', '.join(ITERATIONS)}; default: all")
    parser.add_argument("--out", type=Path, default=Path("overfit"))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    os.chdir(options.out)
    if not Path("vidkit-data/vid_train.h5").is_file():
        vidkit("synth", "tree", "--videos", "2", "--val-videos", "0", "--frames", "16", "--difficulty", "clean")
        vidkit("prepare", "--vid-root", "tree", "--data-dir", "vidkit-data")
    rows = [judged(method) for method in options.methods or ITERATIONS]
    print(f"{'method':<20}{'iterations':>12}{'seconds':>10}{'mAP':>8}")
    for row in rows:
        print("{:<20}{:>12}{:>10.0f}{:>8.3f}".format(*row))


def judged(method: str) -> tuple[str, int, float, float]:
    """Return method, iterations, seconds of training and mAP on the videos that it was trained on."""
    index, model = "vidkit-data/vid_train.h5", f"runs/{method}/model.pt"
    begun = perf_counter()
    if not Path(model).is_file():
        settings = [part for each in SETTINGS for part in ("--set", each)]
        settings += ["--set", f"iterations={ITERATIONS[method]}"]
        vidkit("train", method, "--index", index, "--out", f"runs/{method}", *settings, *start_of(method))
    seconds = perf_counter() - begun
    name, *choices = DETECTORS[method]
    predictions = f"runs/{method}/predictions.h5"
    vidkit(
        "benchmark",
        name,
        "--index",
        index,
        "--checkpoint",
        model,
        *choices,
        "-o",
        predictions,
        "--restart",
    )
    said = vidkit("eval", predictions, "--index", index, "--json")
    return method, ITERATIONS[method], seconds, json.loads(said)["mean_ap"]


def start_of(method: str) -> list[str]:
    """Return what a method starts from."""
    if method == "per-frame":
        return []
    return ["--init", f"runs/{'impression' if method == 'impression-frozen' else 'per-frame'}/model.pt"]


def vidkit(*arguments: str) -> str:
    """Run a command and return what it says on stdout."""
    print("$ vidkit", *arguments, file=sys.stderr)
    done = subprocess.run([sys.executable, "-m", "vidkit_cli.main", *arguments], stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(done.returncode)
    return done.stdout


if __name__ == "__main__":
    main()
