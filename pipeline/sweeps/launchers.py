"""This machine and its launcher, as a sweep needs to know them: jobs at a time, threads for each."""

import os
from collections.abc import Mapping
from typing import Any

import psutil

from pipeline.runtime.devices import take_gpu, visible_gpus

GIB = 1024**3
# The launchers that run one job after the other, this project's and Hydra's own.
IN_ORDER = ("in_order", "basic")


def jobs_at_once(gib_per_job: float) -> int:
    """Return how many jobs this machine takes at a time, at least 1.

    One for each GPU that this process may use; without any, for each of its cores; both as far as all of the memory has
    `gib_per_job` GiB for each.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    # two jobs on one GPU would only wait for each other
    return max(1, min(len(visible_gpus()) or cores, cores, int(psutil.virtual_memory().total / GIB / gib_per_job)))


def threads_of_job(threads: int | None, *, launcher: str, settings: Mapping[str, Any]) -> int | None:
    """Return the TensorFlow threads of a job of a sweep; None: all.

    `threads` if it is given. Else all with the launchers that run one job after the other; and with any other, so that
    jobs side by side do not compete, the CPUs that the launcher reserves for a job, or one.

    Args:
        launcher: the choice of `hydra/launcher`.
        settings: of that launcher.
    """
    if threads is not None or launcher in IN_ORDER:
        return threads
    return settings.get("cpus_per_task") or 1


def settle_gpu(launcher: str) -> None:
    """Leave a job of a sweep a GPU of its own, where the launcher runs jobs side by side and has not done so itself.

    Args:
        launcher: the choice of `hydra/launcher`.
    """
    if launcher not in IN_ORDER:
        take_gpu()
