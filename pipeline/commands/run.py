"""The pipeline itself, a run or a sweep: Hydra composes the settings, and what fails is told in one line."""

import contextlib
import logging
import os
import sys
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import hydra
from hydra._internal.utils import get_args_parser
from hydra.conf import HydraConf
from hydra.core.config_store import ConfigStore
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from pipeline.commands.arguments import arranged
from pipeline.commands.completion import NAME
from pipeline.commands.composed import compose_runs_once
from pipeline.commands.table import listing
from pipeline.runtime.errors import InputError, one_line, why
from pipeline.runtime.output import keep_going
from pipeline.runtime.processes import end_with_parent
from pipeline.runtime.signals import listen, raise_lost_stop, stopped_is_stopped
from pipeline.settings import schema
from pipeline.settings.compose import check_overrides, refused_by_hydra, wrong_file
from pipeline.settings.config import Config
from pipeline.settings.interpolations import why as why_unresolved
from pipeline.settings.preset_check import blamed
from pipeline.settings.presets import CONF, VERSION_BASE, Presets, know_types, prefer_conf
from pipeline.settings.words import spelled
from pipeline.sweeps import jobs, launchers
from pipeline.sweeps.callback import SWEEP_FOLDER, SweepCallback, given_words, made
from pipeline.sweeps.end import end
from pipeline.sweeps.folder import Sweep, read, told_apart
from pipeline.tracking.addresses import sqlite_uri

if TYPE_CHECKING:
    from pipeline.engine.ahead import Ahead

logger = logging.getLogger(__name__)

INTERRUPTED = 130
HELP = """\
${{hydra.help.app_name}} is powered by Hydra.

== Commands ==
As the first word, with words of their own (mnist-dream rerun --help); python -m pipeline.rerun is the same

{listing}
"""
# The files of conf/hydra that are taken unless another is named.
HYDRA_CHOICES = {"launcher": "in_order", "job_logging": "to_file"}


def command() -> int:
    """Do what the words of the command line say; returns the exit code."""
    # otherwise the record of a stage that is terminated would stay "running"
    listen()
    # a log that cannot be written, as on a full disk, is told by the error that follows
    logging.raiseExceptions = False
    # a worker would take the files of the current folder for modules, where this process does not
    if not {"", str(Path.cwd())} & set(sys.path):
        os.environ.setdefault("PYTHONSAFEPATH", "1")
    # Ray would report to its makers
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    # and hide the GPUs from a job that asks it for none; a job takes one by itself
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    if "HYDRA_FULL_ERROR" in os.environ:
        _entry()
        return 0
    # Hydra would print a traceback and exit; like this the errors come here
    os.environ["HYDRA_FULL_ERROR"] = "1"
    os.environ.pop(SWEEP_FOLDER, None)
    code, interrupted = 0, True
    try:
        code, interrupted = _outcome(), False
    finally:
        os.environ.pop("HYDRA_FULL_ERROR", None)
        # what the callback of a sweep has left here
        if folder := os.environ.pop(SWEEP_FOLDER, None):
            try:
                code = max(code, end(Path(folder), interrupted=interrupted or code == INTERRUPTED))
            except (InputError, OSError) as error:
                code = _refused(error)
    return code


def _entry() -> None:
    """Let Hydra compose the settings, and call `_job` with them, in a sweep again and again."""
    prepare_hydra()
    if "--version" in sys.argv[1:]:
        print(f"{NAME} {version(NAME)}, Hydra {hydra.__version__}")
        return
    sys.argv[1:] = arranged(sys.argv[1:], get_args_parser(), spelled)
    asked = get_args_parser().parse_known_args(sys.argv[1:])[0]
    if asked.help:
        _show_commands()
    if asked.hydra_help and Path(sys.argv[0]).name == "__main__.py":
        # it names the command whose words a shell can complete
        sys.argv[0] = NAME
    if asked.config_path is None:
        _choose_own_presets()
    check_overrides(Presets.of_command(sys.argv[1:]))
    hydra.main(config_path=str(CONF), config_name="config", version_base=VERSION_BASE)(_job)()


