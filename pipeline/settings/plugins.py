"""Choices of Hydra's launchers and sweepers that stand on packages of their own."""

from importlib.util import find_spec

from pipeline.runtime.errors import InputError

# What each choice stands on.
PLUGINS = {
    "hydra/launcher": {
        "joblib": "hydra-joblib-launcher",
        "submitit_local": "hydra-submitit-launcher",
        "submitit_slurm": "hydra-submitit-launcher",
        "ray": "hydra-ray-launcher",
    },
    "hydra/sweeper": {"optuna": "hydra-optuna-sweeper"},
}


def check_installed(group: str, choice: object) -> None:
    """Raise an InputError if a launcher or sweeper stands on a package that is not there."""
    package = PLUGINS.get(group, {}).get(str(choice))
    if package is not None and find_spec(f"hydra_plugins.{package.replace('-', '_')}") is None:
        takes = f"{choice} where {package} is installed: make launchers, or docs/sweeps.md"
        raise InputError.at(group, takes=takes, got=choice)
