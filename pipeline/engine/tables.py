"""What a stage's result says as a table, a row for each map: to be read, sorted and compared between runs."""

from typing import Any

import numpy as np

from pipeline.engine.results import StageResult
from pipeline.settings.config import Config
from pipeline.stages.oip.result import OipSweepResult

# name -> column -> cells; the cells of PICTURE are paths of pictures below the stage's folder
Tables = dict[str, dict[str, list[Any]]]
PICTURE = "picture"


def tables_of(config: Config, result: StageResult) -> Tables:
    """The tables of a result: of OIPs `maps`, with all that is known of each, and `pictures`, with the picture alone,
    which MLflow's page lays out as maps by runs."""
    if not isinstance(result, OipSweepResult):
        return {}
    rows = [row for row, index in enumerate(result.map_indices.tolist()) if index >= 0]
    indices = [int(result.map_indices[row]) for row in rows]
    # text sorts as text
    maps = [f"map {index:03d}" for index in indices]
    pictures = [result.files[row] for row in rows]
    relative = result.relative_activation
    if not maps:
        return {}
    return {
        "pictures": {"map": maps, PICTURE: pictures},
        "maps": {
            "map": maps,
            PICTURE: pictures,
            "start": [config.noise.described] * len(rows),
            "verdict": [result.verdict(row) for row in rows],
            "score": [round(float(result.activation[row]), 4) for row in rows],
            "score / largest of a real image": [
                None if np.isnan(relative[row]) else round(float(relative[row]), 4) for row in rows
            ],
        },
    }
