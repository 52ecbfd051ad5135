"""From the words of a command line to typed settings, by Hydra."""

import shlex
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import hydra
from hydra._internal.utils import get_args_parser
from hydra.core.config_store import ConfigStore
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException, MissingConfigException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from pipeline.runtime.errors import InputError
from pipeline.settings import schema
from pipeline.settings.config import Config
from pipeline.settings.plugins import check_installed
from pipeline.settings.words import TEXTS_OF_HYDRA, Reader, spelled, values_of

PACKAGE = Path(__file__).parent.parent
FOLDERS = ("output_dir", "hydra.run.dir", "hydra.sweep.dir")

# conf/ beside the package in a checkout, inside it when installed
CONF = next(folder for folder in (PACKAGE.parent / "conf", PACKAGE / "conf") if (folder / "config.yaml").is_file())


def compose(*overrides: str) -> Config:
    """Compose the settings that the command line makes of these words.

    Args:
        overrides: words such as "oip=smooth" and "oip.steps=100", the later ones over the earlier ones.
    Returns:
        The settings, checked; a part of it is what each stage takes, such as `config.oip`.
    Raises:
        InputError: a setting that does not exist, or a value that makes no sense.
    """
    ConfigStore.instance().store(name="schema", node=Config)
    words = list(map(spelled, overrides))
    try:
        check_overrides(words, quote=repr)
        with hydra.initialize_config_dir(config_dir=str(CONF.resolve()), version_base="1.3"):
            return schema.to_config(hydra.compose("config", overrides=words))
    except MissingConfigException as error:
        raise missing_file(error) from error
    except HydraException as error:
        raise not_composed(words, error) from error


def check_overrides(arguments: Sequence[str], *, quote: Callable[[str], str] = shlex.quote) -> None:
    """Refuse unknown keys and values of another type before Hydra does: it would advise `+key=value`, which adds a
    setting that nothing reads.

    Args:
        arguments: the words, and Hydra's own options.
        quote: for the place where they are written.
    """
    options = get_args_parser().parse_known_args(arguments)[0]
    groups = group_names()
    is_sweep = options.multirun or f"hydra.mode={RunMode.MULTIRUN.name}" in options.overrides
    reader = Reader(groups, is_sweep=is_sweep, quote=quote)
    for override in map(reader.read, options.overrides):
        key = override.key_or_group
        if override.is_delete():
            reader.check_deletion(key)
            continue
        check_installed(key, override.value())
        if key in FOLDERS and not str(override.value() or "").strip():
            raise InputError.at(key, takes="a folder", got="nothing")
        if key in groups:
            _check_group(key, override)
        if key in TEXTS_OF_HYDRA:
            reader.check_values(override)
        if key.startswith("hydra") or "/" in key or key in groups or override.package:
            continue
        schema.check_key(key)
        reader.check_values(override)


def group_names() -> set[str]:
    """Return the names that stand for files."""
    return {path.name for path in CONF.iterdir() if path.is_dir()}


def check_composed(composed: DictConfig) -> None:
    """Refuse, before anything is made, what Hydra would stumble over when a job begins.

    Args:
        composed: the settings with Hydra's own.
    Raises:
        InputError: a ${...} that leads nowhere, a folder without a name, a job in another folder than the command.
    """
    schema.check_references(composed)
    if composed.hydra.job.chdir:
        takes = "false, as paths in settings begin where the command is given; hydra.run.dir says where results lie"
        raise InputError.at("hydra.job.chdir", takes=takes, got="true")
    for key in FOLDERS:
        if not str(OmegaConf.select(composed, key) or "").strip():
            raise InputError.at(key, takes="a folder", got="nothing")


def _check_group(group: str, override: Override) -> None:
    """Refuse what is no file of a group, which Hydra would tell of in a traceback, or when it comes to that job."""
    if override.is_sweep_override():
        _check_choices(group, values_of(override))
    elif not isinstance(override.value(), str | list):
        _check_choices(group, [override.value()])


def _check_choices(group: str, choices: Iterable[Any]) -> None:
    """Refuse a file of a group that is not there, which Hydra would see when it comes to that job."""
    known = sorted(path.stem for path in (CONF / group).glob("*.yaml"))
    for choice in choices:
        if str(choice) not in known:
            raise InputError.at(
                group, takes=f"one of {', '.join(known)}", got="null" if choice is None else str(choice)
            )


def missing_file(error: MissingConfigException) -> InputError:
    """Refuse a file of a group that is not there."""
    if not error.options:
        return InputError(str(error))
    group, _, name = (error.missing_cfg_file or "").rpartition("/")
    return InputError.at(group, takes=f"one of {', '.join(error.options)}", got=name)


def not_composed(overrides: Sequence[str], error: HydraException) -> InputError:
    # the cause says more, and does not advise to add a setting that nothing reads
    return InputError(f"{list(overrides)}: {str(error.__cause__ or error).splitlines()[0]}")
