"""Results to be drawn, out of seeded numbers, and where something stands in a picture."""

from dataclasses import replace
from typing import Any

import numpy as np
from oip_settings import without_evidence

from pipeline.drawing.sheets import (
    Caption,
    captioned_grid,
)
from pipeline.settings.choices import ColorMap, MapScaling, Split
from pipeline.stages.activations.settings import ActivationsConfig
from pipeline.stages.oip.result import OipSweepResult


def activations_config(**changes: Any) -> ActivationsConfig:
    values: dict[str, Any] = {
        "layers": ["Conv"],
        "split": Split.test,
        "image_indices": None,
        "columns": 3,
        "color_map": ColorMap.gray,
        "scaling": MapScaling.raw,
    }
    return ActivationsConfig(**values | changes)


def sweep(
    map_indices: list[int], verdicts: list[str], images: np.ndarray | None = None, **changes: Any
) -> OipSweepResult:
    """A result as four steps could leave it, of one start for each map."""
    maps, steps = len(map_indices), 4
    rng = np.random.default_rng(0)
    if images is None:
        images = rng.normal(size=(maps, 28, 28, 1)).astype(np.float32)
    triggered = np.array(verdicts) != "never triggered"
    activation = np.where(triggered, 5.45, 0.0)
    result = OipSweepResult(
        layer="Conv",
        map_indices=np.array(map_indices),
        names=np.array(["layer" if index == -1 else str(index) for index in map_indices]),
        start_images=rng.normal(size=images.shape).astype(np.float32),
        images=images,
        snapshot_steps=np.array([0, 3]),
        snapshots=np.stack([rng.normal(size=images.shape).astype(np.float32), images]),
        objective=np.linspace(0, 1, steps)[:, None] * triggered,
        activation=activation,
        converged_at=np.where(np.array(verdicts) == "converged", 2, -1),
        restarts=np.zeros(maps, int),
        start=np.zeros(maps, int),
        all_images=images[:, None],
        all_activation=activation[:, None],
        data_maximum=np.ones(maps),
        verdicts=np.array(verdicts),
        **without_evidence(maps, images.shape[1]),
    )
    return replace(result, **changes)


def of_every_kind(map_indices: list[int]) -> OipSweepResult:
    """Converged, still rising after two restarts, never triggered; the last two without an image that fires them."""
    return sweep(
        map_indices,
        ["converged", "still rising", "never triggered"],
        converged_at=np.array([48, -1, -1]),
        restarts=np.array([0, 2, 3]),
        data_maximum=np.array([2.0, 0.0, 0.0]),
    )


def with_starts(activations: list[list[float]], **changes: Any) -> OipSweepResult:
    """A result of several starts, the first of the largest being the one kept."""
    scores = np.array(activations)
    images = np.random.default_rng(5).normal(size=(*scores.shape, 28, 28, 1)).astype(np.float32)
    best = scores.argmax(axis=1)
    everyone = np.arange(len(scores))
    verdicts = ["still rising" if score > 0 else "never triggered" for score in scores.max(axis=1)]
    return sweep(
        list(range(len(scores))),
        verdicts,
        images[everyone, best],
        activation=scores.max(axis=1),
        start=best,
        all_images=images,
        all_activation=scores,
        **changes,
    )


def below(lines: list[Caption], width: int) -> np.ndarray:
    """The pixels of a caption as they should stand below a tile of this width."""
    return captioned_grid(np.zeros((1, 1, width), np.uint8), [lines], 1)[8 + 1 : -8, 8:-8]


def has_color(picture: np.ndarray, color: tuple[int, int, int]) -> bool:
    return bool((picture == color).all(axis=-1).any())
