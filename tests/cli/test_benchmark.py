import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from vidkit_cli.console import report_errors
from vidkit_cli.main import vidkit

from tests.makers import make_index
from vidkit.data.index import FOLDER, FrameFiles, Index
from vidkit.data.index_file import write_index
from vidkit.keyframes.weight_maps_file import read_weight_maps
from vidkit.predictions.predictions_file import read_predictions

ROOT = Path(__file__).parents[2]
DETECTORS = """
import time
import numpy as np
from vidkit import Detections

class Mean:
    name = "mean"
    def __init__(self, seconds=0.0, crash=""):
        self.seconds, self.crash, self.videos = seconds, crash, 0
    def detect(self, frames):
        print("a line that belongs to nobody")
        self.videos += 1
        for image in frames:
            time.sleep(self.seconds)
            if self.crash == "third" and self.videos == 3:
                raise RuntimeError("out of luck")
            yield Detections(np.zeros((1, 4)), np.array([image.mean() / 255]), np.array([0]))
    def synchronize(self):
        pass

def mean(context, seconds: float = 0.0, crash: str = ""):
    print("made")
    return Mean(seconds, crash)
"""


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    """A current folder with an index in its default place and a module of detectors."""
    monkeypatch.chdir(tmp_path)
    write_index(tmp_path / "vidkit-data" / "made_val.h5", make_index(videos=4, frames=6))
    (tmp_path / "mine.py").write_text(DETECTORS)
    monkeypatch.setattr(sys, "path", [*sys.path])
    sys.modules.pop("mine", None)
    return tmp_path


def run(*args: str) -> int:
    return report_errors(vidkit, ["benchmark", *args])


def test_bare_it_uses_the_default_places(here, capsys):
    assert run("oracle-jitter", "--blank-frames") == 0
    out, err = capsys.readouterr()
    assert "looks at the ground truth" in out
    assert "frames per second" in out
    assert "runs/oracle-jitter/predictions.h5" in err
    predictions = read_predictions(here / "runs" / "oracle-jitter" / "predictions.h5")
    assert predictions.run.detector == "oracle-jitter"
    assert predictions.run.options["miss"] == 0.1
    assert predictions.run.environment["sees_truth"] is True
    assert predictions.run.environment["blank_frames"] is True
    assert not (here / "runs" / "oracle-jitter" / "predictions.h5.parts").exists()


def test_options_name_the_folder(here):
    assert run("frame-copy", "--option", "length=3", "--option", "key_id=0", "--blank-frames") == 0
    assert (here / "runs" / "frame-copy_length=3_key_id=0" / "predictions.h5").is_file()


def test_options_cannot_lead_out_of_the_runs_folder(here):
    assert run("mine:mean", "--option", "crash=../../x", "--blank-frames") == 0
    assert [path.name for path in (here / "runs").iterdir()] == ["mine-mean_crash=..-..-x"]


def test_json_is_one_object_whatever_the_detector_prints(here, capsys):
    assert run("mine:mean", "--blank-frames", "--json") == 0
    content = json.loads(capsys.readouterr().out)
    assert (content["format"], content["version"]) == ("vidkit-benchmark", 1)
    assert content["seconds"]["all"]["frames"] == 18
    assert content["look_ahead"] == {"max": 0, "mean": 0.0}
    assert content["frames"] == 24
    assert content["limited"] is False
    assert set(content["environment"]) >= {
        "device",
        "cpu",
        "python",
        "numpy",
        "vidkit",
        "image_size",
        "precision",
        "batch",
    }


def with_frames(folder: Path) -> Index:
    """An index whose frames are PNGs, each of one grey."""
    index = make_index(videos=2, frames=3)
    for video in range(2):
        place = folder / "frames" / f"v{video}"
        place.mkdir(parents=True)
        for frame in range(3):
            Image.new("RGB", (320, 240), (100 * video + frame,) * 3).save(place / f"{frame:06d}.png")
    files = FrameFiles(str(folder / "frames"), (FOLDER,) * 2, ("v0", "v1"), ("{:06d}.png",) * 2)
    from dataclasses import replace

    return replace(index, files=files)


def test_a_detector_sees_the_frames(here):
    write_index(here / "with.h5", with_frames(here))
    assert run("mine:mean", "--index", "with.h5", "-o", "here.h5") == 0
    predictions = read_predictions(here / "here.h5")
    assert np.round(predictions.score * 255).tolist() == [0, 1, 2, 100, 101, 102]
    assert "blank_frames" not in predictions.run.environment


