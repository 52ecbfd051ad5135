"""What a stage's result says of itself: single figures, series and pictures, as plain data."""

from dataclasses import dataclass, field

import numpy as np

from pipeline.engine.results import StageResult
from pipeline.stages.activations.result import ActivationsResult
from pipeline.stages.atlas.result import AtlasResult
from pipeline.stages.dream.result import DreamResult
from pipeline.stages.dream_sheet.result import DreamSheetResult
from pipeline.stages.oip.result import CONVERGED, OipSweepResult
from pipeline.stages.statistics.result import MapStatistics
from pipeline.stages.train.result import TrainResult


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What a result says of itself: the part of a record that depends on it."""

    metrics: dict[str, float]
    series: dict[str, dict[int, float]] = field(default_factory=dict)
    images: dict[str, dict[int, str]] = field(default_factory=dict)


def figures(result: StageResult) -> Figures:
    """The metrics, series and pictures of a stage's result."""
    match result:
        case TrainResult():
            return _train_figures(result)
        case ActivationsResult():
            return Figures(metrics={"images": float(len(result.images))}, images=_activation_sheets(result))
        case MapStatistics():
            return _statistics_figures(result)
        case OipSweepResult():
            return _oip_figures(result)
        case DreamResult():
            return _dream_figures(result)
        case AtlasResult():
            return _atlas_figures(result)
        case DreamSheetResult():
            return _dream_sheet_figures(result)


def _train_figures(result: TrainResult) -> Figures:
    history = {name: dict(enumerate(map(float, values), start=1)) for name, values in result.history.items()}
    last = {f"final_{name}": float(values[-1]) for name, values in result.history.items() if name != "learning_rate"}
    return Figures(metrics={**last, "epochs": float(len(result.history["loss"]))}, series=history)


def _activation_sheets(result: ActivationsResult) -> dict[str, dict[int, str]]:
    """The step is the class, or where several images are of one class the number of the image."""
    labels = result.labels.tolist()
    steps = labels if len(set(labels)) == len(labels) else range(len(labels))
    return {
        f"activations/{layer}": {
            step: f"{layer}/class_{label}_image_{index:05d}.png"
            for step, label, index in zip(steps, labels, result.indices, strict=True)
        }
        for layer in result.feature_maps
    }


def _statistics_figures(result: MapStatistics) -> Figures:
    """The step is the map index."""
    counts = result.confusion.sum(axis=1)
    # weighted by the images of each class
    drop = np.nansum((result.accuracy - result.ablated_accuracy) * counts, axis=1) / counts.sum()
    known = result.selectivity[np.isfinite(result.selectivity)]
    return Figures(
        metrics={
            "images": float(counts.sum()),
            "accuracy": float(result.confusion.trace() / counts.sum()),
            "maps": float(len(result.mean)),
            "active": float(np.count_nonzero(result.active_share)),
            **({"mean_selectivity": float(known.mean())} if len(known) else {}),
        },
        series={
            "mean": dict(enumerate(result.mean.tolist())),
            "selectivity": _finite(result.selectivity),
            "accuracy_drop": dict(enumerate(drop.tolist())),
        },
        images={"statistics/classes": {0: "classes.png"}, "statistics/top_images": {0: "top_images.png"}},
    )


def _oip_figures(result: OipSweepResult) -> Figures:
    maps = [int(index) for index in result.map_indices]
    single = [m for m in maps if m >= 0]
    rows = dict(zip(maps, range(len(maps)), strict=True))
    objective = result.objective.astype(np.float64)
    fires, relative = result.data_maximum > 0, result.relative_activation
    return Figures(
        metrics={
            "maps": float(len(maps)),
            "triggered": float(result.triggered),
            "converged": float(np.count_nonzero(result.verdicts == CONVERGED)),
            "restarted": float(np.count_nonzero(result.restarts)),
            "mean_activation": float(result.activation.mean(dtype=np.float64)),
            "fire_on_no_image": float(np.count_nonzero(result.fires_on_no_image)),
        },
        series={
            # by map index; the whole layer (-1) is no step
            "activation": {m: float(result.activation[rows[m]]) for m in single},
            "data_maximum": {m: float(result.data_maximum[rows[m]]) for m in single if fires[rows[m]]},
            "relative_activation": {m: float(relative[rows[m]]) for m in single if fires[rows[m]]},
            # by ascent step
            "objective_mean": dict(enumerate(objective.mean(axis=1).tolist())),
            "objective_min": dict(enumerate(objective.min(axis=1).tolist())),
            "objective_max": dict(enumerate(objective.max(axis=1).tolist())),
        },
        images={
            "oip/map": {m: result.files[rows[m]] for m in single},
            "oip/contact_sheet": {0: "contact_sheet.png"},
            **({"oip/starts": {0: "starts.png"}} if result.all_images.shape[1] > 1 else {}),
        },
    )


def _dream_figures(result: DreamResult) -> Figures:
    levels = result.objective.shape[1]
    objective = result.objective.astype(np.float64)
    by_level = {f"objective_level_{level + 1}": objective[:, level].reshape(-1) for level in range(levels)}
    return Figures(
        # that of the level that came last; those of the others are the last values of their series
        metrics={"final_objective": float(objective[-1, -1, -1])},
        series={name: dict(enumerate(values.tolist())) for name, values in by_level.items()},
        images={
            "dream/picture": {0: "dream.png"},
            "dream/growing": dict(enumerate(result.frame_files)),
        },
    )


def _atlas_figures(result: AtlasResult) -> Figures:
    """The step is the map index."""
    maps = result.map_indices.tolist()
    agreement = {maps[row]: value for row, value in _finite(result.agreement).items()}
    series = {"agreement": agreement}
    if len(result.path_layers):
        # of the first convolution
        series["early_similarity"] = {maps[row]: value for row, value in _finite(result.path_similarity[0]).items()}
    means = {f"mean_{name}": float(np.mean(list(values.values()))) for name, values in series.items() if values}
    return Figures(
        metrics={"maps": float(len(maps)), "dreams": float(len(result.dreams)), **means},
        series=series,
        images={"atlas/dreams": {0: "dreams.png"}} if len(result.dreams) else {},
    )


def _dream_sheet_figures(result: DreamSheetResult) -> Figures:
    """The step is the map index, or the number of the dream."""
    steps = result.steps.tolist()
    by_step = {"objective_first": result.begun, "objective_last": result.objective}
    return Figures(
        metrics={"dreams": float(len(steps)), "mean_objective_last": float(result.objective.mean(dtype=np.float64))},
        # the whole layer (-1) is no step
        series={
            name: {step: float(value) for step, value in zip(steps, values, strict=True) if step >= 0}
            for name, values in by_step.items()
        },
        images={
            "dream_sheet/contact_sheet": {0: "contact_sheet.png"},
            "dream_sheet/dream": {step: file for step, file in zip(steps, result.files, strict=True) if step >= 0},
        },
    )


def _finite(values: np.ndarray) -> dict[int, float]:
    """By their numbers, without those that are not finite."""
    return {number: value for number, value in enumerate(values.tolist()) if np.isfinite(value)}
