"""Do features of other frames help? Table 1's methods on made-up video, small networks, equal budgets, several seeds.

    python benchmarks/study.py --out study --jobs 2   # 3.5 hours of one core; type it again to go on
    python benchmarks/study.py --out study --tables   # only the tables, of what is there

For each seed a per-frame network is trained to its plateau ("base"), then every method goes on from it with the same
number of samples: (a) per-frame, (b) DFF, (c) fixed weights, (d) Impression Network, (e) the same with feature and flow
network frozen; and (a) once more with the time that (d) took. The flow network was trained by itself before, for all.
Only commands of `vidkit` are run; they are printed. Times are of processor, not of clock: runs may share a machine.
"""

import argparse
import json
import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vidkit.data.index import Index
from vidkit.data.index_file import read_index
from vidkit.evaluation.evaluate import evaluate
from vidkit.evaluation.intervals import Scale, mean_of_known, spread
from vidkit.evaluation.result import GroupResult
from vidkit.predictions.predictions_file import read_predictions
from vidkit.shown import with_interval

HERE = Path(__file__).resolve().parent
TIME = "processor_seconds.json"
TREE = ["--videos", "2000", "--val-videos", "250"]
FRAMES = ["shorter=128", "longer=160", "build=tiny"]
SETTINGS = [*FRAMES, "batch=8", "workers=0", "log_every=50"]
FLOW = [*FRAMES, "batch=16", "log_every=50", "iterations=20000", "minutes=14"]
BASE_STEPS, STEPS = 4000, 900
LONG_STEPS = 2115
"""Of (a) with the time of (d): a step of (d) takes 2.35 times that of (a), see docs/results.md."""


@dataclass(frozen=True)
class Method:
    """A row of the table."""

    label: str
    train: str
    detector: str
    steps: int = STEPS
    flows: tuple[str, ...] = ()
    """Further flows that it is tried with: zero, true."""

    @property
    def is_per_frame(self) -> bool:
        """Whether it has no flow network."""
        return self.train == "per-frame"


METHODS = {
    "a": Method("(a) per-frame", "per-frame", "per-frame"),
    "a-long": Method("(a) per-frame, time of (d)", "per-frame", "per-frame", LONG_STEPS),
    "b": Method("(b) DFF", "dff", "dff", flows=("zero", "true")),
    "c": Method("(c) fixed weights", "impression-fixed", "impression"),
    "d": Method("(d) Impression Network", "impression", "impression", flows=("zero", "true")),
    "e": Method("(e) not end to end", "impression-frozen", "impression"),
}
SPLIT = "blur_sigma"
GROUPS = {"all": "all frames", "sharp": "sharp", "blurred": "blurred"}
PAIRS = (("d", "a"), ("d", "a-long"), ("c", "a"), ("d", "c"), ("b", "a"), ("e", "a"), ("e", "b"), ("d", "e"))


def main() -> None:
    """Train, run and score what isn't there yet, then print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("study"))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--jobs", type=int, default=1, help="runs at once, each on one core")
    parser.add_argument("--ci", type=int, default=1000, help="drawings of videos for the intervals")
    parser.add_argument("--flows-of", type=int, default=0, help="the seed whose networks are tried with other flows")
    parser.add_argument("--tables", action="store_true", help="only print the tables")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    os.chdir(options.out)
    if not options.tables:
        make(options.seeds, options.flows_of, options.jobs)
    print("\n\n".join(tables(options.seeds, options.flows_of, options.ci)))


# -- the runs ----------------------------------------------------------------------------------------------------------


def make(seeds: Sequence[int], flows_of: int, jobs: int) -> None:
    """Run what isn't there yet, `jobs` commands at once, each after those that it needs."""
    if not Path("vidkit-data/vid_val.h5").is_file():
        vidkit("synth", "tree", *TREE)
        vidkit("prepare", "--vid-root", "tree")
    with ThreadPoolExecutor(jobs) as pool:
        done: dict[str, Future[None]] = {"flow": pool.submit(train, "flow", "runs/flow", FLOW, [])}
        for seed in seeds:
            done[f"base{seed}"] = pool.submit(train_base, seed)
        for seed in seeds:
            for name, method in METHODS.items():
                before = [done[f"base{seed}"], *([] if method.is_per_frame else [done["flow"]])]
                done[f"{name}{seed}"] = pool.submit(train_method, seed, name, before)
            for name in METHODS:
                pool.submit(run, seed, name, "learned", done[f"{name}{seed}"])
        for name, method in METHODS.items():
            for flow in method.flows:
                pool.submit(run, flows_of, name, flow, done[f"{name}{flows_of}"])


