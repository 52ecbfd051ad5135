"""What an atlas shows of every map beside its OIP and its statistics: other starts, evidence, a dream, other layers."""

import dataclasses
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from pipeline.config import (
    AtlasConfig,
    AtlasDreamConfig,
    Compare,
    Correction,
    DreamConfig,
    DreamMethod,
    NoiseConfig,
    Objective,
    OipConfig,
    StartImage,
    StepSizeSchedule,
    Strategy,
)
from pipeline.core.evidence import agreement, similarities
from pipeline.core.geometry import octave_shapes
from pipeline.core.network import convolutions, layer_rows
from pipeline.core.score import as_saved, features_of
from pipeline.progress import Progress, no_progress
from pipeline.results import AtlasResult, MapStatistics, OipSweepResult
from pipeline.stages.dream_sheet import dream_sheet
from pipeline.stages.dreaming.octaves import field_of
from pipeline.stages.oip import sweep_oips

if TYPE_CHECKING:
    import keras

# Of what a layer answers to the images that are compared: bounds the memory.
MOST_FEATURES = 2**28


def survey(
    config: AtlasConfig,
    oip_config: OipConfig,
    noise_config: NoiseConfig,
    dream_config: DreamConfig,
    model: "keras.Model",
    *,
    oips: OipSweepResult,
    statistics: MapStatistics,
    images: np.ndarray,
    labels: np.ndarray,
    seed: int,
    reference_images: np.ndarray | None = None,
    start_pictures: np.ndarray | None = None,
    photo: np.ndarray | None = None,
    progress: Progress = no_progress,
) -> AtlasResult:
    """Look at the maps of `oip_config.layer` that have an OIP from all sides.

    The other OIPs are made as the run's own were, `config.starts` of every kind of start image, without restarts; those
    of the first convolution, if it is another layer, by the activation, as its pre-activation shows nothing.

    Args:
        oips, statistics: of the layer, as `sweep_oips` made them with these settings, and `map_statistics`.
        images, labels: those that the statistics are of.
        seed: that of the OIPs.
        reference_images, start_pictures: see `sweep_oips`.
        photo: (height, width) or (height, width, 3) uint8 to dream into; None, or a layer that is no convolution: no
            dreams. Of `dream_config` only what all dreams have in common is read.
    Raises:
        InputError: a photo that is smaller than what a position of the layer sees.
    """
    layer = oip_config.layer
    maps = oips.map_indices[oips.map_indices >= 0]
    kinds = _kinds(config, oip_config, noise_config, maps.tolist())
    others = [name for name in convolutions(model) if name != layer] if config.elsewhere else []
    dreams_wanted = photo is not None and layer in convolutions(model) and len(maps) > 0
    parts = _Parts(progress, [3] * len(kinds) + [1] * len(others) + [2] + [4] * dreams_wanted)

    found = [
        sweep_oips(
            kind.oip,
            kind.noise,
            model,
            seed=seed,
            start_pictures=start_pictures,
            reference_images=reference_images,
            progress=parts.next(),
        )
        for kind in kinds
    ]
    elsewhere = [
        sweep_oips(
            _elsewhere(oip_config, name, is_first=name == convolutions(model)[0]),
            noise_config,
            model,
            seed=seed,
            start_pictures=start_pictures,
            reference_images=reference_images,
            progress=parts.next(),
        )
        for name in others
    ]
    pictures = oips.images[oips.map_indices >= 0]
    size = images.shape[1:]
    other_images = (
        np.stack([np.moveaxis(each.all_images, 1, 0) for each in found])
        if found
        else np.zeros((0, config.starts, len(maps), *size), np.float32)
    )
    step = parts.next()
    path = _path(model, layer, pictures, statistics.top_indices[maps], images, labels)
    predictions = _predictions(model, pictures)
    step("atlas", 1, 1)
    rows = layer_rows(model)
    names = [row.name for row in rows]
    return AtlasResult(
        layer=layer,
        map_indices=maps,
        start_names=np.array([kind.name for kind in kinds], dtype=np.str_),
        other_images=other_images,
        other_activation=np.stack([each.all_activation.T for each in found])
        if found
        else np.zeros((0, config.starts, len(maps)), np.float32),
        agreement=agreement(other_images[0, ..., 0])
        if found and noise_config.is_random()
        else np.full(len(maps), np.nan),
        predictions=predictions,
        path_layers=np.array(path.layers, dtype=np.str_),
        path_similarity=path.similarity,
        path_same=path.same,
        path_others=path.others,
        photo=np.zeros((0, 0), np.uint8) if photo is None else photo,
        dreams=_dreams(config.dream, dream_config, layer, model, photo, maps.tolist(), seed, parts.next())
        if dreams_wanted and photo is not None
        else np.zeros((0, 0, 0), np.uint8),
        layers=np.array(names),
        layer_kinds=np.array([row.kind for row in rows]),
        layer_shapes=np.array([row.shape for row in rows]),
        receptive_fields=np.array([row.field for row in rows]),
        layer_weights=np.array([row.weights for row in rows]),
        elsewhere_layer=np.array([names.index(each.layer) for each in elsewhere for _ in each.map_indices], int),
        elsewhere_map=_joined([each.map_indices for each in elsewhere], np.zeros(0, int)),
        elsewhere_images=_joined([each.images for each in elsewhere], np.zeros((0, *size), np.float32)),
        elsewhere_activation=_joined([each.activation for each in elsewhere], np.zeros(0, np.float32)),
        elsewhere_maximum=_joined([each.data_maximum for each in elsewhere], np.zeros(0, np.float32)),
    )


