"""Two CNNs on the same images: which map of one is which of the other, and what they say of the images."""

import dataclasses
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from pipeline.core.finite import check_images, check_weights
from pipeline.core.graph import Cnn, graph_of
from pipeline.core.joint_progress import JointProgress
from pipeline.core.keras_layers import describe_model
from pipeline.core.model_range import check_range
from pipeline.core.network import convolutions
from pipeline.core.preprocessing import STANDARDIZED, Preprocessing
from pipeline.core.score import MOST_FEATURES, features_of
from pipeline.core.similarity import Matching, gram_of, linear_cka, matching_of
from pipeline.core.units import unit_of
from pipeline.runtime.errors import InputError
from pipeline.runtime.numerics import check_keras
from pipeline.runtime.progress import Progress, no_progress
from pipeline.settings.choices import Objective, Spectrum
from pipeline.stages.compare.look import first_images, look
from pipeline.stages.compare.other import check_pictures, layer_of_other
from pipeline.stages.compare.result import CompareResult
from pipeline.stages.compare.settings import CompareConfig
from pipeline.stages.oip.compute import sweep_oips
from pipeline.stages.oip.noise_settings import NoiseConfig
from pipeline.stages.oip.settings import OipConfig

# Numbers in the Gram matrices of all layers together: bounds the memory.
MOST_IN_GRAMS = 2**27


# long: by what is said of its arguments, and a field of the result for each thing that it looks at
def compare_cnns(
    config: CompareConfig,
    oip_config: OipConfig,
    noise_config: NoiseConfig,
    model: Cnn,
    other: Cnn,
    images: np.ndarray,
    labels: np.ndarray,
    *,
    seed: int,
    training_images: np.ndarray | None = None,
    start_pictures: np.ndarray | None = None,
    preprocessing: Preprocessing = STANDARDIZED,
    copies: Mapping[str, Path] | None = None,
    progress: Progress = no_progress,
) -> CompareResult:
    """Look at the same images with two CNNs, and match the maps of a layer of each.

    The maps are what the layers hand on, see `units.unit_of`; the units of a dense layer count as maps of a single
    position. Images are looked at in batches, so that of the activations only sums and a mean for each image are kept.

    Args:
        config: which layers, which pairs get OIPs, of how many images the layers are compared.
        oip_config, noise_config: how the OIPs are made; which maps they are of, is not read.
        model, other: the CNNs, of pictures of one size; `other` is called compare.other where it is refused.
        images: (images, height, width, channels) as both take them.
        labels: (images,) int, their classes, -1 where these are not known.
        seed: of the OIPs, the same for both.
        training_images, start_pictures, preprocessing: see `sweep_oips`.
        copies: the files that are kept with the result.
        progress: is told how far all of it is.
    Returns:
        What they have in common and what not.
    Raises:
        InputError: CNNs of different pictures, layers that are not there or have neither maps nor units, an index that
            is not there; weights or answers that are no finite numbers; a Keras that is set to something else.
    Reference:
        Li et al., 2016, "Convergent Learning"; Kornblith et al., 2019, "Similarity of Neural Network Representations
        Revisited".
    """
    check_keras()
    check_weights(model)
    check_pictures(other, graph_of(model).input_shape)
    check_range(model, preprocessing)
    check_images("images", images)
    other_layer = layer_of_other(other, config)
    parts = JointProgress("compare", progress, [3, 4, 8, 8])
    seen = look(model, config.layer, other, other_layer, images, parts.next())
    pairs = matching_of(seen.correlations)
    cka = _layers(config, model, other, other_layer, images, parts.next())
    shown = _shown(config, pairs, len(seen.correlations.dead))
    oips = _sweeper(oip_config, noise_config, seed, training_images, start_pictures, preprocessing, images)
    either_first = any(
        layer == convolutions(each)[:1] for each, layer in ((model, [config.layer]), (other, [other_layer]))
    )
    own, others = (
        oips(each, layer, maps[shown].tolist(), either_first, parts.next())
        for each, layer, maps in ((model, config.layer, pairs.maps), (other, other_layer, pairs.others))
    )
    count = min(config.top, len(images))
    return CompareResult(
        layer=config.layer,
        other_layer=other_layer,
        correlation=seen.correlations.values,
        by_position=seen.by_position,
        dead=seen.correlations.dead,
        other_dead=seen.correlations.other_dead,
        maps=pairs.maps,
        others=pairs.others,
        matched=pairs.correlation,
        largest=seen.means[0].max(axis=0),
        other_largest=seen.means[1].max(axis=0),
        top_indices=first_images(seen.means[0][:, pairs.maps], count),
        other_top_indices=first_images(seen.means[1][:, pairs.others], count),
        **cka._asdict(),
        labels=np.asarray(labels, np.int64),
        probabilities=seen.probabilities[0],
        other_probabilities=seen.probabilities[1],
        shown=shown,
        oips=own[0],
        other_oips=others[0],
        activation=own[1],
        other_activation=others[1],
        copies={} if copies is None else copies,
    )


