"""The benchmark runs, on a small network; what it measures is for `docs/inference_speed.md`."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_inference_benchmark_runs() -> None:
    command = [sys.executable, str(ROOT / "benchmarks" / "inference.py"), "--build", "tiny", "--size", "48x64"]
    options = ["--threads", "1", "--length", "2", "--radius", "1", "--rounds", "1"]
    run = subprocess.run(
        [*command, *options, "--json"], cwd=ROOT, env={"PYTHONPATH": "."}, capture_output=True, check=True
    )
    result = json.loads(run.stdout)
    assert {name.split(",")[0] for name in result["methods"]} == {"per-frame", "dff", "impression", "fgfa", "fgfa-fast"}
    assert all(each["ms_per_frame"] > 0 for each in result["methods"].values())
    assert {"feature", "flow", "warp", "aggregate", "RPN", "RoI pooling", "NMS"} <= set(result["stages"])
    assert result["floor"]["r_by_flop"] > 0
