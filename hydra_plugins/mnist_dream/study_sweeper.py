"""Optuna's sweeper with a study that is continued by other trials than those it began with."""

import contextlib
import functools
import warnings
from importlib.util import find_spec
from typing import Any

from hydra.types import HydraContext, TaskFunction
from hydra.utils import instantiate
from omegaconf import DictConfig

# Hydra reads every file of this package at each start, also where Optuna is not installed.
if find_spec("hydra_plugins.hydra_optuna_sweeper") is not None:
    from hydra_plugins.hydra_optuna_sweeper.optuna_sweeper import OptunaSweeper

    # What Optuna says of the best of trials that have all failed, by where it keeps them.
    NO_TRIALS = ("Record does not exist.", "No trials are completed yet.")

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
            made = instantiate(sampler, seed=sampler_seed + _trials_so_far(storage, study_name))
            if isinstance(made, functools.partial):
                made = _Grid(made.func, *made.args, **made.keywords)
            super().__init__(sampler=made, storage=storage, study_name=study_name, **params)

        def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
            """Refuse stages that have no figure to optimize, before any of them runs."""
            from pipeline.sweeps.objective_value import check_has_objective_value

            check_has_objective_value(config.stages)
            super().setup(hydra_context=hydra_context, task_function=task_function, config=config)

        def sweep(self, arguments: list[str]) -> None:
            """Say in words that no trial has a figure, as when every training diverged."""
            from pipeline.runtime.errors import InputError

            try:
                super().sweep(arguments)
            except ValueError as error:
                if str(error) not in NO_TRIALS:
                    raise
                takes = "settings of which one trial at least has a figure"
                raise InputError.at("hydra.sweeper.params", takes=takes, got="trials that have all failed") from error


class _Grid(functools.partial):
    """Makes Optuna's sampler of a grid when the grid is known, by which the plugin knows that it is one."""

    def __call__(self, search_space: Any) -> Any:
        from optuna.samplers import GridSampler

        class Grid(GridSampler):
            """Stops nothing after the last trial, which Optuna allows in loops of its own alone.

            The plugin expects that error of a trial with a figure, not of one that failed.
            """

            def after_trial(self, *trial: Any) -> None:
                with contextlib.suppress(RuntimeError):
                    super().after_trial(*trial)

        return Grid(search_space, **self.keywords)


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
