"""Train as one of torchrun's workers; the arguments: the index, the run's folder, method=…, key=value …

It fails where a thread of the process group outlives the group: such a one aborts the process now and then, see
`impnet_model.training.processes.joined_group`. With `kill=RANK` that process ends itself after its second report,
once: what a machine that breaks down looks like.
"""

import os
import signal
import sys
from pathlib import Path

from impnet_model.training.config import SMALL, with_settings
from impnet_model.training.flow_network import train_flow
from impnet_model.training.processes import CPU, joined_group
from impnet_model.training.train import TrainingPlan, train
from tests.impnet_model.makers import SMALL as BUILD
from vidkit import read_index

FLOW_VALUES = {
    "build": "tiny", "width": 64, "height": 64, "shorter": 64, "longer": 64, "difficulty": "clean", "scenes": 2,
    "reach": 2, "pairs": 4, "iterations": 2, "batch": 2, "workers": 0, "optimizer": "sgd", "rate": 0.01, "clip": "none",
}  # fmt: skip


def main() -> None:
    index, out = Path(sys.argv[1]), Path(sys.argv[2])
    values = dict(each.split("=") for each in sys.argv[3:])
    method, kill = values.pop("method"), values.pop("kill", None)
    if method == "flow":
        with joined_group(CPU) as processes:
            list(train_flow(FLOW_VALUES, out, processes=processes))
        return
    numbers = {key: float(value) if "." in value else int(value) for key, value in values.items()}
    config = with_settings(SMALL, {"optimizer": "sgd", "workers": 0, "length": 4, **numbers})
    plan = TrainingPlan(method, BUILD, config, [read_index(index)])
    with joined_group(CPU) as processes:
        for number, _ in enumerate(train(plan, out, resume=True, processes=processes), start=1):
            if kill == str(processes.rank) and number == 2 and os.environ["TORCHELASTIC_RESTART_COUNT"] == "0":
                os.kill(os.getpid(), signal.SIGKILL)
    if left := threads() & {"pt_gloo_runloop", "gloo_tcp_loop"}:
        sys.exit(f"threads of the group are left: {', '.join(sorted(left))}")


def threads() -> set[str]:
    """Return the names of this process's threads."""
    return {path.read_text().strip() for path in Path("/proc/self/task").glob("*/comm")}


if __name__ == "__main__":
    main()
