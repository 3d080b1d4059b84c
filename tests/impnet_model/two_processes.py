"""Train as one of torchrun's workers; the arguments: the index, the run's folder, method=…, key=value …

With `kill=RANK` that process ends itself after its second report, once: what a machine that breaks down looks like.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import torch.distributed as dist

from impnet_model.processes import Processes
from impnet_model.train import Plan, train
from impnet_model.train_config import SMALL, with_settings
from tests.impnet_model.makers import SMALL as BUILD
from vidkit import read_index


def main() -> None:
    index, out = Path(sys.argv[1]), Path(sys.argv[2])
    values = dict(each.split("=") for each in sys.argv[3:])
    method, kill = values.pop("method"), values.pop("kill", None)
    numbers = {key: float(value) if "." in value else int(value) for key, value in values.items()}
    config = with_settings(SMALL, {"optimizer": "sgd", "workers": 0, "length": 4, **numbers})
    dist.init_process_group("gloo")
    processes = Processes(dist.get_rank(), dist.get_world_size())
    plan = Plan(method, BUILD, config, [read_index(index)])
    for number, _ in enumerate(train(plan, out, resume=True, processes=processes), start=1):
        if kill == str(processes.rank) and number == 2 and os.environ["TORCHELASTIC_RESTART_COUNT"] == "0":
            os.kill(os.getpid(), signal.SIGKILL)
    dist.barrier()  # nobody leaves while another one still talks to it
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
