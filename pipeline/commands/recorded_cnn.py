"""The CNN of a recorded run: its folder, with the model, wherever that is kept."""

import argparse
import contextlib
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from pipeline.commands.recorded_run import Recorded, Said, opened, stored_result
from pipeline.engine import storage
from pipeline.engine.plan import PinnedResult
from pipeline.runtime.errors import InputError
from pipeline.settings.choices import TrackingBackend
from pipeline.settings.config import Config
from pipeline.settings.process import TrackingConfig
from pipeline.stages.registry import STAGES
from pipeline.sweeps import jobs
from pipeline.tracking.fetching import fetch_model


def stage_of(run: str, stages: Sequence[str]) -> str:
    """Return the stage's folder to begin with, of the folder of a run with several stages; anything else as it is.

    Args:
        stages: the first of them that is there.
    """
    with contextlib.suppress(OSError):
        for stage in stages:
            if (Path(run) / stage / storage.RECORD).is_file() and not (Path(run) / storage.RECORD).is_file():
                return str(Path(run) / stage)
    return run


@contextlib.contextmanager
def training_of(recorded: Recorded, cnn: str, options: argparse.Namespace) -> Iterator[Recorded]:
    """Give the record of the training, or of the CNN out of a file, that a recorded stage stands on, or is itself.

    Args:
        cnn: the stage that has handed the CNN on.
        options: those of the command: run, output_dir and uri.
    Raises:
        InputError: it is neither beside it nor in the store.
    """
    if recorded.stage == cnn:
        yield recorded
        return
    key = storage.load_upstream(recorded.folder).get(cnn)
    upstream = recorded.upstream or stored_result(options.output_dir, cnn, key)
    if upstream is None:
        takes = f"a run whose training is beside it, or in the store of {options.output_dir}"
        raise InputError.at("RUN", takes=takes, got=options.run)
    with opened(str(upstream), options.output_dir, options.uri) as training:
        yield training


@contextlib.contextmanager
def with_model(training: Recorded, options: argparse.Namespace) -> Iterator[Path]:
    """Give the folder of a training with its model, which MLflow keeps elsewhere; or of a CNN out of a file."""
    if (training.folder / storage.MODEL).is_file() or STAGES[training.stage].kept(training.folder):
        problem = storage.problem(training.folder, thorough=True)
        if problem is not None:
            raise InputError.at("RUN", takes="a training as it was saved", got=f"{training.folder}: {problem}")
        yield training.folder
        return
    stored = stored_result(options.output_dir, training.stage, training.described["record"]["key"])
    if stored is not None:
        yield stored
        return
    if training.run_id is None:
        takes = f"a training with its model, or one that is in the store of {options.output_dir}"
        raise InputError.at("RUN", takes=takes, got=f"{training.folder} without {storage.MODEL}")
    with TemporaryDirectory() as scratch:
        place = Path(scratch, training.stage)
        shutil.copytree(training.folder, place)
        tracking = TrackingConfig(backend=TrackingBackend.mlflow, uri=options.uri, experiment="mnist-dream")
        fetch_model(tracking, options.output_dir, training.run_id, place)
        yield place


def execute_alone(
    config: Config, run_dir: Path, composed: str, said: Said, words: Sequence[str], pinned: dict[str, PinnedResult]
) -> Path:
    """Execute the one stage that a command makes, as an attempt of its own; return its folder.

    Args:
        config, composed: the settings, and the same as YAML.
        said: what names the run.
        words: of the command.
        pinned: the results that it stands on, by stage.
    """
    # late: it is not needed to refuse
    from pipeline.commands.execute import run

    with jobs.attempt(run_dir, words) as attempt:
        assert attempt is not None
        outcomes = run(
            config, run_dir, composed=composed, overrides=said.overrides, named_by=said.named_by, pinned=pinned
        )
        attempt.end(jobs.FINISHED, stages={name: outcome.described() for name, outcome in outcomes.items()})
    (stage,) = config.stages
    return outcomes[stage].folder


def kept_in(place: Path, options: argparse.Namespace) -> Path:
    """Return the folder that keeps the files that a stage has read: in the store, where it stays, else this one."""
    record = storage.load_record(place)
    return stored_result(options.output_dir, record.stage, record.key) or place
