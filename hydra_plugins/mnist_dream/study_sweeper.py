"""Optuna's sweeper with a study that is continued by other trials than those it began with."""

import warnings
from importlib.util import find_spec
from typing import Any

from hydra.types import HydraContext, TaskFunction
from hydra.utils import instantiate
from omegaconf import DictConfig

# Hydra reads every file of this package at each start, also where Optuna is not installed.
if find_spec("hydra_plugins.hydra_optuna_sweeper") is not None:
    from hydra_plugins.hydra_optuna_sweeper.optuna_sweeper import OptunaSweeper

    class StudySweeper(OptunaSweeper):
        """`OptunaSweeper`, but the sampler's seed is `sampler_seed` plus the number of trials that the study has.

        By itself the sampler would begin with the same random trials each time.

        Args:
            sampler: the sampler as a config, not yet made.
            params: what `OptunaSweeper` takes.
        """

        def __init__(
            self, sampler: DictConfig, sampler_seed: int, storage: str | None, study_name: str | None, **params: Any
        ) -> None:
            # the plugin speaks to Optuna in the words of its version 2, which it still takes
            warnings.filterwarnings("ignore", category=FutureWarning, module=r"optuna\.|hydra_plugins\.")
            seed = sampler_seed + _trials_so_far(storage, study_name)
            super().__init__(sampler=instantiate(sampler, seed=seed), storage=storage, study_name=study_name, **params)

        def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
            """Refuse stages that have no figure to optimize, before any of them runs."""
            from pipeline.sweeps.objective_value import check_has_objective_value

            check_has_objective_value(config.stages)
            super().setup(hydra_context=hydra_context, task_function=task_function, config=config)


def _trials_so_far(storage: str | None, study_name: str | None) -> int:
    if storage is None:
        return 0
    import optuna

    from pipeline.runtime.errors import InputError, one_line, without_passwords
    from pipeline.tracking.addresses import sqlite_file

    if (file := sqlite_file(storage)) is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
    try:
        known = optuna.get_all_study_names(storage)
    except Exception as error:
        # of whatever kind Optuna, or what it stands on, raises
        takes, got = "a place where a study can be kept", f"{without_passwords(storage)}, {one_line(error)}"
        raise InputError.at("hydra.sweeper.storage", takes=takes, got=got) from error
    if study_name not in known:
        return 0
    return len(optuna.load_study(study_name=study_name, storage=storage).trials)
