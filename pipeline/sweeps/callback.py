"""The callback of Hydra before a run, or the jobs of a sweep. With the command line the only place that knows Hydra."""

import contextlib
import json
import logging
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, cast

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException

from pipeline.engine.folders import free_place, missing_folders, remove_empty
from pipeline.engine.provenance import conf_digest
from pipeline.runtime.errors import InputError
from pipeline.settings import schema
from pipeline.settings.compose import check_composed, check_overrides
from pipeline.settings.preset_check import check_files
from pipeline.settings.presets import Presets
from pipeline.settings.process import TrackingConfig
from pipeline.sweeps.begin import begin, refuse_another
from pipeline.sweeps.jobs import shared

logger = logging.getLogger(__name__)

# What of a command says where the sweep lies, and not what it is.
PLACE = "hydra.sweep.dir="
# Where the command line finds, when the jobs are done, the folder of the sweep that it began.
SWEEP_FOLDER = "MNIST_DREAM_SWEEP_FOLDER"
# Where a run finds what was made for it.
MADE = "MNIST_DREAM_MADE"
LOG = "${hydra.runtime.output_dir}/${hydra.job.name}.log"


class Made(NamedTuple):
    """The things that a command has made for a run: folders, the innermost first; log: a file, None if not ours."""

    folders: list[str]
    log: str | None

    def remove(self) -> None:
        """Remove it, as far as nothing else lies there."""
        if self.log is not None:
            with contextlib.suppress(OSError):
                Path(self.log).unlink(missing_ok=True)
        remove_empty(map(Path, self.folders))


def made() -> Made:
    """Return what was made for this run; nothing for a job of a sweep."""
    return Made(*json.loads(os.environ.pop(MADE, "[[], null]")))


class SweepCallback(Callback):
    """The callback that begins the record of a sweep, and looks where a run will lie before its folder is made.

    Hydra would tell of an error here in the middle of a warning.
    """

    def on_run_start(self, config: DictConfig, **_: Any) -> None:
        """Note what is made for a run, and choose a name for its log that no earlier one has."""
        with _refusing(), known_to_resolvers(config):
            check_composed(config)
            folder = Path(config.hydra.run.dir).absolute()
        log = None
        settings = cast(dict[str, Any], OmegaConf.to_container(config.hydra.job_logging))
        if settings.get("handlers", {}).get("file", {}).get("filename") == LOG:
            # that of an earlier run stays as it is
            log = str(free_place(folder, config.hydra.job.name, ".log"))
            with open_dict(config):
                # where it cannot be made, the job says so
                config.hydra.job_logging.handlers.file.update({"filename": log, "delay": True})
        os.environ[MADE] = json.dumps([list(map(str, missing_folders(folder))), log])

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:
        """Hold the folder of a sweep, and begin its record there; end the command if the folder is another's."""
        command = [word for word in sys.argv[1:] if not word.startswith(PLACE)]
        with _refusing(), known_to_resolvers(config):
            presets = Presets.of_command(command)
            _check_jobs(config, presets)
        with _refusing():
            try:
                # where the sweeper reads it nothing is known of Hydra yet
                folder = Path(config.hydra.sweep.dir).absolute()
            except OmegaConfBaseException as error:
                takes = "a folder; that, and output_dir in it, cannot be by ${hydra:...} in a sweep"
                raise InputError.at("hydra.sweep.dir", takes=takes, got=str(error).splitlines()[0]) from error
        with _refusing():
            # the jobs' files, before anything is written
            check_files(presets, conf=True, words=True)
            _refuse_shared(config)
            _refuse_swept(config)
            refuse_another(folder, command)
        os.environ[SWEEP_FOLDER] = str(folder)
        try:
            with known_to_resolvers(config):
                tracking = cast(TrackingConfig, OmegaConf.to_object(config.tracking))
                output_dir = Path(config.output_dir)
            begin(
                folder,
                command=command,
                jobs=_jobs(config),
                conf=conf_digest(presets.main, *check_files(presets)),
                launcher=config.hydra.runtime.choices["hydra/launcher"],
                tracking=tracking,
                output_dir=output_dir,
            )
        except Exception:
            # what is wrong with the settings or the folder, the jobs say themselves
            logger.debug("the record of the sweep could not be begun", exc_info=True)