class _Layers(NamedTuple):
    """Fields of the result."""

    layers: np.ndarray
    other_layers: np.ndarray
    cka: np.ndarray
    cka_images: int


def _layers(
    config: CompareConfig, model: Cnn, other: Cnn, other_layer: str, images: np.ndarray, progress: Progress
) -> _Layers:
    """Compare every convolution and dense layer of both, and the layers whose maps are matched."""
    names = _compared(model, config.layer), _compared(other, other_layer)
    total = sum(map(len, names))
    largest = max(
        math.prod(graph_of(each).shape_of(unit_of(graph_of(each), name).after))
        for each, own in zip((model, other), names, strict=True)
        for name in own
    )
    most = min(config.images, len(images), math.isqrt(MOST_IN_GRAMS // total), max(MOST_FEATURES // largest, 2))
    # spread evenly, as data may be sorted by class
    some = images[np.unique(np.linspace(0, len(images) - 1, most).round().astype(int))]
    grams: list[np.ndarray] = []
    for each, own in zip((model, other), names, strict=True):
        for name in own:
            grams.append(gram_of(features_of(each, name, some)))
            progress("compare", len(grams), total)
    found = linear_cka(grams[: len(names[0])], grams[len(names[0]) :])
    return _Layers(np.array(names[0]), np.array(names[1]), found, len(some))


def _compared(model: Cnn, layer: str) -> list[str]:
    """Return the names of the layers that are compared, in order."""
    network = describe_model(model)
    wanted = {*network.convolutions(), *network.dense(), layer}
    return [one.name for one in network.layers if one.name in wanted]


def _shown(config: CompareConfig, pairs: Matching, count: int) -> np.ndarray:
    """Return the numbers of the pairs that get OIPs: of live maps all, or those of the chosen maps."""
    if config.map_indices is None:
        return np.flatnonzero(~pairs.dead)
    for index in config.map_indices:
        if index >= count:
            takes = f"map indices 0 to {count - 1} of {config.layer}"
            raise InputError.at("compare.map_indices", takes=takes, got=index)
    return np.flatnonzero(np.isin(pairs.maps, config.map_indices) & ~pairs.dead)


def _sweeper(
    oip_config: OipConfig,
    noise_config: NoiseConfig,
    seed: int,
    training_images: np.ndarray | None,
    start_pictures: np.ndarray | None,
    preprocessing: Preprocessing,
    images: np.ndarray,
) -> Callable[[Cnn, str, list[int], bool, Progress], tuple[np.ndarray, np.ndarray]]:
    """Return what makes the OIPs of maps of a layer of a CNN: their images and activations."""
    # what real images cause in the maps is known already; they are asked where they say what pictures are like
    is_asked = oip_config.quality.spectrum is Spectrum.data or images.shape[-1] > 1 or not preprocessing.standardizes

    def sweep(
        model: Cnn, layer: str, maps: list[int], is_first: bool, progress: Progress
    ) -> tuple[np.ndarray, np.ndarray]:
        if not maps:
            return np.zeros((0, *images.shape[1:]), np.float32), np.zeros(0, np.float32)
        # before its activation function the mean of a first convolution is a weighted sum of the pixels, which shows
        # nothing
        flat = is_first and oip_config.objective is Objective.pre_activation
        config = dataclasses.replace(
            oip_config, layer=layer, map_indices=maps, direction=None, position=None,
            objective=Objective.activation if flat else oip_config.objective,
        )  # fmt: skip
        found = sweep_oips(
            config, noise_config, model, seed=seed, reference_images=images if is_asked else None,
            training_images=training_images, start_pictures=start_pictures, preprocessing=preprocessing,
            progress=progress,
        )  # fmt: skip
        return found.images, found.activation

    return sweep
