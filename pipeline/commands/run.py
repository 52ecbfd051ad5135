"""The pipeline itself, a run or a sweep: Hydra composes the settings, and what fails is told in one line."""

import contextlib
import logging
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import hydra
from hydra._internal.utils import get_args_parser
from hydra.conf import HydraConf
from hydra.core.config_store import ConfigStore
from hydra.core.hydra_config import HydraConfig
from hydra.core.plugins import Plugins
from hydra.errors import HydraException, MissingConfigException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from yaml import YAMLError

from pipeline.commands.composed import compose_runs_once
from pipeline.commands.table import listing
from pipeline.runtime.errors import InputError, one_line, why
from pipeline.runtime.output import keep_going
from pipeline.runtime.processes import end_with_parent
from pipeline.runtime.signals import listen, raise_lost_stop, stopped_is_stopped
from pipeline.settings import schema
from pipeline.settings.compose import CONF, check_overrides, missing_file, not_composed
from pipeline.settings.config import Config
from pipeline.sweeps import jobs, launchers
from pipeline.sweeps.callback import SWEEP_FOLDER, SweepCallback, made
from pipeline.sweeps.end import end
from pipeline.sweeps.folder import read, told_apart
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


def command() -> int:
    """Do what the words of the command line say; returns the exit code."""
    # otherwise the record of a stage that is terminated would stay "running"
    listen()
    # a log that cannot be written, as on a full disk, is told by the error that follows
    logging.raiseExceptions = False
    # Ray would report to its makers
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
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
    if get_args_parser().parse_known_args(sys.argv[1:])[0].help:
        _show_commands()
    check_overrides(sys.argv[1:])
    hydra.main(config_path=str(CONF), config_name="config", version_base="1.3")(_job)()


def prepare_hydra() -> None:
    """Tell Hydra of the types of the settings, of what the files of conf/hydra call, and what it is not to do."""
    ConfigStore.instance().store(name="schema", node=Config)
    OmegaConf.register_new_resolver("jobs_at_once", launchers.jobs_at_once, replace=True)
    OmegaConf.register_new_resolver("sqlite_uri", lambda file: sqlite_uri(Path(file)), replace=True)
    _prefer_own_presets()
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
    except MissingConfigException as error:
        return _refused(missing_file(error))
    except HydraException as error:
        return _refused(not_composed(sys.argv[1:], error))
    except (InputError, OSError) as error:
        return _refused(error)
    except YAMLError as error:
        # Hydra does not say of which file
        return _refused(f"a file of conf/ is no YAML: {error}")
    except Exception as error:
        if SWEEP_FOLDER not in os.environ:
            raise
        # of a launcher, such as that one of its workers was killed; its jobs are looked at when the sweep ends
        return _refused(f"the sweep ended early: {one_line(error)}", 1)
    return 0


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
    overrides = list(hydra_config.overrides.task)
    end_with_parent()
    sweep = read(Path(hydra_config.sweep.dir)) if hydra_config.mode is RunMode.MULTIRUN else None
    attempt = None
    try:
        _settle_threads(composed, hydra_config)
        with jobs.attempt(
            run_dir, overrides, sweep_id=sweep.id if sweep else None, settings=_settings_files(composed, overrides)
        ) as attempt:
            if attempt is None:
                return None
            config = schema.to_config(composed)
            # with what was left to the CNN
            text = OmegaConf.to_yaml(composed, resolve=True)

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
            # the other jobs go on; the end of the sweep lists what failed
            return None
        if not isinstance(error, InputError | OSError):
            raise
        sys.exit(_refused(error))


def _settings_files(composed: DictConfig, overrides: list[str]) -> dict[str, str]:
    """Return what Hydra itself would write into the folder of a job before that has looked at its settings."""
    contents = {
        "config": OmegaConf.to_yaml(composed),
        "hydra": OmegaConf.to_yaml(HydraConfig.instance().cfg),
        "overrides": OmegaConf.to_yaml(OmegaConf.create(overrides)),
    }
    return {f"{jobs.SETTINGS}/{name}.yaml": content for name, content in contents.items()}


def _prefer_own_presets() -> None:
    """Forget what the launchers' and sweepers' plugins say of themselves wherever conf/hydra has a file of that name:
    Hydra would make the file fit the plugin's schema, and refuse it where that has a list of defaults."""
    Plugins.instance()  # which reads the plugins
    plugins = ConfigStore.instance().repo["hydra"]
    for file in (CONF / "hydra").glob("*/*.yaml"):
        plugins[file.parent.name].pop(file.name, None)


def _look_before_writing() -> None:
    """Let Hydra, also with a config of the user's, call `SweepCallback`, and leave it to a job to write its settings.

    Hydra would write them before they are checked, over those of an earlier job.
    """
    defaults = ConfigStore.instance().repo["hydra"]["config.yaml"].node
    defaults.output_subdir = None
    defaults.callbacks = {"sweep": {"_target_": f"{SweepCallback.__module__}.{SweepCallback.__name__}"}}


def _show_commands() -> None:
    """Let Hydra's help begin with the commands; only where it is asked for, as jobs keep Hydra's settings in a file."""
    defaults = ConfigStore.instance().repo["hydra"]["config.yaml"].node
    defaults.help.header = HELP.format(listing=listing())


def _settle_threads(composed: DictConfig, hydra_config: HydraConf) -> None:
    """Set runtime.threads, in a sweep, to what the launcher leaves a job."""
    if hydra_config.mode is not RunMode.MULTIRUN:
        return
    launcher = hydra_config.runtime.choices["hydra/launcher"]
    given = composed.runtime.threads
    composed.runtime.threads = launchers.threads_of_job(given, launcher=launcher, settings=hydra_config.launcher)


def _writing_failed(error: OSError) -> str:
    """Say that writing failed: what is read is refused by its setting, so that folders are left that are written to."""
    takes = "folders that can be written to, with room for the results"
    return str(InputError.at("output_dir, hydra.run.dir", takes=takes, got=why(error)))


def _refused(error: object, code: int = 2) -> int:
    message = _writing_failed(error) if isinstance(error, OSError) else str(error)
    print(f"mnist-dream: {' '.join(message.split())}", file=sys.stderr)
    return code
