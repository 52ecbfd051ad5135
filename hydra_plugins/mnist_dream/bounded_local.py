"""submitit's launcher for one machine, with a bound: by itself it starts all jobs of a sweep at once."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from typing import Any

from hydra.core.utils import JobReturn

GPUS = "CUDA_VISIBLE_DEVICES"

# Hydra reads every file of this package at each start, also where submitit is not installed.
if find_spec("hydra_plugins.hydra_submitit_launcher") is not None:
    from hydra_plugins.hydra_submitit_launcher.submitit_launcher import LocalLauncher

    class BoundedLocalLauncher(LocalLauncher):
        """`LocalLauncher`, but no more than `jobs_at_once` jobs run at a time.

        The next job starts as soon as one has ended. A job that is killed is an error once all others have ended. A job
        sees the GPUs that the command sees, unless `gpus_per_node` says how many of the machine's it is to see.

        Args:
            jobs_at_once: 1 or more.
            params: what `LocalLauncher` takes.
        """

        def __init__(self, jobs_at_once: int, **params: Any) -> None:
            super().__init__(**params)
            self.jobs_at_once = jobs_at_once
            self.visible_gpus = os.environ.get(GPUS)

        def __call__(self, *job: Any, **named: Any) -> JobReturn:
            """Run a job, in its own process, in which submitit has named other GPUs, or none."""
            if self.params.get("gpus_per_node") is None:
                if self.visible_gpus is None:
                    os.environ.pop(GPUS, None)
                else:
                    os.environ[GPUS] = self.visible_gpus
            return super().__call__(*job, **named)

        def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
            """Run the jobs and return what became of each, in their order.

            Args:
                job_overrides: of every job its overrides.
                initial_job_idx: the number of the first one.
            """

            def launch_one(number: int) -> JobReturn:
                return super(BoundedLocalLauncher, self).launch([job_overrides[number]], initial_job_idx + number)[0]

            # a thread only waits for the processes of its job
            with ThreadPoolExecutor(self.jobs_at_once) as threads:
                jobs = [threads.submit(launch_one, number) for number in range(len(job_overrides))]
                try:
                    return [job.result() for job in jobs]
                except (KeyboardInterrupt, SystemExit):
                    # those that run are waited for, the others do not begin
                    threads.shutdown(wait=False, cancel_futures=True)
                    raise
