"""One run of the pipeline: reads what its stages need, lets the engine finish them, and tells where the results lie."""

import contextlib
import dataclasses
import functools
import json
import logging
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pipeline.commands.picture_range import dataset_for, say_other_order
from pipeline.commands.summary import summary
from pipeline.core.preprocessing import Preprocessing
from pipeline.data.dataset import Dataset
from pipeline.data.datasets import load_dataset
from pipeline.data.files import state_of
from pipeline.data.pixels import FOLDER as PIXELS
from pipeline.engine import provenance
from pipeline.engine.ahead import Ahead
from pipeline.engine.execution import Execution, StageOutcome
from pipeline.engine.places import check_place, folder_to_fill
from pipeline.engine.plan import Next, PinnedResult, Plan
from pipeline.engine.stage import needed
from pipeline.runtime.errors import without_passwords
from pipeline.runtime.output import shell_word
from pipeline.runtime.progress import Bars, late_bars, recording
from pipeline.runtime.signals import stoppable
from pipeline.runtime.tensorflow import cpu_threads, release_tensorflow
from pipeline.settings.config import Config
from pipeline.settings.data import DataConfig
from pipeline.stages.registry import STAGES, TRAINING, stages_of
from pipeline.tracking import Tracker, open_tracker

logger = logging.getLogger(__name__)


def run(
    config: Config,
    run_dir: Path,
    *,
    composed: str,
    overrides: list[str],
    named_by: list[str] | None = None,
    tags: Mapping[str, str] | None = None,
    pinned: Mapping[str, PinnedResult] | None = None,
    ahead: Ahead | None = None,
    upcoming: Callable[[], Config | None] = lambda: None,
) -> dict[str, StageOutcome]:
    """Bring about the results of `config.stages` in `run_dir`, one folder for each stage.

    Whatever can be refused is refused before anything is computed or written.

    Args:
        config: the settings.
        run_dir: where the folders of the stages come to lie.
        composed: the composed settings as YAML, for the record.
        overrides: what of them was given on the command line; named_by: what of that names the runs, None for all.
        tags: of the runs in the record, such as the sweep that this is a job of.
        pinned: results that are taken as they are, by stage.
        ahead: what computes a result while the one before it is drawn and recorded, if it is to outlive this run.
        upcoming: returns the settings of the run that follows this one, None if that is not known; called in a thread.
    Returns:
        stage -> what became of it, in the order of all stages.
    Raises:
        InputError: data, weights or a photo that cannot be read, an index that is not there.
    """
    known = stages_of(config.model)
    stages = needed(known, config.stages)
    check_place(run_dir, stages, output_dir=Path(config.output_dir))
    plan = _plan(config, pinned or {})
    if config.model.is_from_file:
        _tell_of_file(config, overrides)
        say_other_order(config, plan.dataset)
    if ahead is None or not ahead.is_busy:
        release_tensorflow()
    is_shared = cpu_threads(config.runtime) > 1
    pipeline_id = uuid.uuid4().hex
    tracker = open_tracker(config.tracking, Path(config.output_dir), pipeline_id=pipeline_id)
    with folder_to_fill(run_dir, stages) as folder, contextlib.ExitStack() as stack:
        try:
            with Bars() as bars:
                execution = Execution(
                    plan=plan,
                    run_dir=folder,
                    # it becomes an artifact that others may read
                    composed=without_passwords(composed),
                    process=_process(config, overrides, named_by, pipeline_id),
                    tags=tags or {},
                    progress=stoppable(bars),
                    tracker=tracker,
                    # who asks for one thread gets no second one
                    ahead=ahead if ahead and is_shared else stack.enter_context(Ahead(enabled=is_shared)),
                    after_all=functools.partial(_next_of, upcoming),
                )
                outcomes = {name: execution.finish(name) for name in known if name in config.stages}
        finally:
            with recording():
                tracker.wait()
    outcomes = {name: dataclasses.replace(outcome, folder=run_dir / name) for name, outcome in outcomes.items()}
    print(summary(outcomes, look_at_record=_look_at_record(config, tracker)))
    return outcomes


