"""The launcher of one job after the other in this process: Hydra's own, with an eye on the job that follows."""

import functools
from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path

from hydra._internal.core_plugins.basic_launcher import BasicLauncher, log
from hydra.core.utils import JobReturn, configure_log, filter_overrides, run_job, setup_globals
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, open_dict


class InOrderLauncher(BasicLauncher):
    """`BasicLauncher`, but a job is told the settings of the next one, whose results it may compute in its pauses.

    Each job is composed once and not twice: what the sweeper composes to see whether it can be is kept.
    """

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Keep what jobs need; from now on a composition that is asked for twice is made once."""
        super().setup(hydra_context=hydra_context, task_function=task_function, config=config)
        loader = hydra_context.config_loader
        # on this loader alone: it is the sweeper's, too
        loader.load_sweep_config = _Composed(loader.load_sweep_config).take

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        """Run the jobs and return what became of each, in their order.

        Args:
            job_overrides: of every job its overrides.
            initial_job_idx: the number of the first one.
        """
        from pipeline.engine.ahead import Ahead

        setup_globals()
        assert self.hydra_context is not None
        assert self.config is not None
        assert self.task_function is not None
        configure_log(self.config.hydra.hydra_logging, self.config.hydra.verbose)
        Path(str(self.config.hydra.sweep.dir)).mkdir(parents=True, exist_ok=True)
        log.info(f"Launching {len(job_overrides)} jobs locally")
        jobs: list[JobReturn] = []
        following = self._composed(job_overrides, 0, initial_job_idx)
        with Ahead() as ahead:
            for number, overrides in enumerate(job_overrides):
                log.info(f"\t#{initial_job_idx + number} : {' '.join(filter_overrides(overrides))}")
                composed, following = following, self._composed(job_overrides, number + 1, initial_job_idx)
                assert composed is not None
                done = run_job(
                    hydra_context=self.hydra_context,
                    task_function=functools.partial(self.task_function, ahead=ahead, upcoming=_settings_of(following)),
                    config=composed,
                    job_dir_key="hydra.sweep.dir",
                    job_subdir_key="hydra.sweep.subdir",
                )
                jobs.append(done)
                configure_log(self.config.hydra.hydra_logging, self.config.hydra.verbose)
        return jobs

    def _composed(self, job_overrides: Sequence[Sequence[str]], number: int, first: int) -> DictConfig | None:
        """Return the composition of a job, None if there is none of this number."""
        if number >= len(job_overrides):
            return None
        assert self.hydra_context is not None
        assert self.config is not None
        composed = self.hydra_context.config_loader.load_sweep_config(self.config, list(job_overrides[number]))
        with open_dict(composed):
            composed.hydra.job.id = composed.hydra.job.num = first + number
        return composed


class _Composed:
    """Compositions that were asked for once, until they are asked for again."""

    # of more jobs than that the rest is composed again, as they take memory
    MOST = 64

    def __init__(self, compose) -> None:  # type: ignore[no-untyped-def]
        self._compose = compose
        self._kept: dict[tuple[str, ...], DictConfig] = {}

    def take(self, master_config: DictConfig, sweep_overrides: list[str]) -> DictConfig:
        key = tuple(sweep_overrides)
        if (kept := self._kept.pop(key, None)) is not None:
            return kept
        composed: DictConfig = self._compose(master_config, sweep_overrides)
        if len(self._kept) < self.MOST:
            self._kept[key] = deepcopy(composed)
        return composed


def _settings_of(composed: DictConfig | None) -> DictConfig | None:
    """Return the settings of a job as it will get them; None for None."""
    if composed is None:
        return None
    settings = deepcopy(composed)
    with open_dict(settings):
        del settings["hydra"]
    return settings
