"""The record's metrics of OIPs: scores by map index, the objective by step, a table of all maps."""

from collections.abc import Sequence

import numpy as np

from pipeline.engine.record import PICTURE, Metrics, Tables
from pipeline.engine.stage import Context
from pipeline.settings.choices import OipPictures
from pipeline.stages.oip.believable import figures, path_index_of_layers, path_index_of_maps
from pipeline.stages.oip.result import CONVERGED, OipSweepResult


def metrics(result: OipSweepResult, context: Context) -> Metrics:
    """Return the scores by map index, and the objective by ascent step."""
    maps = [int(index) for index in result.map_indices]
    single = [m for m in maps if m >= 0]
    rows = dict(zip(maps, range(len(maps)), strict=True))
    objective = result.objective.astype(np.float64)
    index = path_index_of_maps(result)
    largest, relative = result.largest_on_data, result.relative_activation
    fires = largest > 0
    by_itself = context.config.oip.pictures is OipPictures.all
    return Metrics(
        metrics={
            "maps": float(len(maps)),
            "triggered": float(result.triggered),
            "converged": float(np.count_nonzero(result.verdicts == CONVERGED)),
            "restarted": float(np.count_nonzero(result.restarts)),
            "mean_activation": float(result.activation.mean(dtype=np.float64)),
            "fire_on_no_image": float(np.count_nonzero(result.fires_on_no_image)),
            **figures(result),
        },
        series={
            # by map index; the whole layer (-1) is no step
            "activation": {m: float(result.activation[rows[m]]) for m in single},
            "data_maximum": {m: float(largest[rows[m]]) for m in single if fires[rows[m]]},
            "relative_activation": {m: float(relative[rows[m]]) for m in single if fires[rows[m]]},
            "path_index_by_map": {m: index[rows[m]] for m in single if rows[m] in index},
            # by the number of the convolution
            **path_index_of_layers(result),
            # by ascent step
            "objective_mean": dict(enumerate(objective.mean(axis=1).tolist())),
            "objective_min": dict(enumerate(objective.min(axis=1).tolist())),
            "objective_max": dict(enumerate(objective.max(axis=1).tolist())),
        },
        images={
            **({"oip/map": {m: result.files[rows[m]] for m in single}} if by_itself else {}),
            "oip/contact_sheet": {0: "contact_sheet.png"},
            **({"oip/starts": {0: "starts.png"}} if result.all_images.shape[1] > 1 else {}),
        },
        tables=_tables(result, context.config.noise.described, context.dataset.class_names, by_itself=by_itself),
    )


def _tables(result: OipSweepResult, start: str, classes: Sequence[str], *, by_itself: bool) -> Tables:
    """Return the tables `maps` and `pictures`.

    `maps` has a row with all that is known of each map; `pictures` the picture alone, which MLflow's page lays out as
    maps by runs. Without a picture of each map by itself there is no such table, nor such a column.
    """
    rows = [row for row, index in enumerate(result.map_indices.tolist()) if index >= 0]
    indices = [int(result.map_indices[row]) for row in rows]
    # text sorts as text
    maps = [f"map {index:03d}" for index in indices]
    pictures = {PICTURE: [result.files[row] for row in rows]} if by_itself else {}
    relative, index = result.relative_activation, path_index_of_maps(result)
    if not maps:
        return {}
    of_classes = {
        "class of its images": [_class(classes, result.top_class[row]) for row in rows],
        "taken for": [_class(classes, result.taken_for[row]) for row in rows],
    }
    return {
        **({"pictures": {"map": maps, **pictures}} if by_itself else {}),
        "maps": {
            "map": maps,
            **pictures,
            "start": [start] * len(rows),
            "verdict": [result.verdict(row) for row in rows],
            "score": [round(float(result.activation[row]), 4) for row in rows],
            "score / largest of a real image": [
                None if np.isnan(relative[row]) else round(float(relative[row]), 4) for row in rows
            ],
            "path index": [round(index[row], 4) if row in index else None for row in rows],
            **(of_classes if classes else {}),
        },
    }


def _class(names: Sequence[str], number: int) -> str | None:
    """Return the name of a class, None for none."""
    return names[number] if 0 <= number < len(names) else None
