"""The order of the stages, and the reuse of what was computed before."""

import functools
import logging
import shlex
import uuid
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.commands.summary import summary
from pipeline.core.colour import luma, rounded
from pipeline.core.geometry import receptive_field
from pipeline.data.dataset import Dataset
from pipeline.data.datasets import load_dataset
from pipeline.data.photos import load_mask, load_photo, photo_size
from pipeline.engine import provenance
from pipeline.engine.dependencies import DREAMS, needed
from pipeline.engine.execution import Execution, Given, StageOutcome
from pipeline.engine.inputs import Inputs
from pipeline.engine.places import check_place, folder_to_fill
from pipeline.engine.storage import load_initial_weights
from pipeline.runtime.errors import InputError, without_passwords
from pipeline.runtime.progress import Bars
from pipeline.runtime.signals import stoppable
from pipeline.runtime.tensorflow import cpu_threads, release_tensorflow, start_tensorflow
from pipeline.settings.choices import Fit, Objective, Stage, StartImage
from pipeline.settings.config import Config
from pipeline.stages.activations.selection import chosen_indices
from pipeline.stages.dream.fitting import check_dream
from pipeline.stages.dream.variants import variants_of
from pipeline.stages.oip.classes import check_classes, images_of_class
from pipeline.tracking import Tracker, open_tracker

FLAT = (
    "oip.layer=%s: before its activation function the mean of a first convolution is a weighted sum of the pixels, so "
    "that its OIPs are flat; oip.objective=activation shows what it reacts to"
)

logger = logging.getLogger(__name__)


def run(
    config: Config,
    run_dir: Path,
    *,
    composed: str,
    overrides: list[str],
    named_by: list[str] | None = None,
    tags: Mapping[str, str] | None = None,
    given: Mapping[Stage, Given] | None = None,
) -> dict[Stage, StageOutcome]:
    """Bring about the results of `config.stages` in `run_dir`, one folder for each stage.

    Whatever can be refused is refused before anything is computed or written.

    Args:
        composed: the composed settings as YAML, for the record.
        overrides: what of them was given on the command line; named_by: what of that names the runs, None for all.
        tags: of the runs in the record, such as the sweep that this is a job of.
        given: results that are taken as they are.
    Raises:
        InputError: data, weights or a photo that cannot be read, an index that is not there.
    """
    stages = [stage.value for stage in Stage if stage in needed(config.stages)]
    check_place(run_dir, stages, output_dir=Path(config.output_dir))
    dataset = load_dataset(config.data, size=config.model.input_size)
    start_pictures = None
    if Stage.activations in config.stages:
        chosen_indices(config.activations, dataset.split(config.activations.split)[1])
    if Stage.oip in needed(config.stages):
        check_classes(config.oip, dataset.classes)
        if (
            config.oip.layer == next(iter(config.model.convolutions))
            and config.oip.objective is Objective.pre_activation
        ):
            logger.warning(FLAT, config.oip.layer)
        start_pictures = _start_pictures(config, dataset)
    photo, mask = _photo_and_mask(config)
    inputs = Inputs(
        dataset=dataset,
        photo=photo,
        mask=mask,
        atlas_photo=_atlas_photo(config),
        start_pictures=start_pictures,
        initial_weights=_initial_weights(config, classes=dataset.classes),
    )
    pipeline_id = uuid.uuid4().hex

    @functools.cache
    def process() -> dict[str, Any]:
        # not asked for where every stage is there already
        described = provenance.describe_process(
            overrides, threads=cpu_threads(config.runtime), deterministic=config.runtime.deterministic
        )
        names = overrides if named_by is None else named_by
        return {**described, "named_by": list(map(without_passwords, names)), "pipeline_id": pipeline_id}

    tracker = open_tracker(config.tracking, Path(config.output_dir), pipeline_id=pipeline_id)
    with folder_to_fill(run_dir, stages) as folder:
        try:
            with Bars() as bars:
                execution = Execution(
                    config=config,
                    run_dir=folder,
                    inputs=inputs,
                    # it becomes an artifact that others may read
                    composed=without_passwords(composed),
                    process=process,
                    tags=tags or {},
                    progress=stoppable(bars),
                    tracker=tracker,
                    given=given or {},
                )
                outcomes = {stage: execution.finish(stage) for stage in Stage if stage in config.stages}
        finally:
            tracker.wait()
            release_tensorflow()
    outcomes = {stage: replace(outcome, folder=run_dir / stage.value) for stage, outcome in outcomes.items()}
    print(summary(outcomes, look_at_record=_look_at_record(config, tracker)))
    return outcomes


