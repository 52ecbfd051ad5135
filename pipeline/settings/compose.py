"""From the words of a command line to typed settings, by Hydra."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import hydra
from hydra._internal.utils import get_args_parser
from hydra.core.config_store import ConfigStore
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException, MissingConfigException, OverrideParseException

from pipeline.runtime.errors import InputError
from pipeline.runtime.names import PLAIN, is_plain_text
from pipeline.settings import schema
from pipeline.settings.config import Config
from pipeline.settings.plugins import check_installed

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
    try:
        check_overrides(overrides)
        with hydra.initialize_config_dir(config_dir=str(CONF.resolve()), version_base="1.3"):
            return schema.to_config(hydra.compose("config", overrides=list(overrides)))
    except MissingConfigException as error:
        raise missing_file(error) from error
    except HydraException as error:
        raise not_composed(overrides, error) from error


def check_overrides(arguments: Sequence[str]) -> None:
    """Refuse unknown keys and values of another type before Hydra does: it would advise `+key=value`, which adds a
    setting that nothing reads."""
    words = get_args_parser().parse_known_args(arguments)[0].overrides
    try:
        overrides = OverridesParser.create().parse_overrides(words)
    except OverrideParseException as error:
        takes = "the form setting=value; values with spaces or special characters in quotes"
        raise InputError(f"""{error.override}: takes {takes}: 'dream.photo="my rose.jpg"'""") from error
    groups = {path.name for path in CONF.iterdir() if path.is_dir()}
    for override in overrides:
        key = override.key_or_group
        check_installed(key, override.value())
        if key in FOLDERS and not str(override.value() or "").strip():
            raise InputError.at(key, takes="a folder", got="nothing")
        if key in FOLDERS and not all(is_plain_text(str(value)) for value in _values(override)):
            raise InputError.at(key, takes=f"a folder {PLAIN}", got=ascii(override.value()))
        if key in groups:
            _check_group(key, override)
        if key.startswith("hydra") or "/" in key or key in groups or override.package or override.is_delete():
            continue
        schema.check_key(key)
        for value in _values(override):
            schema.check_value(key, value)


def _check_group(group: str, override: Override) -> None:
    """Refuse what is no file of a group, which Hydra would tell of in a traceback, or when it comes to that job."""
    if override.is_delete():
        raise InputError(f"~{group}: every group of settings is needed; {group}=NAME takes another file of it")
    if override.is_sweep_override():
        _check_choices(group, _values(override))
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


def _values(override: Override) -> Iterable[Any]:
    """Return what a setting would be in some job."""
    if override.is_interval_sweep():
        interval = override.value()
        return [interval.start, interval.end]
    return override.sweep_iterator() if override.is_sweep_override() else [override.value()]


def missing_file(error: MissingConfigException) -> InputError:
    """Refuse a file of a group that is not there."""
    if not error.options:
        return InputError(str(error))
    group, _, name = (error.missing_cfg_file or "").rpartition("/")
    return InputError.at(group, takes=f"one of {', '.join(error.options)}", got=name)


def not_composed(overrides: Sequence[str], error: HydraException) -> InputError:
    # the cause says more, and does not advise to add a setting that nothing reads
    return InputError(f"{list(overrides)}: {str(error.__cause__ or error).splitlines()[0]}")