def prepare_hydra() -> None:
    """Tell Hydra of the types of the settings, of what the files of conf/hydra call, and what it is not to do."""
    know_types()
    OmegaConf.register_new_resolver("jobs_at_once", launchers.jobs_at_once, replace=True)
    OmegaConf.register_new_resolver("sqlite_uri", lambda file: sqlite_uri(Path(file)), replace=True)
    prefer_conf()
    _look_before_writing()
    compose_runs_once()


def _outcome() -> int:
    """Return the exit code of what was asked for; what went wrong is told in one line, of a sweep by its end."""
    try:
        with stopped_is_stopped():
            _entry()
            raise_lost_stop()
    except KeyboardInterrupt:
        return _refused("interrupted", INTERRUPTED)
    except InputError as error:
        return _refused(error)
    except OmegaConfBaseException as error:
        # of what Hydra itself reads before anything begins; it does not always say where that stands
        words = ", ".join(word for word in sys.argv[1:] if "${" in word)
        return _refused(f"{error.full_key or words or 'the settings'}: {why_unresolved(error)}")
    except Exception as error:
        return _ended(error)
    return 0


def _ended(error: Exception) -> int:
    """Tell in one line what ended a command; raise what a traceback alone tells."""
    try:
        wrong = wrong_file(Presets.of_command(sys.argv[1:]))
    except InputError as gone:
        wrong = gone
    told = wrong or refused_by_hydra(sys.argv[1:], error) or (error if isinstance(error, OSError) else None)
    if told is not None:
        return _refused(told)
    if SWEEP_FOLDER not in os.environ:
        raise error
    # of a launcher, such as that one of its workers was killed; its jobs are looked at when the sweep ends
    return _refused(f"the sweep ended early: {one_line(error)}", 1)


def _job(composed: DictConfig, *, ahead: "Ahead | None" = None, upcoming: DictConfig | None = None) -> float | None:
    """Execute one composition: a run, or one job of a sweep; return its figure, for an optimizer.

    Args:
        ahead: of the jobs of a sweep that share a process, what computes a result before its turn.
        upcoming: the composition of the next of these jobs, None if there is none.
    """
    raise_lost_stop()
    # a worker of a launcher is a process of its own
    keep_going()
    hydra_config = HydraConfig.get()
    run_dir = Path(hydra_config.runtime.output_dir)
    made_here = made()
    overrides = given_words(hydra_config)
    end_with_parent()
    sweep = read(Path(hydra_config.sweep.dir)) if hydra_config.mode is RunMode.MULTIRUN else None
    attempt = None
    try:
        _refuse_other_launcher(hydra_config, sweep)
        _settle_resources(composed, hydra_config)
        with jobs.attempt(
            run_dir, overrides, sweep_id=sweep.id if sweep else None, settings=_settings_files(composed, overrides),
            alone=sweep is not None and sweep.jobs is not None,
        ) as attempt:  # fmt: skip
            if attempt is None:
                return None
            config = _checked(composed, hydra_config)
            # with what was left to the CNN
            text = schema.to_text(composed)

            from pipeline.commands.execute import run
            from pipeline.sweeps.objective_value import objective_value

            tags = {"sweep_id": sweep.id} if sweep else {}
            named_by = told_apart(sweep, overrides) if sweep else overrides
            outcomes = run(
                config, run_dir, composed=text, overrides=overrides, named_by=named_by, tags=tags, ahead=ahead,
                upcoming=lambda: None if upcoming is None else schema.to_config(upcoming),
            )  # fmt: skip
            attempt.end(jobs.FINISHED, stages={name: outcome.described() for name, outcome in outcomes.items()})
            return objective_value(outcomes)
    except Exception as error:
        if sweep is None and isinstance(error, InputError | OSError) and (attempt is None or not attempt.has_results):
            made_here.remove()
        else:
            # into the log of the job; on the terminal one line stands for it
            with contextlib.suppress(OSError):
                logger.info("the job failed", exc_info=True)
        if sweep is not None:
            if attempt is None:
                # nothing in its folder says so
                _refused(error)
            # the other jobs go on; the end of the sweep lists what failed
            return None
        if not isinstance(error, InputError | OSError):
            raise
        sys.exit(_refused(error))


