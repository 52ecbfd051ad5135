"""The extraction of activations as a stage."""

from typing import TYPE_CHECKING, Any

from pipeline.data.dataset import Dataset
from pipeline.engine.stage import Context, Drawing, Stage
from pipeline.stages.activations.metrics import metrics
from pipeline.stages.activations.result import ActivationsResult
from pipeline.stages.activations.selection import chosen_indices
from pipeline.stages.activations.shows import SHOWS

if TYPE_CHECKING:
    from pipeline.drawing.pictures import Pictures
    from pipeline.settings.config import Config


def check_inputs(config: "Config", dataset: Dataset) -> dict[str, Any]:
    """Refuse images that the data set does not have."""
    chosen_indices(config.activations, dataset.split(config.activations.split)[1])
    return {}


def compute(context: Context) -> ActivationsResult:
    """Ask the layers."""
    from pipeline.stages.activations.compute import extract_activations

    return extract_activations(context.config.activations, context.model, context.dataset, progress=context.progress)


def draw(result: ActivationsResult, drawing: Drawing) -> "Pictures":
    """Draw the images, and the maps of every layer."""
    from pipeline.stages.activations.pictures import render_activations

    dataset = drawing.dataset
    return render_activations(
        drawing.config.activations, result, dataset.class_names, preprocessing=dataset.preprocessing
    )


STAGE = Stage(
    name="activations",
    result=ActivationsResult,
    upstream=("train",),
    reads=("activations",),
    named_by=("activations",),
    split=lambda config: config.activations.split.value,
    inputs=check_inputs,
    compute=compute,
    draw=draw,
    metrics=metrics,
    shows=SHOWS,
)
