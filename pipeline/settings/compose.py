"""From the words of a command line to typed settings, by Hydra."""

import contextlib
import os
import re
import shlex
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import hydra
from hydra.core.config_store import ConfigStore
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException, MissingConfigException
from omegaconf import DictConfig, OmegaConf

from pipeline.runtime.errors import InputError
from pipeline.runtime.names import PLAIN, is_plain_text
from pipeline.settings import schema
from pipeline.settings.config import Config
from pipeline.settings.plugins import check_installed
from pipeline.settings.preset_check import blamed, check_files
from pipeline.settings.presets import CONF, TYPES, VERSION_BASE, Presets, check_folder, know_types
from pipeline.settings.words import TEXTS_OF_HYDRA, Reader, names_of, spelled, values_of

__all__ = ["CONF", "check_composed", "check_overrides", "compose", "refused_by_hydra", "wrong_file"]

# Whole sets of the other groups.
EXPERIMENT = "experiment"
FOLDERS = ("output_dir", "hydra.run.dir", "hydra.sweep.dir")


_COMPOSING = threading.Lock()


def compose(*overrides: str, config_dir: str | os.PathLike[str] | None = None) -> Config:
    """Compose the settings that the command line makes of these words.

    Args:
        overrides: words such as "oip=smooth" and "oip.steps=100", the later ones over the earlier ones.
        config_dir: a folder with files of settings of your own, as `--config-dir` on the command line.
    Returns:
        The settings, checked; a part of it is what each stage takes, such as `config.oip`.
    Raises:
        InputError: a setting that does not exist, or a value that makes no sense.
    """
    folders = [] if config_dir is None else [Path(config_dir).absolute()]
    for folder in folders:
        check_folder("config_dir", str(folder))
    words = list(map(spelled, overrides))
    # Hydra's state is that of the process
    with (
        _COMPOSING,
        _known_types(),
        hydra.initialize_config_dir(config_dir=str(CONF.resolve()), version_base=VERSION_BASE),
    ):
        presets = Presets(words, folders=folders)
        try:
            check_overrides(presets, quote=repr)
            return schema.to_config(presets.compose())
        except InputError as error:
            raise blamed(presets, error) from error
        except Exception as error:
            if (found := wrong_file(presets) or refused_by_hydra(words, error)) is not None:
                raise found from error
            raise


@contextlib.contextmanager
def _known_types() -> Iterator[None]:
    """Let Hydra know the types of the settings; a program with settings of its own may have some of the same name."""
    repository = ConfigStore.instance().repo
    before = repository.pop(TYPES, None)
    know_types()
    try:
        yield
    finally:
        if before is None:
            repository.pop(TYPES)
        else:
            repository[TYPES] = before


def wrong_file(presets: Presets) -> InputError | None:
    """Return what is wrong with a file of settings, one of conf/ included, after Hydra could not compose them; None
    if it is something else."""
    try:
        check_files(presets, conf=True)
    except InputError as error:
        return error
    except Exception:
        # of words that Hydra cannot read
        return None
    return None


def check_overrides(presets: Presets, *, quote: Callable[[str], str] = shlex.quote) -> None:
    """Refuse unknown keys and values of another type before Hydra does: it would advise `+key=value`, which adds a
    setting that nothing reads. Files of the user's own are looked at, too.

    Args:
        quote: for the place where the words are written.
    """
    reader = Reader(presets.is_group, is_sweep=presets.is_sweep, quote=quote)
    for word in presets.words:
        # all of them, before files are looked for that they name
        reader.read(word)
    for override in presets.overrides():
        key = override.key_or_group
        if override.is_delete():
            reader.check_deletion(key)
            continue
        check_installed(key, override.value())
        if key in FOLDERS and not str(override.value() or "").strip():
            raise InputError.at(key, takes="a folder", got="nothing")
        if key in FOLDERS and not all(is_plain_text(str(value)) for value in values_of(override)):
            raise InputError.at(key, takes=f"a folder {PLAIN}", got=ascii(override.value()))
        is_group = presets.is_group(key)
        if is_group or key == "hydra":
            _check_names(presets, override)
        if is_group and not key.startswith("hydra"):
            _check_group(presets, override)
        if key in TEXTS_OF_HYDRA:
            reader.check_values(override)
        if key.startswith("hydra") or "/" in key or is_group or override.package:
            continue
        schema.check_key(key)
        reader.check_values(override)
    if presets.has_own:
        check_files(presets)


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


def _check_group(presets: Presets, override: Override) -> None:
    """Refuse what is no file of a group, which Hydra would tell of in a traceback, or when it comes to that job."""
    group = override.key_or_group
    if not schema.is_group(group) and group != EXPERIMENT:
        # a group of the user's own, which is added
        pass
    elif (override.is_add() or override.is_force_add()) and not override.package:
        word = str(override.input_line)
        raise InputError(f"{word}: takes no plus; {word.lstrip('+')} takes another file of the group")
    for name in names_of(override):
        if not presets.has(group, name):
            presets.check_ending(group, name)
            raise InputError.at(group, takes=f"one of {', '.join(presets.choices(group))}", got=name)


def _check_names(presets: Presets, override: Override) -> None:
    """Refuse a value for a group, one of Hydra's or ours, that names no file."""
    group = override.key_or_group
    for value in values_of(override):
        names = value if isinstance(value, list) else [value]
        if names and all(isinstance(name, str) for name in names):
            continue
        takes = f"one of {', '.join(presets.choices(group))}"
        if group == "hydra":
            takes = "nothing by itself; its settings are named hydra.run.dir, its files hydra/launcher=joblib"
        wrong = next((name for name in names if not isinstance(name, str)), value)
        raise InputError.at(group, takes=takes, got="null" if wrong is None else str(wrong))


def refused_by_hydra(words: Sequence[str], error: Exception) -> InputError | None:
    """Return in words what Hydra does not compose; None of an error of another kind."""
    if isinstance(error, MissingConfigException):
        return _missing_file(error)
    return _not_composed(words, error) if isinstance(error, HydraException) else None


def _missing_file(error: MissingConfigException) -> InputError:
    """Refuse a file of a group that is not there."""
    if not error.options:
        return InputError(str(error))
    group, _, name = (error.missing_cfg_file or "").rpartition("/")
    return InputError.at(group, takes=f"one of {', '.join(error.options)}", got=name)


def _not_composed(overrides: Sequence[str], error: HydraException) -> InputError:
    """Refuse what Hydra cannot compose."""
    if (added := re.search(r"Could not override '([\w/]+)'. No match in the defaults list", str(error))) is not None:
        takes = "a plus before it, as nothing has chosen a file of this group yet"
        return InputError.at(added[1], takes=takes, got="none")
    # the cause says more, and does not advise to add a setting that nothing reads
    return InputError(f"{list(overrides)}: {str(error.__cause__ or error).splitlines()[0]}")