def _checked(composed: DictConfig, hydra_config: HydraConf) -> Config:
    """Return the typed settings; what is wrong is told with the file of the user's own that says it."""
    try:
        return schema.to_config(composed)
    except InputError as error:
        raise blamed(Presets.of_job(hydra_config), error) from error


def _settings_files(composed: DictConfig, overrides: list[str]) -> dict[str, str]:
    """Return what Hydra itself would write into the folder of a job before that has looked at its settings."""
    contents = {
        "config": OmegaConf.to_yaml(composed),
        "hydra": OmegaConf.to_yaml(HydraConfig.instance().cfg),
        "overrides": OmegaConf.to_yaml(OmegaConf.create(overrides)),
    }
    return {f"{jobs.SETTINGS}/{name}.yaml": content for name, content in contents.items()}


def _look_before_writing() -> None:
    """Let Hydra, also with a config of the user's, call `SweepCallback`, and leave it to a job to write its settings.

    Hydra would write them before they are checked, over those of an earlier job.
    """
    defaults = ConfigStore.instance().repo["hydra"]["config.yaml"].node
    defaults.output_subdir = None
    defaults.callbacks = {"sweep": {"_target_": f"{SweepCallback.__module__}.{SweepCallback.__name__}"}}


def _choose_own_presets() -> None:
    """Let Hydra take the launcher and the log of conf/hydra, which are not there with another folder of settings.

    Chosen in config.yaml, a file of settings of the user's could not choose others.
    """
    for choice in ConfigStore.instance().repo["hydra"]["config.yaml"].node.defaults:
        choice.update({group: name for group, name in HYDRA_CHOICES.items() if group in choice})


def _show_commands() -> None:
    """Let Hydra's help begin with the commands; only where it is asked for, as jobs keep Hydra's settings in a file."""
    defaults = ConfigStore.instance().repo["hydra"]["config.yaml"].node
    defaults.help.header = HELP.format(listing=listing())


def _refuse_other_launcher(hydra_config: HydraConf, sweep: Sweep | None) -> None:
    """Refuse a launcher that a swept file of settings names: when that is read, another one has started the job."""
    chosen = hydra_config.runtime.choices["hydra/launcher"]
    if sweep is not None and sweep.launcher not in (None, chosen):
        takes = f"one launcher for all jobs of a sweep, on the command line: hydra/launcher={chosen}"
        raise InputError.at("hydra/launcher", takes=takes, got=f"{chosen}, by the settings of one job")


def _settle_resources(composed: DictConfig, hydra_config: HydraConf) -> None:
    """Set runtime.threads, in a sweep, to what the launcher leaves a job, and take a GPU for it."""
    if hydra_config.mode is not RunMode.MULTIRUN:
        return
    launcher = hydra_config.runtime.choices["hydra/launcher"]
    given = composed.runtime.threads
    composed.runtime.threads = launchers.threads_of_job(given, launcher=launcher, settings=hydra_config.launcher)
    launchers.settle_gpu(launcher)


def _writing_failed(error: OSError) -> str:
    """Say that writing failed: what is read is refused by its setting, so that folders are left that are written to."""
    takes = "folders that can be written to, with room for the results"
    return str(InputError.at("output_dir, hydra.run.dir", takes=takes, got=why(error)))


def _refused(error: object, code: int = 2) -> int:
    message = _writing_failed(error) if isinstance(error, OSError) else str(error)
    # blanks may be those of a word that is to be written so
    print(f"mnist-dream: {' '.join(line.strip() for line in message.splitlines())}", file=sys.stderr)
    return code