def _tell_of_file(config: Config, overrides: list[str]) -> None:
    """Say which layer of a CNN out of a file is looked at unless a setting names another, and what has no effect."""
    sides = " x ".join(map(str, config.model.input_shape))
    said = f"pictures of {sides}; {config.model.layer} is looked at, unless a setting names another layer"
    print(f"{config.model.path or config.model.weights}: {said}", flush=True)
    ignored = [word for word in overrides if word.startswith((f"{TRAINING}.", f"{TRAINING}="))]
    if ignored:
        logger.warning("nothing is trained, so that there is no effect of %s", " ".join(ignored))


def _plan(config: Config, pinned: Mapping[str, PinnedResult]) -> Plan:
    """Return the settings with all that they name; reads it."""
    dataset = dataset_for(config, functools.partial(_dataset_of, config))
    known = stages_of(config.model)
    inputs = {name: known[name].inputs(config, dataset) for name in needed(known, config.stages)}
    return Plan(stages=known, config=config, dataset=dataset, inputs=inputs, pinned=pinned)


def _dataset_of(config: Config, preprocessing: Preprocessing | None) -> Dataset:
    """Return the data set of the settings in the size and colours of the CNN, with the numbers of a preprocessing."""
    nested = config.data.name == "folder"
    written = None if config.data.path is None else state_of(Path(config.data.path), nested=nested)
    cache = Path(config.output_dir) / "store" / PIXELS
    height, width, channels = config.model.input_shape
    data = json.dumps(dataclasses.asdict(config.data))
    return _dataset(data, (height, width), channels, preprocessing, cache, written)


@functools.lru_cache(maxsize=2)
def _dataset(
    data: str,
    size: int | tuple[int, int],
    channels: int,
    preprocessing: Preprocessing | None,
    cache: Path,
    written: Any,
) -> Dataset:
    """Return the data set; loaded once for the jobs of a sweep that share a process, as long as its files stay.

    Args:
        data: the settings, as JSON.
        size, channels, preprocessing, cache: see `load_dataset`.
        written: see `files.state_of`.
    """
    del written
    with late_bars() as progress:
        return load_dataset(
            DataConfig(**json.loads(data)),
            size=size,
            channels=channels,
            preprocessing=preprocessing,
            cache=cache,
            progress=stoppable(progress),
        )


def _next_of(upcoming: Callable[[], Config | None]) -> Next | None:
    """Return what the run that follows will compute first, and what can be computed now."""
    config = upcoming()
    return None if config is None else _plan(config, {}).next()


def _process(
    config: Config, overrides: list[str], named_by: list[str] | None, pipeline_id: str
) -> Callable[[], dict[str, Any]]:
    """Return what describes this process, once; it is not asked where every stage is there already."""

    @functools.cache
    def process() -> dict[str, Any]:
        described = provenance.describe_process(
            overrides, threads=cpu_threads(config.runtime), deterministic=config.runtime.deterministic
        )
        names = overrides if named_by is None else named_by
        return {**described, "named_by": list(map(without_passwords, names)), "pipeline_id": pipeline_id}

    return process


def _look_at_record(config: Config, tracker: Tracker) -> str | None:
    """Return the address of the last stage's comparison, or the command that shows it; None if nothing is recorded."""
    wanted = [name for name in STAGES if name in config.stages]
    compared = [name for name in wanted if STAGES[name].shows.compared]
    page = tracker.page((compared or wanted)[-1])
    if tracker.address is None or config.tracking.uri is not None:
        return page or tracker.address
    if Path(config.output_dir) == Path("outputs"):
        # an installed package has no Makefile
        is_checkout = (provenance.PACKAGE.parent / "Makefile").is_file()
        return "make ui   (or: python -m pipeline.ui)" if is_checkout else "mnist-dream ui"
    return f"python -m pipeline.ui --output-dir {shell_word(config.output_dir)}"
