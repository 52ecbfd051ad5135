"""How each stage is called, and each result drawn, with what it needs of the settings, inputs and other results."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from pipeline.engine.inputs import Inputs
from pipeline.engine.record import StageRecord, params_of
from pipeline.engine.results import StageResult
from pipeline.runtime.progress import Progress
from pipeline.settings.choices import Stage
from pipeline.settings.config import Config
from pipeline.stages.activations.result import ActivationsResult
from pipeline.stages.atlas.result import AtlasResult
from pipeline.stages.dream.result import DreamResult
from pipeline.stages.dream_sheet.result import DreamSheetResult
from pipeline.stages.oip.result import OipSweepResult
from pipeline.stages.statistics.result import MapStatistics
from pipeline.stages.train.result import TrainResult

if TYPE_CHECKING:
    import keras

    from pipeline.drawing.pictures import Pictures
    from pipeline.stages.atlas.page import About

# The results that a stage stands on, but for the model.
Upstream = Mapping[Stage, StageResult]
Kind = TypeVar("Kind")


def compute(
    stage: Stage,
    config: Config,
    inputs: Inputs,
    *,
    model: "keras.Model | None",
    upstream: Upstream,
    progress: Progress,
) -> StageResult:
    """Call the stage's function.

    Args:
        model: the trained one, for all but the training.
    """
    dataset = inputs.dataset
    if stage is Stage.train:
        from pipeline.stages.train.compute import train

        return train(
            config.train,
            config.model,
            dataset,
            seed=config.train.seed,
            initial_weights=inputs.initial_weights,
            progress=progress,
        )
    assert model is not None
    if stage is Stage.activations:
        from pipeline.stages.activations.compute import extract_activations

        return extract_activations(config.activations, model, dataset, progress=progress)
    if stage is Stage.statistics:
        from pipeline.stages.statistics.compute import map_statistics

        images, labels = dataset.split(config.statistics.split)
        return map_statistics(
            model,
            config.statistics.layer,
            images,
            labels,
            classes=dataset.classes,
            top=config.statistics.top,
            progress=progress,
        )
    if stage is Stage.oip:
        from pipeline.stages.oip.compute import sweep_oips

        return sweep_oips(
            config.oip,
            config.noise,
            model,
            seed=config.noise.seed,
            reference_images=dataset.test_images,
            start_pictures=inputs.start_pictures,
            progress=progress,
        )
    if stage is Stage.atlas:
        from pipeline.stages.atlas.compute import survey

        images, labels = dataset.split(config.statistics.split)
        return survey(
            config.atlas,
            config.oip,
            config.noise,
            config.dream,
            model,
            oips=_of(upstream, Stage.oip, OipSweepResult),
            statistics=_of(upstream, Stage.statistics, MapStatistics),
            images=images,
            labels=labels,
            seed=config.noise.seed,
            reference_images=dataset.test_images,
            start_pictures=inputs.start_pictures,
            photo=inputs.atlas_photo,
            progress=progress,
        )
    assert inputs.photo is not None
    if stage is Stage.dream_sheet:
        from pipeline.stages.dream_sheet.compute import dream_sheet

        return dream_sheet(config.dream, model, inputs.photo, seed=config.seed, mask=inputs.mask, progress=progress)
    from pipeline.stages.dream.compute import dream

    return dream(config.dream, model, inputs.photo, seed=config.seed, mask=inputs.mask, progress=progress)


def draw(
    result: StageResult, config: Config, inputs: Inputs, *, upstream: Upstream, record: StageRecord, command: str
) -> "Pictures":
    """The pictures and pages of a result, by file name.

    Args:
        record: what is known of the stage before it is computed; command: that computes it. Both name it on a page.
    """
    # matplotlib is not needed when everything is there already
    match result:
        case TrainResult():
            from pipeline.stages.train.pictures import render_train

            return render_train(result)
        case ActivationsResult():
            from pipeline.stages.activations.pictures import render_activations

            return render_activations(config.activations, result, inputs.dataset.class_names)
        case MapStatistics():
            images, _ = inputs.dataset.split(config.statistics.split)
            from pipeline.stages.statistics.pictures import render_statistics

            return render_statistics(result, images, inputs.dataset.class_names)
        case OipSweepResult():
            from pipeline.stages.oip.pictures import render_oips

            return render_oips(config.oip, result, dense=config.oip.layer in config.model.dense)
        case DreamResult():
            from pipeline.stages.dream.pictures import render_dream

            return render_dream(config.dream, result)
        case AtlasResult():
            images, labels = inputs.dataset.split(config.statistics.split)
            from pipeline.stages.atlas.pictures import render_atlas_files

            return render_atlas_files(
                _about(config, inputs, record, command),
                _of(upstream, Stage.oip, OipSweepResult),
                _of(upstream, Stage.statistics, MapStatistics),
                result,
                images,
                labels,
                inputs.dataset.class_names,
            )
        case DreamSheetResult():
            from pipeline.stages.dream_sheet.pictures import render_dream_sheet

            return render_dream_sheet(config.dream, result)


def _about(config: Config, inputs: Inputs, record: StageRecord, command: str) -> "About":
    from pipeline.stages.atlas.page import About
    from pipeline.stages.oip.pictures.words import words_of

    settings = {
        name: value
        for stage in (Stage.oip, Stage.atlas)
        for name, value in params_of(config, stage, inputs.dataset).items()
    }
    return About(
        name=record.name,
        dataset=inputs.dataset.name,
        split=config.statistics.split.value,
        photo=Path(config.dream.photo).name,
        command=command,
        settings=settings,
        tags=record.tags,
        # its pages are of maps, whatever was ascended
        words=words_of(dataclasses.replace(config.oip, direction=None), dense=config.oip.layer in config.model.dense),
    )


def _of(upstream: Upstream, stage: Stage, kind: type[Kind]) -> Kind:
    result = upstream[stage]
    assert isinstance(result, kind)
    return result
