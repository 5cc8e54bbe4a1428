"""Two processes on a CPU that work together, started as users start them."""

import os
import subprocess
import sys

from helpers.paths import ROOT

LAUNCHERS = {
    "accelerate": ("accelerate.commands.launch", "--multi_gpu", "--num_processes=2", "--mixed_precision=no", "--main_process_port=0"),
    "torchrun": ("torch.distributed.run", "--standalone", "--nproc-per-node=2"),
}


def launch(launcher, *arguments):
    """What two processes say that run `python *arguments`, and how they end."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo", "CUDA_VISIBLE_DEVICES": ""}
    if launcher == "accelerate" and arguments[0] == "-m":
        arguments = ("--module", *arguments[1:])
    command = [sys.executable, "-m", *LAUNCHERS[launcher], *map(str, arguments)]
    return subprocess.run(command, env=environment, capture_output=True, text=True)