def _refuse_shared(config: DictConfig) -> None:
    """Refuse a folder that is the same for all jobs; of one that depends on settings, a job itself can tell."""
    subdir = _unresolved(config, "subdir")
    if "${" in subdir:
        return
    jobs = None
    with contextlib.suppress(HydraException):
        # what is wrong with the words, the sweeper says
        jobs = _jobs(config)
    if jobs is None or len(jobs) > 1:
        raise shared(subdir)


def _refuse_swept(config: DictConfig) -> None:
    """Refuse a folder of the whole sweep that would be another one for each job."""
    place = _unresolved(config, "dir")
    for override in _read(given_words(config.hydra)):
        key = override.key_or_group
        if override.is_sweep_override() and re.search(rf"\$\{{{re.escape(key)}[.}}]", place):
            takes = "one folder for all jobs; hydra.sweep.subdir is that of a job"
            raise InputError.at("hydra.sweep.dir", takes=takes, got=f"{place}, and {key} is swept")


@contextlib.contextmanager
def known_to_resolvers(composed: DictConfig) -> Iterator[None]:
    """Let ${hydra:runtime.cwd} and the like be looked up in a composition, as Hydra does it when a job begins."""
    state = HydraConfig.instance()
    before, state.cfg = state.cfg, cast(Any, composed)
    try:
        yield
    finally:
        state.cfg = before


@contextlib.contextmanager
def _refusing() -> Iterator[None]:
    """End the command with what is refused: an error would be a warning of Hydra's, and the command would go on."""
    try:
        yield
    except InputError as error:
        print(f"mnist-dream: {error}", file=sys.stderr)
        sys.exit(2)


def _check_jobs(config: DictConfig, presets: Presets) -> None:
    """Refuse a sweep that cannot be: also for a ${...} of a job, beside the first values of what else is swept."""
    check_composed(config)
    params = [f"{key}={value}" for key, value in (config.hydra.sweeper.get("params") or {}).items()]
    check_overrides(presets.of_sweep(params))
    swept = [one for one in _read([*params, *given_words(config.hydra)]) if one.is_sweep_override()]
    values = {one.key_or_group: [] if one.is_interval_sweep() else list(one.sweep_string_iterator()) for one in swept}
    first = {key: some[0] for key, some in values.items() if some}
    for key, some in values.items():
        for value in (value for value in some if "$" in value):
            job = [f"{name}={one}" for name, one in {**first, key: value}.items()]
            # any other error is told when it comes to that job
            with contextlib.suppress(HydraException, OmegaConfBaseException):
                composed = GlobalHydra.instance().config_loader().load_sweep_config(config, job)
                with known_to_resolvers(composed):
                    schema.check_references(composed)


def given_words(hydra_config: Any) -> list[str]:
    """Return the overrides of a composition as they were given, without what a ${...} in them stands for."""
    return cast(list[str], OmegaConf.to_container(hydra_config.overrides.task, resolve=False))


def _jobs(config: DictConfig) -> list[list[str]] | None:
    """Return the overrides of every job, if it is Hydra's own sweeper that makes them."""
    sweeper = config.hydra.sweeper
    if not str(sweeper.get("_target_", "")).endswith(".BasicSweeper"):
        return None
    params = [f"{key}={value}" for key, value in (sweeper.params or {}).items()]
    (jobs,) = BasicSweeper.split_arguments(_read([*params, *given_words(config.hydra)]), None)
    return jobs


def _read(words: list[str]) -> list[Override]:
    """Return words as Hydra reads them, which knows the files that glob(*) means."""
    parser = OverridesParser.create(config_loader=GlobalHydra.instance().config_loader())
    return cast(list[Override], parser.parse_overrides(words))


def _unresolved(config: DictConfig, name: str) -> str:
    """Return a folder of the sweep as it was given."""
    return str(cast(dict[str, Any], OmegaConf.to_container(config.hydra.sweep, resolve=False))[name])