def test_moved_frames_are_found_by_their_root(here):
    write_index(here / "with.h5", with_frames(here))
    (here / "frames").rename(here / "moved")
    assert run("mine:mean", "--index", "with.h5", "-o", "here.h5") == 1
    assert run("mine:mean", "--index", "with.h5", "-o", "here.h5", "--frames-root", "moved") == 0


def test_black_frames_are_handed_over_only_when_asked_for(here, capsys):
    assert run("oracle-jitter") == 1
    assert "--blank-frames" in capsys.readouterr().err
    assert not (here / "runs").exists()


def test_a_limited_run_is_marked_and_lies_apart(here, capsys):
    assert run("oracle-jitter", "--blank-frames", "--limit", "2") == 0
    assert "LIMITED" in capsys.readouterr().out
    predictions = read_predictions(here / "runs" / "oracle-jitter_limit=2" / "predictions.h5")
    assert predictions.run.limited
    assert predictions.n_frames == 24
    assert predictions.detection_start[12] == predictions.n_detections
    assert run("oracle-jitter", "--blank-frames", "--limit", "9") == 0
    assert not read_predictions(here / "runs" / "oracle-jitter" / "predictions.h5").run.limited


def test_a_crash_keeps_what_was_done_and_resume_finishes(here, capsys):
    assert run("mine:mean", "--blank-frames", "--option", "crash=third", "-o", "a.h5") == 1
    err = capsys.readouterr().err
    assert "DetectorError: detector 'mean', video 'video_0002', frame 0: RuntimeError: out of luck" in err
    assert "2 of 4 videos are kept in a.h5.parts" in err
    assert not (here / "a.h5").exists()
    assert run("mine:mean", "--blank-frames", "--option", "crash=third", "-o", "a.h5") == 1
    assert "an unfinished run is there; go on with --resume, or begin again with --restart" in capsys.readouterr().err
    assert run("mine:mean", "--blank-frames", "--option", "crash=third", "-o", "a.h5", "--resume") == 0
    assert run("mine:mean", "--blank-frames", "-o", "b.h5") == 0
    assert read_predictions(here / "a.h5").fingerprint == read_predictions(here / "b.h5").fingerprint
    assert not (here / "a.h5.parts").exists()


def test_another_run_is_not_gone_on_with(here, capsys):
    assert run("mine:mean", "--blank-frames", "--option", "crash=third", "-o", "a.h5") == 1
    assert run("mine:mean", "--blank-frames", "-o", "a.h5", "--resume") == 1
    assert "options.crash was 'third', is ''" in capsys.readouterr().err
    assert run("mine:mean", "--blank-frames", "-o", "a.h5", "--restart") == 0


def test_a_finished_run_is_left_by_resume_and_made_again_without(here):
    assert run("oracle-jitter", "--blank-frames", "-o", "a.h5") == 0
    before = (here / "a.h5").stat().st_mtime_ns
    assert run("oracle-jitter", "--blank-frames", "-o", "a.h5", "--resume") == 0
    assert (here / "a.h5").stat().st_mtime_ns == before
    assert run("oracle-jitter", "--blank-frames", "-o", "a.h5") == 0
    assert (here / "a.h5").stat().st_mtime_ns > before


def test_what_a_kill_at_the_very_end_leaves_is_cleared_away(here):
    assert run("oracle-jitter", "--blank-frames", "-o", "a.h5") == 0
    (here / "a.h5.parts").mkdir()
    for name in ("run.json", "000000.shard"):
        (here / "a.h5.parts" / name).write_text("left")
    assert run("oracle-jitter", "--blank-frames", "-o", "a.h5", "--resume") == 0
    assert not (here / "a.h5.parts").exists()


def test_a_file_of_something_else_is_not_overwritten(here, capsys):
    (here / "notes.txt").write_text("mine")
    assert run("oracle-jitter", "--blank-frames", "-o", "notes.txt") == 1
    assert "--restart to replace it" in capsys.readouterr().err
    assert (here / "notes.txt").read_text() == "mine"
    assert run("oracle-jitter", "--blank-frames", "-o", "a.h5") == 0
    assert run("oracle-jitter", "--blank-frames", "-o", "a.h5", "--option", "seed=1") == 1
    assert "a.h5 holds another run: options.seed was 0, is 1" in capsys.readouterr().err


def test_wrong_names_and_options_are_told(here, capsys):
    assert run("oracle-jiter") == 1
    assert "did you mean 'oracle-jitter'" in capsys.readouterr().err
    assert run("oracle-jitter", "--option", "mis=1", "--json") == 1
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["kind"] == "DetectorError"
    assert "did you mean 'miss'" in error["message"]
    assert run("oracle-jitter", "--resume", "--restart") == 2


