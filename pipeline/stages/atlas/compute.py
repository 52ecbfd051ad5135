"""What an atlas shows of every map beside its OIP and its statistics: other starts, evidence, a dream, other layers."""

import dataclasses
from collections.abc import Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from pipeline.core.chunks import slid_windows_of
from pipeline.core.evidence import agreement
from pipeline.core.finite import check_answers, check_weights
from pipeline.core.geometry import octave_shapes
from pipeline.core.graph import graph_of
from pipeline.core.joint_progress import JointProgress
from pipeline.core.keras_layers import describe_model
from pipeline.core.layers import Network
from pipeline.core.network import convolutions, layer_rows
from pipeline.core.objectives import part_up_to
from pipeline.core.preprocessing import STANDARDIZED, Preprocessing
from pipeline.core.references import References
from pipeline.runtime.numerics import check_keras
from pipeline.runtime.progress import Progress, no_progress
from pipeline.settings.choices import (
    Compare,
    Correction,
    DreamMethod,
    Objective,
    Spectrum,
    StepSizeSchedule,
)
from pipeline.stages.atlas.result import AtlasResult
from pipeline.stages.atlas.settings import AtlasConfig, AtlasDreamConfig
from pipeline.stages.atlas.starts import kinds_of, other_starts
from pipeline.stages.dream.octaves import field_of
from pipeline.stages.dream.settings import DreamConfig
from pipeline.stages.dream_sheet.compute import dream_sheet
from pipeline.stages.oip.compute import sweep_oips
from pipeline.stages.oip.evidence import predictions
from pipeline.stages.oip.faithful_settings import without
from pipeline.stages.oip.noise_settings import NoiseConfig
from pipeline.stages.oip.result import OipSweepResult
from pipeline.stages.oip.settings import OipConfig

if TYPE_CHECKING:
    from pipeline.core.graph import Cnn


# Of the maps of other layers so many get an OIP: all of a small CNN, those of the layers around of a deep one.
MOST_ELSEWHERE = 512


# long: it has fifteen arguments, and a field of the result for each thing that it looks at
def examine_maps(
    config: AtlasConfig,
    oip_config: OipConfig,
    noise_config: NoiseConfig,
    dream_config: DreamConfig,
    model: "Cnn",
    *,
    oips: OipSweepResult,
    seed: int,
    reference_images: np.ndarray | None = None,
    training_images: np.ndarray | None = None,
    start_pictures: np.ndarray | None = None,
    photo: np.ndarray | None = None,
    preprocessing: Preprocessing = STANDARDIZED,
    progress: Progress = no_progress,
) -> AtlasResult:
    """Look at the maps of `oip_config.layer` that have an OIP from all sides.

    The other OIPs are made as the run's own were, `config.starts` of every kind of start image, without restarts; those
    of the first convolution, if it is another layer, by the activation, as its pre-activation shows nothing.

    Args:
        config: how many starts, which wavelengths, whether other layers, and how the dreams are made.
        oip_config: the settings of the OIPs.
        noise_config: those of their start images.
        dream_config: only what all dreams have in common is read of it.
        model: the CNN that the OIPs and the statistics are of.
        oips: of the layer, as `sweep_oips` made them with these settings.
        seed: that of the OIPs.
        reference_images, training_images: see `sweep_oips`.
        start_pictures: see `sweep_oips`.
        photo: (height, width) or (height, width, 3) uint8 to dream into. No dreams for None, a layer that is no
            convolution, or a CNN with branches, which cannot slide over a photo.
        preprocessing: what the CNN takes of a picture's levels.
        progress: is told how far all of it is.
    Returns:
        What an atlas shows beside the OIPs and the statistics.
    Raises:
        InputError: a photo that is smaller than what a position of the layer sees; weights or answers that are no
            finite numbers; a Keras that is set to something else, see `check_keras`.
    """
    check_keras()
    check_weights(model)
    layer, shape = oip_config.layer, oips.images.shape[1:]
    maps = oips.map_indices[oips.map_indices >= 0].tolist()
    pictures = oips.images[oips.map_indices >= 0]
    kinds = kinds_of(config, oip_config, noise_config, maps)
    others = near(describe_model(model), layer) if config.elsewhere else []
    slides = slid_windows_of(part_up_to(model, layer)) is not None
    wants_dreams = photo is not None and layer in convolutions(model) and slides and len(maps) > 0
    parts = JointProgress("atlas", progress, [3] * len(kinds) + [1] * len(others) + [2] + [4] * wants_dreams)

    def sweep(
        oip: OipConfig, noise: NoiseConfig, real: np.ndarray | None, references: References | None = None
    ) -> OipSweepResult:
        return sweep_oips(
            oip, noise, model, seed=seed, reference_images=real, training_images=training_images, references=references,
            start_pictures=start_pictures, preprocessing=preprocessing, progress=parts.next(),
        )  # fmt: skip

    # what real images cause in the maps is known already; the largest of it is not asked for again, but where they say
    # what levels and colours pictures have
    is_asked = oip_config.quality.spectrum is Spectrum.data
    needed = reference_images if is_asked or shape[-1] > 1 or not preprocessing.standardizes else None
    driving = references_again(oips) if oip_config.faithful.is_on else None
    starts = other_starts(
        kinds, [sweep(kind.oip, kind.noise, needed, driving) for kind in kinds], config.starts, len(maps), shape
    )
    elsewhere = [
        sweep(_elsewhere(oip_config, name, is_first=name == convolutions(model)[0]), noise_config, reference_images)
        for name in others
    ]
    step = parts.next()
    predicted = predictions(model, pictures, preprocessing)
    check_answers(graph_of(model).output_name, predicted)
    step("atlas", 1, 1)
    network = _network(model)
    return AtlasResult(
        layer=layer,
        map_indices=np.array(maps, int),
        agreement=agreement(starts.other_images[0].mean(axis=-1))
        if maps and noise_config.is_random()
        else np.full(len(maps), np.nan),
        predictions=predicted,
        photo=np.zeros((0, 0), np.uint8) if photo is None else photo,
        dreams=_dreams(config.dream, dream_config, layer, model, photo, maps, seed, preprocessing, parts.next())
        if wants_dreams and photo is not None
        else np.zeros((0, 0, 0), np.uint8),
        **starts._asdict(),
        **network._asdict(),
        **_joined(elsewhere, network.layers.tolist(), shape)._asdict(),
    )