def _look_at_record(config: Config, tracker: Tracker) -> str | None:
    """The address of the last stage's comparison, or the command that shows it; None if nothing is recorded."""
    wanted = [stage for stage in Stage if stage in config.stages]
    # the other two are looked at by themselves
    compared = [stage for stage in wanted if stage not in (Stage.statistics, Stage.atlas)]
    page = tracker.page((compared or wanted)[-1].value)
    if tracker.address is None or config.tracking.uri is not None:
        return page or tracker.address
    if Path(config.output_dir) == Path("outputs"):
        return "make ui   (or: python -m pipeline.ui)"
    return f"python -m pipeline.ui --output-dir {shlex.quote(config.output_dir)}"


def _photo_and_mask(config: Config) -> tuple[np.ndarray | None, np.ndarray | None]:
    """What is dreamt into, and where, checked against each other and against the settings; None if nothing is."""
    wanted = [stage for stage in DREAMS if stage in config.stages]
    if not wanted:
        return None, None
    settings = config.dream
    photo = load_photo(settings.photo, size=settings.size, fit=settings.fit)
    shape = (photo.shape[0], photo.shape[1])
    field = receptive_field(config.model.windows(settings.layer))
    if Stage.dream in wanted:
        check_dream(settings, field, shape)
    if Stage.dream_sheet in wanted:
        for variant in variants_of(settings, config.model.shapes()[settings.layer][1]):
            check_dream(variant.config, field, shape)
    mask = None
    if settings.mask is not None:
        mask = load_mask(settings.mask, photo_size=photo_size(settings.photo), shape=shape, fit=settings.fit)
    return photo if settings.color else luma(photo), mask


def _atlas_photo(config: Config) -> np.ndarray | None:
    """The photo as small as the atlas dreams into it, a square; None if it does not."""
    layer, size = config.oip.layer, config.atlas.dream.size
    if Stage.atlas not in config.stages or size == 0 or layer not in config.model.convolutions:
        return None
    least = receptive_field(config.model.windows(layer)).smallest_picture
    photo = load_photo(config.dream.photo, size=max(size, least), fit=Fit.crop)
    return photo if config.dream.color else rounded(luma(photo))


def _start_pictures(config: Config, dataset: Dataset) -> np.ndarray | None:
    """What the start images of the OIPs are chosen from, where they are pictures: (count, size, size, 1)."""
    noise = config.noise
    if noise.kind is StartImage.digit:
        return images_of_class(dataset, noise.label)
    if noise.kind is StartImage.picture:
        assert noise.picture is not None
        size = config.model.input_size
        grey = luma(load_photo(noise.picture, size=size, fit=Fit.crop, setting="noise.picture"))
        if np.ptp(grey) == 0:
            takes = "a picture that is not of one grey level all over"
            raise InputError.at("noise.picture", takes=takes, got=noise.picture)
        return grey[None, ..., None]
    return None


def _initial_weights(config: Config, *, classes: int) -> dict[str, np.ndarray] | None:
    path = config.train.initial_weights
    if path is None:
        return None
    weights = load_initial_weights(path)
    start_tensorflow(config.runtime)
    from pipeline.core.cnn import reset_weights
    from pipeline.stages.train.compute import new_model

    try:
        reset_weights(new_model(config.train, config.model, classes=classes, seed=config.seed), weights)
    except ValueError as error:
        raise InputError.at("train.initial_weights", takes="weights of this CNN", got=f"{path}: {error}") from error
    return weights