def test_the_scenario_is_recorded(here):
    assert run("oracle-jitter", "--blank-frames", "--scenario", "offline") == 0
    assert read_predictions(here / "runs" / "oracle-jitter_offline" / "predictions.h5").run.scenario == "offline"


def test_a_run_killed_anywhere_resumes_to_the_same(here):
    """SIGKILL after random times, until one attempt is let to its end."""
    assert run("mine:mean", "--blank-frames", "-o", "whole.h5") == 0
    options = ["--option", "seconds=0.01", "-o", "killed.h5", "--blank-frames", "--resume"]
    command = [sys.executable, "-m", "vidkit_cli.main", "benchmark", "mine:mean", *options]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    numbers, kills = random.Random(0), 0
    for _ in range(4):
        process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        parts = here / "killed.h5.parts"
        begun = time.monotonic()
        while not parts.exists() and process.poll() is None and time.monotonic() - begun < 30:
            time.sleep(0.005)
        time.sleep(numbers.random() * 0.15)
        process.send_signal(signal.SIGKILL)
        kills += process.wait() == -signal.SIGKILL
        if (here / "killed.h5").exists():  # then it is whole
            read_predictions(here / "killed.h5")
    assert kills > 0
    finished = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert finished.returncode == 0, finished.stderr
    killed, whole = read_predictions(here / "killed.h5"), read_predictions(here / "whole.h5")
    assert killed.fingerprint == whole.fingerprint
    assert np.isfinite(killed.times.compute_seconds).all()


def test_an_index_of_no_videos(here, capsys):
    write_index(here / "empty.h5", make_index(videos=0, tracks=0))
    assert run("oracle-jitter", "--index", "empty.h5", "-o", "empty-run.h5") == 0
    assert "not measured" in capsys.readouterr().out
    assert read_predictions(here / "empty-run.h5").n_frames == 0


def test_interrupted_it_says_what_is_kept(here, capsys, monkeypatch):
    from vidkit.harness import run as module

    real = module.write_shard

    def interrupted(path, result, stamp):
        if path.name == "000002.shard":
            raise KeyboardInterrupt
        real(path, result, stamp)

    monkeypatch.setattr(module, "write_shard", interrupted)
    assert run("oracle-jitter", "--blank-frames", "-o", "a.h5") == 130
    assert "2 of 4 videos are kept in a.h5.parts; --resume goes on from there" in capsys.readouterr().err