class _Kind(NamedTuple):
    """A kind of start image, and the settings of the OIPs that grow out of it."""

    name: str
    oip: OipConfig
    noise: NoiseConfig


def _kinds(config: AtlasConfig, oip: OipConfig, noise: NoiseConfig, maps: list[int]) -> list[_Kind]:
    """The run's own kind, then each of the settings that is another; none without maps."""
    if not maps:
        return []
    oip = dataclasses.replace(oip, map_indices=maps, direction=None, starts=config.starts, restarts=0)
    kinds = [_Kind(noise.described, oip, noise)]
    # a schedule of stages has one for each wavelength
    plain = dataclasses.replace(oip, strategy=Strategy.superposition)
    for wavelengths in config.wavelengths:
        waves = dataclasses.replace(
            noise,
            kind=StartImage.waves,
            wavelengths=wavelengths,
            amplitudes=[1.0],
            picture=None,
            label=None,
            blend=0.0,
        )
        if waves.described != noise.described:
            kinds.append(_Kind(waves.described, plain, waves))
    return kinds


def _elsewhere(oip: OipConfig, layer: str, *, is_first: bool) -> OipConfig:
    """The settings of one OIP for every map of another layer."""
    # before its activation function the mean of a first convolution is a weighted sum of the pixels: the best picture
    # has all of its contrast at the borders, where the weights differ
    objective = Objective.activation if is_first and oip.objective is Objective.pre_activation else oip.objective
    return dataclasses.replace(
        oip, layer=layer, objective=objective, map_indices=None, direction=None, position=None, starts=1
    )


class _Path(NamedTuple):
    layers: list[str]
    similarity: np.ndarray
    same: np.ndarray
    others: np.ndarray


def _path(
    model: "keras.Model", layer: str, oips: np.ndarray, top: np.ndarray, images: np.ndarray, labels: np.ndarray
) -> _Path:
    """`evidence.similarities` in each of the convolutions up to the layer, of the OIPs as they are saved.

    top: (maps, count), which of the images drive each map most.
    """
    names = convolutions(model, up_to=layer)
    if len(oips) == 0 or not names:
        nothing = np.zeros((0, len(oips)))
        return _Path([], nothing, nothing, nothing)
    largest = max(int(np.prod(model.get_layer(name).output.shape[1:])) for name in names)
    # as many of each map's images as fit
    top = top[:, : max(MOST_FEATURES // largest // len(oips), 2)]
    chosen, rows = np.unique(top, return_inverse=True)
    found = []
    for name in names:
        seen = [features_of(model, name, some).reshape(len(some), -1) for some in (as_saved(oips), images[chosen])]
        found.append(similarities(seen[0], seen[1], labels[chosen], rows.reshape(top.shape)))
    return _Path(names, *(np.stack(values) for values in zip(*found, strict=True)))


def _predictions(model: "keras.Model", oips: np.ndarray) -> np.ndarray:
    """What the CNN makes of the OIPs as they are saved: (maps, classes)."""
    if len(oips) == 0:
        return np.zeros((0, model.outputs[0].shape[-1]), np.float32)
    last = model.outputs[0]._keras_history.operation.name
    return features_of(model, last, as_saved(oips))


def _dreams(
    config: AtlasDreamConfig,
    dream_config: DreamConfig,
    layer: str,
    model: "keras.Model",
    photo: np.ndarray,
    maps: list[int],
    seed: int,
    progress: Progress,
) -> np.ndarray:
    """The photo dreamt by octaves towards each map: (maps, height, width) uint8."""
    settings = dataclasses.replace(
        dream_config,
        method=DreamMethod.octaves,
        layer=layer,
        objective=Objective.pre_activation,
        map_indices=maps,
        tiles=None,
        tile_maps=None,
        auto_maps=None,
        correction=Correction.original,
        strength=[1.0],
        steps=config.steps,
        step_size=config.step_size,
        step_size_schedule=StepSizeSchedule.constant,
        octaves=config.octaves,
        compare=dataclasses.replace(dream_config.compare, by=Compare.maps),
    )
    least = field_of(model, settings).smallest_picture
    height, width = photo.shape[:2]
    fitting = [
        count
        for count in range(1, config.octaves.count + 1)
        if min(octave_shapes(height, width, count, config.octaves.scale)[0]) >= least
    ]
    octaves = dataclasses.replace(config.octaves, count=max(fitting, default=1))
    return dream_sheet(
        dataclasses.replace(settings, octaves=octaves), model, photo, seed=seed, progress=progress
    ).pictures


def _joined(arrays: Sequence[np.ndarray], nothing: np.ndarray) -> np.ndarray:
    return np.concatenate(arrays) if arrays else nothing


class _Parts:
    """One bar for parts that take about so long each, in units of their own."""

    def __init__(self, progress: Progress, weights: Sequence[int]) -> None:
        self._progress, self._weights, self._begun = progress, weights, self._begin(weights)

    def next(self) -> Progress:
        """How the next part tells how far it is."""
        before, weight = next(self._begun)

        def tell(task: str, done: int, total: int, **values: float) -> None:
            del task, values
            share = before + weight * done / max(total, 1)
            self._progress("atlas", round(1000 * share), 1000 * sum(self._weights))

        return tell

    @staticmethod
    def _begin(weights: Sequence[int]) -> Iterator[tuple[int, int]]:
        before = 0
        for weight in weights:
            yield before, weight
            before += weight