def train_base(seed: int) -> None:
    """Train the per-frame network that all methods of a seed start from."""
    settings = [*SETTINGS, "rate=2e-3", f"iterations={BASE_STEPS}", f"seed={seed}"]
    train("per-frame", f"runs/{seed}/base", settings, [])


def train_method(seed: int, name: str, before: Sequence[Future[None]]) -> None:
    """Train a method from what was trained before."""
    for each in before:
        each.result()
    method = METHODS[name]
    starts = [f"runs/{seed}/base/model.pt", *([] if method.is_per_frame else ["runs/flow/model.pt"])]
    settings = [*SETTINGS, f"iterations={method.steps}", f"seed={seed}"]
    train(method.train, f"runs/{seed}/{name}", settings, starts)


def train(method: str, out: str, settings: Sequence[str], starts: Sequence[str]) -> None:
    """Train a network unless it is there."""
    if Path(out, "model.pt").is_file():
        return
    data = [] if method == "flow" else ["--index", "vidkit-data/vid_train.h5", "--cache", "cache"]
    settings = [part for each in settings for part in ("--set", each)]
    begun = [part for each in starts for part in ("--init", each)]
    Path(out).mkdir(parents=True, exist_ok=True)
    vidkit("train", method, *data, "--out", out, "--resume", *settings, *begun, record=Path(out, TIME))


def run(seed: int, name: str, flow: str, trained: Future[None]) -> None:
    """Run a network over the unseen videos unless that was done."""
    trained.result()
    out = predictions_of(seed, name, flow)
    if out.is_file():
        return
    method = METHODS[name]
    choices = [] if method.is_per_frame else ["--option", "length=10", "--option", "key_id=none"]
    choices += ["--option", "flow=zero"] if flow == "zero" else []
    detector = f"true_flow:{method.detector}" if flow == "true" else method.detector
    model = f"runs/{seed}/{name}/model.pt"
    index = ["--index", "vidkit-data/vid_val.h5"]
    vidkit("benchmark", detector, *index, "--checkpoint", model, *choices, "-o", str(out), "--resume")


def predictions_of(seed: int, name: str, flow: str = "learned") -> Path:
    """Return where the detections of a network are."""
    return Path(f"runs/{seed}/{name}/{flow}/predictions.h5")


def vidkit(*arguments: str, record: Path | None = None) -> None:
    """Run a command of vidkit on one core, and show it; its processor time is added to the file `record`."""
    print("$ vidkit", shlex.join(arguments), file=sys.stderr, flush=True)
    search = os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": search}
    with tempfile.TemporaryFile() as said:
        command = [sys.executable, "-m", "vidkit_cli.main", *arguments]
        process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=said)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        if process.returncode:
            raise RuntimeError(f"vidkit {shlex.join(arguments)}: {said.read().decode(errors='replace')[-2000:]}")
    if record is not None:
        before = json.loads(record.read_text()) if record.is_file() else 0.0
        record.write_text(json.dumps(before + used.ru_utime + used.ru_stime))


# -- the tables --------------------------------------------------------------------------------------------------------


class Score(NamedTuple):
    """AP50, or a difference of AP50, in each group of frames: of all videos, in each drawing and without each video."""

    value: dict[str, float]
    drawn: dict[str, NDArray[np.float64]]  # (B,)
    left_out: dict[str, NDArray[np.float64]]  # (V,)
    n_videos: dict[str, int]  # that have ground truth


def tables(seeds: Sequence[int], flows_of: int, ci: int) -> Iterator[str]:
    """Yield the tables in Markdown, of what is there."""
    index = read_index("vidkit-data/vid_val.h5")
    scores: dict[tuple[str, int], Score] = {}
    for name in METHODS:
        for seed in seeds:
            if (path := predictions_of(seed, name)).is_file():
                scores[name, seed] = score(index, path, ci)
    used = ", ".join(map(str, seeds))
    yield f"{index.n_videos} unseen videos, {index.n_frames} frames; seeds {used}; l = 10, central key"
    yield table_of_methods(scores, seeds)
    yield table_of_differences(scores, seeds)
    yield table_of_flows(index, scores, flows_of, ci)