def test_several_processes_share_a_run(here):
    assert run("mine:mean", "--blank-frames", "-o", "alone.h5") == 0
    command = [sys.executable, "-m", "vidkit_cli.main", "benchmark", "mine:mean", "-o", "shared.h5", "--blank-frames"]
    working = [
        subprocess.Popen(
            [*command, "--resume"],
            env={**os.environ, "PYTHONPATH": str(ROOT), "RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": "2"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    messages = [process.communicate(timeout=60)[1] for process in working]
    assert [process.returncode for process in working] == [0, 0], messages
    shared, alone = read_predictions(here / "shared.h5"), read_predictions(here / "alone.h5")
    assert shared.fingerprint == alone.fingerprint
    assert shared.times.warm_up.sum() == 12  # the first video of each process
    assert not (here / "shared.h5.parts").exists()


def test_several_processes_need_resume(here, monkeypatch):
    for name, value in (("RANK", "0"), ("LOCAL_RANK", "0"), ("WORLD_SIZE", "2")):
        monkeypatch.setenv(name, value)
    assert run("oracle-jitter", "--blank-frames") == 2


# -- weight maps, stages, partial scores -------------------------------------------------------------------------------

WEIGHING = """
import numpy as np
from vidkit import Detections
from vidkit.harness.detector import KeyframeWeights

class Keyed:
    name = "keyed"
    def __init__(self, crash):
        self.crash, self.videos, self.seconds = crash, 0, 0.0
    def detect(self, frames):
        self.videos += 1
        nothing = Detections.none()
        for place, image in enumerate(frames):
            self.seconds += 0.25
            if self.videos == self.crash:
                raise RuntimeError("out of luck")
            yield Detections(nothing.boxes, nothing.scores, nothing.class_ids, place % 3 == 0, -(place % 3))
    def keyframe_weights(self, frames):
        for place, image in enumerate(frames):
            if place % 3 == 0:
                shares = np.full(place // 3 + 1, 3 / (place + 3))
                yield KeyframeWeights(place, np.full((2, 2), image.mean() / 255), shares, 8.0)
    def synchronize(self):
        pass
    def measurements(self):
        return {"forward_seconds": self.seconds, "peak_device_bytes": 3.0 * 2**20}

def keyed(context, crash: int = 0):
    return Keyed(crash)
"""


@pytest.fixture
def keyed(here: Path) -> Path:
    (here / "keyed.py").write_text(WEIGHING)
    sys.modules.pop("keyed", None)
    return here


def test_weight_maps_are_recorded_beside_the_predictions(keyed, capsys):
    assert run("keyed:keyed", "--blank-frames", "--record-weights", "-o", "a/predictions.h5", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["weight_maps"] == "a/predictions.weights.h5"
    assert told["environment"]["recorded"] == "weight maps"
    maps, predictions = read_weight_maps("a/predictions.weights.h5"), read_predictions("a/predictions.h5")
    assert maps.predictions_fingerprint == predictions.fingerprint
    assert predictions.is_key is not None
    assert maps.frame.tolist() == np.flatnonzero(predictions.is_key).tolist()
    assert sorted(path.name for path in (keyed / "a").iterdir()) == ["predictions.h5", "predictions.weights.h5"]


def test_an_interrupted_recording_goes_on_to_the_same_file(keyed, capsys):
    recorded = ["--blank-frames", "--record-weights", "--resume", "-o"]
    assert run("keyed:keyed", *recorded, "a/p.h5") == 0
    before = Path.write_bytes
    count = 0

    def third_fails(self: Path, data: bytes) -> int:
        nonlocal count
        count += ".shard" in self.name
        if count == 3:
            raise OSError(28, "No space left on device", str(self))
        return before(self, data)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "write_bytes", third_fails)
        assert run("keyed:keyed", *recorded, "b/p.h5") == 1
    assert "2 of 4 videos are kept" in capsys.readouterr().err
    assert run("keyed:keyed", *recorded, "b/p.h5") == 0
    a, b = (read_weight_maps(f"{folder}/p.weights.h5") for folder in "ab")
    for name in ("frame", "map_size", "weight", "share_start", "share", "cell"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name))


def test_a_run_without_recording_is_not_gone_on_with_one(keyed, capsys):
    assert run("keyed:keyed", "--blank-frames", "--option", "crash=3") == 1
    assert run("keyed:keyed", "--blank-frames", "--option", "crash=3", "--record-weights", "--resume") == 1
    assert "environment.recorded was None, is 'weight maps'" in capsys.readouterr().err


def test_a_finished_run_whose_weight_maps_were_lost_is_made_again(keyed):
    args = ["keyed:keyed", "--blank-frames", "--record-weights", "--resume", "-o", "p.h5"]
    assert run(*args) == 0
    Path("p.weights.h5").unlink()
    assert run(*args) == 0
    assert read_weight_maps("p.weights.h5").n_keyframes == 8


def test_a_detector_without_weights_is_refused_before_it_runs(here, capsys):
    assert run("mine:mean", "--blank-frames", "--record-weights") == 1
    assert "detector 'mean' has no weight maps to record" in capsys.readouterr().err
    assert not (here / "runs").exists()


def test_stages_and_device_memory_are_printed(keyed, capsys):
    assert run("keyed:keyed", "--blank-frames") == 0
    out = capsys.readouterr().out
    assert re.search(r"device memory +3 MiB at most", out)
    assert re.search(r"forward +250\.00", out)
    assert "none of these" in out


def test_partial_scores_are_told_and_called_partial(here, capsys):
    assert run("oracle-jitter", "--blank-frames", "--score", "1") == 0
    said = [line for line in capsys.readouterr().err.splitlines() if "videos" in line]
    assert [line.split(":")[0] for line in said[:3]] == ["PARTIAL"] * 3
    assert re.fullmatch(r"PARTIAL: mAP \d+\.\d % \(fgfa\) over 2 of 4 videos, no score of the run", said[1])
    assert re.fullmatch(r"mAP (\d+\.\d) % \(fgfa\) over all 4 of 4 videos", said[3])
    assert report_errors(vidkit, ["eval", "runs/oracle-jitter/predictions.h5", "--by", "none", "--json"]) == 0
    capsys.readouterr()
    mean_ap = json.loads(Path("runs/oracle-jitter/result.json").read_text())["mean_ap"]
    assert f"mAP {100 * mean_ap:.1f} %" in said[3]
