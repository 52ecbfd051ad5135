"""Stage 3: one original input pattern (OIP) for every map, by activation maximization."""

import functools
from typing import TYPE_CHECKING

import numpy as np

from pipeline.config import ConvergenceConfig, NoiseConfig, Objective, OipConfig
from pipeline.core import ascent, cnn, noise
from pipeline.core.objective import directions, mean_along, snapshot_steps, step_sizes
from pipeline.core.target import Target, mean_of_maps
from pipeline.progress import Progress, no_progress
from pipeline.results import CONVERGED, NEVER, RISING, OipSweepResult

if TYPE_CHECKING:
    import keras


def sweep_oips(
    config: OipConfig,
    noise_config: NoiseConfig,
    model: "keras.Model",
    *,
    seed: int,
    reference_images: np.ndarray | None = None,
    progress: Progress = no_progress,
) -> OipSweepResult:
    """Let an image grow out of noise for every map, until the map is activated as strongly as possible.

    The maps are ascended as batches of `config.batch_size`. A map's start image depends on (seed, map_index, start)
    only, its gradient is scaled by itself: neither the other maps nor the batch size have a say in its result. A map
    that its picture leaves silent is started again from other noise, `config.restarts` times at the most.

    Args:
        reference_images: real images (count, size, size, 1); with them the result says how strongly they activate
            each map at the most.
    """
    maps = model.get_layer(config.layer).output.shape[-1]
    map_indices = np.arange(maps) if config.map_indices is None else np.array(config.map_indices)
    along = directions(map_indices.tolist(), maps)
    aim = mean_of_maps(model, config.layer, along, pre_activation=config.objective is Objective.pre_activation)
    kept_steps = snapshot_steps(config.steps, config.snapshots)

    def ascend(rows: np.ndarray, start: int) -> dict[str, np.ndarray]:
        """Everything about the chosen maps, from their start image of this number; maps are the first axis."""
        images = _start_images(noise_config, model.inputs[0].shape[1], map_indices[rows], seed=seed, start=start)
        result = _ascend(config, aim.chunk(rows), images, kept_steps, progress)
        return {
            "start_images": images,
            "images": result.images,
            "snapshots": np.moveaxis(result.snapshots, 1, 0),
            "objective": result.objective.T,
            "converged_at": result.converged_at,
            "activation": score(model, config.layer, result.images, along[rows]),
            "restarts": np.full(len(rows), start),
        }

    found = ascend(np.arange(len(map_indices)), 0)
    for start in range(1, config.restarts + 1):
        silent = np.flatnonzero(~(found["activation"] > 0))
        if len(silent) == 0:
            break
        for name, values in ascend(silent, start).items():
            found[name][silent] = values
    return OipSweepResult(
        layer=config.layer,
        map_indices=map_indices,
        snapshot_steps=np.array(kept_steps),
        start_images=found["start_images"],
        images=found["images"],
        snapshots=np.moveaxis(found["snapshots"], 0, 1),
        objective=found["objective"].T,
        activation=found["activation"],
        converged_at=found["converged_at"],
        restarts=found["restarts"],
        data_maximum=_data_maximum(model, config.layer, along, reference_images),
        verdicts=verdicts(found["activation"], found["converged_at"]),
    )


def _start_images(config: NoiseConfig, size: int, map_indices: np.ndarray, *, seed: int, start: int) -> np.ndarray:
    amplitudes = config.amplitudes * (len(config.wavelengths) if len(config.amplitudes) == 1 else 1)
    return noise.multi_wavelength_noise(
        size, config.wavelengths, amplitudes, map_indices.tolist(), seed=seed, start=start
    )


def _ascend(
    config: OipConfig, aim: Target, images: np.ndarray, kept_steps: list[int], progress: Progress
) -> ascent.Ascent:
    """The ascent of all images, `config.batch_size` at a time."""
    sizes = step_sizes(config.step_size, config.steps, config.step_size_schedule.value)
    total = config.steps * len(images)
    done = 0

    def on_steps(steps: int, width: int) -> None:
        nonlocal done
        done += steps * width
        progress("oip", done, total)

    parts = []
    for first in range(0, len(images), config.batch_size):
        chunk = slice(first, first + config.batch_size)
        parts.append(
            ascent.ascend(
                aim.chunk(chunk),
                images[chunk],
                sizes,
                convergence=convergence_of(config.convergence),
                zero_steps=config.zero_steps,
                snapshot_steps=kept_steps,
                on_steps=functools.partial(on_steps, width=len(images[chunk])),
            )
        )
    return ascent.Ascent(
        images=np.concatenate([part.images for part in parts]),
        objective=np.concatenate([part.objective for part in parts], axis=1),
        snapshots=np.concatenate([part.snapshots for part in parts], axis=1),
        converged_at=np.concatenate([part.converged_at for part in parts]),
    )


def _data_maximum(model: "keras.Model", layer: str, along: np.ndarray, images: np.ndarray | None) -> np.ndarray:
    """The largest mean activation that a real image causes in each map; not a number without images."""
    if images is None:
        return np.full(len(along), np.nan, np.float32)
    return (cnn.mean_activations(model, layer, images) @ along.T).max(axis=0)


def score(model: "keras.Model", layer: str, images: np.ndarray, along: np.ndarray) -> np.ndarray:
    """The mean activation, after the layer's own activation function, that every image causes in its map: (maps,)."""
    feature_maps = cnn.layer_outputs(model, [layer], images)[layer]
    return mean_along(feature_maps, along).numpy()


def verdicts(activation: np.ndarray, converged_at: np.ndarray) -> np.ndarray:
    """In one word what became of each map; a map whose picture leaves it silent was never triggered.

    Nor was one whose activation is not a number, as a CNN has that was trained to nothing.
    """
    return np.where(~(activation > 0), NEVER, np.where(converged_at >= 0, CONVERGED, RISING))


def convergence_of(config: ConvergenceConfig) -> ascent.Convergence:
    """The settings as the ascent takes them."""
    return ascent.Convergence(config.criterion, config.after, config.patience, config.stop)