# The name by which the package exports it.
survey = examine_maps


def near(network: Network, layer: str, most: int = MOST_ELSEWHERE) -> list[str]:
    """Return the other convolutions, in order: of a deep CNN those nearest to a layer, with so many maps in all.

    Args:
        layer: one of the network's.
        most: how many maps they may have together.
    """
    names = [one.name for one in network.layers]
    others = [name for name in network.convolutions() if name != layer]
    by_distance = sorted(others, key=lambda name: abs(names.index(name) - names.index(layer)))
    totals = accumulate(network.units(name) or 0 for name in by_distance)
    chosen = {name for name, total in zip(by_distance, totals, strict=True) if total <= most}
    return [name for name in others if name in chosen]


def references_again(oips: OipSweepResult) -> References:
    """Return what a sweep has found of its maps, those of an index."""
    rows = oips.map_indices >= 0
    chosen = oips.references[rows]
    return References(oips.reference_maximum[rows], np.maximum(chosen, 0), chosen >= 0)


def _elsewhere(oip: OipConfig, layer: str, *, is_first: bool) -> OipConfig:
    """Return the settings of one OIP for every map of another layer."""
    # before its activation function the mean of a first convolution is a weighted sum of the pixels: the best picture
    # has all of its contrast at the borders, where the weights differ
    objective = Objective.activation if is_first and oip.objective is Objective.pre_activation else oip.objective
    return dataclasses.replace(
        oip, layer=layer, objective=objective, map_indices=None, direction=None, position=None, starts=1,
        faithful=without(oip.faithful),
    )  # fmt: skip


def _dreams(
    config: AtlasDreamConfig,
    dream_config: DreamConfig,
    layer: str,
    model: "Cnn",
    photo: np.ndarray,
    maps: list[int],
    seed: int,
    preprocessing: Preprocessing,
    progress: Progress,
) -> np.ndarray:
    """Return the photo dreamt by octaves towards each map: (maps, height, width) uint8, of a colour CNN in colours."""
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
        faithful=dataclasses.replace(dream_config.faithful, references=0),
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
        dataclasses.replace(settings, octaves=octaves),
        model,
        photo,
        seed=seed,
        preprocessing=preprocessing,
        progress=progress,
    ).pictures


class _Network(NamedTuple):
    """Fields of the result."""

    layers: np.ndarray
    layer_kinds: np.ndarray
    layer_shapes: np.ndarray
    receptive_fields: np.ndarray
    layer_weights: np.ndarray


def _network(model: "Cnn") -> _Network:
    return _Network(*(np.array(column) for column in zip(*layer_rows(model), strict=True)))


class _Elsewhere(NamedTuple):
    """Fields of the result."""

    elsewhere_layer: np.ndarray
    elsewhere_map: np.ndarray
    elsewhere_images: np.ndarray
    elsewhere_activation: np.ndarray
    elsewhere_maximum: np.ndarray


def _joined(sweeps: Sequence[OipSweepResult], layers: Sequence[str], shape: tuple[int, ...]) -> _Elsewhere:
    """Return the OIPs of several layers one after the other."""
    if not sweeps:
        nothing = np.zeros(0, np.float32)
        return _Elsewhere(np.zeros(0, int), np.zeros(0, int), np.zeros((0, *shape), np.float32), nothing, nothing)
    return _Elsewhere(
        np.array([layers.index(each.layer) for each in sweeps for _ in each.map_indices]),
        *(
            np.concatenate([getattr(each, name) for each in sweeps])
            for name in ("map_indices", "images", "activation", "data_maximum")
        ),
    )
