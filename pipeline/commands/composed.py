"""Hydra composes a run twice: to see whether it is a sweep, and again. Here the second time takes the first one's."""

import functools
from typing import Any

from hydra._internal.hydra import Hydra
from hydra.types import RunMode

from pipeline.settings.presets import SEARCH_PATH

_MODE_OF_HYDRA = Hydra.get_mode
# What Hydra adds to the overrides where nothing says what it is to do.
_RUN = "hydra.mode=RUN"


def compose_runs_once() -> None:
    """Let Hydra keep the composition in which it looks for `hydra.mode`, if there is none: it is a run's."""
    Hydra.get_mode = _mode


def _mode(hydra: Hydra, config_name: str | None, overrides: list[str]) -> Any:
    """Return hydra.mode of a composition, None if it says nothing or cannot be composed."""
    loader = hydra.config_loader
    if searched := [word for word in overrides if word.startswith(f"{SEARCH_PATH}=")]:
        # without this glob(*) would not mean the files there
        loader.get_group_options = functools.partial(loader.get_group_options, overrides=searched)
    compose = loader.load_configuration
    try:
        # what Hydra would compose here is a sweep's, in which a missing file is no error
        composed = compose(config_name=config_name, overrides=overrides, run_mode=RunMode.RUN)
    except Exception:
        # a sweep, or an error that Hydra tells as it composes again
        return _MODE_OF_HYDRA(hydra, config_name, overrides)
    if composed.hydra.mode is not None:
        return composed.hydra.mode
    composed.hydra.mode = RunMode.RUN
    composed.hydra.overrides.hydra.append(_RUN)
    expected = {"config_name": config_name, "overrides": [*overrides, _RUN], "run_mode": RunMode.RUN}

    def kept_or_composed(**asked: Any) -> Any:
        loader.load_configuration = compose
        return composed if expected.items() <= asked.items() else compose(**asked)

    loader.load_configuration = kept_or_composed
    return None
