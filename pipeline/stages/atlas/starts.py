"""Other start images than the run's own, and the OIPs that grow out of them."""

import dataclasses
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from pipeline.settings.choices import StartAt, StartImage, Strategy
from pipeline.stages.atlas.settings import AtlasConfig
from pipeline.stages.oip.noise_settings import NoiseConfig
from pipeline.stages.oip.result import OipSweepResult
from pipeline.stages.oip.settings import OipConfig


class Kind(NamedTuple):
    """A kind of start image, and the settings of the OIPs that grow out of it."""

    name: str
    oip: OipConfig
    noise: NoiseConfig


def kinds_of(config: AtlasConfig, oip: OipConfig, noise: NoiseConfig, maps: list[int]) -> list[Kind]:
    """Return the run's own kind, then each of the settings that is another; none without maps."""
    if not maps:
        return []
    oip = dataclasses.replace(oip, map_indices=maps, direction=None, starts=config.starts, restarts=0)
    kinds = [Kind(noise.described, oip, noise)]
    if oip.faithful.start is StartAt.mean:
        # other waves are no other start: all begin at the mean image
        return kinds
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
            kinds.append(Kind(waves.described, plain, waves))
    return kinds


class OtherStarts(NamedTuple):
    """Fields of the result."""

    start_names: np.ndarray
    other_images: np.ndarray
    other_activation: np.ndarray


def other_starts(
    kinds: Sequence[Kind], found: Sequence[OipSweepResult], starts: int, maps: int, shape: tuple[int, ...]
) -> OtherStarts:
    """Return what came of every kind of start image, of so many starts and maps, of pictures of this side."""
    if not found:
        nothing = np.zeros((0, starts, maps, *shape), np.float32)
        return OtherStarts(np.array([], np.str_), nothing, nothing[..., 0, 0, 0])
    return OtherStarts(
        np.array([kind.name for kind in kinds]),
        np.stack([np.moveaxis(each.all_images, 1, 0) for each in found]),
        np.stack([each.all_activation.T for each in found]),
    )
