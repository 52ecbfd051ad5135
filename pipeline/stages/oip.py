"""Stage 3: one original input pattern (OIP) for every map, by activation maximization."""

from typing import TYPE_CHECKING

import numpy as np

from pipeline.config import ConvergenceConfig, NoiseConfig, Objective, OipConfig
from pipeline.core import ascent, cnn, noise
from pipeline.core.objective import directions, mean_along, snapshot_steps, step_sizes
from pipeline.core.target import mean_of_maps
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
    progress: Progress = no_progress,
) -> OipSweepResult:
    """Let an image grow out of noise for every map, until the map is activated as strongly as possible.

    The maps are ascended as batches of `config.batch_size`. A map's start image depends on (seed, map_index) only, its
    gradient is scaled by itself: neither the other maps nor the batch size have a say in its result.
    """
    layer = model.get_layer(config.layer)
    maps = layer.output.shape[-1]
    map_indices = list(range(maps)) if config.map_indices is None else config.map_indices
    size = model.inputs[0].shape[1]
    wavelengths = noise_config.wavelengths
    amplitudes = noise_config.amplitudes * (len(wavelengths) if len(noise_config.amplitudes) == 1 else 1)
    start_images = noise.multi_wavelength_noise(size, wavelengths, amplitudes, map_indices, seed=seed)
    sizes = step_sizes(config.step_size, config.steps, config.step_size_schedule.value)
    kept_steps = snapshot_steps(config.steps, config.snapshots)
    along = directions(map_indices, maps)
    aim = mean_of_maps(model, config.layer, along, pre_activation=config.objective is Objective.pre_activation)

    total = config.steps * len(map_indices)
    done = 0
    ascents = []
    for first in range(0, len(map_indices), config.batch_size):
        chunk = slice(first, first + config.batch_size)
        images = start_images[chunk]

        def on_steps(steps: int, width: int = len(images)) -> None:
            nonlocal done
            done += steps * width
            progress("oip", done, total)

        ascents.append(
            ascent.ascend(
                aim.chunk(chunk),
                images,
                sizes,
                convergence=convergence_of(config.convergence),
                zero_steps=config.zero_steps,
                snapshot_steps=kept_steps,
                on_steps=on_steps,
            )
        )
    images = np.concatenate([a.images for a in ascents])
    activation = score(model, config.layer, images, along)
    converged_at = np.concatenate([a.converged_at for a in ascents])
    return OipSweepResult(
        layer=config.layer,
        map_indices=np.array(map_indices),
        start_images=start_images,
        images=images,
        snapshot_steps=np.array(kept_steps),
        snapshots=np.concatenate([a.snapshots for a in ascents], axis=1),
        objective=np.concatenate([a.objective for a in ascents], axis=1),
        activation=activation,
        converged_at=converged_at,
        verdicts=verdicts(activation, converged_at),
    )


def score(model: "keras.Model", layer: str, images: np.ndarray, along: np.ndarray) -> np.ndarray:
    """The mean activation, after the layer's own activation function, that every image causes in its map: (maps,)."""
    feature_maps = cnn.layer_outputs(model, [layer], images)[layer]
    return mean_along(feature_maps, along).numpy()


def verdicts(activation: np.ndarray, converged_at: np.ndarray) -> np.ndarray:
    """In one word what became of each map; a map whose picture leaves it silent was never triggered."""
    return np.where(activation <= 0, NEVER, np.where(converged_at >= 0, CONVERGED, RISING))


def convergence_of(config: ConvergenceConfig) -> ascent.Convergence:
    """The settings as the ascent takes them."""
    return ascent.Convergence(config.criterion, config.after, config.patience, config.stop)