def score(index: Index, path: Path, ci: int) -> Score:
    """Return the scores of predictions. Drawings of equal number are of the same videos for all predictions."""
    result = evaluate(index, read_predictions(path), "fgfa", by=[SPLIT], bins={SPLIT: [1]}, ci=ci)
    sharp, blurred = result.groups
    groups: dict[str, GroupResult] = {"all": result.overall, "sharp": sharp, "blurred": blurred}
    resampled = {name: each.resampled for name, each in groups.items() if each.resampled is not None}
    return Score(
        {name: each.mean_ap for name, each in groups.items()},
        {name: mean_of_known(each.replicates.T) for name, each in resampled.items()},
        {name: mean_of_known(each.left_out.T) for name, each in resampled.items()},
        {name: int(each.in_video.any(axis=0).sum()) for name, each in resampled.items()},
    )


def minus(b: Score, a: Score) -> Score:
    """The difference of two scores, drawing by drawing and video by video."""
    return Score(
        {group: b.value[group] - a.value[group] for group in GROUPS},
        {group: b.drawn[group] - a.drawn[group] for group in GROUPS},
        {group: b.left_out[group] - a.left_out[group] for group in GROUPS},
        b.n_videos,
    )


def table_of_methods(scores: Mapping[tuple[str, int], Score], seeds: Sequence[int]) -> str:
    """Return the mean over seeds of each method with intervals over videos, and all frames' value of each seed."""
    rows = []
    for name, method in METHODS.items():
        found = [scores[name, seed] for seed in seeds if (name, seed) in scores]
        if found:
            cells = [over_seeds(found, group) for group in GROUPS]
            each = ", ".join(f"{100 * one.value['all']:.1f}" for one in found)
            rows.append([method.label, str(8 * method.steps), minutes(name, seeds), *cells, each])
    return markdown(["method", "samples", "minutes of one core", *GROUPS.values(), "each seed, all frames"], rows)


def table_of_differences(scores: Mapping[tuple[str, int], Score], seeds: Sequence[int]) -> str:
    """Return differences of methods, paired by seed and by drawing of videos."""
    rows = []
    for better, worse in PAIRS:
        both = [(scores[better, s], scores[worse, s]) for s in seeds if {(better, s), (worse, s)} <= scores.keys()]
        if both:
            apart = [minus(b, w) for b, w in both]
            each = ", ".join(f"{100 * one.value['all']:+.1f}" for one in apart)
            rows.append([f"{better} - {worse}", *(over_seeds(apart, group, "difference") for group in GROUPS), each])
    return markdown(["difference", *GROUPS.values(), "each seed, all frames"], rows)


def table_of_flows(index: Index, scores: Mapping[tuple[str, int], Score], seed: int, ci: int) -> str:
    """Return the scores of one seed's networks with a flow of zero, the learned one and the true one."""
    rows = []
    for name, method in METHODS.items():
        for flow in ("zero", "learned", "true") if method.flows else ():
            if (path := predictions_of(seed, name, flow)).is_file():
                found = scores[name, seed] if flow == "learned" else score(index, path, ci)
                rows.append([method.label, flow, *(over_seeds([found], group) for group in GROUPS)])
    return markdown([f"method, seed {seed}", "flow", *GROUPS.values()], rows)


def over_seeds(found: Sequence[Score], group: str, scale: Scale = "share") -> str:
    """The mean over seeds in percent, and its interval over videos: that of `vidkit eval`, of the seeds' mean."""
    value = np.array([np.mean([each.value[group] for each in found])])
    drawn, left_out = (
        np.mean([getattr(each, part)[group] for each in found], axis=0)[None] for part in ("drawn", "left_out")
    )
    spread_of_mean = spread(value, drawn, left_out, np.array([found[0].n_videos[group]]))
    ((ends, note),) = spread_of_mean.told(0.95, scale)
    sign = "+" if scale == "difference" else ""
    return with_interval(f"{100 * value[0]:{sign}.1f}", ends and [f"{100 * end:{sign}.1f}" for end in ends], note)


def minutes(name: str, seeds: Sequence[int]) -> str:
    """Return the mean processor time of a method's training."""
    files = [Path(f"runs/{seed}/{name}/{TIME}") for seed in seeds]
    used = [json.loads(path.read_text()) / 60 for path in files if path.is_file()]
    return f"{np.mean(used):.1f}" if used else "not measured"


def markdown(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table in Markdown."""
    return "\n".join(f"| {' | '.join(row)} |" for row in [columns, ["---"] * len(columns), *rows])


if __name__ == "__main__":
    main()
